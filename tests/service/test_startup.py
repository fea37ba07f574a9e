"""The check at every start: an old copy of the journal, a lost journal, a ledger that lost its end, a fork."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from jiexu.audit.compare import compare_all
from jiexu.audit.money import money_of
from jiexu.audit.rebuild import LedgerTail, ledger_lines, ledger_tail, rebuild
from jiexu.audit.replay import replay_journal
from jiexu.case.event import Hand, Role
from jiexu.contract import models
from jiexu.contract.records import encode_record
from jiexu.exchange.port import Exchange, Outgoing
from jiexu.exchange.topics import create, region_topics
from jiexu.journal.port import Fact, JournalConflict, LogLine
from jiexu.journal.restoring import UNCHECKED
from jiexu.service.clerk import ActRefused
from jiexu.service.ledger_end import LEDGER_CURSOR
from jiexu.service.startup import StartReport, check_at_start, check_if_restored

from .pair import WENZHOU, XIAN, Died, World


def lines_of(world: World, code: str) -> list[LogLine]:
    with world.desks[code].journal.read() as read:
        return read.log(0, 100_000)


def stop(world: World, code: str) -> None:
    for role in Role:
        world.kill(code, role)
    world.desks.pop(code).close()


def start(world: World, code: str) -> None:
    world.clock.pass_by(minutes=2)
    world.desks[code] = world._open(code, f"{code}.desk")
    for role in Role:
        world.start(code, role)


def remove_journal(world: World, code: str) -> None:
    for file in (world.folder / code).glob("journal.db*"):
        file.unlink()


def derived_rows(world: World, code: str) -> dict[str, list[tuple[object, ...]]]:
    """What is no function of the log: the read model of cases, and who holds the row of a person's scheme."""
    with sqlite3.connect(world.folder / code / "journal.db") as db:
        return {
            table: sorted(db.execute(f"SELECT {columns} FROM {table}").fetchall())
            for table, columns in (
                ("cases", "case_id, role, partner, person_key, from_scheme, to_scheme, status, is_open, opened_at"),
                ("open_moves", "person_key, scheme, case_id"),
            )
        }


def put_copy_away(world: World, code: str) -> Path:
    copy = world.folder / f"copy-{code}"
    copy.mkdir()
    for file in (world.folder / code).glob("journal.db*"):
        shutil.copy(file, copy / file.name)
    return copy


def bring_copy_back(world: World, code: str, copy: Path) -> None:
    remove_journal(world, code)
    for file in copy.iterdir():
        shutil.copy(file, world.folder / code / file.name)


def test_a_journal_that_was_lost_is_rebuilt_from_the_ledger_byte_for_byte_and_the_region_goes_on(pair: World) -> None:
    people = pair.moves(1, 2, 3)
    cases = [pair.case_of(who) for who in people]
    for _ in range(3):
        pair.turn()  # half way: forms and money are on their way
    before, rows = lines_of(pair, XIAN), derived_rows(pair, XIAN)
    assert len(rows["cases"]) == len(rows["open_moves"]) == 3
    held = [(line.position, line.kind, line.payload) for line in ledger_lines(pair.desks[XIAN].exchange, XIAN)]
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    exchange = pair.desks[WENZHOU].exchange
    report = rebuild(pair.folder / XIAN / "journal.db", XIAN, exchange)
    start(pair, XIAN)
    again = lines_of(pair, XIAN)
    assert report.lines == len(held)
    assert again == before[: len(held)]  # recorded_at, incarnation and bytes, line by line
    assert check_at_start(pair.desks[XIAN]).cases_derived == 3
    assert derived_rows(pair, XIAN) == rows
    pair.idle()
    assert [pair.status(case_id, XIAN) for case_id in cases] == ["closed"] * 3
    pair.agreed()
    pair.books_fit()


def test_an_old_copy_takes_in_what_the_ledger_has_more_under_a_new_incarnation(pair: World) -> None:
    (first, second) = pair.moves(1, 2)
    pair.case_of(first)
    pair.idle()
    stop(pair, XIAN)
    copy = put_copy_away(pair, XIAN)
    start(pair, XIAN)
    case_id = pair.case_of(second)
    pair.idle()
    newest, rows = lines_of(pair, XIAN), derived_rows(pair, XIAN)
    with pair.desks[XIAN].journal.read() as read:
        incarnation = read.incarnation()
    stop(pair, XIAN)
    bring_copy_back(pair, XIAN, copy)
    start(pair, XIAN)
    report = check_at_start(pair.desks[XIAN])
    assert report.absorbed > 0
    assert lines_of(pair, XIAN) == newest
    assert derived_rows(pair, XIAN) == rows
    with pair.desks[XIAN].journal.read() as read:
        assert read.incarnation() != incarnation
    assert "old_copy" in pair.todo_codes(XIAN)
    pair.idle()
    assert pair.status(case_id, XIAN, WENZHOU) == "closed"
    pair.agreed()
    pair.books_fit()


def test_a_clerks_command_holds_a_restored_journal_against_the_ledger_before_it_writes(pair: World) -> None:
    (first, second) = pair.moves(1, 2)
    case_id = pair.case_of(first)
    pair.idle()
    stop(pair, XIAN)
    copy = put_copy_away(pair, XIAN)
    start(pair, XIAN)
    pair.case_of(second)
    pair.idle()
    newest = lines_of(pair, XIAN)
    stop(pair, XIAN)
    bring_copy_back(pair, XIAN, copy)
    desk = pair.desks[XIAN] = pair._open(XIAN, "the first command after a restore")
    with desk.journal.write() as write:
        write.set_note(UNCHECKED, "1")
    check_if_restored(desk)
    assert lines_of(pair, XIAN) == newest
    with pytest.raises(ActRefused) as waits:  # no partner has said what it knows of us
        pair.act(XIAN, case_id, "remind", about="complete", text="?")
    assert waits.value.code == "partner_unheard"
    pair.desks.pop(XIAN).close()
    start(pair, XIAN)
    pair.idle()
    pair.act(XIAN, case_id, "remind", about="complete", text="?")
    pair.idle()
    pair.agreed()
    with pair.desks[XIAN].journal.read() as read:
        assert not read.note(UNCHECKED)


def test_a_death_while_an_old_copy_is_mended_leaves_word_and_the_next_start_ends_it(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    rebuild(pair.folder / XIAN / "journal.db", XIAN, pair.desks[WENZHOU].exchange)
    start(pair, XIAN)
    with pair.desks[XIAN].journal.write() as write:
        write.set_note("mending_from_ledger", "1")  # as a death right after the lines were taken in leaves it
    assert check_at_start(pair.desks[XIAN]).cases_derived == 1
    assert "old_copy" in pair.todo_codes(XIAN)
    with pair.desks[XIAN].journal.read() as read:
        assert not read.note("mending_from_ledger")
        assert read.case_row(case_id) is not None


def test_partners_of_open_cases_are_asked_signed_for_the_last_event_of_ours_that_they_know(pair: World) -> None:
    stop(pair, XIAN)
    copy = put_copy_away(pair, XIAN)
    start(pair, XIAN)
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.turn()
    assert pair.case(XIAN, case_id).view.open
    stop(pair, XIAN)
    bring_copy_back(pair, XIAN, copy)
    start(pair, XIAN)
    assert check_at_start(pair.desks[XIAN]).absorbed > 0
    assert check_at_start(pair.desks[XIAN]).absorbed == 0  # it is told and asked once
    pair.idle()
    (asked,) = [todo for todo in pair.todos(WENZHOU) if todo.code == "notice_old_copy"]
    assert json.loads(asked.data) == {"from": f"{XIAN}.outbound", "number": 1, "wants": "tell_last"}
    assert pair.status(case_id, XIAN, WENZHOU) == "closed"
    pair.agreed()


def test_the_other_service_at_work_during_the_check_is_no_lost_end(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()

    def slow(exchange: Exchange, region: str) -> LedgerTail:
        tail = ledger_tail(exchange, region)
        with pair.desks[XIAN].journal.write() as write:
            write.append_fact(Fact("calendar", "{}"))
        pair.services[XIAN, Role.OUTBOUND].ledger.turn()
        return tail

    monkeypatch.setattr("jiexu.service.startup.ledger_tail", slow)
    assert not check_at_start(pair.desks[XIAN]).ledger_lost_its_end
    assert pair.todos(XIAN) == []
    with pair.desks[XIAN].journal.read() as read:
        assert read.cursor(LEDGER_CURSOR) == read.last_position()


def test_a_rebuild_that_is_broken_off_leaves_no_journal_under_the_name(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()
    target = pair.folder / "rebuilt.db"

    def died(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(target, XIAN, pair.desks[XIAN].exchange, died)
    assert list(pair.folder.glob("rebuilt.db*")) == []
    rebuild(target, XIAN, pair.desks[XIAN].exchange)
    assert [file.name for file in pair.folder.glob("rebuilt.db*")] == ["rebuilt.db"]
    with pytest.raises(FileExistsError):
        rebuild(target, XIAN, pair.desks[XIAN].exchange)


def test_a_ledger_with_two_contents_for_one_position_gives_no_journal(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()
    other = lines_of(pair, XIAN)[1]._replace(incarnation="0" * 32)
    batch = models.LedgerBatch.model_construct(region=XIAN, records=(models.LedgerRecord(**other._asdict()),))
    record = Outgoing(f"jiexu.{XIAN}.ledger", 0, None, encode_record("LedgerBatch", batch))
    pair.desks[XIAN].producer.send([record])
    with pytest.raises(JournalConflict, match="two contents"):
        rebuild(pair.folder / "rebuilt.db", XIAN, pair.desks[XIAN].exchange)
    with pytest.raises(JournalConflict):
        check_at_start(pair.desks[XIAN])


def test_a_ledger_that_lost_its_end_is_written_again_and_told(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()
    exchange = pair.desks[XIAN].exchange
    topic = f"jiexu.{XIAN}.ledger"
    end = exchange.end_offsets(topic)[0]
    admin = exchange.admin()
    admin.delete(topic)
    create(admin, [spec for spec in region_topics(XIAN) if spec.name == topic])
    assert end > 0
    report = check_at_start(pair.desks[XIAN])
    assert report.ledger_lost_its_end
    assert "ledger_lost_its_end" in pair.todo_codes(XIAN)
    with pair.desks[XIAN].journal.read() as read:
        assert read.cursor(LEDGER_CURSOR) == 0
    pair.idle()
    assert list(ledger_lines(exchange, XIAN)) == lines_of(pair, XIAN)


def test_two_journals_under_one_name_are_found_before_the_first_step(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()
    with sqlite3.connect(pair.folder / XIAN / "journal.db") as db:
        (last,) = db.execute("SELECT max(position) FROM log").fetchone()
        db.execute("UPDATE log SET recorded_at = recorded_at + 1 WHERE position = ?", (last,))
    with pytest.raises(JournalConflict, match="two journals"):
        check_at_start(pair.desks[XIAN])


def test_a_sound_journal_is_left_alone(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()
    before = lines_of(pair, XIAN)
    report = check_at_start(pair.desks[XIAN])
    assert (report.absorbed, report.cases_derived, report.ledger_lost_its_end) == (0, 0, False)
    assert lines_of(pair, XIAN) == before


def test_a_sound_start_reads_the_end_of_the_ledger_and_no_event(pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.case_of(*pair.moves(1))
    pair.idle()

    def read(*_: object) -> None:
        raise AssertionError("an event was read")

    for name in ("events", "cases_events"):
        monkeypatch.setattr(f"jiexu.journal.store.StoreReads.{name}", read)
    assert check_at_start(pair.desks[XIAN]).cases_derived == 0


def test_a_service_checks_before_its_first_step_and_takes_none_where_the_check_forbids(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    service = pair.services[XIAN, Role.OUTBOUND]
    monkeypatch.setattr("jiexu.service.loop.signal.signal", lambda *_: None)

    def check(*_: object) -> StartReport:
        done.append("check")
        return StartReport()

    def turn(poll: float) -> int:
        done.append("turn")
        service.stop_signal = 15
        return 0

    monkeypatch.setattr(service, "turn", turn)
    monkeypatch.setattr("jiexu.service.loop.check_at_start", check)
    service.run()
    assert done == ["check", "turn"]

    def forbid(*_: object) -> StartReport:
        raise JournalConflict("another line")

    service.stop_signal = 0
    monkeypatch.setattr("jiexu.service.loop.check_at_start", forbid)
    with pytest.raises(JournalConflict):
        service.run()
    assert done == ["check", "turn"]


def test_a_long_check_gives_signs_of_life(pair: World) -> None:
    pair.case_of(*pair.moves(1))
    pair.idle()
    with pair.desks[XIAN].journal.write() as write:
        write.set_note("mending_from_ledger", "1")
    signs: list[str] = []
    check_at_start(pair.desks[XIAN], lambda: signs.append("alive"))
    assert signs


def test_replay_comparison_and_money_agree_after_the_rebuild(pair: World) -> None:
    pair.case_of(*pair.moves(1))
    pair.idle()
    journals = {code: pair.desks[code].journal for code in (XIAN, WENZHOU)}
    replayed = {code: replay_journal(journal) for code, journal in journals.items()}
    report = compare_all(replayed)
    assert (report.lost, report.doubled, report.differences) == (0, 0, [])
    money = money_of(replayed, journals, {code: pair.desks[code].platform for code in journals})
    assert money.balanced
    assert money.sent == money.credited > 0


@pytest.mark.parametrize("point", ["ledger.sent", "claim.begin"])
def test_a_disk_lost_at_any_moment_loses_no_personal_value_of_what_the_ledger_holds(pair: World, point: str) -> None:
    (who,) = pair.moves(1)
    fault = pair.faults[XIAN, Role.OUTBOUND]
    fault.name = point
    case_id = pair.case_of(who, at=XIAN)
    with pytest.raises(Died):
        pair.idle()
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    rebuild(pair.folder / XIAN / "journal.db", XIAN, pair.desks[WENZHOU].exchange)
    start(pair, XIAN)
    check_at_start(pair.desks[XIAN])
    pair.idle()
    assert pair.status(case_id, XIAN) == pair.status(case_id, WENZHOU) == "closed"
    assert "DisclosureRequested" not in pair.types(WENZHOU, case_id, Hand.INBOUND)
    pair.agreed()
    pair.books_fit()
