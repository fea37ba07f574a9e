"""Acts that no event reports (平台已办而案件无记载): journal and ledger lost their claim, or it was freed too early.

The platform keeps what it did under the act's key and refuses another content there (`key_reused`). What sets a state
is set anew (重新办理): a clerk has it done under the next key, whatever stood before. What moves money is told as it
moved: a clerk names the amount, the same act is repeated under the same key, and its event comes after all. Either way
a paused copy sets nothing back: the key that it still has in hand is used.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jiexu.case.words import PLATFORM_ACT, word
from jiexu.region.platform import Act, ActKey, DoneAct, Refused
from jiexu.service.agency import BEIJING, Agency
from jiexu.service.work import Decision, ForClerk, Work

SETTING = ("Debit", "RecordMonths")
"""Acts that set a state: done again with another content they replace it."""


def act_key(case_id: str, step: str, n: object, spec: Mapping[str, Any]) -> ActKey:
    """The key of a claim's act; `again` counts how often it was done before without an event that reports it."""
    again = spec.get("again")
    return ActKey(case_id, step, f"{n}.{again}" if again else str(n))


def anew(agency: Agency, work: Work, decision: Decision) -> Decision | ForClerk:
    """The decision with its act under a key that the platform has not used."""
    (spec,) = decision.acts or ({"act": ""},)
    done = [one for one in agency.platform.acts_of(work.case_id) if one.act == spec["act"]]
    if spec["act"] not in SETTING or not done:
        zh = "平台就此没有办过需要重新办理的内容，请不带 --anew 办理"
        en = "the platform has done nothing here that could be set anew: act without --anew"
        return ForClerk(decision.step, "nothing_to_replace", zh, en)
    return replace(decision, acts=({**spec, "again": len(done)},))


def told(agency: Agency, act: Act, why: Refused) -> Refused:
    """A refusal with what the platform has done under that key, and how a clerk gets past it."""
    if why.code != "key_reused":
        return why
    done = next((one for one in agency.platform.acts_of(act.key.case_id) if _same(one, act)), None)
    zh, en = _way(act)
    if done is not None:
        name, at = word(PLATFORM_ACT, done.act), done.done_at.astimezone(BEIJING)
        zh = f"平台已于 {at:%Y-%m-%d %H:%M} 办理：{name.zh}（{done.stated}）。{zh}"
        en = f"The platform did it at {at:%Y-%m-%d %H:%M} (Beijing): {name.en} ({done.stated}). {en}"
    return replace(why, zh=f"{why.zh}{zh}", en=f"{why.en} {en}")


def _same(done: DoneAct, act: Act) -> bool:
    return done.key == act.key and done.act == type(act).__name__


def _way(act: Act) -> tuple[str, str]:
    if type(act).__name__ in SETTING:
        return (
            "核对后以 --anew 重新办理，按现状替换。",
            "Compare, then act with --anew: what it set is replaced.",
        )
    return (
        "核对后按平台或银行已办的金额办理，补记事件。",
        "Compare, then act with the very amount that the platform or the bank has: its event comes after all.",
    )
