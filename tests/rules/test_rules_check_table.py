"""The table of checks says everything that a reader of a refusal needs."""

import pytest

from jiexu.rules.check_table import CHECKS, PROCEDURES, Check, Effect, Side, Strength
from jiexu.rules.judgements import JUDGEMENTS

CODES = [
    *("APP-01", "APP-02"),
    *(f"OUT-{n:02d}" for n in range(1, 11)),
    *(f"IN-{n:02d}" for n in range(1, 6)),
    *(f"BOTH-{n:02d}" for n in range(1, 6)),
]


def test_every_check_of_the_rule_book_is_there_and_no_other() -> None:
    assert list(CHECKS) == CODES


def test_every_check_has_a_judgement_and_no_judgement_is_without_a_check() -> None:
    assert set(JUDGEMENTS) == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.code)
def test_every_check_speaks_chinese_and_english_and_names_who_can_cure_it(check: Check) -> None:
    for zh in (check.zh, check.fails_zh, check.cure.zh):
        assert any("一" <= letter <= "龥" for letter in zh)
    for en in (check.en, check.fails_en, check.cure.en):
        assert en
        assert en.isascii()
    assert check.cure.by
    assert check.source


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.code)
def test_every_check_has_an_effect_in_every_procedure(check: Check) -> None:
    assert set(check.effects) == set(PROCEDURES)


def test_arrears_are_a_notice_and_a_reminder_only_in_the_letter_procedure() -> None:
    assert CHECKS["OUT-05"].effect("platform") is Effect.REFUSE
    assert CHECKS["OUT-05"].effect("letter") is Effect.NOTICE


def test_a_region_that_is_not_online_is_a_route_and_never_a_refusal() -> None:
    assert set(CHECKS["BOTH-02"].effects.values()) == {Effect.ROUTE}


def test_the_local_checks_are_the_five_of_the_rule_book() -> None:
    local = [code for code, check in CHECKS.items() if check.strength is Strength.LOCAL]
    assert local == ["OUT-08", "OUT-09", "IN-02", "IN-04", "IN-05"]


def test_both_04_is_the_lodgers_counters_and_nobody_elses() -> None:
    assert [code for code, check in CHECKS.items() if check.side is Side.COUNTER] == ["BOTH-04"]


def test_an_employer_is_not_shown_health_or_money_as_the_ground() -> None:
    assert [code for code, check in CHECKS.items() if check.private] == ["OUT-03", "OUT-04", "OUT-08", "OUT-09"]
