"""`jiexu doctor`: every part may be broken, each is told by itself, and nothing is changed by looking."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from jiexu.cli.doctor import examine
from jiexu.cli.finding import Finding
from jiexu.contract import models
from jiexu.contract.records import decode_record, encode_record, validated
from jiexu.exchange.port import ExchangeUnavailable, Outgoing
from jiexu.exchange.topics import topic_name
from tests.service.pair import IN, START, WENZHOU, XIAN, World

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


def states(findings: list[Finding], probe: str) -> list[str]:
    return [finding.state.value for finding in findings if finding.probe == probe]


def look(pair: World, code: str = WENZHOU) -> list[Finding]:
    return examine(pair.folder / code / "region.toml", pair.clock())


def worked(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()


def test_a_region_at_work_is_sound(pair: World, at: At) -> None:
    worked(pair)
    answer = at(WENZHOU, "doctor", "--json")
    assert (answer.code, answer.json["sound"]) == (0, True), answer.out
    found = look(pair)
    parts = ("config", "keys", "directory", "registry", "journal", "ledger", "exchange", "topics", "clock", "receipts")
    assert {probe: set(states(found, probe)) - {"warn"} for probe in parts} == {probe: {"ok"} for probe in parts}


def test_every_finding_speaks_both_languages_and_says_what_to_do(pair: World, at: At) -> None:
    (pair.folder / "exchange.db").unlink()
    for finding in look(pair):
        assert finding.zh
        assert finding.en
        assert bool(finding.todo_zh) == bool(finding.todo_en)
        assert finding.todo_zh or finding.state.value != "warn"
    assert "怎么办" in at(WENZHOU, "doctor").out


def test_it_says_which_settings_come_from_the_environment(pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    file = pair.folder / WENZHOU / "region.toml"
    monkeypatch.setenv("JIEXU_CONFIG", str(file))
    monkeypatch.setenv("JIEXU_BATCH", "64")
    (config,) = [finding for finding in examine(file, pair.clock()) if finding.probe == "config"]
    assert config.en == f"330300: {file}, and JIEXU_BATCH of the environment"


def gone(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def rubbish(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(b"not what it was" * 1000) and None


BREAKAGES: list[tuple[str, Callable[[Path], None], str]] = [
    ("index key gone", gone("330300/keys/index.key"), "keys"),
    ("directory gone", gone("directory.json"), "directory"),
    ("directory rubbish", rubbish("directory.json"), "directory"),
    ("registry rubbish", rubbish("330300/registry.db"), "registry"),
    ("journal gone", gone("330300/journal.db"), "journal"),
    ("journal rubbish", rubbish("330300/journal.db"), "journal"),
    ("exchange gone", gone("exchange.db"), "exchange"),
    ("exchange rubbish", rubbish("exchange.db"), "exchange"),
]


@pytest.mark.parametrize(("breakage", "probe"), [b[1:] for b in BREAKAGES], ids=[b[0] for b in BREAKAGES])
def test_one_broken_part_is_named_and_hides_no_other(pair: World, breakage: Callable[[Path], None], probe: str) -> None:
    worked(pair)
    pair.close()
    pair.desks.clear()
    for leftover in (*pair.folder.rglob("*.db-wal"), *pair.folder.rglob("*.db-shm")):
        leftover.unlink()
    breakage(pair.folder)
    found = look(pair)
    assert "bad" in states(found, probe) or "unreachable" in states(found, probe)
    named = {finding.probe for finding in found}
    assert {"config", "keys", "directory", "calendar", "registry", "journal", "exchange"} <= named


def test_all_parts_broken_at_once_are_all_told(pair: World) -> None:
    pair.close()
    pair.desks.clear()
    for file in ("directory.json", "exchange.db", "330300/journal.db", "330300/keys/index.key"):
        (pair.folder / file).unlink()
    found = look(pair)
    assert {"directory", "exchange", "journal", "keys"} <= {f.probe for f in found if f.state.value == "bad"}


def test_a_look_makes_no_file(pair: World) -> None:
    pair.close()
    pair.desks.clear()
    for file in ("exchange.db", "330300/registry.db", "330300/journal.db", "bank.db"):
        (pair.folder / file).unlink(missing_ok=True)
    look(pair)
    for file in ("exchange.db", "330300/registry.db", "330300/journal.db", "bank.db"):
        assert not (pair.folder / file).exists()


def test_a_configuration_that_cannot_be_read_is_the_only_finding(tmp_path: Path) -> None:
    file = tmp_path / "region.toml"
    file.write_text("region = ", encoding="utf-8")
    assert [(f.probe, f.state.value) for f in examine(file)] == [("config", "bad")]


def test_a_journal_of_another_region_is_refused(pair: World) -> None:
    (pair.folder / WENZHOU / "region.toml").write_text(
        (pair.folder / WENZHOU / "region.toml").read_text("utf-8").replace('"330300"', '"330200"', 1), "utf-8"
    )
    assert "bad" in states(look(pair), "journal")


def test_files_that_others_can_read_are_bad(pair: World) -> None:
    (pair.folder / WENZHOU / "keys" / "index.key").chmod(0o640)
    (pair.folder / WENZHOU / "journal.db").chmod(0o644)
    found = look(pair)
    assert "bad" in states(found, "keys")
    assert "bad" in states(found, "journal")
    assert any("chmod" in finding.todo_en for finding in found)


def test_an_exchange_that_is_away_is_only_unreachable(pair: World, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ExchangeUnavailable("无应答", "no answer")

    monkeypatch.setattr("jiexu.service.wiring.open_configured_exchange", away)
    answer = at(WENZHOU, "doctor", "--json")
    assert (answer.code, answer.json["sound"]) == (3, False)
    assert [f["state"] for f in answer.json["findings"] if f["probe"] == "exchange"] == ["unreachable"]


def test_a_missing_topic_is_named(pair: World) -> None:
    with closing(pair.desks[WENZHOU].exchange.admin()) as admin:
        admin.delete(topic_name(WENZHOU, "personal"))
    found = look(pair)
    assert any(f.probe == "topics" and "jiexu.330300.personal" in f.en and f.state.value == "bad" for f in found)


def test_a_clock_that_is_behind_the_exchange_or_behind_the_journal_is_bad(pair: World) -> None:
    worked(pair)
    found = examine(pair.folder / WENZHOU / "region.toml", pair.clock() - timedelta(hours=2))
    assert states(found, "clock") == ["bad", "bad"]


def test_a_clock_that_is_ahead_of_the_exchange_is_bad(pair: World) -> None:
    worked(pair)
    topic = topic_name(WENZHOU, "ledger")
    *_, last = pair.desks[WENZHOU].exchange.read(topic, None)
    batch = decode_record(last.value, "LedgerBatch")
    for line in batch["records"]:
        line["recorded_at"] += timedelta(hours=1)
    later = validated(models.LedgerBatch, batch)
    pair.desks[WENZHOU].producer.send([Outgoing(topic, 0, None, encode_record("LedgerBatch", later))])
    found = look(pair)
    assert states(found, "clock") == ["ok", "bad"]
    assert any("1:00:00" in finding.en for finding in found if finding.probe == "clock")


def test_what_has_piled_up_is_counted_with_the_command_to_see_it(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.post(WENZHOU, IN, b"rubbish")
    with pair.desks[WENZHOU].journal.write() as write:
        write.raise_todo("alarm", "trial", None, "看一下", "look")
    pair.turn()
    pair.clock.pass_by(hours=30)
    with closing(sqlite3.connect(pair.folder / WENZHOU / "journal.db")) as db:
        assert db.execute("SELECT count(*) FROM parked").fetchone() == (1,)
    found = look(pair)
    assert states(found, "parked") == ["warn"]
    assert states(found, "todo") == ["warn"]
    commands = {f.probe: f.todo_en for f in found if f.state.value == "warn"}
    assert commands["parked"] == "jiexu parked list"
    assert commands["todo"] == "jiexu todo list"


def test_a_ledger_that_is_behind_is_a_warning_and_one_that_is_away_is_unreachable(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    assert states(look(pair), "ledger") == ["warn"]
    with pair.desks[WENZHOU].journal.write() as write:
        write.set_note("ledger_waits_since", START.isoformat())
    assert states(look(pair), "ledger") == ["unreachable"]


def test_accounts_that_do_not_add_up_are_bad(pair: World) -> None:
    worked(pair)
    with closing(sqlite3.connect(pair.folder / XIAN / "registry.db")) as db, db:
        db.execute("UPDATE accounts SET balance = balance + 1")
    assert states(look(pair, XIAN), "registry") == ["bad"]


def test_holidays_that_are_not_announced_make_the_calendar_provisional(pair: World) -> None:
    config = pair.folder / WENZHOU / "region.toml"
    assert states(examine(config, START), "calendar") == ["ok"]
    assert states(examine(config, START + timedelta(days=3650)), "calendar") == ["warn"]


def test_a_check_that_fails_by_itself_is_a_finding_with_numbers_masked(
    pair: World, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("row of 610100199001010018")

    monkeypatch.setattr("jiexu.calendar.load", fails)
    answer = at(WENZHOU, "doctor", "--json")
    assert answer.code == 1
    assert "RuntimeError" in answer.out
    assert "610100199001010018" not in json.dumps(answer.json)


@pytest.mark.parametrize(("free", "state"), [(80e9, "ok"), (4e9, "warn"), (1e8, "bad")])
def test_a_disk_that_fills_up_is_told_before_it_is_full(
    pair: World, monkeypatch: pytest.MonkeyPatch, free: float, state: str
) -> None:
    room = shutil.disk_usage(pair.folder)._replace(free=int(free))
    monkeypatch.setattr("jiexu.cli.probe_journal.shutil.disk_usage", lambda _: room)
    found = examine(pair.folder / XIAN / "region.toml", pair.clock())
    assert states(found, "disk") == [state]
    assert all("journal.db-wal" in finding.todo_zh for finding in found if finding.probe == "disk" and state != "ok")
