"""A running clock as people see it: what is due, from whom, by when, and how sure that day is (domain.md §6)."""

from dataclasses import dataclass
from datetime import date, datetime

from jiexu.calendar import Calendar, CalendarError, Deadline
from jiexu.case.case import Case
from jiexu.case.obligations import Obligation, Track
from jiexu.case.words import CLOCK, Word, word
from jiexu.service.agency import Agency
from jiexu.service.deadlines import due_of, is_unreceipted
from jiexu.service.dossier import Dossier, Place


@dataclass(frozen=True, slots=True)
class ClockView:
    """One clock. `due` and what hangs on it are None where no day can be given (see `due_of`).

    `unreceipted`: counted from the event's own time, as no receipt has come yet. `days_left` in working days, today
    not counted, below zero when late. `elsewhere` are the working days that a question lay with the other side since
    the clock began: the clock ran on, and they are shown as the other side's (domain.md §6).
    """

    track: Track
    clock: str
    word: Word
    holder: Place
    start: datetime | None
    start_kind: str | None
    length: int | None
    due: date | None
    due_at: datetime | None
    provisional: bool
    unreceipted: bool
    overdue: bool
    days_left: int | None
    calendar: str | None
    elsewhere: int = 0


def clock_view(dossier: Dossier, obligation: Obligation, case: Case | None = None, elsewhere: int = 0) -> ClockView:
    """The clock of an obligation, in the case as it is or as it was at an earlier event (`case`)."""
    agency = dossier.agency
    due = due_of(agency, case or dossier.case, obligation, dossier.received)
    return ClockView(
        track=obligation.track,
        clock=obligation.clock,
        word=word(CLOCK, obligation.clock),
        holder=dossier.place(obligation.holder),
        start=due.start if due else None,
        start_kind=due.start_kind if due else None,
        length=due.length if due else None,
        due=due.due if due else None,
        due_at=due.due_at if due else None,
        provisional=bool(due and due.provisional),
        unreceipted=bool(due and is_unreceipted(due)),
        overdue=bool(due and agency.clock() >= due.due_at),
        days_left=days_left(agency, due) if due else None,
        calendar=due.calendar if due else None,
        elsewhere=elsewhere,
    )


def days_left(agency: Agency, due: Deadline) -> int | None:
    """Working days until a deadline by its owner's calendar; below zero when late, None outside the calendar."""
    calendar, today = agency.calendar.in_province(due.owner[:2]), agency.today()
    if due.due >= today:
        return days_between(calendar, today, due.due)
    late = days_between(calendar, due.due, today)
    return None if late is None else -late


def days_between(calendar: Calendar, start: date, end: date) -> int | None:
    """Working days after a date up to and with another; 0 where that is no later, None outside the calendar."""
    if end <= start:
        return 0
    try:
        return calendar.working_days_between(start, end).days
    except CalendarError:
        return None
