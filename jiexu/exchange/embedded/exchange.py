"""The embedded exchange: the default, no server; one SQLite file for all processes of one machine."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

from jiexu.exchange.embedded.admin import EmbeddedAdmin
from jiexu.exchange.embedded.consumer import EmbeddedConsumer
from jiexu.exchange.embedded.producer import EmbeddedProducer
from jiexu.exchange.embedded.store import (
    Partition,
    connect,
    partition_rows,
    read_partition,
    snapshot,
    topic_row,
)
from jiexu.exchange.port import Clock, OffsetExpired, Record, Start, utc_now

READ_BATCH = 500
"""Records that `read` takes in one transaction; a longer one would keep the write-ahead log from
shrinking.
"""


def _new_id() -> str:
    return str(uuid.uuid4())


class EmbeddedExchange:
    """See `port.Exchange`. `clock` gives append times and the group's heartbeats; `new_id` topic and
    member ids.

    Open it in the process that uses it: SQLite connections do not survive a fork.
    """

    def __init__(self, path: Path, clock: Clock = utc_now, new_id: Callable[[], str] = _new_id) -> None:
        self._path = Path(path)
        self._clock = clock
        self._new_id = new_id
        self._db = connect(self._path)
        self._lock = threading.RLock()

    def producer(self) -> EmbeddedProducer:
        """A new producer, with a connection of its own."""
        return EmbeddedProducer(self._path, self._clock)

    def consumer(self, topic: str, group: str, start: Start) -> EmbeddedConsumer:
        """A new member of `group`."""
        return EmbeddedConsumer(self._path, topic, group, start, self._clock, self._new_id())

    def topic_id(self, topic: str) -> str:
        """The topic's identity."""
        with self._lock, snapshot(self._db, self._path):
            return topic_row(self._db, topic)[1]

    def read(self, topic: str, from_offsets: Mapping[int, int] | None) -> Iterator[Record]:
        """The whole topic up to its end as of now."""
        rows = self._rows(topic)
        starts = {number: (from_offsets or {}).get(number, row.first) for number, row in rows.items()}
        for number, row in rows.items():
            if not row.first <= starts[number] <= row.next:
                raise OffsetExpired(topic, number, starts[number], row.first, row.next)
        return self._read(topic, rows, starts)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Next offset per partition."""
        return {number: row.next for number, row in self._rows(topic).items()}

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        """First offset per partition."""
        return {number: row.first for number, row in self._rows(topic).items()}

    def admin(self) -> EmbeddedAdmin:
        """Topics and housekeeping."""
        return EmbeddedAdmin(self._path, self._clock, self._new_id)

    def expire(self, topic: str, before: datetime) -> None:
        """Delete the records appended before that time, as Kafka's retention does."""
        with closing(self.admin()) as admin:
            admin.expire(topic, before)

    def housekeep(self) -> None:
        """Apply retention and compaction now: no server does it by itself here."""
        with closing(self.admin()) as admin:
            admin.housekeep()

    def close(self) -> None:
        """Close the exchange's own connection."""
        self._db.close()

    def _rows(self, topic: str) -> dict[int, Partition]:
        with self._lock, snapshot(self._db, self._path):
            return partition_rows(self._db, topic_row(self._db, topic)[0])

    def _read(self, topic: str, rows: Mapping[int, Partition], starts: Mapping[int, int]) -> Iterator[Record]:
        for number, row in rows.items():
            at = starts[number]
            while batch := self._batch(topic, row, at):
                yield from batch
                at = batch[-1].offset + 1

    def _batch(self, topic: str, row: Partition, at: int) -> list[Record]:
        with (
            self._lock,
            snapshot(self._db, self._path),
            closing(read_partition(self._db, topic, row, at)) as found,
        ):
            return [record for record, _ in zip(found, range(READ_BATCH), strict=False)]
