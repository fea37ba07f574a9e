"""`jiexu events`: what the journal holds of a case."""

from tests.service.pair import IN, OUT, WENZHOU, XIAN, World

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


def test_each_event_says_where_its_receipt_stands(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    (applied,) = at(WENZHOU, "events", case_id, "--json").json["events"]
    assert (applied["hand"], applied["seq"], applied["type"]) == ("inbound", 1, "TransferApplied")
    assert (applied["own"], applied["receipt"], applied["receipt_at"]) == (True, "waiting", None)
    pair.idle()
    for code in (XIAN, WENZHOU):
        rows = at(code, "events", case_id, "--json").json["events"]
        assert {row["receipt"] for row in rows if row["own"]} == {"got"}
        assert {row["receipt"] for row in rows if not row["own"]} == {"given"}
        assert all(row["receipt_at"] for row in rows)
        assert not any(row["void"] for row in rows)


def test_a_receipt_that_was_not_sent_yet_is_owed(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    service = pair.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()
    pair.services[XIAN, OUT].relay.ledger.turn()
    pair.stopped.add((WENZHOU, IN))
    pair.turn()
    rows = at(XIAN, "events", case_id, "--json").json["events"]
    assert rows[0]["receipt"] in ("owed", "given")
    assert rows[0]["own"] is False


def test_what_is_not_sent_is_not_waited_for(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    answer = pair.apply(who, at=XIAN)
    assert (answer.outcome, bool(answer.case_id)) == ("refused", True)
    rows = at(XIAN, "events", answer.case_id, "--json").json["events"]
    assert {row["receipt"] for row in rows} == {"not_sent"}


def test_a_void_event_is_marked_and_the_hands_are_named(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    reject = {"reasons": [{"code": "OUT-04", "text": None}], "survivor": None, "explanation": None}
    pair.misissue(XIAN, case_id, "TransferRejected", reject)
    assert at(XIAN, "events", case_id, "--json").json["events"][-1]["void"]
    assert "（无效）" in at(XIAN, "events", case_id).out
    assert "转出地" in at(XIAN, "events", case_id).out
