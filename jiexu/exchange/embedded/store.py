"""The file behind the embedded exchange: its connection, its tables, and how its errors read.

One SQLite file in WAL mode serves several processes of one machine. A record's row id is its partition's
number and its offset in one integer, so that records lie in the order in which they are read and need no
index.
"""

import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jiexu.exchange.port import ExchangeRefused, ExchangeUnavailable, Record, TopicMissing

BUSY_SECONDS = 15.0
"""How long a writer waits for the others. A commit takes milliseconds; more means that a process hangs."""

OFFSET_BITS = 40
"""Bits of a row id that hold the offset: 10^12 records a partition, and eight million partitions a file."""

APPLICATION_ID = 0x4A584558  # "JXEX": a journal given by mistake is refused instead of getting our tables
LAYOUT = 1

TABLES = """
CREATE TABLE topics(
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, topic_id TEXT NOT NULL,
    config TEXT NOT NULL);
CREATE TABLE partitions(
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, partition INTEGER NOT NULL,
    first INTEGER NOT NULL, next INTEGER NOT NULL, last_time INTEGER NOT NULL, UNIQUE(topic, partition));
CREATE TABLE records(id INTEGER PRIMARY KEY, time INTEGER NOT NULL, key BLOB, value BLOB NOT NULL);
CREATE TABLE generations(grp TEXT, topic INTEGER, generation INTEGER NOT NULL, PRIMARY KEY(grp, topic));
CREATE TABLE members(
    grp TEXT, topic INTEGER, member TEXT, seen INTEGER NOT NULL, PRIMARY KEY(grp, topic, member));
CREATE TABLE leases(
    grp TEXT, topic INTEGER, partition INTEGER, member TEXT NOT NULL, PRIMARY KEY(grp, topic, partition));
"""
# AUTOINCREMENT: a deleted topic's number never comes back, so a reader of the old topic cannot take the new
# one's records for its own.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition's row: its number in the file, the offsets that exist (`first` … `next` - 1)."""

    id: int
    partition: int
    first: int
    next: int
    last_time: int


def micros(moment: datetime) -> int:
    """Aware time to microseconds since 1970, exactly (a float would lose the last digit)."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """Microseconds since 1970 to aware UTC."""
    return _EPOCH + timedelta(microseconds=value)


def row_id(partition_id: int, offset: int) -> int:
    """Where the record of that offset lies in the file."""
    return partition_id << OFFSET_BITS | offset


def offset_of(record_id: int) -> int:
    """The offset within a record's row id."""
    return record_id & ((1 << OFFSET_BITS) - 1)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, making it when it is new. Raises `ExchangeUnavailable`, `ExchangeRefused` (another
    file).
    """
    with readable_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _enter_wal(db)
            db.execute("PRAGMA synchronous=FULL")  # a send that returned survives a power cut
            db.execute("PRAGMA journal_size_limit=67108864")  # bytes; else the WAL stays as large as it ever was
            _lay_tables(db, path)
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One writing transaction. IMMEDIATE: a lock taken only at the first write could not wait for the
    others.
    """
    with readable_errors(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


@contextmanager
def snapshot(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Several reads of one state."""
    with readable_errors(path):
        db.execute("BEGIN")
        try:
            yield
        finally:
            if db.in_transaction:
                db.execute("COMMIT")


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn the database's errors into the port's: busy, full or unreachable may pass, a broken file does
    not.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a defect of ours, not the file's
    except (sqlite3.OperationalError, OSError) as error:
        raise ExchangeUnavailable(
            f"交换文件 {path} 暂时无法使用（{error}）。将自动重试；如持续出现，请检查磁盘空间、权限和占用它的进程。",
            f"The exchange file {path} cannot be used now ({error}). It is tried again; if this lasts, look "
            "at disk space, permissions and the processes that hold it.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise ExchangeRefused(
            f"文件 {path} 不是可用的交换文件（{error}）。请检查配置的路径，或从备份恢复。",
            f"{path} is not a sound exchange file ({error}). Check the configured path, or restore a copy.",
        ) from error


def topic_row(db: sqlite3.Connection, topic: str) -> tuple[int, str]:
    """The topic's number in the file and its identity. Raises `TopicMissing`."""
    row = db.execute("SELECT id, topic_id FROM topics WHERE name = ?", (topic,)).fetchone()
    if row is None:
        raise TopicMissing(topic)
    return row[0], row[1]


def partition_rows(db: sqlite3.Connection, topic: int) -> dict[int, Partition]:
    """All partitions of a topic by number; empty when the topic was deleted."""
    rows = db.execute(
        "SELECT id, partition, first, next, last_time FROM partitions WHERE topic = ? ORDER BY partition",
        (topic,),
    )
    return {row[1]: Partition(*row) for row in rows}


def read_partition(db: sqlite3.Connection, topic: str, row: Partition, offset: int) -> Generator[Record]:
    """The partition's records from `offset` to the end that `row` names, one by one. Close it when stopping
    early.
    """
    found = db.execute(
        "SELECT id, time, key, value FROM records WHERE id >= ? AND id < ? ORDER BY id",
        (row_id(row.id, offset), row_id(row.id, row.next)),
    )
    try:
        for record_id, stamp, key, value in found:
            yield Record(topic, row.partition, offset_of(record_id), moment(stamp), key, value)
    finally:
        found.close()


def _enter_wal(db: sqlite3.Connection) -> None:
    # Changing the journal mode does not wait for others as writes do: two processes that make the file
    # together would otherwise fail one of them at random.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _lay_tables(db: sqlite3.Connection, path: Path) -> None:
    if _layout(db) == (APPLICATION_ID, LAYOUT):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        if _layout(db) != (APPLICATION_ID, LAYOUT):
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("another kind of file, or another version of it")
            for statement in TABLES.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={LAYOUT}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _layout(db: sqlite3.Connection) -> tuple[int, int]:
    return (
        db.execute("PRAGMA application_id").fetchone()[0],
        db.execute("PRAGMA user_version").fetchone()[0],
    )
