"""An exchange under test, with what the tests do again and again."""

import time
from collections.abc import Callable, Sequence

from jiexu.exchange import Consumer, Exchange, Outgoing, Record

TOPIC_CONFIG = {"message.timestamp.type": "LogAppendTime"}
PATIENCE = 30.0
"""Seconds until a test gives up waiting. Not a measure of speed: on a busy machine a rebalance takes
several.
"""


class Journal:
    """Stands for the journal: holds the next offsets, and remembers who was asked."""

    def __init__(self, offsets: dict[int, int] | None = None) -> None:
        self.offsets = dict(offsets or {})
        self.asked: list[int] = []

    def start(self, topic: str, partition: int) -> int | None:
        self.asked.append(partition)
        return self.offsets.get(partition)

    def take(self, records: Sequence[Record]) -> None:
        for record in records:
            assert record.offset == self.offsets.get(record.partition, 0), "a record was skipped or came twice"
            self.offsets[record.partition] = record.offset + 1


class Place:
    """Makes topics of its own names, and closes all it opened."""

    def __init__(self, exchange: Exchange, run: str) -> None:
        self.exchange = exchange
        self.admin = exchange.admin()
        self.producer = exchange.producer()
        self.run = run
        self._consumers: list[Consumer] = []

    def topic(self, partitions: int = 1, config: dict[str, str] | None = None, name: str = "t") -> str:
        topic = f"{name}-{self.run}"
        self.admin.create(topic, partitions, 1, TOPIC_CONFIG if config is None else config)
        return topic

    def send(self, topic: str, *values: bytes, partition: int = 0) -> list[int]:
        return [offset for offset, _ in self.producer.send([Outgoing(topic, partition, None, v) for v in values])]

    def consumer(self, topic: str, journal: Journal, group: str = "g") -> Consumer:
        consumer = self.exchange.consumer(topic, f"{group}-{self.run}", journal.start)
        self._consumers.append(consumer)
        return consumer

    def close(self) -> None:
        for consumer in self._consumers:
            consumer.close()
        self.producer.close()
        self.admin.close()
        self.exchange.close()


def take(consumer: Consumer, count: int) -> list[Record]:
    """The next `count` records."""
    taken: list[Record] = []
    until(lambda: bool(taken.extend(consumer.poll(count - len(taken), 0.1)) or len(taken) >= count))
    return taken


def until(reached: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Repeat until it is true."""
    deadline = time.monotonic() + patience
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
