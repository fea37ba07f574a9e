"""`jiexu events`: the events of a case as the journal holds them."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from jiexu.cli.options import case_id_of, opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say


@click.command(
    help="""一案的全部事件：序号、种类、哈希、是否无效、回执。

    The events of a case: place in the hand, type, hash, void or not, receipt.

    \b
    例 Example:  jiexu events 01a20cf2ee29 --json
    """
)
@click.argument("case")
@with_config
@with_json
def events(case: str, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.case.words import EVENT, word

    with opened(config_file) as agency:
        case_id = case_id_of(agency, case)
        with agency.journal.read() as read:
            stored = read.case_events(case_id)
            receipted = {(r.hand, r.seq) for r in read.case_receipts([case_id]) if not r.given}
    rows = [
        {
            "position": one.position,
            "hand": one.event.hand.value,
            "seq": one.event.seq,
            "type": one.event.type,
            "void": one.void,
            "own": one.arrival is None,
            "receipted": (one.event.hand, one.event.seq) in receipted if one.arrival is None else None,
            "occurred_at": one.event.occurred_at.isoformat(),
            "recorded_at": one.recorded_at.isoformat(),
            "handled_by": one.event.handled_by,
            "reviewed_by": one.event.reviewed_by,
            "hash": one.event.hash.hex(),
            "event_id": one.event.event_id,
        }
        for one in stored
    ]
    if as_json:
        print_json({"case": case_id, "events": rows})
        return
    table = Table(title=case_id)
    for zh, en in (
        ("方", "hand"),
        ("序号", "seq"),
        ("事件", "event"),
        ("时间", "when"),
        ("回执", "receipt"),
        ("哈希", "hash"),
    ):
        table.add_column(say(zh, en))
    for row in rows:
        receipt = "" if row["own"] is False else "✓" if row["receipted"] else say("待回执", "none yet")
        name = word(EVENT, str(row["type"])).in_(language()) + (say("（无效）", " (void)") if row["void"] else "")
        table.add_row(
            str(row["hand"]), str(row["seq"]), name, str(row["occurred_at"])[:19], receipt, str(row["hash"])[:16]
        )
    Console().print(table)
