"""The cluster behind the simulated exchange: topics, partitions, and groups that share partitions out as Kafka does.

Who has not polled since a rebalance began keeps what it believes it has; nobody gets anything before all members have
come back or have been silent for a session's length.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from jiexu.exchange.port import (
    Clock,
    ExchangeRefused,
    OffsetExpired,
    Outgoing,
    Record,
    TopicExists,
    TopicMissing,
    TopicState,
    utc_now,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SESSION = timedelta(seconds=15)  # Kafka's session.timeout.ms as the product sets it


@dataclass
class Partition:
    """One partition: records from offset `first` on."""

    first: int = 0
    records: list[Record] = field(default_factory=list)
    last_time: datetime = EPOCH

    @property
    def next(self) -> int:
        """The offset that the next record gets."""
        return self.first + len(self.records)

    def drop(self, before: int) -> None:
        """Delete the records below an offset."""
        if before > self.first:
            del self.records[: before - self.first]
            self.first = before


@dataclass
class Topic:
    """One topic."""

    name: str
    topic_id: str
    partitions: list[Partition]
    config: dict[str, str]


@dataclass
class Group:
    """Members by the time of their last poll; `joined` by the generation in which they came back."""

    seen: dict[str, datetime] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    generation: int = 0

    def beat(self, member: str, now: datetime) -> None:
        """A member polls: it has come back, and who has been silent for too long is gone."""
        gone = [one for one, at in self.seen.items() if one != member and now - at > SESSION]
        for one in gone:
            self.forget(one)
        if member not in self.seen:
            self.generation += 1
        self.seen[member] = now
        self.joined[member] = self.generation

    def forget(self, member: str) -> None:
        """A member has left."""
        if self.seen.pop(member, None) is not None:
            self.joined.pop(member, None)
            self.generation += 1

    def share(self, member: str, partitions: int) -> set[int] | None:
        """The member's part, None while others have still to come back."""
        if any(generation != self.generation for generation in self.joined.values()):
            return None
        members = sorted(self.seen)
        place, each, more = members.index(member), partitions // len(members), partitions % len(members)
        start = place * each + min(place, more)
        return set(range(start, start + each + (place < more)))


class Broker:
    """The cluster: topics and groups. `version` grows with all that is appended or deleted."""

    def __init__(self, clock: Clock = utc_now, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self.clock = clock
        self.new_id = new_id
        self.topics: dict[str, Topic] = {}
        self.groups: dict[tuple[str, str], Group] = {}
        self.version = 0

    def topic(self, name: str) -> Topic:
        """The topic. Raises TopicMissing."""
        found = self.topics.get(name)
        if found is None:
            raise TopicMissing(name)
        return found

    def append(self, record: Outgoing) -> Record:
        """Append one record."""
        partition = self.topic(record.topic).partitions[record.partition]
        partition.last_time = max(partition.last_time, self.clock())
        made = Record(
            record.topic, record.partition, partition.next, partition.last_time, record.key, bytes(record.value)
        )
        partition.records.append(made)
        self.version += 1
        return made

    def regroup(self, topic: str) -> None:
        """Let every group of a topic share out its partitions anew, as after a broker's or a network's hiccup."""
        for (_, topic_id), group in self.groups.items():
            if topic_id == self.topic(topic).topic_id:
                group.generation += 1


class SimulatedAdmin:
    """See `port.Admin`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def topics(self) -> list[str]:
        """Names of all topics, sorted."""
        return sorted(self._broker.topics)

    def describe(self, names: Sequence[str]) -> dict[str, TopicState]:
        """The topics that exist among `names`."""
        found = {name: self._broker.topics[name] for name in names if name in self._broker.topics}
        return {
            name: TopicState(name, topic.topic_id, len(topic.partitions), 1, 1, topic.config)
            for name, topic in found.items()
        }

    def create(self, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
        """Make a topic."""
        if replication != 1:
            raise ExchangeRefused("只有一份", "there is one copy here")
        if name in self._broker.topics:
            raise TopicExists(name)
        parts = [Partition() for _ in range(partitions)]
        self._broker.topics[name] = Topic(name, self._broker.new_id(), parts, dict(config))

    def delete(self, name: str) -> None:
        """Delete a topic with all its records."""
        self._broker.topic(name)
        del self._broker.topics[name]
        self._broker.version += 1

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records below the given offsets, as expiry does."""
        for number, offset in before.items():
            partition = self._broker.topic(topic).partitions[number]
            if offset > partition.next:
                raise OffsetExpired(topic, number, offset, partition.first, partition.next)
            partition.drop(offset)
        self._broker.version += 1

    def close(self) -> None:
        """Nothing is kept."""
