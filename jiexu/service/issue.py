"""Issuing: decided drafts become sealed events of the own hand, signed in bundles, appended in one transaction.

An append looks at both hands: where a newer event stands than the decision looked at, that case is taken out and
decided again. The closing event of a claim is the exception: it is judged by what was seen when it was decided, and
its place in the hand was reserved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Draft, Party, Role, Seen
from jiexu.case.published import protocol_digest
from jiexu.contract.bundle import MAX_LEAVES, make_skeleton
from jiexu.contract.codec import SealedEvent, seal_event
from jiexu.contract.disclosure import Disclosure, conceal
from jiexu.exchange.topics import partition_of
from jiexu.journal.port import DisclosureRow, NewBundle, NewEvent, StoredClaim, Writes
from jiexu.service.agency import Agency
from jiexu.service.changes import Change, note_changes
from jiexu.service.moves import moved_by_others

PROTOCOL = protocol_digest()
# Leaves of one bundle are cut so that even the longest forms, with their disclosures, stay below 512 KiB.
LEAVES_A_BUNDLE = min(MAX_LEAVES, 64)


@dataclass(frozen=True, slots=True)
class Signing:
    """Who stands behind an event: office, who handled it, who reviewed it (经办, 复核)."""

    office: str
    handled_by: str = "auto"
    reviewed_by: str | None = None


@dataclass(slots=True)
class Decided:
    """What was decided for one case: the drafts to append, and what the decision looked at.

    `row_as_of` is set where the event may only stand with the person's row of open_moves: the journal's last position
    when that was judged. `instead` then gives the drafts for the case that another has it, or has had it since.
    `concealed` are the bodies of a claim's drafts as they were encoded when the table was asked, with their personal
    values.
    """

    case: Case
    role: Role
    position: int
    ruleset: str
    drafts: tuple[Draft, ...]
    signing: Signing
    person_key: str | None = None
    row_as_of: int | None = None
    instead: tuple[Draft, ...] = ()
    claim: StoredClaim | None = None
    send: bool = True
    event_ids: tuple[str, ...] = ()
    concealed: tuple[tuple[bytes, tuple[Disclosure, ...]], ...] = ()
    events: list[SealedEvent] = field(default_factory=list)
    disclosures: list[tuple[Disclosure, ...]] = field(default_factory=list)


def issue(agency: Agency, decided: Sequence[Decided]) -> list[Decided]:
    """Append what was decided, all in one transaction; returns what came too late, to be decided again.

    Raises whatever the journal raises: then nothing was appended, and the cases are forgotten here.
    """
    if not decided:
        return []
    try:
        with agency.journal.write() as write:
            stale = issue_within(agency, write, decided)
            agency.fault("issue.commit")
    except BaseException:
        for one in decided:
            agency.book.forget(one.case.case_id)
        raise
    return stale


def issue_within(agency: Agency, write: Writes, decided: Sequence[Decided]) -> list[Decided]:
    """As `issue`, inside a transaction that the caller has opened."""
    case_ids = [one.case.case_id for one in decided]
    last_positions = write.positions(case_ids)
    claims = write.open_claims(case_ids)
    # Another process may act in a case meanwhile: a clerk's claim blocks the hand, and moves no head before its event.
    blocked = {(stored.claim.case_id, stored.claim.hand) for stored in claims}
    standing = {stored.position for stored in claims}
    fresh, stale = [], []
    for one in decided:
        moved = last_positions.get(one.case.case_id, 0) != one.position
        if one.claim is None:
            late = moved or (one.case.case_id, OWN_HAND[one.role]) in blocked
        else:
            late = one.claim.position not in standing  # somebody else took the claim up and has closed it
        if late:
            agency.book.forget(one.case.case_id)
            stale.append(one)
        else:
            if moved:  # the counterpart's events came in while the step acted; the own hand was blocked
                one.case = agency.book.load(write, [one.case.case_id])[one.case.case_id].case
            fresh.append(one)
    for one in fresh:
        _settle_wish_for_row(write, one)
        _seal(agency, one, write.now)
    ending = [one.claim.position for one in fresh if one.claim is not None]
    if ending:
        write.end_claims(ending, "event")
    flat = [(one, sealed, values) for one in fresh for sealed, values in zip(one.events, one.disclosures, strict=True)]
    positions = write.append([NewEvent(sealed.bytes, sealed.event) for _, sealed, _ in flat])
    write.disclose([row for _, sealed, values in flat for row in disclosure_rows(sealed, values)])
    last = {one.case.case_id: position for (one, _, _), position in zip(flat, positions, strict=True)}
    _bundle(agency, write, list(zip(flat, positions, strict=True)))
    for one in fresh:
        agency.book.keep(one.case, last[one.case.case_id])
    note_changes(write, agency.region, [Change(one.case, last[one.case.case_id], one.person_key) for one in fresh])
    return stale


def _settle_wish_for_row(write: Writes, one: Decided) -> None:
    if one.row_as_of is None:
        return
    assert one.person_key is not None, "whoever wants the row knows the person"
    scheme = (one.case.application or one.drafts[0]).body["from_scheme"]
    holder = write.take_row(one.person_key, scheme, one.case.case_id)
    if (
        holder == one.case.case_id
    ):  # it is also free again after the relation has left by another, which no check has seen
        left = moved_by_others(write, one.person_key, scheme, holder)
        holder = next((row.case_id for row in left if row.position > one.row_as_of), holder)
    if holder != one.case.case_id:
        drafts = []
        for draft in one.instead:
            body = {**draft.body, "survivor": holder} if draft.type == "TransferRejected" else draft.body
            drafts.append(Draft(draft.type, body))
        one.drafts = tuple(drafts)
        one.send = one.case.application is not None


def _seal(agency: Agency, one: Decided, now: datetime) -> None:
    """Give each draft its place in the hand. The table is asked once more on what stands there."""
    case, role = one.case, one.role
    hand = OWN_HAND[role]
    for index, draft in enumerate(one.drafts):
        event_id = one.event_ids[index] if one.event_ids else agency.new_id()
        seen = tuple(one.claim.claim.seen) if one.claim is not None else case.seen_by(role)
        body: dict[str, Any] | bytes
        if one.concealed:
            body, values = one.concealed[index]
        else:
            body, values = conceal(case.case_id, event_id, draft.type, draft.body, agency.salt)
            case.decide(role, Draft(draft.type, body), seen=seen[0].seq if seen else 0)
        last = case.last.get(hand)
        sealed = seal_event(
            event_id=event_id,
            case_id=case.case_id,
            issuer=agency.party(role),
            hand=hand,
            seq=last.seq + 1 if last else 1,
            prev_hash=last.hash if last else None,
            seen=seen,
            occurred_at=now,
            protocol=PROTOCOL,
            ruleset=one.ruleset,
            office=one.signing.office,
            handled_by=one.signing.handled_by,
            reviewed_by=one.signing.reviewed_by,
            type=draft.type,
            body=body,
        )
        case.take(sealed.event)
        one.events.append(sealed)
        one.disclosures.append(values)


def disclosure_rows(sealed: SealedEvent, values: Sequence[Disclosure]) -> list[DisclosureRow]:
    """The rows in which an event's personal values are kept."""
    event = sealed.event
    return [DisclosureRow(event.case_id, event.event_id, one.field, one.salt, one.value) for one in values]


Placed = tuple[tuple[Decided, SealedEvent, tuple[Disclosure, ...]], int]


def _bundle(agency: Agency, write: Writes, placed: Sequence[Placed]) -> None:
    """Sign what was appended, in bundles by destination and mailbox partition."""
    groups: dict[tuple[Role, Party | None, int], list[Placed]] = {}
    for item in placed:
        one = item[0][0]
        partner = one.case.parties[one.role.other]
        count = agency.participants.partitions(partner.region)
        destination = partner if one.send and one.case.view.status != "refused_at_counter" else None
        groups.setdefault((one.role, destination, partition_of(one.case.case_id, count)), []).append(item)
    bundles = []
    for (role, destination, partition), items in groups.items():
        signed = [Signed(position, (sealed.hash, *sealed.schemas)) for (_, sealed, _), position in items]
        bundles += own_bundles(agency, role, destination, partition, signed)
    write.append_bundles(bundles)


class Signed(NamedTuple):
    """An own event to sign: its position, and its hash with the fingerprints of its schema and of its body's."""

    position: int
    leaf: tuple[bytes, bytes, bytes]


def own_bundles(
    agency: Agency, role: Role, destination: Party | None, partition: int, events: Sequence[Signed]
) -> list[NewBundle]:
    """Own events for one mailbox partition, signed with the key in force now."""
    issuer = agency.party(role)
    parts = [events[start : start + LEAVES_A_BUNDLE] for start in range(0, len(events), LEAVES_A_BUNDLE)]
    return [
        NewBundle(
            skeleton=make_skeleton(agency.signer, issuer, [one.leaf for one in part]),
            issuer=issuer,
            positions=[one.position for one in part],
            destination=destination,
            partition=partition,
        )
        for part in parts
    ]


__all__ = ["Decided", "Seen", "Signed", "Signing", "disclosure_rows", "issue", "issue_within", "own_bundles"]
