"""What the image installs is pinned, and is what the project asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
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
