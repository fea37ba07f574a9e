"""What clerks do: two people, within the table, through the same claims; questions, withdrawals, corrections."""

from decimal import Decimal
from typing import Any

import pytest

from jiexu.case.event import Hand
from jiexu.region.registry import AccountRow, MishapKind
from jiexu.rules.facts import Identity
from jiexu.service.clerk import ActRefused, Clerk, Desk
from tests.service.pair import (
    AMOUNT,
    BALANCE,
    DESK,
    IN,
    INTEREST,
    OUT,
    PARTS,
    WENZHOU,
    XIAN,
    Died,
    World,
)
from tests.service.test_steps import amounts, by_clerk, relation


def refused(world: World, region: str, case_id: str, name: str, desk: Desk = DESK, **details: Any) -> ActRefused:
    """Why an act is refused."""
    clerk = Clerk(world.desks[region], {role: part() for role, part in PARTS.items()})
    with pytest.raises(ActRefused) as problem:
        clerk.act(case_id, name, desk, **details)
    assert problem.value.zh
    assert problem.value.en
    return problem.value


def account_now(world: World, who: Identity, balance: str, code: str = XIAN) -> None:
    """The registry states another balance."""
    world.desks[code].platform.put(  # type: ignore[attr-defined]
        [AccountRow(f"L{who.document_number[-6:]}", Decimal(balance), INTEREST)]
    )


# --- who may do what


@pytest.mark.parametrize("reviewer", [None, "clerk-1"])
def test_an_act_needs_two_people(pair: World, reviewer: str | None) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    why = refused(pair, WENZHOU, case_id, "remind", Desk("clerk-1", reviewer), about="answer")
    assert why.code == "two_people"
    assert pair.types(WENZHOU, case_id, Hand.INBOUND) == ["TransferApplied"]


def test_both_people_stand_in_the_event(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    (event,) = pair.act(WENZHOU, case_id, "remind", about="answer")
    assert (event.handled_by, event.reviewed_by) == ("clerk-1", "clerk-2")


def test_an_act_in_an_unknown_case_and_an_unknown_act_are_refused(pair: World) -> None:
    assert refused(pair, XIAN, "00" * 16, "remind", about="x").code == "unknown_case"
    case_id = pair.case_of(pair.moves(1)[0])
    assert refused(pair, WENZHOU, case_id, "fly").code == "unknown_act"


def test_what_the_table_does_not_give_is_refused_with_the_guards_that_say_why(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    why = refused(pair, WENZHOU, case_id, "query_form", field="periods")
    assert why.code == "not_permitted"
    assert "信息表" in why.zh or "版" in why.zh


def test_a_clerk_cannot_send_more_than_is_due(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    pair.idle()
    assert refused(pair, XIAN, case_id, "remit_amount", amount="0.01").code == "not_permitted"
    pair.books_fit()


def test_while_a_step_is_under_way_the_hand_is_blocked_and_the_clerk_reads_since_when(pair: World) -> None:
    fault = pair.faults[XIAN, OUT]
    fault.name = "acts.done"
    case_id = pair.case_of(pair.moves(1)[0])
    with pytest.raises(Died):
        pair.idle()
    pair.kill(XIAN, OUT)
    why = refused(pair, XIAN, case_id, "remind", about="complete")
    assert why.code == "hand_blocked"
    assert "upload" in why.en
    pair.clock.pass_by(minutes=2)
    pair.start(XIAN, OUT)
    pair.idle()
    assert pair.status(case_id) == "closed"


# --- questions about the form


def test_a_question_about_the_form_is_answered_by_version_two(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="account.balance", code="wrong_amount")
    pair.idle()
    assert pair.status(case_id) == "form_queried"
    assert refused(pair, XIAN, case_id, "upload").code == "nothing_changed"
    account_now(pair, who, "900.00")
    pair.act(XIAN, case_id, "upload")
    pair.idle()
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    view = pair.case(XIAN, case_id).view
    lower = AMOUNT - Decimal("100.00")
    assert [form.amount for form in view.outbound.forms] == [AMOUNT, lower]
    assert view.inbound.completed_on == 2
    assert amounts(view.inbound.returns) == [Decimal("100.00")], "what is over the lower form goes back"
    assert pair.registry_level(XIAN) == lower
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_a_question_about_the_form_can_be_explained_in_words(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="periods")
    pair.idle()
    pair.act(XIAN, case_id, "explain_form", text="按登记数据无误")
    pair.idle()
    assert len(pair.case(WENZHOU, case_id).view.outbound.forms) == 1
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_a_question_sent_in_error_is_taken_back_and_needs_no_answer(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="periods")
    pair.act(WENZHOU, case_id, "close_form_query", reason="sent_in_error")
    pair.idle()
    assert refused(pair, XIAN, case_id, "explain_form").code == "not_permitted"
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_an_answer_that_crosses_the_taking_back_of_its_question_stands(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="periods")
    pair.idle()
    pair.act(WENZHOU, case_id, "close_form_query", reason="solved")
    account_now(pair, who, "900.00")
    pair.act(XIAN, case_id, "upload")
    pair.idle()
    assert pair.case(WENZHOU, case_id).voids == set()
    assert len(pair.case(WENZHOU, case_id).view.outbound.forms) == 2
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_an_error_found_after_completion_is_corrected_and_the_completion_amended(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(XIAN, case_id, "propose_correction", fields=["account.balance"])
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="account.balance", code="wrong_amount")
    pair.idle()
    account_now(pair, who, str(BALANCE + 50))
    pair.act(XIAN, case_id, "upload")
    pair.idle()
    view = pair.case(WENZHOU, case_id).view
    assert pair.types(WENZHOU, case_id, Hand.INBOUND).count("CompletionAmended") == 1
    assert sum(amounts(view.inbound.credits)) == AMOUNT + 50
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(XIAN) == AMOUNT + 50
    pair.agreed()
    pair.books_fit()


def test_a_correction_that_lowers_the_amount_after_the_credit_takes_the_difference_back(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="account.balance", code="wrong_amount")
    pair.idle()
    account_now(pair, who, "900.00")
    pair.act(XIAN, case_id, "upload")
    pair.idle()
    view = pair.case(WENZHOU, case_id).view
    assert [(r.amount, r.credited) for r in view.inbound.returns] == [(Decimal("100.00"), True)]
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_a_completion_is_reversed_and_made_again(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "reverse", reason="taken_over_in_error")
    pair.idle()
    assert pair.status(case_id) == "reversed"
    assert relation(pair, who) == "suspended"
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert relation(pair, who) == "ended"
    pair.agreed()
    pair.books_fit()


# --- questions about the money


def test_an_open_question_about_money_stops_the_credit_until_it_is_closed(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "credit")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_balance", kind="wrong_name", reference=f"{case_id}R1")
    assert refused(pair, WENZHOU, case_id, "credit").code == "not_permitted"
    pair.act(WENZHOU, case_id, "close_balance_query", reason="solved")
    pair.act(WENZHOU, case_id, "credit")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.books_fit()


def test_a_question_about_money_can_be_explained(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "credit")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_balance", kind="wrong_name", reference=f"{case_id}R1")
    pair.idle()
    pair.act(XIAN, case_id, "explain_balance", text="同一人")
    pair.idle()
    pair.act(WENZHOU, case_id, "credit")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


# --- ends


def test_a_withdrawal_that_crosses_the_acceptance_ends_the_case_on_both_sides(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.stopped.add((WENZHOU, IN))
    service = pair.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()
    for _ in range(2):
        pair.turn()
    assert "TransferAccepted" in pair.types(XIAN, case_id, Hand.OUTBOUND)
    pair.act(WENZHOU, case_id, "withdraw", reason="applicant_request")
    pair.stopped.clear()
    pair.idle()
    assert pair.case(XIAN, case_id).voids == set()
    assert pair.status(case_id) == "withdrawn"
    assert relation(pair, who) == "suspended"
    assert pair.registry_level(XIAN) == Decimal("0.00")
    pair.agreed()
    pair.books_fit()


def test_a_withdrawal_that_outbound_asks_for_is_answered_by_inbound_and_the_money_comes_back(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(XIAN, case_id, "request_withdrawal", reason="cover_resumed")
    pair.idle()
    pair.act(WENZHOU, case_id, "withdraw", reason="cover_resumed")
    pair.idle()
    assert pair.status(case_id) == "withdrawn"
    assert pair.case(XIAN, case_id).view.money_back
    assert pair.registry_level(XIAN) == Decimal("0.00")
    pair.agreed()
    pair.books_fit()


def test_a_request_for_withdrawal_that_crosses_completion_leaves_the_case_completed(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(XIAN, case_id, "request_withdrawal", reason="applicant_request")
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_outbound_cannot_withdraw_once_its_form_is_uploaded(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    assert refused(pair, XIAN, case_id, "withdraw", reason="applicant_request").code == "not_permitted"


def test_money_on_its_way_when_a_case_ends_arrives_and_comes_back(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    pair.mishap(MishapKind.DELAY, who, seconds=86_400)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "withdraw", reason="cover_lost")
    pair.idle()
    assert pair.registry_level(XIAN) == AMOUNT, "the money is not back yet"
    pair.clock.pass_by(days=1)
    pair.idle()
    assert pair.case(XIAN, case_id).view.money_back
    assert pair.registry_level(XIAN) == Decimal("0.00")
    pair.agreed()
    pair.books_fit()
