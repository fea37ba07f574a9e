"""A Kafka cluster behind the exchange port."""

import gc
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer as LibraryConsumer
from kafka import TopicPartition as LibraryPartition

from jiexu.exchange.kafka.admin import KafkaAdmin
from jiexu.exchange.kafka.client import close_quietly, make, readable_errors, unavailable
from jiexu.exchange.kafka.consumer import KafkaConsumer
from jiexu.exchange.kafka.producer import KafkaProducer
from jiexu.exchange.port import MAX_POLL_BYTES, MAX_VALUE_BYTES, Clock, OffsetExpired, Record, Start, utc_now
from jiexu.exchange.settings import KafkaSettings


class KafkaExchange:
    """See `port.Exchange`. Making it connects to nothing; `consumer` raises `ExchangeUnavailable` at
    once where the cluster cannot be reached.
    """

    def __init__(self, settings: KafkaSettings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._admin = KafkaAdmin(settings)

    def producer(self) -> KafkaProducer:
        """A new producer."""
        return KafkaProducer(self._settings, self._admin)

    def consumer(self, topic: str, group: str, start: Start) -> KafkaConsumer:
        """A new member of `group`."""
        return KafkaConsumer(self._settings, self._admin, topic, group, start, self._clock)

    def topic_id(self, topic: str) -> str:
        """Kafka's topic id."""
        return self._admin.topic_id(topic)

    def read(self, topic: str, from_offsets: Mapping[int, int] | None) -> Iterator[Record]:
        """The whole topic up to its end as of now."""
        ends = self._admin.end_offsets(topic)
        first = self._admin.beginning_offsets(topic)
        starts = {number: (from_offsets or {}).get(number, first[number]) for number in ends}
        for number, start in starts.items():
            if not first[number] <= start <= ends[number]:
                raise OffsetExpired(topic, number, start, first[number], ends[number])
        return self._read(topic, starts, ends)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Next offset per partition."""
        return self._admin.end_offsets(topic)

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        """First offset per partition."""
        return self._admin.beginning_offsets(topic)

    def admin(self) -> KafkaAdmin:
        """What an administrator may do; a connection of its own."""
        return KafkaAdmin(self._settings)

    def close(self) -> None:
        """Close the connection for look-ups."""
        self._admin.close()

    def _read(self, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Record]:
        with readable_errors(self._settings):
            client: Any = make(
                LibraryConsumer,
                self._settings,
                {"fetch_max_bytes": MAX_POLL_BYTES, "max_partition_fetch_bytes": 4 * MAX_VALUE_BYTES},
                {
                    "group_id": None,
                    "enable_auto_commit": False,
                    "auto_offset_reset": "none",
                    "allow_auto_create_topics": False,
                    "isolation_level": "read_uncommitted",
                },
            )
        try:
            for number, end in ends.items():
                if starts[number] < end:
                    yield from self._read_partition(client, LibraryPartition(topic, number), starts[number], end)
        finally:
            close_quietly(client, autocommit=False)
            # What a closed client held, up to 25 MB, hangs together in a ring: who reads often would keep several.
            del client
            gc.collect()

    def _read_partition(self, client: Any, partition: LibraryPartition, start: int, end: int) -> Iterator[Record]:
        client.assign([partition])
        client.seek(partition, start)
        heard = time.monotonic()
        position = start
        while position < end:
            with readable_errors(self._settings):
                batch = client.poll(timeout_ms=500, max_records=2000).get(partition, [])
                # Compaction leaves gaps, also at the end: the position passes them, records do not show it.
                position = int(client.position(partition, timeout_ms=round(self._settings.request_timeout * 1000)))
            if batch:
                heard = time.monotonic()
            elif position < end and time.monotonic() - heard > self._settings.delivery_timeout:
                raise unavailable(self._settings, f"reading {partition.topic} stands still at {position}")
            for record in batch:
                if record.offset < end:
                    when = datetime.fromtimestamp(record.timestamp / 1000, UTC)
                    value = b"" if record.value is None else bytes(record.value)
                    yield Record(record.topic, record.partition, record.offset, when, record.key, value)
