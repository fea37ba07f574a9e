"""`jiexu calendar …` as a clerk or a script meets it."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from invented_year import as_bytes, year_2027

from jiexu.calendar import load
from jiexu.calendar.cli import calendar

pytestmark = pytest.mark.usefixtures("added")


@click.group()
@click.option("--lang", default="zh")
def main(lang: str) -> None:
    """Stands for the main command that mounts the group."""


main.add_command(calendar)


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given, env={"COLUMNS": "80"})


def test_due_prints_exactly_three_keys() -> None:
    result = run("calendar", "due", "--start", "2026-02-10", "--days", "10", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"due": "2026-03-02", "provisional": False, "calendar": load().version}


def test_due_in_a_province_uses_its_days() -> None:
    result = run("calendar", "due", "--start", "2026-04-16", "--days", "1", "--province", "45", "--json")
    assert json.loads(result.stdout) == {
        "due": "2026-04-21",
        "provisional": False,
        "calendar": load().in_province("45").version,
    }


def test_due_says_openly_that_it_is_provisional() -> None:
    result = run("calendar", "due", "--start", "2026-12-31", "--days", "1")
    assert "暂定" in result.stdout
    assert "Provisional" in run("--lang", "en", "calendar", "due", "--start", "2026-12-31", "--days", "1").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("due", "--start", "2015-02-10", "--days", "10"),
        ("due", "--start", "2026-02-10", "--days", "0"),
        ("due", "--start", "2026-02-10", "--days", "10", "--province", "450000"),
        ("due", "--start", "20260210", "--days", "10"),
        ("due", "--start", "2026-02-30", "--days", "10"),
        ("show", "2015"),
        ("show", "20266"),
        ("add", "-"),
        ("add", "no-such-file.json"),
    ],
)
def test_bad_input_ends_with_2_and_a_message_on_stderr(arguments: tuple[str, ...]) -> None:
    result = run("calendar", *arguments, given=b"{}")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_show_draws_the_year_with_its_marks() -> None:
    drawn = run("calendar", "show", "2026").stdout
    assert "10 月" in drawn
    assert " 1休 2休 3休 4班" in drawn
    assert "国办发明电〔2025〕7号" in drawn
    assert "春节  02-15 – 02-23" in drawn
    assert "01-04、02-14、02-28、05-09、09-20、10-10" in drawn


def test_show_fits_a_terminal_of_80_columns() -> None:
    from rich.cells import cell_len

    assert max(cell_len(line) for line in run("calendar", "show", "2026").stdout.splitlines()) <= 80


def test_show_marks_a_year_that_is_not_published() -> None:
    assert "暂定" in run("calendar", "show", "2027").stdout
    assert "暂定" in run("calendar", "show", "2026", "--province", "54").stdout
    assert "暂定" not in run("calendar", "show", "2026").stdout


def test_show_adds_the_days_of_a_province() -> None:
    assert "三月三  04-17 – 04-20" in run("calendar", "show", "2026", "--province", "45").stdout


def test_show_as_json_lists_every_day_off_and_moved_workday() -> None:
    document = json.loads(run("calendar", "show", "2026", "--json").stdout)
    assert document["moved_workdays"] == [
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ]
    assert len(document["holidays"]) == 33
    assert document["holidays"][0] == {"date": "2026-01-01", "zh": "元旦", "en": "New Year's Day"}
    assert document["working_days"] == 248
    assert document["provisional"] is False


def test_show_speaks_english_when_asked() -> None:
    drawn = run("--lang", "en", "calendar", "show", "2026").stdout
    assert "October" in drawn
    assert "Spring Festival" in drawn
    assert "休" not in drawn


def test_add_makes_the_year_known_to_due(tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_bytes(as_bytes(year_2027()))
    assert "已录入" in run("calendar", "add", str(file)).stdout
    assert "未作改动" in run("calendar", "add", str(file)).stdout
    answer = json.loads(run("calendar", "due", "--start", "2026-12-31", "--days", "1", "--json").stdout)
    assert (answer["due"], answer["provisional"]) == ("2027-01-04", False)


def test_add_replaces_only_when_told_to_and_says_where_the_earlier_version_is() -> None:
    assert run("calendar", "add", "-", given=as_bytes(year_2027())).exit_code == 0
    other = as_bytes(year_2027(moved_workdays=[]))
    refused = run("calendar", "add", "-", given=other)
    assert (refused.exit_code, "--replace" in refused.stderr) == (2, True)
    result = json.loads(run("calendar", "add", "-", "--replace", "--json", given=other).stdout)
    assert result["outcome"] == "replaced"
    assert Path(result["earlier"]).exists()


@pytest.mark.parametrize("command", [(), ("due",), ("show",), ("add",)])
def test_help_is_in_both_languages_with_an_example(command: tuple[str, ...]) -> None:
    shown = run("calendar", *command, "--help").stdout
    assert "示例 Example: jiexu calendar" in shown
