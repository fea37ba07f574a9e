"""What a scrape costs where there are very many cases; prints JSON.

    python -m benchmarks.scrape [--cases N] [--open N] [--keep DIR]

A region's journal with N ended cases (seven real events, bundles and receipts each) and some open ones, lodged at its
own counter, is watched as a service watches it. `first` is a look after a start: everything is counted once. `scrape`
is what every later one costs, `after_events` the same while events come in. Seconds are CPU seconds of all threads,
since a scrape shares the machine with the service; `looks` says which source took how long.
"""

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from benchmarks import journal_append
from benchmarks.deployment import WENZHOU, deploy, lodgings
from jiexu.case.event import Role
from jiexu.exchange.settings import ExchangeSettings
from jiexu.journal.port import CaseRow, NewEvent
from jiexu.service.agency import Agency
from jiexu.service.counter import lodge
from jiexu.service.ledger_end import LEDGER_CURSOR
from jiexu.service.process import WATCH_CACHE_KIB
from jiexu.service.watching import looks
from jiexu.service.watching.pulse import Pulse
from jiexu.service.watching.watch import Watch
from jiexu.service.wiring import open_agency, open_configured_exchange, open_configured_journal

CASES_A_BLOCK = 256
SCRAPES = 20


def resident_bytes() -> int:
    """What the process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fill(agency: Agency, cases: int) -> None:
    """Ended cases of both roles, by the ways that a service writes them."""
    done = 0
    while done < cases:
        count = min(CASES_A_BLOCK, cases - done)
        ids = [journal_append.new_id() for _ in range(count)]
        batch: list[NewEvent] = [event for case_id in ids for event in journal_append.case_events(case_id)]
        journal_append.full(agency.journal, batch, done // CASES_A_BLOCK)
        with agency.journal.write() as write:
            write.put_cases([_row(case_id, write.now, write.last_position()) for case_id in ids])
        done += count


def _row(case_id: str, now: Any, position: int) -> CaseRow:
    return CaseRow(
        case_id, Role.OUTBOUND, "310000", case_id, "employee", "employee", "closed", False, position, opened_at=now
    )


def measure(agency: Agency, role: Role) -> dict[str, Any]:
    """The first look, later ones, and later ones while events come in."""
    looks.FRESH_SECONDS = 0.0
    before = resident_bytes()
    pulse = Pulse(agency.region, role)
    journal = open_configured_journal(agency.config, WATCH_CACHE_KIB)
    watch = Watch(
        *(agency, role, pulse, journal, lambda: open_configured_exchange(agency.config), 300.0), answer_seconds=60.0
    )
    for look in watch.looks.values():
        look._share = 1e9  # measured one after the other: in a service a dear look rests
    started, cpu, scrapes = time.perf_counter(), time.process_time(), 0
    text = ""
    while not (watch.journal.events.complete and _whole(text)):
        text, scrapes = generate_latest(watch.registry).decode(), scrapes + 1
    first = {
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "seconds": round(time.perf_counter() - started, 3),
        "scrapes": scrapes,
        "bytes": len(text),
    }
    gc.collect()
    steady = _each(watch, lambda: None)
    took = {name: round(look.took, 5) for name, look in watch.looks.items()}
    memory = resident_bytes() - before

    def more() -> None:
        ids = [journal_append.new_id() for _ in range(64)]
        batch = [event for case_id in ids for event in journal_append.case_events(case_id)]
        with agency.journal.write() as write:
            write.append(batch)

    busy = _each(watch, more)
    watch.stop()
    journal.close()
    return {
        "first": first,
        "scrape_cpu_seconds": steady,
        "after_events_cpu_seconds": busy,
        "looks": took,
        "memory_mib": round(memory / 2**20, 1),
    }


def _whole(text: str) -> bool:
    return any(line.startswith("jiexu_obligations_complete{") and line.endswith(" 1.0") for line in text.splitlines())


def _each(watch: Watch, between: Any) -> float:
    spent = 0.0
    for _ in range(SCRAPES):
        between()
        cpu = time.process_time()
        generate_latest(watch.registry)
        spent += time.process_time() - cpu
    return round(spent / SCRAPES, 5)


def run(folder: Path, cases: int, still_open: int) -> dict[str, Any]:
    """Everything, in that folder."""
    deployed = deploy(folder, 2 * still_open, ExchangeSettings(embedded=str(folder / "exchange.db")))
    agency = open_agency(deployed.configs[WENZHOU])
    try:
        fill(agency, cases)
        with agency.journal.write() as write:  # the followers have come so far
            names = [LEDGER_CURSOR, "personal", *(f"consequences:{role}" for role in Role)]
            names += [f"{name}:outbound:310000.inbound" for name in ("relay", "letters")]
            for name in names:
                write.move_cursor(name, 0, write.last_position())
        answers = lodge(agency, lodgings(deployed.movers, WENZHOU))
        with agency.journal.read() as read:
            lines = read.last_position()
            size = read.size_bytes()
        return {
            "cases": cases,
            "open_cases": sum(answer.outcome == "lodged" for answer in answers),
            "log_lines": lines,
            "journal_mib": round(size / 2**20),
            **{role.value: measure(agency, role) for role in Role},
        }
    finally:
        agency.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=1_000)
    parser.add_argument("--keep", type=Path, help="folder for the regions; it must not hold any")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(run(given.keep or Path(temporary), given.cases, given.open), indent=2))


if __name__ == "__main__":
    main()
