"""`python -m tests.simulation.ablations [--json] [--most N] [NAME …]`: each safeguard off in turn, until it is noticed.

A safeguard that can be taken away without anybody noticing is either of no use, or not tested. The table in
docs/faults.md is made by this; test_ablations.py runs each at a seed that notices.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.run import run_seed
from tests.simulation.safeguards import BY_NAME, SAFEGUARDS, Safeguard

MOST_SEEDS = 2_000


@dataclass(frozen=True)
class Noticed:
    """How a missing safeguard shows: after how many seeds, in which, and what was violated first."""

    name: str
    seeds: int
    seed: int
    violation: str


def until_noticed(safeguard: Safeguard, most: int = MOST_SEEDS, first: int = 1) -> Noticed | None:
    """Run seeds without it until one violates something; None where none of them does."""
    with safeguard.off():
        for seed in range(first, first + most):
            found = run_seed(seed).violations
            if found:
                return Noticed(safeguard.name, seed - first + 1, seed, found[0])
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.ablations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="safeguards; all where none is named")
    parser.add_argument("--most", type=int, default=MOST_SEEDS, help="seeds tried at most")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(arguments)
    rows = []
    for safeguard in [BY_NAME[name] for name in given.names] or SAFEGUARDS:
        noticed = until_noticed(safeguard, given.most, given.first)
        row = {
            "safeguard": safeguard.name,
            "what": safeguard.what,
            "seeds": noticed.seeds if noticed else None,
            "seed": noticed.seed if noticed else None,
            "violation": noticed.violation if noticed else None,
        }
        rows.append(row)
        if not given.json:
            told = f"after {row['seeds']} seeds: {row['violation']}" if noticed else "not noticed"
            print(f"{safeguard.name}: {told}", flush=True)
    if given.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    return 0 if all(row["seeds"] is not None for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
