"""`jiexu sent`: every sent must meet a received."""

from tests.service.pair import IN, WENZHOU, XIAN, World
from tests.service.test_bad_input import lodged, remind, sent_in

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]


def sent(pair: World) -> None:
    """Let Wenzhou's relay send what it holds."""
    service = pair.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()


def test_nothing_waits_where_all_was_received(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.idle()
    answer = at(WENZHOU, "sent", "--json")
    assert (answer.code, answer.json["without_receipt"], answer.json["partners"]) == (0, [], [])
    assert "都有回执" in at(WENZHOU, "sent").out


def test_an_event_is_a_problem_only_beyond_the_limit(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    sent(pair)
    pair.clock.pass_by(hours=5)
    early = at(WENZHOU, "sent", "--json")
    assert (early.code, early.json["late"]) == (0, 0)
    (row,) = early.json["without_receipt"]
    assert (row["hours"], row["times"], row["to"]) == (5.0, 1, f"{XIAN}.outbound")
    late = at(WENZHOU, "sent", "--older-than", "4", "--json")
    assert (late.code, late.json["late"]) == (1, 1)
    assert at(WENZHOU, "sent", "--older-than", "-1").code == 2


def test_a_partner_from_whom_nothing_comes_is_silent(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    sent(pair)
    pair.clock.pass_by(hours=30)
    (partner,) = at(WENZHOU, "sent", "--json").json["partners"]
    assert (partner["partner"], partner["silent"], partner["heard_at"]) == (f"{XIAN}.outbound", True, None)
    assert "没有任何来函" in at(WENZHOU, "sent").out


def test_a_partner_that_still_writes_is_not_silent_though_it_owes_a_receipt(pair: World, at: At) -> None:
    first, second = pair.moves(1, 2)
    pair.case_of(first)
    with pair.desks[WENZHOU].journal.write() as write:  # as after a record that was lost on its way
        write.move_cursor(f"relay:inbound:{XIAN}.outbound", 0, write.last_position())
    pair.case_of(second)
    for _ in range(6):
        pair.turn()
    pair.clock.pass_by(hours=30)
    answer = at(WENZHOU, "sent", "--json")
    assert answer.code == 1
    (partner,) = answer.json["partners"]
    assert (partner["silent"], bool(partner["heard_at"])) == (False, True)
    assert "仍有来函" in at(WENZHOU, "sent").out


def test_what_was_never_sent_points_at_the_own_service(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    pair.clock.pass_by(hours=30)
    (row,) = at(WENZHOU, "sent", "--json").json["without_receipt"]
    assert (row["times"], row["last_sent_at"]) == (0, None)
    assert "jiexu doctor" in at(WENZHOU, "sent").out


def test_what_a_partner_has_issued_and_did_not_come_is_a_gap_until_it_comes(pair: World, at: At) -> None:
    """温州's second and third event do not come, its fourth does."""
    case_id = lodged(pair)
    events = []
    for seq in (2, 3, 4):
        before = {"prev_hash": events[-1][0].hash, "seq": seq} if events else {}
        events.append(pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), **before))
    sent_in(pair, case_id, events[2])
    pair.clock.pass_by(hours=5)
    early = at(XIAN, "sent", "--json")
    (gap,) = early.json["gaps"]
    assert (gap["case"], gap["from"], gap["hand"], gap["first"], gap["last"]) == (case_id, WENZHOU, "inbound", 2, 3)
    assert early.code == 0
    late = at(XIAN, "sent", "--older-than", "4")
    assert late.code == 1
    assert f"缺 {WENZHOU} 的 #2–#3" in late.out
    sent_in(pair, case_id, events[0])
    (gap,) = at(XIAN, "sent", "--json").json["gaps"]
    assert (gap["first"], gap["last"]) == (3, 3)
    sent_in(pair, case_id, events[1])
    answer = at(XIAN, "sent", "--json")
    assert (answer.code, answer.json["gaps"]) == (0, [])
