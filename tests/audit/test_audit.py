"""What an auditor must see: a journal that was touched, a case that one side has not, books that say otherwise."""

import sqlite3
from dataclasses import replace
from decimal import Decimal

from jiexu.audit.compare import compare_all
from jiexu.audit.money import money_of
from jiexu.audit.replay import Replayed, replay_journal
from jiexu.case.event import Hand
from jiexu.journal.port import Journal
from tests.service.pair import WENZHOU, XIAN, World, draft

__all__ = ["draft"]


def journals(world: World) -> dict[str, Journal]:
    return {code: world.desks[code].journal for code in (XIAN, WENZHOU)}


def replayed(world: World) -> dict[str, Replayed]:
    return {code: replay_journal(journal) for code, journal in journals(world).items()}


def closed_case(world: World) -> str:
    (who,) = world.moves(1)
    case_id = world.case_of(who)
    world.idle()
    assert world.status(case_id, XIAN, WENZHOU) == "closed"
    return case_id


def test_sound_journals_agree_and_every_event_is_counted_once(pair: World) -> None:
    closed_case(pair)
    report = compare_all(replayed(pair))
    assert report.journals_agree
    assert (report.cases, report.events, report.lost, report.doubled) == (1, 7, 0, 0)


def test_an_event_that_one_side_has_not_is_lost_and_named(pair: World) -> None:
    case_id = closed_case(pair)
    both = replayed(pair)
    place = (case_id, Hand.INBOUND, 4)
    both[XIAN].places.pop(place)
    both[XIAN].cases[case_id] = replace(both[XIAN].cases[case_id], state_hash="another")
    report = compare_all(both)
    assert report.lost == 1
    assert any("inbound 4" in difference for difference in report.differences)


def test_a_case_that_one_side_has_not_is_lost_as_a_whole(pair: World) -> None:
    case_id = closed_case(pair)
    both = replayed(pair)
    del both[XIAN].cases[case_id]
    assert compare_all(both).lost == 7


def test_one_place_with_two_contents_is_doubled(pair: World) -> None:
    case_id = closed_case(pair)
    both = replayed(pair)
    both[XIAN].places[case_id, Hand.INBOUND, 4] = bytes(32)
    both[XIAN].cases[case_id] = replace(both[XIAN].cases[case_id], state_hash="another")
    assert compare_all(both).doubled > 0


def test_one_changed_character_of_a_past_event_breaks_what_follows_it(pair: World) -> None:
    case_id = closed_case(pair)
    with sqlite3.connect(pair.folder / XIAN / "journal.db") as db:
        was, becomes = f"{case_id}R1".encode(), f"{case_id}R7".encode()
        for position, payload in db.execute("SELECT position, payload FROM log WHERE kind = 'event'").fetchall():
            if was in payload:
                db.execute("UPDATE log SET payload = ? WHERE position = ?", (payload.replace(was, becomes), position))
    problems = replay_journal(pair.desks[XIAN].journal).problems
    assert any("another content" in problem for problem in problems)
    assert not compare_all(replayed(pair)).journals_agree


def test_books_that_say_otherwise_are_named_with_the_reference(pair: World) -> None:
    case_id = closed_case(pair)
    platforms = {code: pair.desks[code].platform for code in (XIAN, WENZHOU)}
    sound = money_of(replayed(pair), journals(pair), platforms)
    assert sound.balanced
    assert sound.events > 0
    with sqlite3.connect(pair.folder / WENZHOU / "registry.db") as db:
        db.execute("UPDATE credited SET amount = amount - 1")
    found = money_of(replayed(pair), journals(pair), platforms)
    assert not found.balanced
    assert any(case_id in difference and "credited" in difference for difference in found.differences)
    assert found.credited - sound.credited == Decimal(0)


def test_replay_needs_no_personal_value(pair: World) -> None:
    closed_case(pair)
    before = replayed(pair)
    for code in (XIAN, WENZHOU):
        with sqlite3.connect(pair.folder / code / "journal.db") as db:
            db.execute("DELETE FROM disclosures")
    after = replayed(pair)
    assert {c: r.cases for c, r in after.items()} == {c: r.cases for c, r in before.items()}
