"""Records that no honest software sends: garbage, forgeries, and what a partner's defect or a thief of its key signs.

Each must end parked, once, with a reason, in the mailbox into which it was put; nothing of it may take effect.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Hand, Party, Role, Seen
from jiexu.contract.bundle import Bundle, make_bundle, open_bundle, pack
from jiexu.contract.codec import seal_event
from jiexu.contract.errors import ContractError
from jiexu.exchange.topics import partition_of, topic_name
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold
from jiexu.service.issue import PROTOCOL
from tests.simulation.ground import PARTITIONS, ground

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True)
class Forged:
    """A record, and into which mailbox partition it goes."""

    code: str
    role: Role
    partition: int
    value: bytes


def forge(world: "World", kind: str, code: str, random: Random) -> Forged | None:
    """A record of that kind for one of a region's mailboxes; None where nothing stands yet that it could ape."""
    role = random.choice(list(Role))
    if kind == "garbage":
        return Forged(code, role, random.randrange(PARTITIONS), random.randbytes(random.randint(0, 40)))
    if kind in _FROM_RECORD:
        found = _some_bundle(world, code, role, random)
        return found and _FROM_RECORD[kind](code, role, *found)
    return world.at_desk(code, lambda agency: _event(world, kind, agency, role, random))


def _some_bundle(world: "World", code: str, role: Role, random: Random) -> tuple[int, Bundle] | None:
    bundles = []
    for partition in world.broker.topic(topic_name(code, role.value)).partitions:
        for record in partition.records:
            if record.value in world.planted[code, role]:
                continue  # what is wrong in one mailbox may be right in the other
            try:
                bundles.append((record.partition, open_bundle(record.value)))
            except ContractError:
                continue
    return random.choice(bundles) if bundles else None


def _stranger(code: str, role: Role, partition: int, bundle: Bundle) -> Forged:
    """True events, signed with a key that no directory knows."""
    events = [leaf.event for leaf in bundle.leaves if leaf.event is not None]
    return Forged(code, role, partition, make_bundle(ground().stranger, bundle.issuer, events))


def _bad_signature(code: str, role: Role, partition: int, bundle: Bundle) -> Forged:
    signature = bytes([bundle.signature[0] ^ 1]) + bundle.signature[1:]
    return Forged(code, role, partition, pack(replace(bundle, signature=signature)))


def _wrong_mailbox(code: str, role: Role, partition: int, bundle: Bundle) -> Forged:
    """A true bundle in the mailbox of this region's other role."""
    return Forged(code, role.other, partition, pack(bundle))


_FROM_RECORD: dict[str, Callable[[str, Role, int, Bundle], Forged]] = {
    "stranger": _stranger,
    "bad_signature": _bad_signature,
    "wrong_mailbox": _wrong_mailbox,
}

KINDS = ("garbage", *_FROM_RECORD, "other_content", "event_id_reused", "broken_link", "seen_unknown")


def _event(world: "World", kind: str, agency: Agency, role: Role, random: Random) -> Forged | None:
    """An event that the partner's own key signs, in a case that this region has in that role."""
    with agency.journal.read() as read:
        rows = read.cases(role=role)
        if not rows:
            return None
        case_id = random.choice(rows).case_id
        case = fold(case_id, read.case_events(case_id))
    partner = case.parties[role.other]
    last = case.last.get(OWN_HAND[partner.role])
    if last is None:
        return None
    place = random.randint(1, last.seq) if kind == "other_content" else last.seq + 1
    event_id = world.random_bytes(16).hex()
    prev, seen = _hash_before(case, partner.role, place), case.seen_by(partner.role)
    match kind:
        case "event_id_reused":
            event_id = case.event(partner.role, last.seq).event_id
        case "broken_link":
            prev = world.random_bytes(32)
        case "seen_unknown":
            own = case.last.get(OWN_HAND[role])
            seen = (Seen(OWN_HAND[role], (own.seq if own else 0) + 7, world.random_bytes(32)),)
    return Forged(
        agency.region,
        role,
        partition_of(case_id, PARTITIONS),
        _signed(world, case, partner, place, prev, seen, event_id),
    )


def _hash_before(case: Case, role: Role, seq: int) -> bytes | None:
    return case.event(role, seq - 1).hash if seq > 1 else None


def _signed(
    world: "World",
    case: Case,
    issuer: Party,
    seq: int,
    prev: bytes | None,
    seen: tuple[Seen, ...],
    event_id: str,
) -> bytes:
    assert case.application is not None, "a row stands for a case with its application"
    hand: Hand = OWN_HAND[issuer.role]
    sealed = seal_event(
        event_id=event_id,
        case_id=case.case_id,
        issuer=issuer,
        hand=hand,
        seq=seq,
        prev_hash=prev,
        seen=seen,
        occurred_at=world.time,
        protocol=PROTOCOL,
        ruleset=case.application.ruleset,
        office=issuer.region,
        handled_by="nobody",
        reviewed_by=None,
        type="ReminderSent",
        body={"about": "complete", "message": None},
    )
    return make_bundle(ground().signers[issuer.region], issuer, [sealed.bytes])
