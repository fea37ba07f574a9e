"""Replay: every case of a journal folded from its stored bytes, in the order of the log, and nothing else.

No clock, no network, no side effect: the same journal gives the same result in ten years. On the way every link is
looked at: positions without gaps, the hand's chain, what `seen` pins, who may write that hand, whether each event was
found void by the rule that still says so; and at the end the journal's own index tables.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from jiexu.case.case import Case, NotNext
from jiexu.case.document import state_hash
from jiexu.case.event import Event, Hand, Party, Role
from jiexu.case.money import MoneyAccount, money_account
from jiexu.contract.codec import decode_event_trusted
from jiexu.journal.log_records import decode_line
from jiexu.journal.port import Journal, JournalConflict, LogLine, NewEvent, Reads

Progress = Callable[[int, int], None]
Place = tuple[str, Hand, int]
# (remittance | return, the region that numbered it, the reference): each region numbers its own payments.
Payment = tuple[str, str, str]
PAYMENTS = {"BalanceRemitted": ("remittance", "reference"), "BalanceReturned": ("return", "return_reference")}
_LINES_AT_ONCE = 2_000
_CASES_AT_ONCE = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReplayedCase:
    """One case, replayed. `sent` is False where it was refused at the counter: no partner knows it.

    `role` and `partner` are None where the application is missing or does not name this region.
    """

    state_hash: str
    status: str
    role: Role | None
    partner: str | None
    money: MoneyAccount
    events: int
    void: int
    sent: bool


@dataclass
class Replayed:
    """A journal, replayed. `places` maps each place in a hand to the hash of the event that stands there.

    `payments` maps each payment reference to the cases that used it; `doubled` counts places and event ids that stand
    in this journal twice. `awaiting` are places of own events that have no receipt yet: sent again until they have.
    """

    region: str
    cases: dict[str, ReplayedCase] = field(default_factory=dict)
    places: dict[Place, bytes] = field(default_factory=dict)
    event_ids: dict[str, Place] = field(default_factory=dict)
    payments: dict[Payment, set[str]] = field(default_factory=dict)
    events: int = 0
    doubled: int = 0
    awaiting: set[Place] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def replay_journal(journal: Journal, progress: Progress | None = None) -> Replayed:
    """Replay all cases of a journal. Never raises for what it finds: problems are listed."""
    replayed = Replayed(journal.region)
    cases: dict[str, Case] = {}
    with journal.read() as read, uncollected():
        last = read.last_position()
        for line in _lines(replayed, read):
            if line.kind == "event":
                _take(replayed, cases, line)
            if progress is not None and line.position % _LINES_AT_ONCE == 0:
                progress(line.position, last)
        _hold_against_index(replayed, cases, read)
        replayed.awaiting = {(one.case_id, one.hand, one.seq) for one in read.unreceipted()}
        for case_id, case in cases.items():
            replayed.cases[case_id] = _replayed(case, journal.region)
    if progress is not None:
        progress(last, last)
    return replayed


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: a fold makes many objects that stay and no cycles, and looking through them
    again and again takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _lines(replayed: Replayed, read: Reads) -> Iterator[LogLine]:
    """The whole log. A hole or a time that falls is a problem of the journal, not of a case."""
    after, recorded_at = 0, None
    while lines := read.log(after, _LINES_AT_ONCE):
        for line in lines:
            if line.position != after + 1:
                replayed.problems.append(f"position {after + 1}: missing before {line.position}")
            if recorded_at is not None and line.recorded_at < recorded_at:
                replayed.problems.append(f"position {line.position}: recorded before the line that it follows")
            after, recorded_at = line.position, line.recorded_at
            yield line
    if after != read.last_position():
        replayed.problems.append(f"position {read.last_position()}: the log ends at {after}")


def _take(replayed: Replayed, cases: dict[str, Case], line: LogLine) -> None:
    try:
        new = decode_line(line.kind, line.payload, decode_event_trusted)
    except JournalConflict as error:
        replayed.problems.append(f"position {line.position}: {error}")
        return
    assert isinstance(new, NewEvent), "the line is of that kind"
    event = new.event
    where = f"{event.case_id} {event.hand} {event.seq}"
    case = cases.setdefault(event.case_id, Case(event.case_id))
    replayed.events += 1
    for problem in _link_problems(replayed, case, event):
        replayed.problems.append(f"{where}: {problem}")
    _note(replayed, event)
    try:
        void = case.take(event)
    except NotNext:
        replayed.problems.append(f"{where}: not the next of its hand, or rests on what is not here")
        return
    if void is not new.void:
        replayed.problems.append(f"{where}: recorded as {'void' if new.void else 'valid'}, judged otherwise")
    own = event.issuer.region == replayed.region
    if case.parties.get(event.issuer.role) != event.issuer:
        replayed.problems.append(f"{where}: {event.issuer} is no party of the case")
    elif not event.hand.attested and own is not (new.arrival is None):
        replayed.problems.append(f"{where}: recorded as {'received' if own else 'own'}, issued by {event.issuer}")


def _link_problems(replayed: Replayed, case: Case, event: Event) -> Iterator[str]:
    place = (event.case_id, event.hand, event.seq)
    if place in replayed.places or event.event_id in replayed.event_ids:
        replayed.doubled += 1
        yield "stands twice"
    last = case.last.get(event.hand)
    if event.prev_hash != (last.hash if last else None):
        yield "does not follow the hand's previous event"
    for seen in event.seen:
        if replayed.places.get((event.case_id, seen.hand, seen.seq)) != seen.hash:
            yield f"has seen {seen.hand} {seen.seq} with another content"


def _note(replayed: Replayed, event: Event) -> None:
    place = (event.case_id, event.hand, event.seq)
    replayed.places[place] = event.hash
    replayed.event_ids[event.event_id] = place
    if event.type in PAYMENTS:
        kind, name = PAYMENTS[event.type]
        reference = event.body.get(name)
        if reference is not None:
            replayed.payments.setdefault((kind, event.issuer.region, reference), set()).add(event.case_id)


def _hold_against_index(replayed: Replayed, cases: dict[str, Case], read: Reads) -> None:
    """The services read events through index tables: those must say what the bytes in the log say.

    Each event but the last of a hand is pinned by the next one's `prev_hash`; the last only by this, by its bundle
    (verify.py) and by the partner's journal (compare.py).
    """
    for part in chunked(list(cases), _CASES_AT_ONCE):
        heads = read.heads(part)
        for case_id in part:
            stated = heads[case_id].hands if case_id in heads else {}
            folded = {hand: (seen.seq, seen.hash) for hand, seen in cases[case_id].last.items()}
            for hand in sorted({*stated, *folded}):
                if stated.get(hand) != folded.get(hand):
                    replayed.problems.append(f"{case_id} {hand}: the last event differs from the index of events")


def chunked(items: list[T], size: int) -> Iterable[list[T]]:
    """The items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _replayed(case: Case, region: str) -> ReplayedCase:
    view = case.view
    own = next((party for party in case.parties.values() if party.region == region), None)
    partner: Party | None = case.parties[own.role.other] if own else None
    return ReplayedCase(
        state_hash=state_hash(case),
        status=view.status,
        role=own.role if own else None,
        partner=partner.region if partner else None,
        money=money_account(view.outbound, view.inbound),
        events=view.outbound.seq + view.inbound.seq,
        void=len(case.voids),
        sent=view.status != "refused_at_counter",
    )
