"""What an auditor must see: a journal that was touched, a case that one side has not, books that say otherwise."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from jiexu.audit.compare import compare_all
from jiexu.audit.money import MoneyReport, money_of
from jiexu.audit.replay import Replayed, replay_journal
from jiexu.case.event import Hand
from jiexu.journal.port import Journal
from jiexu.region.registry import Mishap, MishapKind
from jiexu.region.registry.bank import ReferenceBook
from tests.service.pair import CHENGDU, WENZHOU, XIAN, World


def journals(world: World) -> dict[str, Journal]:
    return {code: world.desks[code].journal for code in world.codes}


def replayed(world: World) -> dict[str, Replayed]:
    return {code: replay_journal(journal) for code, journal in journals(world).items()}


def money(world: World, bank: dict[str, ReferenceBook] | None = None) -> MoneyReport:
    platforms = {code: world.desks[code].platform for code in world.codes}
    return money_of(
        replayed(world), journals(world), platforms, world.bank.book(world.clock()) if bank is None else bank
    )


def closed_case(world: World, number: int = 1) -> str:
    (who,) = world.moves(number)
    case_id = world.case_of(who)
    world.idle()
    assert world.status(case_id, XIAN, WENZHOU) == "closed"
    return case_id


def touch(world: World, code: str, statement: str, *values: object) -> None:
    with sqlite3.connect(world.folder / code / "journal.db") as db:
        assert db.execute(statement, values).rowcount > 0


def events_of(world: World, code: str) -> list[tuple[int, bytes]]:
    with sqlite3.connect(world.folder / code / "journal.db") as db:
        return db.execute("SELECT position, payload FROM log WHERE kind = 'event' ORDER BY position").fetchall()


# --- replay


def test_a_sound_journal_has_no_problem_and_comes_to_the_states_that_the_services_show(pair: World) -> None:
    case_id = closed_case(pair)
    for code, one in replayed(pair).items():
        assert (one.problems, one.doubled, one.events) == ([], 0, 7)
        case = one.cases[case_id]
        assert (case.status, case.events, case.void, case.sent) == ("closed", 7, 0, True)
        assert case.partner == {XIAN: WENZHOU, WENZHOU: XIAN}[code]


def test_replay_twice_is_the_same_and_changes_nothing(pair: World) -> None:
    closed_case(pair)
    before = replayed(pair)
    with pair.desks[XIAN].journal.read() as read:
        last = read.last_position()
    assert replayed(pair) == before
    with pair.desks[XIAN].journal.read() as read:
        assert read.last_position() == last


def test_replay_needs_no_personal_value(pair: World) -> None:
    closed_case(pair)
    before = replayed(pair)
    for code in (XIAN, WENZHOU):
        touch(pair, code, "DELETE FROM disclosures")
    after = replayed(pair)
    assert {c: r.cases for c, r in after.items()} == {c: r.cases for c, r in before.items()}


def test_one_changed_character_of_a_past_event_breaks_what_follows_it(pair: World) -> None:
    case_id = closed_case(pair)
    was, becomes = f"{case_id}R1".encode(), f"{case_id}R7".encode()
    for position, payload in events_of(pair, XIAN):
        if was in payload:
            touch(pair, XIAN, "UPDATE log SET payload = ? WHERE position = ?", payload.replace(was, becomes), position)
    problems = replay_journal(pair.desks[XIAN].journal).problems
    assert any("another content" in problem for problem in problems)
    assert not compare_all(replayed(pair)).journals_agree


def test_a_changed_last_event_that_nothing_follows_is_found_too(pair: World) -> None:
    case_id = closed_case(pair)
    position, payload = events_of(pair, WENZHOU)[-1]
    was, becomes = f"{case_id}R1".encode(), f"{case_id}R7".encode()
    assert was in payload, "the last event credits the money"
    touch(pair, WENZHOU, "UPDATE log SET payload = ? WHERE position = ?", payload.replace(was, becomes), position)
    problems = replay_journal(pair.desks[WENZHOU].journal).problems
    assert any("differs from the index" in problem for problem in problems)


def test_a_line_that_cannot_be_read_is_a_problem_and_stops_nothing(pair: World) -> None:
    closed_case(pair)
    other = closed_case(pair, 2)
    position, payload = events_of(pair, XIAN)[0]
    touch(pair, XIAN, "UPDATE log SET payload = ? WHERE position = ?", payload[:40], position)
    one = replay_journal(pair.desks[XIAN].journal)
    assert any(problem.startswith(f"position {position}:") for problem in one.problems)
    assert one.cases[other].status == "closed"


def test_a_verdict_that_was_turned_round_is_found(pair: World) -> None:
    closed_case(pair)
    # LedgerEvent: the event's bytes, then void, then arrival, null in own ones.
    position, payload = next(row for row in events_of(pair, XIAN) if row[1].endswith(b"\x00\x00"))
    touch(pair, XIAN, "UPDATE log SET payload = ? WHERE position = ?", payload[:-2] + b"\x01\x00", position)
    assert any("recorded as void" in problem for problem in replay_journal(pair.desks[XIAN].journal).problems)


# --- comparison


def test_sound_journals_agree_and_every_event_is_counted_once(pair: World) -> None:
    closed_case(pair)
    report = compare_all(replayed(pair))
    assert report.journals_agree
    assert (report.cases, report.events, report.lost, report.doubled) == (1, 7, 0, 0)


def test_a_case_refused_at_the_counter_was_never_sent_and_is_not_lost(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    assert pair.apply(who, at=XIAN).outcome == "refused"
    pair.idle()
    report = compare_all(replayed(pair))
    assert (report.cases, report.events, report.lost) == (1, 2, 0)
    assert report.journals_agree


def test_an_event_that_one_side_has_not_is_lost_and_named(pair: World) -> None:
    case_id = closed_case(pair)
    both = replayed(pair)
    both[XIAN].places.pop((case_id, Hand.INBOUND, 4))
    both[XIAN].cases[case_id] = replace(both[XIAN].cases[case_id], state_hash="another")
    report = compare_all(both)
    assert report.lost == 1
    assert any("inbound 4" in difference for difference in report.differences)


@pytest.mark.parametrize("side", [XIAN, WENZHOU])
def test_a_case_that_one_side_has_not_is_lost_as_a_whole(pair: World, side: str) -> None:
    case_id = closed_case(pair)
    both = replayed(pair)
    del both[side].cases[case_id]
    assert compare_all(both).lost == 7


def test_an_event_under_way_awaits_its_receipt_and_is_not_lost(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.case_of(who)
    report = compare_all(replayed(pair))
    assert (report.lost, report.awaiting_receipt, report.journals_agree) == (0, 1, True)
    for _ in range(3):
        pair.turn()  # in the middle of it
    report = compare_all(replayed(pair))
    assert (report.lost, report.differences) == (0, [])
    assert report.awaiting_receipt > 0
    pair.idle()
    assert compare_all(replayed(pair)).awaiting_receipt == 0
    assert compare_all(replayed(pair)).journals_agree


def _two_contents(both: dict[str, Replayed], case_id: str) -> None:
    both[XIAN].places[case_id, Hand.INBOUND, 4] = bytes(32)
    both[XIAN].cases[case_id] = replace(both[XIAN].cases[case_id], state_hash="another")


def _event_id_twice(both: dict[str, Replayed], case_id: str) -> None:
    event_id = next(iter(both[XIAN].event_ids))
    both[XIAN].event_ids[event_id] = ("0" * 32, Hand.OUTBOUND, 1)


def _reference_twice(both: dict[str, Replayed], case_id: str) -> None:
    payment = next(iter(both[XIAN].payments))
    both[WENZHOU].payments[payment] = {case_id, "0" * 32}


@pytest.mark.parametrize("wrong", [_two_contents, _event_id_twice, _reference_twice])
def test_one_place_or_id_or_reference_with_two_contents_is_doubled_and_counted_once(
    pair: World, wrong: Callable[[dict[str, Replayed], str], None]
) -> None:
    case_id = closed_case(pair)
    both = replayed(pair)
    wrong(both, case_id)
    report = compare_all(both)
    assert (report.doubled, report.lost) == (1, 0)
    assert not report.journals_agree


def test_partners_that_are_not_at_hand_are_left_alone(three: World) -> None:
    who, other = three.moves(1)[0], three.moves(2, out=CHENGDU)[0]
    three.case_of(who)
    three.case_of(other, out=CHENGDU)
    three.idle()
    all_of_them = replayed(three)
    assert compare_all(all_of_them).journals_agree
    del all_of_them[CHENGDU]
    report = compare_all(all_of_them)
    assert (report.cases, report.lost, report.journals_agree) == (2, 0, True)


# --- money


def test_the_money_of_a_closed_case_is_what_the_registries_and_the_bank_say(pair: World) -> None:
    closed_case(pair)
    found = money(pair)
    assert found.differences == []
    assert found.balanced
    assert (found.references, found.sent, found.under_way) == (1, found.credited, Decimal(0))


@pytest.mark.parametrize("kind", [MishapKind.REFUSE, MishapKind.SHORT, MishapKind.EXCESS])
def test_what_goes_wrong_at_the_bank_stands_alike_in_the_events_and_in_every_book(
    pair: World, kind: MishapKind
) -> None:
    (who,) = pair.moves(1)
    amount = None if kind is MishapKind.REFUSE else Decimal("10.00")
    pair.bank.add_mishap(Mishap(kind, document_number=who.document_number, amount=amount))
    pair.case_of(who)
    pair.idle()
    found = money(pair)
    assert found.differences == []
    assert found.balanced
    assert found.sent > 0


@pytest.mark.parametrize(
    ("code", "statement", "word"),
    [
        (WENZHOU, "UPDATE credited SET amount = amount - 1", "credited"),
        (WENZHOU, "DELETE FROM bank_lines", "arrived"),
        (XIAN, "UPDATE sent SET amount = amount + 1", "sent"),
    ],
)
def test_a_registry_that_says_otherwise_is_named_with_word_and_reference(
    pair: World, code: str, statement: str, word: str
) -> None:
    case_id = closed_case(pair)
    with sqlite3.connect(pair.folder / code / "registry.db") as db:
        db.execute(statement)
    found = money(pair)
    assert not found.balanced
    assert [d for d in found.differences if f"{case_id}R1: {word} " in d and code in d]


def test_money_in_a_book_that_no_case_knows_is_named(pair: World) -> None:
    closed_case(pair)
    book = pair.bank.book(pair.clock())
    (known,) = book.values()
    found = money(pair, {**book, "unknown-R1": known})
    assert any(difference.startswith("unknown-R1: sent 0.00 by the events") for difference in found.differences)


def test_a_bank_that_knows_nothing_of_a_remittance_is_named(pair: World) -> None:
    case_id = closed_case(pair)
    found = money(pair, {"": ReferenceBook(*[Decimal(0)] * 8)})
    assert any(
        difference.startswith(f"{case_id}R1: sent") and "the bank" in difference for difference in found.differences
    )
