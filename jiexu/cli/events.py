"""`jiexu events`: the events of a case as the journal holds them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.options import case_id_of, opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.case.event import Hand
    from jiexu.journal.port import Reads, ReceiptRow, StoredEvent

# Where the receipt of an event stands. Of an own event: not to be sent, awaited, got; of a partner's: owed, given.
_RECEIPT = {
    "not_sent": ("不发送", "not sent"),
    "waiting": ("待对方回执", "none yet"),
    "got": ("已收回执", "got"),
    "owed": ("待发回执", "to be given"),
    "given": ("已发回执", "given"),
}


@click.command(
    help="""一案的全部事件：哪一方、序号、种类、是否无效、时间、回执、哈希。

    The events of a case: hand, seq, type, void or not, when, receipt, hash.

    \b
    例 Example:  jiexu events 01a20cf2ee29 --json
    """
)
@click.argument("case")
@with_config
@with_json
def events(case: str, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency:
        case_id = case_id_of(agency, case)
        with agency.journal.read() as read:
            receipts = _receipts(read, case_id)
            rows = [(one, *_receipt(read, one, receipts)) for one in read.case_events(case_id)]
    if as_json:
        print_json({"case": case_id, "events": [_document(*row) for row in rows]})
    else:
        _print(case_id, rows)


Place = tuple[bool, "Hand", int, bytes]
Row = tuple["StoredEvent", str, "ReceiptRow | None"]


def _receipts(read: "Reads", case_id: str) -> dict[Place, "ReceiptRow"]:
    """Receipts by what they are for. The hash too: one for other bytes is no receipt of this event."""
    found: dict[Place, ReceiptRow] = {}
    for one in read.case_receipts([case_id]):
        found.setdefault((one.given, one.hand, one.seq, one.hash), one)
    return found


def _receipt(
    read: "Reads", stored: "StoredEvent", receipts: Mapping[Place, "ReceiptRow"]
) -> tuple[str, "ReceiptRow | None"]:
    event, own = stored.event, stored.arrival is None
    receipt = receipts.get((not own, event.hand, event.seq, event.hash))
    if own:
        bundle = read.bundle_of(stored.position)
        if receipt is None and (bundle is None or bundle.bundle.destination is None):
            return "not_sent", None
        return ("waiting" if receipt is None else "got"), receipt
    return ("owed" if receipt is None or receipt.batch is None else "given"), receipt


def _document(stored: "StoredEvent", state: str, receipt: "ReceiptRow | None") -> dict[str, Any]:
    event = stored.event
    return {
        "position": stored.position,
        "hand": event.hand.value,
        "seq": event.seq,
        "type": event.type,
        "void": stored.void,
        "own": stored.arrival is None,
        "receipt": state,
        "receipt_at": receipt.recorded_at.isoformat() if receipt else None,
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": stored.recorded_at.isoformat(),
        "handled_by": event.handled_by,
        "reviewed_by": event.reviewed_by,
        "hash": event.hash.hex(),
        "event_id": event.event_id,
    }


def _print(case_id: str, rows: list[Row]) -> None:
    from jiexu.case.words import EVENT, ROLE, word
    from jiexu.cli.shown import beijing, print_table

    headings = (
        ("方", "hand"),
        ("序号", "seq"),
        ("事件", "event"),
        ("时间", "when"),
        ("回执", "receipt"),
        ("哈希", "hash"),
    )
    lang = language()
    lines = []
    for stored, state, _ in rows:
        event = stored.event
        hand = ROLE[event.hand.role].in_(lang)
        if event.hand.value != event.hand.role.value:
            hand += say("（代录）", " (attested)")
        name = word(EVENT, event.type).in_(lang) + (say("（无效）", " (void)") if stored.void else "")
        lines.append(
            [hand, str(event.seq), name, beijing(event.occurred_at), say(*_RECEIPT[state]), event.hash.hex()[:12]]
        )
    print_table(headings, lines, title=case_id)
