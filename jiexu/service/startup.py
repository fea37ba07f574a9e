"""The check at every start, before the first step: is this journal the newest that the region ever had?

The ledger is asked first, since no partner knows an event and no bank a payment that it does not hold:

    ledger ahead of the journal     the journal is an old copy: the lines are taken in, by position and content, under
                                    a new incarnation; a person is told, and so is every partner of an open case
    another line at one position    two journals have lived under one name: the service does not start
    ledger behind its cursor        the ledger lost its end: the cursor goes back, so that the lines are sent again

What is no function of the log is derived again then: the read model of cases, the rows of open_moves, the personal
values. A claim that stands open counts as begun, so its acts are done again under their keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from jiexu.audit.rebuild import absorb_ledger, ledger_tail
from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.journal.port import DisclosureRow, JournalConflict, LogLine, Reads, Writes
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold, own_role
from jiexu.service.changes import note_change
from jiexu.service.followers import LEDGER_CURSOR
from jiexu.service.personal import take_back
from jiexu.service.persons import identity_from, person_key, values_of

_CASES_AT_ONCE = 500
# Note in the journal: lines are being taken in from the ledger; set until all that follows from them is derived.
_MENDING = "mending_from_ledger"


@dataclass(frozen=True, slots=True)
class StartReport:
    """What the check found: lines taken in from the ledger, and cases whose rows were derived again."""

    absorbed: int = 0
    cases_derived: int = 0
    ledger_lost_its_end: bool = False


def check_at_start(agency: Agency) -> StartReport:
    """Hold the journal against the ledger and derive what is missing. Safe to run by both services at once.

    Raises JournalConflict, with which no service of the region may start, and ExchangeUnavailable.
    """
    tail = ledger_tail(agency.exchange, agency.region)
    end = max(tail, default=0)
    with agency.journal.read() as read:
        last, cursor = read.last_position(), read.cursor(LEDGER_CURSOR)
        _compare(read, tail, last)
        begun = bool(read.note(_MENDING))
    absorbed = 0
    if end > last:
        with agency.journal.write() as write:
            write.set_note(_MENDING, "1")  # a death between here and the end leaves word that it is not done
        begun = True
        absorbed = absorb_ledger(agency.journal, agency.exchange)
    lost = cursor > end
    with agency.journal.write() as write:
        if begun:
            _old_copy(agency, write, absorbed)
        stands = write.cursor(LEDGER_CURSOR)
        if lost:
            zh = f"账本末尾缺失：应有第 {cursor} 条，现只有第 {end} 条；将重新写入"
            en = f"the ledger has lost its end: line {cursor} was written, it ends at {end}; the rest is written again"
            write.raise_todo("alarm", "ledger_lost_its_end", None, zh, en)
        if stands != end and (lost or stands < end):
            write.move_cursor(LEDGER_CURSOR, stands, end)
    derived = derive_again(agency, always=begun)
    if begun:
        with agency.journal.write() as write:
            write.set_note(_MENDING, "")
    return StartReport(absorbed, derived, lost)


def _compare(read: Reads, tail: dict[int, LogLine], last: int) -> None:
    """What both hold must be the same; a fork is found before anything is done on top of it."""
    both = sorted(position for position in tail if position <= last)
    if not both:
        return
    for line in read.log(both[0] - 1, both[-1] - both[0] + 1):
        stands = tail.get(line.position)
        if stands is not None and stands != line:
            raise JournalConflict(
                f"第 {line.position} 条日志与账本不同：两份日志曾以同一名义运行，须人工核查 / "
                f"line {line.position} differs from the ledger: two journals have lived under one name"
            )


def _old_copy(agency: Agency, write: Writes, absorbed: int) -> None:
    write.renew_incarnation()
    partners = sorted({row.partner for row in write.cases(open=True)})
    zh = f"日志是旧副本，已从账本补入 {absorbed} 条；请核对未结案件的对方：{'、'.join(partners)}"
    en = f"the journal was an old copy; {absorbed} lines came back from the ledger; ask the partners {partners}"
    write.raise_todo("alarm", "old_copy", None, zh, en)


def derive_again(agency: Agency, always: bool = False) -> int:
    """Put the rows of all cases, and outbound's rows of open_moves, from the events; returns how many cases.

    Without `always` only where the read model is empty and events stand, as after a rebuild.
    """
    with agency.journal.read() as read:
        case_ids = list(dict.fromkeys(stored.event.case_id for stored in read.events()))
        if not case_ids or (not always and read.cases(limit=1)):
            return 0
    with agency.journal.write() as write:
        take_back(agency, write)
        write.clear_rows()
        keyed: list[tuple[Case, str]] = []
        for start in range(0, len(case_ids), _CASES_AT_ONCE):
            part = case_ids[start : start + _CASES_AT_ONCE]
            keyed += _keyed(agency, write, part)
        for case, key in _by_claim_on_the_row(agency, keyed):
            assert case.application is not None, "it has a role in it"
            write.take_row(key, case.application.body["from_scheme"], case.case_id)
        heads = write.heads(case_ids)
        for case, key in keyed:
            note_change(write, agency.region, case, heads[case.case_id].position, key or None)
    return len(case_ids)


def _keyed(agency: Agency, write: Writes, case_ids: list[str]) -> list[tuple[Case, str]]:
    """Cases with the keyed index of their person, empty where the values are not there."""
    rows: dict[str, list[DisclosureRow]] = {}
    for row in write.disclosures(case_ids):
        rows.setdefault(row.case_id, []).append(row)
    keyed = []
    for case_id, events in write.cases_events(case_ids).items():
        case = fold(case_id, events)
        key = ""
        if case.application is not None:
            kind = case.application.body["person"]["document_type"]
            values = values_of(rows.get(case_id, ()))
            who = identity_from(kind, case.application.event_id, values)
            if who is not None:
                key = person_key(agency.index_key, who.document_type, who.document_number)
        keyed.append((case, key))
    return keyed


def _by_claim_on_the_row(agency: Agency, keyed: Iterable[tuple[Case, str]]) -> list[tuple[Case, str]]:
    """Cases of outbound that keep the person's row, those with the better claim first.

    Accepted cases and those of the own counter took the row in their own transaction; others only where it was free.
    """
    holding = [
        (case, key)
        for case, key in keyed
        if key and own_role(case, agency.region) is Role.OUTBOUND and case.view.holds_row
    ]
    return sorted(holding, key=lambda item: not (item[0].view.accepted or item[0].view.lodger is Role.OUTBOUND))
