"""A container engine for the tests that ask for one, and the image of this repository."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANSWER_SECONDS = 20


def missing_part() -> str | None:
    """Why no container can be run here: None where one can."""
    if shutil.which("docker") is None:
        return "there is no command `docker`: install a container engine"
    for what, words in (
        ("no container engine answers (docker info)", ("docker", "info")),
        ("the compose plugin is missing (docker compose version)", ("docker", "compose", "version")),
    ):
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"{what}: nothing within {ANSWER_SECONDS} s"
        if done.returncode:
            return f"{what}: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}"
    return None


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips where no engine answers; fails in CI, where nobody would notice what did not run."""
    missing = missing_part()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    from testcontainers.core.config import testcontainers_config

    # Its reaper is one more image to pull; every container here is taken down by whoever started it.
    testcontainers_config.ryuk_disabled = True


@pytest.fixture(scope="session")
def image(engine: None) -> Iterator[str]:
    """The image, built from this checkout; layers that did not change come from the engine's cache."""
    from testcontainers.core.image import DockerImage

    tag = f"jiexu:test-{os.getpid()}"
    with DockerImage(path=ROOT, tag=tag, buildargs={"REVISION": "test"}, rm=True):
        yield tag
