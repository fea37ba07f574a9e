"""Appending to the embedded exchange: one transaction per `send`, so all of it or nothing."""

import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jiexu.exchange.embedded.store import (
    Partition,
    connect,
    micros,
    moment,
    partition_rows,
    row_id,
    topic_row,
    transaction,
)
from jiexu.exchange.port import MAX_VALUE_BYTES, Clock, Outgoing, RecordTooLarge, TopicMissing


class EmbeddedProducer:
    """See `port.Producer`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._db = connect(path)
        self._lock = threading.Lock()

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        """Append all in one transaction; durable when it returns."""
        for record in records:
            if len(record.value) > MAX_VALUE_BYTES:
                raise RecordTooLarge(record.topic, len(record.value))
        if not records:
            return []
        with self._lock, transaction(self._db, self._path):
            return self._append(records)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def _append(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        # The clock is read under the lock: read before it, a writer that waited would stamp an earlier time
        # on a later offset.
        now = micros(self._clock())
        partitions = {topic: _partitions(self._db, topic) for topic in {record.topic for record in records}}
        ends: dict[tuple[str, int], int] = {}
        rows: list[tuple[int, int, bytes | None, bytes]] = []
        placed: list[tuple[int, datetime | None]] = []
        for record in records:
            target = partitions[record.topic].get(record.partition)
            if target is None:
                raise TopicMissing(record.topic, record.partition)
            offset = ends.get((record.topic, record.partition), target.next)
            stamp = max(now, target.last_time)
            rows.append((row_id(target.id, offset), stamp, record.key, record.value))
            placed.append((offset, moment(stamp)))
            ends[record.topic, record.partition] = offset + 1
        self._db.executemany("INSERT INTO records(id, time, key, value) VALUES (?, ?, ?, ?)", rows)
        self._db.executemany(
            "UPDATE partitions SET next = ?, last_time = max(last_time, ?) WHERE id = ?",
            [(end, now, partitions[topic][number].id) for (topic, number), end in ends.items()],
        )
        return placed


def _partitions(db: sqlite3.Connection, topic: str) -> dict[int, Partition]:
    return partition_rows(db, topic_row(db, topic)[0])
