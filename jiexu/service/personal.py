"""Personal values beside the ledger: a compacted topic, one record per event, so that a value can be erased.

The ledger holds no personal value, so a rebuild from it alone could not go on with a case: whom it is about stands
here. The ledger's follower writes the values of events and claims here before it writes their lines there, so that
whatever the ledger gives back is complete. A record's key is the event's id; the last record of a key counts;
compaction removes what an erasure replaced.
"""

import json
from collections.abc import Iterable, Sequence

from jiexu.contract.codec import decode_body
from jiexu.contract.disclosure import Disclosure, check_disclosures, check_values
from jiexu.exchange.port import Outgoing
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import DisclosureRow, LogLine, Reads, Writes
from jiexu.service.agency import Agency

LATE = "personal_late"
"""Note: positions of events whose values came after their lines had gone to the ledger."""


def records_of(region: str, read: Reads, lines: Sequence[LogLine]) -> tuple[list[Outgoing], list[int]]:
    """The values of the events and claims among these lines, and those that came late, whose positions are returned."""
    late = json.loads(read.note(LATE) or "[]")
    rows = read.disclosures_at([*late, *(line.position for line in lines if line.kind == "event")])
    rows += read.disclosures_claimed([line.position for line in lines if line.kind == "claim"])
    by_event: dict[str, list[DisclosureRow]] = {}
    for row in rows:
        by_event.setdefault(row.event_id, []).append(row)
    topic = topic_name(region, Purpose.PERSONAL)
    return [Outgoing(topic, 0, bytes.fromhex(event_id), _value(of)) for event_id, of in by_event.items()], late


def note_late(write: Writes, position: int) -> None:
    """Values of an event have come that stands already: they go to the topic with the next lines."""
    write.set_note(LATE, json.dumps(sorted({*json.loads(write.note(LATE) or "[]"), position})))


def forget_late(write: Writes, sent: Sequence[int]) -> None:
    """What came late is on the topic now."""
    left = [position for position in json.loads(write.note(LATE) or "[]") if position not in sent]
    write.set_note(LATE, json.dumps(left))


def _value(rows: Iterable[DisclosureRow]) -> bytes:
    kept = [[r.field, r.salt.hex(), r.value] for r in rows if r.salt is not None and r.value is not None]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def take_back(agency: Agency, write: Writes) -> int:
    """After a rebuild: the values of the topic into the journal, each held against the digest in its event or claim."""
    last: dict[str, bytes] = {}
    topic = topic_name(agency.region, Purpose.PERSONAL)
    for record in agency.exchange.read(topic, None):
        if record.key is not None:
            last[record.key.hex()] = record.value
    plans = [(claim.claim.case_id, json.loads(claim.claim.plan)) for claim in write.open_claims()]
    claimed = {plan["event_id"]: (case_id, plan) for case_id, plan in plans if "event_id" in plan}
    taken = 0
    for event_id, value in last.items():
        if not value:
            continue
        given = [Disclosure(0, field, bytes.fromhex(salt), text) for field, salt, text in json.loads(value)]
        if event_id in claimed:
            case_id, plan = claimed[event_id]
            body = decode_body(bytes.fromhex(plan["body"]))
            fits = check_values(case_id, event_id, plan["type"], body, given).accepted
        else:
            stored = write.event_by_id(event_id)
            if stored is None:
                continue
            case_id, fits = stored.event.case_id, check_disclosures(stored.event, given).accepted
        write.disclose([DisclosureRow(case_id, event_id, d.field, d.salt, d.value) for d in fits])
        taken += len(fits)
    return taken
