"""One relation moves once: the other cases by which a person's relation has left this region."""

from jiexu.case.event import Role
from jiexu.case.view import LEFT
from jiexu.journal.port import CaseRow, Reads


def left_by_others(read: Reads, person_key: str, scheme: str, case_id: str) -> list[CaseRow]:
    """Outbound's cases of this person and scheme that are completed or closed, one case left out."""
    rows = read.cases(role=Role.OUTBOUND, person_key=person_key)
    return [r for r in rows if r.case_id != case_id and r.from_scheme == scheme and r.status in LEFT]
