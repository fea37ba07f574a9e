"""When journal and ledger are lost together only the partners know what we signed: they are asked, nothing forks."""

import shutil
import sqlite3

import pytest

from jiexu.case.event import Hand, Role
from jiexu.exchange.topics import create, region_topics
from jiexu.journal.port import JournalConflict
from jiexu.service.clerk import ActRefused
from jiexu.service.doubt import UNHEARD
from jiexu.service.lost_events import cases_with_lost_events
from jiexu.service.startup import LedgerWatch, check_at_start
from jiexu.service.steps import Turned

from .pair import IN, WENZHOU, XIAN, World
from .test_startup import remove_journal, start, stop


def set_aside(world: World) -> None:
    """Keep a copy of 西安's journal, as a backup does."""
    stop(world, XIAN)
    (world.folder / "copy").mkdir()
    for file in (world.folder / XIAN).glob("journal.db*"):
        shutil.copy(file, world.folder / "copy" / file.name)
    start(world, XIAN)


def bring_back(world: World, running: bool = True) -> None:
    """Put the copy in the journal's place."""
    if running:
        stop(world, XIAN)
    remove_journal(world, XIAN)
    for file in (world.folder / "copy").iterdir():
        shutil.copy(file, world.folder / XIAN / file.name)
    start(world, XIAN)


def lose_ledger(world: World) -> None:
    admin = world.desks[WENZHOU].exchange.admin()
    topic = f"jiexu.{XIAN}.ledger"
    admin.delete(topic)
    create(admin, [spec for spec in region_topics(XIAN) if spec.name == topic])
    admin.close()


def begin(world: World) -> None:
    for role in Role:
        world.services[XIAN, role].begin(0.0)


def accepted(world: World) -> str:
    case_id = world.case_of(*world.moves(1))
    while "TransferAccepted" not in world.types(XIAN, case_id, Hand.OUTBOUND):
        world.turn()
    return case_id


@pytest.fixture
def lost(pair: World) -> str:
    """A case that 西安 has accepted by its journal, and in truth has carried to its end."""
    case_id = accepted(pair)
    set_aside(pair)
    pair.idle()
    assert pair.status(case_id) == "closed"
    lose_ledger(pair)
    bring_back(pair)
    return case_id


def test_what_the_partner_has_seen_is_known_before_the_first_step_and_the_hand_does_not_fork(
    pair: World, lost: str
) -> None:
    before = pair.types(XIAN, lost, Hand.OUTBOUND)
    begin(pair)
    with pair.desks[XIAN].journal.read() as read:
        assert cases_with_lost_events(read) == {lost}
    pair.idle()
    assert pair.types(XIAN, lost, Hand.OUTBOUND) == before
    assert "other_content" not in pair.todo_codes(WENZHOU)
    assert pair.parked(WENZHOU) == []


def test_a_clerk_reads_why_nothing_can_be_done_in_that_case(pair: World, lost: str) -> None:
    begin(pair)
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, lost, "remind", about="complete", text="?")
    assert refused.value.code == "own_events_missing"


def test_other_cases_go_on_while_one_waits(pair: World, lost: str) -> None:
    begin(pair)
    other = pair.case_of(*pair.moves(2))
    pair.idle()
    assert pair.status(other) == "closed"


def test_partners_are_asked_when_the_ledger_has_lost_its_end(pair: World, lost: str) -> None:
    begin(pair)
    assert "ledger_lost_its_end" in pair.todo_codes(XIAN)
    pair.idle()
    (asked,) = pair.todos(WENZHOU, "notice_ledger_lost_its_end")
    assert "tell_last" in asked.data


def test_the_partners_answer_alone_shows_what_is_lost(pair: World) -> None:
    case_id = accepted(pair)
    set_aside(pair)
    pair.services[WENZHOU, Role.INBOUND].steps.turn = lambda limit: Turned()  # type: ignore[method-assign]
    for _ in range(4):
        pair.turn()
    known = pair.case(WENZHOU, case_id).last[Hand.OUTBOUND].seq
    lose_ledger(pair)
    bring_back(pair)
    service = pair.services[XIAN, Role.OUTBOUND]
    with pair.desks[XIAN].journal.write() as write:  # what came meanwhile has expired in the mailbox
        for partition, end in pair.desks[XIAN].exchange.end_offsets(service.topic).items():
            stands = write.offset(service.topic_id, partition)
            if end > (stands or 0):
                write.advance(service.topic_id, partition, stands, end)
    assert check_at_start(pair.desks[XIAN]).ledger_lost_its_end
    pair.stopped |= {(XIAN, role) for role in Role}
    service.ledger.turn()
    service.relay.turn()
    for _ in range(3):
        pair.turn()
    service.take_in(0.0)
    with pair.desks[XIAN].journal.read() as read:
        assert read.event_at(case_id, Hand.OUTBOUND, known) is None
        assert cases_with_lost_events(read) == {case_id}


def test_a_partner_that_knows_no_more_than_we_do_answers_and_nothing_waits(pair: World) -> None:
    case_id = pair.case_of(*pair.moves(1))
    for _ in range(3):
        pair.turn()
    lose_ledger(pair)
    begin(pair)
    with pair.desks[WENZHOU].journal.read() as read:
        given = len([row for row in read.case_receipts([case_id]) if row.given])
    pair.idle()
    with pair.desks[WENZHOU].journal.read() as read:
        again = len([row for row in read.case_receipts([case_id]) if row.given])
    assert again > given
    assert pair.status(case_id) == "closed"
    assert not {"seen_unknown", "receipt_other_content"} & set(pair.todo_codes(XIAN))
    pair.agreed()


def test_a_partner_that_holds_events_of_ours_back_answers_once_they_have_their_place(pair: World) -> None:
    """What waits for a gap to close has no receipt; it would stand beside what we issue anew in its place."""
    pair.stopped.add((WENZHOU, IN))
    case_id = pair.case_of(*pair.moves(1))
    pair.services[WENZHOU, IN].ledger.turn()
    pair.services[WENZHOU, IN].relay.turn()
    while "TransferAccepted" not in pair.types(XIAN, case_id, Hand.OUTBOUND):
        pair.turn()
    exchange, topic = pair.desks[WENZHOU].exchange, f"jiexu.{WENZHOU}.inbound"
    before = exchange.end_offsets(topic)
    set_aside(pair)
    while "InformationFormUploaded" not in pair.types(XIAN, case_id, Hand.OUTBOUND):
        pair.turn()
    pair.turn()
    admin = exchange.admin()
    admin.delete_records(topic, before)  # the acceptance expires before it is read, so the form is held
    admin.close()
    lose_ledger(pair)
    bring_back(pair)
    begin(pair)
    pair.stopped.clear()
    pair.idle()
    with pair.desks[WENZHOU].journal.read() as read:
        assert [(held.seq, held.reason) for held in read.held()] == [(2, "gap"), (3, "gap")]
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"]
    assert UNHEARD in pair.todo_codes(XIAN)
    pair.clock.pass_by(hours=2)  # what has no receipt is sent again
    pair.idle()
    assert pair.types(WENZHOU, case_id, Hand.OUTBOUND)[1:] == ["InformationFormUploaded", "BalanceRemitted"]
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"]
    assert UNHEARD not in pair.todo_codes(XIAN)
    with pair.desks[XIAN].journal.read() as read:
        assert cases_with_lost_events(read) == {case_id}


def test_a_case_goes_on_when_a_person_has_settled_it(pair: World) -> None:
    case_id = pair.case_of(*pair.moves(1))
    pair.turn()
    with pair.desks[XIAN].journal.write() as write:
        alarm = write.raise_todo("alarm", "seen_unknown", case_id, "x", "x")
    for _ in range(5):
        pair.turn()
    assert pair.status(case_id, XIAN) != "closed"
    with pair.desks[XIAN].journal.write() as write:
        write.clear_todo(alarm)
        write.put_on_agenda([case_id])
    pair.idle()
    assert pair.status(case_id) == "closed"


# --- two journals alive at once


def test_two_journals_that_live_at_the_same_time_are_found_while_they_do(pair: World) -> None:
    pair.case_of(*pair.moves(1))
    pair.idle()
    assert LedgerWatch(pair.desks[XIAN]).turn() == 0
    set_aside(pair)
    pair.case_of(*pair.moves(2))
    pair.idle()
    bring_back(pair)  # while the other one has gone on, and written to the same ledger
    with pytest.raises(JournalConflict, match="another journal lives"):
        LedgerWatch(pair.desks[XIAN]).turn()
    assert "two_journals" in pair.todo_codes(XIAN)


def test_a_line_that_another_journal_wrote_is_found_too(pair: World) -> None:
    pair.case_of(*pair.moves(1))
    pair.idle()
    with sqlite3.connect(pair.folder / XIAN / "journal.db") as db:
        db.execute("UPDATE log SET recorded_at = recorded_at + 1 WHERE position = (SELECT max(position) FROM log)")
    with pytest.raises(JournalConflict, match="two journals"):
        LedgerWatch(pair.desks[XIAN]).turn()


def fork(world: World) -> tuple[str, str]:
    """西安's journal goes on, and so does an older copy of it: both write to the ledger. The copy is in place then."""
    first = world.case_of(*world.moves(1))
    world.idle()
    set_aside(world)
    second = world.case_of(*world.moves(2))
    world.idle()
    stop(world, XIAN)
    (world.folder / "true").mkdir()
    for file in (world.folder / XIAN).glob("journal.db*"):
        shutil.copy(file, world.folder / "true" / file.name)
    bring_back(world, running=False)
    world.case_of(*world.moves(3), at=XIAN)
    world.services[XIAN, Role.OUTBOUND].ledger.turn()
    return first, second


def test_two_journals_that_have_both_written_to_the_ledger_stop_each_with_an_alarm(pair: World) -> None:
    fork(pair)
    with pytest.raises(JournalConflict):
        LedgerWatch(pair.desks[XIAN]).turn()
    (alarm,) = pair.todos(XIAN, "two_journals")
    assert "operations.md" in alarm.zh
    assert "operations.md" in alarm.en
    with pytest.raises(JournalConflict):
        begin(pair)
    assert len(pair.todos(XIAN, "two_journals")) == 1, "the same alarm"


def test_after_two_journals_the_true_one_goes_on_with_a_ledger_made_anew(pair: World) -> None:
    """The recipe of docs/operations.md: the copy is put away, the ledger's topic is made anew and written again."""
    cases = fork(pair)
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    for file in (pair.folder / "true").iterdir():
        shutil.copy(file, pair.folder / XIAN / file.name)
    lose_ledger(pair)
    start(pair, XIAN)
    begin(pair)
    third = pair.case_of(*pair.moves(4))
    pair.idle()
    assert [pair.status(case_id) for case_id in (*cases, third)] == ["closed"] * 3
    assert pair.todo_codes(XIAN) == ["ledger_lost_its_end"]
    assert check_at_start(pair.desks[XIAN]).absorbed == 0
    pair.agreed()
    pair.books_fit()


def test_a_ledger_that_cannot_be_read_stops_nothing(pair: World) -> None:
    pair.desks[XIAN].exchange.admin().delete(f"jiexu.{XIAN}.ledger")
    assert LedgerWatch(pair.desks[XIAN]).turn() == 0
