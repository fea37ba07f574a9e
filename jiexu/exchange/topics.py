"""Which topics a region has, what each must be like, and the check that refuses one that would lose data.

The mailboxes are a buffer of 30 days, the ledger is kept for ever, personal values can be erased. A
wrong setting shows itself only when the data is gone, so the check comes first: `create` never alters a
topic that exists.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from jiexu.exchange.port import MAX_VALUE_BYTES, Admin, TopicExists, TopicState

DAY_MS = 24 * 60 * 60 * 1000
MAILBOX_RETENTION_MS = 30 * DAY_MS
"""A partner may be away for weeks (a long holiday, a move of the data centre) and still find everything."""

DEADLETTER_RETENTION_MS = 365 * DAY_MS
"""What could not be read is proof in a dispute; a year spans the yearly settlement between regions."""

COMPACTION_LAG_MS = 7 * DAY_MS
"""An erased value is gone from the topic after this at the latest."""

DEFAULT_PARTITIONS = 6
MESSAGE_BYTES = 1024 * 1024 + 12  # Kafka's own default: a batch, headers included
LEAST_MESSAGE_BYTES = MAX_VALUE_BYTES + 64 * 1024
"""Below this a full bundle with its key and the batch's header is refused by the broker."""

_REGION = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Purpose(StrEnum):
    """What a region's topic is for; the last part of its name."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"
    LEDGER = "ledger"
    PERSONAL = "personal"
    DEADLETTER = "deadletter"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it must be. `config` uses Kafka's names; times in milliseconds, sizes in bytes."""

    name: str
    purpose: Purpose
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a topic is refused: a code, what is wrong and what to do, in Chinese and in English."""

    topic: str
    code: str
    zh: str
    en: str
    do_zh: str
    do_en: str


class Outcome(StrEnum):
    """What `create` did with one topic."""

    CREATED = "created"
    EXISTS = "exists"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Created:
    """One topic's outcome; `findings` say why an existing one was refused."""

    topic: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()


class _Rule(Protocol):
    def __call__(self, spec: TopicSpec, state: TopicState) -> Finding | None: ...


def topic_name(region: str, purpose: Purpose | str) -> str:
    """`jiexu.<region>.<purpose>`. ValueError for a region code that cannot stand in a topic's name."""
    if not _REGION.fullmatch(region):
        raise ValueError(f"not a region code: {region!r}")
    return f"jiexu.{region}.{Purpose(purpose)}"


def partition_of(case_id: str, count: int) -> int:
    """The mailbox partition of a case (UUID as 32 hex digits): the contract fixes it, so every writer agrees.

    First 8 bytes of SHA-256 over the 16 bytes of the id, big-endian, modulo the partition count.
    """
    digest = hashlib.sha256(bytes.fromhex(case_id)).digest()
    return int.from_bytes(digest[:8], "big") % count


def region_topics(region: str, partitions: int = DEFAULT_PARTITIONS, replication: int = 1) -> tuple[TopicSpec, ...]:
    """The topics of one region. `partitions` is the directory's count for mailboxes; it never changes."""
    if partitions < 1 or replication < 1:
        raise ValueError("partitions and replication are at least 1")
    return tuple(_spec(region, purpose, partitions, replication) for purpose in Purpose)


def check(admin: Admin, specs: Iterable[TopicSpec]) -> list[Finding]:
    """Compare topics with what they must be; empty when all is well."""
    wanted = list(specs)
    found = admin.describe([spec.name for spec in wanted])
    return [finding for spec in wanted for finding in check_topic(spec, found.get(spec.name))]


def check_topic(spec: TopicSpec, state: TopicState | None) -> list[Finding]:
    """All that is wrong with one topic."""
    if state is None:
        return [
            Finding(
                spec.name,
                "topic.missing",
                "主题不存在",
                "the topic does not exist",
                "运行 jiexu topics create",
                "run jiexu topics create",
            )
        ]
    findings = (rule(spec, state) for rule in _RULES)
    return [finding for finding in findings if finding is not None]


def create(admin: Admin, specs: Iterable[TopicSpec]) -> list[Created]:
    """Make the topics that are missing; an existing one is checked and, where unsafe, refused, never
    altered.
    """
    wanted = list(specs)
    found = admin.describe([spec.name for spec in wanted])
    return [_create_one(admin, spec, found.get(spec.name)) for spec in wanted]


def describe(admin: Admin, specs: Sequence[TopicSpec]) -> dict[str, TopicState | None]:
    """The topics as the exchange has them; None for a missing one."""
    found = admin.describe([spec.name for spec in specs])
    return {spec.name: found.get(spec.name) for spec in specs}


def _create_one(admin: Admin, spec: TopicSpec, state: TopicState | None) -> Created:
    if state is None:
        try:
            admin.create(spec.name, spec.partitions, spec.replication, spec.config)
        except TopicExists:  # another administrator was quicker; what that one made is checked like any other
            state = admin.describe([spec.name]).get(spec.name)
        else:
            return Created(spec.name, Outcome.CREATED)
    findings = tuple(check_topic(spec, state))
    return Created(spec.name, Outcome.REFUSED if findings else Outcome.EXISTS, findings)


def _spec(region: str, purpose: Purpose, partitions: int, replication: int) -> TopicSpec:
    config = {
        "message.timestamp.type": "LogAppendTime",  # arrival is proof: it must not be the sender's word
        "min.insync.replicas": str(_least_in_sync(replication)),
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(MESSAGE_BYTES),
        "retention.bytes": "-1",
    }
    mailbox = purpose in (Purpose.OUTBOUND, Purpose.INBOUND)
    if purpose is Purpose.PERSONAL:
        config |= {"cleanup.policy": "compact", "max.compaction.lag.ms": str(COMPACTION_LAG_MS)}
    else:
        retention = {Purpose.LEDGER: -1, Purpose.DEADLETTER: DEADLETTER_RETENTION_MS}
        config |= {
            "cleanup.policy": "delete",
            "retention.ms": str(retention.get(purpose, MAILBOX_RETENTION_MS)),
        }
    # One partition where order over all cases matters (the ledger) or little is written.
    return TopicSpec(topic_name(region, purpose), purpose, partitions if mailbox else 1, replication, config)


def _least_in_sync(replication: int) -> int:
    return max(1, replication - 1)


def _partitions(spec: TopicSpec, state: TopicState) -> Finding | None:
    if state.partitions == spec.partitions:
        return None
    return Finding(
        spec.name,
        "topic.partitions",
        f"分区数为 {state.partitions}，应为 {spec.partitions}；同一业务的事件会落到不同分区而失去顺序",
        f"{state.partitions} partitions instead of {spec.partitions}: a case would lose its order",
        "分区数不可更改。若目录中的数字有误，请更正目录；否则停用该主题并重新建立",
        "the count is frozen: correct the directory if it is wrong, else delete the topic and create it anew",
    )


def _replication(spec: TopicSpec, state: TopicState) -> Finding | None:
    if state.replication >= spec.replication:
        return None
    return Finding(
        spec.name,
        "topic.replication",
        f"副本数为 {state.replication}，少于要求的 {spec.replication}；一台服务器损坏就可能丢失数据",
        f"replication factor {state.replication}, less than {spec.replication}: one lost server may lose data",
        f"用 Kafka 的分区重分配工具把副本数增加到 {spec.replication}",
        f"raise it to {spec.replication} with Kafka's partition reassignment tool",
    )


def _cleanup(spec: TopicSpec, state: TopicState) -> Finding | None:
    wanted, found = spec.config["cleanup.policy"], state.config.get("cleanup.policy", "delete")
    if found == wanted:
        return None
    lost_zh = "记录会被压缩掉" if wanted == "delete" else "应删除的个人信息不会被清除，或会提前丢失"
    lost_en = "records would be compacted away" if wanted == "delete" else "values would not be erased, or lost"
    return Finding(
        spec.name,
        "topic.cleanup",
        f"cleanup.policy 为 {found}，应为 {wanted}；{lost_zh}",
        f"cleanup.policy is {found} instead of {wanted}: {lost_en}",
        *_set("cleanup.policy", wanted),
    )


def _retention_time(spec: TopicSpec, state: TopicState) -> Finding | None:
    wanted, found = spec.config.get("retention.ms"), _number(state, "retention.ms", 7 * DAY_MS)
    if wanted is None or found < 0 or 0 <= int(wanted) <= found:
        return None
    days_zh = "永久" if int(wanted) < 0 else f"至少 {int(wanted) // DAY_MS} 天"
    days_en = "for ever" if int(wanted) < 0 else f"at least {int(wanted) // DAY_MS} days"
    return Finding(
        spec.name,
        "topic.retention_time",
        f"记录只保留 {found / DAY_MS:g} 天，应{days_zh}保留；未读的记录会过期丢失",
        f"records are kept {found / DAY_MS:g} days, not {days_en}: unread ones would be lost",
        *_set("retention.ms", wanted),
    )


def _retention_size(spec: TopicSpec, state: TopicState) -> Finding | None:
    found = _number(state, "retention.bytes", -1)
    if found < 0:
        return None
    return Finding(
        spec.name,
        "topic.retention_size",
        f"retention.bytes 为 {found}；积压时记录会在到期前被删除",
        f"retention.bytes is {found}: a backlog would be deleted before its time",
        *_set("retention.bytes", "-1"),
    )


def _compaction_lag(spec: TopicSpec, state: TopicState) -> Finding | None:
    wanted = spec.config.get("max.compaction.lag.ms")
    found = _number(state, "max.compaction.lag.ms", 2**63 - 1)
    if wanted is None or found <= int(wanted):
        return None
    return Finding(
        spec.name,
        "topic.compaction_lag",
        f"max.compaction.lag.ms 为 {found}，应不超过 {wanted}；依法删除的个人信息可能长期留存",
        f"max.compaction.lag.ms is {found}, more than {wanted}: an erased value could stay for years",
        *_set("max.compaction.lag.ms", wanted),
    )


def _min_in_sync(spec: TopicSpec, state: TopicState) -> Finding | None:
    wanted, found = int(spec.config["min.insync.replicas"]), _number(state, "min.insync.replicas", 1)
    if found >= wanted:
        return None
    return Finding(
        spec.name,
        "topic.min_insync",
        f"min.insync.replicas 为 {found}，应至少为 {wanted}；已确认的记录可能只存在于一台服务器",
        f"min.insync.replicas is {found}, less than {wanted}: a confirmed record may stand on one server only",
        *_set("min.insync.replicas", str(wanted)),
    )


def _timestamp_type(spec: TopicSpec, state: TopicState) -> Finding | None:
    found = state.config.get("message.timestamp.type", "CreateTime")
    if found == "LogAppendTime":
        return None
    return Finding(
        spec.name,
        "topic.timestamp_type",
        f"message.timestamp.type 为 {found}；到达时间由发送方任意填写，过期时间也随之出错",
        f"message.timestamp.type is {found}: the sender would choose the time of arrival, and of expiry",
        *_set("message.timestamp.type", "LogAppendTime"),
    )


def _unclean_election(spec: TopicSpec, state: TopicState) -> Finding | None:
    if state.config.get("unclean.leader.election.enable", "false") == "false":
        return None
    return Finding(
        spec.name,
        "topic.unclean_election",
        "允许落后的副本成为主副本；已确认的记录会丢失",
        "a replica that lags may become leader: confirmed records would be lost",
        *_set("unclean.leader.election.enable", "false"),
    )


def _message_size(spec: TopicSpec, state: TopicState) -> Finding | None:
    found = _number(state, "max.message.bytes", MESSAGE_BYTES)
    if found >= LEAST_MESSAGE_BYTES:
        return None
    return Finding(
        spec.name,
        "topic.message_size",
        f"max.message.bytes 为 {found}，少于 {LEAST_MESSAGE_BYTES}；较大的数据包会被拒收",
        f"max.message.bytes is {found}, less than {LEAST_MESSAGE_BYTES}: large bundles would be refused",
        *_set("max.message.bytes", str(MESSAGE_BYTES)),
    )


_RULES: tuple[_Rule, ...] = (
    _partitions,
    _replication,
    _cleanup,
    _retention_time,
    _retention_size,
    _compaction_lag,
    _min_in_sync,
    _timestamp_type,
    _unclean_election,
    _message_size,
)


def _number(state: TopicState, name: str, default: int) -> int:
    return int(state.config.get(name, default))


def _set(name: str, value: str) -> tuple[str, str]:
    return f"将该主题的 {name} 设为 {value}", f"set the topic's {name} to {value}"
