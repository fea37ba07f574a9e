"""The table of who may do what: made at a real broker, each cell tried there in both directions, and documented."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jiexu.cli.main import cli
from jiexu.exchange import Consumer, NotAllowed, Outgoing
from jiexu.exchange.acls import (
    GRANTS,
    Binding,
    Operation,
    Resource,
    allowed,
    bindings,
    compare,
    kafka_acls_lines,
    principal_of,
    table,
)
from jiexu.exchange.kafka import KafkaExchange
from jiexu.exchange.kafka.acls import make_acls, read_acls
from jiexu.exchange.topics import topic_name
from tests.exchange.acl_probes import PROBES, Login, remove_acls
from tests.exchange.place import PATIENCE, Journal, until
from tests.exchange.secured_fixture import ADMIN, STRANGER, A, B, Secured


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["topics", *arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def admin_toml(secured: Secured) -> Path:
    """An administrator's configuration: only [exchange]."""
    settings = secured.by_password(ADMIN)
    lines = [f'{name} = "{value}"' for name, value in settings.model_dump(exclude_defaults=True).items()]
    file = secured.folder / "admin.toml"
    file.write_text("\n".join(["[exchange.kafka]", *lines]))
    return file


@pytest.fixture(scope="module")
def logins(secured: Secured, admin_toml: Path) -> Iterator[dict[str, Login]]:
    """A by password, B by certificate, somebody who may log in and no more, and the administrator."""
    where = ("--config", str(admin_toml), "--region", A, "--region", B)
    run("create", *where, "--replication", "1")
    run("acls", *where, "--apply")
    settings = {
        A: secured.by_password(f"jiexu.{A}"),
        B: secured.by_certificate(f"jiexu.{B}"),
        STRANGER: secured.by_password(STRANGER),
        ADMIN: secured.by_password(ADMIN),
    }
    exchanges = {who: KafkaExchange(one) for who, one in settings.items()}
    found = {who: Login(exchange.admin(), exchange.producer()) for who, exchange in exchanges.items()}
    yield found
    remove_acls(found[ADMIN].admin, bindings([A, B]))
    for login in found.values():
        login.close()
    for exchange in exchanges.values():
        exchange.close()


CELLS = [
    pytest.param(who, owner, grant, purpose, operation, id=f"{who}-{grant.resource}-{owner}.{purpose}-{operation}")
    for grant in GRANTS
    for purpose in grant.purposes
    for operation in Operation
    if (grant.resource, operation) in PROBES or (operation is Operation.WRITE and grant.resource is Resource.TOPIC)
    for owner in (A, B)
    for who in (A, B, STRANGER, ADMIN)
]


@pytest.mark.kafka
@pytest.mark.xdist_group("secured")
class TestEachCell:
    @pytest.mark.parametrize(("who", "owner", "grant", "purpose", "operation"), CELLS)
    def test_topics_and_groups(self, logins, who, owner, grant, purpose, operation) -> None:  # type: ignore[no-untyped-def]
        expected = who == ADMIN or (who != STRANGER and allowed(grant, who == owner, operation))
        assert logins[who].tried(grant.resource, operation, topic_name(owner, purpose)) is expected

    @pytest.mark.parametrize("operation", [o for r, o in PROBES if r is Resource.CLUSTER])
    @pytest.mark.parametrize("who", [A, B, STRANGER, ADMIN])
    def test_the_cluster_is_the_administrators(self, logins: dict[str, Login], who: str, operation: Operation) -> None:
        assert logins[who].tried(Resource.CLUSTER, operation, "") is (who == ADMIN)

    @pytest.mark.parametrize("who", [A, B])
    def test_a_topic_outside_the_table_is_nobodys(self, logins: dict[str, Login], who: str) -> None:
        name = f"jiexu.{who}.other"
        for operation in (Operation.READ, Operation.WRITE, Operation.DESCRIBE, Operation.CREATE):
            assert not logins[who].tried(Resource.TOPIC, operation, name)
        assert not logins[who].tried(Resource.GROUP, Operation.READ, name)


@pytest.mark.kafka
@pytest.mark.xdist_group("secured")
class TestUnderThem:
    def test_what_one_region_sends_the_other_takes_in(self, secured: Secured, logins: dict[str, Login]) -> None:
        """Idempotent, with no right to the cluster: WRITE on one topic is enough for that."""
        mailbox = topic_name(B, "outbound")
        logins[A].producer.send([Outgoing(mailbox, 0, None, b"a letter")])
        exchange = KafkaExchange(secured.by_certificate(f"jiexu.{B}"))
        consumer = exchange.consumer(mailbox, mailbox, Journal().start)
        found: list[bytes] = []
        until(lambda: b"a letter" in found or found.extend(r.value for r in consumer.poll(100, 0.1)))
        consumer.close()
        exchange.close()

    def test_nobody_reads_under_anothers_group(self, secured: Secured, logins: dict[str, Login]) -> None:
        exchange = KafkaExchange(secured.by_password(f"jiexu.{A}"))
        consumer = exchange.consumer(topic_name(A, "outbound"), topic_name(B, "outbound"), Journal().start)
        with pytest.raises(NotAllowed, match=f"jiexu.{B}.outbound"):
            _poll(consumer)
        consumer.close()
        exchange.close()

    def test_a_right_that_is_taken_away_is_told_of_and_soon(self, secured: Secured, logins: dict[str, Login]) -> None:
        admin, read = logins[ADMIN].admin, Binding(principal_of(A), "topic", topic_name(A, "inbound"), "Read")
        exchange = KafkaExchange(secured.by_password(f"jiexu.{A}"))
        consumer = exchange.consumer(read.name, read.name, Journal().start)
        while not consumer.assignment():
            consumer.poll(10, 0.1)
        remove_acls(admin, [read])
        with pytest.raises(NotAllowed, match=read.name):
            _poll(consumer)
        make_acls(admin, [read])
        consumer.close()
        exchange.close()

    def test_check_finds_what_is_missing_and_what_is_too_much(self, admin_toml: Path, logins: dict[str, Login]) -> None:
        where = ("--config", str(admin_toml), "--region", A, "--region", B)
        admin = logins[ADMIN].admin
        assert "全部符合" in run("acls", *where, "--check").stdout
        gone = Binding(principal_of(A), "topic", topic_name(A, "ledger"), "Write")
        others = [
            Binding(principal_of(A), "topic", topic_name(B, "ledger"), "Read"),
            Binding("User:*", "topic", "jiexu.", "Read", pattern="prefixed"),
            Binding(principal_of(B), "cluster", "kafka-cluster", "Create"),
            Binding("User:somebody", "group", topic_name(B, "inbound"), "Read", permission="Deny", host="10.0.0.1"),
        ]
        elsewhere = Binding("User:somebody", "topic", "weather", "Read")
        make_acls(admin, [*others, elsewhere])
        remove_acls(admin, [gone])
        try:
            found = json.loads(run("acls", *where, "--check", "--json", code=1).stdout)
            assert [Binding(**one) for one in found["missing"]] == [gone]
            assert [Binding(**one) for one in found["extra"]] == sorted(others)
            said = run("acls", *where, "--check", code=1).stdout
            assert f"缺少 {gone}" in said
            assert "--remove --force --deny-principal 'User:somebody' --deny-host '10.0.0.1'" in said
            leave = ("--ignore", "User:*", "--ignore", "User:somebody")
            ignored = run("acls", *where, "--check", "--json", *leave, code=1)
            assert [Binding(**one) for one in json.loads(ignored.stdout)["extra"]] == sorted([others[0], others[2]])
        finally:
            remove_acls(admin, [*others, elsewhere])
        assert [Binding(**one) for one in json.loads(run("acls", *where, "--apply", "--json").stdout)["made"]] == [gone]
        assert set(read_acls(admin)) == set(bindings([A, B]))  # made whole, and what is not the table's is away

    def test_a_region_may_not_make_them(self, secured: Secured, logins: dict[str, Login]) -> None:
        with pytest.raises(NotAllowed):
            read_acls(logins[A].admin)
        with pytest.raises(NotAllowed):
            make_acls(logins[A].admin, bindings([A, B])[:1])


@pytest.mark.kafka
def test_a_cluster_without_authorizer_is_told_of(kafka_bootstrap: str) -> None:
    said = CliRunner().invoke(cli, ["topics", "acls", "--kafka", kafka_bootstrap, "--region", A, "--check"])
    assert said.exit_code == 2
    assert "authorizer.class.name" in said.stderr


class TestTheTable:
    def test_a_region_writes_to_others_mailboxes_and_reads_its_own(self) -> None:
        made = bindings([A, B])
        mine = [one for one in made if one.principal == principal_of(A) and one.resource == Resource.TOPIC]
        assert {one.name for one in mine if one.operation == Operation.READ} == {
            f"jiexu.{A}.{purpose}" for purpose in ("outbound", "inbound", "ledger", "personal", "deadletter")
        }
        assert {one.name for one in mine if one.operation == Operation.WRITE} == {
            *(f"jiexu.{B}.{purpose}" for purpose in ("outbound", "inbound")),
            *(f"jiexu.{A}.{purpose}" for purpose in ("ledger", "personal", "deadletter")),
        }

    @pytest.mark.parametrize("count", [1, 2, 5, 20])
    def test_how_many_there_are(self, count: int) -> None:
        made = bindings([f"{number:06}" for number in range(count)])
        assert len(made) == 2 * count**2 + 13 * count
        assert all((one.permission, one.pattern, one.host) == ("Allow", "literal", "*") for one in made)

    def test_another_name_for_a_region(self) -> None:
        made = bindings([A, B], {B: "User:CN=wenzhou"})
        assert {one.principal for one in made} == {principal_of(A), "User:CN=wenzhou"}

    def test_what_is_elsewhere_and_nobodys_of_ours_is_left_alone(self) -> None:
        elsewhere = [
            Binding("User:monitor", "topic", "weather", "Read"),
            Binding("User:monitor", "cluster", "kafka-cluster", "Describe"),
            Binding("User:monitor", "topic", "other.", "Read", pattern="prefixed"),
        ]
        assert compare(bindings([A]), [*bindings([A]), *elsewhere]).extra == ()
        every = Binding("User:monitor", "topic", "*", "Read")
        short = Binding("User:monitor", "topic", "ji", "Read", pattern="prefixed")
        assert compare(bindings([A]), [*bindings([A]), every, short]).extra == (every, short)

    def test_it_is_printed_without_a_broker(self) -> None:
        region = ("--region", A, "--region", B)
        assert table() in run("acls", *region).stdout
        assert tuple(Binding(**one) for one in json.loads(run("acls", *region, "--json").stdout)) == bindings([A, B])
        lines = run("acls", *region, "--commands").stdout.splitlines()
        assert lines == list(kafka_acls_lines(bindings([A, B])))
        assert (
            'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config admin.properties --add '
            f"--allow-principal 'User:jiexu.{A}' --operation Write --topic 'jiexu.{B}.inbound'"
        ) in lines

    @pytest.mark.parametrize(
        "wrong",
        [
            (),
            ("--region", "no good"),
            ("--region", A, "--check"),
            ("--region", A, "--exchange", "x.db", "--check"),
            ("--region", A, "--apply", "--check"),
            ("--region", A, "--principal", "wenzhou"),
        ],
    )
    def test_bad_input(self, wrong: tuple[str, ...]) -> None:
        run("acls", *wrong, code=2)

    def test_the_documentation_prints_the_same_table(self) -> None:
        assert table() in Path(__file__).parents[2].joinpath("docs/security.md").read_text("utf-8")


def _poll(consumer: Consumer) -> None:
    for _ in range(round(PATIENCE)):
        consumer.poll(10, 1.0)
