"""Writing lines: encode, add to the log, enter into the tables."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from jiexu.journal.block import Block
from jiexu.journal.columns import instant, micros
from jiexu.journal.dialect import Sql
from jiexu.journal.log_records import KINDS, Decode, LineRecord, encode_line
from jiexu.journal.port import LogLine
from jiexu.journal.tables import Entry, apply

Fault = Callable[[str], None]
"""Called with the name of each point where a process can die; a simulator raises there."""

HALF_WRITTEN = "a write failed within this block: nothing of it is kept"

_ADD = "INSERT INTO log (position, kind, recorded_at, incarnation, payload) VALUES (?, ?, ?, ?, ?)"
_MOVE_HEAD = "UPDATE head SET last = ?, recorded_at = ?"


class WriteBlock(Block):
    """A transaction that writes lines."""

    now: datetime

    def __init__(self, sql: Sql, decode: Decode, clock_now: datetime, fault: Fault) -> None:
        super().__init__(sql, decode)
        self._fault = fault
        self._last: int
        ((self._last, last_recorded_at, incarnation),) = sql.rows(
            "SELECT h.last, h.recorded_at, m.value FROM head h JOIN meta m ON m.name = 'incarnation'"
        )
        # A clock that was set back must not make the log's times fall.
        self._now = max(micros(clock_now), last_recorded_at)
        self.now = instant(self._now)
        self._incarnation = bytes.fromhex(incarnation)
        self._damaged = False
        self._used_claims: set[int] = set()  # claims whose reserved place this block has used
        self._ended_by_event: set[int] = set()  # claims that this block says have ended by their event

    def last_position(self) -> int:
        """The position of the log's last line, this block's included."""
        return self._last

    def check(self) -> None:
        """What must hold at commit. Raises RuntimeError where a line was written by halves.

        A caller that swallowed the error of a failed statement must not make its half durable.
        """
        if self._damaged:
            raise RuntimeError(HALF_WRITTEN)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._damaged = True
            raise

    def _record(self, records: Sequence[LineRecord]) -> list[int]:
        """Write one line each, and return their positions."""
        if not records:
            return []
        with self._all_or_nothing():
            entries: list[Entry] = list(enumerate(records, self._last + 1))
            now, incarnation = self._now, self._incarnation
            self._add(
                [(position, KINDS[type(record)], now, incarnation, encode_line(record)) for position, record in entries]
            )
            self._fault("log_written")
            apply(self._sql, entries)
            self._fault("tables_written")
        return [position for position, _ in entries]

    def _add_lines(self, lines: Iterable[LogLine]) -> None:
        """Add lines of another journal as they are."""
        self._add(
            [
                (line.position, line.kind, micros(line.recorded_at), bytes.fromhex(line.incarnation), line.payload)
                for line in lines
            ]
        )

    def _add(self, rows: Sequence[tuple[int, str, int, bytes, bytes]]) -> None:
        self._sql.many(_ADD, rows)
        self._last = rows[-1][0]
        self._now = max(self._now, rows[-1][2])
        self._sql.run(_MOVE_HEAD, (self._last, rows[-1][2]))
