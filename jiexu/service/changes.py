"""What follows in the journal when a case has changed, in the same transaction: its row, its hold on the person."""

from datetime import datetime

from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.journal.port import CaseRow, Writes
from jiexu.service.casebook import own_role


def note_change(
    write: Writes,
    region: str,
    case: Case,
    position: int,
    person_key: str | None = None,
    opened_at: datetime | None = None,
) -> None:
    """Put the case's row and settle its hold on the person's scheme.

    `person_key` is given when the person has just become known; otherwise the row's own is kept. Outbound takes the
    row at its counter, at intake or at acceptance (protocol.md); here it is only freed, or taken again by a case
    that reopened. A reopened case whose row is gone meanwhile goes to a clerk: intake never fails on the row.
    `opened_at` is given where rows are derived again: which of a person's cases came first decides about a later one.
    """
    role = own_role(case, region)
    if role is None or case.application is None:
        return
    before = write.case_row(case.case_id)
    key = person_key or (before.person_key if before else "")
    body, view = case.application.body, case.view
    write.put_case(
        CaseRow(
            case_id=case.case_id,
            role=role,
            partner=case.parties[role.other].region,
            person_key=key,
            from_scheme=body["from_scheme"],
            to_scheme=body["to_scheme"],
            status=view.status,
            open=view.open,
            position=position,
            opened_at=opened_at or (before.opened_at if before else write.now),
        )
    )
    if role is Role.OUTBOUND and key:
        _settle_row(write, case, key, body["from_scheme"])


def _settle_row(write: Writes, case: Case, person_key: str, scheme: str) -> None:
    view = case.view
    holder = write.row_holder(person_key, scheme)
    if not view.holds_row:
        if holder == case.case_id:
            write.free_row(case.case_id)
        return
    if holder == case.case_id or not view.accepted:
        return
    survivor = write.take_row(person_key, scheme, case.case_id)
    if survivor != case.case_id:
        write.raise_todo(
            "alarm",
            "reopened_without_row",
            case.case_id,
            f"本案重新打开，但该参保人同一险种已有在办业务 {survivor}；请人工处理",
            f"the case reopened while {survivor} holds this person's scheme; a clerk must decide",
        )
