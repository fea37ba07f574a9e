"""Identity numbers, and the people invented with them."""

from datetime import date
from random import Random

import pytest

from jiexu.region.registry.sample import joining, leaving, sample_people, sample_person
from jiexu.rules.facts import Scheme
from jiexu.rules.identity import (
    birth_date,
    check_character,
    masked_number,
    normalised,
    sex,
    valid_document,
)
from tests.region.platform_contract import ON
from tests.region.registry.world import IN, OUT, RegistryWorld

# The worked examples of GB 11643-1999.
EXAMPLES = ("11010519491231002X", "440524188001010014")


@pytest.mark.parametrize("number", EXAMPLES)
def test_the_standards_examples_are_valid_and_every_other_last_character_is_not(number: str) -> None:
    assert [c for c in "0123456789X" if valid_document("01", number[:17] + c)] == [number[17]]


@pytest.mark.parametrize(
    "number",
    ["", "11010519491231002x", "110105491231002", "110105194913310021", "１1010519491231002X", "11010519491231002X "],
)
def test_what_is_no_resident_number(number: str) -> None:
    assert not valid_document("01", number)


def test_other_types_have_no_checksum() -> None:
    assert valid_document("03", "E12345678")
    assert not valid_document("03", "")
    assert not valid_document("03", "1" * 31)


def test_numbers_are_compared_narrow_and_upper_case() -> None:
    assert normalised(" １1010519491231 002x") == EXAMPLES[0]


def test_a_number_tells_birth_and_sex() -> None:
    assert birth_date(EXAMPLES[0]) == date(1949, 12, 31)
    assert [sex(number) for number in EXAMPLES] == ["female", "male"]
    assert birth_date("110105194913310021") is None


def test_the_check_character_needs_seventeen_digits() -> None:
    with pytest.raises(ValueError, match="seventeen"):
        check_character("1234")


@pytest.mark.parametrize("number", [EXAMPLES[0], "E1234567", "AB"])
def test_a_masked_number_never_shows_the_whole(number: str) -> None:
    assert number not in masked_number(number)
    assert len(masked_number(number)) == len(number)


def test_the_same_seed_gives_the_same_people_and_their_numbers_hold() -> None:
    people = list(sample_people(7, "610100", 300))
    assert people == list(sample_people(7, "610100", 300))
    assert people != list(sample_people(8, "610100", 300))
    assert len({person.identity.document_number for person in people}) == 300
    for person in people:
        number = person.identity.document_number
        assert valid_document("01", number)
        assert number.startswith("610100")
        assert (birth_date(number), sex(number)) == (person.birth_date, person.sex)
        assert 18 <= (date(2026, 1, 1) - person.birth_date).days / 365.25 < 46


def test_a_region_code_has_six_digits() -> None:
    with pytest.raises(ValueError, match="region"):
        sample_person(Random(1), "6101")


def test_sample_people_can_leave_one_region_and_are_enrolled_in_the_other(platform: RegistryWorld) -> None:
    draw = Random(3)
    people = list(sample_people(3, OUT, 20, ON))
    platform.outbound.put(row for person in people for row in leaving(draw, person, ON))
    platform.inbound.put(row for person in people for row in joining(person, ON))
    who = [person.identity for person in people]
    for out, inbound in zip(
        platform.outbound.facts(who, Scheme.EMPLOYEE, ON), platform.inbound.facts(who, Scheme.EMPLOYEE, ON), strict=True
    ):
        assert out.relations[0].status == "suspended"
        assert out.balance is not None
        assert out.balance > 0
        assert (out.in_hospital, out.retired, out.unfinished_transfer_in) == (False, False, False)
        assert (inbound.relations[0].status, inbound.current_month_paid) == ("active", True)
        assert not set(out.active_months) & set(inbound.active_months)
    assert IN != OUT
