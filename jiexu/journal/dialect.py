"""What differs between databases: how to connect, lock, and name the types. Everything else is one text of SQL.

Statements are written with `?` for parameters and stay within what SQLite (3.35) and PostgreSQL (12) share:
`ON CONFLICT`, `RETURNING`, partial indexes. Flags are integers 0 and 1.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class Sql(Protocol):
    """One connection of a database."""

    broken_rule: tuple[type[Exception], ...]
    """What the database raises where a row breaks a rule of its table."""

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, and can only be closed."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return all of its rows."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Run a statement once per row of values, in any order: no row may change what another one finds."""

    def size_bytes(self) -> int:
        """How much the journal takes on disk."""

    def begin_write(self) -> None:
        """Begin a transaction in which nothing else writes to the journal until it ends."""

    def begin_read(self) -> None:
        """Begin a snapshot of now, in which nothing can be written."""

    def commit(self) -> None:
        """Make the transaction durable."""

    def rollback(self) -> None:
        """Undo the transaction, where one is open."""

    def close(self) -> None:
        """Close the connection."""


class ClosedSql:
    """Stands in a block's place after its end, so that a kept `Writes` cannot write outside a transaction."""

    broken_rule: tuple[type[Exception], ...] = ()
    lost = False

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Refuse."""
        raise RuntimeError("the journal block has ended")

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Refuse."""
        raise RuntimeError("the journal block has ended")

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Refuse."""
        raise RuntimeError("the journal block has ended")

    def size_bytes(self) -> int:
        """Refuse."""
        raise RuntimeError("the journal block has ended")

    def begin_write(self) -> None:
        """Refuse."""
        raise RuntimeError("the journal block has ended")

    begin_read = commit = rollback = close = begin_write
