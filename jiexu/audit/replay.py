"""Replay: every case of a journal folded from its stored bytes, in the order of the log, and nothing else.

No clock, no network, no side effect: the same journal gives the same result in ten years. On the way every link is
looked at: the leaf hash of the bytes, the hand's chain, what `seen` pins, and whether each event was found void by
the rule that still says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jiexu.case.case import Case, NotNext
from jiexu.case.document import state_hash
from jiexu.case.event import Hand, Role
from jiexu.case.money import MoneyAccount, money_account
from jiexu.contract.codec import decode_event_trusted, leaf_hash
from jiexu.journal.port import Journal, StoredEvent

Progress = Callable[[int, int], None]
Place = tuple[str, Hand, int]
_EVENTS_A_STEP = 2_000


@dataclass(frozen=True, slots=True)
class ReplayedCase:
    """One case, replayed. `sent` is False where it was refused at the counter: no partner knows it."""

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
    """A journal, replayed. `places` maps each place in a hand to the hash of the event that stands there."""

    region: str
    cases: dict[str, ReplayedCase] = field(default_factory=dict)
    places: dict[Place, bytes] = field(default_factory=dict)
    event_ids: dict[str, Place] = field(default_factory=dict)
    events: int = 0
    problems: list[str] = field(default_factory=list)


def replay_journal(journal: Journal, progress: Progress | None = None) -> Replayed:
    """Replay all cases of a journal. Never raises for what it finds: problems are listed."""
    replayed = Replayed(journal.region)
    cases: dict[str, Case] = {}
    with journal.read() as read:
        last = read.last_position()
        for stored in read.events():
            _take(replayed, cases, stored)
            if progress is not None and replayed.events % _EVENTS_A_STEP == 0:
                progress(stored.position, last)
    if progress is not None:
        progress(last, last)
    for case_id, case in cases.items():
        replayed.cases[case_id] = _replayed(case, journal.region)
    return replayed


def _take(replayed: Replayed, cases: dict[str, Case], stored: StoredEvent) -> None:
    event = decode_event_trusted(stored.bytes)
    where = f"{event.case_id} {event.hand} {event.seq}"
    case = cases.setdefault(event.case_id, Case(event.case_id))
    replayed.events += 1
    place = (event.case_id, event.hand, event.seq)
    if place in replayed.places or event.event_id in replayed.event_ids:
        replayed.problems.append(f"{where}: stands twice")
    replayed.places[place] = event.hash
    replayed.event_ids[event.event_id] = place
    if leaf_hash(stored.bytes) != event.hash:
        replayed.problems.append(f"{where}: hash of the stored bytes differs")
    last = case.last.get(event.hand)
    if event.prev_hash != (last.hash if last else None):
        replayed.problems.append(f"{where}: does not follow the hand's previous event")
    for seen in event.seen:
        if replayed.places.get((event.case_id, seen.hand, seen.seq)) != seen.hash:
            replayed.problems.append(f"{where}: has seen {seen.hand} {seen.seq} with another content")
    try:
        void = case.take(event)
    except NotNext:
        replayed.problems.append(f"{where}: not the next of its hand, or rests on what is not here")
        return
    if void is not stored.void:
        replayed.problems.append(f"{where}: recorded as {'void' if stored.void else 'valid'}, judged otherwise")


def _replayed(case: Case, region: str) -> ReplayedCase:
    view = case.view
    role = next((role for role, party in case.parties.items() if party.region == region), None)
    return ReplayedCase(
        state_hash=state_hash(case),
        status=view.status,
        role=role,
        partner=case.parties[role.other].region if role else None,
        money=money_account(view.outbound, view.inbound),
        events=view.outbound.seq + view.inbound.seq,
        void=len(case.voids),
        sent=view.status != "refused_at_counter",
    )
