"""Questions of a case: who asked what, with whom each lay and for how long (domain.md §6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from jiexu.calendar import beijing_date
from jiexu.case.event import Event, Role
from jiexu.case.words import CODE, EVENT, Word, word
from jiexu.service.clocks import days_between
from jiexu.service.dossier import Dossier, Place

# Question → what answers it, what closes it.
_FORM, _MONEY = "FormQueried", "BalanceQueried"
_ANSWERS = {_FORM: ("InformationFormUploaded", "FormExplained"), _MONEY: ("BalanceRemitted", "BalanceExplained")}
_CLOSES = {_FORM: "FormQueryClosed", _MONEY: "BalanceQueryClosed"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is asked: its code in words, the field, the text that the asker wrote."""

    code: str
    word: Word
    field: str | None
    text: Word | None


@dataclass(frozen=True, slots=True)
class Question:
    """A query of the form or of the money. It lay with the asked side from `since` until `until` (None: it still does).

    `days` are the working days of that stretch, by the asker's calendar: they stand beside the asker's own limit.
    """

    type: str
    word: Word
    asked_by: Place
    seq: int
    problems: tuple[Problem, ...]
    since: datetime
    until: datetime | None
    ended: str | None  # answered | closed
    days: int

    @property
    def open(self) -> bool:
        """Neither answered nor closed."""
        return self.ended is None


def questions(dossier: Dossier) -> tuple[Question, ...]:
    """All questions of a case in the order asked, void ones left out."""
    return tuple(_questions(dossier))


def _questions(dossier: Dossier) -> Iterator[Question]:
    agency, case = dossier.agency, dossier.case
    events = [s.event for s in dossier.events if not s.void]
    calendar = agency.calendar.in_province(dossier.place(Role.INBOUND).region[:2])
    for asked in events:
        if asked.type not in _ANSWERS or asked.hand.role is not Role.INBOUND:
            continue
        since = _reached(dossier, asked)
        until, ended = None, None
        for event in events:
            if event.type in _ANSWERS[asked.type] and event.body["answers"] == asked.seq:
                until, ended = _reached(dossier, event), "answered"
                break
            if event.type == _CLOSES[asked.type] and event.body["closes"] == asked.seq:
                until, ended = event.occurred_at, "closed"
                break
        days = days_between(calendar, beijing_date(since), beijing_date(until or agency.clock())) or 0
        if ended is None and case.view.ended:
            days = 0  # the case is over: nobody waits for the answer any more
        yield Question(
            type=asked.type,
            word=word(EVENT, asked.type),
            asked_by=dossier.place(Role.INBOUND),
            seq=asked.seq,
            problems=_problems(dossier, asked),
            since=since,
            until=until,
            ended=ended,
            days=days,
        )


def _problems(dossier: Dossier, asked: Event) -> tuple[Problem, ...]:
    body = asked.body
    if asked.type == _MONEY:
        text = dossier.text(asked.event_id, "explanation", body["explanation"])
        return (Problem(body["kind"], word(CODE, body["kind"]), body["reference"], text),)
    return tuple(
        Problem(
            one["code"],
            word(CODE, one["code"]),
            one["field"],
            dossier.text(asked.event_id, f"problems.{index}.detail", one["detail"]),
        )
        for index, one in enumerate(body["problems"])
    )


def _reached(dossier: Dossier, event: Event) -> datetime:
    """When the event reached the other side; its own time until the receipt says."""
    return dossier.received.get((event.hand.role, event.seq), event.occurred_at)


def days_elsewhere(asked: tuple[Question, ...], clock: str, start: datetime | None) -> int:
    """Working days that questions about the form lay with outbound since inbound's clock to complete began."""
    if clock != "complete" or start is None:
        return 0
    return sum(one.days for one in asked if one.type == _FORM and one.since >= start)
