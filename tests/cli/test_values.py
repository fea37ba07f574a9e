"""What options take, and how wrong words are told: in the language asked for, without saying a number again."""

from pathlib import Path

import click
import pytest

from jiexu.cli.values import CHECK, FIELD, KEY, LINE, REFERENCE, STAFF, BadValue, Plain

from .conftest import Jiexu
from .people import application_file, movers, row

NUMBER, OLD = "61010019900101001X", "610100900101001"
TWO_PEOPLE = ("--by", "D0117", "--reviewed-by", "D0232")


@pytest.fixture
def config(two: Path) -> Path:
    """The configuration of 温州."""
    return two / "wenzhou" / "region.toml"


@pytest.fixture
def case(jiexu: Jiexu, two: Path, config: Path) -> str:
    """A case just lodged there."""
    file = application_file(two / "a.csv", [row(person) for person in movers(two, 1)])
    found: str = jiexu("apply", file, "--config", config, "--json").json["rows"][0]["case"]
    return found


# --- values


@pytest.mark.parametrize("kind", [STAFF, LINE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("given", [NUMBER, OLD, f"窗口 {NUMBER}", "６１０１００１９９００１０１００１Ｘ"])
def test_an_identity_number_does_not_go_into_a_signed_event(kind: Plain, given: str) -> None:
    with pytest.raises(BadValue) as refused:
        kind.convert(given, None, None)
    assert given not in refused.value.zh + refused.value.en


def test_a_reference_may_be_a_long_run_of_digits_as_banks_write_them() -> None:
    assert REFERENCE.convert("202611240000000003", None, None) == "202611240000000003"


def test_full_width_letters_and_blanks_around_make_no_second_person() -> None:
    assert STAFF.convert(" Ｄ０１１７ ", None, None) == "D0117"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (STAFF, "D0117", ""),
        (STAFF, "经办一号", "x" * 65),
        (LINE, "首次参保时间", "两\n行"),
        (KEY, "form", "信息表"),
        (KEY, "BOTH-05", "a b"),
        (CHECK, "OUT-01", "out"),
        (FIELD, "periods.0.months", "Periods"),
        (FIELD, "balance", "periods..months"),
    ],
)
def test_values_are_what_the_contract_takes(kind: Plain, good: str, bad: str) -> None:
    assert kind.convert(good, None, None) == good
    with pytest.raises(BadValue):
        kind.convert(bad, None, None)


# --- in the commands


@pytest.mark.parametrize("option", ["--by", "--reviewed-by"])
def test_an_act_refuses_an_identity_number_as_a_staff_number(jiexu: Jiexu, option: str) -> None:
    words = [NUMBER if TWO_PEOPLE[TWO_PEOPLE.index(option) + 1] == word else word for word in TWO_PEOPLE]
    answer = jiexu("remind", "01a20cf2ee29", "--about", "form", *words)
    assert answer.code == 2
    assert option in answer.err
    assert NUMBER not in answer.out + answer.err


def test_the_counter_refuses_it_too(jiexu: Jiexu) -> None:
    assert jiexu("apply", "a.csv", "--by", NUMBER).code == 2


def test_a_ground_is_a_check_that_exists(jiexu: Jiexu, config: Path, case: str) -> None:
    answer = jiexu("reject", case, "--code", "OUT-99", *TWO_PEOPLE, "--config", config, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "unknown_check")


@pytest.mark.parametrize(
    "words",
    [
        ("notify", "--hand", "outbound", "--seq", "1", "--channel", "counter"),
        ("provide-information", "--answers", "1", "--text", "已核对"),
    ],
    ids=lambda words: words[0],
)
def test_what_names_no_event_of_the_case_is_refused(
    jiexu: Jiexu, config: Path, case: str, words: tuple[str, ...]
) -> None:
    answer = jiexu(*words, case, *TWO_PEOPLE, "--config", config, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "unknown_event")


def test_a_refusal_names_the_act_in_words(jiexu: Jiexu, config: Path, case: str) -> None:
    answer = jiexu("reverse", case, "--reason", "wrong_person", *TWO_PEOPLE, "--config", config)
    assert "撤销办结" in answer.err
    assert "CompletionReversed" not in answer.err


def test_a_passport_is_shown_masked(jiexu: Jiexu, two: Path, config: Path) -> None:
    line = "李四,03,E1234567,职工,310,西安,瓯海"
    answer = jiexu("apply", application_file(two / "a.csv", [line]), "--config", config)
    assert "李* E*" in answer.out
    assert "1234567" not in answer.out + answer.err


# --- wrong words


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("remind", "01a20cf2ee29"), "缺少选项 --by", "Missing option '--by'"),
        (("timeline",), "缺少参数 CASE", "Missing argument 'CASE'"),
        (("timeline", "a", "b"), "多余的参数：b", "unexpected extra argument"),
        (("timeline", "a", "--jso"), "没有选项 --jso，是否指 --json？", "No such option"),
        (("timelin", "a"), "没有命令 timelin，是否指 timeline？", "No such command"),
        (("worklist", "--until", "2026-13-01"), "--until 的值有误：'2026-13-01' 不合格式", "does not match"),
        (("worklist", "--role", "both"), "--role 的值有误：'both' 不在可选值之列：'outbound', 'inbound'", "not one of"),
        (("todo", "clear", "x", "--by", "D1"), "ID 的值有误：'x' 不是整数", "not a valid integer"),
        (("sent", "--older-than", "-1"), "--older-than 的值有误：-1.0 不在范围 x>=0 内", "not in the range"),
        (("sent", "--older-than"), "选项 '--older-than' 缺少取值", "requires an argument"),
        (("sent", "--json=1"), "选项 '--json' 不带取值", "does not take a value"),
        (
            ("remit-amount", "01a20cf2ee29", "--amount", "1e5", *TWO_PEOPLE),
            "--amount 的值有误：不是金额",
            "not an amount",
        ),
    ],
)
def test_wrong_words_are_told_in_the_language_asked_for(jiexu: Jiexu, words: tuple[str, ...], zh: str, en: str) -> None:
    chinese, english = jiexu(*words), jiexu("--lang", "en", *words)
    assert (chinese.code, english.code) == (2, 2)
    assert f"错误 usage：{zh}" in chinese.err
    assert en in english.err
    assert "Traceback" not in chinese.err + english.err


def test_a_number_typed_in_the_wrong_place_is_not_said_again(jiexu: Jiexu) -> None:
    for words in (("timeline", "a", NUMBER), (NUMBER,), ("worklist", "--role", NUMBER)):
        answer = jiexu(*words, "--json")
        assert answer.code == 2
        assert NUMBER not in answer.out + answer.err


def test_the_command_alone_shows_its_help(jiexu: Jiexu) -> None:
    answer = jiexu()
    assert "doctor" in answer.out + answer.err
    assert "错误 usage" not in answer.err


def test_wrong_words_point_to_the_help_of_the_command(jiexu: Jiexu) -> None:
    answer = jiexu("worklist", "--role", "both")
    assert "用法：jiexu worklist" in answer.err
    assert "说明见 jiexu worklist --help" in answer.err


def test_a_value_refused_by_a_type_says_both_languages_for_machines() -> None:
    with pytest.raises(click.BadParameter) as refused:
        STAFF.convert("", None, None)
    assert isinstance(refused.value, BadValue)
    assert refused.value.zh != refused.value.en
