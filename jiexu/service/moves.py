"""One relation moves once: the other cases that move a person's relation out of this region, or have moved it."""

from collections.abc import Iterable

from jiexu.case.event import Role
from jiexu.case.view import LEFT
from jiexu.journal.port import CaseRow, Reads

MOVING = ("accepted", "form_uploaded", "form_queried", "reversed")
"""Statuses of a case that is accepted and goes on. It holds the person's row, unless it was lost, and taken back when
another had it."""


def moving(rows: Iterable[CaseRow]) -> CaseRow | None:
    """The first outbound case among these that is accepted and goes on."""
    return next((row for row in rows if row.role is Role.OUTBOUND and row.status in MOVING), None)


def moved_by_others(read: Reads, person_key: str, scheme: str, case_id: str) -> list[CaseRow]:
    """Outbound's cases of this person and scheme that are accepted and go on, or by which it has left; one left out."""
    rows = read.cases(role=Role.OUTBOUND, person_key=person_key)
    return [r for r in rows if r.case_id != case_id and r.from_scheme == scheme and r.status in (*MOVING, *LEFT)]
