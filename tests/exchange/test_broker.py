"""The local broker: starts, keeps its data over a stop and a crash, and says what is missing."""

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiexu.exchange import OffsetExpired
from jiexu.exchange.broker import BrokerFailed, LocalBroker, answers, free_port
from jiexu.exchange.broker_parts import PartsMissing, find_parts
from jiexu.exchange.kafka import KafkaExchange, KafkaSettings
from tests.exchange.place import Place


@pytest.fixture
def broker(kafka_parts: None, tmp_path: Path) -> Iterator[LocalBroker]:
    broker = LocalBroker(tmp_path / "kafka")
    yield broker
    broker.kill()


@pytest.mark.kafka
def test_records_and_port_outlive_a_stop_and_a_crash(broker: LocalBroker) -> None:
    bootstrap = broker.start()
    place = Place(KafkaExchange(KafkaSettings(bootstrap=bootstrap)), "x")
    topic = place.topic()
    place.send(topic, b"a")
    identity = place.exchange.topic_id(topic)

    assert broker.restart() == bootstrap
    place.send(topic, b"b")

    broker.kill()
    assert not broker.running()
    assert broker.start() == bootstrap
    place.send(topic, b"c")

    assert [r.value for r in place.exchange.read(topic, None)] == [b"a", b"b", b"c"]
    assert place.exchange.topic_id(topic) == identity
    with pytest.raises(OffsetExpired):
        place.exchange.read(topic, {0: 4})
    place.close()


@pytest.mark.kafka
def test_start_and_stop_may_be_repeated(broker: LocalBroker) -> None:
    assert not broker.status().running
    broker.stop()
    bootstrap = broker.start()
    before = broker.status()
    assert before.running
    assert before.answering
    assert LocalBroker(broker.directory).start() == bootstrap
    assert broker.status().pid == before.pid
    broker.stop()
    broker.stop()
    assert not broker.status().answering


@pytest.mark.kafka
def test_a_start_that_fails_shows_the_log(broker: LocalBroker) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        occupied = LocalBroker(broker.directory, taken.getsockname()[1])
        with pytest.raises(BrokerFailed) as failed:
            occupied.start()
    assert str(broker.log) in failed.value.zh
    assert "Address already in use" in failed.value.en
    assert not occupied.running()


def test_a_broker_never_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(BrokerFailed) as failed:
        _ = LocalBroker(tmp_path).bootstrap
    assert "jiexu kafka up" in failed.value.zh


def test_nobody_answers_on_a_free_port() -> None:
    assert not answers(free_port())


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, package=None: None if name == "jgo" else real(name, package)
    )
    with pytest.raises(PartsMissing) as missing:
        find_parts(lambda _zh, _en: None)
    for text in (missing.value.zh, missing.value.en):
        assert "jgo" in text
        assert "jiexu[kafka]" in text
