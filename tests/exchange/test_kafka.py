"""What is particular to Kafka: settings that must hold, brokers that do not answer, the traps of the
library.
"""

import gc
import logging
import time
import uuid
from pathlib import Path
from typing import Any

import kafka
import pytest
from kafka.producer import kafka as library_module
from pydantic import ValidationError

from jiexu.exchange import (
    ExchangeRefused,
    ExchangeSettings,
    ExchangeUnavailable,
    NotAllowed,
    Outgoing,
    TopicMissing,
    open_exchange,
)
from jiexu.exchange.broker import free_port
from jiexu.exchange.kafka import KafkaExchange, KafkaSettings
from jiexu.exchange.kafka.client import make, readable
from tests.exchange.place import Journal, Place, take, until


def unreachable() -> KafkaExchange:
    return KafkaExchange(KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}", request_timeout=0.5, delivery_timeout=1))


class TestNobodyAnswers:
    def test_send_gives_up_within_its_bound(self) -> None:
        producer = unreachable().producer()
        begun = time.monotonic()
        with pytest.raises(ExchangeUnavailable) as error:
            producer.send([Outgoing("t", 0, None, b"a")])
        assert time.monotonic() - begun < 30  # the library's own bounds are 30 s to connect and 120 s to deliver
        assert "127.0.0.1" in error.value.zh
        assert "127.0.0.1" in error.value.en
        producer.close()

    def test_a_consumer_says_so(self) -> None:
        with pytest.raises(ExchangeUnavailable):
            unreachable().consumer("t", "g", Journal().start)

    def test_look_ups_say_so(self) -> None:
        exchange = unreachable()
        for call in (exchange.topic_id, exchange.end_offsets, lambda topic: exchange.read(topic, None)):
            with pytest.raises(ExchangeUnavailable):
                call("t")

    def test_failed_tries_leave_no_thread_behind(self) -> None:
        import threading

        before = threading.active_count()
        for _ in range(3):
            with pytest.raises(ExchangeUnavailable):
                unreachable().topic_id("t")
        deadline = time.monotonic() + 10
        while threading.active_count() > before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert threading.active_count() <= before


@pytest.fixture
def kafka_place(kafka_bootstrap: str) -> Any:
    place = Place(KafkaExchange(KafkaSettings(bootstrap=kafka_bootstrap)), uuid.uuid4().hex[:8])
    yield place
    place.close()


@pytest.mark.kafka
class TestSettingsThatMatter:
    def test_the_producer_has_them(self, kafka_place: Place) -> None:
        kafka_place.send(kafka_place.topic(), b"a")
        config = kafka_place.producer._client.config  # type: ignore[attr-defined]
        assert config["acks"] == -1
        assert config["enable_idempotence"] is True
        assert config["allow_auto_create_topics"] is False
        assert config["transactional_id"] is None
        assert config["delivery_timeout_ms"] <= 30_000

    def test_the_consumer_has_them(self, kafka_place: Place) -> None:
        consumer: Any = kafka_place.consumer(kafka_place.topic(), Journal())
        config = consumer._client.config
        assert config["enable_auto_commit"] is False
        assert config["auto_offset_reset"] == "none"
        assert config["allow_auto_create_topics"] is False
        assert config["isolation_level"] == "read_uncommitted"

    def test_a_client_that_changes_one_is_refused(self, kafka_bootstrap: str) -> None:
        with pytest.raises(RuntimeError, match="enable_idempotence"):
            # acks=1 beside the default of idempotence turns it off without an error.
            make(
                _SilentlyWeaker,
                KafkaSettings(bootstrap=kafka_bootstrap),
                {"acks": 1},
                {"enable_idempotence": True},
            )

    def test_crc32c_is_the_fast_one(self) -> None:
        from kafka.record import util

        assert util.crc32c_c is not None


class _SilentlyWeaker(kafka.KafkaProducer):
    """Drops the explicit wish, as a release of the library that changes its defaults would."""

    def __init__(self, enable_idempotence: bool, **options: Any) -> None:
        super().__init__(**options)


@pytest.mark.kafka
def test_what_the_broker_refuses_is_said_in_its_own_words(kafka_place: Place) -> None:
    with pytest.raises(ExchangeRefused) as refused:
        kafka_place.topic(config={"retention.ms": "soon"})
    assert "soon" in refused.value.en
    assert "CreateTopicsRequest" not in refused.value.en


@pytest.mark.kafka
class TestTraps:
    def test_a_producer_that_is_forgotten_does_not_silence_the_library(
        self, kafka_place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gc.collect()
        monkeypatch.setattr(library_module, "log", logging.getLogger("kafka.producer.kafka"))
        topic = kafka_place.topic()
        producer = kafka_place.exchange.producer()
        producer.send([Outgoing(topic, 0, None, b"a")])
        producer.close()
        del producer
        gc.collect()
        assert isinstance(library_module.log, logging.Logger)

    def test_committed_offsets_of_the_group_are_not_obeyed(self, kafka_place: Place, kafka_bootstrap: str) -> None:
        topic = kafka_place.topic()
        kafka_place.send(topic, b"a", b"b", b"c")
        partition = kafka.TopicPartition(topic, 0)
        other = kafka.KafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id=f"g-{kafka_place.run}")
        other.assign([partition])
        other.commit({partition: kafka.structs.OffsetAndMetadata(3, "", -1)})
        other.close(autocommit=False)
        consumer = kafka_place.consumer(topic, Journal({0: 1}))
        assert [r.value for r in take(consumer, 2)] == [b"b", b"c"]

    def test_a_failed_send_leaves_nothing_that_is_sent_later(self, kafka_place: Place) -> None:
        topic = kafka_place.topic()
        producer: Any = kafka_place.producer
        kafka_place.send(topic, b"a")
        first = producer._client
        producer._discard()
        kafka_place.send(topic, b"b")
        assert first._closed
        assert producer._client is not first

    def test_a_join_whose_result_came_between_two_polls_is_not_lost(self, kafka_place: Place) -> None:
        topic = kafka_place.topic()
        consumer: Any = kafka_place.consumer(topic, Journal())
        kafka_place.send(topic, b"a")
        until(lambda: bool(time.sleep(0.05) or consumer.poll(1, 0)))
        coordinator = consumer._client._coordinator
        # As after new metadata: the join is begun for them, and no longer needed while it is under way.
        coordinator._assignment_snapshot = {topic: {0, 1}}
        joined = coordinator.generation().generation_id
        consumer.poll(1, 0)
        assert coordinator.rejoining
        kafka_place.send(topic, b"b")
        until(lambda: bool(time.sleep(0.05) or consumer.poll(1, 0)))
        assert not coordinator.rejoining
        assert coordinator.generation().generation_id > joined
        assert consumer.assignment() == {(topic, 0)}

    def test_a_producer_does_not_look_for_topics_that_are_gone(self, kafka_place: Place) -> None:
        topic, other = kafka_place.topic(name="gone"), kafka_place.topic(name="other")
        producer: Any = kafka_place.producer
        kafka_place.send(topic, b"a")
        assert not producer._client._accumulator._batches
        kafka_place.admin.delete(topic)
        first = producer._client

        def noticed() -> bool:
            kafka_place.send(other, b"b")
            if producer._client is not first:
                return True
            first._metadata.request_update()
            return False

        until(noticed)
        with pytest.raises(TopicMissing):
            kafka_place.send(topic, b"a")

    def test_a_sender_cannot_choose_the_append_time(self, kafka_place: Place, kafka_bootstrap: str) -> None:
        topic = kafka_place.topic()
        other = kafka.KafkaProducer(bootstrap_servers=kafka_bootstrap)
        other.send(topic, b"a", partition=0, timestamp_ms=1).get(10)
        other.close(timeout=5)
        (record,) = take(kafka_place.consumer(topic, Journal()), 1)
        assert record.append_time.year >= 2024


class TestSettings:
    def test_the_least(self) -> None:
        options = KafkaSettings(bootstrap="k1:9092,[::1]:9092").client_options()
        assert options["bootstrap_servers"] == ["k1:9092", "[::1]:9092"]
        assert options["security_protocol"] == "PLAINTEXT"
        assert not any(name.startswith(("ssl", "sasl")) for name in options)

    def test_paths_are_those_of_the_configuration_file(self) -> None:
        settings = KafkaSettings(
            bootstrap="k:9093",
            security="SASL_SSL",
            ssl_ca_file="tls/ca.pem",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="jiexu.310000",
            sasl_password_file="/run/secrets/kafka",
        ).under(Path("/etc/jiexu"))
        assert (settings.ssl_ca_file, settings.sasl_password_file) == ("/etc/jiexu/tls/ca.pem", "/run/secrets/kafka")
        assert settings.ssl_cert_file is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"bootstrap": "no-port"},
            {"bootstrap": ""},
            {"bootstrap": "k:9092, other:9092"},
            {"bootstrap": "k:9092", "acks": "1"},
            {"bootstrap": "k:9092", "security": "TLS"},
            {"bootstrap": "k:9092", "security": "SASL_SSL"},
            {"bootstrap": "k:9092", "sasl_username": "u"},
            {"bootstrap": "k:9092", "ssl_ca_file": "ca.pem"},
            {"bootstrap": "k:9092", "security": "SSL", "ssl_cert_file": "c.pem"},
            {"bootstrap": "k:9092", "security": "SSL", "ssl_key_password_file": "p"},
            {
                "bootstrap": "k:9092",
                "security": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "u",
                "sasl_password_file": "p",
            },
            {"bootstrap": "k:9092", "request_timeout": 20.0, "delivery_timeout": 10.0},
            {"bootstrap": "k:9092", "request_timeout": "10"},
        ],
    )
    def test_what_does_not_fit_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            KafkaSettings.model_validate(wrong)

    @pytest.mark.parametrize("wrong", [{}, {"embedded": "x.db", "kafka": {"bootstrap": "k:9092"}}])
    def test_one_exchange_is_named(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            ExchangeSettings.model_validate(wrong)

    @pytest.mark.parametrize("name", ["sasl_password", "ssl_key_password"])
    def test_a_password_by_value_is_refused_and_not_repeated(self, name: str) -> None:
        with pytest.raises(ValidationError) as error:
            KafkaSettings.model_validate({"bootstrap": "k:9092", "security": "SASL_SSL", name: "hush"})
        (problem,) = error.value.errors(include_input=False)
        assert f"{name}_file" in problem["msg"]
        assert "hush" not in problem["msg"]

    def test_kafka_is_opened_without_connecting(self) -> None:
        exchange = open_exchange(ExchangeSettings(kafka=KafkaSettings(bootstrap="127.0.0.1:1")))
        assert isinstance(exchange, KafkaExchange)

    def test_a_no_is_told_from_no_answer(self) -> None:
        settings = KafkaSettings(bootstrap="k:9092")
        refused = readable(kafka.errors.TopicAuthorizationFailedError({"jiexu.310000.ledger"}), settings)
        assert isinstance(refused, NotAllowed)
        assert "topic jiexu.310000.ledger" in refused.en
        assert isinstance(readable(kafka.errors.InvalidConfigurationError(), settings), ExchangeRefused)
        assert isinstance(readable(kafka.errors.KafkaTimeoutError(), settings), ExchangeUnavailable)
