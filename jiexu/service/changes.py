"""What follows in the journal when a case has changed, in the same transaction: its row, its hold on the person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.journal.port import CaseRow, Writes
from jiexu.service.casebook import own_role


@dataclass(frozen=True, slots=True)
class Change:
    """A case that has changed, up to a position.

    `person_key` is given when the person has just become known; otherwise the row's own is kept. `opened_at` is
    given where rows are derived again: which of a person's cases came first decides about a later one.
    """

    case: Case
    position: int
    person_key: str | None = None
    opened_at: datetime | None = None


def note_changes(write: Writes, region: str, changes: Sequence[Change]) -> None:
    """Put the cases' rows and settle their holds on the persons' schemes.

    Outbound takes the row at its counter, at intake or at acceptance (protocol.md); here it is only freed, or taken
    again by a case that reopened. A reopened case whose row is gone meanwhile goes to a clerk: intake never fails on
    the row.
    """
    known = [one for one in changes if one.case.application is not None and own_role(one.case, region) is not None]
    case_ids = [one.case.case_id for one in known]
    before = write.case_rows(case_ids)
    rows = [_row(write, region, one, before.get(one.case.case_id)) for one in known]
    write.put_cases(rows)
    outbound = [(one, row) for one, row in zip(known, rows, strict=True) if row.role is Role.OUTBOUND]
    holding = write.rows_held([one.case.case_id for one, _ in outbound])
    for one, row in outbound:
        if row.person_key:
            _settle_row(write, one.case, row, holds=one.case.case_id in holding)


def note_change(write: Writes, region: str, change: Change) -> None:
    """The same for one case."""
    note_changes(write, region, [change])


def _row(write: Writes, region: str, change: Change, before: CaseRow | None) -> CaseRow:
    case, role = change.case, own_role(change.case, region)
    assert role is not None, "only cases of this region are put"
    assert case.application is not None, "and only those that have been applied for"
    body, view = case.application.body, case.view
    return CaseRow(
        case_id=case.case_id,
        role=role,
        partner=case.parties[role.other].region,
        person_key=change.person_key or (before.person_key if before else ""),
        from_scheme=body["from_scheme"],
        to_scheme=body["to_scheme"],
        status=view.status,
        open=view.open,
        position=change.position,
        opened_at=change.opened_at or (before.opened_at if before else write.now),
    )


def _settle_row(write: Writes, case: Case, row: CaseRow, holds: bool) -> None:
    view = case.view
    if not view.holds_row:
        if holds:
            write.free_row(case.case_id)
        return
    if holds or not view.accepted:
        return
    survivor = write.take_row(row.person_key, row.from_scheme, case.case_id)
    if survivor != case.case_id:
        write.raise_todo(
            "alarm",
            "reopened_without_row",
            case.case_id,
            f"本案重新打开（或已取回），但该参保人同一险种已有在办业务 {survivor}；请人工处理",
            f"the case reopened, or was taken back, while {survivor} holds this person's scheme; a clerk must decide",
        )
