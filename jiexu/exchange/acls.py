"""Who may do what at Kafka: the one table from which ACLs are made, checked, printed and documented.

A region writes into the mailboxes of all others and reads its own only; what else it has is its own alone. No
service makes, alters or deletes anything: that is the administrator's, who is a super user of the cluster. What
stands in no row is refused (`allow.everyone.if.no.acl.found=false`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from jiexu.exchange.topics import Purpose, topic_name


class Resource(StrEnum):
    """What an ACL is about, in the words of Kafka's tools."""

    TOPIC = "topic"
    GROUP = "group"
    CLUSTER = "cluster"


class Operation(StrEnum):
    """What may be done, in the words of Kafka's tools."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DELETE = "Delete"
    ALTER = "Alter"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


IMPLIED: Mapping[Operation, tuple[Operation, ...]] = {
    Operation.DESCRIBE: (Operation.READ, Operation.WRITE, Operation.DELETE, Operation.ALTER),
    Operation.DESCRIBE_CONFIGS: (Operation.ALTER_CONFIGS,),
}
"""What Kafka's authorizer allows with something else: it needs no ACL of its own."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One row: what a region may do with a resource of its own, and with the same resource of another region."""

    resource: Resource
    purposes: tuple[Purpose, ...]
    own: tuple[Operation, ...]
    others: tuple[Operation, ...]
    zh: str
    en: str


_MAILBOXES = (Purpose.OUTBOUND, Purpose.INBOUND)
_KEPT = (Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS)

GRANTS: tuple[Grant, ...] = (
    Grant(
        Resource.TOPIC,
        _MAILBOXES,
        # DescribeConfigs, so that `jiexu doctor` sees a mailbox that would lose records.
        (Operation.READ, Operation.DESCRIBE_CONFIGS),
        (Operation.WRITE,),
        "信箱：他区投递，本区收取",
        "mailboxes: others deliver, the region reads",
    ),
    Grant(Resource.TOPIC, (Purpose.LEDGER,), _KEPT, (), "账本：只归本区", "ledger: the region's alone"),
    Grant(Resource.TOPIC, (Purpose.PERSONAL,), _KEPT, (), "个人信息：只归本区", "personal values: the region's alone"),
    Grant(Resource.TOPIC, (Purpose.DEADLETTER,), _KEPT, (), "死信：只归本区", "dead letters: the region's alone"),
    Grant(Resource.GROUP, _MAILBOXES, (Operation.READ,), (), "消费组：只归本区", "consumer groups: the region's alone"),
)


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """One ACL as it stands at the broker. The table makes only such as allow, literally, from any host."""

    principal: str
    resource: str
    name: str
    operation: str
    permission: str = "Allow"
    pattern: str = "literal"
    host: str = "*"

    def __str__(self) -> str:
        extra = "".join(f" {word}" for word, plain in ((self.pattern, "literal"), (self.host, "*")) if word != plain)
        return f"{self.principal} {self.permission} {self.operation} {self.resource} {self.name}{extra}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What the broker lacks of the table, and what it has beyond it."""

    missing: tuple[Binding, ...]
    extra: tuple[Binding, ...]


def principal_of(region: str) -> str:
    """`User:jiexu.<region>`: the SCRAM user, or the common name in the certificate, of a region's services."""
    return f"User:jiexu.{region}"


def bindings(regions: Iterable[str], principals: Mapping[str, str] | None = None) -> tuple[Binding, ...]:
    """All ACLs that these regions need, in order; `principals` are those of regions with another than `principal_of`.

    Each mailbox names each partner, so n regions need 2 n² + 13 n of them.
    """
    codes = sorted(set(regions))
    names = {code: (principals or {}).get(code, principal_of(code)) for code in codes}
    made = {
        Binding(names[who], grant.resource, topic_name(owner, purpose), operation)  # a group is named as its mailbox
        for who in codes
        for owner in codes
        for grant in GRANTS
        for purpose in grant.purposes
        for operation in (grant.own if who == owner else grant.others)
    }
    return tuple(sorted(made))


def allowed(grant: Grant, own: bool, operation: Operation) -> bool:
    """Whether a region may do that with such a resource of its own, or of another region; implied ones included."""
    given = grant.own if own else grant.others
    return operation in given or any(more in given for more in IMPLIED.get(operation, ()))


def compare(wanted: Iterable[Binding], found: Iterable[Binding], ignored: Iterable[str] = ()) -> Difference:
    """Hold what stands at the broker against the table.

    Beyond the table is what touches a resource of the product (`jiexu.…`), also by a pattern, and whatever else a
    region's principal may do. ACLs of `ignored` principals (a monitor's, say) are left out.
    """
    table, leave = set(wanted), set(ignored)
    principals = {binding.principal for binding in table}
    standing = {binding for binding in found if binding.principal not in leave}
    extra = {one for one in standing - table if one.principal in principals or _touches(one)}
    return Difference(tuple(sorted(table - standing)), tuple(sorted(extra)))


def kafka_acls_lines(wanted: Iterable[Binding], remove: bool = False) -> Iterator[str]:
    """The same as calls of Kafka's own tool; `$BOOTSTRAP` and `admin.properties` are the administrator's."""
    for one in wanted:
        action = "--remove --force" if remove else "--add"
        kind = "" if one.pattern == "literal" else f" --resource-pattern-type {one.pattern}"
        host = "" if one.host == "*" else f" --{one.permission.lower()}-host '{one.host}'"
        place = "--cluster" if one.resource == Resource.CLUSTER else f"--{one.resource} '{one.name}'"
        yield (
            f'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config admin.properties {action} '
            f"--{one.permission.lower()}-principal '{one.principal}'{host} --operation {one.operation} {place}{kind}"
        )


def table() -> str:
    """The table for people (Markdown), as the documentation prints it: each cell is tried on a real broker."""
    lines = [
        "| 资源 resource | 本区 the region | 他区 other regions | 管理员 administrator | 其他人 anyone else |",
        "|---|---|---|---|---|",
    ]
    for grant in GRANTS:
        names = "、".join(f"`jiexu.<region>.{purpose}`" for purpose in grant.purposes)
        own, others = _operations(grant, own=True), _operations(grant, own=False)
        lines.append(f"| {grant.resource} {names} | {own} | {others} | all | – |")
    lines.append("| cluster | – | – | all | – |")
    return "\n".join(lines)


def _operations(grant: Grant, own: bool) -> str:
    return ", ".join(operation for operation in Operation if allowed(grant, own, operation)) or "–"


def _touches(one: Binding) -> bool:
    """Whether an ACL concerns something of the product."""
    if one.resource not in (Resource.TOPIC, Resource.GROUP):
        return False
    if one.pattern == "prefixed":
        return one.name.startswith("jiexu.") or "jiexu.".startswith(one.name)
    return one.name == "*" or one.name.startswith("jiexu.")
