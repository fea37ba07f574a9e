"""`jiexu journal`: what an operator does with a region's journal, in either store."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jiexu.journal.ddl import VERSION
from tests.service.pair import WENZHOU, XIAN, World

from .conftest import Jiexu
from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


def stop(pair: World, code: str) -> None:
    """Nobody has the region's journal open any more."""
    for key in [key for key in pair.services if key[0] == code]:
        pair.kill(*key)
    pair.desks.pop(code).close()


def set_journal(pair: World, code: str, address: str) -> Path:
    """Say in a region's configuration where its journal is."""
    file = pair.folder / code / "region.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("journal")]
    file.write_text("\n".join([f'journal = "{address}"', *lines]))
    return file


def test_a_backup_says_what_it_holds_and_is_restored_by_one_command(pair: World, at: At, tmp_path: Path) -> None:
    pair.case_of(*pair.moves(1))
    pair.idle()
    made = at(WENZHOU, "journal", "backup", tmp_path / "backup.db", "--json")
    assert made.code == 0, made.err
    with pair.desks[WENZHOU].journal.read() as read:
        last = read.last_position()
    assert (made.json["region"], made.json["version"], made.json["last_position"]) == (WENZHOU, VERSION, last)
    assert made.json["rows"]["log"] == last
    assert len(made.json["log_sha256"]) == 64
    assert os.stat(tmp_path / "backup.db").st_mode & 0o777 == 0o600
    refused = at(WENZHOU, "journal", "restore", tmp_path / "backup.db", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "exists")
    in_use = at(WENZHOU, "journal", "restore", tmp_path / "backup.db", "--replace")
    assert in_use.code == 2
    assert "in_use" in in_use.err
    stop(pair, WENZHOU)
    done = at(WENZHOU, "journal", "restore", tmp_path / "backup.db", "--replace", "--json")
    assert (done.code, done.json["log_sha256"]) == (0, made.json["log_sha256"])
    assert done.json["incarnation"] != made.json["incarnation"]
    assert Path(done.json["set_aside"]).exists()


def test_people_are_told_what_happens_next(pair: World, at: At, tmp_path: Path) -> None:
    said = at(WENZHOU, "journal", "backup", tmp_path / "backup.db")
    assert said.code == 0
    assert "已备份" in said.out
    assert "SHA-256" in said.out
    stop(pair, WENZHOU)
    said = at(WENZHOU, "journal", "restore", tmp_path / "backup.db", "--replace")
    assert "账本" in said.out
    assert "保留" in said.out
    again = at(WENZHOU, "journal", "backup", tmp_path / "backup.db")
    assert (again.code, "已存在" in again.err) == (2, True)


def test_a_journal_moves_into_postgresql_and_every_command_goes_on_there(
    pair: World, jiexu: Jiexu, new_schema: Callable[[], str], tmp_path: Path
) -> None:
    case_id = pair.case_of(*pair.moves(1))
    pair.idle()
    config = pair.folder / WENZHOU / "region.toml"
    url = new_schema()
    stop(pair, WENZHOU)
    moved = jiexu("journal", "move", "--to", url, "--config", config, "--json")
    assert moved.code == 0, moved.err
    assert moved.json["to"] == url
    refused = jiexu("status", case_id, "--config", config)
    assert (refused.code, "moved" in refused.err) == (2, True)
    set_journal(pair, WENZHOU, url)
    shown = jiexu("status", case_id, "--config", config, "--json")
    assert shown.code == 0, shown.err
    doctor = jiexu("doctor", "--config", config, "--json")
    (found,) = [one for one in json.loads(doctor.out)["findings"] if one["probe"] == "journal"]
    assert found["state"] == "ok"
    assert "PostgreSQL" in found["en"]
    for words in (
        ("worklist",),
        ("todo", "list"),
        ("parked", "list"),
        ("sent",),
        ("audit", "replay"),
        ("events", case_id),
    ):
        answer = jiexu(*words, "--config", config, "--json")
        assert answer.code == 0, (words, answer.err)
    assert jiexu("journal", "backup", tmp_path / "backup.db", "--config", config).code == 0
    assert jiexu("journal", "migrate", "--config", config, "--json").json["steps"] == []
    back = jiexu("journal", "move", "--to", config.parent / "journal.db", "--replace", "--config", config, "--json")
    assert back.code == 0, back.err
    assert back.json["log_sha256"] == moved.json["log_sha256"]


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("postgresql://region:secret@db/journal", "bad_address"),
        ("./other.db", "same_kind"),
        ("postgresql://nobody@127.0.0.1:1/none", "journal_unreachable"),
    ],
)
def test_a_move_that_cannot_be_is_told_with_what_to_do(pair: World, jiexu: Jiexu, to: str, code: str) -> None:
    stop(pair, XIAN)
    answer = jiexu("journal", "move", "--to", to, "--config", pair.folder / XIAN / "region.toml", "--json")
    assert answer.json["error"]["code"] == code
    assert answer.code == (3 if code == "journal_unreachable" else 2)
    assert "secret" not in answer.out + answer.err


def test_a_database_that_is_away_is_unreachable_for_every_command(pair: World, jiexu: Jiexu) -> None:
    config = set_journal(pair, XIAN, "postgresql://nobody@127.0.0.1:1/none")
    answer = jiexu("worklist", "--config", config, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "journal_unreachable")
    doctor = jiexu("doctor", "--config", config, "--json")
    assert {one["state"] for one in doctor.json["findings"] if one["probe"] == "journal"} == {"unreachable"}


def test_a_password_in_an_address_is_refused(pair: World, jiexu: Jiexu) -> None:
    for address in ("postgresql://region:secret@db/journal", "postgresql://region@db/journal?password=secret"):
        config = set_journal(pair, XIAN, address)
        answer = jiexu("worklist", "--config", config)
        assert answer.code == 2
        assert "journal_password_file" in answer.err
        assert "secret" not in answer.err
