"""Verification: every signature that a journal keeps, proved again from the stored bytes and the directory's keys.

A key is judged by the time of recording, as at intake. Replay (replay.py) proves the links between events; this proves
who signed them. The partners' signatures over their events are kept, so one journal alone proves both hands.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from jiexu.audit.replay import chunked
from jiexu.case.event import Party
from jiexu.contract.bundle import Bundle, Leaf, open_bundle, verify_bundle
from jiexu.contract.codec import decode_event_trusted, leaf_hash, open_event
from jiexu.contract.disclosure import Disclosure, check_disclosures
from jiexu.contract.errors import ContractError
from jiexu.contract.letters import open_receipts, verify_receipts
from jiexu.journal.log_records import ReceiptsSent, decode_line
from jiexu.journal.port import DisclosureRow, Journal, JournalConflict, LogLine, NewBundle, Reads, StoredEvent
from jiexu.region.directory.participants import Participants

Progress = Callable[[int, int], None]
_LINES_AT_ONCE = 1_000
_EVENTS_AT_ONCE = 1_000


@dataclass
class _Proof:
    """What has been proved so far. `unproved` says why a bundle does not count, by the events that it bears."""

    participants: Participants
    proved: set[int] = field(default_factory=set)
    unproved: dict[int, str] = field(default_factory=dict)
    chains: dict[tuple[Party, Party], tuple[int, bytes]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def verify_journal(journal: Journal, participants: Participants, progress: Progress | None = None) -> list[str]:
    """Everything that does not hold; empty where all does. Never raises for what it finds.

    Proved are: each bundle's signature over the stored bytes of its events, by a key that could be believed when the
    bundle was recorded; the schemas that it names against those published; that each event was signed by the side
    whose hand it is in; the signatures and the chain of the receipts given; each personal value against its digest.
    A bundle whose key cannot be believed is no problem where its events were signed anew under one that can.
    """
    proof = _Proof(participants)
    with journal.read() as read:
        last = read.last_position()
        after = 0
        while lines := read.log(after, _LINES_AT_ONCE):
            _bundles(proof, read, lines)
            for line in lines:
                if line.kind == "receipts_sent":
                    _receipts(proof, line)
            after = lines[-1].position
            if progress is not None:
                progress(after, last)
        _every_event(proof, read)
    return proof.problems


def _bundles(proof: _Proof, read: Reads, lines: list[LogLine]) -> None:
    opened: list[tuple[LogLine, NewBundle]] = []
    for line in lines:
        if line.kind == "bundle":
            new = _decoded(proof, line)
            if isinstance(new, NewBundle):
                opened.append((line, new))
    try:
        events = read.events_at(position for _, new in opened for position in new.positions if position)
    except JournalConflict as error:
        proof.problems.append(f"positions {lines[0].position} to {lines[-1].position}: {error}")
        return
    for line, new in opened:
        _bundle(proof, line, new, events)


def _bundle(proof: _Proof, line: LogLine, new: NewBundle, events: Mapping[int, StoredEvent]) -> None:
    try:
        bundle = _filled(open_bundle(new.skeleton), new, events)
    except (ContractError, ValueError) as error:
        proof.problems.append(f"position {line.position}: {error}")
        return
    for found in _misfits(bundle, new):
        proof.problems.append(f"position {line.position}: {found}")
    status = proof.participants.key(bundle.issuer.region, bundle.key_id, line.recorded_at)
    positions = {position for position in new.positions if position}
    if status.key is None:
        proof.unproved |= dict.fromkeys(positions, status.en)
        return
    try:
        verify_bundle(bundle, status.key.raw)
    except ContractError as error:
        proof.problems.append(f"position {line.position}: {error.code}: {error.en}")
        return
    if status.usable:
        proof.proved |= positions
    else:
        proof.unproved |= dict.fromkeys(positions, status.en)


def _filled(skeleton: Bundle, new: NewBundle, events: Mapping[int, StoredEvent]) -> Bundle:
    """The bundle as it was signed, with the events of the journal in it. The hashes stay those that were signed."""
    leaves = tuple(
        [
            Leaf(leaf.hash, events[position].bytes if position in events else None)
            for leaf, position in zip(skeleton.leaves, new.positions, strict=True)
        ]
    )
    return replace(skeleton, leaves=leaves)


def _misfits(bundle: Bundle, new: NewBundle) -> Iterator[str]:
    if bundle.issuer != new.issuer:
        yield f"a bundle of {bundle.issuer} is recorded as one of {new.issuer}"
    for leaf, position in zip(bundle.leaves, new.positions, strict=True):
        if leaf.event is None:
            if position:
                yield f"the event at position {position}, which it bears, is not here"
            continue
        if leaf_hash(leaf.event) != leaf.hash:
            yield f"the event at position {position} is not the one that was signed"
        try:
            signer = open_event(leaf.event).signer
        except ContractError as error:
            yield f"the event at position {position}: {error.code}: {error.en} {error.detail}".rstrip()
            continue
        if signer != bundle.issuer:
            yield f"the event at position {position} belongs to {signer}, not to {bundle.issuer}"


def _receipts(proof: _Proof, line: LogLine) -> None:
    """A batch of receipts given: our own signature, numbered and chained per pair of parties."""
    sent = _decoded(proof, line)
    if not isinstance(sent, ReceiptsSent):
        return
    try:
        receipts = open_receipts(sent.payload)
        status = proof.participants.key(receipts.header.issuer.region, receipts.header.key_id, line.recorded_at)
        if status.key is None or not status.usable:
            proof.problems.append(f"position {line.position}: {status.en}")
        if status.key is not None:
            verify_receipts(receipts, status.key.raw)
    except ContractError as error:
        proof.problems.append(f"position {line.position}: {error.code}: {error.en}")
        return
    chain = (receipts.header.issuer, receipts.addressee)
    number, prev = proof.chains.get(chain, (0, None))
    if (receipts.payload.number, receipts.payload.prev) != (number + 1, prev) or sent.peer != receipts.addressee:
        proof.problems.append(f"position {line.position}: the batch does not follow batch {number} to {sent.peer}")
    proof.chains[chain] = (receipts.payload.number, receipts.hash)


def _decoded(proof: _Proof, line: LogLine) -> object:
    try:
        return decode_line(line.kind, line.payload, decode_event_trusted)
    except JournalConflict as error:
        proof.problems.append(f"position {line.position}: {error}")
        return None


def _every_event(proof: _Proof, read: Reads) -> None:
    """Each event must be proved by some bundle, and its personal values must be those that it was signed over."""
    after = 0
    while True:
        try:
            events = list(read.events(after, _EVENTS_AT_ONCE))
        except JournalConflict as error:
            proof.problems.append(f"after position {after}: {error}")
            return
        if not events:
            return
        for stored in events:
            if stored.position not in proof.proved:
                why = proof.unproved.get(stored.position, "no signature over it is here, or none that holds")
                event = stored.event
                proof.problems.append(f"{event.case_id} {event.hand} {event.seq}: {why}")
        _values(proof, read, events)
        after = events[-1].position


def _values(proof: _Proof, read: Reads, events: list[StoredEvent]) -> None:
    rows: dict[str, list[DisclosureRow]] = {}
    for part in chunked(sorted({stored.event.case_id for stored in events}), _EVENTS_AT_ONCE):
        for row in read.disclosures(part):
            rows.setdefault(row.event_id, []).append(row)
    for stored in events:
        event = stored.event
        given = [
            Disclosure(0, row.field, row.salt, row.value)
            for row in rows.get(event.event_id, ())
            if row.salt is not None and row.value is not None  # erased by law: the digest stands, the value is gone
        ]
        for name, code in check_disclosures(event, given).problems:
            proof.problems.append(f"{event.case_id} {event.hand} {event.seq}: the value of {name}: {code}")
