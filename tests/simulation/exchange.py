"""An exchange in memory that shows what Kafka's clients show, and does wrong what a plan tells it to.

It is held to the same contract as the embedded exchange and Kafka (tests/exchange/test_contract.py).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from jiexu.exchange.port import (
    MAX_POLL_BYTES,
    MAX_VALUE_BYTES,
    ExchangeUnavailable,
    OffsetExpired,
    Outgoing,
    Record,
    RecordTooLarge,
    Start,
    TopicMissing,
    TopicPartition,
)
from tests.simulation.broker import Broker, Group, SimulatedAdmin, Topic


class Mischief:
    """What goes wrong at one client. This one: nothing."""

    def reachable(self) -> bool:
        """Whether the broker answers at all."""
        return True

    def send(self, topics: set[str], count: int) -> tuple[int, int]:
        """Of so many records: how many are written, and how many the client hears of (fewer: it raises)."""
        return count, count

    def share(self, waiting: int) -> int:
        """Of so many records that wait in a partition, how many this poll brings."""
        return waiting

    def order(self, partitions: list[int]) -> list[int]:
        """In which order partitions are read."""
        return partitions

    def point(self, name: str) -> None:
        """A moment outside every transaction at which another process may get its turn."""


class SimulatedExchange:
    """See `port.Exchange`: one client process's way to the broker."""

    def __init__(
        self,
        broker: Broker | None = None,
        mischief: Mischief | None = None,
        wait: Callable[[float], None] = lambda seconds: time.sleep(min(seconds, 0.01)),
    ) -> None:
        self.broker = broker or Broker()
        self.mischief = mischief or Mischief()
        self.wait = wait

    def reach(self) -> None:
        """Raise ExchangeUnavailable where nobody answers."""
        if not self.mischief.reachable():
            raise ExchangeUnavailable("交换没有应答", "the exchange does not answer")

    def producer(self) -> "SimulatedProducer":
        """A new producer."""
        return SimulatedProducer(self)

    def consumer(self, topic: str, group: str, start: Start) -> "SimulatedConsumer":
        """A new member of `group`."""
        self.reach()
        return SimulatedConsumer(self, self.broker.topic(topic), group, start)

    def topic_id(self, topic: str) -> str:
        """The topic's identity."""
        self.reach()
        return self.broker.topic(topic).topic_id

    def read(self, topic: str, from_offsets: Mapping[int, int] | None) -> Iterator[Record]:
        """The whole topic up to its end as of now."""
        self.reach()
        found: list[Record] = []
        for number, partition in enumerate(self.broker.topic(topic).partitions):
            start = (from_offsets or {}).get(number, partition.first)
            if not partition.first <= start <= partition.next:
                raise OffsetExpired(topic, number, start, partition.first, partition.next)
            found += partition.records[start - partition.first :]
        return iter(found)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Next offset per partition."""
        self.reach()
        return {number: one.next for number, one in enumerate(self.broker.topic(topic).partitions)}

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        """First offset per partition."""
        self.reach()
        return {number: one.first for number, one in enumerate(self.broker.topic(topic).partitions)}

    def admin(self) -> "SimulatedAdmin":
        """What an administrator may do."""
        return SimulatedAdmin(self.broker)

    def close(self) -> None:
        """Nothing is kept."""


class SimulatedProducer:
    """See `port.Producer`."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        """Append all; or some, or none, and raise, as a producer does that waits in vain for its acknowledgement."""
        exchange, broker = self._exchange, self._exchange.broker
        for record in records:
            if len(record.value) > MAX_VALUE_BYTES:
                raise RecordTooLarge(record.topic, len(record.value))
        if not records:
            return []
        exchange.mischief.point("send")
        exchange.reach()
        for record in records:
            if not 0 <= record.partition < len(broker.topic(record.topic).partitions):
                raise TopicMissing(record.topic, record.partition)
        written, heard = exchange.mischief.send({record.topic for record in records}, len(records))
        made = [broker.append(record) for record in records[:written]]
        exchange.mischief.point("written")
        if heard < len(records):
            raise ExchangeUnavailable("交换没有确认", "the exchange did not acknowledge in time")
        return [(one.offset, one.append_time) for one in made]

    def close(self) -> None:
        """Nothing is pending."""


class SimulatedConsumer:
    """See `port.Consumer`."""

    def __init__(self, exchange: SimulatedExchange, topic: Topic, group: str, start: Start) -> None:
        self._exchange = exchange
        self._name = topic.name
        self._group_name = group
        self._start = start
        self._member = exchange.broker.new_id()
        self._bind(topic)

    def poll(self, max_records: int, timeout: float) -> list[Record]:
        """The next records; see `port.Consumer.poll`."""
        records = self._look(max_records)
        if not records and timeout > 0:
            self._exchange.wait(timeout)
            records = self._look(max_records)
        self._exchange.mischief.point("polled")
        return records

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read on from `offset`. KeyError if the partition is not assigned."""
        self._owned(topic, partition)
        self._positions[partition] = offset

    def assignment(self) -> set[TopicPartition]:
        """The partitions held, as far as this member knows."""
        return {(self._name, number) for number in self._positions}

    def position(self, topic: str, partition: int) -> int:
        """The next offset to be handed out."""
        at = self._owned(topic, partition)
        return self._topic.partitions[partition].first if at is None else at

    def lag(self) -> dict[TopicPartition, int]:
        """Records not yet handed out."""
        return {
            (self._name, number): self._topic.partitions[number].next - self.position(self._name, number)
            for number in self._positions
        }

    def close(self) -> None:
        """Leave the group. Closing twice is harmless."""
        self._group.forget(self._member)
        self._positions.clear()

    def _bind(self, topic: Topic) -> None:
        self._topic = topic
        self._group = self._exchange.broker.groups.setdefault((self._group_name, topic.topic_id), Group())
        self._generation = -1  # in which the partitions were shared out that this member holds
        self._unplaced: set[int] = set()  # held, the journal's offset not asked for yet
        self._positions: dict[int, int | None] = {}  # None: from the beginning, whatever that is when read

    def _look(self, max_records: int) -> list[Record]:
        exchange = self._exchange
        exchange.reach()
        stands = exchange.broker.topics.get(self._name)
        if stands is None:
            return []
        if stands is not self._topic:
            self._bind(stands)  # deleted and made again: begun from the journal's offsets
        self._group.beat(self._member, exchange.broker.clock())
        if self._group.generation != self._generation:
            self._positions.clear()
            part = self._group.share(self._member, len(self._topic.partitions))
            if part is None:
                return []
            self._generation, self._unplaced = self._group.generation, part
        for number in sorted(self._unplaced):
            self._positions[number] = self._start(self._name, number)
            self._unplaced.discard(number)
        return self._take(max_records)

    def _take(self, max_records: int) -> list[Record]:
        for number, at in self._positions.items():
            partition = self._topic.partitions[number]
            if at is not None and not partition.first <= at <= partition.next:
                raise OffsetExpired(self._name, number, at, partition.first, partition.next)
        records: list[Record] = []
        size = 0
        for number in self._exchange.mischief.order(sorted(self._positions)):
            partition = self._topic.partitions[number]
            at = self.position(self._name, number)
            share = self._exchange.mischief.share(partition.next - at) if at < partition.next else 0
            for record in partition.records[at - partition.first : at - partition.first + share]:
                if len(records) >= max_records or size >= MAX_POLL_BYTES:
                    return records
                records.append(record)
                size += len(record.value)
                self._positions[number] = record.offset + 1
        return records

    def _owned(self, topic: str, partition: int) -> int | None:
        if topic != self._name or partition not in self._positions:
            raise KeyError((topic, partition))
        return self._positions[partition]
