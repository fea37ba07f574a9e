"""The commands `jiexu directory …`."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from jiexu.region.directory.cli import directory


def run(*arguments: str, lang: str = "zh") -> Result:
    @click.group()
    @click.option("--lang")
    def jiexu(lang: str) -> None:
        pass

    jiexu.add_command(directory)
    return CliRunner().invoke(jiexu, ["--lang", lang, "directory", *arguments])


def test_find_ouhai_answers_wenzhou_and_why():
    result = run("find", "瓯海")

    assert result.exit_code == 0
    assert result.stdout.startswith("330300  浙江省温州市\n")
    assert "瓯海区（330304）属温州市" in result.stdout


def test_the_answer_is_english_where_english_is_asked_for():
    result = run("find", "瓯海", lang="en")

    assert result.stdout.startswith("330300  浙江省温州市  Wenzhou\n")
    assert "belongs to 温州市" in result.stdout


def test_json_is_for_programs():
    (match,) = json.loads(run("find", "瓯海", "--json").stdout)

    assert match["pooling_region"]["code"] == "330300"
    assert match["code"] == "330304"
    assert json.loads(run("show", "411328", "--json").stdout)["pooling_region"]["code"] == "411300"
    assert len(json.loads(run("list", "--json").stdout)) == 346


def test_show_gives_the_source_of_each_step():
    result = run("show", "411328")

    assert result.stdout.startswith("411300  河南省南阳市\n")
    assert "唐河县（411328）属南阳市  [lcn 7.2.2" in result.stdout


def test_list_shows_the_regions_of_a_province():
    assert run("list", "--province", "陕西").stdout.splitlines()[0] == "610100  陕西省西安市"
    assert run("list", "--province", "11").stdout == "110000  北京市\n"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("find", "瓯诲区"), 1, "330304 瓯海区 → 330300"),
        (("find", "330000"), 1, "DIR-03"),
        (("find", " "), 2, "请输入名称或代码"),
        (("show", "330309"), 1, "DIR-02"),
        (("show", "33030"), 2, "DIR-01"),
        (("list", "--province", "没有"), 1, "DIR-06"),
    ],
)
def test_what_cannot_be_answered_says_so_on_stderr(arguments: tuple[str, ...], exit_code: int, said: str):
    result = run(*arguments)

    assert result.exit_code == exit_code
    assert said in result.stderr
    assert result.stdout == ""


def test_more_answers_than_the_limit_are_announced():
    result = run("find", "鼓楼区", "--limit", "2")

    assert len(result.stdout.splitlines()) == 4
    assert "--limit" in result.stderr


@pytest.mark.parametrize("command", [(), ("find",), ("show",), ("list",)])
def test_help_has_examples_in_both_languages(command: tuple[str, ...]):
    result = run(*command, "--help")

    assert "示例 Example" in result.stdout


def test_a_search_loads_neither_pydantic_nor_the_signature_library():
    """A command must be there at once: the tables alone take some 20 ms to read."""
    script = (
        "import sys; from jiexu.region.directory.cli import directory;"
        "directory(['find', '瓯海'], standalone_mode=False);"
        "sys.exit(any(name in sys.modules for name in ('pydantic', 'cryptography')))"
    )

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
