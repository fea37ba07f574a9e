"""How cases run: status words, what is due from whom, the money account, and when a case is closed."""

import pytest
from given import Story, accepted, applied, arrived, completed, credited, remitted, uploaded, yuan

from jiexu.case.event import Role
from jiexu.case.money import MoneyAccount, money_account
from jiexu.case.obligations import Obligation, Since, Track, obligations
from jiexu.case.steps import next_steps

O, I = Role.OUTBOUND, Role.INBOUND  # noqa: E741


def due(story: Story) -> list[tuple[str, Role]]:
    """Clock and holder of what is due now, the relation track first."""
    return [(o.clock, o.holder) for o in obligations(story.known) if o.current]


def account(story: Story) -> MoneyAccount:
    return money_account(story.known.outbound, story.known.inbound)


def reversed_case() -> Story:
    return credited().inb("CompletionReversed").deliver()


STATUS = [
    (Story(), "unknown"),
    (applied(), "applied"),
    (accepted(), "accepted"),
    (uploaded(), "form_uploaded"),
    (uploaded().inb("FormQueried").deliver(), "form_queried"),
    (completed(), "completed"),
    (credited(), "closed"),
    (reversed_case(), "reversed"),
    (applied().inb("TransferRejected").deliver(), "rejected"),
    (applied().inb("CaseForwarded").deliver(), "forwarded"),
    (applied().out("TransferWithdrawn").deliver(), "withdrawn"),
    (Story().inb("TransferApplied").inb("TransferRejected").deliver(), "refused_at_counter"),
]


@pytest.mark.parametrize(("story", "status"), STATUS, ids=[status for _, status in STATUS])
def test_a_case_has_one_status_word(story: Story, status: str) -> None:
    assert story.known.status == status


def test_the_plain_course_has_one_holder_and_clock_a_track_from_application_to_closed() -> None:
    story = applied()
    assert due(story) == [("answer", I)]
    assert due(story.inb("TransferAccepted").deliver()) == [("form", O)]
    assert due(story.out("InformationFormUploaded").deliver()) == [("complete", I), ("remit", O)]
    assert due(story.out("BalanceRemitted").deliver()) == [("complete", I), ("arrival_booked", I)]
    assert due(story.inb("TransferCompleted").deliver()) == [("arrival_booked", I)]
    assert due(story.inb("BalanceArrived").deliver()) == [("credit", I)]
    assert due(story.inb("BalanceCredited").deliver()) == []
    assert (story.known.status, story.known.open, story.known.holds_row) == ("closed", False, False)
    assert story.voids == []


def test_money_before_completion_waits_under_the_clock_of_completion_and_is_credited_after_it() -> None:
    story = uploaded().out("BalanceRemitted").deliver().inb("BalanceArrived").deliver()
    assert due(story) == [("complete", I), ("complete", I)]
    assert next_steps(I, story.known) == ("complete",)
    story.inb("TransferCompleted").inb("BalanceCredited").deliver()
    assert story.known.closed


def test_a_completion_reversed_and_made_again_keeps_what_was_credited() -> None:
    story = reversed_case()
    assert due(story) == [("complete_again", I)]
    assert next_steps(I, story.known) == ("complete_again",)
    story.inb("TransferCompleted").deliver()
    assert story.known.status == "closed"
    assert story.voids == []


def test_after_a_reversal_and_a_withdrawal_what_was_credited_is_taken_back_and_returned() -> None:
    story = reversed_case().inb("TransferWithdrawn").deliver()
    assert due(story) == [("return_ended", I)]
    assert next_steps(I, story.known) == ("take_back",)
    story.inb("BalanceReturned", source="credited").deliver()
    assert due(story) == [("return_booked", O)]
    story.out("ReturnArrived").deliver()
    assert due(story) == []
    assert story.known.money_back


def test_a_short_arrival_is_queried_and_the_difference_sent_as_the_answer() -> None:
    story = remitted().inb("BalanceArrived", amount=90).inb("BalanceQueried").deliver()
    assert due(story) == [("balance_query_answer", O)]
    assert account(story) == MoneyAccount(sent=yuan(100), under_way=yuan(90), short=yuan(10))
    question = story.known.inbound.balance_query
    story.out("BalanceRemitted", reference="r2", amount=10, answers=question).deliver()
    assert not story.known.balance_query_open
    story.inb("BalanceArrived", reference="r2", amount=10)
    story.inb("BalanceCredited", amount=90).inb("BalanceCredited", reference="r2", amount=10).deliver()
    assert story.known.closed
    assert story.voids == []
    assert account(story) == MoneyAccount(sent=yuan(110), credited=yuan(100), short=yuan(10))


def test_the_rest_of_a_short_arrival_may_come_later_under_the_same_reference() -> None:
    story = (
        remitted().inb("BalanceArrived", amount=90).inb("BalanceArrived", amount=10).inb("BalanceCredited").deliver()
    )
    assert story.voids == []
    assert account(story) == MoneyAccount(sent=yuan(100), credited=yuan(100))
    assert story.known.closed


def test_more_than_was_due_is_credited_up_to_the_form_and_the_excess_returned() -> None:
    story = remitted().inb("BalanceArrived", amount=120).inb("BalanceCredited").deliver()
    assert account(story) == MoneyAccount(sent=yuan(100), credited=yuan(100), under_way=yuan(20), short=yuan(-20))
    assert due(story) == [("excess_returned", I)]
    assert next_steps(I, story.known) == ("return_excess",)
    story.inb("BalanceReturned", amount=20).deliver()
    assert not story.known.closed
    story.out("ReturnArrived", amount=20).deliver()
    assert story.known.closed


def test_a_remittance_that_failed_is_sent_again() -> None:
    story = remitted().out("RemittanceFailed").deliver()
    assert due(story) == [("send_again", O)]
    assert next_steps(O, story.known) == ("send_again",)
    assert account(story) == MoneyAccount(sent=yuan(100), failed=yuan(100))
    story.out("BalanceRemitted", reference="r2").deliver()
    assert due(story) == [("arrival_booked", I)]


def test_rightful_money_that_came_back_is_sent_again() -> None:
    story = arrived().inb("BalanceReturned").deliver()
    assert account(story) == MoneyAccount(sent=yuan(100), returned=yuan(100))
    assert due(story) == [("return_booked", O)]
    story.out("ReturnArrived").deliver()
    assert due(story) == [("send_again", O)]
    assert story.refusal(O, "BalanceRemitted", reference="r2") == set()


def test_an_error_found_after_closing_opens_the_case_until_the_completion_is_amended() -> None:
    story = credited().inb("FormQueried").deliver()
    assert (story.known.status, story.known.open) == ("completed", True)
    assert due(story) == [("form_query_answer", O)]
    story.out("InformationFormUploaded", amount=120).deliver()
    assert due(story) == [("amend", I), ("difference", O)]
    story.inb("CompletionAmended").deliver().out("BalanceRemitted", reference="r2", amount=20).deliver()
    story.inb("BalanceArrived", reference="r2", amount=20).inb("BalanceCredited", reference="r2", amount=20).deliver()
    assert story.known.closed
    assert story.voids == []


def test_a_later_lower_form_takes_the_excess_back_from_the_account() -> None:
    story = credited().inb("FormQueried").deliver().out("InformationFormUploaded", amount=90).deliver()
    assert due(story) == [("amend", I), ("excess_returned", I)]
    assert next_steps(I, story.known) == ("amend", "take_back")
    story.inb("CompletionAmended").inb("BalanceReturned", source="credited", amount=10).deliver()
    story.out("ReturnArrived", amount=10).deliver()
    assert story.known.closed


@pytest.mark.parametrize("outcome", ["stays_usable", "pay_to_person", "none"])
def test_a_later_form_that_transfers_nothing_takes_all_that_was_credited_back(outcome: str) -> None:
    story = credited().inb("FormQueried").deliver().out("InformationFormUploaded", outcome=outcome).deliver()
    assert not story.known.closed
    assert due(story) == [("amend", I), ("excess_returned", I)]
    story.inb("CompletionAmended").deliver()
    assert not story.known.closed
    assert story.refusal(I, "BalanceCredited", amount=1) == {"within_arrived", "within_form"}
    assert story.refusal(I, "BalanceReturned", source="credited", amount=100) == set()


def test_money_that_arrives_after_the_form_became_one_without_transfer_goes_back_before_completion_too() -> None:
    story = uploaded().out("BalanceRemitted").deliver().inb("FormQueried").deliver()
    story.out("InformationFormUploaded", outcome="stays_usable").deliver().inb("BalanceArrived").deliver()
    assert due(story) == [("complete", I), ("excess_returned", I)]
    assert next_steps(I, story.known) == ("complete", "return_excess")


def test_void_money_that_arrives_before_a_form_is_inbounds_to_return() -> None:
    story = accepted().out("BalanceRemitted").deliver().inb("BalanceArrived").deliver()
    assert due(story) == [("form", O), ("excess_returned", I)]
    assert next_steps(I, story.known) == ("return_excess",)


def test_the_person_is_paid_after_completion_and_only_then_is_the_case_closed() -> None:
    story = uploaded(outcome="pay_to_person")
    assert due(story) == [("complete", I)]
    story.inb("TransferCompleted").deliver()
    assert due(story) == [("pay_out", O)]
    assert next_steps(O, story.known) == ("pay_out",)
    story.out("BalancePaidOut", amount=60).deliver()
    assert not story.known.closed
    story.out("BalancePaidOut", amount=40).deliver()
    assert story.known.closed


def test_a_pay_out_beyond_a_later_lower_form_does_not_keep_the_case_open() -> None:
    story = completed(outcome="pay_to_person").out("BalancePaidOut").deliver().inb("FormQueried").deliver()
    story.out("InformationFormUploaded", amount=80, outcome="pay_to_person").deliver()
    story.inb("CompletionAmended").deliver()
    assert story.known.closed


@pytest.mark.parametrize("outcome", ["none", "stays_usable"])
def test_a_case_without_money_to_move_is_closed_by_its_completion(outcome: str) -> None:
    assert completed(outcome=outcome).known.status == "closed"


def test_a_request_to_withdraw_is_inbounds_to_answer_by_withdrawing_or_completing() -> None:
    story = uploaded(outcome="none").out("WithdrawalRequested").deliver()
    assert due(story) == [("withdrawal_answer", I)]
    assert next_steps(I, story.known) == ("answer_withdrawal", "complete")
    assert uploaded(outcome="none").out("WithdrawalRequested").deliver().inb("TransferCompleted").deliver().known.closed
    assert story.inb("TransferWithdrawn").deliver().known.status == "withdrawn"


def test_a_request_to_withdraw_stands_again_when_a_completion_that_had_not_seen_it_is_reversed() -> None:
    story = uploaded(outcome="none").out("WithdrawalRequested").inb("TransferCompleted").deliver()
    assert not story.known.withdrawal_request_open
    story.inb("CompletionReversed").deliver()
    assert story.known.withdrawal_request_open


def test_a_proposed_correction_is_inbounds_to_take_up_by_a_query() -> None:
    story = uploaded(outcome="none").out("CorrectionProposed").deliver()
    assert due(story) == [("proposal_answer", I)]
    assert "answer_proposal" in next_steps(I, story.known)
    story.inb("FormQueried").deliver()
    assert due(story) == [("form_query_answer", O)]
    story.out("InformationFormUploaded", outcome="none").deliver()
    assert due(story) == [("complete", I)]


def test_inbounds_statutory_clock_runs_on_from_the_first_form_while_a_question_lies_with_outbound() -> None:
    story = uploaded(outcome="none").inb("FormQueried").deliver()
    assert obligations(story.known) == [
        Obligation(Track.RELATION, "form_query_answer", O, (Since(I, 2, received=True),)),
        Obligation(Track.RELATION, "complete", I, (Since(O, 2, received=True),), current=False),
    ]


def test_a_later_version_does_not_restart_the_clock_of_completion() -> None:
    story = uploaded(outcome="none").inb("FormQueried").deliver()
    story.out("InformationFormUploaded", outcome="none").deliver()
    (completion,) = obligations(story.known)
    assert (completion.clock, completion.since) == ("complete", (Since(O, 2, received=True),))


def test_form_and_money_are_due_from_the_acceptance_whoever_lodged() -> None:
    for lodger in Role:
        (form,) = obligations(accepted(lodger).known)
        assert form.since == (Since(lodger.other, 1, received=False),)
        remit = obligations(uploaded(lodger=lodger).known)[1]
        assert (remit.clock, remit.since) == ("remit", form.since)


def test_the_credit_is_due_from_the_later_of_arrival_and_completion() -> None:
    (credit,) = obligations(arrived().known)
    assert credit.since == (Since(I, 3, received=False), Since(I, 2, received=False))


def test_a_case_with_a_return_under_way_is_not_closed() -> None:
    story = remitted().inb("BalanceArrived", amount=120).inb("BalanceCredited").inb("BalanceReturned", amount=20)
    story.deliver()
    assert story.known.returns_under_way
    assert not story.known.closed


def test_a_closed_case_has_no_open_question_about_money() -> None:
    story = credited().inb("BalanceQueried").deliver()
    assert not story.known.closed
    assert due(story) == [("balance_query_answer", O)]
    assert next_steps(O, story.known) == ("answer_balance_query",)
    assert story.out("BalanceExplained").deliver().known.closed


def test_an_ended_case_keeps_the_row_until_its_money_is_back() -> None:
    story = uploaded().out("BalanceRemitted").deliver().inb("TransferWithdrawn").deliver()
    assert (story.known.open, story.known.holds_row) == (False, True)
    story.out("RemittanceFailed").deliver()
    assert not story.known.holds_row


def test_reminders_and_notices_never_change_the_status_or_what_is_due() -> None:
    story = uploaded()
    before = (story.known.status, due(story))
    for note in ("ReminderSent", "InformationRequested", "Escalated", "NoticeGiven", "DisclosureRequested"):
        story.out(note).inb(note).deliver()
    assert (story.known.status, due(story)) == before
    assert story.voids == []
