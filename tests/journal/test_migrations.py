"""An older layout becomes today's, in one transaction, and only when somebody asks for it."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from journal_given import REGION, Clock, fill_much
from places import STORES, AnyPlace, address, new_place
from test_postgres import PostgresPlace
from test_sqlite import SqlitePlace

from jiexu.journal import upgrade as upgrading
from jiexu.journal.backup import backup
from jiexu.journal.ddl import VERSION, keys
from jiexu.journal.migrations import OLDEST, STEPS
from jiexu.journal.port import JournalError
from jiexu.journal.restoring import restore
from jiexu.journal.upgrade import upgrade

VERSIONS = Path(__file__).parent / "versions"
TABLES = [table for table in keys() if table != "meta"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def new(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], AnyPlace]:
    return lambda: new_place(store, tmp_path, request)


@pytest.fixture
def old(store: str, new: Callable[[], AnyPlace]) -> AnyPlace:
    """A journal of the oldest version, with its own tables and rows in them."""
    place, source = new(), new()
    journal = source.open(clock=Clock())
    fill_much(journal, 30)
    journal.close()
    rows = source.dump(TABLES)
    make = (VERSIONS / f"{OLDEST}.{store}.sql").read_text()
    meta = [("version", str(OLDEST)), ("region", REGION), ("incarnation", "ab" * 16)]
    if isinstance(place, SqlitePlace):
        with contextlib.closing(sqlite3.connect(place.path)) as db, db:
            db.executescript(f"PRAGMA journal_mode = WAL; {make}")
            for table, values in {"meta": meta, **rows}.items():
                for row in values:
                    db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    else:
        with psycopg.connect(place.url) as connection:
            connection.execute(make)  # type: ignore[arg-type]
            for table, values in {"meta": meta, **rows}.items():
                for row in values:
                    connection.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)  # type: ignore[arg-type]
    return place


def layout(place: AnyPlace) -> Any:
    """What tables and indexes there are, as the database says it."""
    if isinstance(place, SqlitePlace):
        with contextlib.closing(sqlite3.connect(place.path)) as db:
            found = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
        return sorted((kind, name, " ".join(str(sql).split())) for kind, name, sql in found)
    columns = "SELECT table_name, column_name, data_type, collation_name, is_nullable FROM information_schema.columns"
    indexes = "SELECT indexname, replace(indexdef, current_schema() || '.', '') FROM pg_indexes"
    return (
        sorted(place.ask(f"{columns} WHERE table_schema = current_schema()"), key=repr),
        sorted(place.ask(f"{indexes} WHERE schemaname = current_schema()")),
    )


def test_there_is_a_step_for_every_version_and_a_file_of_the_oldest() -> None:
    assert [step.version for step in STEPS] == list(range(OLDEST + 1, VERSION + 1))
    assert all((VERSIONS / f"{OLDEST}.{store}.sql").is_file() for store in STORES)


def test_an_older_journal_opens_only_once_it_has_been_brought_up(old: AnyPlace, new: Callable[[], AnyPlace]) -> None:
    with pytest.raises(JournalError) as error:
        old.open()
    assert error.value.code == "older_version"
    before = old.dump(TABLES)
    report = upgrade(address(old), REGION)
    assert (report.version, [step.version for step in report.steps]) == (OLDEST, list(range(OLDEST + 1, VERSION + 1)))
    fresh = new()
    fresh.open().close()
    assert layout(old) == layout(fresh)
    assert old.dump(TABLES) == before
    old.open().close()
    assert upgrade(address(old), REGION).steps == []


def test_a_dry_run_changes_nothing(old: AnyPlace) -> None:
    before = layout(old)
    assert len(upgrade(address(old), REGION, dry_run=True).steps) == VERSION - OLDEST
    assert layout(old) == before


def test_nothing_is_changed_under_a_process_that_has_it_open(new: Callable[[], AnyPlace]) -> None:
    place = new()
    journal = place.open()
    with journal.read(), pytest.raises(JournalError) as error:
        upgrade(address(place), REGION)
    assert error.value.code == "in_use"
    journal.close()
    assert upgrade(address(place), REGION).steps == []


def test_all_steps_are_taken_or_none(old: AnyPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = layout(old)
    broken = upgrading.migrations.Step(
        VERSION + 1, "坏", "broken", "CREATE TABLE a (x {int}); CREATE TABLE a (x {int})"
    )
    monkeypatch.setattr(upgrading.migrations, "STEPS", (*STEPS, broken))
    with pytest.raises(JournalError):
        upgrade(address(old), REGION)
    assert layout(old) == before


def test_an_old_backup_is_brought_up_when_it_is_restored(
    old: AnyPlace, new: Callable[[], AnyPlace], tmp_path: Path
) -> None:
    if isinstance(old, PostgresPlace):
        with pytest.raises(JournalError, match="older_version"):
            backup(old.url, REGION, tmp_path / "backup.db")
        return
    backup(address(old), REGION, tmp_path / "backup.db")
    target = new()
    restore(tmp_path / "backup.db", address(target), REGION)
    assert target.dump(["log", "events"]) == old.dump(["log", "events"])
    fresh = new()
    fresh.open().close()
    assert layout(target) == layout(fresh)
