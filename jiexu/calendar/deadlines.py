"""A deadline is a fact that can be worked out again: its clock, owner, start, length and calendar version.

Which clocks there are and how long they run is data of the ruleset; here the length is an argument. Pure.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from jiexu.calendar.workdays import Calendar, beijing_date, province_of


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when a step is to be done, and everything that this rests on (domain.md §6).

    `owner` must act; `start` is aware UTC, `start_kind` what happened then (acceptance, form received …);
    `length` counts working days; `due` is the last of them and `due_at` its 24:00 Beijing time in UTC;
    `provisional`: reaches into days that no notice has named yet; `calendar` is the version, with the overlay of
    the owner's province.
    """

    clock: str
    owner: str
    start: datetime
    start_kind: str
    length: int
    due: date
    due_at: datetime
    provisional: bool
    calendar: str


def deadline(calendar: Calendar, *, clock: str, owner: str, start: datetime, start_kind: str, length: int) -> Deadline:
    """Work a deadline out with the calendar of the owner's province (`Calendar.in_province`).

    The start day is the date in Beijing of the instant `start`, and is not counted. Raises CalendarError CAL-08
    for a naive start, CAL-03 for a length outside 1 to 1000, CAL-01 for a start before the calendar's years.
    """
    due = calendar.add_working_days(beijing_date(start), length)
    return Deadline(
        clock=clock,
        owner=owner,
        start=start.astimezone(UTC),
        start_kind=start_kind,
        length=length,
        due=due.date,
        due_at=due.instant,
        provisional=due.provisional,
        calendar=due.calendar,
    )


def recompute(old: Deadline, calendar: Calendar) -> Deadline:
    """The same deadline by another version of the calendar, e.g. when a year was added or corrected.

    The province is taken from the deadline's own calendar version, whichever province `calendar` speaks for: a
    limit of Guangxi never turns into one of the country by being worked out again.
    """
    return deadline(
        calendar.in_province(province_of(old.calendar)),
        clock=old.clock,
        owner=old.owner,
        start=old.start,
        start_kind=old.start_kind,
        length=old.length,
    )
