"""The ledger read back: the log's lines as the ledger topic holds them, and a journal made from them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiexu.contract.records import decode_record
from jiexu.exchange.port import Exchange
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import Journal, JournalConflict, LogLine
from jiexu.journal.sqlite import open_journal

LINES_AT_ONCE = 2_000
# Two services of a region can write the ledger at the same moment: the highest position stands in the last few records.
_TAIL_RECORDS = 20


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild gave: lines, and the last position of the new journal."""

    lines: int
    last_position: int
    incarnation: str


def ledger_lines(exchange: Exchange, region: str, from_offset: int | None = None) -> Iterator[LogLine]:
    """The log's lines in the ledger, ascending by position, each once.

    Records can stand twice, since a follower that died before moving its cursor writes again: the same position must
    hold the same line. Raises JournalConflict where it does not, or where a position is missing.
    """
    topic = topic_name(region, Purpose.LEDGER)
    waiting: dict[int, LogLine] = {}
    last: int | None = None
    given: dict[int, LogLine] = {}
    for record in exchange.read(topic, None if from_offset is None else {0: from_offset}):
        for line in map(_line, decode_record(record.value, "LedgerBatch")["records"]):
            stands = waiting.get(line.position) or given.get(line.position)
            if stands is not None and stands != line:
                raise JournalConflict(f"position {line.position} stands twice in the ledger with two contents")
            if last is None:
                last = line.position - 1
            if stands is None and line.position > last:
                waiting[line.position] = line
        while last is not None and last + 1 in waiting:
            last += 1
            line = waiting.pop(last)
            given[last] = line
            if len(given) > LINES_AT_ONCE * 5:  # far enough back: no writer is so late
                del given[min(given)]
            yield line
    if waiting:
        raise JournalConflict(f"position {(last or 0) + 1} is missing in the ledger before {min(waiting)}")


def ledger_tail(exchange: Exchange, region: str) -> dict[int, LogLine]:
    """The lines of the last few records of the ledger, by position; empty where it holds nothing."""
    topic = topic_name(region, Purpose.LEDGER)
    begin, end = exchange.beginning_offsets(topic).get(0, 0), exchange.end_offsets(topic).get(0, 0)
    start = max(begin, end - _TAIL_RECORDS)
    lines: dict[int, LogLine] = {}
    for record in exchange.read(topic, {0: start}):
        for line in map(_line, decode_record(record.value, "LedgerBatch")["records"]):
            lines[line.position] = line
    return lines


def _line(values: dict[str, Any]) -> LogLine:
    return LogLine(values["position"], values["recorded_at"], values["incarnation"], values["kind"], values["payload"])


def absorb_ledger(journal: Journal, exchange: Exchange, progress: Callable[[int], None] | None = None) -> int:
    """Take all lines of the ledger into a journal, by position and content; returns how many were new there.

    Raises JournalConflict where the journal and the ledger hold different lines for one position.
    """
    new = 0
    batch: list[LogLine] = []

    def flush() -> int:
        with journal.write() as write:
            count = write.absorb(batch)
        if progress is not None:
            progress(batch[-1].position)
        batch.clear()
        return count

    for line in ledger_lines(exchange, journal.region):
        batch.append(line)
        if len(batch) >= LINES_AT_ONCE:
            new += flush()
    if batch:
        new += flush()
    return new


def rebuild(
    path: Path, region: str, exchange: Exchange, progress: Callable[[int], None] | None = None
) -> RebuildReport:
    """Make a journal from the ledger alone, byte for byte; it gets an incarnation of its own.

    Not given back: personal values (they have a topic of their own), what was held or parked (that comes again), and
    the read models, which the service derives at its next start. Raises FileExistsError, JournalConflict.
    """
    if path.exists():
        raise FileExistsError(path)
    journal = open_journal(path, region, create=True)
    try:
        lines = absorb_ledger(journal, exchange, progress)
        with journal.write() as write:
            incarnation = write.renew_incarnation()
            return RebuildReport(lines, write.last_position(), incarnation)
    finally:
        journal.close()
