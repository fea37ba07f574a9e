"""A case in hand: what its steps look at, what they can decide, and what a role adds to that."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jiexu.case.case import Case, NotPermitted
from jiexu.case.event import OWN_HAND, Draft, Role
from jiexu.contract.disclosure import check_disclosures, personal_fields
from jiexu.contract.errors import ContractError
from jiexu.journal.port import DisclosureRow, NewClaim, Reads
from jiexu.region.platform import Act
from jiexu.rules.facts import Identity
from jiexu.rules.ruleset import Ruleset, ruleset_by_id
from jiexu.service.agency import Agency
from jiexu.service.casebook import KnownCase
from jiexu.service.issue import Signing
from jiexu.service.persons import identity_from, values_of


@dataclass(slots=True)
class Work:
    """A case in hand, with what its steps need.

    `values` are those of the application, by (event id, field); `missing` the personal fields of the partner's
    events, by seq, whose values did not come with them (nor were erased here).
    """

    case: Case
    role: Role
    position: int
    values: Mapping[tuple[str, str], str]
    missing: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def case_id(self) -> str:
        """The case's id, 32 hex digits."""
        return self.case.case_id

    @property
    def application(self) -> Mapping[str, Any]:
        """The body of TransferApplied."""
        assert self.case.application is not None, "a case on the agenda has its application"
        return self.case.application.body

    @property
    def partner(self) -> str:
        """The other region."""
        return self.case.parties[self.role.other].region

    @property
    def identity(self) -> Identity | None:
        """The person, None while the disclosures are missing or erased."""
        assert self.case.application is not None
        kind = self.application["person"]["document_type"]
        return identity_from(kind, self.case.application.event_id, self.values)

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset frozen for the case: that of the acceptance, before it that of the application."""
        return ruleset_by_id(self.ruleset_id)

    @property
    def ruleset_id(self) -> str:
        """Its id, as every event of the case names it."""
        assert self.case.application is not None
        view = self.case.view
        for role in Role:
            if view.hand(role).accepted:
                return self.case.event(role, view.hand(role).accepted).ruleset
        return self.case.application.ruleset

    def times(self, *types: str) -> int:
        """How often events of these types stand in the own hand."""
        seqs = range(1, self.case.view.hand(self.role).seq + 1)
        return sum(self.case.event(self.role, seq).type in types for seq in seqs)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step decided: the drafts, and the acts that must be done before the (one) draft is true.

    `acts` are specifications without personal values (`{"act": "Debit", …}`): they stand in the claim, hence in the
    ledger; the role turns them into acts when it does them. `n` numbers this step in the case. `row_as_of` and
    `instead` are those of `Decided`.
    """

    step: str
    drafts: tuple[Draft, ...]
    acts: tuple[dict[str, Any], ...] = ()
    n: int = 0
    row_as_of: int | None = None
    instead: tuple[Draft, ...] = ()
    ruleset: str | None = None
    signing: Signing | None = None


@dataclass(frozen=True, slots=True)
class ForClerk:
    """A step that cannot go on by itself: it waits for a person, with the reason."""

    step: str
    code: str
    zh: str
    en: str


Outcome = Decision | ForClerk | None


class RolePart(Protocol):
    """What a role adds to the loops; one each in `services/outbound` and `services/inbound`."""

    role: Role

    def decide(self, agency: Agency, step: str, works: Sequence[Work]) -> Sequence[Outcome]:
        """What a step decides in each of these cases; what it needs from the platform is read in bulk."""

    def act(self, agency: Agency, work: Work, claim: NewClaim, spec: Mapping[str, Any]) -> Act:
        """The act that a specification of a claim means, with its key and the person's values."""

    def clerk_act(self, agency: Agency, work: Work, name: str, details: Mapping[str, Any]) -> "Outcome":
        """The decision of a clerk's act that acts on the platform, None where this role has no such act."""

    def booked(self, agency: Agency, works: Sequence[Work]) -> Sequence[tuple[Draft, ...]]:
        """Drafts for what the bank's book holds for these cases and their hand does not."""


def load_works(
    agency: Agency,
    role: Role,
    read: Reads,
    case_ids: Sequence[str],
    named: Callable[[Case], bool] = lambda _: True,
) -> dict[str, Work]:
    """The cases of this role among those, with the person's values (not of those that are not `named`)."""
    known = agency.book.load(read, case_ids)
    ours = {
        case_id: one
        for case_id, one in known.items()
        if (party := one.case.parties.get(role)) is not None and party.region == agency.region
    }
    by_case: dict[str, list[DisclosureRow]] = {}
    for row in read.disclosures_of([c for c, one in ours.items() if named(one.case)], "TransferApplied"):
        by_case.setdefault(row.case_id, []).append(row)
    missing = _missing(read, role.other, ours)
    return {
        case_id: Work(one.case, role, one.position, values_of(by_case.get(case_id, ())), missing.get(case_id, {}))
        for case_id, one in ours.items()
    }


def _missing(read: Reads, other: Role, cases: Mapping[str, KnownCase]) -> dict[str, dict[int, tuple[str, ...]]]:
    """Personal fields of the partner's events whose values are not here; looked up once for each event."""
    wanted: dict[str, dict[int, tuple[str, ...]]] = {}
    for case_id, one in cases.items():
        for seq in range(one.disclosed_to + 1, one.case.view.hand(other).seq + 1):
            event = one.case.event(other, seq)
            if not personal_fields(event.type) or event.event_id in one.case.voids:
                continue
            fields = check_disclosures(event, ()).missing
            if fields:
                wanted.setdefault(case_id, {})[seq] = fields
    here = {(row.event_id, row.field) for row in read.disclosures(list(wanted))} if wanted else set()
    found: dict[str, dict[int, tuple[str, ...]]] = {}
    for case_id, one in cases.items():
        for seq, fields in wanted.get(case_id, {}).items():
            event_id = one.case.event(other, seq).event_id
            left = tuple([field for field in fields if (event_id, field) not in here])
            if left:
                found.setdefault(case_id, {})[seq] = left
        if case_id not in found:
            one.disclosed_to = one.case.view.hand(other).seq
    return found


def requests_for_values(work: Work) -> tuple[Draft, ...]:
    """Ask once for personal values of the partner's events that did not come with them."""
    case, other = work.case, work.role.other
    if not work.missing or not case.view.holds_row:
        return ()
    own = [case.event(work.role, seq) for seq in range(1, case.view.hand(work.role).seq + 1)]
    asked = {event.body["event"]["seq"] for event in own if event.type == "DisclosureRequested"}
    return tuple(
        Draft("DisclosureRequested", {"event": {"hand": OWN_HAND[other], "seq": seq}, "fields": fields})
        for seq, fields in work.missing.items()
        if seq not in asked
    )


def cannot(decision: Decision, problem: NotPermitted | ContractError) -> ForClerk:
    """A decision that the table or the contract does not let through: for a clerk, with the reason."""
    code = problem.code if isinstance(problem, ContractError) else "not_permitted"
    return ForClerk(decision.step, code, problem.zh, str(problem))


def to_clerk(agency: Agency, work: Work, why: ForClerk) -> None:
    """Raise what waits for a person; once while it stands."""
    with agency.journal.write() as write:
        data = json.dumps({"step": why.step})
        write.raise_todo("failed", why.code, work.case_id, why.zh, why.en, data)
