"""Backups of both stores: one file, consistent, held against its source; and what restoring and moving do."""

import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from journal_given import REGION, Clock, Place, case_id, decode, fill, fill_much, new_claim, new_event
from places import STORES, AnyPlace, address, new_place
from test_postgres import PostgresPlace
from test_sqlite import SqlitePlace

from jiexu.journal import backup as backups
from jiexu.journal.backup import backup
from jiexu.journal.ddl import DERIVED, keys
from jiexu.journal.opening import open_journal
from jiexu.journal.port import JournalError
from jiexu.journal.restoring import UNCHECKED, move, restore

TABLES = tuple(keys())
NewPlace = Callable[[str], AnyPlace]


@pytest.fixture
def new(tmp_path: Path, request: pytest.FixtureRequest) -> NewPlace:
    return lambda store: new_place(store, tmp_path, request)


@pytest.fixture(params=STORES)
def filled(request: pytest.FixtureRequest, new: NewPlace) -> AnyPlace:
    """A journal with rows in every table."""
    place = new(request.param)
    journal = place.open(clock=Clock())
    fill(journal)
    fill_much_from(journal, 20)
    journal.close()
    return place


def fill_much_from(journal: Any, cases: int) -> None:
    """More rows, of other cases than those of `fill`."""
    with journal.write() as w:
        w.append([new_event(n, 1) for n in range(100, 100 + cases)])
        w.claim([new_claim(n, 2) for n in range(100, 100 + cases)], "worker", w.now)
        w.set_note("n", "接续")
        w.advance("topic", 0, None, 7)
        w.move_cursor("ledger", 0, 3)
        w.raise_todo("alarm", "x", case_id(100), "问", "ask")


def dump(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """All tables but what a journal says of itself."""
    return place.dump([table for table in TABLES if table != "meta"])


def incarnation(place: AnyPlace) -> str:
    journal = place.open()
    with journal.read() as r:
        found = r.incarnation()
    journal.close()
    return found


def code_of(work: Callable[[], object]) -> str:
    """How that fails."""
    with pytest.raises(JournalError) as error:
        work()
    return error.value.code


def test_a_backup_is_one_file_that_holds_the_same_and_is_for_its_owner_alone(filled: AnyPlace, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    held = backup(address(filled), REGION, file)
    assert dump(SqlitePlace(file)) == dump(filled)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [other.name for other in tmp_path.glob("backup.db*")] == ["backup.db"]
    assert file.read_bytes()[18:20] == b"\x01\x01"  # not in WAL: it can be read where nothing can be written
    assert held.tables["log"][0] == held.last_position > 20
    assert backup(address(filled), REGION, tmp_path / "again.db").tables == held.tables


def test_a_backup_can_be_read_as_a_journal_on_any_machine(filled: AnyPlace, tmp_path: Path) -> None:
    backup(address(filled), REGION, tmp_path / "backup.db")
    journal = open_journal(tmp_path / "backup.db", REGION, decode=decode)
    with journal.read() as r:
        assert len(list(r.events())) > 20
    journal.close()


def test_a_backup_of_a_journal_that_is_being_written_is_one_moment_of_it(
    filled: AnyPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block of the writer adds two lines that belong together; pages are copied one by one meanwhile."""
    monkeypatch.setattr("jiexu.journal.sqlite.PAGES_AT_ONCE", 1)
    stop = threading.Event()
    written = threading.Event()

    def write() -> None:
        journal = filled.open()
        seq = 0
        while not stop.is_set():
            with journal.write() as w:
                w.append([new_event(500, seq + 1), new_event(501, seq + 1)])
            seq += 1
            written.set()
        journal.close()

    def during(done: int, total: int) -> None:
        written.clear()
        written.wait(10)  # nothing is copied without something being written between

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(10)
    try:
        held = backup(address(filled), REGION, tmp_path / "backup.db", progress=during)
    finally:
        stop.set()
        writer.join()
    copy = SqlitePlace(tmp_path / "backup.db")
    copy.check()
    journal = copy.open()
    with journal.read() as r:
        assert r.last_position() == held.last_position
        assert len(r.case_events(case_id(500))) == len(r.case_events(case_id(501))) > 0
        lines = [line.position for line in r.log(0, 10**6)]
    before = copy.dump(DERIVED)
    with journal.write() as w:
        w.rebuild()
    journal.close()
    assert lines == list(range(1, held.last_position + 1))
    assert copy.dump(DERIVED) == before


def test_a_backup_is_written_over_nothing_and_leaves_nothing_when_it_is_broken_off(
    filled: AnyPlace, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    file.write_text("something else")
    assert code_of(lambda: backup(address(filled), REGION, file)) == "exists"
    assert file.read_text() == "something else"

    def broken_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(address(filled), REGION, tmp_path / "other.db", progress=broken_off)
    assert list(tmp_path.glob("other.db*")) == []


def test_a_copy_that_differs_does_not_become_a_backup(
    filled: AnyPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that was written wrong, a row that was lost on the way."""
    verified = backups.verified

    def lose(file: Path) -> Any:
        with contextlib.closing(sqlite3.connect(file)) as db, db:
            db.execute("UPDATE notes SET value = 'x'")
        return verified(file)

    monkeypatch.setattr(backups, "verified", lose)
    assert code_of(lambda: backup(address(filled), REGION, tmp_path / "backup.db")) == "damaged"
    assert list(tmp_path.glob("backup.db*")) == []


def test_a_journal_whose_log_lacks_a_line_gives_no_backup(filled: AnyPlace, tmp_path: Path) -> None:
    if isinstance(filled, PostgresPlace):
        filled.do("DELETE FROM log WHERE kind = 'fact'")
    else:
        with contextlib.closing(sqlite3.connect(filled.path)) as db, db:
            db.execute("DELETE FROM log WHERE kind = 'fact'")
    assert code_of(lambda: backup(address(filled), REGION, tmp_path / "backup.db")) == "damaged"


@pytest.mark.parametrize("store", STORES)
def test_a_backup_of_either_store_is_restored_into_either(
    filled: AnyPlace, store: str, new: NewPlace, tmp_path: Path
) -> None:
    backup(address(filled), REGION, tmp_path / "backup.db")
    before = (tmp_path / "backup.db").read_bytes()
    target = new(store)
    placed = restore(tmp_path / "backup.db", address(target), REGION)
    assert placed.set_aside is None
    held, restored = dump(filled), dump(target)
    owners = restored.pop("claim_owners")
    assert (UNCHECKED, "1") in restored["notes"], "nothing is issued before it was held against the ledger"
    restored["notes"].remove((UNCHECKED, "1"))
    assert restored == {table: rows for table, rows in held.items() if table != "claim_owners"}
    assert [row[3] for row in owners] == [1] * len(owners)  # claims that stand open count as begun
    assert incarnation(target) != incarnation(filled)
    assert (tmp_path / "backup.db").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    journal = target.open()
    with journal.write() as w:  # ids go on where they were
        ids = {row[0] for row in held["todo"]}
        assert w.raise_todo("alarm", "another", None, "甲", "a") not in ids
        assert w.append([new_event(900, 1)]) == [placed.held.last_position + 1]
    journal.close()
    if isinstance(target, SqlitePlace):
        assert target.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("store", STORES)
def test_a_restore_puts_nothing_out_of_the_way_unless_it_is_told_to_and_then_keeps_it(
    store: str, new: NewPlace, tmp_path: Path
) -> None:
    place = new(store)
    journal = place.open(clock=Clock())
    with journal.write() as w:
        w.append([new_event(1, 1)])
    backup(address(place), REGION, tmp_path / "backup.db")
    with journal.write() as w:
        w.append([new_event(1, 2)])
    later = dump(place)
    assert code_of(lambda: restore(tmp_path / "backup.db", address(place), REGION)) == "exists"
    assert code_of(lambda: restore(tmp_path / "backup.db", address(place), REGION, replace=True)) == "in_use"
    assert dump(place) == later
    journal.close()
    placed = restore(tmp_path / "backup.db", address(place), REGION, replace=True)
    assert len(dump(place)["log"]) == 1
    assert placed.set_aside is not None
    if isinstance(place, PostgresPlace):
        assert len(place.ask(f"SELECT 1 FROM {placed.set_aside}.log")) == 2
        place.do(f"DROP SCHEMA {placed.set_aside} CASCADE")
    else:
        assert len(dump(SqlitePlace(Path(placed.set_aside)))["log"]) == 2
    place.open().close()


def test_a_damaged_file_is_put_aside_with_all_that_stands_beside_it(new: NewPlace, tmp_path: Path) -> None:
    place = new("sqlite")
    assert isinstance(place, SqlitePlace)
    place.open().close()
    backup(place.path, REGION, tmp_path / "backup.db")
    place.path.write_bytes(b"no journal any more" * 1000)
    place.path.with_name(f"{place.path.name}-wal").write_bytes(b"what was written last")
    placed = restore(tmp_path / "backup.db", place.path, REGION, replace=True)
    assert placed.set_aside is not None
    assert Path(placed.set_aside).read_bytes().startswith(b"no journal any more")
    assert Path(f"{placed.set_aside}-wal").read_bytes() == b"what was written last"
    place.open().close()


def test_what_is_no_backup_of_this_region_is_not_restored(filled: AnyPlace, new: NewPlace, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    target = address(new("sqlite"))
    assert code_of(lambda: restore(file, target, REGION)) == "missing"
    file.write_text("no database at all")
    assert code_of(lambda: restore(file, target, REGION)) == "not_a_journal"
    file.unlink()
    backup(address(filled), REGION, file)
    assert code_of(lambda: restore(file, target, "310000")) == "other_region"
    half = file.read_bytes()
    file.write_bytes(half[: len(half) // 2])
    assert code_of(lambda: restore(file, target, REGION)) in ("damaged", "not_a_journal")
    file.write_bytes(half)
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE head SET last = last + 1")
    assert code_of(lambda: restore(file, target, REGION)) == "damaged"
    assert not os.path.exists(target)


def test_a_journal_in_use_is_taken_for_no_backup(new: NewPlace, tmp_path: Path) -> None:
    """Copied as it stands, without its write-ahead log, it would lack what was committed last."""
    place = new("sqlite")
    assert isinstance(place, SqlitePlace)
    journal = place.open()
    with journal.write() as w:
        w.append([new_event(1, 1)])
    assert code_of(lambda: restore(place.path, tmp_path / "restored.db", REGION)) == "not_a_backup"
    journal.close()


@pytest.mark.parametrize(("store", "other"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_a_journal_moves_from_one_store_into_the_other_and_back(store: str, other: str, new: NewPlace) -> None:
    place, target = new(store), new(other)
    journal = place.open(clock=Clock())
    fill_much(journal, 30)
    assert code_of(lambda: move(address(place), address(target), REGION)) == "in_use"
    journal.close()
    before = place.dump(TABLES)
    move(address(place), address(target), REGION)
    assert target.dump(TABLES) == before
    assert code_of(lambda: place.open()) == "moved"
    assert code_of(lambda: move(address(target), address(place), REGION)) == "exists"
    journal = target.open()
    with journal.write() as w:
        w.append([new_event(900, 1)])
    journal.close()
    after = target.dump(TABLES)
    placed = move(address(target), address(place), REGION, replace=True)
    assert place.dump(TABLES) == after
    place.open().close()
    if isinstance(place, PostgresPlace):
        place.do(f"DROP SCHEMA {placed.set_aside} CASCADE")


def test_a_move_that_dies_half_way_leaves_the_journal_where_it_was(new: NewPlace, tmp_path: Path) -> None:
    place, target = new("sqlite"), new("postgres")
    journal = place.open(clock=Clock())
    fill(journal)
    journal.close()

    def died(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(address(place), address(target), REGION, progress=died)
    assert isinstance(target, PostgresPlace)
    assert target.ask("SELECT 1 FROM pg_tables WHERE schemaname = current_schema()") == []
    place.open().close()
    shutil.rmtree(tmp_path, ignore_errors=True)
