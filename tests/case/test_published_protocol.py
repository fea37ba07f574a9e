"""What is published of the protocol is what the code does: the table, its diagram, what was explored."""

from pathlib import Path

import explored_page
import pytest

from jiexu.case.diagram import diagram, page, transitions
from jiexu.case.protocol import PLATFORM
from jiexu.case.published import VERSION, published_table
from jiexu.case.words import STATUS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def edges() -> dict[tuple[str, str], set[str]]:
    return transitions()


def test_the_published_table_is_the_table_of_the_code() -> None:
    published = ROOT / "schemas" / "protocol" / f"{VERSION}.json"
    assert published.read_bytes().decode() == published_table()


def test_the_diagram_in_the_docs_is_drawn_from_the_table() -> None:
    assert (ROOT / "docs" / "protocol-diagram.md").read_bytes().decode() == page()


def test_the_docs_say_what_was_explored() -> None:
    assert (ROOT / "docs" / "protocol-explored.md").read_bytes().decode() == explored_page.page()


def test_the_diagram_shows_every_status(edges: dict[tuple[str, str], set[str]]) -> None:
    assert {status for edge in edges for status in edge} == set(STATUS)


def test_nothing_leads_out_of_an_end(edges: dict[tuple[str, str], set[str]]) -> None:
    ends = {"refused_at_counter", "rejected", "forwarded", "withdrawn"}
    assert not ends & {start for start, _ in edges}


def test_a_changed_table_changes_the_diagram() -> None:
    assert "forwarded" not in diagram(tuple(rule for rule in PLATFORM if rule.type != "CaseForwarded"))
