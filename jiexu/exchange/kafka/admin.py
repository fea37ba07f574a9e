"""Topics of a Kafka cluster, and look-ups that need no consumer: offsets, partitions, topic ids."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import kafka.errors as errors
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec

from jiexu.exchange.kafka.bounded import bounded
from jiexu.exchange.kafka.client import close_quietly, make, not_allowed, readable_errors, unavailable
from jiexu.exchange.port import ExchangeRefused, OffsetExpired, TopicExists, TopicMissing, TopicState
from jiexu.exchange.settings import KafkaSettings

T = TypeVar("T")

_UNKNOWN_TOPIC = 3  # error code in a metadata answer
_TOPIC_AUTHORIZATION_FAILED = 29
_PAUSE = 0.05
_Resource: Any = ConfigResource  # untyped in the library


class KafkaAdmin:
    """See `port.Admin`. Safe to share between threads; connects at first use, and anew after a failure."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Any = None

    def topics(self) -> list[str]:
        """Names of all topics, Kafka's internal ones left out."""
        names: list[str] = self._call(lambda client: client.list_topics())
        return sorted(name for name in names if not name.startswith("__"))

    def describe(self, names: Sequence[str]) -> dict[str, TopicState]:
        """The topics as they are, with their whole configuration."""
        found = self._metadata(names)
        configs = self._configs(found)
        return {
            name: TopicState(
                name=name,
                topic_id=str(topic["topic_id"]),
                partitions=len(topic["partitions"]),
                replication=min(len(part["replica_nodes"]) for part in topic["partitions"]),
                in_sync=min(len(part["isr_nodes"]) for part in topic["partitions"]),
                config=configs[name],
            )
            for name, topic in found.items()
        }

    def create(self, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
        """Make a topic and wait until it can be used."""
        topic = {"num_partitions": partitions, "replication_factor": replication, "configs": dict(config)}
        try:
            self._call(lambda client: client.create_topics({name: topic}, wait_for_metadata=True))
        except _Answered as answer:
            if isinstance(answer.error, errors.TopicAlreadyExistsError):
                raise TopicExists(name) from answer.error
            raise ExchangeRefused(
                f"Kafka 的服务器不足 {replication} 台，不能为 {name} 建立 {replication} 个副本。"
                "单节点试用时请加 --replication 1。",
                f"Kafka has fewer than {replication} servers, so {name} cannot have {replication} copies. "
                "For trying on a single node give --replication 1.",
            ) from answer.error

    def delete(self, name: str) -> None:
        """Delete a topic and wait until the brokers have forgotten it."""
        if name not in self._metadata([name]):
            raise TopicMissing(name)
        self._call(lambda client: client.delete_topics([name]))
        deadline = time.monotonic() + self._settings.request_timeout
        while name in self._metadata([name]):
            if time.monotonic() > deadline:
                raise unavailable(self._settings, f"{name} is still being deleted")
            time.sleep(_PAUSE)

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records below the given offsets."""
        ends = self.offsets(topic, OffsetSpec.LATEST)
        for number, offset in before.items():
            if number not in ends:
                raise TopicMissing(topic, number)
            if offset > ends[number]:
                raise OffsetExpired(topic, number, offset, 0, ends[number])
        self._call(
            lambda client: client.delete_records(
                {TopicPartition(topic, number): offset for number, offset in before.items()}
            )
        )

    def topic_id(self, topic: str) -> str:
        """Kafka's topic id. Raises `TopicMissing`."""
        return str(self._existing(topic)["topic_id"])

    def partition_count(self, topic: str) -> int:
        """How many partitions the topic has. Raises `TopicMissing`."""
        return len(self._existing(topic)["partitions"])

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        """First offset per partition. Raises `TopicMissing`."""
        return self.offsets(topic, OffsetSpec.EARLIEST)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Next offset per partition. Raises `TopicMissing`."""
        return self.offsets(topic, OffsetSpec.LATEST)

    def offsets(self, topic: str, which: Any) -> dict[int, int]:
        """One offset per partition; `which` is an `OffsetSpec`."""
        asked = {TopicPartition(topic, number): which for number in range(self.partition_count(topic))}
        found = self._call(lambda client: client.list_partition_offsets(asked))
        return {partition.partition: int(found[partition].offset) for partition in sorted(found)}

    def ask(self, call: Callable[[Any], T]) -> T:
        """Ask the library's administrator something that the port has no word for. Raises `ExchangeError`."""
        return self._call(call)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._discard()

    def _existing(self, topic: str) -> dict[str, Any]:
        found = self._metadata([topic])
        if topic not in found:
            raise TopicMissing(topic)
        return found[topic]

    def _metadata(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        if not names:
            return {}  # the library takes an empty list for all topics
        described: list[dict[str, Any]] = self._call(lambda client: client.describe_topics(list(names)))
        for topic in described:
            if topic["error_code"] == _TOPIC_AUTHORIZATION_FAILED:  # whether it exists is not told to us either
                raise not_allowed(self._settings, f"DESCRIBE {topic['name']}")
        return {
            topic["name"]: topic for topic in described if topic["error_code"] != _UNKNOWN_TOPIC and topic["partitions"]
        }

    def _configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [_Resource(ConfigResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        described = self._call(lambda client: client.describe_configs(resources, config_filter="all"))["topic"]
        return {
            name: {key: str(entry["value"]) for key, entry in entries.items() if entry["value"] is not None}
            for name, entries in described.items()
        }

    def _call(self, call: Callable[[Any], T]) -> T:
        with self._lock, readable_errors(self._settings):
            used = self._client is not None
            try:
                return self._ask(call)
            except errors.RetriableError:
                if not used:
                    raise
                # A connection from before the broker's restart fails although the broker is back.
                return self._ask(call)

    def _ask(self, call: Callable[[Any], T]) -> T:
        try:
            # Twice the timeout: connecting and asking may each take one.
            return bounded(lambda: call(self._connected()), 2 * self._settings.request_timeout)
        except (errors.TopicAlreadyExistsError, errors.InvalidReplicationFactorError) as error:
            raise _Answered(error) from error
        except errors.KafkaError:
            self._discard()
            raise

    def _connected(self) -> Any:
        if self._client is None:
            self._client = make(KafkaAdminClient, self._settings, {}, {})
        return self._client

    def _discard(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            close_quietly(client)


class _Answered(Exception):
    """A no that is an answer, not a failure of the connection."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
