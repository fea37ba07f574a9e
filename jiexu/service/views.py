"""What people see of a case, as values and drawn: one door to the views, for the command line and other programs.

    case_view, find_cases   one case, or a person's        (case_view.py)
    timeline                what happened, drawn in lanes  (timeline.py)
    worklist                what is due in this region     (worklist.py)

Every view is a function of what the journal holds and of the clock; nothing here writes.
"""

from jiexu.service.case_view import (
    Audience,
    CaseUnknown,
    CaseView,
    TrackView,
    case_view,
    find_cases,
    view_of,
)
from jiexu.service.clocks import ClockView
from jiexu.service.drawing import render_case, render_timeline, render_worklist
from jiexu.service.money_view import MoneyView
from jiexu.service.questions import Question
from jiexu.service.timeline import Entry, Timeline, timeline, timeline_of
from jiexu.service.worklist import WorkItem, items_of, worklist

__all__ = [
    "Audience",
    "CaseUnknown",
    "CaseView",
    "ClockView",
    "Entry",
    "MoneyView",
    "Question",
    "Timeline",
    "TrackView",
    "WorkItem",
    "case_view",
    "find_cases",
    "items_of",
    "render_case",
    "render_timeline",
    "render_worklist",
    "timeline",
    "timeline_of",
    "view_of",
    "worklist",
]
