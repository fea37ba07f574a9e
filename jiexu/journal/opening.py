"""Opening a region's journal where the configuration says that it is: a SQLite file, or a PostgreSQL database."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from jiexu.contract.codec import decode_event_trusted
from jiexu.journal.creation import check, create
from jiexu.journal.dialect import JournalSql
from jiexu.journal.log_records import Decode
from jiexu.journal.place import is_database
from jiexu.journal.port import Journal, JournalError
from jiexu.journal.sqlite import CACHE_KIB, SqliteSql
from jiexu.journal.store import Clock, StoreJournal, no_fault, utc_now
from jiexu.journal.write_block import Fault

# `create` is an argument's name too.
_create = create


def open_journal(
    place: Path | str,
    region: str,
    clock: Clock = utc_now,
    create: bool = False,
    decode: Decode = decode_event_trusted,
    fault: Fault | None = None,
    password_file: Path | None = None,
    cache_kib: int = CACHE_KIB,
) -> Journal:
    """Open a region's journal; with `create` make it where there is none.

    `place` is a file, or `postgresql://user@host:port/database`, whose password stands in `password_file`. `clock`
    gives aware UTC times; `decode` reads an event's bytes; `fault` is called with the name of each point where a
    process can die (`log_written`, `tables_written`, `before_commit`, `after_commit`); `cache_kib` is what each
    connection to a file keeps in memory (PostgreSQL has a cache of its own).
    Raises JournalError, whose codes stand there; JournalUnavailable where the database does not answer.
    """
    connect = connector(place, password_file, create, cache_kib)
    sql = opened(connect, place)
    try:
        if create:
            _create(sql, region)
        check(sql, place, region)
        sql.share()
    except sql.error as error:
        raise unusable(place, error) from error
    finally:
        sql.close()
    return StoreJournal(region, connect, clock, decode, fault or no_fault)


def connector(
    place: Path | str, password_file: Path | None = None, create: bool = False, cache_kib: int = CACHE_KIB
) -> Callable[[], JournalSql]:
    """What connects to that place. Raises JournalError `no_driver`, `missing` where the file is not there."""
    if not is_database(place):
        path = Path(place)
        if create:
            path.touch(mode=0o600, exist_ok=True)  # personal values: for the service's own account only
        elif not path.is_file():
            raise JournalError("missing", f"没有日志文件 {path}。", f"There is no journal at {path}.")
        return partial(SqliteSql, path, cache_kib)
    try:
        from jiexu.journal.postgres import PostgresSql
    except ImportError as error:
        zh = f"日志在 PostgreSQL（{place}），但没有安装驱动 psycopg。"
        en = f"The journal is in PostgreSQL ({place}), but its driver psycopg is not installed."
        raise JournalError("no_driver", zh, en) from error
    return partial(PostgresSql, str(place), password_file)


def opened(connect: Callable[[], JournalSql], place: Path | str) -> JournalSql:
    """A connection. Raises JournalError, `not_a_journal` where a file is none of SQLite's."""
    try:
        return connect()
    except SqliteSql.error as error:
        raise unusable(place, error) from error


def unusable(place: Path | str, error: Exception) -> JournalError:
    """What the database said, as an error of the journal's."""
    said = str(error).strip()
    return JournalError("not_a_journal", f"{place} 不是日志：{said}。", f"{place} is not a journal: {said}.")
