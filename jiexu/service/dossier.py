"""A case's dossier (案卷): everything that what people see is made of, read from the journal in bulk.

The views are functions of dossiers; nothing else reads for them, so a list of a thousand cases is a few statements.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from jiexu.calendar import Deadline
from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.case.obligations import Obligation
from jiexu.case.words import NOT_DISCLOSED, Word
from jiexu.journal.port import DisclosureRow, Reads, ReceiptRow, StoredClaim, StoredEvent, Todo
from jiexu.region.directory.problem import DirectoryError
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold, own_role
from jiexu.service.counter import anew_id
from jiexu.service.deadlines import due_obligations, due_of, received_times
from jiexu.service.persons import identity_from, values_of

T = TypeVar("T")

CASES_A_READ = 500
"""Dossiers read at once: about 30 kB each, so 15 MB, and few statements a case."""


@dataclass(frozen=True, slots=True)
class Place:
    """A pooling region in a role, with the name that people know it by."""

    role: Role
    region: str
    name: Word


@dataclass(frozen=True, slots=True)
class Dossier:
    """One case with its events, receipts, disclosed values, claims and todos, as one region has them."""

    agency: Agency
    case: Case
    role: Role
    events: Sequence[StoredEvent]
    receipts: Sequence[ReceiptRow]
    values: Mapping[tuple[str, str], str]
    claims: Sequence[StoredClaim]
    todos: Sequence[Todo]
    received: Mapping[tuple[Role, int], datetime]
    lodged_anew: bool

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of TransferApplied."""
        assert self.case.application is not None, "a dossier is of a case with its application"
        return self.case.application.body

    @property
    def person(self) -> Word:
        """The person, masked; or that the values were erased or never disclosed."""
        assert self.case.application is not None, "a dossier is of a case with its application"
        kind = self.body["person"]["document_type"]
        who = identity_from(kind, self.case.application.event_id, self.values)
        return NOT_DISCLOSED if who is None else Word(who.masked(), who.masked())

    def place(self, role: Role) -> Place:
        """Who plays a role in the case."""
        region = self.case.parties[role].region
        return Place(role, region, region_name(self.agency, region))

    def obligations(self) -> list[Obligation]:
        """All that is due now, current ones first."""
        return due_obligations(self.case, self.lodged_anew)

    def due(self, obligation: Obligation) -> Deadline | None:
        """The deadline of an obligation."""
        return due_of(self.agency, self.case, obligation, self.received)

    def text(self, event_id: str, path: str, digest: object) -> Word | None:
        """A personal text of an event: None where the event holds none, else the value or that it is not here."""
        if digest is None:
            return None
        value = self.values.get((event_id, path))
        return NOT_DISCLOSED if value is None else Word(value, value)


def region_name(agency: Agency, code: str) -> Word:
    """A region's name; its code where the directory has none."""
    try:
        region = agency.places.pooling_region(code)
    except DirectoryError:
        return Word(code, code)
    return Word(region.name, region.english or region.name)


def dossiers(
    agency: Agency, read: Reads, case_ids: Sequence[str], todos: Mapping[str, Sequence[Todo]] | None = None
) -> dict[str, Dossier]:
    """The dossiers of these cases, in that order. Cases in which this region has no part are left out.

    Who reads page after page gives the todos by case, so that they are read once (`todos_by_case`).
    """
    found: dict[str, Dossier] = {}
    todos = todos_by_case(read) if todos is None else todos
    for start in range(0, len(case_ids), CASES_A_READ):
        found.update(_page(agency, read, case_ids[start : start + CASES_A_READ], todos))
    return found


def todos_by_case(read: Reads) -> Mapping[str, Sequence[Todo]]:
    """What waits for a person, by case."""
    return _by_case((one.case_id, one) for one in read.todos())


def _page(
    agency: Agency, read: Reads, page: Sequence[str], todos: Mapping[str, Sequence[Todo]]
) -> Iterable[tuple[str, Dossier]]:
    events = read.cases_events(page)
    receipts = _by_case((one.case_id, one) for one in read.case_receipts(page))
    rows: dict[str, list[DisclosureRow]] = _by_case((row.case_id, row) for row in read.disclosures(page))
    claims = _by_case((one.claim.case_id, one) for one in read.open_claims(page))
    # Only forwarded cases need it, but one look for all ids is cheaper than one for each.
    anew = {anew_id(case_id): case_id for case_id in page}
    lodged = {anew[new_id] for new_id in read.heads(list(anew))}
    for case_id in page:
        case = fold(case_id, events.get(case_id, ()))
        role = own_role(case, agency.region)
        if role is None:
            continue
        got = receipts.get(case_id, ())
        yield (
            case_id,
            Dossier(
                agency=agency,
                case=case,
                role=role,
                events=events[case_id],
                receipts=got,
                values=values_of(rows.get(case_id, ())),
                claims=claims.get(case_id, ()),
                todos=todos.get(case_id, ()),
                received=received_times(events[case_id], got),
                lodged_anew=case_id in lodged,
            ),
        )


def _by_case(pairs: Iterable[tuple[str | None, T]]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = {}
    for case_id, one in pairs:
        if case_id is not None:
            grouped.setdefault(case_id, []).append(one)
    return grouped
