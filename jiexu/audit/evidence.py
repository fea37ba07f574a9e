"""Evidence: one case in one file that anyone can check offline, with personal fields withheld where they must be.

The signatures cover digests of personal values, never the values: a field that is withheld breaks nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from jiexu.audit.evidence_file import (
    FORMAT,
    Contents,
    EvidenceError,
    StatedArrival,
    StatedReceipt,
    StatedRecord,
    write_file,
)
from jiexu.case.case import NotNext, replay
from jiexu.case.document import state_hash
from jiexu.case.event import Party
from jiexu.contract.bundle import Leaf, open_bundle, pack
from jiexu.contract.disclosure import Disclosure, check_disclosures
from jiexu.journal.port import Arrival, DisclosureRow, Journal, Reads, ReceiptRow, StoredBundle, StoredEvent

ALL_FIELDS = "*"
_BATCHES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a file: events, values given; fields kept back or erased, as `hand seq field`."""

    case_id: str
    events: int
    given: int
    withheld: tuple[str, ...]
    erased: tuple[str, ...]


def export_case(
    journal: Journal, case_id: str, path: Path, *, exported_at: datetime, withhold: Collection[str] = ()
) -> Exported:
    """Write a case's evidence file.

    `withhold` names personal fields to keep back: a path, all under a path (`person`), or `*` for all. The same value
    is kept back in every other field of the case too. Raises EvidenceError `unknown_case`, `unsigned`, `unknown_field`
    (no event of the case has it: a slip of the pen must not give a value away); FileExistsError.
    """
    with journal.read() as read:
        events = read.case_events(case_id)
        if not events:
            zh, en = f"日志中没有 {case_id}", f"the journal has no case {case_id}"
            raise EvidenceError("unknown_case", zh, en)
        values = _Values(events, read.disclosures([case_id]), withhold)
        bundles: dict[str, bytes] = {}
        stated = []
        for number, bundle in enumerate(_bundles(read, events), 1):
            name = f"bundles/{number}.avro"
            bundles[name] = _filled(bundle, events, values.given)
            recorded_at = read.log(bundle.position - 1, 1)[0].recorded_at
            stated.append(StatedRecord(file=name, recorded_at=recorded_at, received=_arrival(bundle.bundle.arrival)))
        rows = read.case_receipts([case_id])
        receipts: dict[str, bytes] = {}
        given = []
        for number, (position, payload) in enumerate(_batches(read, rows), 1):
            name = f"receipts/{number}.avro"
            receipts[name] = payload
            given.append(StatedRecord(file=name, recorded_at=read.log(position - 1, 1)[0].recorded_at))
    status, state = _state(case_id, events)
    contents = Contents(
        format=FORMAT,
        case_id=case_id,
        region=journal.region,
        exported_at=exported_at,
        status=status,
        state_hash=state,
        bundles=tuple(stated),
        receipts_given=tuple(given),
        receipts_got=tuple(_stated(row) for row in rows if not row.given),
        withheld=values.withheld,
        erased=values.erased,
    )
    write_file(path, contents, {**bundles, **receipts})
    return Exported(case_id, len(events), sum(map(len, values.given.values())), values.withheld, values.erased)


class _Values:
    """Which personal values go into the file, by event id."""

    def __init__(self, events: Sequence[StoredEvent], rows: Sequence[DisclosureRow], withhold: Collection[str]) -> None:
        by_place = {(row.event_id, row.field): row for row in rows}
        # One name stands in several fields: what is kept back in one of them must not be read in another.
        secret = {row.value for row in rows if any(_covers(name, row.field) for name in withhold)} - {None}
        self.given: dict[str, list[Disclosure]] = {}
        kept_back: list[str] = []
        erased: list[str] = []
        used: set[str] = set()
        for stored in events:
            event = stored.event
            for field in check_disclosures(event, ()).missing:
                where = f"{event.hand} {event.seq} {field}"
                names = {name for name in withhold if _covers(name, field)}
                used |= names
                row = by_place.get((event.event_id, field))
                if names or (row is not None and row.value in secret):
                    kept_back.append(where)
                elif row is None or row.salt is None or row.value is None:
                    erased.append(where)
                else:
                    self.given.setdefault(event.event_id, []).append(Disclosure(0, field, row.salt, row.value))
        unknown = sorted(set(withhold) - used - {ALL_FIELDS})
        if unknown:
            listed = ", ".join(unknown)
            zh, en = f"本案没有个人信息字段 {listed}", f"no event of this case has a personal field {listed}"
            raise EvidenceError("unknown_field", zh, en)
        self.withheld, self.erased = tuple(kept_back), tuple(erased)


def _covers(name: str, field: str) -> bool:
    return name in (ALL_FIELDS, field) or field.startswith(f"{name}.")


def _bundles(read: Reads, events: Sequence[StoredEvent]) -> Iterator[StoredBundle]:
    """The bundles that bear the case's events, the newest signature over each, in the order of the log."""
    found: dict[int, StoredBundle] = {}
    for stored in events:
        bundle = read.bundle_of(stored.position)
        if bundle is None:
            zh = f"第 {stored.position} 条日志的事件没有签名"
            raise EvidenceError("unsigned", zh, f"no signature over the event at position {stored.position} is here")
        found[bundle.position] = bundle
    return (found[position] for position in sorted(found))


def _filled(stored: StoredBundle, events: Sequence[StoredEvent], values: dict[str, list[Disclosure]]) -> bytes:
    """The bundle with this case's events and values in it; of other cases it says their hashes only."""
    at = {one.position: one for one in events}
    skeleton = open_bundle(stored.bundle.skeleton)
    leaves: list[Leaf] = []
    disclosures: list[Disclosure] = []
    for index, (leaf, position) in enumerate(zip(skeleton.leaves, stored.bundle.positions, strict=True)):
        event = at.get(position)
        leaves.append(Leaf(leaf.hash, event.bytes if event else None))
        if event is not None:
            disclosures += [value.at(index) for value in values.get(event.event.event_id, ())]
    return pack(replace(skeleton, leaves=tuple(leaves), disclosures=tuple(disclosures)))


def _batches(read: Reads, rows: Sequence[ReceiptRow]) -> Iterator[tuple[int, bytes]]:
    """The signed batches that gave a receipt in this case. Their numbers count them: 1, 2, 3 … to each peer."""
    wanted: dict[Party, set[int]] = {}
    for row in rows:
        if row.given and row.batch is not None:
            wanted.setdefault(row.peer, set()).add(row.batch)
    for peer, numbers in sorted(wanted.items(), key=lambda item: str(item[0])):
        after, number, last = 0, 0, max(numbers)
        while number < last and (batches := read.receipt_batches(after, peer, _BATCHES_AT_ONCE)):
            for position, payload in batches:
                after, number = position, number + 1
                if number in numbers:
                    yield position, payload


def _state(case_id: str, events: Sequence[StoredEvent]) -> tuple[str, str]:
    try:
        case = replay(case_id, [stored.event for stored in events])
    except NotNext:
        return "", ""  # a broken journal is exported as it is, and the check of the file says what is wrong
    return case.view.status, state_hash(case)


def _arrival(arrival: Arrival | None) -> StatedArrival | None:
    if arrival is None:
        return None
    return StatedArrival(
        topic=arrival.topic,
        partition=arrival.partition,
        offset=arrival.offset,
        appended_at=arrival.appended_at,
    )


def _stated(row: ReceiptRow) -> StatedReceipt:
    arrival = _arrival(row.arrival)
    assert arrival is not None, "a receipt says where its event arrived"
    return StatedReceipt(
        of=str(row.peer),
        hand=row.hand.value,
        seq=row.seq,
        hash=row.hash.hex(),
        arrival=arrival,
        recorded_at=row.recorded_at,
        own_last_seq=row.own_last_seq,
    )
