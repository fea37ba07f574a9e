"""`jiexu rules`, as it is typed."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jiexu.rules.check_table import CHECKS
from jiexu.rules.cli import rules


@click.group()
@click.option("--lang", default="zh")
def root(lang: str) -> None:
    """Stand-in for the command that carries --lang."""


root.add_command(rules)


def run(*words: str) -> Result:
    return CliRunner().invoke(root, list(words))


def test_checks_lists_every_check_with_what_to_do() -> None:
    shown = run("rules", "checks").output
    assert all(code in shown for code in CHECKS)
    assert "不予受理" in shown


def test_checks_speaks_english_when_asked() -> None:
    shown = run("--lang", "en", "rules", "checks").output
    assert "the outbound relation is no longer active" in " ".join(shown.split())
    assert "不予受理" not in shown


def test_checks_as_json_holds_cure_and_effect_of_every_check() -> None:
    listed = json.loads(run("rules", "checks", "--json").output)
    assert [check["code"] for check in listed] == list(CHECKS)
    assert all(check["cure"]["by"] and set(check["effects"]) for check in listed)


def test_show_names_the_parts_their_dates_and_how_the_dates_are_known() -> None:
    shown = json.loads(run("rules", "show", "--region", "610100", "--on", "2026-03-10", "--json").output)
    assert [part["id"] for part in shown["parts"]] == ["national-2021.1", "610000.1", "610100.1"]
    assert shown["parts"][2]["date_basis"] == "published"
    assert shown["switches"]["recorded_as"] == "deemed"


def test_show_applies_the_rules_of_the_day_that_is_asked_for() -> None:
    shown = json.loads(run("rules", "show", "--region", "610100", "--on", "2020-03-10", "--json").output)
    assert [part["id"] for part in shown["parts"]] == ["national-2016.1"]


def test_show_prints_limits_and_promises_for_people() -> None:
    shown = run("rules", "show", "--region", "330300", "--office", "330304", "--on", "2026-03-10").output
    assert "办结" in shown
    assert "office-330304.1" in shown
    assert "pay_to_person" in shown


def test_show_in_english_has_no_chinese_but_the_titles_of_sources() -> None:
    shown = run("--lang", "en", "rules", "show", "--region", "440300", "--on", "2026-03-10").output
    assert "as inbound, local checks: IN-05" in shown
    assert "money remitted" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--on", "2010-01-01"), "尚无全国办法"),
        (("--region", "西安"), "六位数字"),
        (("--region", "140100", "--office", "330304"), "没有机构 330304"),
        (("--on", "yesterday"), "yesterday"),
    ],
)
def test_show_refuses_in_a_sentence_and_without_a_traceback(words: tuple[str, ...], told: str) -> None:
    result = run("rules", "show", *words)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert told in result.output


GOOD = """
kind = "overlay"
region = "330300"
version = 1
holds_from = 2026-01-01
date_basis = "stated"
title = "t"
source = "s"
"""


def test_lint_says_that_a_file_may_be_used(tmp_path: Path) -> None:
    file = tmp_path / "330300.1.toml"
    file.write_text(GOOD, "utf-8")
    result = run("rules", "lint", str(file))
    assert (result.exit_code, result.output) == (0, "330300.1.toml: 可以使用\n")


def test_lint_lists_what_is_wrong_and_ends_with_one(tmp_path: Path) -> None:
    file = tmp_path / "330300.1.toml"
    file.write_text(GOOD + '[switches]\nretirement_needs_local_pension = true\nsource = "s"\n', "utf-8")
    result = run("rules", "lint", str(file))
    assert result.exit_code == 1
    assert "基本养老金绑定" in result.output
    assert "must not be tied" in run("--lang", "en", "rules", "lint", str(file)).output


def test_lint_says_so_where_the_file_is_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(b"\xff\xfe kind =")
    result = run("rules", "lint", str(file))
    assert result.exit_code == 1
    assert "TOML" in result.output


def test_the_help_is_chinese_first_with_english_beside_it() -> None:
    shown = run("rules", "--help").output
    assert "某地某日适用的规则 · The rules that hold" in shown
