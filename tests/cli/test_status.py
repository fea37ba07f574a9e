"""`jiexu status`, `find`, `timeline`, `worklist` as their users meet them."""

import json

import pytest

from tests.service.pair import WENZHOU, XIAN, World

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


def test_the_beginning_of_a_case_id_is_enough_and_a_shorter_one_is_bad_input(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    assert at(WENZHOU, "status", case_id[:12], "--json").json["case_id"] == case_id
    short = at(WENZHOU, "status", case_id[:7], "--json")
    assert (short.code, short.json["error"]["code"]) == (2, "case_id")


def test_a_beginning_that_fits_two_cases_is_refused(pair: World, at: At) -> None:
    cases = [pair.case_of(who) for who in pair.moves(1, 2)]
    same = 12  # both ids begin with the same moment
    assert cases[0][:same] == cases[1][:same]
    answer = at(WENZHOU, "status", cases[0][:same], "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "ambiguous_case")


def test_an_unknown_case_is_answered_with_no(at: At) -> None:
    assert at(WENZHOU, "status", "ffffffff").code == 1
    assert at(WENZHOU, "timeline", "ffffffff").code == 1


@pytest.mark.parametrize("written", ["01:{}", "{}", "01：{}"])
def test_a_person_is_found_however_the_document_is_written(pair: World, at: At, written: str) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    answer = at(WENZHOU, "status", "--person", written.format(who.document_number), "--json")
    assert [one["case_id"] for one in answer.json] == [case_id]


@pytest.mark.parametrize("written", ["01:", "1:6101", "card:6101", ""])
def test_a_document_that_is_none_is_bad_input_and_not_repeated(at: At, written: str) -> None:
    answer = at(WENZHOU, "status", "--person", written)
    assert answer.code == 2
    assert "6101…" in answer.err
    assert "card" not in answer.err


def test_a_case_and_a_person_together_are_bad_input(at: At) -> None:
    assert at(WENZHOU, "status", "ffffffff", "--person", "01:1").code == 2
    assert at(WENZHOU, "status").code == 2


def test_a_person_without_a_case_is_answered_with_no(at: At) -> None:
    answer = at(WENZHOU, "status", "--person", "01:610100199001010000", "--json")
    assert (answer.code, answer.json) == (1, [])


def test_an_employer_sees_no_money_by_case_or_by_person(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    by_case = at(WENZHOU, "status", case_id, "--audience", "employer", "--json").json
    (by_person,) = at(WENZHOU, "status", "--person", who.document_number, "--audience", "employer", "--json").json
    assert by_case == by_person
    assert "money" not in by_case
    assert "1012.34" not in json.dumps(by_case)
    assert at(WENZHOU, "status", case_id, "--json").json["money"]


def test_no_view_shows_the_number(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    for code in (XIAN, WENZHOU):
        for words in (("status", case_id), ("timeline", case_id), ("worklist",), ("events", case_id), ("sent",)):
            for form in ((), ("--json",)):
                answer = at(code, *words, *form)
                assert answer.code == 0, answer.err
                assert who.document_number not in answer.out + answer.err


def test_the_worklist_can_be_cut_by_role_and_day(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    assert case_id in json.dumps(at(WENZHOU, "worklist", "--json").json)
    assert at(WENZHOU, "worklist", "--role", "outbound", "--json").json == []
    assert at(WENZHOU, "worklist", "--until", "2026-01-01", "--json").json == []
    assert at(WENZHOU, "worklist", "--until", "soon").code == 2


def test_find_is_status_by_person(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    by_status = at(WENZHOU, "status", "--person", who.document_number, "--json")
    by_find = at(WENZHOU, "find", who.document_number, "--json")
    assert (by_find.code, by_find.json) == (0, by_status.json)
    assert at(WENZHOU, "find", "01:").code == 2
