"""What is particular to the embedded exchange: its clock, expiry, compaction, and many processes at once."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jiexu.exchange import ExchangeRefused, ExchangeUnavailable, OffsetExpired, Outgoing
from jiexu.exchange.embedded import EmbeddedExchange
from jiexu.exchange.embedded.group import LEASE
from tests.exchange.place import Journal, Place

T0 = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)


class VirtualClock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def exchange(tmp_path: Path, clock: VirtualClock) -> EmbeddedExchange:
    return EmbeddedExchange(tmp_path / "exchange.db", clock)


@pytest.fixture
def place(exchange: EmbeddedExchange) -> Place:
    return Place(exchange, "x")


def test_append_time_is_the_given_clocks(place: Place, clock: VirtualClock) -> None:
    topic = place.topic()
    clock.now = T0 + timedelta(microseconds=123457)
    assert place.producer.send([Outgoing(topic, 0, None, b"a")]) == [(0, clock.now)]


def test_a_clock_set_back_does_not_turn_append_times_back(place: Place, clock: VirtualClock) -> None:
    topic = place.topic()
    place.send(topic, b"a")
    clock.now = T0 - timedelta(hours=1)
    assert place.producer.send([Outgoing(topic, 0, None, b"b")]) == [(1, T0)]


def test_expiry_by_time_is_said_to_the_reader(place: Place, exchange: EmbeddedExchange, clock: VirtualClock) -> None:
    topic = place.topic()
    place.send(topic, b"old", b"old")
    clock.now = T0 + timedelta(days=31)
    place.send(topic, b"new")
    exchange.expire(topic, before=clock.now - timedelta(days=30))
    with pytest.raises(OffsetExpired) as expired:
        place.consumer(topic, Journal({0: 0})).poll(10, 0)
    assert (expired.value.earliest, expired.value.end) == (2, 3)


def test_housekeeping_applies_each_topics_retention(
    place: Place, exchange: EmbeddedExchange, clock: VirtualClock
) -> None:
    kept = place.topic(config={"retention.ms": "-1"}, name="ledger")
    buffer = place.topic(config={"retention.ms": str(30 * 24 * 3600 * 1000)}, name="mailbox")
    for topic in (kept, buffer):
        place.send(topic, b"a")
    clock.now = T0 + timedelta(days=31)
    exchange.housekeep()
    assert exchange.beginning_offsets(kept) == {0: 0}
    assert exchange.beginning_offsets(buffer) == {0: 1}


def test_a_compacted_value_is_gone_from_the_file(place: Place, exchange: EmbeddedExchange, tmp_path: Path) -> None:
    topic = place.topic(config={"cleanup.policy": "compact"})
    secret = b"Zhang San, 310101199001011234" * 8
    place.producer.send(
        [
            Outgoing(topic, 0, b"k1", secret),
            Outgoing(topic, 0, b"k2", b"kept"),
            Outgoing(topic, 0, b"k1", b""),
        ]
    )
    exchange.housekeep()
    assert [(r.offset, r.key, r.value) for r in exchange.read(topic, None)] == [
        (1, b"k2", b"kept"),
        (2, b"k1", b""),
    ]
    left = b"".join(path.read_bytes() for path in tmp_path.glob("exchange.db*"))
    assert b"310101199001011234" not in left


def test_a_consumer_that_fell_silent_loses_its_partitions(place: Place, clock: VirtualClock) -> None:
    topic = place.topic(2)
    silent, other = place.consumer(topic, Journal()), place.consumer(topic, Journal())
    for _ in range(2):
        silent.poll(1, 0)
        other.poll(1, 0)
    assert len(silent.assignment()) == len(other.assignment()) == 1
    clock.now += LEASE + timedelta(seconds=1)
    other.poll(1, 0)
    assert len(other.assignment()) == 2
    for _ in range(2):  # back again: it is told, and gets its share
        silent.poll(1, 0)
        other.poll(1, 0)
        silent.poll(1, 0)
    assert len(silent.assignment()) == len(other.assignment()) == 1
    assert not silent.assignment() & other.assignment()


def test_all_of_a_send_or_nothing(place: Place, exchange: EmbeddedExchange, tmp_path: Path) -> None:
    topic = place.topic()
    db = sqlite3.connect(tmp_path / "exchange.db")
    with db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON records WHEN NEW.value = X'62' "
            "BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
        )
    db.close()
    with pytest.raises((ExchangeUnavailable, ExchangeRefused)):
        place.send(topic, b"a", b"b")
    assert exchange.end_offsets(topic) == {0: 0}
    assert list(exchange.read(topic, None)) == []


def test_another_kind_of_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "journal.db"
    db = sqlite3.connect(other)
    with db:
        db.execute("CREATE TABLE events(id)")
    db.close()
    with pytest.raises(ExchangeRefused):
        EmbeddedExchange(other)
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, but long enough to look like one" * 20)
    with pytest.raises(ExchangeRefused):
        EmbeddedExchange(text)


def test_a_path_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExchangeUnavailable) as error:
        EmbeddedExchange(tmp_path / "file" / "exchange.db")
    assert "exchange.db" in error.value.zh


def test_what_a_process_appended_survives_its_death(tmp_path: Path, clock: VirtualClock) -> None:
    place = Place(EmbeddedExchange(tmp_path / "exchange.db", clock), "x")
    topic = place.topic()
    place.send(topic, b"a")
    # No close: the file and its log are read as a crash left them.
    again = EmbeddedExchange(tmp_path / "exchange.db", clock)
    assert [r.value for r in again.read(topic, None)] == [b"a"]
    again.close()
    place.close()
