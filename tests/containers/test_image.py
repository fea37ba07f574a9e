"""The image by itself: small, nobody's, and strict about what it is told."""

import json
import subprocess
from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("containers")]

ADDED_MB = 100
"""What our layers may add to the base image: 77 MB were measured, of which our own code is 7."""


def docker(*words: str, code: int = 0) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def inspected(name: str) -> Any:
    return json.loads(docker("image", "inspect", name))[0]


def test_it_is_small_says_what_it_is_and_belongs_to_nobody(image: str) -> None:
    found = inspected(image)
    assert found["Size"] - inspected("python:3.13-slim")["Size"] < ADDED_MB * 1_000_000
    config = found["Config"]
    assert (config["User"], config["Entrypoint"]) == ("10001:10001", ["jiexu"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["licenses"] == "Apache-2.0"
    assert labels["revision"] == "test"
    assert "PYTHONUNBUFFERED=1" in config["Env"]


def test_it_runs_closed_and_holds_what_a_region_needs_and_nothing_to_build_with(image: str) -> None:
    closed = ("run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none")
    assert docker(*closed, image, "--version").startswith("jiexu ")
    look = "import jiexu.journal.postgres, gmssl_pyx, jiexu.exchange.kafka"
    docker(*closed, "--entrypoint=python", image, "-c", look)
    docker(*closed, "--entrypoint=python", image, "-c", "import pip", code=1)
    assert "'contract'" not in docker(*closed, image, "contract", "check")


def test_a_variable_that_is_no_setting_stops_it(image: str) -> None:
    said = docker("run", "--rm", "--network=none", "--env=JIEXU_JURNAL=x", image, "inbound", code=2)
    assert "JIEXU_JURNAL" in said
    assert "JIEXU_JOURNAL" in said
