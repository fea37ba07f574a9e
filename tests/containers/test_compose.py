"""The compose file brought up, used through the command line, hurt, and taken down: one session, in this order."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiexu.exchange.broker import free_port
from tests.containers.stack import OWN, PARTNERS, Stack, project
from tests.containers.waiting import eventually

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("containers")]

# A case that is over, with what the plain one takes: lodged, accepted, form, remitted, completed, arrived, credited.
CLOSED, PLAIN_EVENTS = "closed", 7


@pytest.fixture(scope="module")
def stack(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One region alone, as `docker compose up` has it."""
    ports = {name: str(free_port()) for name in ("KAFKA_PORT", "OUTBOUND_PORT", "INBOUND_PORT")}
    settings = {"JIEXU_IMAGE": image, **ports}
    stack = project("jiexu-test", tmp_path_factory.mktemp("compose"), settings)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def pair(stack: Stack) -> Stack:
    """With the partner beside it: the same command again, over what stands."""
    before = json.loads(stack.jiexu("inbound", "region", "show", "--json"))["participants"]
    stack.up("pair")
    after = json.loads(stack.jiexu("inbound", "region", "show", "--json"))["participants"]
    assert [row for row in after if row["own"]] == before, "a region that stands is left as it is"
    assert len(after) == 2
    return stack


def settled(stack: Stack, cases: int) -> bool:
    """Whether both sides hold that many cases, all of them over, and each as the other does."""
    own = stack.states("inbound")
    over = len(own) == cases and {status for status, _, _ in own.values()} == {CLOSED}
    return over and own == stack.states("partner-outbound")


def lodge(stack: Stack, service: str, people: int, seed: int) -> None:
    """Invented people apply at one of the two windows, all of them moving from the partner's region to this one."""
    side = "partner" if service.startswith("partner") else "region"
    file = f"--applications=/var/lib/jiexu/{side}/applications.csv"
    stack.run("run", "--rm", "-T", "sample", f"--count={people}", f"--seed={seed}", file)
    answer = json.loads(stack.jiexu(service, "apply", "applications.csv", "--json"))
    assert (answer["lodged"], answer["refused"], answer["bad_rows"]) == (people, 0, 0), answer


def test_one_region_comes_up_alone_and_sound(stack: Stack) -> None:
    running = {container.Service: container.Health for container in stack.compose("pair").get_containers()}
    assert running == dict.fromkeys(OWN, "healthy")
    findings = json.loads(stack.run("run", "--rm", "-T", "cli", "doctor", "--json"))
    assert findings["sound"], findings
    (config,) = [finding for finding in findings["findings"] if finding["probe"] == "config"]
    assert "JIEXU_JOURNAL_PASSWORD_FILE" in config["en"]


def test_cases_run_through_both_regions_whichever_side_lodged_them(pair: Stack) -> None:
    lodge(pair, "inbound", 6, seed=1)
    lodge(pair, "partner-outbound", 6, seed=2)
    eventually("12 cases are over on both sides", lambda: settled(pair, 12))
    assert {events for _, _, events in pair.states("inbound").values()} == {PLAIN_EVENTS}


def test_a_case_is_followed_by_its_number(pair: Stack) -> None:
    case = next(iter(pair.states("inbound")))
    assert json.loads(pair.jiexu("inbound", "status", case, "--json"))["case_id"] == case
    assert "BalanceCredited" in pair.jiexu("partner-outbound", "events", case, "--json")


def test_the_live_journal_is_backed_up_and_its_layout_is_this_images(pair: Stack) -> None:
    backup = "/var/lib/jiexu/region/backup.db"
    pair.jiexu("inbound", "journal", "backup", backup)
    assert pair.run("exec", "-T", "inbound", "stat", "-c", "%a %u", backup).split() == ["600", "10001"]
    pair.run("exec", "-T", "inbound", "rm", backup)
    answer = json.loads(pair.run("run", "--rm", "-T", "cli", "journal", "migrate", "--dry-run", "--json"))
    assert answer["steps"] == [], answer


def test_containers_have_no_rights_and_publish_on_loopback_alone(pair: Stack) -> None:
    for service in (*OWN, *PARTNERS):
        found = pair.inspect(service)
        host, settings = found["HostConfig"], found["Config"]
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert host["CapDrop"] == ["ALL"], service
        assert bool(host["CapAdd"]) == ("postgres" in service), service
        assert host["ReadonlyRootfs"] == (service != "kafka"), service
        assert host["Memory"] > 0, service
        published = [place for places in (found["NetworkSettings"]["Ports"] or {}).values() for place in places or ()]
        assert {place["HostIp"] for place in published} <= {"127.0.0.1"}, service
        if "bound" in service:
            assert settings["User"] == "10001:10001"


def test_no_password_stands_where_the_engine_shows_it(pair: Stack) -> None:
    password = pair.run("exec", "-T", "inbound", "cat", "/var/lib/jiexu/secrets/journal").strip()
    assert len(password) > 40
    key = pair.run("exec", "-T", "inbound", "cat", "/var/lib/jiexu/secrets/kafka.key").splitlines()[1]
    for service in (*OWN, *PARTNERS):
        assert key not in json.dumps(pair.inspect(service)), service
        assert password not in json.dumps(pair.inspect(service)), service
    logs = pair.run("logs")
    assert password not in logs
    assert key not in logs


def test_a_region_reaches_neither_the_partners_database_nor_its_own_without_the_password(pair: Stack) -> None:
    ask = "import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=5)"
    for url, why in (
        ("postgresql://jiexu@partner-postgres/jiexu", "resolve"),
        ("postgresql://jiexu@postgres/jiexu", "password"),
        ("postgresql://jiexu:wrong@postgres/jiexu", "password authentication failed"),
    ):
        said = pair.run("exec", "-T", "inbound", "sh", "-c", f"! python -c '{ask}' {url} 2>&1")
        assert why in said, said


def test_at_the_broker_nobody_is_anonymous_and_a_region_sees_its_own_alone(pair: Stack) -> None:
    look = ("topics", "describe", "--config", "region.toml", "--json")
    assert "jiexu.610100.ledger" in json.loads(pair.jiexu("inbound", *look, "--region", "610100"))
    pair.jiexu("inbound", *look, "--region", "330300", code=2)
    pair.jiexu("inbound", "topics", "describe", "--kafka", "kafka:19092", "--region", "610100", code=2)
    admin = ("--config", "/var/lib/jiexu/admin/admin.toml", "--json")
    pair.run("run", "--rm", "-T", "cli", "topics", "acls", "--check", *admin)
    assert "ca.key" not in pair.run("exec", "-T", "inbound", "find", "/var/lib/jiexu", "-name", "*.key")


def test_a_stop_is_clean_within_the_grace_period(pair: Stack) -> None:
    pair.run("stop", "inbound", "partner-outbound")
    for service in ("inbound", "partner-outbound"):
        state = pair.inspect(service)["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False), service
        last = [json.loads(line)["event"] for line in pair.run("logs", "--no-log-prefix", service).splitlines()[-2:]]
        assert last == ["stopping", "stopped"], service
    pair.up("pair")


def test_what_is_killed_under_way_goes_on_where_it_was(pair: Stack) -> None:
    subprocess.run(["docker", "kill", str(pair.inspect("partner-outbound")["Id"])], check=True)
    lodge(pair, "inbound", 20, seed=3)
    # All processes of the container but its first: what a crash is to the engine, which starts it again.
    pair.run("exec", "-T", "inbound", "sh", "-c", "kill -9 -1", code=None)
    eventually("the engine has started it again", lambda: pair.inspect("inbound")["RestartCount"] > 0)
    assert pair.inspect("partner-outbound")["State"]["ExitCode"] == 137
    assert [status for status, _, _ in pair.states("outbound").values()].count(CLOSED) == 12
    pair.up("pair")
    eventually("32 cases are over on both sides", lambda: settled(pair, 32))
    assert {events for _, _, events in pair.states("inbound").values()} == {PLAIN_EVENTS}
    for service in ("inbound", "partner-outbound"):
        assert json.loads(pair.jiexu(service, "todo", "list", "--json")) == []


def test_the_journals_password_can_be_a_file_of_ones_own(image: str, tmp_path: Path) -> None:
    secret = tmp_path / "journal"
    secret.write_text("our own\n", encoding="utf-8")
    os.chown(secret, 10001, 10001)
    secret.chmod(0o400)
    settings = {"JIEXU_IMAGE": image, "JOURNAL_SECRET": str(secret)}
    files = ("docker-compose.yml", "deploy/compose.secrets.yml")
    stack = project("jiexu-test-own", tmp_path, settings, files)
    look = (
        "from pathlib import Path; from jiexu.journal.opening import open_journal; "
        "open_journal('postgresql://jiexu@postgres/jiexu', '610100', create=True, "
        "password_file=Path('/run/secrets/journal')).close()"
    )
    try:
        stack.run("up", "--detach", "--wait", "postgres")
        stack.run("run", "--rm", "-T", "--no-deps", "--entrypoint=python", "cli", "-c", look)
    finally:
        stack.down()


def test_down_with_volumes_leaves_nothing(pair: Stack) -> None:
    pair.down()
    for kind in ("container", "volume", "network"):
        words = ["docker", kind, "ls", "--quiet", "--filter", f"label=com.docker.compose.project={pair.project}"]
        if kind == "container":
            words.append("--all")
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == ""
