"""The clerk's acts on the command line: two people, what was issued in words, and refusals that say why."""

from pathlib import Path

import pytest

from jiexu.cli.acts import ACTS

from .conftest import Answer, Jiexu
from .people import application_file, movers, row

TWO_PEOPLE = ("--by", "D0117", "--reviewed-by", "D0232")
WITHDRAW = ("withdraw", "--reason", "applicant_request", *TWO_PEOPLE)


@pytest.fixture
def config(two: Path) -> Path:
    """The configuration of 温州, where the cases of these tests are lodged."""
    return two / "wenzhou" / "region.toml"


@pytest.fixture
def case(jiexu: Jiexu, two: Path, config: Path) -> str:
    """A case just lodged."""
    rows = [row(person) for person in movers(two, 1)]
    found: str = jiexu("apply", application_file(two / "a.csv", rows), "--config", config, "--json").json["rows"][0][
        "case"
    ]
    return found


@pytest.mark.parametrize("name", ACTS)
def test_every_act_has_help_in_both_languages_with_an_example(jiexu: Jiexu, name: str) -> None:
    answer = jiexu(name, "--help")
    assert answer.code == 0
    assert f"jiexu {name} CASE --by" in answer.out
    assert ACTS[name].zh in answer.out
    assert ACTS[name].en in answer.out


def test_an_act_prints_what_was_issued_in_words(jiexu: Jiexu, config: Path, case: str) -> None:
    answer = jiexu(*WITHDRAW, case, "--config", config)
    assert answer.code == 0
    assert "撤回" in answer.out
    assert "第 2 号" in answer.out


def test_an_act_is_a_document_for_machines_and_may_be_called_through_the_group(
    jiexu: Jiexu, config: Path, case: str
) -> None:
    answer = jiexu("act", *WITHDRAW, case, "--config", config, "--json")
    assert [(one["type"], one["hand"], one["seq"]) for one in answer.json] == [("TransferWithdrawn", "inbound", 2)]


def test_a_case_may_be_given_by_a_unique_beginning(jiexu: Jiexu, config: Path, case: str) -> None:
    assert jiexu(*WITHDRAW, case[:12].upper(), "--config", config).code == 0


@pytest.mark.parametrize(
    ("given", "code", "error"),
    [("01a2", 2, "case_id"), ("no-such-case", 2, "case_id"), ("f" * 12, 1, "unknown_case")],
)
def test_a_case_that_is_none_is_said(jiexu: Jiexu, config: Path, given: str, code: int, error: str) -> None:
    answer = jiexu(*WITHDRAW, given, "--config", config, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (code, error)


def test_a_beginning_of_several_cases_is_refused(jiexu: Jiexu, two: Path, config: Path) -> None:
    file = application_file(two / "a.csv", [row(person) for person in movers(two, 2)])
    first, second = (one["case"] for one in jiexu("apply", file, "--config", config, "--json").json["rows"])
    assert first[:8] == second[:8]
    answer = jiexu(*WITHDRAW, first[:8], "--config", config, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "ambiguous_case")


@pytest.mark.parametrize("reviewer", [(), ("--reviewed-by", "D0117")])
def test_two_people_are_needed(jiexu: Jiexu, config: Path, case: str, reviewer: tuple[str, ...]) -> None:
    words = ("withdraw", case, "--by", "D0117", *reviewer, "--reason", "applicant_request", "--config", config)
    answer = jiexu(*words)
    assert answer.code == 1
    assert "--reviewed-by" in answer.err


def _refused(answer: Answer, code: str) -> None:
    assert answer.code == 1, answer
    assert answer.json["error"]["code"] == code
    assert answer.json["error"]["zh"]
    assert answer.json["error"]["en"]


@pytest.mark.parametrize(
    "words",
    [
        ("query-form", "--code", "missing_months"),
        ("close-form-query", "--reason", "solved"),
        ("close-balance-query", "--reason", "solved"),
        ("reverse", "--reason", "wrong_person"),
        ("return", "--reference", "R1", "--amount", "1.00", "--reason", "excess"),
    ],
    ids=lambda words: words[0],
)
def test_what_the_protocol_does_not_give_now_is_refused_with_the_conditions(
    jiexu: Jiexu, config: Path, case: str, words: tuple[str, ...]
) -> None:
    answer = jiexu(*words, case, *TWO_PEOPLE, "--config", config, "--json")
    _refused(answer, "not_permitted")
    assert "须满足" in answer.json["error"]["zh"]


def test_an_act_of_the_other_side_is_refused(jiexu: Jiexu, config: Path, case: str) -> None:
    answer = jiexu("explain-form", case, "--text", "已核对", *TWO_PEOPLE, "--config", config, "--json")
    assert answer.code == 1


@pytest.mark.parametrize("amount", ["abc", "-1", "1.234", "1e3"])
def test_an_amount_that_is_none_is_bad_input(jiexu: Jiexu, config: Path, case: str, amount: str) -> None:
    answer = jiexu("remit-amount", case, "--amount", amount, *TWO_PEOPLE, "--config", config)
    assert answer.code == 2
    assert "1234.50" in answer.err


def test_a_reminder_and_a_notice_are_recorded(jiexu: Jiexu, config: Path, case: str) -> None:
    assert jiexu("remind", case, "--about", "answer", *TWO_PEOPLE, "--config", config).code == 0
    words = ("--hand", "inbound", "--seq", "1", "--channel", "counter")
    answer = jiexu("notify", case, *words, *TWO_PEOPLE, "--config", config, "--json")
    assert answer.code == 0, answer
    assert [one["type"] for one in answer.json] == ["NoticeGiven"]
