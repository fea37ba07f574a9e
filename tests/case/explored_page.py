"""`docs/protocol-explored.md`: what the exploration covers, written from its bounds and results."""

from explore import Bounds
from explore_bounds import DEFAULT, FULL, SMALL, STATES
from explore_invariants import INVARIANTS
from explore_moves import BUDGETS
from explore_noticed import NOTICED

HEAD = """# What was explored (穷举检验)

`tests/case` walks every state that two agencies can reach by the protocol table within stated bounds: each side has its
own hand and has received a prefix of the other's, issues whatever the table permits in its own view, and what is under
way may arrive at any time. In every state all invariants hold, and from every state the case can end. A budget says
how often something may go wrong in one case; what is not named does not happen in that exploration. Written by
`python tests/case/explored_page.py`; a test holds the page to the numbers.

"""


def _row(bounds: Bounds) -> str:
    units = ", ".join(f"{name} {number}" for name, number in bounds.budget)
    forms = ", ".join(f"{amount} {outcome}" for amount, outcome in bounds.forms)
    claims = "; acts under claims" if bounds.claims else ""
    without = f"; without {', '.join(sorted(bounds.without))}" if bounds.without else ""
    lodged = "/".join(bounds.lodgers)
    return f"| {bounds.name} | {lodged} | {forms} | {units}{claims}{without} | {STATES[bounds.name]:,} |\n"


def page() -> str:
    """The page as text with LF."""
    parts = [HEAD]
    for title, group in (("By default", DEFAULT), ("Small, for leaving guards out", SMALL), ("In full", FULL)):
        total = sum(STATES[bounds.name] for bounds in group)
        parts.append(f"## {title}: {total:,} states\n\n")
        parts.append("| exploration | lodged | forms | what may go wrong | states |\n|---|---|---|---|---|\n")
        parts += [_row(bounds) for bounds in group]
        parts.append("\n")
    parts.append(f"Budgets: {', '.join(BUDGETS)}. `JIEXU_TEST_EXPLORE=full` adds the last group (minutes, 6 GB).\n\n")
    parts.append("## Invariants\n\n| name | what it says |\n|---|---|\n")
    parts += [f"| {name} | {sentence} |\n" for name, sentence in INVARIANTS.items()]
    parts.append("\n## Every guard left out in turn\n\n")
    parts.append("| event | issuer | guard left out | first broken |\n|---|---|---|---|\n")
    parts += [f"| {type} | {who} | {guard} | {found} |\n" for (type, who, guard), found in NOTICED.items()]
    return "".join(parts)


if __name__ == "__main__":
    from pathlib import Path

    path = Path(__file__).parents[2] / "docs" / "protocol-explored.md"
    path.write_text(page(), encoding="utf-8", newline="\n")
