"""The journal in one SQLite file: the default, on one machine, for any number of processes.

WAL, so that readers never wait; synchronous=FULL, so that what was committed survives a power cut; BEGIN IMMEDIATE,
so that a write block never finds at its end that another has written.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from jiexu.journal.dialect import Row
from jiexu.journal.port import JournalBusy, JournalError, JournalUnavailable

WORDS = {
    "int": "INTEGER",
    "bytes": "BLOB",
    "text": "TEXT",
    "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",  # an id is never used again, so a late `unhold` hits nothing else
    "of_log": " REFERENCES log",
    "of_bundle": " REFERENCES bundles",
    "of_event": " REFERENCES events",
    "end": " STRICT",
    "clustered": " STRICT, WITHOUT ROWID",
}

BUSY_MS = 30_000
"""How long a block waits for another process's. A block lasts milliseconds; only a stuck process takes longer."""

ALONE_MS = 2_000
"""How long who wants the file for itself waits for a command that is about to end."""

CACHE_KIB = 8 * 1024
"""Pages kept in memory per connection, of which a service has two; the system's own cache of the file stands behind."""

PAGE_BYTES = 8192
"""Size of a page of a new file: events of some hundred bytes fill 4 KiB badly (5 % slower in benchmarks/)."""

CHECKPOINT_PAGES = 4_000
"""Pages after which the WAL is copied into the file: 32 MB, so that a busy page is copied once, not often."""

ROWS_A_PAGE = 5_000


class SqliteSql:
    """One connection to a file that is there."""

    words: Mapping[str, str] = WORDS
    broken_rule: tuple[type[Exception], ...] = (sqlite3.IntegrityError,)
    error: type[Exception] = sqlite3.DatabaseError
    product = f"SQLite {sqlite3.sqlite_version}"
    lost = False  # a file does not go away

    def __init__(self, path: Path, cache_kib: int = CACHE_KIB) -> None:
        self.path = path
        # The URI form does not create a file that is missing; threads take turns (see StoreJournal).
        uri = f"{path.absolute().as_uri()}?mode=rw"
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in (
            f"busy_timeout = {BUSY_MS}",
            "foreign_keys = ON",
            "synchronous = FULL",
            f"cache_size = -{cache_kib}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "secure_delete = ON",  # an erased value must be gone from the file, not only from the table
        ):
            self._db.execute(f"PRAGMA {pragma}")
        self._queries_only = False

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return all of its rows."""
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            self._told(error)

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        try:
            return self._db.execute(statement, values).rowcount
        except sqlite3.OperationalError as error:
            self._told(error)

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Run a statement once per row of values."""
        try:
            self._db.executemany(statement, values)
        except sqlite3.OperationalError as error:
            self._told(error)

    def size_bytes(self) -> int:
        """Size of the file and of what is not yet copied into it."""
        return sum(file.stat().st_size for name in ("", "-wal") if (file := Path(f"{self.path}{name}")).exists())

    def begin_write(self) -> None:
        """Take the file's write lock. Raises JournalBusy where another process does not let go of it."""
        try:
            self._only_query(False)
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                self._told(error)
            raise JournalBusy(BUSY_MS // 1000) from error

    def begin_read(self) -> None:
        """Begin a snapshot of now: SQLite takes it at the first read, so one is made at once."""
        self._only_query(True)
        self._db.execute("BEGIN DEFERRED")
        self._db.execute("SELECT last FROM head").fetchone()

    def _only_query(self, on: bool) -> None:
        """Let this connection write, or not. Only where it changes: each such word makes SQLite forget what it has
        prepared, and a journal's connection reads or writes, as a rule never both."""
        if on is not self._queries_only:
            self._db.execute(f"PRAGMA query_only = {'ON' if on else 'OFF'}")
            self._queries_only = on

    def commit(self) -> None:
        """Make the transaction durable. Raises JournalUnavailable where the disk had no room for it."""
        try:
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._told(error)

    def rollback(self) -> None:
        """Undo the transaction, where SQLite has not done so itself (disk full)."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _told(self, error: sqlite3.OperationalError) -> NoReturn:
        """A disk that is full or fails is nothing wrong with the journal: a service waits, and goes on by itself."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # an extended code ends with the plain one
        if code == sqlite3.SQLITE_FULL:
            zh = f"日志 {self.path} 所在的磁盘已满；腾出空间后自动继续，不要删除 {self.path.name}-wal。"
            en = f"The disk of {self.path} is full; it goes on once there is room. Never delete {self.path.name}-wal."
            raise JournalUnavailable(zh, en) from error
        if code == sqlite3.SQLITE_IOERR:
            zh, en = f"日志 {self.path} 所在的磁盘出错：{error}。", f"The disk of {self.path} fails: {error}."
            raise JournalUnavailable(zh, en) from error
        raise error

    # --- creating, copying, upgrading

    def tables(self) -> set[str]:
        """The names of the tables that there are."""
        found = self.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {str(name) for (name,) in found if not name.startswith("sqlite_")}

    def begin_creation(self) -> None:
        """Begin a transaction that makes tables; the size of pages can only be chosen in an empty file."""
        self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        self._db.execute("BEGIN IMMEDIATE")

    def pages(self, statement: str) -> Iterator[list[Row]]:
        """The rows of a statement, some thousand at a time."""
        cursor = self._db.execute(statement)
        while rows := cursor.fetchmany(ROWS_A_PAGE):
            yield rows

    def be_alone(self) -> None:
        """Keep everybody else out until the connection is closed: what SQLite needs to leave WAL, and then keeps.

        What stood in the write-ahead log is in the file then, and no other file beside it.
        """
        try:
            self._db.execute(f"PRAGMA busy_timeout = {ALONE_MS}")
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("BEGIN EXCLUSIVE")
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            zh, en = f"{self.path} 正被其他进程使用。", f"{self.path} is in use by another process."
            raise JournalError("in_use", zh, en) from error

    def share(self) -> None:
        """Let others in: readers and one writer at the same time."""
        self._db.execute("PRAGMA locking_mode = NORMAL")
        with suppress(sqlite3.OperationalError):  # another process is just doing the same
            self._db.execute("PRAGMA journal_mode = WAL")

    def last_serial(self, table: str) -> int:
        """The highest id that the table has ever given."""
        found = self.rows("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        return int(found[0][0]) if found else 0

    def set_last_serial(self, table: str, last: int) -> None:
        """Let its next id be higher than that."""
        self.run("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        self.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file: empty where it is whole."""
        found = [str(row[0]) for row in self.rows("PRAGMA quick_check(5)")]
        # SQLite 3.40's quick check (Debian 12, Python 3.11) sees NULL in tables whose primary key is in another order
        # than their columns, as `leaves`; its full check does not. Slower, so only then.
        if any(line.startswith("NULL value in ") for line in found):
            found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(5)")]
        return [line.splitlines()[0] for line in found if line != "ok"]

    def copy_pages(self, to: "SqliteSql", progress: Callable[[int, int], None]) -> None:
        """Copy the file as this connection's open snapshot has it, while others write; `progress` gets done, total."""
        self._db.backup(to._db, pages=PAGES_AT_ONCE, progress=lambda _, left, total: progress(total - left, total))


PAGES_AT_ONCE = 2_000
"""Pages that are copied between two signs of progress: 16 MB."""
