"""Appending to Kafka: synchronous, acknowledged by all in-sync replicas, bounded in time."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import kafka.errors as errors

from jiexu.exchange.kafka import defects
from jiexu.exchange.kafka.admin import KafkaAdmin
from jiexu.exchange.kafka.client import close_quietly, make, readable, unavailable
from jiexu.exchange.kafka.login import login_mark
from jiexu.exchange.port import (
    MAX_VALUE_BYTES,
    ExchangeError,
    Outgoing,
    RecordTooLarge,
    TopicMissing,
)
from jiexu.exchange.settings import KafkaSettings

BATCH_BYTES = 256 * 1024
"""A batch is one unit to the broker, and must stay below the topic's max.message.bytes with all that is
in it.
"""

REQUEST_BYTES = 4 * 1024 * 1024
LINGER_MS = 2
MAX_IN_FLIGHT = 5  # the most that idempotence allows


class KafkaProducer:
    """See `port.Producer`. Connects at the first `send`; connects anew after a failed one.

    A client that failed is thrown away: what it still holds would otherwise be sent behind the caller's
    back, after the caller has sent it again.
    """

    def __init__(self, settings: KafkaSettings, admin: KafkaAdmin) -> None:
        self._settings = settings
        self._admin = admin
        self._lock = threading.Lock()
        self._client: Any = None
        self._mark: tuple[tuple[int, int, int], ...] = ()  # of the login that the client was made with
        self._partitions: dict[str, int] = {}

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        """Append all and wait for the acknowledgements, `delivery_timeout` at most after connecting."""
        for record in records:
            if len(record.value) > MAX_VALUE_BYTES:
                raise RecordTooLarge(record.topic, len(record.value))
        if not records:
            return []
        with self._lock:
            if self._client is not None and not (
                defects.knows_all(self._client, set(self._partitions)) and login_mark(self._settings) == self._mark
            ):
                self._discard()
            self._check_targets(records)
            try:
                return self._deliver(records)
            except (errors.KafkaError, OSError, ValueError) as error:
                self._discard()
                raise self._meaning(error, records) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._discard()

    def _deliver(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        client = self._connected()
        deadline = time.monotonic() + self._settings.delivery_timeout
        futures = [
            client.send(record.topic, value=record.value, key=record.key, partition=record.partition)
            for record in records
        ]
        client.flush(timeout=max(0.1, deadline - time.monotonic()))
        placed: list[tuple[int, datetime | None]] = []
        for future in futures:
            done = future.get(timeout=max(0.1, deadline - time.monotonic()))
            placed.append((int(done.offset), datetime.fromtimestamp(done.timestamp / 1000, UTC)))
        defects.forget_idle_partitions(client)
        return placed

    def _check_targets(self, records: Sequence[Outgoing]) -> None:
        # Asked of the admin client: the producer itself waits in vain for a topic that does not exist,
        # and cannot tell that from a broker that does not answer.
        for record in records:
            if record.topic not in self._partitions:
                self._partitions[record.topic] = self._admin.partition_count(record.topic)
            if not 0 <= record.partition < self._partitions[record.topic]:
                raise TopicMissing(record.topic, record.partition)

    def _connected(self) -> Any:
        if self._client is None:
            self._mark = login_mark(self._settings)
            timeout_ms = round(self._settings.request_timeout * 1000)
            options = {
                "linger_ms": LINGER_MS,
                "batch_size": BATCH_BYTES,
                "max_block_ms": timeout_ms,
                "delivery_timeout_ms": max(round(self._settings.delivery_timeout * 1000), timeout_ms + LINGER_MS),
                "max_request_size": REQUEST_BYTES,
                "compression_type": None,  # bundles are dense: Avro, hashes, signatures
            }
            self._client = make(
                defects.Producer,
                self._settings,
                options,
                {
                    "acks": -1,  # "all": one replica's word would be lost with it; 1 also turns idempotence off
                    "enable_idempotence": True,  # the library's own retries must not duplicate or reorder
                    "max_in_flight_requests_per_connection": MAX_IN_FLIGHT,
                    "allow_auto_create_topics": False,  # a misspelt region must fail, not get a new mailbox
                },
            )
        return self._client

    def _meaning(self, error: Exception, records: Sequence[Outgoing]) -> ExchangeError:
        if isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
            largest = max(records, key=lambda record: len(record.value))
            return RecordTooLarge(largest.topic, len(largest.value))
        if isinstance(error, ValueError):  # a partition that is not there any more
            return unavailable(self._settings, str(error))
        return readable(error, self._settings)

    def _discard(self) -> None:
        client, self._client = self._client, None
        self._partitions.clear()  # the topic may have been deleted and made again meanwhile
        if client is not None:
            close_quietly(client, timeout=0)
