"""The calendar of working days: pure, made of year files, asked for dates (domain.md §6, Clocks).

Past the last published year it answers with Monday to Friday only as an estimate that is marked as such
(`provisional`), and it refuses where an answer could not carry the mark.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from itertools import pairwise

from jiexu.calendar.errors import CalendarError
from jiexu.calendar.notice import FIRST_YEAR, LAST_YEAR, Holiday, YearPlan

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Asia/Shanghai has had no other offset since 1991; so no time zone database is needed, which slim images lack."""

LONGEST = 1000
"""Working days; the longest limit of the rule book is 20 (domain.md §6), so more is a slip."""

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class DayKind(StrEnum):
    """What a date is: the first and the last are worked."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MOVED_WORKDAY = "moved_workday"


@dataclass(frozen=True, slots=True)
class Day:
    """One date's answer. `holiday` names it where it is one; `provisional`: an estimate, the year is not published."""

    kind: DayKind
    holiday: Holiday | None
    provisional: bool

    @property
    def is_working(self) -> bool:
        """Whether the day counts (工作日)."""
        return self.kind in (DayKind.WORKDAY, DayKind.MOVED_WORKDAY)


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a limit, ending at 24:00 Beijing time; `calendar` is the version it was worked out with."""

    date: date
    provisional: bool
    calendar: str

    @property
    def instant(self) -> datetime:
        """24:00 Beijing time of the date, as aware UTC."""
        return due_instant(self.date)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of working days, marked in the same way as a due date."""

    days: int
    provisional: bool
    calendar: str


def beijing_date(instant: datetime) -> date:
    """The date in Beijing at an aware instant; CalendarError CAL-08 for a naive one."""
    if instant.tzinfo is None:
        raise CalendarError(
            "CAL-08",
            f"时间 {instant} 没有时区，请使用带时区的时间",
            f"the time {instant} has no zone: give an aware time",
        )
    return instant.astimezone(BEIJING).date()


def due_instant(day: date) -> datetime:
    """24:00 Beijing time of a date, as aware UTC: 16:00 UTC of the same date."""
    return datetime.combine(day + _ONE_DAY, time(), BEIJING).astimezone(UTC)


@dataclass(frozen=True, repr=False)
class Calendar:
    """Working days of the country, or of one province with its own days laid over it.

    `national` and `overlays` hold one plan a year (and province); `own_days` are the provinces that have days of
    their own, so that a year without a file is known to be unknown; `province` is the one this calendar speaks
    for, None for the country. Raises CalendarError CAL-09 where the national years have a gap or a year stands
    twice.
    """

    national: tuple[YearPlan, ...]
    overlays: tuple[YearPlan, ...] = ()
    own_days: frozenset[str] = frozenset()
    province: str | None = None
    version: str = field(init=False)
    """Derived from the content: equal versions give equal answers, e.g. `cn-2016..2026-1a2b3c4d+45-5e6f7a8b`."""

    _first: int = field(init=False, repr=False, compare=False)
    _named: dict[date, Day] = field(init=False, repr=False, compare=False)
    _published: frozenset[int] = field(init=False, repr=False, compare=False)
    _by_province: dict[str | None, "Calendar"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        national = _in_order(self.national)
        own = _in_order(plan for plan in self.overlays if plan.province == self.province) if self.province else ()
        for earlier, later in pairwise(national):
            if later.year != earlier.year + 1:
                raise _gap(earlier.year + 1)
        if not national:
            raise _gap(FIRST_YEAR)
        version = f"cn-{national[0].year}..{national[-1].year}-{_digest(national)}"
        published = {plan.year for plan in national}
        if self.province is not None:
            version += f"+{self.province}-{_digest(own) if own else 'unknown'}"
            published &= {plan.year for plan in own}
        named: dict[date, Day] = {}
        for plan in (*national, *own):  # the province last: its word on a date stands over the country's
            provisional = plan.year not in published
            for holiday in plan.holidays:
                named.update((day, Day(DayKind.HOLIDAY, holiday, provisional)) for day in holiday.days)
            named.update((day, Day(DayKind.MOVED_WORKDAY, None, provisional)) for day in plan.moved_workdays)
        object.__setattr__(self, "national", national)
        object.__setattr__(self, "version", version)
        object.__setattr__(self, "_first", national[0].year)
        object.__setattr__(self, "_named", named)
        object.__setattr__(self, "_published", frozenset(published))
        object.__setattr__(self, "_by_province", {self.province: self})

    def __repr__(self) -> str:
        return f"Calendar({self.version!r})"  # the files themselves would fill pages of a log

    @property
    def first_year(self) -> int:
        """The first year with a national file."""
        return self._first

    @property
    def last_year(self) -> int:
        """The last year with a national file."""
        return self.national[-1].year

    def is_published(self, year: int) -> bool:
        """Whether every day of the year is known, the province's own days included."""
        return year in self._published

    def plans(self, year: int) -> tuple[YearPlan, ...]:
        """The files that speak of a year: the national one, then the province's; none where not published."""
        own = (plan for plan in self.overlays if plan.province == self.province and self.province is not None)
        return tuple(plan for plan in (*self.national, *own) if plan.year == year)

    def in_province(self, code: str | None) -> "Calendar":
        """The calendar of a province (first two digits of a region code); None gives the country's.

        A province without days of its own has the country's calendar and its version. CalendarError CAL-05 for
        anything but two digits.
        """
        if code is not None and not (len(code) == 2 and code.isascii() and code.isdigit() and code >= "11"):
            raise CalendarError(
                "CAL-05",
                f"省级代码“{code}”无效：应为两位数字，即统筹区代码的前两位，如 45（广西）",
                f"province code '{code}': give two digits, the first two of a region code, such as 45 (Guangxi)",
            )
        wanted = code if code in self.own_days else None
        if wanted not in self._by_province:
            sibling = Calendar(self.national, self.overlays, self.own_days, wanted)
            object.__setattr__(sibling, "_by_province", self._by_province)
            self._by_province[wanted] = sibling
        return self._by_province[wanted]

    def day(self, day: date) -> Day:
        """What a date is, with the mark of an estimate. CalendarError CAL-01 outside the calendar's years."""
        if not self._first <= day.year <= LAST_YEAR:
            raise self._outside(day)
        named = self._named.get(day)
        if named is not None:
            return named
        kind = DayKind.WORKDAY if day.weekday() < _SATURDAY else DayKind.WEEKEND
        return Day(kind, None, day.year not in self._published)

    def is_working_day(self, day: date) -> bool:
        """Whether a date is a working day, only where that is known.

        A bare yes or no cannot carry the mark of an estimate: CalendarError CAL-02 in a year that is not
        published (or not for this province); `day` answers there too, marked. CAL-01 as for `day`.
        """
        answer = self.day(day)
        if answer.provisional:
            whose = "全国" if self.province is None or day.year > self.last_year else f"省级代码 {self.province}"
            raise CalendarError(
                "CAL-02",
                f"{day.year} 年{whose}的放假安排尚未录入，{day} 是否工作日未知；通知公布后请用 jiexu calendar add 录入",
                f"the days off of {day.year} are not in the calendar {self.version}, so {day} is not known: "
                "add the year with `jiexu calendar add` once its notice is out",
            )
        return answer.is_working

    def add_working_days(self, start: date, days: int) -> Due:
        """The n-th working day after `start`; the start day is not counted (domain.md §6, **ours**).

        Provisional as soon as any day after the start up to the due date lies in a year that is not published.
        CalendarError CAL-03 unless 1 ≤ days ≤ 1000, CAL-01 as for `day`.
        """
        if not 1 <= days <= LONGEST:
            raise CalendarError(
                "CAL-03",
                f"工作日数 {days} 无效：应在 1 到 {LONGEST} 之间",
                f"{days} working days: give a number from 1 to {LONGEST}",
            )
        due, left, provisional = start, days, False
        while left:
            due = _next(due)
            answer = self.day(due)
            provisional = provisional or answer.provisional
            left -= answer.is_working
        return Due(due, provisional, self.version)

    def working_days_between(self, start: date, end: date) -> Count:
        """Working days after `start` up to and with `end`: the inverse of `add_working_days`.

        CalendarError CAL-04 where the end lies before the start, CAL-01 as for `day`.
        """
        if end < start:
            raise CalendarError(
                "CAL-04",
                f"截止日 {end} 早于起始日 {start}，请对调",
                f"the end {end} lies before the start {start}: swap them",
            )
        day, count, provisional = start, 0, False
        while day < end:
            day = _next(day)
            answer = self.day(day)
            provisional = provisional or answer.provisional
            count += answer.is_working
        return Count(count, provisional, self.version)

    def _outside(self, day: date) -> CalendarError:
        return CalendarError(
            "CAL-01",
            f"日期 {day} 不在日历范围内：日历自 {self.first_year} 年起，至 {LAST_YEAR} 年止，请核对日期",
            f"{day} is outside the calendar, which begins in {self.first_year} and ends in {LAST_YEAR}: check it",
        )


def province_of(version: str) -> str | None:
    """The province code in a calendar version; None for the country's."""
    _, plus, overlay = version.partition("+")
    return overlay[:2] if plus else None


def _next(day: date) -> date:
    return day + _ONE_DAY if day < date.max else day


def _in_order(plans: Iterable[YearPlan]) -> tuple[YearPlan, ...]:
    ordered = tuple(sorted(plans, key=lambda plan: plan.year))
    for earlier, later in pairwise(ordered):
        if later.year == earlier.year:
            raise CalendarError(
                "CAL-09", f"{later.name} 有两份文件，请只保留一份", f"{later.name} has two files: keep one of them"
            )
    return ordered


def _gap(year: int) -> CalendarError:
    return CalendarError(
        "CAL-09",
        f"缺少 {year} 年的全国放假安排：各年必须相连，请先录入该年",
        f"the national year {year} is missing: years must follow one another, add that year first",
    )


def _digest(plans: Iterable[YearPlan]) -> str:
    canonical = json.dumps([plan.decisive() for plan in plans], separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]
