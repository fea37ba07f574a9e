"""Personal values beside the ledger: a compacted topic, one record per event, so that a value can be erased.

The ledger holds no personal value, so a rebuild from it alone could not go on with a case: whom it is about stands
here. A record's key is the event's id; the last record of a key counts; compaction removes what an erasure replaced.
"""

import json
from collections.abc import Iterable

from jiexu.contract.disclosure import Disclosure, check_disclosures
from jiexu.exchange.port import ExchangeError, Outgoing
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import DisclosureRow, Moved, Writes
from jiexu.service.agency import Agency
from jiexu.service.followers import LEDGER_CURSOR

CURSOR = "personal"
_EVENTS_A_TURN = 2_000


class Personal:
    """Carries the disclosures of new events to the topic of personal values."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.topic = topic_name(agency.region, Purpose.PERSONAL)

    def turn(self) -> int:
        """Send those of the next events; returns how many events were looked at, 0 while the exchange is away."""
        agency = self.agency
        with agency.journal.read() as read:
            stands, safe = read.cursor(CURSOR), read.cursor(LEDGER_CURSOR)
            events = [e for e in read.index(stands, _EVENTS_A_TURN) if e.position <= safe]
            if not events:
                return 0
            by_event: dict[str, list[DisclosureRow]] = {}
            for row in read.disclosures_at([e.position for e in events]):
                by_event.setdefault(row.event_id, []).append(row)
        records = [
            Outgoing(self.topic, 0, bytes.fromhex(event_id), _value(rows)) for event_id, rows in by_event.items()
        ]
        try:
            if records:
                agency.producer.send(records)
        except ExchangeError:
            return 0
        agency.fault("personal.sent")
        try:
            with agency.journal.write() as write:
                write.move_cursor(CURSOR, stands, events[-1].position)
        except Moved:
            pass  # another process of this region sent the same; the last record of a key counts
        return len(events)


def _value(rows: Iterable[DisclosureRow]) -> bytes:
    kept = [[r.field, r.salt.hex(), r.value] for r in rows if r.salt is not None and r.value is not None]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def take_back(agency: Agency, write: Writes) -> int:
    """After a rebuild: the values of the topic into the journal, each held against its event's digest."""
    last: dict[str, bytes] = {}
    topic = topic_name(agency.region, Purpose.PERSONAL)
    for record in agency.exchange.read(topic, None):
        if record.key is not None:
            last[record.key.hex()] = record.value
    taken = 0
    for event_id, value in last.items():
        stored = write.event_by_id(event_id)
        if stored is None or not value:
            continue
        given = [Disclosure(0, field, bytes.fromhex(salt), text) for field, salt, text in json.loads(value)]
        fits = check_disclosures(stored.event, given).accepted
        write.disclose([DisclosureRow(stored.event.case_id, event_id, d.field, d.salt, d.value) for d in fits])
        taken += len(fits)
    return taken
