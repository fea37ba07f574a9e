"""The simulation notices when a safeguard is gone: the table of docs/faults.md, one line at a time.

The seeds of the page are those of the plain distribution; here each plan has more of what the safeguard is against.
"""

from pathlib import Path

import pytest

from tests.simulation.ablations import until_noticed
from tests.simulation.safeguards import BY_NAME, SAFEGUARDS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
NEEDED = [one.name for one in SAFEGUARDS if one.kind == "needed"]
MOST_SEEDS = 40  # with the focus each is noticed within a few; the rest is for the day when the product has changed


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_safeguard_is_noticed(name: str) -> None:
    assert until_noticed(BY_NAME[name], MOST_SEEDS, closely=True), f"nobody notices that {name} is gone"


@pytest.mark.parametrize("one", SAFEGUARDS, ids=lambda one: one.name)
def test_the_page_tells_of_every_safeguard(one: object) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"| `{one.name}` | {one.what} | {one.without} |" in page  # type: ignore[attr-defined]
