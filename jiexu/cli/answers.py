"""The counter's answers as people and programs read them: the outcome, every ground, who can cure it and how."""

from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.rules.checks import Verdict
    from jiexu.service.counter import Lodged

# outcome: in words. `passes` is the dry run's: nothing was lodged.
OUTCOMES = {
    "lodged": ("已受理申请", "lodged"),
    "passes": ("符合条件，可以申请", "may be lodged"),
    "refused": ("窗口不予受理", "refused at the counter"),
    "turned_back": ("退回", "turned back"),
    "bad_row": ("有误", "bad row"),
}
WELL = ("lodged", "passes")
_CURERS = {
    "person": ("本人", "the person"),
    "employer": ("单位", "the employer"),
    "outbound_agency": ("转出地经办机构", "the outbound agency"),
    "inbound_agency": ("转入地经办机构", "the inbound agency"),
}


def answer_document(answer: "Lodged", dry: bool = False) -> dict[str, Any]:
    """The answer as plain values. `grounds` stand in the way; `notices` do not, but somebody should know."""
    from jiexu.rules.checks import Outcome, refusals

    verdicts = {verdict.code: verdict for verdict in answer.verdicts}
    grounds = [
        {
            "code": ground.code,
            "zh": ground.zh,
            "en": ground.en,
            "todo_zh": ground.todo_zh,
            "todo_en": ground.todo_en,
            "who": _who(verdicts.get(ground.code)),
        }
        for ground in answer.grounds
    ]
    grounds += [_verdict(verdict) for verdict in refusals(answer.verdicts)]
    return {
        "outcome": "passes" if dry and answer.outcome == "lodged" else answer.outcome,
        "case": answer.case_id,
        "grounds": grounds,
        "notices": [_verdict(v) for v in answer.verdicts if v.outcome is Outcome.NOTICE],
    }


def _verdict(verdict: "Verdict") -> dict[str, Any]:
    cure = verdict.cure
    return {
        "code": verdict.code,
        "zh": verdict.zh,
        "en": verdict.en,
        "todo_zh": cure.zh if cure else "",
        "todo_en": cure.en if cure else "",
        "who": _who(verdict),
    }


def _who(verdict: "Verdict | None") -> list[str]:
    return [curer.value for curer in verdict.cure.by] if verdict is not None and verdict.cure else []


def show_answer(answer: "Lodged", as_json: bool, dry: bool = False) -> int:
    """Print one answer; returns the exit code."""
    document = answer_document(answer, dry)
    if as_json:
        print_json(document)
    else:
        click.echo(say(*OUTCOMES[document["outcome"]]) + (f" {answer.case_id}" if answer.case_id else ""))
        for ground in document["grounds"]:
            _show_ground(ground)
        for notice in document["notices"]:
            click.echo(say("  提示：", "  notice:"))
            _show_ground(notice)
        if answer.outcome == "lodged" and not dry:
            click.echo(say(f"接下来：jiexu status {answer.case_id}", f"next: jiexu status {answer.case_id}"))
    return 0 if answer.outcome == "lodged" else NO


def _show_ground(ground: dict[str, Any]) -> None:
    lang = language()
    click.echo(f"  {ground['code']} {ground[lang]}")
    if todo := ground[f"todo_{lang}"]:
        who = say("、", ", ").join(say(*_CURERS[name]) for name in ground["who"])
        by = say(f"（{who}）", f" ({who})") if who else ""
        click.echo(say(f"    怎么办{by}：{todo}", f"    what to do{by}: {todo}"))
