"""What is in hand while a batch is taken in: its cases, and the lines that they will be.

What is placed stands in the cases at once and is written by `flush`, all events together, then their receipts, then
the bundles: a line each, one statement for many. Until then nothing else may write lines.
"""

import json
from collections.abc import Iterable, Sequence

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Event, Hand, Role
from jiexu.journal.port import Arrival, DisclosureRow, NewBundle, NewEvent, ReceiptRow, Writes
from jiexu.service.agency import Agency
from jiexu.service.changes import Change, note_changes
from jiexu.service.opening import OpenedBundle

# Events that name a payment: the kind of reference, and the field of the body that holds it.
REFERENCES = {"BalanceRemitted": ("remittance", "reference"), "BalanceReturned": ("return", "return_reference")}


class InHand:
    """The cases and the lines of one transaction of intake."""

    def __init__(self, agency: Agency, role: Role, write: Writes) -> None:
        self.agency = agency
        self.role = role
        self.write = write
        self._cases: dict[str, Case | None] = {}
        self._heads: dict[str, int] = {}
        self._waiting: set[str] = set()  # cases in which events are held
        self._asked: set[str] = set()  # event ids that were looked for in the journal
        self._used: set[str] = set()  # those that were found there, or placed here
        self._new: dict[tuple[str, Hand, int], int] = {}  # places that were filled here, with their positions
        self._appended = 0
        self._events: list[NewEvent] = []
        self._receipts: list[ReceiptRow] = []
        self._bundles: list[NewBundle] = []
        self._values: list[DisclosureRow] = []
        self._changed: dict[str, str | None] = {}  # cases, with the person's key where it has become known
        self._money: list[Event] = []

    def expect(self, bundles: Iterable[OpenedBundle]) -> None:
        """Look up in bulk what placing these bundles will ask for."""
        events = [event for bundle in bundles for event in bundle.events]
        self._load(list(dict.fromkeys(event.case_id for event in events)))
        self._look_for([event.event_id for event in events])

    def flush(self) -> None:
        """Write what was placed."""
        write, region = self.write, self.agency.region
        positions = write.append(self._events)
        for new, position in zip(self._events, positions, strict=True):
            assert self._new[new.event.case_id, new.event.hand, new.event.seq] == position, "nothing else was written"
            self._heads[new.event.case_id] = position
        write.append_receipts(self._receipts)
        write.append_bundles(self._bundles)
        write.disclose(self._values)
        changes = []
        for case_id, key in self._changed.items():
            case = self._case(case_id)
            assert case is not None, "a case that changed is in hand"
            self.agency.book.keep(case, self._heads[case_id])
            changes.append(Change(case, self._heads[case_id], key))
        note_changes(write, region, changes)
        for change in changes:
            self._take_free_row(change)
        for event in self._money:
            self._flag_reference(event)
        for pending in (self._events, self._receipts, self._bundles, self._values, self._changed, self._money):
            pending.clear()

    def _take_free_row(self, change: Change) -> None:
        """A person who has become known takes the row where it is free."""
        case, key = change.case, change.person_key
        if key is None or self.role is not Role.OUTBOUND or case.application is None or not case.view.holds_row:
            return
        scheme = case.application.body["from_scheme"]
        if self.write.row_holder(key, scheme) is None:
            self.write.take_row(key, scheme, case.case_id)

    def _flag_reference(self, event: Event) -> None:
        """Each region numbers its own payments; one that stands in two cases is a finding."""
        kind, field = REFERENCES[event.type]
        others = set(self.write.cases_of_reference(kind, event.body[field])) - {event.case_id}
        if others:
            zh = f"该笔款项编号已用于另一案（{sorted(others)[0]}）；请向对方查询"
            en = f"this payment reference stands in another case ({sorted(others)[0]}) too: query it"
            self._alarm("reference_reused", event, zh, en)

    def _add(self, new: NewEvent) -> int:
        """An event that has its place now; returns the position that it will have."""
        event = new.event
        position = self.write.last_position() + len(self._events) + 1
        self._events.append(new)
        self._appended += 1
        self._new[event.case_id, event.hand, event.seq] = position
        self._used.add(event.event_id)
        return position

    def _give_receipt(self, event: Event, arrival: Arrival) -> None:
        case = self._case(event.case_id)
        own = case.last.get(OWN_HAND[self.role]) if case else None
        self._receipts.append(
            ReceiptRow(
                given=True,
                peer=event.issuer,
                case_id=event.case_id,
                hand=event.hand,
                seq=event.seq,
                hash=event.hash,
                arrival=arrival,
                recorded_at=self.write.now,
                own_last_seq=own.seq if own else 0,
            )
        )

    def _alarm(self, code: str, event: Event, zh: str, en: str, lost: bool = False) -> None:
        """Raise it in the event's case, if that is here or may have been `lost`: anyone can name a case."""
        data = json.dumps({"type": event.type, "hand": event.hand, "seq": event.seq, "hash": event.hash.hex()})
        case_id = event.case_id if lost or self._case(event.case_id) is not None else None
        self.write.raise_todo("alarm", code, case_id, zh, en, data)

    # --- what is in hand

    def _case(self, case_id: str) -> Case | None:
        """The case with what was placed here; None where it has no event."""
        if case_id not in self._cases:
            self._load([case_id])
        return self._cases[case_id]

    def _event_at(self, event: Event) -> Event | None:
        """What stands at the place of an event."""
        case = self._case(event.case_id)
        found = case.times.get((event.hand.role, event.seq)) if case else None
        return found if found is not None and found.hand is event.hand else None

    def _load(self, case_ids: Sequence[str]) -> None:
        wanted = [case_id for case_id in case_ids if case_id not in self._cases]
        if not wanted:
            return
        known = self.agency.book.load(self.write, wanted)
        for case_id in wanted:
            one = known.get(case_id)
            self._cases[case_id] = one.case if one else None
            self._heads[case_id] = one.position if one else 0
        self._waiting |= self.write.held_cases(wanted)

    def _look_for(self, event_ids: Sequence[str]) -> None:
        wanted = [event_id for event_id in event_ids if event_id not in self._asked]
        if wanted:
            self._used |= self.write.known_event_ids(wanted)
            self._asked.update(wanted)
