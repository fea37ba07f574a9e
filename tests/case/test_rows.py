"""Every row of the protocol table: what permits it, and each guard that refuses it."""

from collections.abc import Callable

import pytest
from given import Story, accepted, applied, arrived, completed, credited, remitted, uploaded

from jiexu.case.event import Role
from jiexu.case.protocol import PLATFORM

O, I = Role.OUTBOUND, Role.INBOUND  # noqa: E741


def withdrawn() -> Story:
    return accepted().inb("TransferWithdrawn").deliver()


def form_queried() -> Story:
    return uploaded().inb("FormQueried").deliver()


def balance_queried() -> Story:
    return arrived().inb("BalanceQueried").deliver()


def with_void_money() -> Story:
    return completed().out("BalanceRemitted", amount=101).deliver().inb("BalanceArrived", amount=101).deliver()


def second_version() -> Story:
    return completed().inb("FormQueried").deliver().out("InformationFormUploaded", amount=90).deliver()


def lower_form() -> Story:
    return credited().inb("FormQueried").deliver().out("InformationFormUploaded", amount=90).deliver()


def paid(amount: int = 100) -> Story:
    return completed(outcome="pay_to_person").out("BalancePaidOut", amount=amount).deliver()


def returned() -> Story:
    return arrived().inb("BalanceReturned").deliver()


PERMITTED: list[tuple[Callable[[], Story], Role, str, dict[str, object]]] = [
    (Story, O, "TransferApplied", {}),
    (Story, I, "TransferApplied", {}),
    (lambda: Story().out("TransferApplied"), O, "TransferRejected", {}),
    (applied, I, "TransferAccepted", {}),
    (applied, I, "TransferRejected", {}),
    (applied, I, "CaseForwarded", {}),
    (accepted, O, "TransferWithdrawn", {}),
    (accepted, I, "TransferWithdrawn", {}),
    (uploaded, I, "TransferWithdrawn", {}),
    (uploaded, O, "WithdrawalRequested", {}),
    (accepted, O, "InformationFormUploaded", {}),
    (form_queried, O, "InformationFormUploaded", {}),
    (form_queried, O, "FormExplained", {}),
    (uploaded, O, "CorrectionProposed", {}),
    (completed, O, "CorrectionProposed", {}),
    (uploaded, I, "FormQueried", {}),
    (credited, I, "FormQueried", {}),
    (form_queried, I, "FormQueryClosed", {}),
    (uploaded, I, "TransferCompleted", {}),
    (second_version, I, "CompletionAmended", {}),
    (completed, I, "CompletionReversed", {}),
    (uploaded, O, "BalanceRemitted", {}),
    (completed, O, "BalanceRemitted", {"amount": 40}),
    (remitted, O, "RemittanceFailed", {}),
    (remitted, I, "BalanceArrived", {}),
    (remitted, I, "BalanceArrived", {"amount": 120}),
    (arrived, I, "BalanceArrived", {"amount": 5}),
    (uploaded, I, "BalanceQueried", {}),
    (balance_queried, I, "BalanceQueryClosed", {}),
    (balance_queried, O, "BalanceExplained", {}),
    (arrived, I, "BalanceCredited", {}),
    (arrived, I, "BalanceCredited", {"amount": 60}),
    (arrived, I, "BalanceReturned", {}),
    (lower_form, I, "BalanceReturned", {"source": "credited", "amount": 10}),
    (with_void_money, I, "BalanceReturned", {"amount": 101}),
    (returned, O, "ReturnArrived", {}),
    (lambda: completed(outcome="pay_to_person"), O, "BalancePaidOut", {}),
    (lambda: completed(outcome="pay_to_heirs"), O, "BalancePaidOut", {"to": "heirs"}),
    *(
        (applied, role, note, {})
        for role in Role
        for note in (
            "ReminderSent",
            "InformationRequested",
            "InformationProvided",
            "DisclosureRequested",
            "Escalated",
            "NoticeGiven",
        )
    ),
]


def _id(value: object) -> str:
    return str(getattr(value, "__name__", value))


@pytest.mark.parametrize(("given", "role", "type", "body"), PERMITTED, ids=_id)
def test_the_table_permits_it(given: Callable[[], Story], role: Role, type: str, body: dict[str, object]) -> None:
    story = given()
    assert story.refusal(role, type, **body) == set()
    assert story.issue(role, type, body).deliver().voids == given().voids


REFUSED: list[tuple[Callable[[], Story], Role, str, dict[str, object], str]] = [
    (applied, O, "TransferApplied", {}, "first"),
    (accepted, O, "TransferRejected", {}, "second"),
    (lambda: applied().out("TransferWithdrawn").deliver(), I, "TransferAccepted", {}, "live"),
    (accepted, I, "TransferAccepted", {}, "unanswered"),
    (lambda: applied().out("TransferWithdrawn").deliver(), I, "TransferRejected", {}, "live"),
    (accepted, I, "TransferRejected", {}, "unanswered"),
    (lambda: applied().out("TransferWithdrawn").deliver(), I, "CaseForwarded", {}, "live"),
    (accepted, I, "CaseForwarded", {}, "unanswered"),
    (withdrawn, O, "TransferWithdrawn", {}, "live"),
    (lambda: applied(I), O, "TransferWithdrawn", {}, "own_part"),
    (uploaded, O, "TransferWithdrawn", {}, "no_form"),
    (withdrawn, I, "TransferWithdrawn", {}, "live"),
    (applied, I, "TransferWithdrawn", {}, "own_part"),
    (completed, I, "TransferWithdrawn", {}, "not_completed"),
    (lambda: uploaded().inb("TransferWithdrawn").deliver(), O, "WithdrawalRequested", {}, "live"),
    (accepted, O, "WithdrawalRequested", {}, "form"),
    (completed, O, "WithdrawalRequested", {}, "not_completed"),
    (withdrawn, O, "InformationFormUploaded", {}, "live"),
    (applied, O, "InformationFormUploaded", {}, "accepted"),
    (uploaded, O, "InformationFormUploaded", {"version": 1, "answers": None}, "no_form"),
    (accepted, O, "InformationFormUploaded", {"version": 2}, "first_version"),
    (lambda: form_queried().out("FormExplained"), O, "InformationFormUploaded", {}, "form_query_open"),
    (form_queried, O, "InformationFormUploaded", {"answers": 99}, "answers_form_query"),
    (form_queried, O, "InformationFormUploaded", {"version": 3}, "next_version"),
    (uploaded, O, "FormExplained", {}, "form_query_open"),
    (form_queried, O, "FormExplained", {"answers": 99}, "answers_form_query"),
    (lambda: uploaded().inb("TransferWithdrawn").deliver(), O, "CorrectionProposed", {}, "live"),
    (accepted, O, "CorrectionProposed", {}, "form"),
    (form_queried, O, "CorrectionProposed", {}, "no_form_query"),
    (lambda: uploaded().inb("TransferWithdrawn").deliver(), I, "FormQueried", {}, "live"),
    (second_version, I, "FormQueried", {"version": 1}, "latest_version"),
    (form_queried, I, "FormQueried", {}, "no_form_query"),
    (uploaded, I, "FormQueryClosed", {}, "form_query_open"),
    (form_queried, I, "FormQueryClosed", {"closes": 99}, "closes_form_query"),
    (lambda: uploaded().inb("TransferWithdrawn").deliver(), I, "TransferCompleted", {}, "live"),
    (completed, I, "TransferCompleted", {}, "not_completed"),
    (accepted, I, "TransferCompleted", {"version": 1}, "latest_version"),
    (form_queried, I, "TransferCompleted", {}, "no_form_query"),
    (uploaded, I, "CompletionAmended", {}, "completed"),
    (completed, I, "CompletionAmended", {}, "not_up_to_date"),
    (second_version, I, "CompletionAmended", {"version": 1}, "latest_version"),
    (lambda: second_version().inb("FormQueried").deliver(), I, "CompletionAmended", {}, "no_form_query"),
    (uploaded, I, "CompletionReversed", {}, "completed"),
    (lambda: uploaded().inb("TransferWithdrawn").deliver(), O, "BalanceRemitted", {}, "live"),
    (lambda: completed(outcome="stays_usable"), O, "BalanceRemitted", {}, "transfer"),
    (completed, O, "BalanceRemitted", {"amount": 0}, "positive"),
    (lambda: uploaded(200).out("BalanceRemitted"), O, "BalanceRemitted", {}, "new_reference"),
    (completed, O, "BalanceRemitted", {"amount": "100.01"}, "within_due"),
    (completed, O, "BalanceRemitted", {"answers": 99}, "answers_balance_query"),
    (completed, O, "RemittanceFailed", {}, "own_remittance"),
    (arrived, O, "RemittanceFailed", {}, "no_arrival"),
    (completed, I, "BalanceArrived", {}, "remitted"),
    (remitted, I, "BalanceArrived", {"amount": 0}, "positive"),
    (arrived, I, "BalanceArrived", {"serial": "s1"}, "new_serial"),
    (lambda: uploaded().inb("TransferWithdrawn").deliver(), I, "BalanceQueried", {}, "live_or_completed"),
    (accepted, I, "BalanceQueried", {}, "form_or_remittance"),
    (balance_queried, I, "BalanceQueried", {}, "no_balance_query"),
    (arrived, I, "BalanceQueryClosed", {}, "balance_query_open"),
    (balance_queried, I, "BalanceQueryClosed", {"closes": 99}, "closes_balance_query"),
    (arrived, O, "BalanceExplained", {}, "balance_query_open"),
    (balance_queried, O, "BalanceExplained", {"answers": 99}, "answers_open_balance_query"),
    (
        lambda: uploaded().out("BalanceRemitted").deliver().inb("BalanceArrived").deliver(),
        I,
        "BalanceCredited",
        {},
        "completed",
    ),
    (balance_queried, I, "BalanceCredited", {}, "no_balance_query"),
    (with_void_money, I, "BalanceCredited", {"amount": 1}, "rightful"),
    (arrived, I, "BalanceCredited", {"amount": 0}, "positive"),
    (remitted, I, "BalanceCredited", {}, "within_arrived"),
    (lambda: remitted().inb("BalanceArrived", amount=120), I, "BalanceCredited", {"amount": 101}, "within_form"),
    (arrived, I, "BalanceReturned", {"amount": 0}, "positive"),
    (
        lambda: arrived().inb("BalanceReturned", amount=10),
        I,
        "BalanceReturned",
        {"return_reference": "x1", "amount": 1},
        "new_return",
    ),
    (arrived, I, "BalanceReturned", {"amount": 101}, "within_arrived"),
    (lower_form, I, "BalanceReturned", {"source": "credited", "amount": 101}, "within_taken_back"),
    (credited, I, "BalanceReturned", {"source": "credited", "amount": 1}, "over_the_form"),
    (arrived, O, "ReturnArrived", {}, "returned"),
    (returned, O, "ReturnArrived", {"amount": 0}, "positive"),
    (lambda: returned().out("ReturnArrived"), O, "ReturnArrived", {}, "not_arrived_back"),
    (lambda: uploaded(outcome="pay_to_person"), O, "BalancePaidOut", {}, "completed"),
    (lambda: completed(outcome="pay_to_person"), O, "BalancePaidOut", {"to": "heirs"}, "pays_out"),
    (lambda: completed(outcome="pay_to_person"), O, "BalancePaidOut", {"amount": 0}, "positive"),
    (lambda: paid(10), O, "BalancePaidOut", {"amount": 10, "bank_reference": "p1"}, "new_bank_reference"),
    (lambda: paid(10), O, "BalancePaidOut", {"amount": 91}, "within_pay_out"),
    *(
        (Story, role, note, {}, "applied")
        for role in Role
        for note in (
            "ReminderSent",
            "InformationRequested",
            "InformationProvided",
            "DisclosureRequested",
            "Escalated",
            "NoticeGiven",
        )
    ),
]


@pytest.mark.parametrize(("given", "role", "type", "body", "guard"), REFUSED, ids=_id)
def test_a_guard_refuses_it_and_an_event_issued_all_the_same_is_void_on_both_sides(
    given: Callable[[], Story], role: Role, type: str, body: dict[str, object], guard: str
) -> None:
    story = given()
    refusal = story.refusal(role, type, **body)
    assert refusal is not None
    assert guard in refusal
    story.issue(role, type, body).deliver()
    assert story.voids[-1] == type
    assert story.journals[O].voids == story.journals[I].voids


def test_every_rule_is_permitted_somewhere_and_every_guard_refuses_somewhere() -> None:
    assert {type for _, _, type, _ in PERMITTED} == {rule.type for rule in PLATFORM}
    refused = {(type, guard) for _, _, type, _, guard in REFUSED}
    assert refused == {(rule.type, guard.name) for rule in PLATFORM for guard in rule.guards}


OTHER_SIDE = [
    (applied, O, "TransferAccepted"),
    (uploaded, O, "FormQueried"),
    (uploaded, O, "TransferCompleted"),
    (accepted, I, "InformationFormUploaded"),
    (uploaded, I, "BalanceRemitted"),
    (remitted, O, "BalanceArrived"),
    (arrived, O, "BalanceCredited"),
]


@pytest.mark.parametrize(("given", "role", "type"), OTHER_SIDE, ids=_id)
def test_an_event_belongs_to_one_side_alone(given: Callable[[], Story], role: Role, type: str) -> None:
    assert given().refusal(role, type) is None
