"""Opening a region's journal where the configuration says that it is: a SQLite file, or a PostgreSQL database."""

from pathlib import Path

from jiexu.contract.codec import decode_event_trusted
from jiexu.journal.log_records import Decode
from jiexu.journal.place import is_database
from jiexu.journal.port import Journal, JournalError
from jiexu.journal.sqlite import CACHE_KIB, open_file
from jiexu.journal.store import Clock, utc_now
from jiexu.journal.write_block import Fault


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
    process can die (`log_written`, `tables_written`, `before_commit`, `after_commit`); `cache_kib` is
    what each connection to a file keeps in memory (PostgreSQL has a cache of its own).
    Raises JournalError: `missing`, `not_a_journal`, `not_durable`, `other_region`, `newer_version`, `busy`,
    `no_driver`; JournalUnavailable where the database does not answer.
    """
    if not is_database(place):
        return open_file(Path(place), region, clock, create, decode, fault, cache_kib)
    try:
        from jiexu.journal.postgres import open_database
    except ImportError as error:
        zh = f"日志在 PostgreSQL（{place}），但没有安装驱动 psycopg。"
        en = f"The journal is in PostgreSQL ({place}), but its driver psycopg is not installed."
        raise JournalError("no_driver", zh, en) from error
    return open_database(str(place), region, clock, create, decode, fault, password_file)
