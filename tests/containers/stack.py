"""docker-compose.yml brought up as a person would, under a project name of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testcontainers.compose import DockerCompose

from tests.containers.engine import ROOT
from tests.containers.waiting import PATIENCE_SECONDS

EVERYTHING = ("pair", "tools")
OWN = ("kafka", "postgres", "outbound", "inbound")
PARTNERS = ("partner-postgres", "partner-outbound", "partner-inbound")


@dataclass
class Stack:
    """One project of the compose file; `environment` is a file with its variables (`docker compose --env-file`)."""

    project: str
    environment: Path
    files: tuple[str, ...] = ("docker-compose.yml",)

    def compose(self, *profiles: str) -> DockerCompose:
        """The compose file with these profiles."""
        files, environment = list(self.files), str(self.environment)
        return DockerCompose(ROOT, files, env_file=environment, profiles=list(profiles) or None)

    def up(self, *profiles: str) -> None:
        """`docker compose up --wait`: returns when every service is healthy."""
        try:
            self.run("up", "--detach", "--wait", profiles=profiles)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run('logs', '--tail', '20')}") from None

    def down(self) -> None:
        """`docker compose down --volumes`, whatever stands."""
        self.compose(*EVERYTHING).stop()

    def run(self, *words: str, code: int | None = 0, profiles: tuple[str, ...] = EVERYTHING) -> str:
        """`docker compose …`; returns its standard output.

        AssertionError where it ends with another code; None takes any.
        """
        command = [*self.compose(*profiles).docker_compose_command(), *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        assert code in (None, done.returncode), f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def jiexu(self, service: str, *words: str, code: int = 0) -> str:
        """A command of jiexu within the container of a service."""
        return self.run("exec", "-T", service, "jiexu", *words, code=code)

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of the service's container, stopped ones too."""
        container = self.compose(*EVERYTHING).get_container(service, include_all=True)
        found = subprocess.run(["docker", "inspect", str(container.ID)], capture_output=True, check=True).stdout
        document: dict[str, Any] = json.loads(found)[0]
        return document

    def states(self, service: str) -> dict[str, tuple[str, str, int]]:
        """Every case as the journal's replay has it: status, state hash, number of events."""
        report = json.loads(self.jiexu(service, "audit", "replay", "--json"))
        assert report["problems"] == []
        return {case["case"]: (case["status"], case["state"], case["events"]) for case in report["cases"]}


def project(
    name: str, folder: Path, settings: dict[str, str], files: tuple[str, ...] = ("docker-compose.yml",)
) -> Stack:
    """A project of its own name, whatever else the engine runs, with these variables."""
    environment = folder / "env"
    settings = {"COMPOSE_PROJECT_NAME": f"{name}-{os.getpid()}", **settings}
    environment.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    return Stack(settings["COMPOSE_PROJECT_NAME"], environment, files)
