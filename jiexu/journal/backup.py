"""Backups: a consistent copy of a live journal in one SQLite file, whatever database the journal is in.

So a backup is a journal: it can be opened, replayed and audited on any machine without a server. It is written beside
its name, held against its source and put on the disk before it bears that name; it is for its owner alone.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from jiexu.journal.copying import Contents, Progress, contents, copy_tables, damaged, no_progress, same
from jiexu.journal.creation import CURRENT, check
from jiexu.journal.dialect import JournalSql
from jiexu.journal.migrations import READABLE
from jiexu.journal.opening import connector, opened, unusable
from jiexu.journal.place import is_database
from jiexu.journal.port import JournalError
from jiexu.journal.sqlite import SqliteSql

UNFINISHED = ".unfinished"


def backup(
    place: Path | str,
    region: str,
    file: Path,
    password_file: Path | None = None,
    progress: Progress = no_progress,
) -> Contents:
    """Write a backup of the journal at `place` as it stands now; services may go on meanwhile. Returns what it holds.

    Raises JournalError: what opening raises, `exists` where there is such a file, `damaged` where the copy does not
    hold what the journal does; OSError.
    """
    with reading(place, password_file) as sql:
        # Pages of a file are copied whatever their layout; rows go into tables of today's.
        check(sql, place, region, CURRENT if is_database(place) else READABLE)
        sql.begin_read()
        return write_file(sql, file, progress)


@contextmanager
def reading(place: Path | str, password_file: Path | None = None) -> Iterator[JournalSql]:
    """A connection of one's own to a journal; what is open at the end of the block is undone."""
    sql = opened(connector(place, password_file), place)
    try:
        yield sql
    except sql.error as error:
        raise unusable(place, error) from error
    finally:
        sql.rollback()
        sql.close()


def write_file(sql: JournalSql, file: Path, progress: Progress = no_progress) -> Contents:
    """A copy of the snapshot that is open, as a file of that name once it is whole and on the disk."""
    with new_file(file) as unfinished:
        try:
            with closing(SqliteSql(unfinished)) as copy:
                if isinstance(sql, SqliteSql):
                    sql.copy_pages(copy, progress)
                    copy.be_alone()  # out of WAL: one file, that can be read where nothing can be written
                else:
                    copy.begin_creation()
                    copy_tables(sql, copy, progress)
                    copy.commit()
        except SqliteSql.broken_rule as error:
            raise damaged(str(error)) from error
        except SqliteSql.error as error:  # a full disk
            raise JournalError(
                "not_written", f"不能写入 {file}：{error}。", f"{file} cannot be written: {error}."
            ) from error
        held = verified(unfinished)
        same(contents(sql), held)
    return held


def verified(file: Path) -> Contents:
    """What a journal's file holds, once SQLite has found it whole. Raises JournalError `damaged`."""
    with closing(SqliteSql(file)) as copy:
        if faults := copy.faults():
            raise JournalError("damaged", f"{file} 已损坏：{faults[0]}。", f"{file} is damaged: {faults[0]}.")
        copy.begin_read()
        return contents(copy)


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A file to write into, which gets its name when the block has ended well, and is gone when it has not.

    Raises JournalError `exists`.
    """
    if file.exists():
        raise standing(file)
    unfinished = file.with_name(f"{file.name}{UNFINISHED}")
    _remove(unfinished)  # of a try that died
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # it holds personal values
    try:
        yield unfinished
        give_name(unfinished, file)
    finally:
        _remove(unfinished)


def give_name(unfinished: Path, file: Path) -> None:
    """Put a finished file on the disk under a name that nothing has. Raises JournalError `exists`."""
    sync(unfinished)
    try:
        os.link(unfinished, file)  # unlike a renaming, never over what has come to be there meanwhile
    except FileExistsError:
        raise standing(file) from None
    sync(file.parent)


def standing(place: Path | str) -> JournalError:
    """Something stands there already."""
    return JournalError("exists", f"{place} 已存在，不会覆盖。", f"{place} is there already, and is not written over.")


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            file.with_name(f"{file.name}{ending}").unlink()
