"""Reading from Kafka as a member of a group, from the offsets that the journal names.

The library decides which partitions are this consumer's; where to begin is decided here and nowhere
else. With `auto_offset_reset=none` and no committed offsets the library stops at a newly assigned
partition instead of choosing an offset, and what it had fetched for one is dropped until the journal's
offset has been sought.
"""

import queue
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import kafka.errors as errors
from kafka import ConsumerRebalanceListener
from kafka import KafkaConsumer as LibraryConsumer
from kafka import TopicPartition as LibraryPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor

from jiexu.exchange.kafka import defects
from jiexu.exchange.kafka.admin import KafkaAdmin
from jiexu.exchange.kafka.client import close_quietly, make, readable_errors
from jiexu.exchange.kafka.login import login_holds, login_mark
from jiexu.exchange.port import (
    MAX_POLL_BYTES,
    MAX_VALUE_BYTES,
    Clock,
    ExchangeUnavailable,
    LoginRefused,
    OffsetExpired,
    Record,
    Start,
    TopicPartition,
)
from jiexu.exchange.settings import KafkaSettings

SESSION_MS = 15_000
HEARTBEAT_MS = 3_000
MAX_POLL_INTERVAL_MS = 120_000
"""A consumer that has not polled for so long is taken for stuck, and its partitions go to others."""

PROBE_SECONDS = 5.0
"""Polls that bring nothing are followed by a question at this interval: the library's poll looks the
same whether nothing came or nobody answers.
"""

LOG_APPEND_TIME = 1


class _Notices(ConsumerRebalanceListener):
    """Queues what the group decided. It is called on the I/O thread, where waiting would stop the
    heartbeats.
    """

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[tuple[bool, frozenset[int]]] = queue.SimpleQueue()

    def on_partitions_revoked(self, revoked: Iterable[LibraryPartition]) -> None:
        self.queue.put((False, frozenset(partition.partition for partition in revoked)))

    def on_partitions_assigned(self, assigned: Iterable[LibraryPartition]) -> None:
        self.queue.put((True, frozenset(partition.partition for partition in assigned)))

    def on_partitions_lost(self, lost: Iterable[LibraryPartition]) -> None:
        self.on_partitions_revoked(lost)


class KafkaConsumer:
    """See `port.Consumer`."""

    def __init__(
        self, settings: KafkaSettings, admin: KafkaAdmin, topic: str, group: str, start: Start, clock: Clock
    ) -> None:
        self._settings = settings
        self._admin = admin
        self._topic = topic
        self._start = start
        self._clock = clock
        self._notices = _Notices()
        self._owned: set[int] = set()
        self._unplaced: set[int] = set()  # assigned, the journal's offset not sought yet
        self._expired: dict[int, OffsetExpired] = {}
        self._topic_id = admin.topic_id(topic)
        self._heard = time.monotonic()
        self._group = group
        self._mark = login_mark(settings)
        self._client = self._joined()

    def poll(self, max_records: int, timeout: float) -> list[Record]:
        """The next records; see `port.Consumer.poll`."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                records = self._look(max_records, max(0.0, deadline - time.monotonic()))
                if records or time.monotonic() >= deadline:
                    return records
        except ExchangeUnavailable:
            # A login that is refused by now looks the same to the library, which tries it for ever.
            if self._settings.security != "PLAINTEXT" and login_holds(self._settings):
                self._log_in_anew()
            raise

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read on from `offset`. KeyError if the partition is not assigned."""
        self._check_owned(topic, partition)
        self._client.seek(LibraryPartition(topic, partition), offset)
        self._unplaced.discard(partition)
        self._expired.pop(partition, None)

    def assignment(self) -> set[TopicPartition]:
        """The partitions held now."""
        return {(self._topic, number) for number in self._owned - self._unplaced}

    def position(self, topic: str, partition: int) -> int:
        """The next offset to be handed out."""
        self._check_owned(topic, partition)
        with readable_errors(self._settings):
            return int(self._client.position(LibraryPartition(topic, partition), timeout_ms=self._timeout_ms))

    def lag(self) -> dict[TopicPartition, int]:
        """Records not yet handed out."""
        numbers = self._owned - self._unplaced
        if not numbers:
            return {}
        ends = self._offsets(self._client.end_offsets, numbers)
        return {(self._topic, number): max(0, ends[number] - self.position(self._topic, number)) for number in numbers}

    def close(self) -> None:
        """Leave the group."""
        self._owned.clear()
        close_quietly(self._client, autocommit=False, timeout_ms=3000)

    @property
    def _timeout_ms(self) -> int:
        return round(self._settings.request_timeout * 1000)

    def _joined(self) -> Any:
        """A member of the group, logged in with what the files say now."""
        with readable_errors(self._settings):
            client: Any = make(
                LibraryConsumer,
                self._settings,
                self._options(),
                {
                    "group_id": self._group,
                    "enable_auto_commit": False,  # the journal holds the offsets
                    "auto_offset_reset": "none",  # neither latest (loses) nor earliest (hides an expiry)
                    "allow_auto_create_topics": False,
                    # A partner with a transaction left open would stop the mailbox for everybody
                    # otherwise; every bundle is verified by itself.
                    "isolation_level": "read_uncommitted",
                    "check_crcs": True,
                },
            )
            client.subscribe(topics=[self._topic], listener=self._notices)
        return client

    def _log_in_anew(self) -> None:
        """Take up a password or certificate that was replaced: a client keeps those that it was made with."""
        mark = login_mark(self._settings)
        if mark == self._mark:
            return
        close_quietly(self._client, autocommit=False, timeout_ms=3000)
        self._notices = _Notices()
        self._owned.clear()
        self._unplaced.clear()
        self._expired.clear()
        self._client = self._joined()
        self._mark = mark

    def _options(self) -> dict[str, Any]:
        return {
            "partition_assignment_strategy": (RangePartitionAssignor,),
            "session_timeout_ms": SESSION_MS,
            "heartbeat_interval_ms": HEARTBEAT_MS,
            "max_poll_interval_ms": MAX_POLL_INTERVAL_MS,
            "fetch_max_bytes": MAX_POLL_BYTES,
            "max_partition_fetch_bytes": 4 * MAX_VALUE_BYTES,
            "fetch_max_wait_ms": min(500, self._timeout_ms // 2),
        }

    def _look(self, max_records: int, timeout: float) -> list[Record]:
        self._place()
        for error in self._expired.values():
            raise error
        with readable_errors(self._settings):
            try:
                defects.keep_joining(self._client)
                found = self._client.poll(timeout_ms=round(timeout * 1000), max_records=max_records)
            except errors.NoOffsetForPartitionError:
                found = {}  # newly assigned: placed below, read by the next look
            except errors.OffsetOutOfRangeError as error:
                self._expire(error.args[0])
                return self._look(max_records, 0)
            except errors.LogTruncationError as error:
                self._expire({tp: defects.offset_held(self._client, tp) for tp in error.divergent_offsets})
                return self._look(max_records, 0)
        try:
            placed = self._place()
        except BaseException:
            self._rewind(found)  # else what was fetched for the other partitions would be skipped
            raise
        records = [
            self._record(record)
            for partition, batch in found.items()
            if partition.partition in self._owned - placed
            for record in batch
        ]
        if records:
            self._heard = time.monotonic()
        else:
            self._probe()
        return records

    def _place(self) -> set[int]:
        """Seek the journal's offset in newly assigned partitions; returns those."""
        while not self._notices.queue.empty():
            assigned, numbers = self._notices.queue.get()
            if assigned:
                self._owned |= numbers
                self._unplaced |= numbers
            else:
                self._owned -= numbers
                self._unplaced -= numbers
                self._expired = {number: e for number, e in self._expired.items() if number in self._owned}
        known = defects.topic_id(self._client, self._topic)
        if known is not None and known != self._topic_id:
            # Deleted and made again: the old position would skip the new topic's first records without
            # an error.
            self._topic_id = known
            self._unplaced |= self._owned
        placed = set(self._unplaced)
        for number in sorted(placed):
            offset = self._start(self._topic, number)
            partition = LibraryPartition(self._topic, number)
            if offset is None:
                self._client.seek_to_beginning(partition)
            else:
                self._client.seek(partition, offset)
            self._expired.pop(number, None)
            self._unplaced.discard(number)
        return placed

    def _rewind(self, found: dict[Any, list[Any]]) -> None:
        for partition, batch in found.items():
            if partition.partition in self._owned and batch:
                self._client.seek(partition, batch[0].offset)

    def _expire(self, asked: dict[Any, int]) -> None:
        numbers = {partition.partition for partition in asked}
        first = self._offsets(self._client.beginning_offsets, numbers)
        end = self._offsets(self._client.end_offsets, numbers)
        for partition, offset in asked.items():
            number = partition.partition
            self._expired[number] = OffsetExpired(self._topic, number, offset, first[number], end[number])

    def _offsets(self, ask: Any, numbers: Iterable[int]) -> dict[int, int]:
        with readable_errors(self._settings):
            partitions = [LibraryPartition(self._topic, number) for number in numbers]
            found = ask(partitions, timeout_ms=self._timeout_ms)
            return {partition.partition: int(found[partition]) for partition in partitions}

    def _probe(self) -> None:
        if time.monotonic() - self._heard < PROBE_SECONDS:
            return
        if login_mark(self._settings) != self._mark:
            with suppress(LoginRefused):  # not in force at the other side yet: the connection in hand may still hold
                if login_holds(self._settings):
                    self._log_in_anew()
        known = self._admin.topic_id(self._topic)  # raises where nobody answers, or the topic is gone
        if known != self._topic_id or not self._owned:
            # The group shares out partitions when its metadata changes; a topic made again would be
            # seen only at the next regular refresh.
            defects.refresh_metadata(self._client)
        self._heard = time.monotonic()

    def _record(self, record: Any) -> Record:
        # A topic with CreateTime holds its sender's word on the time. `topics check` refuses such a
        # topic; what is in one gets the time at which it was read, the earliest that is certain.
        if record.timestamp_type == LOG_APPEND_TIME:
            when = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        else:
            when = self._clock()
        value = b"" if record.value is None else bytes(record.value)
        return Record(record.topic, record.partition, record.offset, when, record.key, value)

    def _check_owned(self, topic: str, partition: int) -> None:
        if topic != self._topic or partition not in self._owned:
            raise KeyError((topic, partition))
