"""Working days of mainland China with moved workdays (调休), and deadlines counted in them (domain.md §6).

`Calendar` and `deadline` are pure; `load` and `add` read and write the year files that the calendar is made of.
"""

from jiexu.calendar.deadlines import Deadline, deadline, recompute
from jiexu.calendar.errors import CalendarError
from jiexu.calendar.installed import Added, add, load, overlay_directory
from jiexu.calendar.notice import YearPlan, read_plan
from jiexu.calendar.workdays import Calendar, Count, Day, DayKind, Due, beijing_date, due_instant

__all__ = [
    "Added",
    "Calendar",
    "CalendarError",
    "Count",
    "Day",
    "DayKind",
    "Deadline",
    "Due",
    "YearPlan",
    "add",
    "beijing_date",
    "deadline",
    "due_instant",
    "load",
    "overlay_directory",
    "read_plan",
    "recompute",
]
