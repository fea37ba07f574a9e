"""What happens when two acts cross on the way, and what a void event does."""

import pytest
from given import Story, accepted, applied, arrived, completed, credited, remitted, uploaded, yuan

from jiexu.case.case import Case, NotNext, NotPermitted
from jiexu.case.document import state_hash
from jiexu.case.event import Draft, Hand, Role, Seen
from jiexu.case.money import credited_net, money_account

O, I = Role.OUTBOUND, Role.INBOUND  # noqa: E741


def test_a_withdrawal_that_crosses_the_acceptance_stands_and_neither_is_void() -> None:
    story = applied().out("TransferWithdrawn").inb("TransferAccepted").deliver()
    assert story.voids == []
    assert (story.known.status, story.known.accepted) == ("withdrawn", True)


def test_a_withdrawal_by_both_at_once_is_harmless() -> None:
    story = accepted().out("TransferWithdrawn").inb("TransferWithdrawn").deliver()
    assert story.voids == []
    assert story.known.status == "withdrawn"


@pytest.mark.parametrize(("answer", "shown"), [("TransferRejected", "rejected"), ("CaseForwarded", "forwarded")])
def test_of_ends_that_crossed_the_first_of_rejected_forwarded_withdrawn_is_shown(answer: str, shown: str) -> None:
    story = applied().out("TransferWithdrawn").inb(answer).deliver()
    assert story.voids == []
    assert story.known.status == shown


def test_a_form_and_money_that_cross_a_withdrawal_count_and_the_money_comes_back() -> None:
    story = accepted().inb("TransferWithdrawn")
    story.out("InformationFormUploaded").out("BalanceRemitted").deliver()
    assert story.voids == []
    assert story.known.status == "withdrawn"
    assert story.known.holds_row
    story.inb("BalanceArrived").inb("BalanceReturned").deliver().out("ReturnArrived").deliver()
    assert story.voids == []
    assert story.known.money_back
    assert not story.known.holds_row


def test_a_failure_that_crosses_the_arrival_is_not_void_and_the_arrival_counts() -> None:
    story = remitted().out("RemittanceFailed").inb("BalanceArrived").deliver()
    assert story.voids == []
    account = money_account(story.known.outbound, story.known.inbound)
    assert (account.failed, account.under_way) == (yuan(0), yuan(100))


def test_a_failure_that_crosses_the_arrival_may_send_twice_and_the_second_is_returned() -> None:
    story = remitted().out("RemittanceFailed").out("BalanceRemitted", reference="r2").inb("BalanceArrived").deliver()
    story.inb("BalanceCredited").inb("BalanceArrived", reference="r2").deliver()
    assert story.refusal(I, "BalanceCredited", reference="r2") == {"within_form"}
    story.inb("BalanceReturned", reference="r2").deliver().out("ReturnArrived").deliver()
    assert story.voids == []
    assert story.known.status == "closed"


def test_a_form_query_that_crosses_a_proposed_correction_leaves_both_open_and_the_query_first() -> None:
    story = uploaded().out("CorrectionProposed").inb("FormQueried").deliver()
    assert story.voids == []
    assert story.known.form_query_open
    assert story.known.proposal_open


def test_an_answer_that_crosses_the_closing_of_its_question_is_a_further_version() -> None:
    story = uploaded().inb("FormQueried").deliver().inb("FormQueryClosed").out("InformationFormUploaded").deliver()
    assert story.voids == []
    assert story.known.form is not None
    assert story.known.form.version == 2
    assert not story.known.form_query_open


def test_a_completion_that_crosses_a_request_to_withdraw_answers_it() -> None:
    story = uploaded().out("WithdrawalRequested").inb("TransferCompleted").deliver()
    assert story.voids == []
    assert story.known.status == "completed"
    assert not story.known.withdrawal_request_open


def test_a_credit_is_void_when_its_issuer_knew_of_an_open_query_and_stands_when_the_query_came_later() -> None:
    story = arrived().inb("BalanceCredited").inb("BalanceQueried").deliver()
    assert story.voids == []
    story = arrived().inb("BalanceQueried").inb("BalanceCredited").deliver()
    assert story.voids == ["BalanceCredited"]


def test_a_void_event_takes_its_place_in_the_hand_and_the_hand_goes_on() -> None:
    story = accepted().out("FormExplained").out("InformationFormUploaded").deliver()
    assert story.voids == ["FormExplained"]
    assert story.known.outbound.seq == 3
    assert story.known.status == "form_uploaded"


def test_void_money_counts_as_sent_is_never_credited_and_can_come_back() -> None:
    story = completed().out("BalanceRemitted", amount=150).deliver()
    assert story.voids == ["BalanceRemitted"]
    assert money_account(story.known.outbound, story.known.inbound).sent == yuan(150)
    story.inb("BalanceArrived", amount=150).deliver()
    assert story.refusal(I, "BalanceCredited", amount=1) == {"rightful"}
    assert not story.known.closed
    story.inb("BalanceReturned", amount=150).deliver().out("ReturnArrived", amount=150).deliver()
    assert not money_account(story.known.outbound, story.known.inbound).under_way


def test_void_money_and_its_return_do_not_change_what_may_still_be_sent() -> None:
    story = completed().out("BalanceRemitted", reference="r0", amount=150).deliver()
    story.inb("BalanceArrived", reference="r0", amount=150).inb("BalanceReturned", reference="r0", amount=150).deliver()
    assert story.refusal(O, "BalanceRemitted", amount=101) == {"within_due"}
    assert story.refusal(O, "BalanceRemitted", amount=100) == set()


def test_void_money_may_fail() -> None:
    story = completed().out("BalanceRemitted", amount=150).out("RemittanceFailed").deliver()
    assert story.voids == ["BalanceRemitted"]
    assert money_account(story.known.outbound, story.known.inbound).failed == yuan(150)


def test_a_used_reference_has_no_effect_and_what_arrives_counts_for_the_first() -> None:
    story = completed().out("BalanceRemitted", amount=60).out("BalanceRemitted", amount=40).deliver()
    assert story.voids == ["BalanceRemitted"]
    assert money_account(story.known.outbound, story.known.inbound).sent == yuan(60)
    story.inb("BalanceArrived", amount=60).inb("BalanceArrived", amount=40).deliver()
    account = money_account(story.known.outbound, story.known.inbound)
    assert (account.under_way, account.short) == (yuan(100), yuan(-40))


@pytest.mark.parametrize("amount", [0, -5])
def test_a_void_remittance_of_nothing_is_not_money(amount: int) -> None:
    story = completed().out("BalanceRemitted", amount=amount).deliver()
    assert story.voids == ["BalanceRemitted"]
    assert story.known.outbound.remittances == ()


def test_seen_never_goes_back_within_a_hand() -> None:
    story = accepted()
    first = Seen(Hand.INBOUND, 1, story.journals[I].event(I, 1).hash)
    story.inb("ReminderSent").deliver().out("ReminderSent")
    story.issue(O, "InformationFormUploaded", {}, seen=(first,)).deliver()
    assert story.voids == ["InformationFormUploaded"]
    assert story.journals[I].voids == story.journals[O].voids


def test_an_event_waits_until_its_hand_has_no_gap() -> None:
    story = accepted().out("InformationFormUploaded").out("BalanceRemitted")
    _, second = story.under_way[I]
    with pytest.raises(NotNext):
        story.journals[I].take(second)


def test_an_event_waits_for_what_its_issuer_had_seen() -> None:
    story = applied().inb("TransferAccepted").deliver().out("InformationFormUploaded")
    behind = Case(story.journals[I].case_id)
    application, form = story.events[0], story.events[-1]
    behind.take(application)
    with pytest.raises(NotNext):
        behind.take(form)


def test_a_case_that_was_refused_at_the_counter_and_arrives_all_the_same_counts_as_it_stands() -> None:
    story = Story().out("TransferApplied").out("TransferRejected").deliver()
    assert story.voids == []
    assert story.known.status == "refused_at_counter"
    assert story.refusal(I, "TransferAccepted") == {"live"}


def test_a_refusal_says_what_the_event_needs_in_both_languages() -> None:
    story = accepted()
    with pytest.raises(NotPermitted, match="needs a form uploaded") as refusal:
        story.journals[O].decide(O, Draft("WithdrawalRequested", {}))
    assert "须满足：信息表已上传" in refusal.value.zh
    with pytest.raises(NotPermitted, match="not an event of the outbound side") as refusal:
        story.journals[O].decide(O, Draft("TransferCompleted", {"version": 1}))
    assert "不由本方（转出地）办理" in refusal.value.zh


def test_a_decision_rests_on_what_was_seen_when_it_was_claimed() -> None:
    story = accepted().inb("TransferWithdrawn").deliver()
    form = Draft("InformationFormUploaded", {"version": 1, "answers": None, "account": {}})
    story.journals[O].decide(O, form, seen=1)
    with pytest.raises(NotPermitted):
        story.journals[O].decide(O, form)


def test_both_journals_hold_the_same_document_whatever_the_order() -> None:
    story = credited()
    assert state_hash(story.journals[O]) == state_hash(story.journals[I])
    assert credited_net(story.known.inbound) == yuan(100)
