"""`jiexu todo`: what waits for a person: alarms, and items that failed by themselves."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import opened, opened_to_write, with_config, with_json
from jiexu.cli.texts import print_json, say
from jiexu.cli.values import STAFF

if TYPE_CHECKING:
    from jiexu.journal.port import Reads, Todo


@click.group(
    help="""等人处理的事项：告警，以及自动办理中停下的。

    What waits for a person: alarms, and what failed by itself.

    \b
    例 Examples:
      jiexu todo list
      jiexu todo clear 7 --by D0117
    """
)
def todo() -> None:
    """The group; see its help."""


@todo.command(
    "list",
    help="""列出事项；! 告警，· 停下的，✓ 已处理。The items: ! alarm, · failed, ✓ dealt with.

    \b
    例 Example:  jiexu todo list --all --json
    """,
)
@click.option("--all", "everything", is_flag=True, help="含已处理的 cleared ones too.")
@with_config
@with_json
def list_todo(everything: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.read() as read:
        rows = read.todos() + (read.todos(cleared=True) if everything else [])
        by = _cleared_by(read) if everything else {}
    documents = [_document(row, by) for row in rows]
    if as_json:
        print_json(documents)
        return
    if not rows:
        click.echo(say("没有等人处理的事项。", "Nothing waits for a person."))
    from jiexu.cli.shown import beijing, said

    for row, document in zip(rows, documents, strict=True):
        mark = "✓" if row.cleared_at else "!" if row.kind == "alarm" else "·"
        case = f" {row.case_id}" if row.case_id else ""
        who = f" {document['cleared_by']}" if document["cleared_by"] else ""
        click.echo(f"{mark} {row.id} {beijing(row.raised_at)} {row.code}{case} {said(row.zh, row.en)}{who}")


@todo.command(
    help="""登记已处理；有案件的，该案件随即重新查看，本地平台拒绝的操作随即重试；再被拒绝的，再列为事项。

    Record that an item was dealt with, and by whom; its case is looked at again, and what the local platform refused is
    tried again: refused once more, it waits once more.

    \b
    例 Example:  jiexu todo clear 7 --by D0117
    """
)
@click.argument("number", metavar="ID", type=int)
@click.option("--by", type=STAFF, required=True, help="工号 staff number.")
@with_config
@with_json
def clear(number: int, by: str, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.service.todos import clear as clear_item

    with opened_to_write(config_file) as agency, agency.journal.write() as write:
        row = next((one for one in write.todos() if one.id == number), None)
        if row is None:
            raise Failure(
                "unknown_item",
                f"没有待处理事项 {number}，请看 jiexu todo list",
                f"no item {number} waits: see jiexu todo list",
                NO,
            )
        about = clear_item(write, row, by)
    if as_json:
        print_json(about)
    else:
        click.echo(say(f"事项 {number} 已由 {by} 处理", f"item {number} was dealt with by {by}"))


def _cleared_by(read: "Reads") -> dict[tuple[int, str], str]:
    """Who cleared an item, by its number and the moment: after a rebuild the numbers begin anew, the facts stay."""
    from jiexu.service.todos import CLEARED

    found = {}
    for fact in read.facts(CLEARED):
        about = json.loads(fact.data)
        found[about["id"], fact.recorded_at.isoformat() if fact.recorded_at else ""] = str(about["by"])
    return found


def _document(row: "Todo", by: dict[tuple[int, str], str]) -> dict[str, Any]:
    from jiexu.cli.shown import iso
    from jiexu.service.logs import mask

    cleared_at = iso(row.cleared_at)
    return {
        "id": row.id,
        "kind": row.kind,
        "code": row.code,
        "case": row.case_id,
        "zh": mask(row.zh),
        "en": mask(row.en),
        "raised_at": iso(row.raised_at),
        "cleared_at": cleared_at,
        "cleared_by": by.get((row.id, cleared_at)) if cleared_at else None,
    }
