"""What every block over the journal has: a connection, and the lines of the log."""

from collections.abc import Iterator, Sequence
from typing import Any

from jiexu.journal.columns import instant
from jiexu.journal.dialect import ClosedSql, Row, Sql
from jiexu.journal.log_records import Decode, decode_line
from jiexu.journal.port import LogLine, NewEvent, StoredEvent

PAGE = 1000
"""Rows fetched at a time where a caller may want very many."""

EVENT = "SELECT l.position, l.recorded_at, l.payload FROM events e JOIN log l ON l.position = e.position"


class Block:
    """One read or write block."""

    def __init__(self, sql: Sql, decode: Decode) -> None:
        self._sql: Sql = sql
        self._decode = decode

    def end(self) -> None:
        """Make any later use an error."""
        self._sql = ClosedSql()

    def last_position(self) -> int:
        """The position of the log's last line, 0 while it is empty."""
        return int(self._one("SELECT last FROM head"))

    def incarnation(self) -> str:
        """The journal's incarnation id, 32 hex digits, new at each restore."""
        return str(self._one("SELECT value FROM meta WHERE name = 'incarnation'"))

    def log(self, after: int, limit: int) -> list[LogLine]:
        """Lines after a position, in order."""
        rows = self._sql.rows(
            "SELECT position, recorded_at, incarnation, kind, payload FROM log"
            " WHERE position > ? ORDER BY position LIMIT ?",
            (after, limit),
        )
        return [
            LogLine(position, instant(recorded_at), bytes(incarnation).hex(), kind, bytes(payload))
            for position, recorded_at, incarnation, kind, payload in rows
        ]

    def note(self, name: str) -> str | None:
        """A small durable value outside the log, None where it was never set."""
        rows = self._sql.rows("SELECT value FROM notes WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def _one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._sql.rows(statement, values)[0][0]

    def _stored(self, row: Row) -> StoredEvent:
        position, recorded_at, payload = row
        new = decode_line("event", bytes(payload), self._decode)
        assert isinstance(new, NewEvent)
        return StoredEvent(position, instant(recorded_at), new.bytes, new.event, new.void, new.arrival)

    def _paged(self, statement: str, after: int, limit: int | None) -> Iterator[Row]:
        """Rows of a statement `… position > ? ORDER BY position LIMIT ?`, whose first column is the position.

        Page by page, so that neither the memory nor a cursor that is left open grows with the journal.
        """
        while limit is None or limit > 0:
            rows = self._sql.rows(statement, (after, PAGE if limit is None else min(limit, PAGE)))
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1][0]
            limit = None if limit is None else limit - len(rows)
