"""The timeline of a case (domain.md §10): who did what when, what became due, and who had to act afterwards.

The order is the same for both sides: of the next events of the two hands, the earlier by its issuer's clock, and
never before what its issuer had seen. So a clock that runs wrong cannot put an answer before its question.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jiexu.case.case import Case
from jiexu.case.event import Event, Hand, Role
from jiexu.case.obligations import Obligation, Track
from jiexu.case.words import EVENT, STATUS, Word, word
from jiexu.journal.port import StoredEvent
from jiexu.service.agency import Agency
from jiexu.service.case_view import CaseUnknown
from jiexu.service.clocks import ClockView, clock_view
from jiexu.service.deadlines import due_obligations
from jiexu.service.dossier import Dossier, Place, dossiers
from jiexu.service.plain import plain
from jiexu.service.telling import details


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `receipt` is `received` for the other side's events; for own ones `arrived` when the receipt is
    here, `awaited` until then, `not_sent` where the case never leaves the counter.

    `received_at` is when it reached the other side's mailbox. `crossed` names the other hand's events that crossed
    with it on the way: neither issuer had seen the other's. `starts` are the clocks that came with it, `holders` who
    must act after it, per track, None where nobody.
    """

    at: datetime
    who: Place
    hand: Hand
    seq: int
    event_id: str
    office: str
    handled_by: str
    reviewed_by: str | None
    type: str
    word: Word
    details: tuple[Word, ...]
    void: bool
    receipt: str
    received_at: datetime | None
    crossed: tuple[int, ...]
    starts: tuple[ClockView, ...]
    status: str
    status_word: Word
    holders: dict[Track, ClockView | None]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A case's events in time order."""

    case_id: str
    person: Word
    us: Role
    parties: dict[Role, Place]
    status: str
    status_word: Word
    entries: tuple[Entry, ...]

    def document(self) -> dict[str, Any]:
        """The timeline as plain JSON values."""
        document: dict[str, Any] = plain(self)
        return document


def timeline(agency: Agency, case_id: str) -> Timeline:
    """The timeline of a case. Raises CaseUnknown."""
    with agency.journal.read() as read:
        found = dossiers(agency, read, [case_id])
    if case_id not in found:
        raise CaseUnknown(case_id)
    return timeline_of(found[case_id])


def timeline_of(dossier: Dossier) -> Timeline:
    """The timeline of a dossier."""
    view = dossier.case.view
    return Timeline(
        case_id=dossier.case.case_id,
        person=dossier.person,
        us=dossier.role,
        parties={role: dossier.place(role) for role in Role},
        status=view.status,
        status_word=word(STATUS, view.status),
        entries=tuple(_entries(dossier)),
    )


def in_time_order(events: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The events by time, each after its hand's earlier ones and after what its issuer had seen."""
    waiting: dict[Hand, list[StoredEvent]] = {}
    for stored in sorted(events, key=lambda s: s.event.seq):
        waiting.setdefault(stored.event.hand, []).append(stored)
    taken: dict[Hand, int] = {}
    ordered = []
    while any(waiting.values()):
        heads = [queue[0] for queue in waiting.values() if queue]
        ready = [s for s in heads if all(taken.get(seen.hand, 0) >= seen.seq for seen in s.event.seen)]
        chosen = min(ready or heads, key=lambda s: (s.event.occurred_at, s.event.hand))
        waiting[chosen.event.hand].pop(0)
        taken[chosen.event.hand] = chosen.event.seq
        ordered.append(chosen)
    return ordered


def _entries(dossier: Dossier) -> Iterator[Entry]:
    case = Case(dossier.case.case_id)
    ordered = in_time_order(dossier.events)
    before: set[tuple[object, ...]] = set()
    for index, stored in enumerate(ordered):
        event = stored.event
        case.take(event)
        settled = dossier.lodged_anew and index == len(ordered) - 1  # then nobody has to lodge anew any more
        current: dict[Track, ClockView | None] = dict.fromkeys(Track)
        starts = []
        for obligation in due_obligations(case):
            clock = clock_view(dossier, obligation, case)
            if obligation.current and not (settled and obligation.clock == "lodge_anew"):
                current[obligation.track] = clock
            if _identity(obligation) not in before:
                before.add(_identity(obligation))
                starts.append(clock)
        yield _entry(dossier, stored, case, tuple(starts), current, _crossed(ordered, event))


def _identity(obligation: Obligation) -> tuple[object, ...]:
    """What makes two obligations one clock; money that waits for completion shares the relation's."""
    return obligation.clock, obligation.holder, obligation.since


def _entry(
    dossier: Dossier,
    stored: StoredEvent,
    case: Case,
    starts: tuple[ClockView, ...],
    holders: dict[Track, ClockView | None],
    crossed: tuple[int, ...],
) -> Entry:
    event, view = stored.event, case.view
    received_at = dossier.received.get((event.hand.role, event.seq))
    if stored.arrival is not None:
        receipt = "received"
    elif dossier.case.view.status == "refused_at_counter":
        receipt = "not_sent"
    else:
        receipt = "awaited" if received_at is None else "arrived"
    return Entry(
        at=event.occurred_at,
        who=dossier.place(event.hand.role),
        hand=event.hand,
        seq=event.seq,
        event_id=event.event_id,
        office=event.office,
        handled_by=event.handled_by,
        reviewed_by=event.reviewed_by,
        type=event.type,
        word=word(EVENT, event.type),
        details=details(dossier, event),
        void=stored.void,
        receipt=receipt,
        received_at=received_at,
        crossed=crossed,
        starts=starts,
        status=view.status,
        status_word=word(STATUS, view.status),
        holders=holders,
    )


def _crossed(events: Sequence[StoredEvent], event: Event) -> tuple[int, ...]:
    """Seqs of the other hand's events that crossed with this one: neither issuer had seen the other's."""
    role, other = event.hand.role, event.hand.role.other
    seen = event.seen_seq_of(other)
    return tuple(
        s.event.seq
        for s in events
        if s.event.hand.role is other and s.event.seq > seen and s.event.seen_seq_of(role) < event.seq
    )
