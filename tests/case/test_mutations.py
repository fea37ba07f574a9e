"""Each guard of the protocol table is needed: without it some exploration breaks an invariant.

Obligations and steps are held to the same: whoever forgets a clock or a step is noticed.
"""

from collections.abc import Callable
from dataclasses import replace

import explore_invariants
import pytest
from explore import Explored, explore
from explore_bounds import SMALL

from jiexu.case.event import Role
from jiexu.case.obligations import Obligation, obligations
from jiexu.case.protocol import PLATFORM, Rule
from jiexu.case.steps import next_steps
from jiexu.case.view import View


def without(index: int, guard: str) -> tuple[Rule, ...]:
    """The table with one guard left out of one rule."""
    rule = PLATFORM[index]
    left = tuple(g for g in rule.guards if g.name != guard)
    return (*PLATFORM[:index], replace(rule, guards=left), *PLATFORM[index + 1 :])


def first_found(rules: tuple[Rule, ...]) -> tuple[str | None, int]:
    """The invariant that the small explorations find broken, and after how many states."""
    states = 0
    for bounds in SMALL:
        explored: Explored = explore(bounds, rules)
        states += explored.states
        if explored.found is not None:
            return explored.found.invariant, states
    return None, states


# (event, issuer, guard) → the invariant that its absence breaks
NOTICED = {
    ("TransferApplied", "lodger", "first"): "once",
    ("TransferRejected", "lodger", "second"): "once",
    ("TransferAccepted", "answerer", "live"): "end_is_final",
    ("TransferAccepted", "answerer", "unanswered"): "once",
    ("TransferRejected", "answerer", "live"): "end_is_final",
    ("TransferRejected", "answerer", "unanswered"): "once",
    ("CaseForwarded", "answerer", "live"): "end_is_final",
    ("CaseForwarded", "answerer", "unanswered"): "once",
    ("TransferWithdrawn", "outbound", "live"): "once",
    ("TransferWithdrawn", "outbound", "own_part"): "answered_or_taken_back",
    ("TransferWithdrawn", "outbound", "no_form"): "completed_not_ended",
    ("TransferWithdrawn", "inbound", "live"): "end_is_final",
    ("TransferWithdrawn", "inbound", "own_part"): "answered_or_taken_back",
    ("TransferWithdrawn", "inbound", "not_completed"): "completed_not_ended",
    ("WithdrawalRequested", "outbound", "live"): "end_is_final",
    ("WithdrawalRequested", "outbound", "form"): "asked_is_due",
    ("WithdrawalRequested", "outbound", "not_completed"): "asked_is_open",
    ("InformationFormUploaded", "outbound", "live"): "end_is_final",
    ("InformationFormUploaded", "outbound", "accepted"): "accepted_before_form",
    ("InformationFormUploaded", "outbound", "no_form"): "versions",
    ("InformationFormUploaded", "outbound", "first_version"): "ends_its_question",
    ("InformationFormUploaded", "outbound", "form_query_open"): "ends_its_question",
    ("InformationFormUploaded", "outbound", "answers_form_query"): "ends_its_question",
    ("InformationFormUploaded", "outbound", "next_version"): "ends_its_question",
    ("FormExplained", "outbound", "form_query_open"): "ends_its_question",
    ("FormExplained", "outbound", "answers_form_query"): "ends_its_question",
    ("CorrectionProposed", "outbound", "live"): "end_is_final",
    ("CorrectionProposed", "outbound", "form"): "asked_is_due",
    ("CorrectionProposed", "outbound", "no_form_query"): "asked_is_open",
    ("FormQueried", "inbound", "live"): "end_is_final",
    ("FormQueried", "inbound", "latest_version"): "asked_is_due",
    ("FormQueried", "inbound", "no_form_query"): "no_question_lost",
    ("FormQueryClosed", "inbound", "form_query_open"): "ends_its_question",
    ("FormQueryClosed", "inbound", "closes_form_query"): "ends_its_question",
    ("TransferCompleted", "inbound", "live"): "end_is_final",
    ("TransferCompleted", "inbound", "not_completed"): "completion_moves",
    ("TransferCompleted", "inbound", "latest_version"): "completed_on_latest",
    ("TransferCompleted", "inbound", "no_form_query"): "not_completed_over_query",
    ("CompletionAmended", "inbound", "completed"): "completion_moves",
    ("CompletionAmended", "inbound", "not_up_to_date"): "completion_moves",
    ("CompletionAmended", "inbound", "latest_version"): "completion_moves",
    ("CompletionAmended", "inbound", "no_form_query"): "not_completed_over_query",
    ("CompletionReversed", "inbound", "completed"): "completion_moves",
    ("BalanceRemitted", "outbound", "live"): "end_is_final",
    ("BalanceRemitted", "outbound", "transfer"): "sent_within_due",
    ("BalanceRemitted", "outbound", "positive"): "amounts_positive",
    ("BalanceRemitted", "outbound", "new_reference"): "books_agree",
    ("BalanceRemitted", "outbound", "within_due"): "sent_within_due",
    ("BalanceRemitted", "outbound", "answers_balance_query"): "ends_its_question",
    ("RemittanceFailed", "outbound", "own_remittance"): "money_moves_as_said",
    ("RemittanceFailed", "outbound", "no_arrival"): "money_moves_as_said",
    ("BalanceArrived", "inbound", "remitted"): "money_moves_as_said",
    ("BalanceArrived", "inbound", "positive"): "amounts_positive",
    ("BalanceArrived", "inbound", "new_serial"): "books_agree",
    ("BalanceQueried", "inbound", "live_or_completed"): "end_is_final",
    ("BalanceQueried", "inbound", "form_or_remittance"): "money_begins",
    ("BalanceQueried", "inbound", "no_balance_query"): "no_question_lost",
    ("BalanceQueryClosed", "inbound", "balance_query_open"): "ends_its_question",
    ("BalanceQueryClosed", "inbound", "closes_balance_query"): "ends_its_question",
    ("BalanceExplained", "outbound", "balance_query_open"): "ends_its_question",
    ("BalanceExplained", "outbound", "answers_open_balance_query"): "ends_its_question",
    ("BalanceCredited", "inbound", "completed"): "credited_after_completion",
    ("BalanceCredited", "inbound", "no_balance_query"): "not_credited_over_query",
    ("BalanceCredited", "inbound", "rightful"): "void_never_credited",
    ("BalanceCredited", "inbound", "positive"): "amounts_positive",
    ("BalanceCredited", "inbound", "within_arrived"): "money_moves_as_said",
    ("BalanceCredited", "inbound", "within_form"): "credited_within_form",
    ("BalanceReturned", "inbound", "positive"): "amounts_positive",
    ("BalanceReturned", "inbound", "new_return"): "back_is_back",
    ("BalanceReturned", "inbound", "within_arrived"): "money_moves_as_said",
    ("BalanceReturned", "inbound", "within_taken_back"): "money_moves_as_said",
    ("BalanceReturned", "inbound", "over_the_form"): "person_keeps_it",
    ("ReturnArrived", "outbound", "returned"): "money_moves_as_said",
    ("ReturnArrived", "outbound", "positive"): "amounts_positive",
    ("ReturnArrived", "outbound", "not_arrived_back"): "money_moves_as_said",
    ("BalancePaidOut", "outbound", "completed"): "paid_out_as_stated",
    ("BalancePaidOut", "outbound", "pays_out"): "paid_out_as_stated",
    ("BalancePaidOut", "outbound", "positive"): "amounts_positive",
    ("BalancePaidOut", "outbound", "new_bank_reference"): "books_agree",
    ("BalancePaidOut", "outbound", "within_pay_out"): "paid_out_as_stated",
    ("ReminderSent", "either", "applied"): "begins_with_application",
    ("InformationRequested", "either", "applied"): "begins_with_application",
    ("InformationProvided", "either", "applied"): "begins_with_application",
    ("DisclosureRequested", "either", "applied"): "begins_with_application",
    ("Escalated", "either", "applied"): "begins_with_application",
    ("NoticeGiven", "either", "applied"): "begins_with_application",
}


def test_the_table_of_what_is_noticed_names_every_guard_of_every_rule() -> None:
    assert list(NOTICED) == [(rule.type, rule.who, guard.name) for rule in PLATFORM for guard in rule.guards]


@pytest.mark.parametrize(
    ("index", "guard", "invariant"),
    [
        pytest.param(
            index,
            guard.name,
            NOTICED.get((rule.type, rule.who, guard.name)),
            id=f"{rule.type}-{rule.who}-{guard.name}",
        )
        for index, rule in enumerate(PLATFORM)
        for guard in rule.guards
    ],
)
def test_a_guard_left_out_breaks_an_invariant(index: int, guard: str, invariant: str) -> None:
    found, states = first_found(without(index, guard))
    print(f"{PLATFORM[index].type} without {guard}: {found} after {states} states")
    assert found == invariant


STEPS = tuple(dict.fromkeys(step for steps in explore_invariants.CAN.values() for step in sorted(steps)))


def noticed_with(monkeypatch: pytest.MonkeyPatch, name: str, function: Callable[..., object]) -> str | None:
    """What the small explorations find with another function in place."""
    monkeypatch.setattr(explore_invariants, name, function)
    return first_found(PLATFORM)[0]


# `send_again` and `difference` differ by the order of two seqs, which the short form of a hand does not keep
CLOCKS = [clock for clock in (*explore_invariants.CAN, *sorted(explore_invariants.BANK_LINES)) if clock != "send_again"]


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_left_out_is_noticed(clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(view: View) -> list[Obligation]:
        return [o for o in obligations(view) if o.clock != clock]

    assert noticed_with(monkeypatch, "obligations", forgetful) in ("holder", "asked_is_due", "asked_is_open")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_left_out_is_noticed(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(role: Role, view: View) -> tuple[str, ...]:
        return tuple(s for s in next_steps(role, view) if s != step)

    assert noticed_with(monkeypatch, "next_steps", forgetful) == "holder_can_act"


def test_holders_exchanged_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def exchanged(view: View) -> list[Obligation]:
        return [replace(o, holder=o.holder.other) for o in obligations(view)]

    assert noticed_with(monkeypatch, "obligations", exchanged) in ("holder_can_act", "asked_is_open")
