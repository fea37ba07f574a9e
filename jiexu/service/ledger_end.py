"""The ledger's end: found again where the ledger has lost records that were written to it.

A broker that had not synced loses its last records with its power, and one that lagged behind and becomes the leader
does not have them. Whoever writes next would leave a gap in the ledger for ever, and nothing could be rebuilt beyond
it. So the journal notes the offset behind the last record; one that is given a lower offset, or an end below it, shows
the loss, and the cursor goes back to the last line before which nothing is missing. What follows is written again.

The journal may be an old copy all the same, and nobody here could tell: partners are asked what they know of us
(doubt.py).
"""

from jiexu.audit.rebuild import LedgerTail
from jiexu.journal.port import Reads, Writes
from jiexu.service.agency import Agency
from jiexu.service.doubt import begin_doubt

LEDGER_CURSOR = "ledger"
# Note in the journal: the offset that the ledger's next record gets, unless other processes of the region write first.
_NEXT_OFFSET = "ledger_next_offset"


def next_offset(read: Reads) -> int:
    """The lowest offset that the ledger's next record can get; 0 while nothing is known."""
    return int(read.note(_NEXT_OFFSET) or 0)


def note_next_offset(write: Writes, offset: int) -> None:
    """Note it, with the cursor that says what the records before it hold."""
    write.set_note(_NEXT_OFFSET, str(offset))


def settle_cursor(agency: Agency, write: Writes, written: int, tail: LedgerTail) -> None:
    """Let the follower's cursor say what the ledger really holds, neither more nor less.

    `written` is where the cursor stood before `tail` was read.
    """
    stands, end = write.cursor(LEDGER_CURSOR), tail.held
    if written > end and stands > end:  # another process of the region may have been here first
        named = begin_doubt(agency, write, tail, "ledger_lost_its_end")
        zh = f"账本末尾缺失：应有第 {written} 条，现只有第 {end} 条；将重新写入，并已函询未结案件的对方：{named}"
        en = (
            f"the ledger has lost its end: line {written} was written, it ends at {end}; the rest is written again, "
            f"and partners were asked: {named}"
        )
        write.raise_todo("alarm", "ledger_lost_its_end", None, zh, en)
    if stands < end or (written > end and stands != end):
        write.move_cursor(LEDGER_CURSOR, stands, end)
    note_next_offset(write, tail.next)
