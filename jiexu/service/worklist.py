"""The worklist of a region: what is due in its cases, by whom and when, and what waits for a clerk (domain.md §10)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from jiexu.case.event import Role
from jiexu.case.obligations import Track
from jiexu.case.steps import next_steps
from jiexu.case.words import STATUS, STEP, Word, word
from jiexu.journal.port import CaseRow, Reads
from jiexu.service.agency import Agency
from jiexu.service.clocks import ClockView, clock_view
from jiexu.service.dossier import CASES_A_READ, Dossier, Place, dossiers, todos_by_case
from jiexu.service.plain import plain

# Ended cases can have money out, and forwarded ones are lodged anew; closed ones have nothing left to do.
_ENDED = ("rejected", "forwarded", "withdrawn")

# Which steps meet a clock: the first of them that the case offers now, else the first.
_STEPS = {
    "answer": ("answer",),
    "lodge_anew": ("lodge_anew",),
    "form": ("upload",),
    "form_query_answer": ("answer_form_query",),
    "withdrawal_answer": ("answer_withdrawal",),
    "proposal_answer": ("answer_proposal",),
    "complete": ("complete",),
    "complete_again": ("complete_again",),
    "amend": ("amend",),
    "remit": ("remit",),
    "difference": ("remit_difference",),
    "send_again": ("send_again",),
    "pay_out": ("pay_out",),
    "credit": ("credit",),
    "arrival_booked": ("book_arrival",),
    "return_booked": ("book_return",),
    "return_ended": ("return_uncredited", "take_back"),
    "excess_returned": ("return_excess", "take_back"),
    "balance_query_answer": ("answer_balance_query",),
}


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing that is due in one case.

    `ours`: this region must act. `waits_for_clerk`: a person must take the step, by the region's configuration or
    because the automatic step could not go on (`reason`); None where the other side must act. `clock` is None for an
    open case in which nothing is due that this version knows a clock for.
    """

    case_id: str
    person: Word
    role: Role
    partner: Place
    status: str
    status_word: Word
    track: Track | None
    clock: ClockView | None
    step: str | None
    step_word: Word
    ours: bool
    waits_for_clerk: bool | None
    reason: Word | None
    reason_code: str | None

    @property
    def due(self) -> date | None:
        """The last day."""
        return self.clock.due if self.clock else None

    @property
    def overdue(self) -> bool:
        """The last day is over."""
        return bool(self.clock and self.clock.overdue)

    @property
    def days_left(self) -> int | None:
        """Working days left, below zero when late."""
        return self.clock.days_left if self.clock else None

    def document(self) -> dict[str, Any]:
        """The item as plain JSON values."""
        due = {"due": plain(self.due), "overdue": self.overdue, "days_left": self.days_left}
        return {**plain(self), **due}


def worklist(agency: Agency, role: Role | None = None, until: date | None = None) -> list[WorkItem]:
    """What is due in the cases in which this region has a part (in that `role`), the earliest due first.

    `until` keeps what is due on that day or before; what has no day is then left out.
    """
    items: list[WorkItem] = []
    with agency.journal.read() as read:
        todos = todos_by_case(read)
        for _, page in pages(read, role):
            for dossier in dossiers(agency, read, page, todos).values():
                items += items_of(dossier)
    if until is not None:
        items = [item for item in items if item.due is not None and item.due <= until]
    return sorted(items, key=_order)


def _order(item: WorkItem) -> tuple[date, bool, str, str]:
    return item.due or date.max, not item.ours, item.case_id, item.track or ""


def with_something_due(row: CaseRow) -> bool:
    """Whether something can be due in a case, by its row: the others need no look."""
    return row.open or row.status in _ENDED


def pages(
    read: Reads, role: Role | None, size: int = CASES_A_READ, which: int = 0, after: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Ids of the cases that can have something due, page by page: a region has millions that have not.

    Each page with the number of its kind; that and the last id are where another reader goes on.
    """
    kinds: list[dict[str, Any]] = [{"open": True}, *({"open": False, "status": status} for status in _ENDED)]
    for number, conditions in enumerate(kinds[which:], which):
        while rows := read.cases(role=role, after_case=after, limit=size, **conditions):
            yield number, [row.case_id for row in rows]
            after = rows[-1].case_id
        after = ""


def items_of(dossier: Dossier) -> list[WorkItem]:
    """What is due in one case: one item a clock; an open case without one has an item of its own."""
    items: dict[tuple[object, ...], WorkItem] = {}
    for obligation in dossier.obligations():
        if obligation.current:
            # Money that is early waits under the relation's clock: that is one thing to do, not two.
            same = (obligation.clock, obligation.holder, obligation.since)
            items.setdefault(same, _item(dossier, clock_view(dossier, obligation)))
    if not items and dossier.case.view.open:
        return [_item(dossier, None)]
    return list(items.values())


def _item(dossier: Dossier, clock: ClockView | None) -> WorkItem:
    view = dossier.case.view
    ours = clock is not None and clock.holder.role is dossier.role
    step = _step(dossier, clock.clock) if ours and clock is not None else None
    failed = [todo for todo in dossier.todos if todo.kind == "failed"]
    todo = next(reversed(failed or list(dossier.todos)), None)
    waits = None
    if ours and step is not None:
        waits = bool(failed) or dossier.agency.config.mode(dossier.role, step) == "clerk"
    return WorkItem(
        case_id=dossier.case.case_id,
        person=dossier.person,
        role=dossier.role,
        partner=dossier.place(dossier.role.other),
        status=view.status,
        status_word=word(STATUS, view.status),
        track=clock.track if clock else None,
        clock=clock,
        step=step,
        step_word=word(STEP, step) if step else clock.word if clock else word(STATUS, view.status),
        ours=ours,
        waits_for_clerk=waits,
        reason=Word(todo.zh, todo.en) if todo else None,
        reason_code=todo.code if todo else None,
    )


def _step(dossier: Dossier, clock: str) -> str:
    candidates = _STEPS.get(clock, (clock,))
    offered = next_steps(dossier.role, dossier.case.view)
    return next((step for step in candidates if step in offered), candidates[0])
