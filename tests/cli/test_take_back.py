"""`jiexu journal take-back`: what a person does with the files that partners made."""

from pathlib import Path

import pytest

from jiexu.case.event import Hand
from tests.service.pair import WENZHOU, XIAN, World
from tests.service.test_lost_events import accepted, bring_back, lose_ledger, set_aside

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


@pytest.fixture
def lost(pair: World) -> str:
    """A case that 西安 has accepted by its journal, and in truth has carried to its end."""
    case_id = accepted(pair)
    set_aside(pair)
    pair.idle()
    lose_ledger(pair)
    bring_back(pair)
    pair.idle()
    return case_id


@pytest.fixture
def file(pair: World, at: At, lost: str) -> Path:
    """The partner's evidence, made by its own command."""
    made = at(WENZHOU, "audit", "export", lost, "--out", pair.folder / "case.zip")
    assert made.code == 0, made.err
    return pair.folder / "case.zip"


def test_a_file_is_taken_back_and_the_case_goes_on(pair: World, at: At, lost: str, file: Path) -> None:
    done = at(XIAN, "journal", "take-back", file, "--by", "D0117", "--json")
    assert done.code == 0, done.err
    (answer,) = done.json
    assert (answer["outcome"], answer["case"], answer["exported_by"]) == ("taken_back", lost, WENZHOU)
    assert answer["taken"] == ["outbound 2", "outbound 3"]
    pair.idle()
    assert pair.status(lost) == "closed"
    again = at(XIAN, "journal", "take-back", file, "--by", "D0117")
    assert again.code == 0
    assert "不缺" in again.out


def test_a_file_that_is_refused_keeps_the_others_from_nothing(pair: World, at: At, lost: str, file: Path) -> None:
    none = pair.folder / "none.zip"
    none.write_bytes(b"none")
    done = at(XIAN, "journal", "take-back", none, file, "--by", "D0117", "--json")
    assert done.code == 1
    assert [(answer["outcome"], answer.get("code")) for answer in done.json] == [
        ("refused", "not_evidence"),
        ("taken_back", None),
    ]
    assert pair.types(XIAN, lost, Hand.OUTBOUND)[-1] == "BalanceRemitted"


def test_what_waits_is_said_with_what_to_do(pair: World, at: At, lost: str) -> None:
    made = at(WENZHOU, "audit", "export", lost, "--out", pair.folder / "case.zip")
    assert made.code == 0
    with pair.desks[XIAN].journal.write() as write:
        write.raise_todo("alarm", "seen_unknown", lost, "x", "x", '{"hand": "inbound", "seq": 9, "hash": "00"}')
    done = at(XIAN, "journal", "take-back", pair.folder / "case.zip", "--by", "D0117")
    assert done.code == 1
    assert "重新导出" in done.out


def test_no_file_and_a_file_that_is_not_there_are_slips_of_the_hand(pair: World, at: At) -> None:
    assert at(XIAN, "journal", "take-back", "--by", "D0117").code == 2
    assert at(XIAN, "journal", "take-back", pair.folder / "none.zip", "--by", "D0117").code == 2
