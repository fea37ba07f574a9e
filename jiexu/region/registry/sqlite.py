"""Opening a SQLite file the way money needs it: durable when a commit returns, one writer at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike

# Writers of several processes queue for this long before a call fails.
BUSY_SECONDS = 30.0


class FileTooNew(Exception):
    """The file was written by a later version of the product."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(f"{path}: layout {found}, this version knows {known}: upgrade jiexu")


def connect(path: str | PathLike[str], layout: str, version: int) -> sqlite3.Connection:
    """Open or create the file. FULL, since a commit that returned must outlive a power cut."""
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        _lay_out(db, str(path), layout, version)
    except BaseException:
        db.close()
        raise
    return db


def _lay_out(db: sqlite3.Connection, path: str, layout: str, version: int) -> None:
    if _version(db) == version:
        return
    with writing(db):
        found = _version(db)  # again under the lock: another process may have laid it out meanwhile
        if found > version:
            raise FileTooNew(path, found, version)
        if found == 0:
            # executescript would commit the transaction first, so statement by statement.
            for statement in layout.split(";"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {version}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """One write transaction; IMMEDIATE, since a reader that turns writer late can fail where waiting would do."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[None]:
    """One snapshot for several reads."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")
