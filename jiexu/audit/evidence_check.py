"""The check of an evidence file: what it proves, by the file, the directory and its root's key alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from jiexu.audit.evidence_file import Contents, StatedRecord, read_file
from jiexu.case.case import Case, NotNext
from jiexu.case.document import state_hash
from jiexu.case.event import Event, Hand
from jiexu.contract.bundle import Bundle, open_bundle, verify_bundle
from jiexu.contract.codec import OpenedEvent, open_event
from jiexu.contract.disclosure import Disclosure, check_disclosures
from jiexu.contract.errors import ContractError
from jiexu.contract.letters import open_receipts, verify_receipts
from jiexu.region.directory.keystate import KeyStatus
from jiexu.region.directory.participants import Participants

Place = tuple[Hand, int]


@dataclass(slots=True)
class ProvedEvent:
    """An event in the file: who signed it, the personal values that are given, the fields that are withheld.

    `void` is judged anew; None where the events before it are not here.
    """

    opened: OpenedEvent
    data: bytes
    signed_by: str
    key_id: str
    recorded_at: datetime
    disclosures: tuple[Disclosure, ...]
    withheld: tuple[str, ...]
    void: bool | None = None

    @property
    def event(self) -> Event:
        """What its bytes say."""
        return self.opened.event

    @property
    def values(self) -> dict[str, str]:
        """The personal values that are given, by field."""
        return {one.field: one.value for one in self.disclosures}


@dataclass(slots=True)
class ProvedReceipt:
    """A receipt signed by the side that received: when an event of the other side reached its mailbox."""

    of: str
    hand: Hand
    seq: int
    arrived_at: datetime
    recorded_at: datetime


@dataclass(slots=True)
class EvidenceReport:
    """What an evidence file proves, and every problem that was found."""

    contents: Contents
    status: str = ""
    state_hash: str = ""
    events: list[ProvedEvent] = field(default_factory=list)
    receipts: list[ProvedReceipt] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Everything in the file holds."""
        return not self.problems


def verify_file(path: Path, participants: Participants) -> EvidenceReport:
    """Check an evidence file offline: signatures, links, personal values, verdicts, receipts.

    `participants` is the directory, already held against its root's key (`load_participants`). What does not hold is
    listed. Raises EvidenceError where the file is none; OSError.
    """
    contents, records = read_file(path)
    report = EvidenceReport(contents)
    places: dict[Place, ProvedEvent] = {}
    for stated in contents.bundles:
        for proved in _bundle(report, participants, stated, records[stated.file]):
            place = (proved.event.hand, proved.event.seq)
            if place in places and places[place].event.hash != proved.event.hash:
                report.problems.append(f"{place[0]} {place[1]}: stands twice with two contents")
            places.setdefault(place, proved)
    _links(report, places)
    report.events = _fold(report, places)
    for stated in contents.receipts_given:
        _receipts(report, participants, stated, records[stated.file], places)
    return report


def _bundle(
    report: EvidenceReport, participants: Participants, stated: StatedRecord, data: bytes
) -> Iterator[ProvedEvent]:
    """The events that a bundle proves; nothing of one whose signature does not."""
    try:
        bundle = open_bundle(data)
        status = participants.key(bundle.issuer.region, bundle.key_id, stated.recorded_at)
        if not _believed(report, stated, status) or status.key is None:
            return
        verify_bundle(bundle, status.key.raw)
    except ContractError as error:
        report.problems.append(f"{stated.file}: {error.code}: {error.en}")
        return
    for index, leaf in enumerate(bundle.leaves):
        if leaf.event is not None:
            yield from _leaf(report, stated, bundle, index, leaf.event)


def _believed(report: EvidenceReport, stated: StatedRecord, status: KeyStatus) -> bool:
    if not status.usable:
        report.problems.append(f"{stated.file}: {status.en}")
    return status.usable


def _leaf(
    report: EvidenceReport, stated: StatedRecord, bundle: Bundle, index: int, data: bytes
) -> Iterator[ProvedEvent]:
    try:
        opened: OpenedEvent = open_event(data)
    except ContractError as error:
        report.problems.append(f"{stated.file} leaf {index}: {error.code}: {error.en}")
        return
    event = opened.event
    where = f"{event.hand} {event.seq}"
    if event.case_id != report.contents.case_id:
        report.problems.append(f"{stated.file} leaf {index}: belongs to case {event.case_id}")
        return
    if opened.signer != bundle.issuer:
        report.problems.append(f"{where}: belongs to {opened.signer}, is signed by {bundle.issuer}")
        return
    if not opened.known:
        report.problems.append(f"{where}: {event.type} is not known to this version: upgrade")
    found = check_disclosures(event, bundle.disclosures_of(index))
    report.problems += [f"{where}: the value of {name}: {code}" for name, code in found.problems]
    yield ProvedEvent(
        opened=opened,
        data=data,
        signed_by=str(bundle.issuer),
        key_id=bundle.key_id,
        recorded_at=stated.recorded_at,
        disclosures=found.accepted,
        withheld=found.missing,
    )


def _links(report: EvidenceReport, places: dict[Place, ProvedEvent]) -> None:
    """Each hand is whole from its first event to the last in the file; `seen` names events in the file."""
    for (hand, seq), proved in sorted(places.items()):
        event, where = proved.event, f"{hand} {seq}"
        before = places.get((hand, seq - 1))
        if seq > 1 and before is None:
            report.problems.append(f"{where}: the event before it is not in the file")
        elif event.prev_hash != (before.event.hash if before else None):
            report.problems.append(f"{where}: does not follow the hand's previous event")
        for seen in event.seen:
            there = places.get((seen.hand, seen.seq))
            if there is None or there.event.hash != seen.hash:
                report.problems.append(f"{where}: has seen {seen.hand} {seen.seq}, which is not in the file")


def _fold(report: EvidenceReport, places: dict[Place, ProvedEvent]) -> list[ProvedEvent]:
    """The case that the proved events make, each taken when what it rests on is there; in that order."""
    case = Case(report.contents.case_id)
    waiting = [proved for _, proved in sorted(places.items(), key=lambda item: (item[0][1], item[0][0]))]
    taken: list[ProvedEvent] = []
    while waiting:
        left = []
        for proved in waiting:
            try:
                proved.void = case.take(proved.event)
            except NotNext:
                left.append(proved)
            else:
                taken.append(proved)
        if len(left) == len(waiting):
            report.problems += [f"{one.event.hand} {one.event.seq}: rests on what is not in the file" for one in left]
            break
        waiting = left
    for proved in taken:
        if case.parties.get(proved.event.issuer.role) != proved.event.issuer:
            report.problems.append(
                f"{proved.event.hand} {proved.event.seq}: {proved.signed_by} is no party of the case"
            )
    report.status, report.state_hash = case.view.status, state_hash(case)
    if report.state_hash != report.contents.state_hash:
        stated, found = report.contents.status, report.status
        report.problems.append(f"the exporter states another state ({stated}) than the events make ({found})")
    return [*taken, *(proved for proved in waiting if proved.void is None)]


def _receipts(
    report: EvidenceReport,
    participants: Participants,
    stated: StatedRecord,
    data: bytes,
    places: dict[Place, ProvedEvent],
) -> None:
    try:
        batch = open_receipts(data)
        status = participants.key(batch.header.issuer.region, batch.header.key_id, stated.recorded_at)
        if not _believed(report, stated, status) or status.key is None:
            return
        verify_receipts(batch, status.key.raw)
    except ContractError as error:
        report.problems.append(f"{stated.file}: {error.code}: {error.en}")
        return
    of = batch.header.issuer
    for receipt in batch.payload.receipts:
        if receipt.case_id != report.contents.case_id:
            continue
        hand = Hand(receipt.hand)
        proved = places.get((hand, receipt.seq))
        if proved is None or proved.event.hash != receipt.hash or hand.role is of.role:
            report.problems.append(f"{stated.file}: {of} has received {hand} {receipt.seq} with another content")
            continue
        report.receipts.append(ProvedReceipt(str(of), hand, receipt.seq, receipt.appended_at, receipt.recorded_at))
