"""Real faults on real processes, under load: what was lost, what was doubled, how long it took to go on.

    python -m benchmarks.faults [--fault NAME …] [--cases N] [--rate R] [--store sqlite|postgresql] [--json]

Two regions, four service processes that a supervisor keeps, a real broker, durable journals. Applications are lodged
at a steady rate; the fault strikes in the middle of it, at a moment that the seed names. When every case has ended
both journals are replayed and compared with each other, and the money with the registries and the bank. `lost` counts
events that one side has and the other has not, and cases that were accepted and did not end; `doubled` events, ids,
payments and credits that stand twice; `doubled_acts` what a local platform or the bank did twice for one case.
`recovery_seconds` is from the moment the cause is gone (strikes.py says what that is for each fault) to the first
event that a struck service recorded, `backlog_seconds` to the credit of the last case applied for by then.
`killed` (processes), `waited` (lines of log by which services say that they wait), `ended_by_themselves` (processes
that nobody killed), `lodged_again` (attempts of the counters that failed) tell what the fault came to.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.clerks import Counter
from benchmarks.deployment import REGIONS, XIAN, lodgings
from benchmarks.end_to_end import say
from benchmarks.eyes import Eyes, doubled_acts, waits
from benchmarks.rig import Rig, rig
from benchmarks.strikes import FAULTS, Fault, Struck
from jiexu.audit.compare import compare_all
from jiexu.audit.money import money_of
from jiexu.audit.replay import replay_journal
from jiexu.region.registry import Bank

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 600.0
STRIKE_BETWEEN = (0.3, 0.5)
"""After which share of the applications a fault strikes: the load goes on during it and after."""


@dataclass(frozen=True)
class Load:
    """Which of the movers are lodged: `cases` from the `first` on, half in each region, `rate` a second in all."""

    cases: int
    rate: float
    first: int = 0


def run(struck: Rig, name: str, fault: Fault, load: Load, seed: int) -> dict[str, Any]:
    """Strike once, under load, and prove what came of it. The services are left running."""
    each = load.cases // 2
    half = slice(load.first // 2, load.first // 2 + each)
    counters = [
        Counter(struck.made.configs[region], lodgings(struck.made.movers, region)[half], load.rate / 2)
        for region in REGIONS
    ]
    moment = Random(f"{seed} {name}").uniform(*STRIKE_BETWEEN) * 2 * each
    waited, killed, ended_before = waits(struck), struck.services.killed, len(struck.services.ended)
    with closing(Eyes(struck)) as eyes:
        for counter in counters:
            counter.start()
        while sum(len(counter.lodged) for counter in counters) < moment:
            time.sleep(0.02)
        say(f"  {name}: striking, {eyes.look()} of {2 * each} cases have ended")
        hit = fault.strike(struck)
        lasted = round((datetime.now(UTC) - hit.at).total_seconds(), 1)
        say(f"  {name}: over after {lasted} s")
        deadline, told = time.monotonic() + PATIENCE_SECONDS, -1
        while (ended := eyes.look()) < 2 * each or not eyes.at_rest():
            if time.monotonic() > deadline or any(counter.wrong for counter in counters):
                break
            if ended > told:
                told = ended
                say(f"  {name}: {ended}/{2 * each}")
            time.sleep(LOOK_SECONDS)
        struck.services.stop_copies()
        return {
            "fault": name,
            "seed": seed,
            "lasted_seconds": lasted,
            **_proof(struck, eyes, hit, counters),
            "killed": struck.services.killed - killed,
            "waited": waits(struck) - waited,
            "ended_by_themselves": struck.services.ended[ended_before:],
        }


def _proof(struck: Rig, eyes: Eyes, hit: Struck, counters: Sequence[Counter]) -> dict[str, Any]:
    journals = {region: agency.journal for region, agency in eyes.agencies.items()}
    replayed = {region: replay_journal(journal) for region, journal in journals.items()}
    report = compare_all(replayed)
    config = struck.made.configs[XIAN]
    with closing(Bank(config.path(config.platform.bank))) as bank:
        platforms = {region: agency.platform for region, agency in eyes.agencies.items()}
        money = money_of(replayed, journals, platforms, bank.book())
    lodged = [case_id for counter in counters for case_id in counter.lodged]
    unended = [case_id for case_id in lodged if case_id not in eyes.credited]
    recovery, backlog = eyes.times(hit)
    return {
        "cases": len(lodged),
        "events": report.events,
        "lost": report.lost + len(unended),
        "doubled": report.doubled + sum(eyes.credited.values()) - len(eyes.credited) + len(lodged) - len(set(lodged)),
        "awaiting_receipt": report.awaiting_receipt,
        "journals_agree": report.journals_agree,
        "money_balanced": money.balanced,
        "parked": eyes.parked(),
        "doubled_acts": doubled_acts(struck),
        "recovery_seconds": recovery,
        "backlog_seconds": backlog,
        "lodged_again": sum(counter.again for counter in counters),
        "differences": [*report.differences, *money.differences, *(w for c in counters for w in c.wrong)],
    }


def sound(found: dict[str, Any]) -> bool:
    """Nothing lost, nothing doubled, nothing left over, and every book agrees."""
    nothing = ("lost", "doubled", "awaiting_receipt", "parked", "doubled_acts", "differences")
    return found["journals_agree"] and found["money_balanced"] and not any(found[name] for name in nothing)


def one_fault(name: str, cases: int, rate: float, store: str, seed: int, seconds: float | None) -> dict[str, Any]:
    """A fault on a deployment of its own."""
    fault = FAULTS[name]
    lasts = fault.seconds if seconds is None else seconds
    # Load goes on while a long fault lasts: after the strike comes half of it at the least.
    rate = min(rate, cases * (1 - STRIKE_BETWEEN[1]) / (lasts + 1))
    with tempfile.TemporaryDirectory(prefix="jiexu-faults-") as folder:
        say(f"{name} ({store}): {cases} cases, {rate:.1f} a second …")
        with rig(Path(folder), cases, store, [fault.needs] if fault.needs else []) as struck:
            struck.seconds = lasts
            return {"store": store, "rate": round(rate, 1), **run(struck, name, fault, Load(cases, rate), seed)}


def main() -> None:
    """Run, print a line for each fault or JSON, exit with 1 on any loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--fault", action="append", choices=FAULTS, help="one of them; may be given again (default: all)"
    )
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=25.0, help="applications a second, at the most")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="default: SQLite, where the fault allows it")
    parser.add_argument("--seed", type=int, default=1, help="names the moment of each strike")
    parser.add_argument("--seconds", type=float, help="how long the fault lasts")
    parser.add_argument("--json", action="store_true", help="print JSON alone; progress goes to standard error")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped, what was mounted unmounted
    results = []
    for name in args.fault or FAULTS:
        store = args.store or FAULTS[name].stores[0]
        if store not in FAULTS[name].stores:
            parser.error(f"{name} strikes {', '.join(FAULTS[name].stores)} only")
        found = one_fault(name, args.cases, args.rate, store, args.seed, args.seconds)
        results.append(found)
        if not args.json:
            print("  ".join(f"{key}={value}" for key, value in found.items()), flush=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    if args.json:
        print(json.dumps({"results": results, "machine": machine}, ensure_ascii=False))
    sys.exit(0 if all(map(sound, results)) else 1)


if __name__ == "__main__":
    main()
