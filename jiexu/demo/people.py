"""Invented people for the demonstration, and what the registries of three regions know of them."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from random import Random

from jiexu.region.registry import ArrearsRow, PersonRow, RelationRow
from jiexu.region.registry.records import PeriodRow, Row
from jiexu.region.registry.sample import SamplePerson, joining, leaving
from jiexu.rules.facts import RelationStatus, Scheme


@dataclass(frozen=True, slots=True)
class Mover:
    """Somebody who moves: who, from where to where, by which schemes. `rows` go into each region's registry."""

    person: SamplePerson
    outbound: str
    inbound: str
    from_scheme: Scheme = Scheme.EMPLOYEE
    to_scheme: Scheme = Scheme.EMPLOYEE
    rows: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def document_number(self) -> str:
        """The document number that finds the person everywhere."""
        return self.person.identity.document_number

    def put(self, region: str, rows: list[Row]) -> None:
        """Let a region's registry know these rows too."""
        self.rows.setdefault(region, []).extend(rows)


def employee(random: Random, person: SamplePerson, outbound: str, inbound: str, today: date) -> Mover:
    """Left a job in one region, took one in the other: suspended there, enrolled here."""
    mover = Mover(person, outbound, inbound)
    mover.put(outbound, leaving(random, person, today))
    mover.put(inbound, joining(person, today))
    return mover


def resident(person: SamplePerson, outbound: str, inbound: str, today: date) -> Mover:
    """Moved home: this year's resident cover there, next year's here. No account, no money."""
    mover = Mover(person, outbound, inbound, Scheme.RESIDENT, Scheme.RESIDENT)
    number, year = person.person_number, today.year
    here = RelationRow(number, Scheme.RESIDENT, RelationStatus.ACTIVE, kind="resident", coverage_year=year)
    months = PeriodRow(number, "", Scheme.RESIDENT, f"{year - 2}-01", "actual", f"{year - 1}-12", 24)
    mover.put(outbound, [person.row(), here, months])
    new = f"N{number}"
    there = RelationRow(new, Scheme.RESIDENT, RelationStatus.ACTIVE, kind="resident", coverage_year=year + 1)
    mover.put(inbound, [replace(person.row(), person_number=new), there])
    return mover


def never_stopped(mover: Mover) -> None:
    """The old employer never stopped the cover: the relation is still active (OUT-01)."""
    _replace_relation(mover, mover.outbound, status=RelationStatus.ACTIVE)


def in_trouble(mover: Mover) -> None:
    """Still covered, in hospital and with a month unpaid: three grounds at once (OUT-01, OUT-04, OUT-05)."""
    never_stopped(mover)
    rows = mover.rows[mover.outbound]
    for index, row in enumerate(rows):
        if isinstance(row, PersonRow):
            rows[index] = replace(row, in_hospital=True)
    rows.append(ArrearsRow(mover.person.person_number, Scheme.EMPLOYEE, "2026-09", Decimal("412.50")))


def moved_on(mover: Mover, random: Random, actual: str, today: date) -> None:
    """The relation went to another region long ago; the application still names the old one (OUT-02)."""
    mover.rows[actual] = mover.rows[mover.outbound]
    number = f"E{mover.person.person_number}"
    ended = RelationRow(number, Scheme.EMPLOYEE, RelationStatus.ENDED, paid_through="2023-05", ended_to=actual)
    mover.rows[mover.outbound] = [replace(mover.person.row(), person_number=number), ended]


def _replace_relation(mover: Mover, region: str, **changes: object) -> None:
    rows = mover.rows[region]
    for index, row in enumerate(rows):
        if isinstance(row, RelationRow):
            rows[index] = replace(row, **changes)  # type: ignore[arg-type]


def missing_months(mover: Mover) -> list[Row]:
    """Twelve months that the outbound registry had not carried over: found when somebody looked again."""
    number = mover.person.person_number
    first = min(r.first_month for r in mover.rows[mover.outbound] if isinstance(r, PeriodRow))
    year, month = int(first[:4]), int(first[5:])
    last = f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"
    year_before = f"{int(last[:4]) - (int(last[5:]) < 12):04d}-{int(last[5:]) % 12 + 1:02d}"
    return [PeriodRow(number, "", Scheme.EMPLOYEE, year_before, "actual", last, 12)]
