"""`jiexu sent`: what was sent, or is to be sent, and has no receipt yet; partners from whom nothing comes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO
from jiexu.cli.options import opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.case.event import Party
    from jiexu.journal.port import Reads, Unreceipted
    from jiexu.service.silence import Gap


@click.command(
    help="""尚无回执的事件：每一个“已发出”都须有“已收到”。没有回执的，会自动再发。对方已发、本方缺的，列为缺口。

    Events without a receipt: every sent must meet a received. What has none is sent again by itself. A partner is
    silent if nothing at all came from it since the oldest event that is too old. A gap is what a partner has issued
    and we do not have, while something later is here.

    \b
    例 Example:  jiexu sent --older-than 24 --json
    退出码为 1：有超过时限的。Exit code 1: something is older than the limit.
    """
)
@click.option(
    "--older-than",
    "hours",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="小时，超过即为问题 hours after which it is a problem.",
)
@with_config
@with_json
def sent(hours: float, config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.service.silence import gaps

    with opened(config_file) as agency:
        now = agency.clock()
        with agency.journal.read() as read:
            waiting = read.unreceipted()
            late = [one for one in waiting if _hours(one, now) > hours]
            oldest: dict[Party, Unreceipted] = {}
            for one in late:
                oldest.setdefault(one.destination, one)
            heard = _heard(read, {peer: one.position for peer, one in oldest.items()})
            missing = gaps(read)
    partners = [
        {
            "partner": str(peer),
            "late": sum(one.destination == peer for one in late),
            "since": first.recorded_at.isoformat(),
            "heard_at": heard[peer].isoformat() if peer in heard else None,
            "silent": peer not in heard,
        }
        for peer, first in sorted(oldest.items(), key=lambda item: str(item[0]))
    ]
    if as_json:
        rows = [_document(one, now, hours) for one in waiting]
        print_json(
            {
                "without_receipt": rows,
                "late": len(late),
                "limit_hours": hours,
                "partners": partners,
                "gaps": [_gap_document(gap) for gap in missing],
            }
        )
        return NO if late or any(_since(gap, now) > hours for gap in missing) else 0
    for gap in missing:
        _print_gap(gap, now)
    if not waiting:
        click.echo(say("每一个发出的事件都有回执。", "Every event that was sent has its receipt."))
    else:
        _print(waiting, late, now)
        _print_partners(oldest, heard)
        if any(one.times == 0 for one in late):
            click.echo(
                say(
                    "有的尚未发出：本方服务是否运行、交换是否可达？请运行 jiexu doctor。",
                    "Some were not sent yet: does our service run, is the exchange reachable? Run jiexu doctor.",
                )
            )
    return NO if late or any(_since(gap, now) > hours for gap in missing) else 0


def _heard(read: "Reads", since: Mapping["Party", int]) -> dict["Party", datetime]:
    """When something last came from each party; absent where nothing came after its position."""
    from jiexu.service.silence import last_heard

    heard: dict[Party, datetime] = {}
    for role in {peer.role.other for peer in since}:
        owing = {peer: position for peer, position in since.items() if peer.role is role.other}
        for peer, position in last_heard(read, role, owing).items():
            at = read.recorded_at(position)
            assert at is not None, "something stands there"
            heard[peer] = at
    return heard


def _since(gap: "Gap", now: datetime) -> float:
    return (now - gap.since).total_seconds() / 3600


def _gap_document(gap: "Gap") -> dict[str, Any]:
    return {
        "case": gap.case_id,
        "from": gap.partner,
        "hand": gap.hand.value,
        "first": gap.first,
        "last": gap.last,
        "since": gap.since.isoformat(),
    }


def _print_gap(gap: "Gap", now: datetime) -> None:
    seqs = f"#{gap.first}" if gap.first == gap.last else f"#{gap.first}–#{gap.last}"
    hours = _since(gap, now)
    zh = f"缺口：案件 {gap.case_id[:12]} 缺 {gap.partner} 的 {seqs}，其后的已到，已等 {hours:.1f} 小时；请对方再发。"
    en = (
        f"Gap: {seqs} of {gap.partner} in case {gap.case_id[:12]} did not come, later ones did, {hours:.1f} h ago; "
        "ask the partner to send it again."
    )
    click.echo(say(zh, en))


def _hours(one: "Unreceipted", now: datetime) -> float:
    return (now - one.recorded_at).total_seconds() / 3600


def _document(one: "Unreceipted", now: datetime, limit: float) -> dict[str, Any]:
    return {
        "case": one.case_id,
        "hand": one.hand.value,
        "seq": one.seq,
        "type": one.type,
        "to": str(one.destination),
        "recorded_at": one.recorded_at.isoformat(),
        "last_sent_at": one.last_sent_at.isoformat() if one.last_sent_at else None,
        "times": one.times,
        "hours": round(_hours(one, now), 2),
        "late": _hours(one, now) > limit,
    }


def _print(waiting: Sequence["Unreceipted"], late: Sequence["Unreceipted"], now: datetime) -> None:
    from jiexu.case.words import EVENT, word
    from jiexu.cli.shown import beijing, print_table

    headings = (
        ("案件", "case"),
        ("事件", "event"),
        ("发往", "to"),
        ("已等小时", "hours"),
        ("已发次数", "times sent"),
        ("最近一次", "last sent"),
    )
    overdue = {one.position for one in late}
    lines = [
        [
            one.case_id[:12],
            f"{word(EVENT, one.type).in_(language())} #{one.seq}",
            str(one.destination),
            f"{_hours(one, now):.1f}{' !' if one.position in overdue else ''}",
            str(one.times),
            beijing(one.last_sent_at) if one.last_sent_at else say("尚未", "not yet"),
        ]
        for one in waiting
    ]
    print_table(headings, lines)


def _print_partners(oldest: Mapping["Party", "Unreceipted"], heard: Mapping["Party", datetime]) -> None:
    from jiexu.cli.shown import beijing

    for peer, first in sorted(oldest.items(), key=lambda item: str(item[0])):
        if peer in heard:
            at = beijing(heard[peer])
            zh = f"{peer} 仍有来函（最近 {at}），但有超时未回执的；请与对方核对是否搁置。"
            en = f"{peer} is alive (last heard {at}), but owes receipts: ask whether it has parked them."
        else:
            at = beijing(first.recorded_at)
            zh = f"{peer} 自 {at} 起没有任何来函；请电话联系其信息科，并看其服务是否运行。"
            en = f"{peer} is silent: nothing came from it since {at}. Call its engineers: is its service running?"
        click.echo(say(zh, en))
