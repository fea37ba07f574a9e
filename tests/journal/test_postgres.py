"""The PostgreSQL store, held to the contract of every journal, and what is its own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from journal_contract import JournalContract
from journal_given import REGION, Clock, Place, case_id, decode, new_event, seqs
from journal_log_contract import LogContract
from journal_tally_contract import TallyContract

from jiexu.journal import postgres
from jiexu.journal.opening import open_journal
from jiexu.journal.port import Journal, JournalError, JournalUnavailable, SeqTaken
from jiexu.journal.postgres_sets import as_set, marked, set_form
from jiexu.journal.postgres_settings import connection_settings
from tests.postgres_proxy import Proxy


@dataclass(frozen=True)
class PostgresPlace:
    """A schema of a database."""

    url: str

    def open(self, **settings: Any) -> Journal:
        """Open it, and make it where it is not there."""
        return open_journal(self.url, REGION, create=True, decode=decode, **settings)

    def dump(self, tables: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of these tables, in one order."""
        return {table: sorted(self.ask(f"SELECT * FROM {table}"), key=repr) for table in tables}

    def check(self) -> None:
        """Fail where an index and its table do not hold the same rows."""
        tables = [name for (name,) in self.ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]
        assert len(tables) > 20
        for table in tables:
            counts = []
            for scans in ("seqscan", "indexscan"):
                others = {"seqscan", "indexscan", "bitmapscan", "indexonlyscan"} - {scans}
                off = [f"SET enable_{name} = off" for name in sorted(others)]
                counts.append(self.ask(f"SELECT count(*) FROM {table}", *off))
            assert counts[0] == counts[1], table

    def ask(self, statement: str, *before: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, on a connection of its own."""
        with psycopg.connect(self.url) as db, db.cursor(binary=True) as cursor:
            for setting in before:
                cursor.execute(setting)  # type: ignore[arg-type]
            return cursor.execute(statement).fetchall()  # type: ignore[arg-type]

    def do(self, statement: str) -> None:
        """Run a statement on a connection of its own."""
        with psycopg.connect(self.url) as db:
            db.execute(statement)  # type: ignore[arg-type]

    def waiting(self) -> bool:
        """Whether a connection of this schema waits for a lock."""
        return bool(self.ask("SELECT 1 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"))

    def with_settings(self, **settings: str) -> "PostgresPlace":
        """The same by an address that has settings for its connections."""
        more = "".join(f"%20-c%20{name}%3D{value}" for name, value in settings.items())
        return PostgresPlace(self.url + more)


@pytest.fixture
def place(new_schema: Callable[[], str]) -> Place:
    return PostgresPlace(new_schema())


@pytest.fixture
def other_place(new_schema: Callable[[], str]) -> Place:
    return PostgresPlace(new_schema())


class TestPostgresJournal(JournalContract):
    """The contract."""


class TestPostgresTallies(TallyContract):
    """Counts."""


class TestPostgresLog(LogContract):
    """The contract of the log."""


class TestPostgresJournalInSets(JournalContract):
    """The contract, each statement over a set of rows even where there is one."""

    @pytest.fixture(autouse=True)
    def always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres, "SET_FROM", 1)


# --- a full disk


def test_a_full_disk_undoes_the_block_and_is_told_as_a_journal_that_is_away(place: PostgresPlace) -> None:
    """A trigger gives the error that the server gives where a table cannot grow."""
    journal = place.open()
    with journal.write() as w:
        w.append([new_event(1, 1)])
    place.do(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$$"
    )
    place.do("CREATE TRIGGER no_room BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION no_room()")
    with pytest.raises(JournalUnavailable, match="is full") as full, journal.write() as w:
        w.append([new_event(2, 1)])
    assert "磁盘已满" in full.value.zh
    with journal.read() as r:
        assert r.last_position() == 1
    place.do("DROP TRIGGER no_room ON events")
    with journal.write() as w:
        w.append([new_event(2, 1)])
    journal.close()
    place.check()


# --- positions and commits


class Naive:
    """How positions are often given: by a sequence, with no lock. What `test_a_late_commit…` guards against."""

    def __init__(self, place: PostgresPlace) -> None:
        self.place = place
        place.do("CREATE TABLE naive (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")

    def begin(self) -> psycopg.Connection[Any]:
        """A transaction that has its position."""
        db = psycopg.connect(self.place.url)
        db.execute("INSERT INTO naive DEFAULT VALUES")
        return db

    def after(self, position: int) -> list[int]:
        """What follows a position."""
        found = self.place.ask(f"SELECT position FROM naive WHERE position > {position} ORDER BY position")
        return [position for (position,) in found]


def test_positions_of_a_sequence_lose_what_commits_late(place: PostgresPlace) -> None:
    """The danger itself: a follower whose cursor passed a position that was given, but not committed yet."""
    naive = Naive(place)
    late, early = naive.begin(), naive.begin()
    early.commit()
    followed = naive.after(0)
    late.commit()
    followed += naive.after(followed[-1])
    assert followed == [2]  # the line at 1 stands in the log, and nobody downstream will ever see it
    assert naive.after(0) == [1, 2]
    late.close()
    early.close()


def test_a_late_commit_is_missed_by_no_follower(place: PostgresPlace) -> None:
    first, second, follower = place.open(), place.open(), place.open()
    followed: list[int] = []

    def follow() -> None:
        with follower.read() as r:
            followed.extend(line.position for line in r.log(followed[-1] if followed else 0, 100))

    def write_second() -> None:
        with second.write() as w:
            w.append([new_event(2, 1)])

    writing = threading.Thread(target=write_second)
    with first.write() as w:
        w.append([new_event(1, 1)])
        writing.start()
        while not place.waiting():
            time.sleep(0.001)  # until the other one stands before the lock; a follower sees neither meanwhile
        follow()
        assert followed == []
    writing.join()
    follow()
    assert followed == [1, 2]
    for journal in (first, second, follower):
        journal.close()


def test_a_role_whose_snapshots_are_stricter_changes_nothing(place: PostgresPlace) -> None:
    """Under REPEATABLE READ the head would be read as it stood before the lock."""
    strict = place.with_settings(default_transaction_isolation="serializable")
    one, other = strict.open(), place.open()
    with one.write() as w:
        w.append([new_event(1, 1)])
    with other.write() as w:
        w.append([new_event(1, 2)])
    with one.write() as w:
        assert w.append([new_event(1, 3)]) == [3]
    one.close()
    other.close()


def test_a_journal_that_another_process_holds_is_busy(place: PostgresPlace) -> None:
    holder, waiter = place.open(), place.with_settings(lock_timeout="50").open()
    with holder.write(), pytest.raises(JournalError) as error, waiter.write():
        pass
    assert error.value.code == "busy"
    with waiter.write() as w:
        w.append([new_event(1, 1)])
    holder.close()
    waiter.close()


def test_who_stands_still_within_a_block_loses_it(place: PostgresPlace) -> None:
    """A process that was stopped comes back late: others have gone on, and nothing of its block stands."""
    paused, other = place.open(), place.open()

    def pause() -> None:
        with paused.write() as w:
            w.append([new_event(1, 1)])
            sql = w._sql  # type: ignore[attr-defined]
            assert sql.rows("SHOW idle_in_transaction_session_timeout") == [("5min",)]
            sql.run("SET LOCAL idle_in_transaction_session_timeout = 1")
            with other.write() as in_time:  # gets the lock when the server has ended the other's block
                in_time.append([new_event(1, 1, event_id="ab" * 16)])
            w.append([new_event(1, 2)])

    with pytest.raises(JournalUnavailable):
        pause()
    with other.read() as r:
        assert [stored.event.event_id for stored in r.case_events(f"{1:032x}")] == ["ab" * 16]
    with paused.write() as w:
        w.append([new_event(1, 2)])
    paused.close()
    other.close()


# --- connections that are lost


def test_a_lost_connection_ends_its_block_and_the_next_one_connects_anew(
    place: PostgresPlace, proxy_to: Callable[[str], Proxy]
) -> None:
    proxy = proxy_to(place.url)
    journal = PostgresPlace(proxy.url).open()

    def write() -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            proxy.cut()
            w.append([new_event(1, 2)])

    with pytest.raises(JournalUnavailable):
        write()
    with pytest.raises(JournalUnavailable, match=r"is away: .*\.$"), journal.read():
        pass
    proxy.open()
    with journal.read() as r:
        assert r.last_position() == 0
    with journal.write() as w:
        w.append([new_event(1, 1)])
    proxy.cut()
    proxy.open()
    with pytest.raises(JournalUnavailable), journal.read():
        pass  # the connection kept from before
    with journal.read() as r:
        assert seqs(r, 1) == [1]
    journal.close()


def test_where_the_answer_to_a_commit_is_lost_the_next_block_finds_what_stands(
    place: PostgresPlace, proxy_to: Callable[[str], Proxy]
) -> None:
    proxy = proxy_to(place.url)
    journal = PostgresPlace(proxy.url).open()
    proxy.lose_commit = 1
    with pytest.raises(JournalUnavailable), journal.write() as w:
        w.append([new_event(1, 1)])
    assert proxy.lost == 1
    with journal.read() as r:
        assert seqs(r, 1) == [1]
    with pytest.raises(SeqTaken), journal.write() as w:
        w.append([new_event(1, 1, event_id="ab" * 16)])  # who decides again without looking doubles nothing
    journal.close()


def test_a_failed_statement_makes_the_commit_an_error(place: PostgresPlace) -> None:
    """PostgreSQL answers COMMIT by undoing all, without an error: a block would be acknowledged that is not there."""
    journal = place.open()

    def write() -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            with pytest.raises(psycopg.IntegrityError):
                w._sql.run("INSERT INTO notes (name) VALUES (?)", ("n",))  # type: ignore[attr-defined]

    with pytest.raises(RuntimeError, match="nothing of it is kept"):
        write()
    with journal.read() as r:
        assert r.last_position() == 0
    journal.close()


# --- opening


def code_of_opening(url: str, region: str = REGION, **more: Any) -> str:
    """How opening that database fails."""
    with pytest.raises(JournalError) as error:
        open_journal(url, region, decode=decode, **more)
    return error.value.code


def test_a_database_without_a_journal_gets_none_by_chance(place: PostgresPlace) -> None:
    assert code_of_opening(place.url) == "missing"
    assert place.ask("SELECT 1 FROM pg_tables WHERE schemaname = current_schema()") == []


def test_other_tables_are_no_journal(place: PostgresPlace) -> None:
    place.do("CREATE TABLE t (x int)")
    assert code_of_opening(place.url) == "not_a_journal"
    assert code_of_opening(place.url, create=True) == "not_a_journal"


def test_a_journal_of_another_region_or_a_newer_version_is_refused(place: PostgresPlace) -> None:
    place.open().close()
    assert code_of_opening(place.url, "310000") == "other_region"
    place.do("UPDATE meta SET value = '99' WHERE name = 'version'")
    assert code_of_opening(place.url) == "newer_version"


def test_what_would_be_lost_in_a_power_cut_is_not_acknowledged(place: PostgresPlace) -> None:
    place.open().close()
    assert code_of_opening(place.with_settings(synchronous_commit="off").url) == "not_durable"
    place.with_settings(synchronous_commit="remote_write").open().close()  # durable here, and more


def test_a_server_that_does_not_answer_and_an_address_that_is_none(place: PostgresPlace) -> None:
    assert code_of_opening("postgresql://nobody@127.0.0.1:1/none") == "journal_unreachable"
    assert code_of_opening("postgresql://nobody@127.0.0.1/none?nonsense=1") == "bad_address"


def test_two_processes_that_create_at_once_make_one_journal(place: PostgresPlace) -> None:
    opened: list[Journal] = []
    threads = [threading.Thread(target=lambda: opened.append(place.open())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    incarnations = set()
    for journal in opened:
        with journal.read() as r:
            incarnations.add(r.incarnation())
        journal.close()
    assert len(incarnations) == 1


def test_a_password_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("秘密\n", encoding="utf-8")
    file.chmod(0o600)
    settings = connection_settings("postgresql://region@db:5433/journal", file)
    assert settings["password"] == "秘密"
    assert (settings["user"], settings["host"], settings["port"], settings["dbname"]) == (
        "region",
        "db",
        "5433",
        "journal",
    )
    assert code_of_opening("postgresql://region@db/journal", password_file=tmp_path / "none") == "no_password"
    file.chmod(0o640)
    assert code_of_opening("postgresql://region@db/journal", password_file=file) == "no_password"


# --- statements


def test_marks_are_numbered_and_quotes_are_left_alone() -> None:
    assert marked("SELECT '?%', x FROM t WHERE a = ? AND b IN (?,?)", "$") == (
        "SELECT '?%', x FROM t WHERE a = $1 AND b IN ($2,$3)"
    )


@pytest.mark.parametrize(
    ("statement", "columns", "expected"),
    [
        ("INSERT INTO t VALUES (?, ?)", 2, "INSERT INTO t SELECT v.p1, v.p2 FROM unnest($1, $2) AS v (p1, p2)"),
        (
            "INSERT INTO t (a, b) VALUES (?, 1) ON CONFLICT (a) DO UPDATE SET b = 2",
            1,
            "INSERT INTO t (a, b) SELECT v.p1, 1 FROM unnest($1) AS v (p1) ON CONFLICT (a) DO UPDATE SET b = 2",
        ),
        (
            "INSERT INTO t (a) SELECT x FROM u WHERE y = ?",
            1,
            "INSERT INTO t (a) SELECT x FROM unnest($1) AS v (p1), u WHERE y = ANY(ARRAY[v.p1])",
        ),
        ("DELETE FROM t WHERE a = ?", 1, "DELETE FROM t USING unnest($1) AS v (p1) WHERE a = ANY(ARRAY[v.p1])"),
        (
            "UPDATE t SET a = ? WHERE b = ?",
            2,
            "UPDATE t SET a = v.p1 FROM unnest($1, $2) AS v (p1, p2) WHERE b = ANY(ARRAY[v.p2])",
        ),
    ],
)
def test_a_statement_over_a_set(statement: str, columns: int, expected: str) -> None:
    form = set_form(statement, columns, frozenset())
    assert form is not None
    assert form.text == expected


def test_a_column_without_any_value_has_no_type_to_be_sent_under() -> None:
    whole = as_set("INSERT INTO t (a, b) VALUES (?, ?)", [(1, None), (2, None)])
    assert whole is not None
    assert whole[0] == "INSERT INTO t (a, b) SELECT v.p1, NULL FROM unnest($1) AS v (p1)"


def test_a_row_that_is_put_twice_is_put_row_by_row(place: PostgresPlace) -> None:
    put = """
        INSERT INTO cursors (name, position) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET position = excluded.position
    """
    assert as_set(put, [("a", 1), ("a", 2)]) is None
    assert as_set(put, [("a", 1), ("b", 2)]) is not None
    journal = place.open()
    with journal.write() as w:
        w._sql.many(put, [("a", number) for number in range(9)])  # type: ignore[attr-defined]
    with journal.read() as r:
        assert r.cursor("a") == 8
    journal.close()


def test_values_come_back_as_they_were(place: PostgresPlace) -> None:
    """Chinese text, empty bytes, the largest number, NULL among values: through arrays and by themselves."""
    place.open().close()
    place.do("CREATE TABLE v (number bigint, t text, b bytea)")
    rows = [(2**63 - 1, "接续 '?' %s", b""), (-1, None, bytes(range(256))), (None, "", None), (0, "x", b"\x00")]
    journal = place.open()
    with journal.write() as w:
        sql = w._sql  # type: ignore[attr-defined]
        sql.many("INSERT INTO v VALUES (?, ?, ?)", rows)
        for row in rows:
            sql.run("INSERT INTO v VALUES (?, ?, ?)", row)
        assert sql.rows("SELECT * FROM v") == rows + rows
    journal.close()


def test_both_stores_hold_the_same_after_the_same(place: PostgresPlace, tmp_path: Any) -> None:
    """Every statement over many rows, held against SQLite's row by row."""
    from journal_given import fill_much
    from test_sqlite import SqlitePlace

    other = SqlitePlace(tmp_path / "journal.db")
    tables = [name for (name,) in place_tables(place)]
    for each in (place, other):
        journal = each.open(clock=Clock())
        with journal.write() as w:
            w._sql.run("UPDATE meta SET value = ? WHERE name = 'incarnation'", ("ab" * 16,))  # type: ignore[attr-defined]
        fill_much(journal, 60)
        journal.close()
    ours, theirs = place.dump(tables), other.dump(tables)
    assert ours == theirs
    assert sum(len(rows) > 4 for rows in ours.values()) > 12


def place_tables(place: PostgresPlace) -> list[tuple[Any, ...]]:
    """The names of all tables."""
    place.open().close()
    return place.ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")


# --- plans


def plan_of(sql: postgres.PostgresSql, statement: str, *values: str) -> str:
    """The plan that the server keeps for a statement of this connection."""
    name = "SELECT name FROM pg_prepared_statements WHERE statement = ?"
    ((prepared,),) = sql.rows(name, (marked(statement, "$"),))
    return "\n".join(row[0] for row in sql._plain.execute(f"EXPLAIN EXECUTE {prepared} ({', '.join(values)})"))  # type: ignore[arg-type]


def test_statements_are_planned_anew_when_the_log_has_doubled(place: PostgresPlace) -> None:
    """The server's statistics come late: it would read every event of a large journal to find those of a case."""
    journal = place.open()
    with journal.write() as w:
        w.append([new_event(1, seq) for seq in range(1, 4)])
    place.do("ANALYZE")
    statement = "SELECT seq FROM events WHERE case_id IN (?) ORDER BY position"
    wanted = bytes.fromhex(case_id(1))

    def plan() -> str:
        with journal.read() as r:
            sql = r._sql  # type: ignore[attr-defined]
            assert [seq for (seq,) in sql.rows(statement, (wanted,))] == [1, 2, 3]
            return plan_of(sql, statement, f"'\\x{wanted.hex()}'::bytea")

    assert "Index Cond" not in plan()
    with journal.write() as w:
        w.append([new_event(n, 1) for n in range(2, 2 + postgres.REPLAN_AFTER)])
    assert "Index Cond: (case_id" in plan()
    journal.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE receipts SET batch = ? WHERE position = ?",
        "DELETE FROM agenda WHERE case_id = ? AND changed = 0",
        "DELETE FROM sendings WHERE event = (SELECT position FROM events WHERE case_id = ? AND seq = 1)",
        "INSERT INTO sendings (event, last_sent_at, times) SELECT position, 1, 1 FROM unreceipted WHERE position = ?",
    ],
)
def test_a_set_is_looked_up_row_by_row_even_where_a_table_seems_empty(place: PostgresPlace, statement: str) -> None:
    """Tables that empty between bursts are analysed while they are empty. The plan for that would read a table from
    end to end, and for each of its rows the whole set."""
    place.open().close()
    place.do("ANALYZE")
    form = set_form(statement, statement.count("?"), frozenset())
    assert form is not None
    settings = {name: value for name, value in connection_settings(place.url).items() if name != "password"}
    kinds = ["bigint[]" if "case_id" not in statement else "bytea[]"] * statement.count("?")
    with psycopg.connect(**settings) as db:

        def plan(text: str) -> str:
            db.execute("DEALLOCATE ALL")
            db.execute(f"PREPARE s({', '.join(kinds)}) AS {text}")  # type: ignore[arg-type]
            return "\n".join(row[0] for row in db.execute(f"EXPLAIN EXECUTE s({', '.join(['NULL'] * len(kinds))})"))  # type: ignore[arg-type]

        naive = (
            form.text.replace("= ANY(ARRAY[(", "= (")
            .replace("= ANY(ARRAY[", "= ")
            .replace(")])", ")")
            .replace("])", "")
        )
        assert "Join Filter" in plan(naive)
        assert "Join Filter" not in plan(form.text)
