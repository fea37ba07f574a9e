"""Reading from the embedded exchange as a member of a group."""

import time
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path

from jiexu.exchange.embedded.group import Membership
from jiexu.exchange.embedded.store import (
    Partition,
    connect,
    micros,
    partition_rows,
    read_partition,
    snapshot,
    topic_row,
    transaction,
)
from jiexu.exchange.port import (
    MAX_POLL_BYTES,
    Clock,
    ExchangeUnavailable,
    OffsetExpired,
    Record,
    Start,
    TopicPartition,
)

SHORTEST_SLEEP = 0.0005
LONGEST_SLEEP = 0.02
"""Seconds between two looks at the file: short after a record, longer the longer nothing comes."""


class EmbeddedConsumer:
    """See `port.Consumer`."""

    def __init__(self, path: Path, topic: str, group: str, start: Start, clock: Clock, member: str) -> None:
        self._path = path
        self._topic = topic
        self._group = group
        self._start = start
        self._clock = clock
        self._member = member
        self._db = connect(path)
        self._held: set[int] = set()
        self._positions: dict[int, int | None] = {}  # None: from the beginning, whatever that is when read
        self._seen_version: int | None = None
        self._turn = 0
        self._closed = False
        try:
            self._bind()
        except BaseException:
            self._db.close()
            raise

    def poll(self, max_records: int, timeout: float) -> list[Record]:
        """The next records; see `port.Consumer.poll`."""
        deadline = time.monotonic() + timeout
        sleep = SHORTEST_SLEEP
        while True:
            records = self._look(max_records)
            left = deadline - time.monotonic()
            if records or left <= 0:
                return records
            time.sleep(min(sleep, left))
            sleep = min(sleep * 2, LONGEST_SLEEP)

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read on from `offset`. KeyError if the partition is not assigned."""
        self._owned(topic, partition)
        self._positions[partition] = offset
        self._seen_version = None

    def assignment(self) -> set[TopicPartition]:
        """The partitions held now."""
        return {(self._topic, number) for number in self._positions}

    def position(self, topic: str, partition: int) -> int:
        """The next offset to be handed out."""
        position = self._owned(topic, partition)
        return self._partitions()[partition].first if position is None else position

    def lag(self) -> dict[TopicPartition, int]:
        """Records not yet handed out."""
        rows = self._partitions()
        return {
            (self._topic, number): rows[number].next - (rows[number].first if position is None else position)
            for number, position in self._positions.items()
            if number in rows
        }

    def close(self) -> None:
        """Leave the group. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        with suppress(ExchangeUnavailable), transaction(self._db, self._path):
            self._membership.leave()  # could it not be written, the lease runs out
        self._held.clear()
        self._positions.clear()
        self._db.close()

    def _bind(self) -> None:
        with snapshot(self._db, self._path):
            self._topic_row, _ = topic_row(self._db, self._topic)
        self._forget()

    def _forget(self) -> None:
        self._membership = Membership(self._db, self._group, self._topic_row, self._member)
        self._held.clear()
        self._positions.clear()

    def _look(self, max_records: int) -> list[Record]:
        now = micros(self._clock())
        # data_version changes when another connection commits: without it every look would be a transaction.
        version = self._version()
        if version == self._seen_version and not self._membership.due(now):
            return []
        with snapshot(self._db, self._path):
            stale = self._membership.due(now) or self._membership.changed()
        if stale:
            self._share(now)
        for number in sorted(self._held - self._positions.keys()):
            # Not inside a transaction: `start` reads the journal, and the other processes must not wait for
            # that.
            self._positions[number] = self._start(self._topic, number)
        records, more = self._take(max_records)
        self._seen_version = None if more else version
        return records

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _share(self, now: int) -> None:
        if not self._partitions():
            self._bind()  # deleted, and perhaps made again: a new topic, begun from the journal's offsets
        with transaction(self._db, self._path):
            self._held = self._membership.beat(now, len(partition_rows(self._db, self._topic_row)))
        for number in self._positions.keys() - self._held:
            del self._positions[number]

    def _take(self, max_records: int) -> tuple[list[Record], bool]:
        """The next records, and whether there may be more at once."""
        with snapshot(self._db, self._path):
            rows = partition_rows(self._db, self._topic_row)
            if not rows:
                self._forget()
                return [], True
            numbers = sorted(self._positions)
            for number in numbers:
                self._check(rows[number])
            # Each look begins with another partition, so that a busy one cannot starve the rest.
            self._turn += 1
            turn = self._turn % len(numbers) if numbers else 0
            records: list[Record] = []
            size = 0
            for number in numbers[turn:] + numbers[:turn]:
                with closing(self._read(rows[number], self._at(rows[number]))) as found:
                    for record in found:
                        if len(records) >= max_records or size >= MAX_POLL_BYTES:
                            return records, True
                        records.append(record)
                        size += len(record.value)
                        self._positions[number] = record.offset + 1
                self._positions[number] = rows[number].next  # past what compaction took from the end
            return records, False

    def _read(self, row: Partition, offset: int) -> Generator[Record]:
        if offset < row.next:
            yield from read_partition(self._db, self._topic, row, offset)

    def _check(self, row: Partition) -> None:
        at = self._at(row)
        if not row.first <= at <= row.next:
            raise OffsetExpired(self._topic, row.partition, at, row.first, row.next)

    def _at(self, row: Partition) -> int:
        position = self._positions[row.partition]
        return row.first if position is None else position

    def _partitions(self) -> dict[int, Partition]:
        with snapshot(self._db, self._path):
            return partition_rows(self._db, self._topic_row)

    def _owned(self, topic: str, partition: int) -> int | None:
        if topic != self._topic or partition not in self._positions:
            raise KeyError((topic, partition))
        return self._positions[partition]
