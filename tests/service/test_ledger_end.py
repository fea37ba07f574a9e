"""A ledger that loses its last records while the region's processes run on: no gap stays in it."""

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from jiexu.audit.rebuild import ledger_lines, ledger_tail
from jiexu.case.event import Role
from jiexu.contract import models
from jiexu.contract.records import encode_record
from jiexu.exchange.port import ExchangeUnavailable, Outgoing
from jiexu.exchange.topics import create, region_topics, topic_name
from jiexu.journal.port import Fact, LogLine
from jiexu.service.followers import Ledger
from jiexu.service.ledger_end import look_at_end, may_hide_a_loss, note_failed, settle
from jiexu.service.startup import LedgerWatch, check_at_start
from tests.service.pair import XIAN, World

TOPIC = topic_name(XIAN, "ledger")


def log(world: World) -> list[LogLine]:
    with world.desks[XIAN].journal.read() as read:
        return read.log(0, 100_000)


def in_ledger(world: World) -> list[LogLine]:
    return list(ledger_lines(world.desks[XIAN].exchange, XIAN))


def lose_end(world: World, records: int) -> None:
    """Make the ledger's topic anew without its last records."""
    exchange = world.desks[XIAN].exchange
    left = [Outgoing(TOPIC, 0, None, record.value) for record in exchange.read(TOPIC, None)][:-records]
    admin = exchange.admin()
    admin.delete(TOPIC)
    create(admin, [spec for spec in region_topics(XIAN) if spec.name == TOPIC])
    world.desks[XIAN].producer.send(left)


def note_fact(world: World) -> None:
    """Another line for the ledger."""
    with world.desks[XIAN].journal.write() as write:
        write.append_fact(Fact("calendar", "{}"))


@pytest.fixture
def world(pair: World) -> World:
    """A case from application to credit, and all of it in the ledger, in several records."""
    case_id = pair.case_of(*pair.moves(1))
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert in_ledger(pair) == log(pair)
    assert pair.desks[XIAN].exchange.end_offsets(TOPIC)[0] > 4
    return pair


@pytest.mark.parametrize("records", [1, 3, 0])
def test_whoever_writes_next_notices_it_and_writes_what_is_missing_again(world: World, records: int) -> None:
    lose_end(world, records or world.desks[XIAN].exchange.end_offsets(TOPIC)[0])
    note_fact(world)
    desk = Ledger(world.desks[XIAN])  # a clerk's command, that made no check at its start
    assert desk.holds(log(world)[-1].position)
    assert in_ledger(world) == log(world)
    assert "ledger_lost_its_end" in world.todo_codes(XIAN)
    world.idle()
    assert in_ledger(world) == log(world)


def test_it_is_noticed_while_nothing_is_written(world: World) -> None:
    watch = LedgerWatch(world.desks[XIAN])
    watch.turn()
    lose_end(world, 2)
    assert in_ledger(world) != log(world)
    watch.turn()
    assert "ledger_lost_its_end" in world.todo_codes(XIAN)
    Ledger(world.desks[XIAN]).turn()
    assert in_ledger(world) == log(world)


class Unacknowledged:
    """A producer that writes, and hears nothing of it, once."""

    def __init__(self, world: World) -> None:
        self.true = world.desks[XIAN].producer
        self.heard = False

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        placed = self.true.send(records)
        if records and records[0].topic == TOPIC and not self.heard:
            self.heard = True
            raise ExchangeUnavailable("交换没有确认", "the exchange did not acknowledge in time")
        return placed

    def close(self) -> None:
        self.true.close()


def test_what_was_written_unacknowledged_does_not_hide_it(world: World) -> None:
    lose_end(world, 1)
    note_fact(world)
    desk = world.desks[XIAN]
    desk._producer = Unacknowledged(world)
    ledger = Ledger(desk)
    assert ledger.turn() == 0
    assert ledger.holds(log(world)[-1].position), "the next record's offset is as high as was to be expected"
    assert in_ledger(world) == log(world)
    assert "ledger_lost_its_end" in world.todo_codes(XIAN)


class Late:
    """A producer whose process is overtaken before its lines reach the ledger, once."""

    def __init__(self, world: World, meanwhile: Callable[[], None]) -> None:
        self.true = world.desks[XIAN].producer
        self.meanwhile: Callable[[], None] | None = meanwhile

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        if records and records[0].topic == TOPIC and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return self.true.send(records)

    def close(self) -> None:
        self.true.close()


@pytest.mark.parametrize("unacknowledged", [False, True])
def test_what_an_overtaken_process_writes_late_does_not_hide_it(world: World, unacknowledged: bool) -> None:
    def meanwhile() -> None:
        other = Ledger(world.agencies[XIAN, Role.INBOUND])
        for _ in range(2):
            note_fact(world)
            assert other.holds(log(world)[-1].position)
        lose_end(world, 1)

    note_fact(world)
    desk = world.desks[XIAN]
    if unacknowledged:
        desk._producer = Unacknowledged(world)
        assert Ledger(desk).turn() == 0
    desk._producer = Late(world, meanwhile)
    Ledger(desk).turn()
    note_fact(world)
    assert Ledger(world.agencies[XIAN, Role.OUTBOUND]).holds(log(world)[-1].position)
    assert in_ledger(world) == log(world)
    assert "ledger_lost_its_end" in world.todo_codes(XIAN)


def test_a_look_at_the_end_that_is_old_by_now_hides_nothing(world: World) -> None:
    agency = world.desks[XIAN]
    old = look_at_end(agency)
    note_fact(world)
    assert Ledger(agency).holds(log(world)[-1].position)
    with agency.journal.write() as write:
        settle(agency, write, old)
    assert world.todo_codes(XIAN) == [], "another process has only gone on"
    lose_end(world, 1)
    with agency.journal.write() as write:
        settle(agency, write, old)
    note_fact(world)
    assert Ledger(agency).holds(log(world)[-1].position)
    assert in_ledger(world) == log(world)
    assert "ledger_lost_its_end" in world.todo_codes(XIAN)


def test_a_send_that_failed_after_the_look_is_not_forgotten_with_it(world: World) -> None:
    agency = world.desks[XIAN]
    old = look_at_end(agency)
    with agency.journal.write() as write:
        note_failed(write)
        settle(agency, write, old)
        assert may_hide_a_loss(write)
    with agency.journal.write() as write:
        settle(agency, write, look_at_end(world.agencies[XIAN, Role.INBOUND]))
        assert not may_hide_a_loss(write)


def die_after_writing(world: World, written: int) -> None:
    """A process writes what is behind the first `written` lines, and dies of it."""
    lines = tuple(models.LedgerRecord(**line._asdict()) for line in log(world)[written:])
    beyond = models.LedgerBatch.model_construct(region=XIAN, records=lines)
    world.desks[XIAN].producer.send([Outgoing(TOPIC, 0, None, encode_record("LedgerBatch", beyond))])


def test_a_gap_that_a_dead_process_left_is_closed_at_the_start(world: World) -> None:
    whole = log(world)
    lose_end(world, 2)
    note_fact(world)
    die_after_writing(world, len(whole))
    tail = ledger_tail(world.desks[XIAN].exchange, XIAN)
    assert tail.held < whole[-1].position < tail.end
    assert check_at_start(world.desks[XIAN]).ledger_lost_its_end
    Ledger(world.desks[XIAN]).turn()
    assert in_ledger(world) == log(world)


def test_a_gap_that_no_offset_shows_is_closed_while_services_run(world: World) -> None:
    watch = LedgerWatch(world.desks[XIAN])
    watch.turn()
    whole = len(log(world))
    lose_end(world, 1)
    note_fact(world)
    die_after_writing(world, whole)
    note_fact(world)
    assert Ledger(world.agencies[XIAN, Role.INBOUND]).holds(log(world)[-1].position)
    assert world.todo_codes(XIAN) == [], "whoever writes next is given the offset that was to be expected"
    watch.turn()
    assert world.todo_codes(XIAN) == ["ledger_lost_its_end"]
    Ledger(world.desks[XIAN]).turn()
    assert in_ledger(world) == log(world)
    watch.turn()
    assert world.todo_codes(XIAN) == ["ledger_lost_its_end"]


def test_lines_that_a_zombie_writes_late_are_no_gap(world: World) -> None:
    old = models.LedgerBatch.model_construct(
        region=XIAN, records=tuple(models.LedgerRecord(**line._asdict()) for line in log(world)[:2])
    )
    world.desks[XIAN].producer.send([Outgoing(TOPIC, 0, None, encode_record("LedgerBatch", old))])
    tail = ledger_tail(world.desks[XIAN].exchange, XIAN)
    assert tail.held == tail.end == log(world)[-1].position
    assert not check_at_start(world.desks[XIAN]).ledger_lost_its_end
