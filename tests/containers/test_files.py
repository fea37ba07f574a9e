"""What can be said of the containers' files without an engine: versions fit, pages name services that exist."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jiexu.exchange.broker_parts import KAFKA_VERSION
from tests.containers.servers import image_of

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IN_THE_IMAGE = ("postgres", "sm")


def asked() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"]
    return [*PROJECT["project"]["dependencies"], *(one for extra in IN_THE_IMAGE for one in extras[extra])]


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [("requirements.txt", asked()), ("requirements-build.txt", PROJECT["build-system"]["requires"])],
)
def test_every_requirement_of_the_project_is_pinned_to_a_version_that_it_allows(
    lock: str, requirements: list[str]
) -> None:
    text = (ROOT / "deploy" / lock).read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\\n    --hash=sha256:", text, re.MULTILINE))
    for requirement in map(Requirement, requirements):
        version = pinned.get(requirement.name)
        assert version is not None, f"{requirement} is not in deploy/{lock}: run make lock"
        assert requirement.specifier.contains(version), f"deploy/{lock} has {version}, not {requirement}: run make lock"


def test_the_images_servers_are_those_that_the_tests_run_on_elsewhere() -> None:
    assert image_of("kafka") == f"apache/kafka:{KAFKA_VERSION}"
    assert image_of("postgres") == "postgres:17"


def test_services_that_pages_name_in_commands_exist() -> None:
    services = set(
        re.findall(
            r"^  ([a-z-]+):(?: &[a-z-]+)?$", COMPOSE[COMPOSE.index("\nservices:") : COMPOSE.index("\nnetworks:")], re.M
        )
    )
    named = set()
    for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")):
        text = page.read_text(encoding="utf-8")
        named |= set(re.findall(r"docker compose (?:exec|run --rm|cp|restart|stop) ([a-z][a-z-]*)", text))
    assert {"inbound", "cli", "sample"} <= named
    assert named <= services
