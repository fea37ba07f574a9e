"""What the registry states: facts for the checks and for the information form, read in bulk, without effect."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from jiexu.region.platform import FormFacts, MonthRow
from jiexu.region.registry import months
from jiexu.region.registry.account import COLUMNS, Account, account_from
from jiexu.region.registry.money import to_yuan
from jiexu.region.registry.persons import choose, numbers_of, pinned, select_in
from jiexu.rules.facts import Identity, PersonFacts, Relation, RelationStatus, Scheme

_FLAGS = (
    "retired",
    "of_retirement_age",
    "in_hospital",
    "family_sharing",
    "unsettled_costs",
    "unfinished_transfer_in",
    "unfinished_transfer_out",
)


class Shelf:
    """Everything that the registry holds about some person numbers, fetched with one query a table."""

    def __init__(self, db: sqlite3.Connection, region: str, numbers: Iterable[str]) -> None:
        self.region = region
        asked = sorted(set(numbers))
        persons = f"SELECT person_number, name, document_type, document_number, {', '.join(_FLAGS)}, sex, birth_date"
        self.persons = {
            row[0]: row for row in select_in(db, f"{persons} FROM persons WHERE person_number IN ({{}})", asked)
        }
        self.relations = _grouped(
            select_in(
                db,
                "SELECT person_number, scheme, status, kind, coalesce(e.name, r.employer), coverage_year, paid_through,"
                " ended_to FROM relations r LEFT JOIN employers e ON e.code = r.employer"
                " WHERE person_number IN ({}) ORDER BY person_number, scheme",
                asked,
            )
        )
        self.periods = _grouped(
            select_in(
                db,
                "SELECT person_number, region, scheme, first_month, last_month, months, kind FROM periods"
                " WHERE person_number IN ({})",
                asked,
            )
        )
        self.recorded = _grouped(
            select_in(
                db,
                "SELECT person_number, region, scheme, first_month, last_month, months, kind FROM case_months"
                " WHERE person_number IN ({})",
                asked,
            )
        )
        self.accounts = {
            number: row
            for number, *row in select_in(
                db, f"SELECT person_number, {COLUMNS} FROM accounts WHERE person_number IN ({{}})", asked
            )
        }
        self.levels = _grouped(
            select_in(db, "SELECT person_number, case_id, level FROM case_levels WHERE person_number IN ({})", asked)
        )
        self.arrears = _grouped(
            select_in(
                db,
                "SELECT person_number, month, scheme FROM arrears WHERE person_number IN ({}) ORDER BY month",
                asked,
            )
        )

    def account(self, number: str, case_id: str | None = None) -> Account | None:
        """The account of a number as the case sees it."""
        row = self.accounts.get(number)
        if row is None:
            return None
        levels: dict[str, int] = dict(self.levels.get(number, ()))  # type: ignore[arg-type]
        own = levels.pop(case_id, 0) if case_id else 0
        balance, interest, unearned, claims, others, opened_on = row
        return account_from((balance, interest, unearned, claims, others, opened_on), own, sum(levels.values()))

    def rows(self, number: str) -> list[MonthRow]:
        """The stretches of a number, oldest first: own ones, and those brought in by earlier transfers."""
        found = [
            MonthRow(
                region or self.region, Scheme(scheme), first, last, count, kind, bool(region) and region != self.region
            )
            for region, scheme, first, last, count, kind in self.periods.get(number, ())
        ]
        found += [
            MonthRow(region, Scheme(scheme), first, last, count, kind, True)
            for region, scheme, first, last, count, kind in self.recorded.get(number, ())
        ]
        return sorted(found, key=lambda row: (row.first_month, row.last_month, row.region, row.scheme, row.kind))


def facts(
    db: sqlite3.Connection, region: str, identities: Sequence[Identity], scheme: Scheme, on: date
) -> list[PersonFacts]:
    """Facts for the checks; see `LocalPlatform.facts`."""
    numbers = numbers_of(db, identities)
    shelf = Shelf(db, region, (number for found in numbers for number in found))
    return [_person_facts(shelf, found, choose(db, found, scheme), scheme, on) for found in numbers]


def form_facts(
    db: sqlite3.Connection, region: str, cases: Sequence[tuple[str, Identity, Scheme]]
) -> list[FormFacts | None]:
    """What goes into the form; see `LocalPlatform.form_facts`."""
    settled = pinned(db, [case_id for case_id, _, _ in cases])
    numbers = []
    for (case_id, _, scheme), found in zip(cases, numbers_of(db, [who for _, who, _ in cases]), strict=True):
        settled_on = settled.get(case_id)
        numbers.append(settled_on if settled_on in found else choose(db, found, scheme))
    shelf = Shelf(db, region, (number for number in numbers if number))
    holds = _holds(db, (number for number in numbers if number))
    facts: list[FormFacts | None] = []
    for number, (case_id, _, scheme) in zip(numbers, cases, strict=True):
        holder = next((one for one in holds.get((number, scheme), ()) if one != case_id), None)
        facts.append(None if number is None else replace(_form_facts(shelf, number, case_id, scheme), held_by=holder))
    return facts


def _holds(db: sqlite3.Connection, numbers: Iterable[str]) -> dict[tuple[str | None, str], list[str]]:
    """The cases that hold relations, by person number and scheme: as long as they have the state that a hold gave."""
    found: dict[tuple[str | None, str], list[str]] = {}
    query = (
        "SELECT r.person_number, r.scheme, c.case_id FROM case_relations c JOIN relations r"
        " ON r.person_number = c.person_number AND r.scheme = c.scheme AND r.status = c.status_set"
        " WHERE c.status_set <> 'ended' AND c.person_number IN ({}) ORDER BY c.case_id"
    )
    for number, scheme, case_id in select_in(db, query, sorted(set(numbers))):
        found.setdefault((number, scheme), []).append(case_id)
    return found


def _person_facts(shelf: Shelf, numbers: Sequence[str], chosen: str | None, scheme: Scheme, on: date) -> PersonFacts:
    if chosen is None:
        return PersonFacts(shelf.region, (), ())
    flags = {flag: _any(shelf.persons[number][4 + place] for number in numbers) for place, flag in enumerate(_FLAGS)}
    relations = [_relation(row) for number in numbers for row in shelf.relations.get(number, ())]
    account = shelf.account(chosen) if scheme is Scheme.EMPLOYEE else None
    return PersonFacts(
        region=shelf.region,
        identities=tuple(Identity(*shelf.persons[number][1:4]) for number in numbers),
        relations=tuple(relations),
        balance=None if account is None else to_yuan(account.holds),
        in_hospital=flags["in_hospital"],
        arrears=tuple(month for number in numbers for month, owed in shelf.arrears.get(number, ()) if owed == scheme),
        unfinished_transfer_in=bool(flags["unfinished_transfer_in"]),
        unfinished_transfer_out=bool(flags["unfinished_transfer_out"]),
        retired=flags["retired"],
        of_retirement_age=flags["of_retirement_age"],
        family_sharing=flags["family_sharing"],
        unsettled_costs=flags["unsettled_costs"],
        current_month_paid=_paid(relations, scheme, on),
        active_months=_active_months(shelf, numbers),
    )


def _form_facts(shelf: Shelf, number: str, case_id: str, scheme: Scheme) -> FormFacts:
    row = shelf.persons[number]
    rows = shelf.rows(number)
    account = shelf.account(number, case_id) if scheme is Scheme.EMPLOYEE else None
    born = row[-1]
    return FormFacts(
        identity=Identity(*row[1:4]),
        sex=row[-2],
        birth_date=date.fromisoformat(born) if born else None,
        person_number=number,
        rows=tuple(rows),
        first_insured=min((stretch.first_month for stretch in rows), default=None),
        account=None if account is None else account.settlement(),
    )


def _relation(row: Sequence[Any]) -> Relation:
    scheme, status, kind, employer, year, paid_through, ended_to = row
    return Relation(Scheme(scheme), RelationStatus(status), kind, employer, year, paid_through, ended_to)


def _paid(relations: Sequence[Relation], scheme: Scheme, on: date) -> bool | None:
    """Whether the month of `on` is paid; None where no relation of the scheme says up to when it was paid."""
    paid = [relation.paid_through for relation in relations if relation.scheme is scheme and relation.paid_through]
    return max(paid) >= months.of(on) if paid else None


def _active_months(shelf: Shelf, numbers: Sequence[str]) -> tuple[str, ...]:
    """Months paid in this very region, in either scheme: nobody may be insured twice for the same time."""
    found: set[str] = set()
    for number in numbers:
        for row in shelf.rows(number):
            if not row.brought_in and row.kind == "actual":
                found.update(months.between(row.first_month, row.last_month))
    return tuple(sorted(found))


def _any(values: Iterable[int | None]) -> bool | None:
    """True where one number says so; unknown where none does and one is silent."""
    said = list(values)
    if any(said):
        return True
    return None if None in said else False


def _grouped(rows: Iterable[Sequence[Any]]) -> dict[str, list[Sequence[Any]]]:
    found: dict[str, list[Sequence[Any]]] = {}
    for number, *row in rows:
        found.setdefault(number, []).append(row)
    return found
