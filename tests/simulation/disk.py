"""The regions' disks: a journal each, and what a crash, a power cut or a restore leaves of it.

All processes of a region work on one connection. Blocks of real processes exclude each other (writers) or look at a
snapshot (readers), so each is as if it had happened at one moment: it is enough that the scheduler hands over between
blocks, never within one.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from jiexu.journal import sqlite as product
from jiexu.journal.ddl import VERSION, statements
from jiexu.journal.dialect import Row, Sql
from jiexu.journal.opening import open_journal

FRONTIER = (
    "SELECT last, (SELECT coalesce(max(position), 0) FROM cursors WHERE name = 'ledger'),"
    " (SELECT coalesce(sum(changed), 0) FROM agenda) FROM head"
)


class Died(BaseException):
    """A process ends here: nothing in the product may catch this."""


class Alive(Protocol):
    """The process behind a connection."""

    dead: bool

    def at(self, name: str) -> None:
        """A point at which it may die, or another process may get its turn."""


class JournalDisk(Protocol):
    """One region's journal."""

    region: str
    sql: Sql
    busy: bool  # a block is open

    def begin(self, incarnation: str) -> None:
        """Make it an empty journal again."""

    def frontier(self) -> tuple[int, ...]:
        """How far the journal has come: its last line, how far its ledger holds it, how much is on the agenda."""

    def copy(self) -> Any:
        """A backup."""

    def restore(self, copy: Any) -> None:
        """Put a backup in the journal's place."""

    def power_cut(self) -> int:
        """The machine loses power: commits that were not synced are gone. Returns how many."""

    def close(self) -> None:
        """Leave nothing behind."""


class Connection:
    """A process's connection to its region's journal; see `dialect.Sql`. Before each block others may have theirs."""

    def __init__(self, disk: JournalDisk, process: Alive) -> None:
        self._disk, self._process = disk, process
        self._open = False
        self.rows, self.run, self.many = disk.sql.rows, disk.sql.run, disk.sql.many
        self.broken_rule = disk.sql.broken_rule
        self.size_bytes = disk.sql.size_bytes

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._disk.sql.lost

    def begin_write(self) -> None:
        """Begin a transaction."""
        self._begin("begin_write", self._disk.sql.begin_write)

    def begin_read(self) -> None:
        """Begin a snapshot."""
        self._begin("begin_read", self._disk.sql.begin_read)

    def _begin(self, point: str, begin: Callable[[], None]) -> None:
        self._process.at(point)
        if self._process.dead:
            raise Died("a dead process goes on")
        assert not self._disk.busy, "a block within a block of the same journal"
        begin()
        self._disk.busy = self._open = True

    def commit(self) -> None:
        """Make the transaction durable."""
        self._disk.sql.commit()
        self._disk.busy = self._open = False

    def rollback(self) -> None:
        """Undo the transaction, where one is open."""
        if self._open:
            self._disk.sql.rollback()
            self._disk.busy = self._open = False

    def close(self) -> None:
        """The connection is the disk's."""


class MemoryDisk:
    """A journal of SQLite in memory."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.db = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self.db.execute(f"PRAGMA page_size = {product.PAGE_BYTES}")
        self.db.execute("PRAGMA foreign_keys = ON")
        for statement in statements(product.WORDS):
            self.db.execute(statement)
        self._tables = _tables(self.db)
        self.sql: Sql = _MemorySql(self)
        self.busy = False
        self.unsynced: list[bytes] = []  # the file before each of the last commits, where commits are not synced
        self._changes = -1
        self._frontier: tuple[int, ...] = ()

    def begin(self, incarnation: str) -> None:
        """Make it an empty journal again; statements stay prepared, which takes longer than all the rest."""
        _empty(self.db, self._tables)
        meta = [("version", str(VERSION)), ("region", self.region), ("incarnation", incarnation)]
        self.db.executemany("INSERT INTO meta VALUES (?, ?)", meta)
        self.db.execute("INSERT INTO head VALUES (1, 0, 0)")
        self.busy = False
        self.unsynced = []

    def frontier(self) -> tuple[int, ...]:
        """Asked anew only where something was written."""
        if self.db.total_changes != self._changes:
            self._changes = self.db.total_changes
            (self._frontier,) = self.db.execute(FRONTIER).fetchall()
        return self._frontier

    def copy(self) -> bytes:
        """The file's bytes."""
        return self.db.serialize()

    def restore(self, copy: bytes) -> None:
        """Put those bytes in the journal's place."""
        with closing(sqlite3.connect(":memory:")) as other:
            other.deserialize(copy)
            other.backup(self.db)
        self.unsynced = []
        self._changes = -1

    def remember(self) -> None:
        """A transaction begins: keep what a power cut would leave of the file, where commits are not synced."""
        if not synced():
            self.unsynced = [*self.unsynced[-2:], self.db.serialize()]

    def power_cut(self) -> int:
        """What was not synced is gone."""
        lost = len(self.unsynced)
        if lost:
            self.restore(self.unsynced[0])
        return lost

    def close(self) -> None:
        """Leave nothing behind."""
        self.db.close()


class _MemorySql:
    """See `dialect.Sql`. Nothing else happens within a read block, so no snapshot need be taken."""

    broken_rule: tuple[type[Exception], ...] = (sqlite3.IntegrityError,)
    lost = False

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk, self._db = disk, disk.db

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return all of its rows."""
        return self._db.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        return self._db.execute(statement, values).rowcount

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Run a statement once per row of values."""
        self._db.executemany(statement, values)

    def size_bytes(self) -> int:
        """Nobody asks."""
        return 0

    def begin_write(self) -> None:
        """Begin a transaction."""
        self._disk.remember()
        self._db.execute("BEGIN IMMEDIATE")

    def begin_read(self) -> None:
        """Begin a snapshot."""

    def commit(self) -> None:
        """Make the transaction durable."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, where one is open."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """The connection is the disk's."""


@cache
def synced() -> bool:
    """Whether the product's journal makes a commit durable before it returns: asked of a real file's connection."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        open_journal(path, "000000", create=True).close()
        sql = product.SqliteSql(path)
        try:
            (level,) = sql.rows("PRAGMA synchronous")[0]
        finally:
            sql.close()
    return int(level) >= 2  # FULL


def empty_tables(db: sqlite3.Connection) -> Callable[[], None]:
    """What makes a registry or a bank empty again."""
    tables = _tables(db)
    return lambda: _empty(db, tables)


def _tables(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]


def _empty(db: sqlite3.Connection, tables: Sequence[str]) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("BEGIN")
    for table in tables:
        db.execute(f"DELETE FROM {table}")
    db.execute("COMMIT")
    db.execute("PRAGMA foreign_keys = ON")
