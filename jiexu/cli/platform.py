"""`jiexu platform`: what the local platform has done for a case."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.options import case_id_of, opened, with_config, with_json
from jiexu.cli.texts import language, print_json

if TYPE_CHECKING:
    from jiexu.region.platform import DoneAct


@click.command(
    help="""本地平台就一案办过什么：办理键、内容、时间。与 jiexu events 对照，可见哪些办理没有事件记载。

    What the local platform has done for a case: key, value, time. Beside `jiexu events` it shows what no event
    reports.

    \b
    例 Example:  jiexu platform 01a20cf2ee29 --json
    """
)
@click.argument("case")
@with_config
@with_json
def platform(case: str, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency:
        case_id = case_id_of(agency, case)
        acts = agency.platform.acts_of(case_id)
    if as_json:
        print_json({"case": case_id, "acts": [_document(one) for one in acts]})
    else:
        _print(case_id, acts)


def _document(one: "DoneAct") -> dict[str, Any]:
    return {
        "step": one.key.step,
        "n": one.key.n,
        "act": one.act,
        "value": one.value,
        "done_at": one.done_at.isoformat(),
    }


def _print(case_id: str, acts: "list[DoneAct]") -> None:
    from jiexu.case.words import PLATFORM_ACT, word
    from jiexu.cli.shown import beijing, print_table

    rows = [
        [
            beijing(one.done_at),
            word(PLATFORM_ACT, one.act).in_(language()),
            one.stated,
            f"{one.key.step}/{one.key.n}",
        ]
        for one in acts
    ]
    headings = (("时间", "when"), ("办理", "act"), ("内容", "value"), ("键", "key"))
    print_table(headings, rows, title=case_id)
