"""A whole journal copied from one database into another, and the proof that both hold the same."""

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from jiexu.journal.columns import instant
from jiexu.journal.ddl import SERIALS, keys, statements
from jiexu.journal.dialect import JournalSql, Row
from jiexu.journal.port import JournalError

Progress = Callable[[int, int], None]
"""Called with what is done and what there is, in any unit."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a journal holds: rows and SHA-256 of each table, by which two journals in two databases are compared."""

    region: str
    version: int
    incarnation: str
    last_position: int
    last_recorded_at: datetime | None
    tables: dict[str, tuple[int, str]]

    @property
    def log_hash(self) -> str:
        """The SHA-256 of the log's lines, in order."""
        return self.tables["log"][1]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(count for count, _ in self.tables.values())


def no_progress(done: int, total: int) -> None:
    """Nobody watches."""


def contents(sql: JournalSql, progress: Progress = no_progress) -> Contents:
    """What stands in a journal, read within the transaction that is open.

    Raises JournalError `damaged` where the log's positions are not 1 to the head's, one by one.
    """
    meta: dict[str, str] = dict(sql.rows("SELECT name, value FROM meta"))
    total = count_rows(sql)
    done = 0
    found = {}
    last = 0
    recorded_at = None
    for table, key in keys().items():
        digest = hashlib.sha256()
        count = 0
        for rows in sql.pages(f"SELECT * FROM {table} ORDER BY {', '.join(key)}"):
            for row in rows:
                digest.update(_bytes(row))
            if table == "log":
                if [row[0] for row in rows] != list(range(last + 1, last + len(rows) + 1)):
                    raise damaged(f"after position {last} the log has no next line")
                last, recorded_at = rows[-1][0], rows[-1][2]
            count += len(rows)
            progress(done + count, total)
        done += count
        found[table] = (count, digest.hexdigest())
    ((head,),) = sql.rows("SELECT last FROM head")
    if head != last:
        raise damaged(f"the head is at {head}, the log ends at {last}")
    when = None if recorded_at is None else instant(recorded_at)
    return Contents(meta["region"], int(meta["version"]), meta["incarnation"], last, when, found)


def copy_tables(source: JournalSql, target: JournalSql, progress: Progress = no_progress) -> None:
    """Make the tables in `target`, which has none, and fill them; both have a transaction open."""
    make = statements(target.words)
    for statement in make:
        if statement.startswith("CREATE TABLE"):
            target.run(statement)
    total = count_rows(source)
    done = 0
    for table, key in keys().items():
        for rows in source.pages(f"SELECT * FROM {table} ORDER BY {', '.join(key)}"):
            marks = ", ".join("?" * len(rows[0]))
            target.many(f"INSERT INTO {table} VALUES ({marks})", rows)
            done += len(rows)
            progress(done, total)
    for table in SERIALS:
        target.set_last_serial(table, source.last_serial(table))
    for statement in make:
        if not statement.startswith("CREATE TABLE"):  # indexes are built quicker over what stands there
            target.run(statement)


def count_rows(sql: JournalSql) -> int:
    """How many rows there are in all."""
    return sum(int(sql.rows(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in keys())


def same(source: Contents, copy: Contents) -> None:
    """Raises JournalError `damaged` where a copy does not hold what its source does."""
    differing = [table for table, held in source.tables.items() if copy.tables.get(table) != held]
    if differing:
        raise damaged(f"the copy differs in {', '.join(differing)}")


def _bytes(row: Row) -> bytes:
    """A row as the same bytes, whatever database gave it."""
    return b"".join(_pieces(row))


def _pieces(row: Row) -> Iterator[bytes]:
    for value in row:
        if value is None:
            yield b"n"
        elif isinstance(value, int):
            yield b"i" + _INT(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            yield (b"s" if isinstance(value, str) else b"b") + _LENGTH(len(data))
            yield data


_INT = struct.Struct(">q").pack
_LENGTH = struct.Struct(">I").pack


def damaged(en: str) -> JournalError:
    """Something of a journal, or of its copy, is not there or not as it was."""
    return JournalError("damaged", f"日志或其副本不完整：{en}。", f"The journal or its copy is not whole: {en}.")
