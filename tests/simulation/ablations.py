"""Each safeguard off in turn, until the simulation notices: `python -m tests.simulation.ablations [NAME …]`.

A safeguard that can be taken away without anybody noticing is either of no use, or not tested. The table in
docs/faults.md is made by this; test_ablations.py runs each at a seed that notices.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.plan import draw, focused
from tests.simulation.run import run
from tests.simulation.safeguards import BY_NAME, SAFEGUARDS, Safeguard

MOST_SEEDS = 2_000


@dataclass(frozen=True)
class Noticed:
    """How a missing safeguard shows: after how many seeds, in which, and what was violated first."""

    name: str
    seeds: int
    seed: int
    violation: str


def until_noticed(
    safeguard: Safeguard, most: int = MOST_SEEDS, first: int = 1, closely: bool = False
) -> Noticed | None:
    """Run seeds without it until one violates something; None where none of them does.

    `closely`: with more of what the safeguard is against in each plan.
    """
    with safeguard.off():
        for seed in range(first, first + most):
            plan = draw(seed)
            outcome = run(focused(plan, safeguard.focus) if closely else plan)
            if isinstance(outcome.cause, TypeError | AttributeError | NameError):
                raise outcome.cause  # the switch does not fit the product any more: that is no finding
            if outcome.violations:
                return Noticed(safeguard.name, seed - first + 1, seed, outcome.violations[0])
    return None


HEAD = "| `--without` | safeguard | without it | seeds | first seen as |\n|---|---|---|---|---|"


def line(safeguard: Safeguard, noticed: Noticed | None) -> str:
    """A line of the table."""
    told = ("not noticed", "") if noticed is None else (str(noticed.seeds), readable(noticed.violation))
    return f"| `{safeguard.name}` | {safeguard.what} | {safeguard.without} | {told[0]} | {told[1]} |"


def readable(violation: str) -> str:
    """A violation without ids and the sentence in Chinese."""
    text = re.sub(r"[0-9a-f]{32}", "…", violation.split(" / ")[-1]).replace("|", "/")
    text = re.sub(r"[^\x00-\x7f…]+", "", text)
    return text if len(text) <= 110 else f"{text[:109]}…"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.ablations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="safeguards; all where none is named")
    parser.add_argument("--most", type=int, default=MOST_SEEDS, help="seeds tried at most")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--closely", action="store_true", help="with more of what each safeguard is against")
    parser.add_argument("--markdown", action="store_true", help="the table of docs/faults.md")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(arguments)
    rows = []
    if given.markdown:
        print(HEAD, flush=True)
    for safeguard in [BY_NAME[name] for name in given.names] or SAFEGUARDS:
        noticed = until_noticed(safeguard, given.most, given.first, given.closely)
        row = {
            "safeguard": safeguard.name,
            "what": safeguard.what,
            "seeds": noticed.seeds if noticed else None,
            "seed": noticed.seed if noticed else None,
            "violation": noticed.violation if noticed else None,
        }
        rows.append(row)
        if given.markdown:
            print(line(safeguard, noticed), flush=True)
        elif not given.json:
            told = f"after {row['seeds']} seeds: {row['violation']}" if noticed else "not noticed"
            print(f"{safeguard.name}: {told}", flush=True)
    if given.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    unnoticed = [row["safeguard"] for row in rows if row["seeds"] is None]
    return 1 if any(BY_NAME[str(name)].kind == "needed" for name in unnoticed) else 0


if __name__ == "__main__":
    sys.exit(main())
