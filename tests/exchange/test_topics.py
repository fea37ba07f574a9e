"""Topics that would lose data are refused, on both exchanges, one wrong setting at a time."""

import uuid
from dataclasses import replace

import pytest

from jiexu.exchange.topics import (
    COMPACTION_LAG_MS,
    DAY_MS,
    MAILBOX_RETENTION_MS,
    Outcome,
    Purpose,
    TopicSpec,
    check,
    create,
    describe,
    partition_of,
    region_topics,
    topic_name,
)
from tests.exchange.place import Place

UNSAFE = [
    (Purpose.OUTBOUND, {"retention.ms": str(29 * DAY_MS)}, "topic.retention_time"),
    (Purpose.INBOUND, {"retention.ms": str(DAY_MS)}, "topic.retention_time"),
    (Purpose.LEDGER, {"retention.ms": str(3650 * DAY_MS)}, "topic.retention_time"),
    (Purpose.DEADLETTER, {"retention.ms": str(MAILBOX_RETENTION_MS)}, "topic.retention_time"),
    (Purpose.INBOUND, {"retention.bytes": "1000000"}, "topic.retention_size"),
    (Purpose.LEDGER, {"retention.bytes": "1000000"}, "topic.retention_size"),
    (Purpose.OUTBOUND, {"cleanup.policy": "compact"}, "topic.cleanup"),
    (Purpose.LEDGER, {"cleanup.policy": "compact,delete"}, "topic.cleanup"),
    (Purpose.PERSONAL, {"cleanup.policy": "delete"}, "topic.cleanup"),
    (Purpose.PERSONAL, {"max.compaction.lag.ms": str(COMPACTION_LAG_MS + 1)}, "topic.compaction_lag"),
    (Purpose.OUTBOUND, {"message.timestamp.type": "CreateTime"}, "topic.timestamp_type"),
    (Purpose.LEDGER, {"unclean.leader.election.enable": "true"}, "topic.unclean_election"),
    (Purpose.INBOUND, {"max.message.bytes": str(512 * 1024)}, "topic.message_size"),
]


@pytest.fixture
def specs(place: Place) -> dict[Purpose, TopicSpec]:
    return {spec.purpose: spec for spec in region_topics(f"r{uuid.uuid4().hex[:8]}", partitions=2)}


def test_what_create_makes_passes_the_check(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    assert {done.outcome for done in create(place.admin, specs.values())} == {Outcome.CREATED}
    assert check(place.admin, specs.values()) == []


def test_create_twice_changes_nothing(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    create(place.admin, specs.values())
    before = describe(place.admin, list(specs.values()))
    assert {done.outcome for done in create(place.admin, specs.values())} == {Outcome.EXISTS}
    assert describe(place.admin, list(specs.values())) == before


def test_missing_topics_are_found(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    findings = check(place.admin, specs.values())
    assert {finding.code for finding in findings} == {"topic.missing"}
    assert {finding.topic for finding in findings} == {spec.name for spec in specs.values()}


@pytest.mark.parametrize(("purpose", "wrong", "code"), UNSAFE)
def test_an_unsafe_setting_is_refused_and_not_altered(
    place: Place, specs: dict[Purpose, TopicSpec], purpose: Purpose, wrong: dict[str, str], code: str
) -> None:
    spec = specs[purpose]
    place.admin.create(spec.name, spec.partitions, 1, {**spec.config, **wrong})
    (finding,) = check(place.admin, [spec])
    assert (finding.topic, finding.code) == (spec.name, code)
    assert all([finding.zh, finding.en, finding.do_zh, finding.do_en])
    (done,) = create(place.admin, [spec])
    assert (done.outcome, done.findings) == (Outcome.REFUSED, (finding,))
    found = place.admin.describe([spec.name])[spec.name].config
    assert {name: found[name] for name in wrong} == wrong


def test_another_partition_count_is_refused(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    spec = specs[Purpose.INBOUND]
    place.admin.create(spec.name, spec.partitions + 1, 1, spec.config)
    assert [finding.code for finding in check(place.admin, [spec])] == ["topic.partitions"]


def test_fewer_copies_than_asked_are_refused(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    spec = specs[Purpose.INBOUND]
    place.admin.create(spec.name, spec.partitions, 1, spec.config)
    wanted = replace(spec, replication=3)
    assert [finding.code for finding in check(place.admin, [wanted])] == ["topic.replication"]


def test_fewer_in_sync_replicas_than_asked_are_refused(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    spec = specs[Purpose.INBOUND]
    place.admin.create(spec.name, spec.partitions, 1, spec.config)
    wanted = replace(spec, config={**spec.config, "min.insync.replicas": "2"})
    assert [finding.code for finding in check(place.admin, [wanted])] == ["topic.min_insync"]


def test_longer_retention_than_asked_is_fine(place: Place, specs: dict[Purpose, TopicSpec]) -> None:
    spec = specs[Purpose.INBOUND]
    place.admin.create(spec.name, spec.partitions, 1, {**spec.config, "retention.ms": "-1"})
    assert check(place.admin, [spec]) == []


def test_topics_of_a_region() -> None:
    specs = {spec.purpose: spec for spec in region_topics("310000", partitions=12, replication=3)}
    assert specs[Purpose.OUTBOUND].name == "jiexu.310000.outbound"
    assert [specs[purpose].partitions for purpose in Purpose] == [12, 12, 1, 1, 1]
    assert {spec.config["min.insync.replicas"] for spec in specs.values()} == {"2"}
    assert specs[Purpose.LEDGER].config["retention.ms"] == "-1"


@pytest.mark.parametrize("region", ["", "31 0000", "上海", "a.b", "x" * 65, "310000\n"])
def test_a_region_code_that_cannot_stand_in_a_name_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="region"):
        topic_name(region, Purpose.LEDGER)


@pytest.mark.parametrize(
    ("case_id", "count", "partition"),
    [
        ("00000000000000000000000000000000", 6, 3),
        ("0192f0c1d2e37a4b8c5d6e7f80910203", 6, 5),
        ("0192f0c1d2e37a4b8c5d6e7f80910203", 12, 11),
        ("ffffffffffffffffffffffffffffffff", 6, 3),
    ],
)
def test_the_partition_of_a_case_is_fixed_by_the_contract(case_id: str, count: int, partition: int) -> None:
    assert partition_of(case_id, count) == partition
