"""The check at every start, before the first step: is this journal the newest that the region ever had?

The ledger is asked first, since no partner knows an event and no bank a payment that it does not hold:

    ledger ahead of the journal     the journal is an old copy: the lines are taken in, by position and content, under
                                    a new incarnation; a person is told, and each partner of an open case is asked,
                                    signed, for the last event of ours that it knows
    another line at one position    two journals have lived under one name: the service does not start
    ledger behind its cursor        the ledger lost its end: the cursor goes back, so that the lines are sent again,
                                    and partners are asked here too (ledger_end.py)

Then the mailbox is taken in as far as it reached, before anything is issued (loop.py): what partners have seen of us
stands there. A case in which one of them knows more of our hand than we do issues nothing (lost_events.py); the others
go on at once. Two journals that live at the same time are found by LedgerWatch, while they do.

What is no function of the log is derived again then: the read model of cases, the rows of open_moves, the personal
values. A claim that stands open counts as begun, so its acts are done again under their keys.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from jiexu.audit.rebuild import LedgerTail, absorb_ledger, ledger_end, ledger_tail
from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.exchange.port import ExchangeError
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import DisclosureRow, JournalConflict, Reads, Writes
from jiexu.journal.restoring import UNCHECKED
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold, own_role
from jiexu.service.changes import Change, note_change
from jiexu.service.doubt import begin_doubt
from jiexu.service.ledger_end import LEDGER_CURSOR, look_at_end, next_offset, settle, settle_cursor
from jiexu.service.notices import chains_from_facts
from jiexu.service.personal import take_back
from jiexu.service.persons import identity_from, person_key, values_of

_CASES_AT_ONCE = 500
_EVENTS_AT_ONCE = 5_000
# Note in the journal: lines are being taken in from the ledger; set until all that follows from them is derived.
_MENDING = "mending_from_ledger"


@dataclass(frozen=True, slots=True)
class StartReport:
    """What the check found: lines taken in from the ledger, and cases whose rows were derived again."""

    absorbed: int = 0
    cases_derived: int = 0
    ledger_lost_its_end: bool = False


def _nobody_watches() -> None:
    """Who waits for the check by itself needs no sign of life."""


def check_at_start(agency: Agency, alive: Callable[[], None] = _nobody_watches) -> StartReport:
    """Hold the journal against the ledger and derive what is missing. Safe to run by both services at once.

    `alive` is called every few thousand lines: a large region's ledger takes longer than a watchdog waits.
    Raises JournalConflict, with which no service of the region may start, and ExchangeUnavailable.
    """
    with _told(agency):
        # In this order: the other service may be at work, and moves journal, ledger and cursor, one after the other.
        with agency.journal.read() as read:
            written = read.cursor(LEDGER_CURSOR)
        tail = ledger_tail(agency.exchange, agency.region)
        with agency.journal.read() as read:
            ahead = tail.end > read.last_position()
            hold_against(read, tail)
            mending = ahead or bool(read.note(_MENDING))
        absorbed = 0
        if ahead:
            with agency.journal.write() as write:
                write.set_note(_MENDING, "1")  # a death between here and the end leaves word that it is not done
            absorbed = absorb_ledger(agency.journal, agency.exchange, lambda _: alive())
    derived = derive_again(agency, mending, alive)
    with agency.journal.write() as write:
        if write.note(_MENDING):
            write.set_note(_MENDING, "")
            _old_copy(agency, write, tail, absorbed)
        elif write.note(UNCHECKED):
            begin_doubt(agency, write, tail, "restored")  # a ledger that lost its end too would say nothing
        settle_cursor(agency, write, written, tail)
        if write.note(UNCHECKED):
            write.set_note(UNCHECKED, "")
    return StartReport(absorbed, derived, written > tail.held)


def check_if_restored(agency: Agency) -> None:
    """Before a clerk's command writes: a journal that was restored is checked first, be no service started yet.

    Else the command would use positions that the ledger holds already. Raises as `check_at_start` does.
    """
    with agency.journal.read() as read:
        unchecked = bool(read.note(UNCHECKED))
    if unchecked:
        check_at_start(agency)


@contextmanager
def _told(agency: Agency) -> Iterator[None]:
    """A conflict is an alarm too: the service stops, and whoever looks at the journal then must see why."""
    try:
        yield
    except JournalConflict as conflict:
        with agency.journal.write() as write:
            write.raise_todo("alarm", "two_journals", None, conflict.zh, conflict.en)
        raise


def hold_against(read: Reads, tail: LedgerTail) -> None:
    """What both hold must be the same; a fork is found before anything is done on top of it. Raises JournalConflict."""
    last = read.last_position()
    both = sorted(position for position in tail.lines if position <= last)
    if not both:
        return
    for line in read.log(both[0] - 1, both[-1] - both[0] + 1):
        stands = tail.lines.get(line.position)
        if stands is not None and stands != line:
            raise JournalConflict(
                f"第 {line.position} 条日志与账本不同：两份日志曾以同一名义运行，须人工核查 / "
                f"line {line.position} differs from the ledger: two journals have lived under one name"
            )


def _old_copy(agency: Agency, write: Writes, tail: LedgerTail, absorbed: int) -> None:
    """A new incarnation, an alarm, and a signed question to each partner of an open case."""
    write.renew_incarnation()
    chains_from_facts(write)
    named = begin_doubt(agency, write, tail, "old_copy")
    zh = f"日志是旧副本，已从账本补入 {absorbed} 条；已函询未结案件的对方：{named}"
    en = f"the journal was an old copy; {absorbed} lines came back from the ledger; partners were asked: {named}"
    write.raise_todo("alarm", "old_copy", None, zh, en)


class LedgerWatch:
    """Looks now and then whether another journal of this region is alive, which writes to the same ledger, and whether
    the ledger has lost records that were written to it."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self._seen = 0  # offset up to which the ledger was looked at

    def turn(self) -> int:
        """Hold the ledger's last records against the journal; returns 0, as nothing is left to do.

        A loss is noticed that no writer saw: where nothing was written since, or where what a process wrote, that died
        of it, took the place of what was lost. Raises JournalConflict, with an alarm, where the ledger holds what this
        journal has not: the service must stop, since each would use the other's places.
        """
        agency = self.agency
        with _told(agency):
            with agency.journal.read() as read:
                after = next_offset(read)
            try:
                end = agency.exchange.end_offsets(topic_name(agency.region, Purpose.LEDGER)).get(0, 0)
                if end == self._seen and end >= after:
                    return 0
                held, top = 0, 0
                for part in ledger_end(agency.exchange, agency.region):
                    self._hold_against(part)
                    held, top = part.held, max(top, part.end)
                lost = look_at_end(agency) if end < after or held < top else None
            except ExchangeError:
                return 0  # the ledger's follower says so
        if lost is not None:
            with agency.journal.write() as write:
                settle(agency, write, lost)
        self._seen = end
        return 0

    def _hold_against(self, tail: LedgerTail) -> None:
        with self.agency.journal.read() as read:  # after the ledger, which never holds more than the journal does
            hold_against(read, tail)
            if tail.end > read.last_position():
                raise JournalConflict(
                    f"账本已有第 {tail.end} 条，本日志没有：另有一份日志以同一名义在运行 / "
                    f"the ledger holds line {tail.end}, this journal does not: another journal lives under one name"
                )


def derive_again(agency: Agency, always: bool = False, alive: Callable[[], None] = _nobody_watches) -> int:
    """Put the rows of all cases, and outbound's rows of open_moves, from the events; returns how many cases.

    Without `always` only where the read model is empty and events stand, as after a rebuild.
    """
    with agency.journal.read() as read:
        if not always and read.cases(limit=1):
            return 0  # asked before any event is read: this is every start of a sound region
        case_ids = _case_ids(read, alive)
    if not case_ids:
        return 0
    with agency.journal.write() as write:
        take_back(agency, write)
        write.clear_rows()
        # All who hold a row take it before any case is looked at for the row that it may have lost to another.
        for key, scheme, case_id in _holders(_derived(agency, write, case_ids, alive), agency.region):
            write.take_row(key, scheme, case_id)
        for one in _derived(agency, write, case_ids, alive):
            change = Change(one.case, one.position, one.person_key or None, one.opened_at)
            note_change(write, agency.region, change)
    return len(case_ids)


def _case_ids(read: Reads, alive: Callable[[], None]) -> list[str]:
    """All cases that have events here, the first first."""
    found: dict[str, None] = {}
    for count, stored in enumerate(read.events(), 1):
        found[stored.event.case_id] = None
        if count % _EVENTS_AT_ONCE == 0:
            alive()
    return list(found)


@dataclass(frozen=True, slots=True)
class _Derived:
    """A case folded again, where its events stand, and the keyed index of its person ("" while unknown)."""

    case: Case
    person_key: str
    position: int
    opened_at: datetime


def _derived(agency: Agency, write: Writes, case_ids: list[str], alive: Callable[[], None]) -> Iterator[_Derived]:
    """The cases, some at a time: all of a region's would not fit into the memory."""
    for start in range(0, len(case_ids), _CASES_AT_ONCE):
        alive()
        part = case_ids[start : start + _CASES_AT_ONCE]
        rows: dict[str, list[DisclosureRow]] = {}
        for row in write.disclosures(part):
            rows.setdefault(row.case_id, []).append(row)
        for case_id, events in write.cases_events(part).items():
            case = fold(case_id, events)
            key = _key(agency, write, case, rows.get(case_id, []))
            yield _Derived(case, key, events[-1].position, events[0].recorded_at)


def _key(agency: Agency, write: Writes, case: Case, rows: list[DisclosureRow]) -> str:
    if case.application is None:
        return ""
    kind = case.application.body["person"]["document_type"]
    who = identity_from(kind, case.application.event_id, values_of(rows))
    if who is not None:
        return person_key(agency.index_key, who.document_type, who.document_number)
    before = write.case_row(case.case_id)
    return before.person_key if before else ""


def _holders(cases: Iterable[_Derived], region: str) -> list[tuple[str, str, str]]:
    """(person key, scheme, case) of outbound's cases that keep the person's row, the better claims first.

    Accepted cases and those of the own counter took the row in their own transaction; others only where it was free.
    """
    holding: list[tuple[bool, tuple[str, str, str]]] = []
    for one in cases:
        case, view = one.case, one.case.view
        if one.person_key and own_role(case, region) is Role.OUTBOUND and view.holds_row:
            assert case.application is not None, "it has a role in it"
            weaker = not (view.accepted or view.lodger is Role.OUTBOUND)
            holding.append((weaker, (one.person_key, case.application.body["from_scheme"], case.case_id)))
    return [row for _, row in sorted(holding, key=lambda item: item[0])]
