"""What differs between databases: how to connect, lock, and name the types. Everything else is one text of SQL.

Statements are written with `?` for parameters and stay within what SQLite (3.35) and PostgreSQL (12) share:
`ON CONFLICT`, `RETURNING`, partial indexes. Flags are integers 0 and 1.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


class JournalSql(Sql, Protocol):
    """A connection as those need it who create, check, copy or upgrade a journal, whatever stands in it."""

    words: Mapping[str, str]
    """What the words in braces of `ddl.py` and of the migrations mean here."""

    error: type[Exception]
    """What the database raises, whatever is wrong."""

    product: str
    """The database's name and version."""

    def tables(self) -> set[str]:
        """The names of the tables that there are."""

    def begin_creation(self) -> None:
        """Begin a transaction that makes tables where there may be none; who comes second waits for its end."""

    def pages(self, statement: str) -> Iterator[list[Row]]:
        """The rows of a statement, some thousand at a time, within a transaction."""

    def be_alone(self) -> None:
        """Keep everybody else out until the connection is closed. Raises JournalError `in_use`."""

    def share(self) -> None:
        """Let others in, as services need it."""

    def last_serial(self, table: str) -> int:
        """The highest id that a table with a `{serial}` has ever given."""

    def set_last_serial(self, table: str, last: int) -> None:
        """Let its next id be higher than that."""

    def faults(self) -> list[str]:
        """What the database finds wrong with what it keeps; empty where it is whole."""


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
