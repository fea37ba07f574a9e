"""The journal in one SQLite file: the default, on one machine, for any number of processes.

WAL, so that readers never wait; synchronous=FULL, so that what was committed survives a power cut; BEGIN IMMEDIATE,
so that a write block never finds at its end that another has written.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jiexu.contract.codec import decode_event_trusted
from jiexu.journal.ddl import VERSION, statements
from jiexu.journal.dialect import Row
from jiexu.journal.log_records import Decode
from jiexu.journal.log_writes import new_incarnation
from jiexu.journal.meta import check_meta
from jiexu.journal.port import Journal, JournalError
from jiexu.journal.store import Clock, StoreJournal, no_fault, utc_now
from jiexu.journal.write_block import Fault

WORDS = {
    "int": "INTEGER",
    "bytes": "BLOB",
    "text": "TEXT",
    "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",  # an id is never used again, so a late `unhold` hits nothing else
    "end": " STRICT",
    "clustered": " STRICT, WITHOUT ROWID",
}

BUSY_MS = 30_000
"""How long a block waits for another process's. A block lasts milliseconds; only a stuck process takes longer."""

CACHE_KIB = 64 * 1024
"""Pages kept in memory per connection: the upper levels of the indexes of some ten million events."""

PAGE_BYTES = 8192
"""Size of a page of a new file: events of some hundred bytes fill 4 KiB badly (5 % slower in benchmarks/)."""

CHECKPOINT_PAGES = 4_000
"""Pages after which the WAL is copied into the file: 32 MB, so that a busy page is copied once, not often."""


class SqliteSql:
    """One connection."""

    broken_rule: tuple[type[Exception], ...] = (sqlite3.IntegrityError,)
    lost = False  # a file does not go away

    def __init__(self, path: Path, cache_kib: int = CACHE_KIB) -> None:
        self._path = path
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
        """Size of the file and of what is not yet copied into it."""
        return sum(file.stat().st_size for name in ("", "-wal") if (file := Path(f"{self._path}{name}")).exists())

    def begin_write(self) -> None:
        """Take the file's write lock. Raises JournalError `busy` where another process does not let go of it."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
            zh = f"日志被另一进程占用超过 {BUSY_MS // 1000} 秒。"
            en = f"Another process has held the journal for more than {BUSY_MS // 1000} s."
            raise JournalError("busy", zh, en) from error

    def begin_read(self) -> None:
        """Begin a snapshot of now: SQLite takes it at the first read, so one is made at once."""
        self._db.execute("PRAGMA query_only = ON")
        self._db.execute("BEGIN DEFERRED")
        self._db.execute("SELECT last FROM head").fetchone()

    def commit(self) -> None:
        """Make the transaction durable."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, where SQLite has not done so itself (disk full)."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


def open_file(
    path: Path,
    region: str,
    clock: Clock = utc_now,
    create: bool = False,
    decode: Decode = decode_event_trusted,
    fault: Fault | None = None,
    cache_kib: int = CACHE_KIB,
) -> Journal:
    """Open a region's journal in a file; with `create` make it where there is no file. Arguments: `open_journal`.

    Raises JournalError: `missing`, `not_a_journal`, `other_region`, `newer_version`, `busy`.
    """
    if create:
        path.touch(mode=0o600, exist_ok=True)  # personal values: for the service's own account only
    elif not path.is_file():
        raise JournalError("missing", f"没有日志文件 {path}。", f"There is no journal at {path}.")
    try:
        sql = SqliteSql(path)
        try:
            if create:
                _create(sql, region)
            check_meta(dict(sql.rows("SELECT name, value FROM meta")), path, region)
        finally:
            sql.close()
    except sqlite3.DatabaseError as error:
        zh, en = f"{path} 不是日志文件：{error}。", f"{path} is not a journal: {error}."
        raise JournalError("not_a_journal", zh, en) from error
    return StoreJournal(region, lambda: SqliteSql(path, cache_kib), clock, decode, fault or no_fault)


def _create(sql: SqliteSql, region: str) -> None:
    if sql.rows("SELECT 1 FROM sqlite_schema LIMIT 1"):
        return
    sql.rows(f"PRAGMA page_size = {PAGE_BYTES}")
    sql.rows("PRAGMA journal_mode = WAL")
    sql.begin_write()
    try:
        # Another process may have been first.
        if not sql.rows("SELECT 1 FROM sqlite_schema LIMIT 1"):
            for statement in statements(WORDS):
                sql.run(statement)
            meta = [("version", str(VERSION)), ("region", region), ("incarnation", new_incarnation())]
            sql.many("INSERT INTO meta VALUES (?, ?)", meta)
            sql.run("INSERT INTO head VALUES (1, 0, 0)")
        sql.commit()
    except BaseException:
        sql.rollback()
        raise
