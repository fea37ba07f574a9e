"""Calendar months as `YYYY-MM`, and what a person's stretches add up to (domain.md §8).

A calendar month counts once: employee before resident, actual before deemed. Actual and deemed are totalled apart.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from jiexu.rules.facts import Scheme

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")  # not \d, which takes full-width digits


class Kind(StrEnum):
    """实际缴费 / 视同缴费, as the paying region states it (domain.md §1)."""

    ACTUAL = "actual"
    DEEMED = "deemed"


def month_number(month: str) -> int:
    """Months since year 0, so that differences are months. ValueError for anything but `YYYY-MM`."""
    if not _MONTH.fullmatch(month):
        raise ValueError(f"not a month: {month!r}")
    return int(month[:4]) * 12 + int(month[5:]) - 1


def month_text(number: int) -> str:
    """The month of a number, as `YYYY-MM`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of covered months, first and last included; back-paid months are covered like any other.

    Raises ValueError where the last month lies before the first.
    """

    region: str
    scheme: Scheme
    first_month: str
    last_month: str
    kind: Kind = Kind.ACTUAL

    def __post_init__(self) -> None:
        if month_number(self.last_month) < month_number(self.first_month):
            raise ValueError(f"a period cannot end before it begins: {self.first_month} to {self.last_month}")

    @property
    def numbers(self) -> range:
        """Its months as numbers."""
        return range(month_number(self.first_month), month_number(self.last_month) + 1)


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """Distinct calendar months by scheme and kind, and the first of them all."""

    employee_actual: int = 0
    employee_deemed: int = 0
    resident_actual: int = 0
    resident_deemed: int = 0
    first_month: str | None = None

    @property
    def actual(self) -> int:
        """Actual months of either scheme, as the form totals them."""
        return self.employee_actual + self.resident_actual

    @property
    def deemed(self) -> int:
        """Deemed months of either scheme, as the form totals them."""
        return self.employee_deemed + self.resident_deemed

    def employee_months(self, *, resident_months_count: bool = False) -> int:
        """Months that count for employee years (W4), across regions.

        Resident months count only where inbound's overlay says so (`Switches.resident_months_count`).
        """
        employee = self.employee_actual + self.employee_deemed
        return employee + (self.resident_actual + self.resident_deemed if resident_months_count else 0)


# The better claim to a month that several stretches name comes first; the order of the fields of MonthTotals.
_RANK = (
    (Scheme.EMPLOYEE, Kind.ACTUAL),
    (Scheme.EMPLOYEE, Kind.DEEMED),
    (Scheme.RESIDENT, Kind.ACTUAL),
    (Scheme.RESIDENT, Kind.DEEMED),
)


def month_totals(periods: Iterable[Period]) -> MonthTotals:
    """Count every calendar month once, under the best claim to it."""
    best: dict[int, int] = {}
    for period in periods:
        rank = _RANK.index((period.scheme, period.kind))
        for month in period.numbers:
            best[month] = min(rank, best.get(month, rank))
    counts = Counter(best.values())
    return MonthTotals(
        employee_actual=counts[0],
        employee_deemed=counts[1],
        resident_actual=counts[2],
        resident_deemed=counts[3],
        first_month=month_text(min(best)) if best else None,
    )


def covered_months(periods: Iterable[Period]) -> frozenset[int]:
    """Every covered month of either scheme in any region, as numbers."""
    return frozenset(month for period in periods for month in period.numbers)


def unbroken_months(covered: frozenset[int], last: int) -> int:
    """Consecutive covered months that end with `last`; one uncovered month breaks them."""
    count = 0
    while last - count in covered:
        count += 1
    return count
