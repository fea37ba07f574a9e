"""Putting a backup in the journal's place, and moving a journal from one database into another.

What stood there before is never deleted: a file gets another name, a database's tables another schema.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from jiexu.journal.backup import give_name, reading, standing, sync, verified, write_file
from jiexu.journal.copying import Contents, Progress, contents, copy_tables, no_progress, same
from jiexu.journal.creation import check, read_meta
from jiexu.journal.dialect import JournalSql
from jiexu.journal.migrations import READABLE, migrate
from jiexu.journal.opening import connector, open_journal, opened, unusable
from jiexu.journal.place import is_database
from jiexu.journal.port import JournalError
from jiexu.journal.sqlite import SqliteSql

UNCHECKED = "restored_and_unchecked"
"""Note in a restored journal until the check at start has held it against the ledger: before that nothing may be
issued, as the ledger may hold other lines at the next positions."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands in a place now, and where what stood there before has gone."""

    held: Contents
    set_aside: str | None


def restore(
    file: Path,
    place: Path | str,
    region: str,
    password_file: Path | None = None,
    replace: bool = False,
    progress: Progress = no_progress,
) -> Placed:
    """Make a backup the journal at `place`, under a new incarnation; an older layout is brought up to today's.

    Nothing is read of the ledger here: the check at every start takes in what the backup lacks. The backup itself is
    not changed. Raises JournalError: of the backup what opening raises and `damaged`; `exists` where a journal stands
    in the place and `replace` is not given, `in_use` where a process has that one open; OSError.
    """
    with _folder_for(place) as folder:
        copied = folder / "journal.db"
        _copy_backup(file, copied)
        with reading(copied) as copy:
            version = int(check(copy, file, region, READABLE)["version"])
        verified(copied)
        with reading(copied) as copy:
            migrate(copy, version)
        with closing(open_journal(copied, region)) as journal, journal.write() as write:
            write.renew_incarnation()  # lines from now on are told apart from those that the ledger may hold already
            write.set_note(UNCHECKED, "1")
        held = verified(copied)
        with reading(copied) as copy:
            if is_database(place):
                copy.begin_read()
                return Placed(held, _into_database(copy, str(place), region, password_file, replace, held, progress))
            copy.be_alone()  # out of WAL: one file
        return Placed(held, _into_file(copied, Path(place), region, replace))


def move(
    source: Path | str,
    target: Path | str,
    region: str,
    source_password: Path | None = None,
    target_password: Path | None = None,
    replace: bool = False,
    progress: Progress = no_progress,
) -> Placed:
    """Copy a journal from a file into a database, or back, and mark the source as moved: it opens no more.

    The two hold the same to the byte, incarnation included: it is one journal that goes on elsewhere. Nobody may have
    the source open. Raises JournalError as `restore` does.
    """
    with reading(source, source_password) as sql, _folder_for(target) as folder:
        check(sql, source, region)
        sql.be_alone()
        sql.begin_read()
        if is_database(target):
            held = contents(sql)
            aside = _into_database(sql, str(target), region, target_password, replace, held, progress)
        else:
            held = write_file(sql, folder / "journal.db", progress)
            aside = _into_file(folder / "journal.db", Path(target), region, replace)
        sql.rollback()
        # Between here and the mark two journals stand. Should this process die now, the check at every start finds in
        # the ledger what the other one did.
        sql.begin_write()
        sql.run("INSERT INTO meta (name, value) VALUES ('moved_to', ?)", (str(target),))
        sql.commit()
        return Placed(held, aside)


@contextmanager
def _folder_for(place: Path | str) -> Iterator[Path]:
    """A folder to work in, for its owner alone: on the disk of a journal's file, else where TMPDIR says."""
    beside = None if is_database(place) else Path(place).absolute().parent
    with tempfile.TemporaryDirectory(prefix=".jiexu-", dir=beside) as folder:
        yield Path(folder)


def _copy_backup(file: Path, to: Path) -> None:
    if not file.is_file():
        raise JournalError("missing", f"没有备份文件 {file}。", f"There is no backup at {file}.")
    log = file.with_name(f"{file.name}-wal")
    if log.is_file() and log.stat().st_size:
        zh = f"{file} 是使用中的日志，不是备份：{log.name} 中还有内容。"
        en = f"{file} is a journal in use, no backup: {log.name} holds more of it."
        raise JournalError("not_a_backup", zh, en)
    to.touch(mode=0o600)
    shutil.copyfile(file, to)


def _into_file(copied: Path, place: Path, region: str, replace: bool) -> str | None:
    aside = None
    if place.exists():
        if not replace:
            raise standing(place)
        _refuse_in_use(place, region)
        aside = place.with_name(f"{place.name}.{_before()}")
        for ending in ("-wal", "-shm", ""):  # of one that SQLite cannot read they stand beside it; the file comes last
            beside = place.with_name(f"{place.name}{ending}")
            if beside.exists():
                beside.rename(aside.with_name(f"{aside.name}{ending}"))
        sync(place.parent)
    give_name(copied, place)
    return None if aside is None else str(aside)


def _refuse_in_use(place: Path, region: str) -> None:
    """A journal that services have open, or another region's, is not put aside; one that cannot be read is."""
    try:
        with closing(SqliteSql(place)) as sql:
            if sql.tables():
                _refuse_other(sql, place, region)
            sql.be_alone()
    except SqliteSql.error:
        return


def _refuse_other(sql: JournalSql, place: Path | str, region: str) -> None:
    meta = read_meta(sql, place)
    if meta["region"] != region:
        zh, en = f"{place} 是统筹区 {meta['region']} 的日志。", f"{place} is the journal of region {meta['region']}."
        raise JournalError("other_region", zh, en)


def _into_database(
    source: JournalSql,
    url: str,
    region: str,
    password_file: Path | None,
    replace: bool,
    held: Contents,
    progress: Progress,
) -> str | None:
    """One transaction: the old tables out of the way, the new ones made, filled and held against their source."""
    target = opened(connector(url, password_file), url)
    from jiexu.journal.postgres import PostgresSql  # its driver is there

    assert isinstance(target, PostgresSql)
    aside = None
    try:
        if target.tables() and not replace:
            raise standing(url)
        target.be_alone()
        target.begin_creation()
        if target.tables():
            _refuse_other(target, url, region)
            aside = _before()
            target.set_aside(aside)
        copy_tables(source, target, progress)
        same(held, contents(target))
        target.commit()
        target.run("ANALYZE")  # else the first plans are made as for empty tables
    except PostgresSql.error as error:
        raise unusable(url, error) from error
    finally:
        target.rollback()
        target.close()
    return aside


def _before() -> str:
    """The name of what was set aside: also a schema's. Two regions of one database may be restored in one second."""
    return f"before_{datetime.now(UTC):%Y%m%dt%H%M%S}_{token_hex(2)}"
