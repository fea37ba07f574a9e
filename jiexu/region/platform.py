"""The port to the local insurance platform (本地医保信息平台): what jiexu asks of it, and what it makes it do.

Reads are free of effect. Every **act** is repeatable under its key: the adapter keeps what was done, per act and
key, and returns it to every repeat, whatever it would answer to the act now: what was done is looked up before
anything that could refuse it. A refusal did nothing, is not kept and may be tried again. So a service that dies
anywhere between a claim and its event does the act again and learns what had been done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from jiexu.rules.facts import Identity, PersonFacts, Scheme


class ActKey(NamedTuple):
    """The name under which an act happens once: case, step, and how often that step stands in the hand plus one.

    For a consequence of an event, `n` is that event's id.
    """

    case_id: str
    step: str
    n: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold the relation suspended while the case runs (domain.md §3a.5)."""

    key: ActKey
    identity: Identity
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class EndRelation:
    """End the outbound relation after completion; it names where it went."""

    key: ActKey
    identity: Identity
    scheme: Scheme
    moved_to: str


@dataclass(frozen=True, slots=True)
class Reinstate:
    """Take back a hold or an end: the relation is suspended as before the case."""

    key: ActKey
    identity: Identity
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Debit:
    """Set the level of what the person's account has given to the case. A level, never a movement."""

    key: ActKey
    identity: Identity
    scheme: Scheme
    level: Decimal


@dataclass(frozen=True, slots=True)
class Send:
    """Send the region's money to the inbound region's bank account. The reference names the case's remittance."""

    key: ActKey
    reference: str
    amount: Decimal
    from_region: str
    to_region: str
    bank_account: str | None
    payee: str
    document_number: str


@dataclass(frozen=True, slots=True)
class Return:
    """Send money back to the outbound region; a return that the bank refuses is sent again under its reference."""

    key: ActKey
    return_reference: str
    reference: str
    amount: Decimal
    from_region: str
    to_region: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class PayOut:
    """Pay the person or the heirs."""

    key: ActKey
    bank_reference: str
    amount: Decimal
    payee: str


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One stretch of months to record inbound, as the form states it."""

    region: str
    scheme: Scheme
    first_month: str
    last_month: str
    months: int
    kind: str  # actual | deemed
    brought_in: bool


@dataclass(frozen=True, slots=True)
class RecordMonths:
    """Take the relation over: replace what this case recorded before by these rows (one version supersedes)."""

    key: ActKey
    identity: Identity
    scheme: Scheme
    rows: Sequence[MonthRow]


@dataclass(frozen=True, slots=True)
class UnrecordMonths:
    """Take the months of this case out again (completion reversed)."""

    key: ActKey
    identity: Identity
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Credit:
    """Credit arrived money to the person's account."""

    key: ActKey
    identity: Identity
    scheme: Scheme
    reference: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take credited money back out of the person's account; refused if the balance does not cover it."""

    key: ActKey
    identity: Identity
    scheme: Scheme
    reference: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Advance:
    """Credit the region's own money before the other's has arrived (先划转后清算, domain.md §3c); settled later."""

    key: ActKey
    identity: Identity
    scheme: Scheme
    amount: Decimal


Act = (
    Hold
    | EndRelation
    | Reinstate
    | Debit
    | Send
    | Return
    | PayOut
    | RecordMonths
    | UnrecordMonths
    | Credit
    | Advance
    | TakeBack
)


@dataclass(frozen=True, slots=True)
class Done:
    """The act took effect, now or at an earlier call under the same key (`repeated`).

    `value` is what the act states: the level set, the serial, the months recorded: plain JSON values.
    """

    value: dict[str, str]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The act did nothing; code, what happened and what to do, in Chinese and English."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DoneAct:
    """An act as the platform keeps it under its key: its class, the value it stated, when it took effect (aware)."""

    key: ActKey
    act: str
    value: dict[str, str]
    done_at: datetime

    @property
    def stated(self) -> str:
        """The value as a person reads it."""
        return ", ".join(f"{name} {value}" for name, value in self.value.items())


@dataclass(frozen=True, slots=True)
class AccountSettlement:
    """The lines of the personal account for the form, in yuan. `amount` is what may move (个人账户实际转出资金)."""

    balance: Decimal
    interest: Decimal
    unearned_allocation: Decimal
    settled_claims: Decimal
    other_lines: Sequence[tuple[str, Decimal]]
    opened_on: date | None

    @property
    def amount(self) -> Decimal:
        """Balance + interest − unearned allocation − settled claims ± named lines (domain.md §2)."""
        others = sum((amount for _, amount in self.other_lines), Decimal("0.00"))
        return self.balance + self.interest - self.unearned_allocation - self.settled_claims + others


@dataclass(frozen=True, slots=True)
class FormFacts:
    """What the platform states for the information form: the person, the stretches paid, the account.

    `given` is what the account has already given to this case: the settlement is worked out as if it had not, so
    that a second version of the form stands on the same ground as the first. `held_by` is another case that holds the
    relation suspended now (`Hold`), by its id.
    """

    identity: Identity
    sex: str | None
    birth_date: date | None
    person_number: str | None
    rows: Sequence[MonthRow]
    first_insured: str | None
    account: AccountSettlement | None  # None in the resident scheme
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line of the bank's book for this region, in the order booked.

    kind: `arrived` (a remittance came in; reference is the remittance's), `refused` (the bank refused one of ours),
    `returned` (a return came back; reference is the return reference), `return_refused`.
    """

    number: int
    kind: str
    reference: str
    amount: Decimal
    bank_date: date
    serial: str
    reason: str | None = None


class LocalPlatform(Protocol):
    """What a region's own system must offer. The contract test suite in `tests/region/` holds any adapter to it."""

    def facts(self, identities: Sequence[Identity], scheme: Scheme, on: date) -> list[PersonFacts]:
        """Facts for the checks, one per identity, in order. Looked up by document type and number."""

    def form_facts(self, cases: Sequence[tuple[str, Identity, Scheme]], on: date) -> list[FormFacts | None]:
        """For (case id, identity, from-scheme): what goes into the form; None where the person is unknown."""

    def perform(self, acts: Sequence[Act]) -> list[Done | Refused]:
        """Do the acts in order, each by itself: durable when this returns, or done by an earlier call."""

    def acts_of(self, case_id: str) -> list[DoneAct]:
        """What it has done for a case, oldest first: what a person looks at where no event reports an act."""

    def bank_lines(self, after: int, limit: int = 500) -> list[BankLine]:
        """Lines of the bank's book numbered above `after`, ascending."""

    def lines_of(self, references: Sequence[str]) -> dict[str, list[BankLine]]:
        """Lines of the bank's book by reference (a remittance's, or a return's), each in the order booked."""

    def books(self) -> dict[str, Decimal]:
        """Totals of this region's own books for cases, in yuan: debited, sent, returned, credited, taken_back,
        paid_out, arrived, and their counterparts; what the money account of a run is checked against."""

    def book_of_references(self) -> dict[str, dict[str, Decimal]]:
        """The same per remittance reference, in yuan: sent, failed, return_arrived of own ones; arrived, credited
        (gross), taken_back, returned, return_refused of received ones."""

    def close(self) -> None:
        """Release the connection."""
