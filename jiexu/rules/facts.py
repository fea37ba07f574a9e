"""What a check looks at: facts of one person, as one side's platform and journal state them.

The local platform port fills these; the checks judge them. `None` means that the platform did not say, which a
check never takes for a yes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from jiexu.case.event import Role
from jiexu.rules.identity import masked_number


class Scheme(StrEnum):
    """职工医保 (310) or 居民医保 (390); only the employee scheme has a personal account."""

    EMPLOYEE = "employee"
    RESIDENT = "resident"


class RelationStatus(StrEnum):
    """State of one person's relation of one scheme in one region (psn_insu_stas: 1, 2, 3)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, in plain values. Never logged: `masked()` is what logs and lists show."""

    name: str
    document_type: str
    document_number: str

    def masked(self) -> str:
        """Name and number with the middle blanked, e.g. `张* 6101**********001X`."""
        return f"{self.name[:1]}* {masked_number(self.document_number)}"


@dataclass(frozen=True, slots=True)
class Application:
    """An application as the counter takes it, before it is an event."""

    identity: Identity
    outbound: str
    inbound: str
    from_scheme: Scheme
    to_scheme: Scheme
    applied_on: date
    applicant: str = "person"  # person | employer | agent
    applicant_name: str | None = None
    authority: str | None = None  # the named authority of an agent
    procedure: str = "platform"
    scope: str = "full"
    overlap_kept: Role | None = None  # which side's months count, where both sides were paid


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation (参保关系) of one scheme in one region."""

    scheme: Scheme
    status: RelationStatus
    kind: str = "employed"  # employed | flexible | resident
    employer: str | None = None
    coverage_year: int | None = None  # residents: the year that the cover is for
    paid_through: str | None = None  # YYYY-MM
    ended_to: str | None = None  # pooling region where an ended relation went


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """One person in one region, on one day.

    `identities` are the records found under the document number: none, one, or several person numbers
    (合并提示). Money in yuan. Months as `YYYY-MM`.
    """

    region: str
    identities: Sequence[Identity]
    relations: Sequence[Relation]
    balance: Decimal | None = None
    in_hospital: bool | None = None
    arrears: Sequence[str] | None = ()
    unfinished_transfer_in: bool | None = False
    unfinished_transfer_out: bool | None = False
    retired: bool | None = None
    of_retirement_age: bool | None = None
    family_sharing: bool | None = None
    unsettled_costs: bool | None = None
    current_month_paid: bool | None = None
    active_months: Sequence[str] | None = ()


@dataclass(frozen=True, slots=True)
class JournalFacts:
    """What this side's own journal knows of the same person: open and completed cases, by case id."""

    open_case: str | None = None  # same person, from-scheme and pair (BOTH-04)
    completed_case: str | None = None  # completed, and cover not resumed outbound since (BOTH-04)
    row_holder: str | None = None  # outbound only: the case that holds open_moves(person, scheme) (OUT-10)
