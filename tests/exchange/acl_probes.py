"""Trying an operation on a real broker, one request each, so that the answer is about that operation alone.

`tried` returns the error codes in the answer. Where it is allowed nothing changes: what would alter is validated
only, what would delete deletes nothing, and the ACL
that is made is taken away again.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResourceType,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.protocol.admin import (
    CreateAclsRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteGroupsRequest,
    DeleteRecordsRequest,
    DescribeAclsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest,
    IncrementalAlterConfigsRequest,
)
from kafka.protocol.consumer import FetchRequest, HeartbeatRequest, ListOffsetsRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from jiexu.exchange import NotAllowed, Outgoing
from jiexu.exchange.acls import Binding, Operation, Resource
from jiexu.exchange.kafka import KafkaAdmin, KafkaProducer, acls

REFUSED = {29, 30, 31}  # TOPIC_, GROUP_, CLUSTER_AUTHORIZATION_FAILED
NONE, EXISTS, UNKNOWN_MEMBER, NOT_FOUND, NOT_EMPTY, POLICY = 0, 36, 25, 69, 68, 44

NOT_YET = {14, 15, 16}  # the broker has not read that group's partition yet

Make = Callable[[str], Any]


def _fetch(topic: str) -> Any:
    part = FetchRequest.FetchTopic.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1024)
    return FetchRequest(
        max_wait_ms=1,
        min_bytes=0,
        max_bytes=1024,
        topics=[FetchRequest.FetchTopic(topic=topic, partitions=[part])],
        max_version=12,  # the last in which a topic goes by its name
    )


def _list_offsets(topic: str) -> Any:
    part = ListOffsetsRequest.ListOffsetsTopic.ListOffsetsPartition(partition_index=0, timestamp=-1)
    topics = [ListOffsetsRequest.ListOffsetsTopic(name=topic, partitions=[part])]
    return ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=topics, timeout_ms=1000)


def _create(topic: str) -> Any:
    made = CreateTopicsRequest.CreatableTopic(
        name=topic, num_partitions=1, replication_factor=1, assignments=[], configs=[]
    )
    return CreateTopicsRequest(topics=[made], timeout_ms=1000, validate_only=True)


def _delete_nothing(topic: str) -> Any:
    part = DeleteRecordsRequest.DeleteRecordsTopic.DeleteRecordsPartition(partition_index=0, offset=0)
    topics = [DeleteRecordsRequest.DeleteRecordsTopic(name=topic, partitions=[part])]
    return DeleteRecordsRequest(topics=topics, timeout_ms=1000)


def _more_partitions(topic: str) -> Any:
    more = CreatePartitionsRequest.CreatePartitionsTopic(name=topic, count=50, assignments=None)
    return CreatePartitionsRequest(topics=[more], timeout_ms=1000, validate_only=True)


def _describe_configs(kind: ConfigResourceType, name: str) -> Any:
    one = DescribeConfigsRequest.DescribeConfigsResource(
        resource_type=kind.value, resource_name=name, configuration_keys=None
    )
    return DescribeConfigsRequest(resources=[one])


def _alter_configs(kind: ConfigResourceType, name: str, config: str, value: str) -> Any:
    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    change = resource.AlterableConfig(name=config, config_operation=0, value=value)
    one = resource(resource_type=kind.value, resource_name=name, configs=[change])
    return IncrementalAlterConfigsRequest(resources=[one], validate_only=True)


def _describe_acls(_: str) -> Any:
    return DescribeAclsRequest(
        resource_type_filter=ResourceType.TOPIC,
        resource_name_filter="probe",
        pattern_type_filter=ACLResourcePatternType.LITERAL,
        principal_filter=None,
        host_filter=None,
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
    )


def _create_acl(_: str) -> Any:
    made = CreateAclsRequest.AclCreation(
        resource_type=ResourceType.TOPIC,
        resource_name="probe",
        resource_pattern_type=ACLResourcePatternType.LITERAL,
        principal="User:probe",
        host="*",
        operation=ACLOperation.READ,
        permission_type=ACLPermissionType.DENY,
    )
    return CreateAclsRequest(creations=[made])


PROBES: Mapping[tuple[Resource, Operation], tuple[Make, set[int]]] = {
    (Resource.TOPIC, Operation.READ): (_fetch, {NONE}),
    (Resource.TOPIC, Operation.DESCRIBE): (_list_offsets, {NONE}),
    (Resource.TOPIC, Operation.CREATE): (_create, {EXISTS}),
    (Resource.TOPIC, Operation.DELETE): (_delete_nothing, {NONE, POLICY}),  # a compacted topic deletes no records
    (Resource.TOPIC, Operation.ALTER): (_more_partitions, {NONE}),
    (Resource.TOPIC, Operation.DESCRIBE_CONFIGS): (
        lambda topic: _describe_configs(ConfigResourceType.TOPIC, topic),
        {NONE},
    ),
    (Resource.TOPIC, Operation.ALTER_CONFIGS): (
        lambda topic: _alter_configs(ConfigResourceType.TOPIC, topic, "retention.ms", "1"),
        {NONE},
    ),
    (Resource.GROUP, Operation.READ): (
        lambda group: HeartbeatRequest(group_id=group, generation_id=1, member_id="probe", group_instance_id=None),
        {UNKNOWN_MEMBER, NONE},  # while it still loads the group, a broker answers any heartbeat with NONE
    ),
    (Resource.GROUP, Operation.DESCRIBE): (lambda group: DescribeGroupsRequest(groups=[group]), {NONE, NOT_FOUND}),
    (Resource.GROUP, Operation.DELETE): (
        lambda group: DeleteGroupsRequest(groups_names=[group]),
        {NONE, NOT_FOUND, NOT_EMPTY},
    ),
    (Resource.CLUSTER, Operation.CREATE): (lambda _: _create("probe-new-topic"), {NONE}),
    (Resource.CLUSTER, Operation.DESCRIBE): (_describe_acls, {NONE}),
    (Resource.CLUSTER, Operation.ALTER): (_create_acl, {NONE}),
    (Resource.CLUSTER, Operation.DESCRIBE_CONFIGS): (
        lambda _: _describe_configs(ConfigResourceType.BROKER, "1"),
        {NONE},
    ),
    (Resource.CLUSTER, Operation.ALTER_CONFIGS): (
        lambda _: _alter_configs(ConfigResourceType.BROKER, "", "log.cleaner.threads", "1"),
        {NONE},
    ),
}
"""For each operation its request, and the answers that mean: you might have."""


class Login:
    """One principal at the broker."""

    def __init__(self, admin: KafkaAdmin, producer: KafkaProducer) -> None:
        self.admin = admin
        self.producer = producer

    def tried(self, resource: Resource, operation: Operation, name: str) -> bool:
        """Whether the broker let it be done. AssertionError for an answer that is neither yes nor no."""
        if (resource, operation) == (Resource.TOPIC, Operation.WRITE):
            return self._writes(name)
        make, allowed = PROBES[resource, operation]
        if resource is Resource.GROUP:
            self._find_coordinator(name)
        codes = self._codes(make(name))
        for _ in range(100):
            if not codes & NOT_YET:
                break
            time.sleep(0.1)
            codes = self._codes(make(name))
        if codes & REFUSED:
            return False
        assert codes & allowed, f"{operation} {resource} {name}: {codes}"
        if make is _create_acl:
            remove_acls(self.admin, [Binding("User:probe", "topic", "probe", "Read", permission="Deny")])
        return True

    def close(self) -> None:
        self.admin.close()
        self.producer.close()

    def _find_coordinator(self, group: str) -> None:
        """The broker keeps groups nowhere until somebody asks where."""
        self._codes(FindCoordinatorRequest(key_type=0, coordinator_keys=[group], min_version=4))

    def _writes(self, topic: str) -> bool:
        try:
            self.producer.send([Outgoing(topic, 0, b"probe", b"probe")])
        except NotAllowed:
            return False
        return True

    def _codes(self, request: Any) -> set[int]:
        answer = self.admin.ask(lambda client: client._manager.run(client._manager.send, request))
        return set(_error_codes(answer.to_dict()))


def remove_acls(admin: KafkaAdmin, gone: Sequence[Binding]) -> None:
    """Take ACLs away, as an administrator does with Kafka's own tool."""
    filters = [_filter(one) for one in gone]
    admin.ask(lambda client: client.delete_acls(filters))


def _filter(one: Binding) -> Any:
    acl = acls.as_acl(one)
    pattern: Any = ResourcePatternFilter
    made: Any = ACLFilter
    of = acl.resource_pattern
    return made(
        one.principal,
        one.host,
        acl.operation,
        acl.permission_type,
        pattern(of.resource_type, of.resource_name, of.pattern_type),
    )


def _error_codes(answer: Any) -> Iterator[int]:
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name == "error_code":
                yield value
            else:
                yield from _error_codes(value)
    elif isinstance(answer, list | tuple):
        for one in answer:
            yield from _error_codes(one)
