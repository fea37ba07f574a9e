"""The SQLite store, held to the contract of every journal, and what is its own."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from journal_contract import JournalContract
from journal_given import ARRIVAL, PARTNER, REGION, Place, decode, fill, new_event
from journal_log_contract import LogContract
from journal_tally_contract import TallyContract

from jiexu.case.event import Hand, Role
from jiexu.journal.opening import open_journal
from jiexu.journal.port import Journal, JournalError, JournalUnavailable


@dataclass(frozen=True)
class SqlitePlace:
    """A journal file."""

    path: Path

    def open(self, **settings: Any) -> Journal:
        """Open it, and make it where it is not there."""
        return open_journal(self.path, REGION, create=True, decode=decode, **settings)

    def dump(self, tables: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of these tables, in one order."""
        db = sqlite3.connect(self.path)
        try:
            return {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
        finally:
            db.close()

    def check(self) -> None:
        """Fail where SQLite finds the file damaged, or a row without what it refers to."""
        db = sqlite3.connect(self.path)
        try:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        finally:
            db.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return SqlitePlace(tmp_path / "journal.db")


@pytest.fixture
def other_place(tmp_path: Path) -> Place:
    return SqlitePlace(tmp_path / "other.db")


class TestSqliteJournal(JournalContract):
    """The contract."""


class TestSqliteTallies(TallyContract):
    """Counts."""


class TestSqliteLog(LogContract):
    """The contract of the log."""


def code_of_opening(path: Path, region: str = REGION, create: bool = False) -> str:
    """How opening that file fails."""
    with pytest.raises(JournalError) as error:
        open_journal(path, region, create=create, decode=decode)
    return error.value.code


def test_a_file_that_is_not_there_is_not_made_by_chance(tmp_path: Path) -> None:
    assert code_of_opening(tmp_path / "journal.db") == "missing"
    assert not (tmp_path / "journal.db").exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, but longer than a header of SQLite would be" * 20)
    assert code_of_opening(tmp_path / "text") == "not_a_journal"
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    assert code_of_opening(tmp_path / "other.db", create=True) == "not_a_journal"
    (tmp_path / "empty").touch()
    assert code_of_opening(tmp_path / "empty") == "missing"


def test_a_journal_of_another_region_is_refused(place: SqlitePlace) -> None:
    place.open().close()
    assert code_of_opening(place.path, "310000") == "other_region"


def test_a_journal_of_a_newer_version_is_refused(place: SqlitePlace) -> None:
    place.open().close()
    db = sqlite3.connect(place.path)
    db.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    db.commit()
    db.close()
    assert code_of_opening(place.path) == "newer_version"


def test_what_was_committed_is_on_the_disk(place: SqlitePlace) -> None:
    """Not a matter of taste: with NORMAL a power cut takes acknowledged events with it."""
    journal = place.open()
    with journal.write() as w:
        pragmas = {name: w._sql.rows(f"PRAGMA {name}")[0][0] for name in ("synchronous", "journal_mode")}  # type: ignore[attr-defined]
    assert pragmas == {"synchronous": 2, "journal_mode": "wal"}


def test_a_snapshot_cannot_write(place: SqlitePlace) -> None:
    with place.open().read() as r, pytest.raises(sqlite3.OperationalError):
        r._sql.run("INSERT INTO notes VALUES ('a', 'b')")  # type: ignore[attr-defined]


def test_an_events_bytes_stand_once_in_the_file(place: SqlitePlace) -> None:
    journal = place.open()
    marked = new_event(1, 1, body={"mark": "only once in the whole file"})
    with journal.write() as w:
        w.append([marked])
    journal.close()
    db = sqlite3.connect(place.path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    assert place.path.read_bytes().count(b"only once in the whole file") == 1


def test_the_file_is_for_its_owner_alone(place: SqlitePlace) -> None:
    place.open().close()
    assert place.path.stat().st_mode & 0o077 == 0


def test_a_full_disk_undoes_the_block_and_is_told_as_a_journal_that_is_away(place: SqlitePlace) -> None:
    """SQLite's own limit of pages gives the error that a full disk gives."""
    journal: Any = place.open()
    with journal.write() as w:
        w.append([new_event(1, 1)])
        ((pages,),) = w._sql.rows("PRAGMA page_count")
        w._sql.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalUnavailable, match="is full") as full, journal.write() as w:
        w.append([new_event(number, 1, body={"text": "x" * 500}) for number in range(2, 2_000)])
    assert "磁盘已满" in full.value.zh
    with journal.read() as r:
        assert r.last_position() == 1
    journal._writer.rows("PRAGMA max_page_count = 1000000")
    with journal.write() as w:
        w.append([new_event(2, 1)])
    journal.close()
    place.check()


STANDING = (("parked", "unsettled"), ("todo", "standing"), ("claims", "open"))
"""Indexes of what stands open alone."""


class Explained:
    """A connection that notes how each statement would be carried out."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql
        self.plans: dict[str, list[str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sql, name)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> Any:
        self.plans[statement] = [row[3] for row in self._sql.rows(f"EXPLAIN QUERY PLAN {statement}", values)]
        return self._sql.rows(statement, values)


def test_no_count_reads_a_table_that_grows_with_the_journal(place: SqlitePlace) -> None:
    """Tables and indexes of what waits may be read whole, and one index of cases; of all others a stretch."""
    journal: Any = place.open()
    fill(journal)
    with journal.read() as r:
        explained = r._sql = Explained(r._sql)
        for count in (
            r.tally_unreceipted,
            r.first_unreceipted,
            r.tally_agenda,
            r.tally_receipts_to_give,
            r.tally_cases,
        ):
            count(Role.OUTBOUND)
        for count in (r.tally_log, r.tally_events_after, r.tally_parked_after, r.recorded_at):
            count(1)
        for stretch in (r.events_by_kind, r.changed_cases):
            stretch(1, 5)
        r.heard_from(Role.OUTBOUND, 1, 5)
        r.tally_parked(ARRIVAL.topic)
        r.tally_held(ARRIVAL.topic)
        r.tally_todos()
        r.tally_claims(Hand.OUTBOUND)
        r.tally_bundles_to(Role.OUTBOUND, PARTNER, 1)
        r.tally_letters_to(PARTNER, 1)
        r.cursors()
    journal.close()
    scans = {step for plan in explained.plans.values() for step in plan if step.startswith("SCAN")}
    waiting = {f"SCAN {table}" for table in ("held", "unreceipted", "head", "cursors")}
    waiting |= {f"SCAN {table} USING INDEX {table}_{index}" for table, index in STANDING}
    assert scans <= {*waiting, "SCAN cases USING INDEX cases_status"}
    assert len(explained.plans) > 15
