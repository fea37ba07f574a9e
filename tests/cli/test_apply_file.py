"""A file of applications and what comes back beside it."""

import os
import stat
from pathlib import Path

import pytest

from .conftest import Jiexu
from .people import application_file, movers, row


def test_what_comes_back_is_readable_by_nobody_who_could_not_read_the_file(jiexu: Jiexu, two: Path) -> None:
    file = application_file(two / "a.csv", ["张三,01,123,职工,职工,西安,瓯海"])
    (two / "a.rejected.csv").write_text("older", encoding="utf-8")
    (two / "a.rejected.csv").chmod(0o644)
    file.chmod(0o600)
    assert jiexu("apply", file, "--config", two / "xian" / "region.toml").code == 1
    assert stat.S_IMODE((two / "a.rejected.csv").stat().st_mode) == 0o600


def test_the_rows_that_came_back_can_be_corrected_and_lodged_as_they_are(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    file = application_file(two / "a.csv", [row(person, number="123")])
    config = two / "wenzhou" / "region.toml"
    assert jiexu("apply", file, "--config", config).code == 1
    back = two / "a.rejected.csv"
    text = back.read_text(encoding="utf-8-sig").replace(",123,", f",{person.identity.document_number},")
    back.write_text(text, encoding="utf-8-sig")
    answer = jiexu("apply", back, "--config", config, "--json")
    assert (answer.code, answer.json["lodged"]) == (0, 1)


def test_a_file_without_bad_rows_takes_an_older_file_of_them_away(jiexu: Jiexu, two: Path) -> None:
    file = application_file(two / "a.csv", [row(movers(two, 1)[0])])
    (two / "a.rejected.csv").write_text("older", encoding="utf-8")
    assert jiexu("apply", file, "--config", two / "wenzhou" / "region.toml").code == 0
    assert not (two / "a.rejected.csv").exists()


def test_where_nothing_can_be_written_beside_the_file_nothing_is_lodged(
    jiexu: Jiexu, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (person,) = movers(two, 1)
    file = application_file(two / "a.csv", [row(person)])
    config = two / "wenzhou" / "region.toml"
    # As root everything can be written to; the system's answer is put in its place.
    monkeypatch.setattr(os, "access", lambda path, mode: path != two or mode != os.W_OK)
    answer = jiexu("apply", file, "--config", config, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "folder_unwritable")
    monkeypatch.undo()
    assert jiexu("status", "--person", person.identity.document_number, "--config", config).code == 1


def test_the_worklist_takes_a_day_by_either_name(jiexu: Jiexu, two: Path) -> None:
    file = application_file(two / "a.csv", [row(movers(two, 1)[0])])
    config = two / "xian" / "region.toml"
    jiexu("apply", file, "--config", config)
    until, due = (jiexu("worklist", word, "2099-12-31", "--config", config, "--json") for word in ("--until", "--due"))
    assert until.code == 0
    assert until.json == due.json
