"""The auditor's commands: what they say, and the exit code that a script goes by."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Jiexu, jiexu
from tests.service.pair import WENZHOU, XIAN, World

__all__ = ["jiexu"]


@pytest.fixture
def moved(pair: World) -> World:
    pair.case_of(*pair.moves(1))
    pair.idle()
    return pair


def config(world: World, code: str) -> Path:
    return world.folder / code / "region.toml"


def test_a_sound_region_replays_and_verifies_with_exit_code_0(moved: World, jiexu: Jiexu) -> None:
    answer = jiexu("audit", "replay", "--config", config(moved, XIAN), "--json")
    assert answer.code == 0
    assert (answer.json["region"], answer.json["events"], answer.json["problems"]) == (XIAN, 7, [])
    assert [case["status"] for case in answer.json["cases"]] == ["closed"]
    answer = jiexu("audit", "verify", "--config", config(moved, XIAN), "--json")
    assert (answer.code, answer.json) == (0, {"region": XIAN, "verified": True, "problems": []})


def test_a_touched_journal_is_told_with_exit_code_1(moved: World, jiexu: Jiexu) -> None:
    with sqlite3.connect(moved.folder / XIAN / "journal.db") as db:
        for position, payload in db.execute("SELECT position, payload FROM log WHERE kind = 'event'").fetchall():
            db.execute("UPDATE log SET payload = ? WHERE position = ?", (payload.replace(b"R1", b"R7"), position))
    for command in ("replay", "verify"):
        answer = jiexu("audit", command, "--config", config(moved, XIAN))
        assert answer.code == 1, command
        assert "✗" in answer.out


def test_two_regions_at_rest_agree_on_events_and_money(moved: World, jiexu: Jiexu) -> None:
    answer = jiexu("audit", "compare", config(moved, XIAN), config(moved, WENZHOU), "--json")
    assert answer.code == 0
    assert (answer.json["cases"], answer.json["lost"], answer.json["doubled"]) == (1, 0, 0)
    assert answer.json["journals_agree"]
    assert answer.json["money"]["balanced"]
    assert answer.json["money"]["sent"] == answer.json["money"]["credited"] == "1012.34"


def test_a_book_that_says_otherwise_gives_exit_code_1_and_the_words_are_in_the_language_asked_for(
    moved: World, jiexu: Jiexu
) -> None:
    with sqlite3.connect(moved.folder / "bank.db") as db:
        db.execute("UPDATE transfers SET amount = amount + 1")
    configs = (config(moved, XIAN), config(moved, WENZHOU))
    answer = jiexu("audit", "compare", *configs)
    assert answer.code == 1
    assert "已记入 1012.34" in answer.out
    assert "by the bank" in answer.out
    assert "credited 1012.34" in jiexu("--lang", "en", "audit", "compare", *configs).out


def test_one_region_alone_cannot_be_compared(moved: World, jiexu: Jiexu) -> None:
    assert jiexu("audit", "compare", config(moved, XIAN)).code == 2


def test_a_journal_is_rebuilt_into_a_new_file_and_never_over_another(moved: World, jiexu: Jiexu) -> None:
    target = moved.folder / "rebuilt.db"
    words = ("audit", "rebuild", "--config", config(moved, XIAN), "--to", target, "--json")
    answer = jiexu(*words)
    assert answer.code == 0
    with moved.desks[XIAN].journal.read() as read:
        assert answer.json == {
            "file": str(target),
            "lines": read.last_position(),
            "last_position": read.last_position(),
        }
    assert jiexu(*words).code == 2
