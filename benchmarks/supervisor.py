"""The services of a deployment as systemd or compose keeps them: what ends unasked is started again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.deployment import REGIONS, Deployment
from jiexu.case.event import Role

RESTART_SECONDS = 5.0
"""As RestartSec in deploy/systemd."""
LOOK_SECONDS = 0.1
STOP_SECONDS = 60.0


class Name(NamedTuple):
    """A service: one role of one region."""

    region: str
    role: Role


EVERY = tuple(Name(region, role) for region in REGIONS for role in Role)


class Supervisor:
    """Runs every service of a deployment, from its making until `stop`."""

    def __init__(self, made: Deployment, restart_seconds: float = RESTART_SECONDS) -> None:
        self._made = made
        self._restart_seconds = restart_seconds
        self._lock = threading.Lock()
        self._copies: list[subprocess.Popen[bytes]] = []
        self._stopping = threading.Event()
        self.started: dict[Name, datetime] = {}
        """When each was last started, in UTC."""
        self.ended: list[str] = []
        """Ends that nobody caused: `610100 outbound: 1`."""
        self.killed = 0
        """Ends by SIGKILL."""
        self.running = {name: self._start(name) for name in EVERY}
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def kill(self, names: Iterable[Name]) -> None:
        """SIGKILL: no handler runs, no buffer is written."""
        self._signal(names, signal.SIGKILL)

    def pause(self, name: Name) -> None:
        """SIGSTOP: from here on it does nothing and knows nothing of it."""
        self._signal([name], signal.SIGSTOP)

    def go_on(self, names: Iterable[Name]) -> None:
        """SIGCONT."""
        self._signal(names, signal.SIGCONT)

    def copy(self, name: Name) -> None:
        """A second process of the same service, beside the first, until `stop_copies`."""
        self._copies.append(self._popen(name, "copy"))

    def stop_copies(self) -> None:
        """Stop the second processes, as an operator would who finds them."""
        _stop(self._copies)
        self._copies.clear()

    def restarted(self, names: Iterable[Name], since: datetime) -> datetime:
        """Wait until all of these have been started again after a moment; when the last of them was."""
        names = list(names)
        while any(self.started[name] < since for name in names):
            time.sleep(LOOK_SECONDS)
        return max(self.started[name] for name in names)

    def stop(self) -> None:
        """Stop every process cleanly."""
        self._stopping.set()
        self._watcher.join()
        self.go_on(EVERY)  # one that is paused would never hear
        _stop([*self.running.values(), *self._copies])

    def _signal(self, names: Iterable[Name], number: signal.Signals) -> None:
        with self._lock:
            for name in names:
                if self.running[name].poll() is None:
                    os.kill(self.running[name].pid, number)

    def _start(self, name: Name) -> subprocess.Popen[bytes]:
        process = self._popen(name, name.role.value)
        self.started[name] = datetime.now(UTC)
        return process

    def _popen(self, name: Name, log_name: str) -> subprocess.Popen[bytes]:
        with (self._made.folder / name.region / f"{log_name}.log").open("ab") as log:
            command = [sys.executable, "-m", "jiexu.cli.main", name.role.value]
            return subprocess.Popen(
                [*command, "--config", str(self._made.config_file(name.region))], stdout=log, stderr=log
            )

    def _watch(self) -> None:
        due: dict[Name, float] = {}
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                for name, process in self.running.items():
                    code = process.poll()
                    if code is None:
                        continue
                    if name not in due:
                        due[name] = time.monotonic() + self._restart_seconds
                        if code == -signal.SIGKILL:
                            self.killed += 1
                        else:
                            self.ended.append(f"{name.region} {name.role}: {code}")
                    if time.monotonic() >= due[name]:
                        del due[name]
                        self.running[name] = self._start(name)


def _stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    processes = list(processes)
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
