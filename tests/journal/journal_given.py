"""What the journal's tests are given: events in a plain stand-in for the contract's encoding, and rows of all kinds.

The journal never looks into an event's bytes itself, so JSON does here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from jiexu.case.event import Event, Hand, Party, Role
from jiexu.journal.port import (
    Arrival,
    CaseRow,
    DisclosureRow,
    Fact,
    HeldEvent,
    Journal,
    NewBundle,
    NewClaim,
    NewEvent,
    ParkedRecord,
    Reads,
    ReceiptRow,
)

REGION = "320500"
US = Party(REGION, Role.OUTBOUND)
PARTNER = Party("310000", Role.INBOUND)
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ARRIVAL = Arrival("jiexu.320500.outbound", 3, 17, START)


class Place(Protocol):
    """Where a journal lives; can be sent to another process."""

    def open(self, **settings: Any) -> Journal:
        """Open it, and make it where it is not there."""

    def dump(self, tables: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of these tables, in one order."""

    def check(self) -> None:
        """Fail where the database finds itself damaged."""


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


class Crash(Exception):
    """The process dies here."""


def case_id(number: int) -> str:
    """The id of the n-th case."""
    return f"{number:032x}"


def decode(data: bytes) -> Event:
    """Read an event's stand-in bytes."""
    value = json.loads(data)
    return Event(
        event_id=value["event_id"],
        case_id=value["case_id"],
        issuer=Party(value["region"], Hand(value["hand"]).role),
        hand=Hand(value["hand"]),
        seq=value["seq"],
        prev_hash=None,
        seen=(),
        occurred_at=START,
        protocol=b"\x01" * 32,
        ruleset="test",
        office="01",
        handled_by="auto",
        reviewed_by=None,
        type=value["type"],
        body=value["body"],
        hash=hashlib.sha256(b"\x00" + data).digest(),
    )


def new_event(
    case: int,
    seq: int,
    hand: Hand = Hand.OUTBOUND,
    *,
    type: str = "ReminderSent",
    body: Mapping[str, Any] | None = None,
    event_id: str | None = None,
    void: bool = False,
    arrival: Arrival | None = None,
) -> NewEvent:
    """An event of a case; the counterpart's need an `arrival`."""
    place = f"{case}/{hand}/{seq}"
    value = {
        "event_id": event_id or hashlib.sha256(place.encode()).hexdigest()[:32],
        "case_id": case_id(case),
        "region": REGION if arrival is None else PARTNER.region,
        "hand": hand.value,
        "seq": seq,
        "type": type,
        "body": dict(body or {}),
    }
    data = json.dumps(value, sort_keys=True).encode()
    return NewEvent(data, decode(data), void, arrival)


def received(case: int, seq: int, **more: Any) -> NewEvent:
    """An event of the counterpart."""
    return new_event(case, seq, Hand.INBOUND, arrival=ARRIVAL, **more)


def new_bundle(positions: Sequence[int], destination: Party | None = PARTNER) -> NewBundle:
    """An own bundle."""
    return NewBundle(b"skeleton", US, tuple(positions), destination, 3)


def receipt_for(new: NewEvent, *, given: bool = False, batch: int | None = 1, hash: bytes | None = None) -> ReceiptRow:
    """A receipt for an event: got, unless `given`."""
    event = new.event
    return ReceiptRow(
        given=given,
        peer=PARTNER,
        case_id=event.case_id,
        hand=event.hand,
        seq=event.seq,
        hash=hash or event.hash,
        arrival=ARRIVAL,
        recorded_at=START,
        own_last_seq=0,
        batch=None if given else batch,
    )


def new_claim(case: int, seq: int, hand: Hand = Hand.OUTBOUND) -> NewClaim:
    """A claim on the next place of a hand."""
    return NewClaim(case_id(case), hand, "remit", 1, seq, (), '{"acts":[]}')


def case_row(case: int, **more: Any) -> CaseRow:
    """A row of the read model."""
    values: dict[str, Any] = {
        "case_id": case_id(case),
        "role": Role.OUTBOUND,
        "partner": "310000",
        "person_key": f"key{case}",
        "from_scheme": "employee",
        "to_scheme": "employee",
        "status": "applied",
        "open": True,
        "position": 1,
        "opened_at": START,
    }
    return CaseRow(**{**values, **more})


def held_event(case: int, seq: int, reason: str = "gap", disclosures: Sequence[DisclosureRow] = ()) -> HeldEvent:
    """An event that waits."""
    new = received(case, seq)
    return HeldEvent(
        id=0,
        case_id=new.event.case_id,
        hand=new.event.hand,
        seq=seq,
        hash=new.event.hash,
        issuer="310000",
        reason=reason,
        bytes=new.bytes,
        skeleton=b"skeleton",
        disclosures=tuple(disclosures),
        arrival=ARRIVAL,
        held_at=START,
    )


def parked_record(code: str = "unknown_key") -> ParkedRecord:
    """A record that could not be placed."""
    return ParkedRecord(0, ARRIVAL, b"raw", code, "密钥未知。", "The key is not known.", "310000", START)


def seqs(reads: Reads, case: int, hand: Hand = Hand.OUTBOUND) -> list[int]:
    """The numbers that stand in a hand."""
    return [stored.event.seq for stored in reads.case_events(case_id(case)) if stored.event.hand is hand]


def fill(journal: Journal) -> None:
    """Lines of every kind, by the ways that a service takes."""
    sent = new_event(1, 2, type="BalanceRemitted", body={"reference": "R-1"})
    with journal.write() as w:
        first = w.append([new_event(1, 1, type="TransferApplied"), new_event(2, 1), received(3, 1)])
        w.append_bundle(new_bundle(first[:2]))
        w.append_receipts([receipt_for(received(3, 1), given=True), receipt_for(new_event(1, 1))])
    with journal.write() as w:
        (claim,) = w.claim([new_claim(1, 2)], "worker", START)
        w.begin_claims([claim])
        (freed,) = w.claim([new_claim(2, 2)], "worker", START)
        w.end_claims([freed], "freed")
        w.claim([new_claim(3, 1, Hand.OUTBOUND)], "worker", START)
    with journal.write() as w:
        (position,) = w.append([sent])
        w.end_claims([claim], "event")
        w.append_bundle(new_bundle([position, 0]))
        ((waiting, _),) = w.receipts_to_give(PARTNER, w.last_position(), 10)
        w.receipts_sent([waiting], PARTNER, 1, b"signed")
        w.append_fact(Fact("calendar_added", '{"year":2027}'))
        w.append([received(1, 1, type="BalanceReturned", body={"return_reference": "T-1"}, void=True)])


def fill_much(journal: Journal, cases: int) -> None:
    """Many rows of every kind at once."""
    numbers = range(1, cases + 1)
    with journal.write() as w:
        first = w.append([new_event(n, 1, type="TransferApplied") for n in numbers])
        w.append([received(n, 1) for n in numbers])
        w.append_bundles([new_bundle([position]) for position in first])
        w.disclose([DisclosureRow(case_id(n), f"{n:032x}", "name", b"s" * 16, "甲") for n in numbers])
        w.put_on_agenda([case_id(n) for n in numbers], START + timedelta(days=1))
        for n in numbers:
            w.hold(held_event(n, 3))
            w.put_case(case_row(n))
            w.raise_todo("alarm", "x", case_id(n), "问", "ask")
        w.sent(first)
    with journal.write() as w:
        w.disclose([DisclosureRow(case_id(n), f"{n:032x}", "name", None, None) for n in numbers if n % 2])
        w.append_receipts([receipt_for(new_event(n, 1)) for n in numbers if n % 3])
        w.append_receipts([receipt_for(received(n, 1), given=True) for n in numbers])
        waiting = [position for position, _ in w.receipts_to_give(PARTNER, w.last_position(), cases // 2)]
        w.receipts_sent(waiting, PARTNER, 1, b"signed")
        w.settle_agenda([entry for n, entry in enumerate(w.agenda(Role.OUTBOUND, w.now, cases)) if n % 2])
        w.unhold([held.id for held in w.held()[: cases // 2]])
        claims = w.claim([new_claim(n, 2) for n in numbers], "worker", START)
        w.begin_claims(claims[: cases // 2])
    with journal.write() as w:
        half = claims[: cases // 2]
        w.append([new_event(n, 2, type="BalanceRemitted", body={"reference": f"R-{n}"}) for n in numbers][: len(half)])
        w.end_claims(half, "event")
        w.end_claims(claims[len(half) : -5], "freed")
        w.take_up_claims(claims[-5:], "another", START)
        w.sent(first[: cases // 2])
