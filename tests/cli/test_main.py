"""The one command: what it lists, in which language it speaks, and how every kind of failure ends."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import psycopg
import pytest

from jiexu.cli import errors
from jiexu.cli.acts import ACTS
from jiexu.cli.main import ACTS as NAMES
from jiexu.cli.main import COMMANDS, cli
from jiexu.exchange.port import ExchangeUnavailable
from jiexu.journal.port import JournalConflict, JournalError, Moved
from jiexu.rules.ruleset import RulesetNotFound
from jiexu.service.clerk import ActRefused
from jiexu.service.config import ConfigError

from .conftest import Jiexu


def test_help_names_every_command_every_act_and_every_exit_code(jiexu: Jiexu) -> None:
    text = jiexu("--help").out
    assert all(f"  {name}" in text for name in cli.list_commands(click.Context(cli)))
    assert all(name in text.split() for name in ACTS)
    for code in ("0 完成", "1 否", "2 输入", "3 无法连接", "70 程序错误"):
        assert code in text


def test_the_names_of_the_acts_in_the_help_are_those_of_the_acts() -> None:
    assert NAMES.split() == list(ACTS)


def test_a_command_whose_module_is_not_there_is_not_listed(jiexu: Jiexu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "later", ("jiexu.cli.not_there:later", "以后 later"))
    assert "later" not in jiexu("--help").out
    assert jiexu("later").code == 2


def test_listing_imports_no_command() -> None:
    code = "import sys\nfrom jiexu.cli.main import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {place.split(":")[0] for place, _ in COMMANDS.values()} & set(loaded)
    assert "importlib.metadata" not in loaded


def test_the_version_is_said(jiexu: Jiexu) -> None:
    answer = jiexu("--version")
    assert (answer.code, answer.out.split()[0]) == (0, "jiexu")


# --- languages


@pytest.mark.parametrize(("lang", "words"), [("zh", "找不到配置文件"), ("en", "There is no configuration file")])
def test_errors_are_told_in_the_language_asked_for(jiexu: Jiexu, tmp_path: Path, lang: str, words: str) -> None:
    answer = jiexu("--lang", lang, "region", "show", "--config", tmp_path / "none.toml")
    assert answer.code == 2
    assert words in answer.err


def test_the_environment_chooses_language_and_configuration(
    jiexu: Jiexu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIEXU_LANG", "en")
    monkeypatch.setenv("JIEXU_CONFIG", str(tmp_path / "elsewhere.toml"))
    assert f"There is no configuration file {tmp_path / 'elsewhere.toml'}" in jiexu("region", "show").err


# --- errors


def test_with_json_an_error_is_a_document_in_both_languages(jiexu: Jiexu, tmp_path: Path) -> None:
    error = jiexu("region", "show", "--json", "--config", tmp_path / "none.toml").json["error"]
    assert error["code"] == "config"
    assert error["zh"]
    assert "jiexu region init" in error["en"]


def test_wrong_options_are_a_document_too(jiexu: Jiexu) -> None:
    answer = jiexu("region", "show", "--json", "--nothing")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (ConfigError("有误", "wrong"), 2, "有误"),
        (JournalError("missing", "没有日志", "no journal"), 2, "region init"),
        (JournalError("busy", "忙", "busy"), 3, "稍后"),
        (ExchangeUnavailable("没有应答", "no answer"), 3, "[exchange]"),
        (RulesetNotFound("RULE-1", "没有规则", "no rules"), 2, "没有规则"),
        (ActRefused("not_permitted", "不可", "no"), 2, "不可"),
        (ActRefused("unknown_case", "没有案件", "no case"), 1, "没有案件"),
        (ActRefused("ledger_unreachable", "账本", "ledger"), 3, "账本"),
        (Moved("later"), 1, "重新查看"),
        (JournalConflict("at 7"), 2, "at 7"),
        (sqlite3.OperationalError("database is locked"), 3, "稍后"),
        (sqlite3.DatabaseError("file is not a database"), 2, "doctor"),
        (psycopg.errors.InsufficientPrivilege("permission denied for table log"), 2, "doctor"),
        (PermissionError(13, "Permission denied", "x.db"), 2, "x.db"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_of_the_product_is_a_sentence_with_an_exit_code(
    error: Exception, exit_code: int, words: str
) -> None:
    told = errors.sentence(error)
    assert told is not None
    assert told.exit_code == exit_code
    assert words in told.zh
    assert told.en


def test_what_nobody_foresaw_is_a_defect() -> None:
    assert errors.sentence(ZeroDivisionError("1/0")) is None


def test_a_defect_is_logged_with_the_number_that_the_user_is_told(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    def defective() -> int:
        raise KeyError("61010019900101001X")

    assert errors.run(defective, as_json=True) == 70
    out, err = capsys.readouterr()
    said = json.loads(out)["error"]
    assert "Traceback" not in out + err
    log = (state / "jiexu" / "errors.log").read_text(encoding="utf-8")
    assert said["zh"].split("编号 ")[1][:8] in log
    assert "Traceback" in log
    assert "61010019900101001X" not in log, "a log shows no identity number"


def test_debugging_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEXU_DEBUG", "1")

    def defective() -> int:
        raise ZeroDivisionError

    assert errors.run(defective, as_json=False) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_told_nothing(two: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "jiexu.cli.main", "region", "show", "--config", str(two / "xian" / "region.toml")]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.stderr == ""
