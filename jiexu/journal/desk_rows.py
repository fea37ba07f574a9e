"""How what waits stands in its tables: held events, parked records, todo."""

import hashlib
import json
from collections.abc import Sequence

from jiexu.journal.columns import HANDS, instant, instant_or_none
from jiexu.journal.dialect import Row
from jiexu.journal.port import Arrival, DisclosureRow, HeldEvent, ParkedRecord, Todo

HELD = (
    "SELECT id, case_id, hand, seq, hash, issuer, reason, bytes, skeleton, disclosures,"
    " topic, topic_partition, topic_offset, appended_at, held_at FROM held"
)
PARKED = (
    "SELECT id, topic, topic_partition, topic_offset, appended_at, bytes, code, zh, en, sender, parked_at,"
    " settled FROM parked"
)
TODO = "SELECT id, kind, code, case_id, zh, en, data, raised_at, cleared_at FROM todo"


def held_row(row: Row) -> HeldEvent:
    """A row of `HELD`."""
    return HeldEvent(
        id=row[0],
        case_id=bytes(row[1]).hex(),
        hand=HANDS[row[2]],
        seq=row[3],
        hash=bytes(row[4]),
        issuer=row[5],
        reason=row[6],
        bytes=bytes(row[7]),
        skeleton=bytes(row[8]),
        disclosures=disclosures_of(row[9]),
        arrival=Arrival(row[10], row[11], row[12], instant(row[13])),
        held_at=instant(row[14]),
    )


def parked_row(row: Row) -> ParkedRecord:
    """A row of `PARKED`."""
    arrival = Arrival(row[1], row[2], row[3], instant(row[4]))
    return ParkedRecord(
        id=row[0],
        arrival=arrival,
        bytes=bytes(row[5]),
        code=row[6],
        zh=row[7],
        en=row[8],
        sender=row[9],
        parked_at=instant(row[10]),
        settled=row[11],
    )


def todo_row(row: Row) -> Todo:
    """A row of `TODO`."""
    id_, kind, code, case_id, zh, en, data, raised_at, cleared_at = row
    case = None if case_id is None else bytes(case_id).hex()
    return Todo(id_, kind, code, case, zh, en, data, instant(raised_at), instant_or_none(cleared_at))


def disclosures_text(rows: Sequence[DisclosureRow]) -> str:
    """Disclosures that wait with their event, as JSON text: they leave the journal together."""
    return json.dumps(
        [[row.case_id, row.event_id, row.field, row.salt and row.salt.hex(), row.value] for row in rows],
        ensure_ascii=False,
    )


def disclosures_of(text: str) -> tuple[DisclosureRow, ...]:
    """The disclosures of such a text."""
    return tuple(
        DisclosureRow(case_id, event_id, field, salt and bytes.fromhex(salt), value)
        for case_id, event_id, field, salt, value in json.loads(text)
    )


def same_todo(kind: str, code: str, case_id: str | None, data: str) -> bytes:
    """What makes two items one, in a length that an index takes."""
    return hashlib.sha256(json.dumps([kind, code, case_id, data]).encode()).digest()
