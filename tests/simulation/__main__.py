"""`python -m tests.simulation --seeds 1..500 [--json] [--jobs 2] [--trace] [--dense] [--focus A,B] [--without NAME]`.

Runs schedules; exits 1 on a violation."""

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial

from tests.simulation.plan import dense, draw, focused
from tests.simulation.run import Outcome, machine, run
from tests.simulation.safeguards import BY_NAME
from tests.simulation.shrink import shrunk

SEEDS_A_TASK = 20


def seeds(text: str) -> range:
    """`7` or `1..500`, both ends included."""
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=range(1, 501), help="A..B, both included (1..500)")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite", help="where the journals are")
    parser.add_argument("--without", choices=sorted(BY_NAME), metavar="SAFEGUARD", help=", ".join(sorted(BY_NAME)))
    parser.add_argument("--dense", action="store_true", help="about twice as much goes wrong in each schedule")
    parser.add_argument("--focus", default="", metavar="A,B", help="more of something, e.g. disaster,midway (plan.py)")
    parser.add_argument("--trace", action="store_true", help="tell what happens in each schedule; shrink what fails")
    given = parser.parse_args(arguments)
    with BY_NAME[given.without].off() if given.without else nullcontext():
        return _run(given)


def _run(given: argparse.Namespace) -> int:
    started = time.monotonic()
    faults: Counter[str] = Counter()
    violations: list[dict[str, object]] = []
    schedules = 0
    focus = tuple(filter(None, given.focus.split(",")))
    for outcome in outcomes(given.seeds, given.jobs, partial(_one, given.store, given.dense, focus)):
        schedules += 1
        faults += outcome.faults
        if outcome.violations:
            violations.append({"seed": outcome.seed, "what": outcome.violations})
            told = sys.stderr if given.json else sys.stdout
            print(f"seed {outcome.seed}: {'; '.join(outcome.violations[:3])}", file=told, flush=True)
        if given.trace:
            _tell(outcome)
        elif schedules % 100 == 0:
            print(f"{schedules} schedules, {len(violations)} violations", file=sys.stderr, flush=True)
    per_second = round(schedules / max(time.monotonic() - started, 1e-9), 1)
    document = {
        "schedules": schedules,
        "violations": violations,
        "per_second": per_second,
        "faults": dict(sorted(faults.items())),
    }
    print(json.dumps(document, ensure_ascii=False) if given.json else f"{schedules} schedules, {per_second} a second")
    return 1 if violations else 0


def _one(store: str, densely: bool, focus: tuple[str, ...], seed: int) -> Outcome:
    plan = draw(seed)
    return run(focused(dense(plan) if densely else plan, focus), machine(store))


def outcomes(chosen: Sequence[int], jobs: int, run: Callable[[int], Outcome]) -> Iterator[Outcome]:
    """Every seed's outcome, in order."""
    if jobs <= 1:
        yield from map(run, chosen)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(run, chosen, SEEDS_A_TASK)


def _tell(outcome: Outcome) -> None:
    print("\n".join([*outcome.plan.lines(), *outcome.story]))
    if outcome.violations:
        print("\n".join(["violations:", *outcome.violations, "smaller:", *shrunk(outcome.plan).lines()]))


if __name__ == "__main__":
    sys.exit(main())
