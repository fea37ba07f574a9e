"""The rows of the registry as values, and how they are put in: what an import and a test fill the tables with.

Putting a row in twice changes nothing, and what cases did since stays: an account moves by the difference to the
balance stated before, a relation changes only where the stated row changed.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal

from jiexu.region.registry.money import to_cents
from jiexu.rules.facts import Identity, RelationStatus, Scheme
from jiexu.rules.identity import normalised

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person under one number. Flags are None where the source does not say."""

    person_number: str
    name: str
    document_type: str
    document_number: str
    sex: str | None = None
    birth_date: date | None = None
    phone: str | None = None
    retired: bool | None = None
    of_retirement_age: bool | None = None
    in_hospital: bool | None = None
    family_sharing: bool | None = None
    unsettled_costs: bool | None = None
    unfinished_transfer_in: bool | None = None
    unfinished_transfer_out: bool | None = None

    @property
    def identity(self) -> Identity:
        """Who this is, for acts and look-ups."""
        return Identity(self.name, self.document_type, self.document_number)


@dataclass(frozen=True, slots=True)
class EmployerRow:
    """An employer's code and name; relations may name the code."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class RelationRow:
    """One person's relation of one scheme."""

    person_number: str
    scheme: Scheme
    status: RelationStatus
    kind: str = "employed"  # employed | flexible | resident
    employer: str | None = None
    coverage_year: int | None = None
    paid_through: str | None = None
    ended_to: str | None = None


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One stretch of months. `region` is empty for the registry's own."""

    person_number: str
    region: str
    scheme: Scheme
    first_month: str
    kind: str  # actual | deemed
    last_month: str
    months: int


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A personal account as the source states it, in yuan; a negative balance is an overdraft (OUT-03)."""

    person_number: str
    balance: Decimal
    interest: Decimal = NOTHING
    unearned_allocation: Decimal = NOTHING
    settled_claims: Decimal = NOTHING
    other_lines: tuple[tuple[str, Decimal], ...] = ()
    opened_on: date | None = None


@dataclass(frozen=True, slots=True)
class ArrearsRow:
    """A month that was not paid."""

    person_number: str
    scheme: Scheme
    month: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BankLineRow:
    """A line of the region's bank statement; `serial` and `kind` name it."""

    kind: str  # arrived | refused | returned | return_refused
    reference: str
    amount: Decimal
    bank_date: date
    serial: str
    reason: str | None = None
    for_reference: str | None = None  # of a return: the remittance given back


Row = PersonRow | EmployerRow | RelationRow | PeriodRow | AccountRow | ArrearsRow | BankLineRow


class PersonUnknown(Exception):
    """The row belongs to a person number that the registry does not have."""


def put(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Put rows in, inside the caller's transaction. PersonUnknown on the first row of an unknown person."""
    for row in rows:
        put_row(db, row)


def put_row(db: sqlite3.Connection, row: Row) -> None:
    """Put one row in; see `put`."""
    try:
        match row:
            case PersonRow():
                _put_person(db, row)
            case EmployerRow():
                db.execute("INSERT OR REPLACE INTO employers VALUES (?, ?)", (row.code, row.name))
            case RelationRow():
                _put_relation(db, row)
            case PeriodRow():
                db.execute("INSERT OR REPLACE INTO periods VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(row))
            case AccountRow():
                _put_account(db, row)
            case ArrearsRow():
                amount = None if row.amount is None else to_cents(row.amount)
                db.execute(
                    "INSERT OR REPLACE INTO arrears VALUES (?, ?, ?, ?)",
                    (row.person_number, row.scheme, row.month, amount),
                )
            case BankLineRow():
                add_bank_line(db, row)
    except sqlite3.IntegrityError as error:
        if "FOREIGN KEY" in str(error):
            raise PersonUnknown from None
        raise


def add_bank_line(db: sqlite3.Connection, row: BankLineRow, bank_number: int | None = None) -> None:
    """Write a bank line at the end of the region's own book, once per serial and kind."""
    db.execute(
        "INSERT INTO bank_lines (bank_number, kind, reference, for_reference, amount, bank_date, serial, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        # A line known from a statement still takes the bank's number: it marks how far the bank was read.
        " ON CONFLICT (serial, kind) DO UPDATE SET bank_number = coalesce(bank_number, excluded.bank_number)",
        (
            bank_number,
            row.kind,
            row.reference,
            row.for_reference or row.reference,
            to_cents(row.amount),
            row.bank_date.isoformat(),
            row.serial,
            row.reason,
        ),
    )


def _put_person(db: sqlite3.Connection, row: PersonRow) -> None:
    number, name, document_type, document, sex, birth_date, *rest = astuple(row)
    born = birth_date.isoformat() if birth_date else None
    # An upsert, not OR REPLACE: replacing would delete the row that relations refer to.
    db.execute(
        "INSERT INTO persons VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (person_number)"
        " DO UPDATE SET name = excluded.name, document_type = excluded.document_type,"
        " document_number = excluded.document_number, sex = excluded.sex,"
        " birth_date = excluded.birth_date, phone = excluded.phone, retired = excluded.retired,"
        " of_retirement_age = excluded.of_retirement_age, in_hospital = excluded.in_hospital,"
        " family_sharing = excluded.family_sharing, unsettled_costs = excluded.unsettled_costs,"
        " unfinished_transfer_in = excluded.unfinished_transfer_in,"
        " unfinished_transfer_out = excluded.unfinished_transfer_out",
        (number, name, document_type, normalised(document), sex, born, *rest),
    )


def _put_relation(db: sqlite3.Connection, row: RelationRow) -> None:
    stated = json.dumps(astuple(row), ensure_ascii=False)
    db.execute(
        "INSERT INTO relations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (person_number, scheme) DO UPDATE SET"
        " status = excluded.status, kind = excluded.kind, employer = excluded.employer,"
        " coverage_year = excluded.coverage_year, paid_through = excluded.paid_through,"
        " ended_to = excluded.ended_to, imported = excluded.imported"
        # The same statement again must not undo a hold or an end that a case has set since.
        " WHERE imported <> excluded.imported",
        (*astuple(row), stated),
    )


def _put_account(db: sqlite3.Connection, row: AccountRow) -> None:
    others = json.dumps([[name, to_cents(amount)] for name, amount in row.other_lines], ensure_ascii=False)
    balance = to_cents(row.balance)
    db.execute(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (person_number) DO UPDATE SET"
        " balance = balance + excluded.imported - imported, imported = excluded.imported,"
        " interest = excluded.interest, unearned_allocation = excluded.unearned_allocation,"
        " settled_claims = excluded.settled_claims, other_lines = excluded.other_lines,"
        " opened_on = coalesce(excluded.opened_on, opened_on)",
        (
            row.person_number,
            balance,
            balance,
            to_cents(row.interest),
            to_cents(row.unearned_allocation),
            to_cents(row.settled_claims),
            others,
            row.opened_on.isoformat() if row.opened_on else None,
        ),
    )
