"""The ledger read back: the log's lines as the ledger topic holds them, and a journal made from them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jiexu.contract.errors import ContractError
from jiexu.contract.records import decode_record
from jiexu.exchange.port import Exchange, Record
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.opening import open_journal
from jiexu.journal.port import Journal, JournalConflict, LogLine
from jiexu.journal.restoring import UNCHECKED

LINES_AT_ONCE = 2_000
# Two services of a region write the same lines to the ledger, one perhaps a turn behind the other: a turn is at most
# 5,000 lines, about 40 records (service/followers.py), so the highest position stands within the last few turns.
_TAIL_RECORDS = 200
# Lines remembered, so that their repetitions can be compared without asking for them.
_REMEMBERED = LINES_AT_ONCE * 5

Earlier = Callable[[int], LogLine | None]
"""Gives the line that the reader has taken at a position, where the ledger repeats a line of long ago."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild gave: lines, and the last position of the new journal."""

    lines: int
    last_position: int
    incarnation: str


@dataclass(frozen=True, slots=True)
class LedgerTail:
    """The end of the ledger: the lines of its last records by position, and the last record itself.

    `held` is the last position before which nothing is missing there; `next` the offset behind the last record.
    """

    lines: dict[int, LogLine] = field(default_factory=dict)
    last: Record | None = None
    held: int = 0
    next: int = 0

    @property
    def end(self) -> int:
        """The highest position, 0 where the ledger holds nothing."""
        return max(self.lines, default=0)


class Gapless:
    """The last position before which nothing is missing, as records of the ledger come. `held` is None until the first
    has come: what comes before that is taken to be there, unless it is the ledger's first (`whole`)."""

    def __init__(self, whole: bool) -> None:
        self.held = 0 if whole else None
        self._beyond: set[int] = set()

    def take(self, positions: Iterable[int]) -> None:
        """One more record."""
        self._beyond.update(positions)
        if self.held is None and self._beyond:
            self.held = min(self._beyond) - 1
        while self.held is not None and self.held + 1 in self._beyond:
            self.held += 1
            self._beyond.discard(self.held)
        self._beyond = {position for position in self._beyond if position > (self.held or 0)}


def ledger_lines(exchange: Exchange, region: str, earlier: Earlier | None = None) -> Iterator[LogLine]:
    """The log's lines in the ledger, ascending by position, each once.

    Records can stand twice, since a follower that died before moving its cursor writes again: the same position must
    hold the same line. Raises JournalConflict where it does not, where a position is missing, or where a record is
    none of the ledger's. `earlier` lets repetitions of any age be compared; without it only those of the last lines.
    """
    waiting: dict[int, LogLine] = {}
    given: dict[int, LogLine] = {}
    last = 0
    for record in exchange.read(topic_name(region, Purpose.LEDGER), None):
        for line in _lines_of(record):
            stands = waiting.get(line.position) or given.get(line.position)
            if stands is None and line.position <= last and earlier is not None:
                stands = earlier(line.position)
            if stands is not None and stands != line:
                raise JournalConflict(
                    f"账本中第 {line.position} 条有两种内容 / position {line.position} stands twice with two contents"
                )
            if stands is None and line.position > last:
                waiting[line.position] = line
        while last + 1 in waiting:
            last += 1
            line = waiting.pop(last)
            given[last] = line
            given.pop(last - _REMEMBERED, None)
            yield line
    if waiting:
        raise JournalConflict(f"position {last + 1} is missing in the ledger before {min(waiting)}")


def ledger_tail(exchange: Exchange, region: str) -> LedgerTail:
    """The last few records of the ledger.

    Raises JournalConflict where they hold two contents of one position, or what is no line.
    """
    topic = topic_name(region, Purpose.LEDGER)
    begin, end = exchange.beginning_offsets(topic).get(0, 0), exchange.end_offsets(topic).get(0, 0)
    lines: dict[int, LogLine] = {}
    last: Record | None = None
    first = max(begin, end - _TAIL_RECORDS)
    gapless = Gapless(first == begin)
    for last in exchange.read(topic, {0: first}):
        for line in _lines_of(last):
            stands = lines.setdefault(line.position, line)
            if stands != line:
                raise JournalConflict(
                    f"账本中第 {line.position} 条有两种内容 / position {line.position} stands twice with two contents"
                )
        gapless.take(line.position for line in _lines_of(last))
    return LedgerTail(lines, last, gapless.held or 0, max(end, last.offset + 1 if last else 0))


def ledger_end(exchange: Exchange, region: str) -> Iterator[LedgerTail]:
    """The same records one by one, for who need not hold the lines of all: a busy region's are tens of megabytes.
    `held` tells of all up to this one.

    Raises JournalConflict where one holds what is no line.
    """
    topic = topic_name(region, Purpose.LEDGER)
    begin, end = exchange.beginning_offsets(topic).get(0, 0), exchange.end_offsets(topic).get(0, 0)
    first = max(begin, end - _TAIL_RECORDS)
    gapless = Gapless(first == begin)
    for record in exchange.read(topic, {0: first}):
        lines = {line.position: line for line in _lines_of(record)}
        gapless.take(lines)
        yield LedgerTail(lines, record, gapless.held or 0, record.offset + 1)


def _lines_of(record: Record) -> list[LogLine]:
    try:
        return [_line(values) for values in decode_record(record.value, "LedgerBatch")["records"]]
    except ContractError as error:
        raise JournalConflict(f"record {record.offset} of {record.topic} is none of a ledger: {error}") from error


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

    def earlier(position: int) -> LogLine | None:
        with journal.read() as read:
            return next(iter(read.log(position - 1, 1)), None)

    for line in ledger_lines(exchange, journal.region, earlier):
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
    the read models, which the service derives at its next start. The file appears under its name when it is whole: a
    service that started on half of it would write over places that are used. Raises FileExistsError, JournalConflict.
    """
    if path.exists():
        raise FileExistsError(path)
    unfinished = path.with_name(f"{path.name}.unfinished")
    _remove(unfinished)
    try:
        journal = open_journal(unfinished, region, create=True)
        try:
            lines = absorb_ledger(journal, exchange, progress)
            with journal.write() as write:
                report = RebuildReport(lines, write.last_position(), write.renew_incarnation())
                write.set_note(UNCHECKED, "1")  # the ledger may have lost its end, and nothing here would show it
        finally:
            journal.close()  # the last connection: what stands in the write-ahead log goes into the file
        if path.exists():
            raise FileExistsError(path)
        unfinished.rename(path)
        return report
    finally:
        _remove(unfinished)


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
