"""The ledger's end: found again where the ledger has lost records that were written to it.

A broker that had not synced loses its last records with its power, and one that lagged behind and becomes the leader
does not have them. Whoever writes next would leave a gap in the ledger for ever, and nothing could be rebuilt beyond
it. So the journal notes the offset behind the last record; one that is given a lower offset, or an end below it, shows
the loss, and the cursor goes back to the last line before which nothing is missing. What follows is written again.

Records can take the places of lost ones, and hide that: those that were written without being acknowledged, and those
that a process wrote while another wrote the same lines. After either the end is looked at. Those of a process that died
before it could look show when the last records are read again, within half a minute (startup.py, LedgerWatch).

The journal may be an old copy all the same, and nobody here could tell: partners are asked what they know of us
(doubt.py).
"""

from typing import NamedTuple

from jiexu.audit.rebuild import LedgerTail, ledger_tail
from jiexu.journal.port import Reads, Writes
from jiexu.service.agency import Agency
from jiexu.service.doubt import begin_doubt

LEDGER_CURSOR = "ledger"
# Note in the journal: the offset that the ledger's next record gets, unless other processes of the region write first.
_NEXT_OFFSET = "ledger_next_offset"
# Notes: how often a record was sent and not acknowledged, and after how many of these the end was looked at.
_FAILED, _LOOKED = "ledger_sends_failed", "ledger_looked_after"


class LedgerEnd(NamedTuple):
    """What the ledger held, where the cursor stood just before, and how many sends had failed by then."""

    tail: LedgerTail
    written: int
    failed: int


def look_at_end(agency: Agency) -> LedgerEnd:
    """Look at the ledger's end. Raises JournalConflict, ExchangeError."""
    with agency.journal.read() as read:
        written, failed = read.cursor(LEDGER_CURSOR), _count(read, _FAILED)
    return LedgerEnd(ledger_tail(agency.exchange, agency.region), written, failed)


def note_failed(write: Writes) -> None:
    """A send was not acknowledged: what it wrote may hide what the ledger has lost."""
    write.set_note(_FAILED, str(_count(write, _FAILED) + 1))


def may_hide_a_loss(read: Reads) -> bool:
    """Whether a send has failed since the end was looked at."""
    return _count(read, _FAILED) > _count(read, _LOOKED)


def settle(agency: Agency, write: Writes, end: LedgerEnd) -> None:
    """As `settle_cursor`; what had failed before the look hides nothing any more."""
    settle_cursor(agency, write, end.written, end.tail)
    if end.failed > _count(write, _LOOKED):
        write.set_note(_LOOKED, str(end.failed))


def _count(read: Reads, note: str) -> int:
    return int(read.note(note) or 0)


def next_offset(read: Reads) -> int:
    """The lowest offset that the ledger's next record can get; 0 while nothing is known."""
    return _count(read, _NEXT_OFFSET)


def note_next_offset(write: Writes, offset: int) -> None:
    """Note it, with the cursor that says what the records before it hold."""
    write.set_note(_NEXT_OFFSET, str(offset))


def settle_cursor(agency: Agency, write: Writes, written: int, tail: LedgerTail) -> None:
    """Let the follower's cursor say what the ledger really holds, neither more nor less.

    `written` is where the cursor stood just before `tail` was read.
    """
    stands, end = write.cursor(LEDGER_CURSOR), tail.held
    if written <= end < stands:
        return  # another process has written on since then, and has noted the offset that it was given
    if stands > end:  # else another process of the region was here first, or the cursor was behind
        named = begin_doubt(agency, write, tail, "ledger_lost_its_end")
        zh = f"账本末尾缺失：应有第 {written} 条，现只有第 {end} 条；将重新写入，并已函询未结案件的对方：{named}"
        en = (
            f"the ledger has lost its end: line {written} was written, it ends at {end}; the rest is written again, "
            f"and partners were asked: {named}"
        )
        write.raise_todo("alarm", "ledger_lost_its_end", None, zh, en)
    if stands != end:
        write.move_cursor(LEDGER_CURSOR, stands, end)
    note_next_offset(write, tail.next)
