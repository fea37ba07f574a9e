"""Topics of the embedded exchange, and its housekeeping: expiry and compaction."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from jiexu.exchange.embedded.store import (
    connect,
    micros,
    partition_rows,
    row_id,
    snapshot,
    topic_row,
    transaction,
)
from jiexu.exchange.port import (
    MAX_VALUE_BYTES,
    Clock,
    ExchangeRefused,
    OffsetExpired,
    TopicExists,
    TopicMissing,
    TopicState,
)

DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
    "min.insync.replicas": "1",
    "unclean.leader.election.enable": "false",
    "max.message.bytes": str(MAX_VALUE_BYTES + 512 * 1024),
    "max.compaction.lag.ms": "9223372036854775807",
    "delete.retention.ms": "86400000",
}
"""What a topic has that names nothing else: Kafka's names, and its defaults where they are harmless here."""


class EmbeddedAdmin:
    """See `port.Admin`."""

    def __init__(self, path: Path, clock: Clock, new_id: Callable[[], str]) -> None:
        self._path = path
        self._clock = clock
        self._new_id = new_id
        self._db = connect(path)

    def topics(self) -> list[str]:
        """Names of all topics, sorted."""
        with snapshot(self._db, self._path):
            return [row[0] for row in self._db.execute("SELECT name FROM topics ORDER BY name")]

    def describe(self, names: Sequence[str]) -> dict[str, TopicState]:
        """The topics that exist among `names`. One file is one copy: replication is always 1."""
        found: dict[str, TopicState] = {}
        with snapshot(self._db, self._path):
            for name in names:
                row = self._db.execute(
                    "SELECT topic_id, config, (SELECT count(*) FROM partitions WHERE topic = topics.id) "
                    "FROM topics WHERE name = ?",
                    (name,),
                ).fetchone()
                if row is not None:
                    found[name] = TopicState(name, row[0], row[2], 1, 1, {**DEFAULTS, **json.loads(row[1])})
        return found

    def create(self, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
        """Make a topic. Raises `TopicExists`, `ExchangeRefused` for more than one replica."""
        if replication != 1:
            raise ExchangeRefused(
                f"内置交换只有一份数据，不能为 {name} 建立 {replication} 个副本。"
                "请使用 --replication 1，或改用 Kafka。",
                f"The embedded exchange holds one copy: {name} cannot have {replication} replicas. "
                "Use --replication 1, or Kafka.",
            )
        with transaction(self._db, self._path):
            try:
                row = self._db.execute(
                    "INSERT INTO topics(name, topic_id, config) VALUES (?, ?, ?)",
                    (name, self._new_id(), json.dumps(dict(config), sort_keys=True)),
                )
            except sqlite3.IntegrityError as error:
                raise TopicExists(name) from error
            self._db.executemany(
                "INSERT INTO partitions(topic, partition, first, next, last_time) VALUES (?, ?, 0, 0, 0)",
                [(row.lastrowid, number) for number in range(partitions)],
            )

    def delete(self, name: str) -> None:
        """Delete a topic, its records and what its groups held."""
        with transaction(self._db, self._path):
            topic, _ = topic_row(self._db, name)
            for row in partition_rows(self._db, topic).values():
                self._drop(row.id, row.next)
            self._db.execute("DELETE FROM topics WHERE id = ?", (topic,))
            for table in ("partitions", "generations", "members", "leases"):
                self._db.execute(f"DELETE FROM {table} WHERE topic = ?", (topic,))

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records below the given offsets."""
        with transaction(self._db, self._path):
            rows = partition_rows(self._db, topic_row(self._db, topic)[0])
            for number, offset in before.items():
                if number not in rows:
                    raise TopicMissing(topic, number)
                row = rows[number]
                if offset > row.next:
                    raise OffsetExpired(topic, number, offset, row.first, row.next)
                self._drop(row.id, offset)

    def expire(self, topic: str, before: datetime) -> None:
        """Delete the records appended before that time, as Kafka's retention does."""
        with transaction(self._db, self._path):
            for row in partition_rows(self._db, topic_row(self._db, topic)[0]).values():
                kept = self._db.execute(
                    "SELECT min(id) FROM records WHERE id >= ? AND id < ? AND time >= ?",
                    (row_id(row.id, row.first), row_id(row.id, row.next), micros(before)),
                ).fetchone()[0]
                self._drop(row.id, row.next if kept is None else kept - row_id(row.id, 0))

    def compact(self, topic: str) -> None:
        """Keep only the last record of each key; what it replaced is wiped from the file too.

        Wiped, since a compacted topic holds personal values: a value erased by law must not stay
        readable in the file's free pages or in its write-ahead log.
        """
        self._db.execute("PRAGMA secure_delete=ON")
        with transaction(self._db, self._path):
            for row in partition_rows(self._db, topic_row(self._db, topic)[0]).values():
                span = (row_id(row.id, row.first), row_id(row.id, row.next))
                self._db.execute(
                    "DELETE FROM records WHERE id >= ? AND id < ? AND key IS NOT NULL AND id NOT IN "
                    "(SELECT max(id) FROM records WHERE id >= ? AND id < ? GROUP BY key)",
                    (*span, *span),
                )
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def housekeep(self) -> None:
        """Apply every topic's retention and compaction, as a broker does by itself. Cheap; daily is
        enough.
        """
        now = self._clock()
        for name, state in self.describe(self.topics()).items():
            policies = state.config["cleanup.policy"].split(",")
            retention = int(state.config["retention.ms"])
            if "delete" in policies and retention >= 0:
                self.expire(name, now - timedelta(milliseconds=retention))
            if "compact" in policies:
                self.compact(name)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _drop(self, partition: int, before: int) -> None:
        self._db.execute(
            "DELETE FROM records WHERE id >= ? AND id < ?", (row_id(partition, 0), row_id(partition, before))
        )
        self._db.execute("UPDATE partitions SET first = max(first, ?) WHERE id = ?", (before, partition))
