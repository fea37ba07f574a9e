"""ACLs at a Kafka cluster: read and made through the library's administrator."""

from collections.abc import Sequence
from typing import Any

import kafka.errors as errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from jiexu.exchange.acls import Binding
from jiexu.exchange.kafka.admin import KafkaAdmin
from jiexu.exchange.port import ExchangeRefused

_Acl: Any = ACL  # untyped in the library, as the next three
_Filter: Any = ACLFilter
_Pattern: Any = ResourcePattern
_PatternFilter: Any = ResourcePatternFilter

_A_REQUEST = 500  # ACLs made by one request: 20 regions need 1,060


def read_acls(admin: KafkaAdmin) -> list[Binding]:
    """All ACLs of the cluster. Raises `NotAllowed`, `ExchangeRefused` where the cluster has no authorizer."""
    every = _Filter(
        None,
        None,
        ACLOperation.ANY,
        ACLPermissionType.ANY,
        _PatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )
    return [_binding(acl) for acl in _asked(admin, lambda client: client.describe_acls(every)[0])]


def make_acls(admin: KafkaAdmin, wanted: Sequence[Binding]) -> None:
    """Make these ACLs; one that stands already is left as it is. Raises as `read_acls`."""
    for first in range(0, len(wanted), _A_REQUEST):
        some = [as_acl(one) for one in wanted[first : first + _A_REQUEST]]
        _asked(admin, lambda client, some=some: _create(client, some))


def _create(client: Any, some: Sequence[Any]) -> None:
    for kind in client.create_acls(some)["failed"]:  # the library gives back errors where others raise them
        raise kind()


def _asked(admin: KafkaAdmin, call: Any) -> Any:
    try:
        return admin.ask(call)
    except ExchangeRefused as error:
        if isinstance(error.__cause__, errors.SecurityDisabledError):
            raise _no_authorizer() from error
        raise


def _no_authorizer() -> ExchangeRefused:
    return ExchangeRefused(
        "该 Kafka 没有启用授权，任何人都可以读写。请在每台服务器设置 authorizer.class.name 与 "
        "allow.everyone.if.no.acl.found=false（见 docs/security.md）。",
        "This Kafka has no authorizer: anybody may read and write. Set authorizer.class.name and "
        "allow.everyone.if.no.acl.found=false on every server (docs/security.md).",
    )


def _binding(acl: Any) -> Binding:
    pattern = acl.resource_pattern
    return Binding(
        acl.principal,
        pattern.resource_type.name.lower(),
        pattern.resource_name,
        _camel(acl.operation.name),
        _camel(acl.permission_type.name),
        pattern.pattern_type.name.lower(),
        acl.host,
    )


def as_acl(one: Binding) -> Any:
    """The ACL as the library has it."""
    pattern = _Pattern(ResourceType[one.resource.upper()], one.name, ACLResourcePatternType[one.pattern.upper()])
    operation, permission = ACLOperation[_snake(one.operation)], ACLPermissionType[one.permission.upper()]
    return _Acl(one.principal, one.host, operation, permission, pattern)


def _camel(name: str) -> str:
    """`DESCRIBE_CONFIGS` as Kafka's tools write it, `DescribeConfigs`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _snake(name: str) -> str:
    return "".join(f"_{c}" if c.isupper() else c for c in name).lstrip("_").upper()
