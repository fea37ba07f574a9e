"""`jiexu platform`: what the local platform has done for a case; and a clerk's way past what no event reports."""

from decimal import Decimal

from jiexu.region.platform import ActKey, Debit
from jiexu.rules.facts import Scheme
from tests.service.pair import AMOUNT, WENZHOU, XIAN, World

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


def test_both_platforms_tell_what_they_did_for_a_case(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    out = at(XIAN, "platform", case_id, "--json").json["acts"]
    assert {one["act"] for one in out} == {"Hold", "Debit", "Send", "EndRelation"}
    assert next(one["value"]["level"] for one in out if one["act"] == "Debit") == str(AMOUNT)
    assert {one["act"] for one in at(WENZHOU, "platform", case_id, "--json").json["acts"]} == {"RecordMonths", "Credit"}
    shown = at(XIAN, "platform", case_id)
    assert shown.code == 0
    assert "核减个人账户" in shown.out
    assert who.document_number not in shown.out


def test_a_debit_that_no_event_reports_is_seen_and_set_anew(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    lost = Debit(ActKey(case_id, "debit", "1"), who, Scheme.EMPLOYEE, Decimal("1.00"))
    pair.desks[XIAN].platform.perform([lost])
    pair.idle()
    (todo,) = at(XIAN, "todo", "list", "--json").json
    assert "--anew" in todo["zh"]
    assert "level 1.00" in todo["zh"]
    assert [one["n"] for one in at(XIAN, "platform", case_id, "--json").json["acts"] if one["act"] == "Debit"] == ["1"]
    people = ("--by", "D0117", "--reviewed-by", "D0232")
    assert at(XIAN, "upload", case_id, *people).code == 1
    assert at(XIAN, "upload", case_id, "--anew", *people).code == 0
    pair.idle()
    assert pair.status(case_id) == "closed"
