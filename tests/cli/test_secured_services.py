"""Two regions' services as processes on a secured Kafka: TLS, a login each, the table's rights and no others."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jiexu.exchange.acls import Binding, bindings, principal_of
from jiexu.exchange.kafka import KafkaExchange, KafkaSettings
from jiexu.exchange.kafka.acls import make_acls
from jiexu.exchange.kafka.admin import KafkaAdmin
from jiexu.exchange.topics import Outcome, create, region_topics, topic_name
from tests.exchange.acl_probes import remove_acls
from tests.exchange.place import until
from tests.exchange.secured_fixture import ADMIN, A, B, Secured

from .conftest import Jiexu
from .people import application_file, movers, row

FOLDERS = {A: "xian", B: "wenzhou"}


class Running:
    """The four services, their logs in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes = {}
        for name in FOLDERS.values():
            for role in ("outbound", "inbound"):
                command = [sys.executable, "-m", "jiexu.cli.main", role, "--config", str(folder / name / "region.toml")]
                with (folder / f"{name}-{role}.log").open("wb") as log:
                    self._processes[name, role] = subprocess.Popen(command, stderr=log)

    def said(self, name: str, role: str) -> list[dict[str, Any]]:
        """The lines of a service's log so far."""
        assert self._processes[name, role].poll() is None, f"{name} {role} ended"
        text = (self.folder / f"{name}-{role}.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def credited(self) -> int:
        """In how many cases 西安 knows that all is done."""
        return sum(line.get("type") == "BalanceCredited" for line in self.said("xian", "outbound"))

    def stop(self) -> list[int]:
        """Stop all; their exit codes."""
        for process in self._processes.values():
            process.terminate()
        return [process.wait(60) for process in self._processes.values()]


@pytest.fixture
def admin(secured: Secured) -> Iterator[KafkaAdmin]:
    admin = KafkaExchange(secured.by_password(ADMIN)).admin()
    yield admin
    admin.close()


@pytest.fixture
def regions(two: Path, secured: Secured, admin: KafkaAdmin) -> Iterator[Path]:
    """西安 logs in with a password, 温州 with a certificate; topics and ACLs are the administrator's work."""
    specs = [spec for code in FOLDERS for spec in region_topics(code)]
    standing = set(admin.topics())
    for spec in specs:
        if spec.name in standing:
            admin.delete(spec.name)
    assert {one.outcome for one in create(admin, specs)} == {Outcome.CREATED}
    make_acls(admin, bindings(FOLDERS))
    _log_in(two / "xian" / "region.toml", secured.by_password(f"jiexu.{A}"))
    _log_in(two / "wenzhou" / "region.toml", secured.by_certificate(f"jiexu.{B}"))
    yield two
    remove_acls(admin, bindings(FOLDERS))


def _log_in(file: Path, settings: KafkaSettings) -> None:
    """What a region writes into its configuration, in place of the embedded exchange."""
    values = settings.model_dump(exclude_defaults=True, mode="json")
    lines = ["[exchange.kafka]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    before, _, after = file.read_text(encoding="utf-8").partition("[exchange]\n")
    file.write_text("\n".join([before, *lines, "", after[after.index("[platform]") :]]), encoding="utf-8")


@pytest.mark.kafka
@pytest.mark.xdist_group("secured")
def test_two_regions_complete_cases_and_outlast_a_right_that_was_taken_away(
    jiexu: Jiexu, regions: Path, admin: KafkaAdmin
) -> None:
    people = movers(regions, 3)
    here, there = regions / "xian" / "region.toml", regions / "wenzhou" / "region.toml"

    def lodge(person: Any) -> None:
        assert jiexu("apply", application_file(regions / "a.csv", [row(person)]), "--config", there).code == 0

    lodge(people[0])
    services = Running(regions)
    try:
        until(lambda: services.credited() == 1, 120)
        for config in (here, there):  # with the regions' own rights
            findings = jiexu("doctor", "--config", config, "--json").json["findings"]
            states = {one["probe"]: one["state"] for one in findings}
            assert (states["exchange"], states["topics"], states["clock"]) == ("ok", "ok", "ok"), findings

        read = Binding(principal_of(A), "topic", topic_name(A, "outbound"), "Read")
        remove_acls(admin, [read])
        until(lambda: any(line["event"] == "exchange_refused" for line in services.said("xian", "outbound")), 60)
        lodge(people[1])
        (alarm,) = jiexu("todo", "list", "--config", here, "--json").json
        assert alarm["code"] == "exchange.not_allowed"
        assert topic_name(A, "outbound") in alarm["zh"]
        assert services.credited() == 1
        make_acls(admin, [read])
        until(lambda: services.credited() == 2, 120)
        lodge(people[2])
        until(lambda: services.credited() == 3, 120)
    finally:
        codes = services.stop()
    assert codes == [0, 0, 0, 0]
    compared = jiexu("audit", "compare", here, there, "--json")
    assert compared.code == 0, compared.out


@pytest.mark.kafka
@pytest.mark.xdist_group("secured")
def test_a_service_that_is_refused_at_its_start_ends_and_says_why(regions: Path, secured: Secured) -> None:
    config = regions / "xian" / "region.toml"
    _log_in_again = secured.by_password(f"jiexu.{A}", sasl_password_file=str(secured.file("wrong", "not this")))
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(str(secured.password_file(f"jiexu.{A}")), str(_log_in_again.sasl_password_file)))
    done = subprocess.run(
        [sys.executable, "-m", "jiexu.cli.main", "outbound", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"jiexu.{A} 未被接受" in done.stderr
    assert "Traceback" not in done.stderr
