"""The exchange port: what the product needs of the place where agencies leave each other's bundles.

Two adapters stand behind it, the embedded one (`embedded.py`, one SQLite file) and Kafka (`kafka.py`), and
one contract suite holds them to the same behaviour. The port promises little on purpose: order within a
partition, durability when `send` returns, reading from an offset that the caller's journal names. It keeps
no progress: topics are a buffer and the journal is the truth.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

MAX_VALUE_BYTES = 640 * 1024
"""Largest value of one record: a bundle of 512 KiB, and the envelope that the ledger puts round it."""

MAX_POLL_BYTES = 16 * 1024 * 1024
"""A poll hands out about this much at most, so a batch of big records does not fill the memory (one record
more may pass it).
"""

TopicPartition = tuple[str, int]
Start = Callable[[str, int], int | None]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock, aware UTC: the default where no other clock is given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """One consumed record. `append_time` is the exchange's own time of appending, aware UTC, never its
    sender's.
    """

    topic: str
    partition: int
    offset: int
    append_time: datetime
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to append. The partition is always named: the contract fixes it, never a client's
    partitioner.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the exchange has it. `in_sync` is the smallest number of in-sync replicas of any
    partition.
    """

    name: str
    topic_id: str
    partitions: int
    replication: int
    in_sync: int
    config: Mapping[str, str] = field(default_factory=dict)


class ExchangeError(Exception):
    """What went wrong at the exchange: a code for programs, a sentence in Chinese and in English for
    people.
    """

    code = "exchange"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh)
        self.zh = zh
        self.en = en


class ExchangeUnavailable(ExchangeError):
    """The exchange did not answer in time. Nothing is wrong with the records: wait and try again."""

    code = "exchange.unavailable"


class ExchangeRefused(ExchangeError):
    """The exchange answered no, and would again: no right to the topic, wrong credentials, unknown
    security.
    """

    code = "exchange.refused"


class LoginRefused(ExchangeRefused):
    """Who we are, or who the other side is, could not be proved: a password, a certificate, the way of logging in."""

    code = "exchange.login_refused"


class NotAllowed(ExchangeRefused):
    """The exchange knows who asks, and no rule of its (an ACL) allows it."""

    code = "exchange.not_allowed"


class TopicMissing(ExchangeError):
    """The topic or the partition does not exist. Topics are made by an administrator, never by use."""

    code = "exchange.topic_missing"

    def __init__(self, topic: str, partition: int | None = None) -> None:
        where = topic if partition is None else f"{topic}[{partition}]"
        super().__init__(
            f"主题 {where} 不存在。请先运行 jiexu topics create 建立主题。",
            f"Topic {where} does not exist. Create it first: jiexu topics create.",
        )
        self.topic = topic
        self.partition = partition


class TopicExists(ExchangeError):
    """A topic of that name stands already."""

    code = "exchange.topic_exists"

    def __init__(self, topic: str) -> None:
        super().__init__(f"主题 {topic} 已经存在。", f"Topic {topic} exists already.")
        self.topic = topic


class RecordTooLarge(ExchangeError):
    """A record larger than `MAX_VALUE_BYTES`: sending it again is useless, the sender must cut its bundle."""

    code = "exchange.record_too_large"

    def __init__(self, topic: str, size: int, limit: int = MAX_VALUE_BYTES) -> None:
        super().__init__(
            f"发往 {topic} 的记录有 {size} 字节，超过上限 {limit} 字节。请拆分后再发送。",
            f"A record for {topic} has {size} bytes, more than the limit of {limit}. Split it and send again.",
        )
        self.topic = topic
        self.size = size


class OffsetExpired(ExchangeError):
    """The offset asked for is not there: expired below `earliest`, or beyond `end` (the topic lost its tail).

    Reading never jumps by itself. `poll` raises this again until the caller has sought an offset that exists,
    after it has raised its alarm.
    """

    code = "exchange.offset_expired"

    def __init__(self, topic: str, partition: int, asked: int, earliest: int, end: int | None = None) -> None:
        super().__init__(
            f"{topic}[{partition}] 的位点 {asked} 已不存在（现有记录从 {earliest} 开始）。"
            "可能有未读的记录已过期，请通知对方重新发送。",
            f"Offset {asked} of {topic}[{partition}] is gone (records begin at {earliest}). Unread records "
            "may have expired: ask the partners to send again.",
        )
        self.topic = topic
        self.partition = partition
        self.asked = asked
        self.earliest = earliest
        self.end = end


class Producer(Protocol):
    """Appends records. Safe to share between threads."""

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        """Append all and wait until they are durable; offsets and append times in the order given.

        Raises `ExchangeUnavailable` when the exchange does not confirm in time: then none, some or all may
        have been appended (the caller sends again, the receiver knows duplicates). Raises `RecordTooLarge`
        and `TopicMissing` before anything is appended.
        """

    def close(self) -> None:
        """Give the connection back. Nothing is pending: `send` has waited."""


class Consumer(Protocol):
    """Reads the partitions of one topic that its group gave it. Used by one thread at a time."""

    def poll(self, max_records: int, timeout: float) -> list[Record]:
        """The next records, in order within each partition; empty after `timeout` seconds without any.

        Raises `OffsetExpired` (again and again until `seek`) and `ExchangeUnavailable`. The caller polls at
        least every few seconds: a consumer that does not loses its partitions to others of its group.
        """

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read on from `offset`: the journal's offset is the truth."""

    def assignment(self) -> set[TopicPartition]:
        """The partitions that are this consumer's now."""

    def position(self, topic: str, partition: int) -> int:
        """The offset of the next record that `poll` would hand out. KeyError if the partition is not
        assigned.
        """

    def lag(self) -> dict[TopicPartition, int]:
        """Records not yet handed out, per assigned partition."""

    def close(self) -> None:
        """Leave the group; others take over the partitions."""


class Admin(Protocol):
    """What an administrator does with topics. `topics.py` decides what is right; this carries it out."""

    def topics(self) -> list[str]:
        """Names of all topics, sorted, internal ones left out."""

    def describe(self, names: Sequence[str]) -> dict[str, TopicState]:
        """The topics as they are, defaults of the exchange included; a missing topic is absent."""

    def create(self, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
        """Make a topic. Raises `TopicExists`, `ExchangeRefused` (say, more replicas than brokers)."""

    def delete(self, name: str) -> None:
        """Delete a topic with all its records. Raises `TopicMissing`."""

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records below the given offsets (partition → offset), as expiry does."""

    def close(self) -> None:
        """Give the connection back."""


class Exchange(Protocol):
    """A place of exchange: one Kafka cluster, or one file on this machine."""

    def producer(self) -> Producer:
        """A new producer."""

    def consumer(self, topic: str, group: str, start: Start) -> Consumer:
        """A new consumer of `topic` in `group`. Raises `TopicMissing`.

        `start(topic, partition)` gives the journal's next offset, or None (from the beginning). It is
        called on every assignment, on the thread that polls, before any record of that partition is handed
        out.
        """

    def topic_id(self, topic: str) -> str:
        """The topic's identity: deleting and making it again gives another. Raises `TopicMissing`."""

    def read(self, topic: str, from_offsets: Mapping[int, int] | None) -> Iterator[Record]:
        """The whole topic up to its end as of now, partition by partition; outside every group.

        A partition that `from_offsets` does not name is read from its beginning. Raises `OffsetExpired`.
        """

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset that the next record will get, per partition. Raises `TopicMissing`."""

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        """The offset of the first record still there, per partition. Raises `TopicMissing`."""

    def admin(self) -> Admin:
        """What an administrator may do here."""

    def close(self) -> None:
        """Give everything back. Producers and consumers are closed by whoever made them."""
