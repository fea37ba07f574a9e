"""What must be true of a case, whatever the two agencies do: named, one sentence each.

Some look at an event in its issuer's view at the moment of issue, some at any view (outbound's, inbound's, and the
true state of both hands), some at the books that bank and registries keep by themselves.
"""

from decimal import Decimal
from typing import Any

from jiexu.case.event import Role
from jiexu.case.hands import ZERO, InboundHand, OutboundHand
from jiexu.case.money import MoneyAccount, account_of, money_account
from jiexu.case.obligations import Track, obligations
from jiexu.case.steps import next_steps
from jiexu.case.view import PAID_OUT, View

INVARIANTS = {
    # about an event, in its issuer's view
    "once": "An application, its answer and an end stand as first given.",
    "end_is_final": "Who knows of an end begins nothing new: no answer, form, question, completion or remittance.",
    "ends_its_question": "An answer or a closing names an open question and ends it.",
    "no_question_lost": "A question ends by its answer or by being closed, never by another question.",
    "asked_is_open": "A question is open once asked, and who proposes a correction owes no answer itself.",
    "completion_moves": "A completion stands until it is amended to a later version or reversed.",
    "completed_on_latest": "What is completed is the latest form that its issuer knew.",
    "not_completed_over_query": "Nothing is completed while a question about the form is open.",
    "amounts_positive": "Every amount is above zero.",
    "sent_within_due": "Nothing is sent beyond what its issuer then knew to be due.",
    "money_moves_as_said": "A money event moves its amount between the two words of the account that it names.",
    "credited_after_completion": "Nothing is credited before completion.",
    "not_credited_over_query": "Nothing is credited while a question about the money is open.",
    "credited_within_form": "No more is credited than the form states.",
    "void_never_credited": "Money that outbound had no right to send is never credited.",
    "person_keeps_it": "What was credited is taken back only over the form, or after a reversal.",
    "paid_out_as_stated": "Money is paid out after completion, to whom the form names, and no more than it states.",
    "never_void": "An honest event is never void.",
    # about a view
    "begins_with_application": "Nothing is issued in a case without an application.",
    "refused_alone": "A case that is refused at the counter has no other event.",
    "answered_or_taken_back": "An application is answered by the other side or taken back by its lodger: no third way.",
    "completed_not_ended": "A completed case is not ended.",
    "accepted_before_form": "Only an accepted case has a form.",
    "versions": "Forms are versions 1, 2, 3 … in this order.",
    "asked_is_due": "A question that is open is what its track waits for.",
    "words_not_negative": "The money sum holds, and every word but short is at least zero, for every reference.",
    "money_begins": "The money track has no holder before there is a form or a remittance.",
    "holder": "Every open state has one holder and one clock on each track that is not done.",
    "holder_can_act": "Who holds an obligation has a step for it, or waits for a line of the bank's book.",
    "steps_are_permitted": "Every step that a role is offered has an event that the table permits it.",
    # about the true state and the books
    "books_agree": "The money account equals the books of the bank and of the two registries.",
    "back_is_back": "Money counts as back only when the bank has nothing of the case under way.",
    # about the whole
    "end_reachable": "From every state the case can end: closed, or ended with its money back.",
}

BEGINS = frozenset(
    {
        "TransferApplied",
        "TransferAccepted",
        "TransferRejected",
        "CaseForwarded",
        "TransferWithdrawn",
        "WithdrawalRequested",
        "CorrectionProposed",
        "FormQueried",
        "TransferCompleted",
        "CompletionAmended",
        "BalanceRemitted",
        "BalanceQueried",
        "BalanceCredited",
        "BalancePaidOut",
    }
)
ONCE = ("lodged", "refused_at_counter", "accepted", "rejected", "forwarded", "withdrawn")


# ---- an event, in its issuer's view ----------------------------------------------------------------------------------


def broken_at_issue(before: View, role: Role, type: str, body: dict[str, Any], after: View) -> str | None:
    """The first invariant that an honest event breaks in its issuer's view, None where all hold."""
    return _of_relation(before, role, type, body, after) or _of_money(before, type, body, after)


def _of_relation(before: View, role: Role, type: str, body: dict[str, Any], after: View) -> str | None:
    own, new = before.hand(role), after.hand(role)
    if any(getattr(own, name) and getattr(new, name) != getattr(own, name) for name in ONCE):
        return "once"
    if sum(map(bool, (new.accepted, new.rejected, new.forwarded))) > 1:
        return "once"
    if before.ended and (type in BEGINS or (type == "InformationFormUploaded" and body["version"] == 1)):
        return "end_is_final"
    if not _ends_its_question(before, type, body, after):
        return "ends_its_question"
    if (type == "FormQueried" and before.form_query_open) or (type == "BalanceQueried" and before.balance_query_open):
        return "no_question_lost"
    if not _asked(type, after):
        return "asked_is_open"
    was, now = before.inbound.completed_on, after.inbound.completed_on
    moved = {
        "TransferCompleted": not was and now,
        "CompletionAmended": 0 < was < now,
        "CompletionReversed": was and not now,
    }
    if not moved.get(type, was == now):
        return "completion_moves"
    if type in ("TransferCompleted", "CompletionAmended"):
        if not after.up_to_date:
            return "completed_on_latest"
        if before.form_query_open:
            return "not_completed_over_query"
    return None


def _ends_its_question(before: View, type: str, body: dict[str, Any], after: View) -> bool:
    form = before.form_query_open and not after.form_query_open
    money = before.balance_query_open and not after.balance_query_open
    asked, asked_money = before.inbound.form_query, before.inbound.balance_query
    match type:
        case "InformationFormUploaded":
            first = body["version"] == 1
            return body["answers"] is None if first else bool(form and body["answers"] == asked)
        case "FormExplained":
            return bool(form and body["answers"] == asked)
        case "FormQueryClosed":
            return bool(form and body["closes"] == asked)
        case "BalanceExplained":
            return bool(money and body["answers"] == asked_money)
        case "BalanceQueryClosed":
            return bool(money and body["closes"] == asked_money)
        case "BalanceRemitted":
            return body["answers"] is None or bool(money and body["answers"] == asked_money)
    return True


def _asked(type: str, after: View) -> bool:
    match type:
        case "FormQueried":
            return after.form_query_open
        case "BalanceQueried":
            return after.balance_query_open
        case "WithdrawalRequested":
            return after.withdrawal_request_open
        case "CorrectionProposed":
            return [o.holder for o in obligations(after) if o.track is Track.RELATION][:1] == [Role.INBOUND]
    return True


def due_in(view: View) -> Decimal:
    """What outbound may send in its view, worked out from the single events (and not by the table's own formula)."""
    if view.ended or view.form is None or view.form.outcome != "transfer":
        return ZERO
    due = view.form.amount
    for sent in view.outbound.remittances:
        arrived = [a.amount for a in view.inbound.arrivals if a.reference == sent.reference]
        gone_back = sum(r.amount for r in view.inbound.returns if r.reference == sent.reference)
        if sent.void:
            continue
        if arrived:
            due += gone_back - sum(arrived)
        elif not sent.failed:
            due -= sent.amount
    return due


def to_credit(view: View) -> Decimal:
    """What the latest form gives inbound to credit."""
    return view.form.amount if view.form and view.form.outcome == "transfer" else ZERO


def _of_money(before: View, type: str, body: dict[str, Any], after: View) -> str | None:
    if "amount" not in body:
        return None if _moved_as_said(before, type, body, after) else "money_moves_as_said"
    amount: Decimal = body["amount"]
    if amount <= 0:
        return "amounts_positive"
    net = money_account(after.outbound, after.inbound).credited
    match type:
        case "BalanceRemitted" if amount > due_in(before):
            return "sent_within_due"
        case "BalanceCredited":
            sent = before.outbound.remittance(body["reference"])
            if not before.completed:
                return "credited_after_completion"
            if before.balance_query_open:
                return "not_credited_over_query"
            if net > to_credit(before):
                return "credited_within_form"
            if sent is not None and sent.void:
                return "void_never_credited"
        case "BalanceReturned" if body["source"] == "credited":
            if net < to_credit(before) and (before.completed or not before.inbound.reversed):
                return "person_keeps_it"
        case "BalancePaidOut":
            named = before.form.outcome == f"pay_to_{body['to']}" if before.form else False
            if not before.completed or not named or after.paid_out > (before.form.amount if before.form else ZERO):
                return "paid_out_as_stated"
    return None if _moved_as_said(before, type, body, after) else "money_moves_as_said"


def _moved_as_said(before: View, type: str, body: dict[str, Any], after: View) -> bool:
    """Each money event moves its amount from one word to another, in its issuer's view."""
    was, now = money_account(before.outbound, before.inbound), money_account(after.outbound, after.inbound)
    amount = body.get("amount", ZERO)
    back = "credited" if body.get("source") == "credited" else "under_way"
    sent = before.outbound.remittance(body["reference"]) if "reference" in body else None
    moves: dict[str, dict[str, Decimal]] = {
        "BalanceRemitted": {"sent": amount, "under_way": amount},
        "BalanceCredited": {"under_way": -amount, "credited": amount},
        "BalanceReturned": {back: -amount, "returned": amount},
    }
    if type == "RemittanceFailed":
        if sent is None:
            return False
        moves[type] = {"under_way": -sent.amount, "failed": sent.amount}
    if type == "BalanceArrived":
        if sent is None:
            return False
        first = all(a.reference != sent.reference for a in before.inbound.arrivals)
        failed = sent.amount if first and sent.failed else ZERO
        awaited = sent.amount if first else ZERO
        moves[type] = {"failed": -failed, "under_way": amount - awaited + failed, "short": awaited - amount}
    if type == "ReturnArrived":
        known = [r.amount for r in before.inbound.returns if r.return_reference == body["return_reference"]]
        came = [m.amount for m in after.outbound.return_arrivals if m.reference == body["return_reference"]]
        return known == came and was == now
    return now == was + MoneyAccount(**moves.get(type, {}))


# ---- any view --------------------------------------------------------------------------------------------------------


def broken_in_view(view: View) -> str | None:
    """The first invariant that is broken in a view: outbound's, inbound's, or the true state."""
    if view.lodger is None:
        return "begins_with_application" if view.outbound.seq or view.inbound.seq else None
    lodger, other = view.hand(view.lodger), view.hand(view.lodger.other)
    if lodger.refused_at_counter and other.seq:
        return "refused_alone"
    if view.ended and not (view.answered or lodger.withdrawn or lodger.refused_at_counter):
        return "answered_or_taken_back"
    if view.completed and view.ended:
        return "completed_not_ended"
    if view.form and not view.accepted:
        return "accepted_before_form"
    if [form.version for form in view.outbound.forms] != list(range(1, len(view.outbound.forms) + 1)):
        return "versions"
    if not all(account_of(r, view.inbound).balanced for r in view.outbound.remittances):
        return "words_not_negative"
    return _of_obligations(view)


CAN = {
    "answer": {"answer"},
    "form": {"upload"},
    "form_query_answer": {"answer_form_query"},
    "withdrawal_answer": {"answer_withdrawal"},
    "proposal_answer": {"answer_proposal"},
    "complete": {"complete"},
    "complete_again": {"complete_again"},
    "amend": {"amend"},
    "balance_query_answer": {"answer_balance_query", "remit", "send_again", "remit_difference"},
    "remit": {"remit"},
    "send_again": {"send_again", "remit_difference"},
    "difference": {"remit_difference", "send_again"},
    "pay_out": {"pay_out"},
    "credit": {"credit"},
    "excess_returned": {"return_excess", "take_back"},
    "return_ended": {"return_uncredited", "take_back"},
}
BANK_LINES = {"arrival_booked", "return_booked"}
ASKED = {"form_query_answer", "withdrawal_answer", "proposal_answer"}


def _of_obligations(view: View) -> str | None:
    current = [o for o in obligations(view) if o.current]
    relation = [o for o in current if o.track is Track.RELATION]
    money = [o for o in current if o.track is Track.MONEY]
    asked = view.form_query_open or view.withdrawal_request_open or view.proposal_open
    if view.live and asked and {o.clock for o in relation}.isdisjoint(ASKED):
        return "asked_is_due"
    if len(relation) > 1 or len(money) > 1 or len(relation) != (not _relation_done(view)):
        return "holder"
    if money and view.form is None and not view.outbound.remittances:
        return "money_begins"
    if not _money_waits(view) and len(money) != (not _money_done(view)):
        return "holder"
    for due in current:
        if due.clock not in BANK_LINES and CAN[due.clock].isdisjoint(next_steps(due.holder, view)):
            return "holder_can_act"
    return None


def _relation_done(view: View) -> bool:
    standing = view.completed and view.up_to_date and not view.form_query_open and not view.proposal_open
    return view.ended or standing


def _money_waits(view: View) -> bool:
    """The track has not begun: no form says what is to move, or the pay-out follows completion."""
    moving = money_account(view.outbound, view.inbound).under_way or view.returns_under_way
    idle = not moving and not view.balance_query_open
    return view.live and idle and (view.form is None or (view.form.outcome in PAID_OUT and not view.completed))


def _money_done(view: View) -> bool:
    if view.ended:
        return view.money_back
    nothing_moves = not money_account(view.outbound, view.inbound).under_way and not view.returns_under_way
    return nothing_moves and view.money_settled and not view.balance_query_open


STEP_EVENTS = {
    "answer": {"TransferAccepted", "TransferRejected", "CaseForwarded"},
    "upload": {"InformationFormUploaded"},
    "answer_form_query": {"FormExplained"},
    "remit": {"BalanceRemitted"},
    "send_again": {"BalanceRemitted"},
    "remit_difference": {"BalanceRemitted"},
    "answer_balance_query": {"BalanceExplained"},
    "pay_out": {"BalancePaidOut"},
    "answer_withdrawal": {"TransferWithdrawn"},
    "answer_proposal": {"FormQueried"},
    "complete": {"TransferCompleted"},
    "complete_again": {"TransferCompleted"},
    "amend": {"CompletionAmended"},
    "return_uncredited": {"BalanceReturned"},
    "take_back": {"BalanceReturned"},
    "return_excess": {"BalanceReturned"},
    "credit": {"BalanceCredited"},
}
OTHER_CASE = {"lodge_anew"}  # what it issues begins a new case


def broken_by_steps(view: View, role: Role, permitted: set[str]) -> str | None:
    """Steps offered to a role in its own view, against what the table permits it there."""
    steps = [step for step in next_steps(role, view) if step not in OTHER_CASE]
    return "steps_are_permitted" if any(STEP_EVENTS[step].isdisjoint(permitted) for step in steps) else None


# ---- the books -------------------------------------------------------------------------------------------------------

Books = tuple[tuple[tuple[str, str], Decimal], ...]
"""(kind, reference) → amount: what bank and registries know by themselves, in the order of their keys."""


def entered(books: Books, type: str, body: dict[str, Any]) -> Books:
    """The books after an event. A line of the bank is known by its number and is there once, however often booked."""
    amount = body.get("amount", ZERO)
    match type:
        case "BalanceRemitted":
            key = ("sent", body["reference"])
        case "RemittanceFailed":
            key, amount = ("failed", body["reference"]), Decimal(1)
        case "BalanceArrived":
            key = ("arrived", f"{body['reference']} {body['serial']}")
        case "BalanceCredited":
            key = ("credited", body["reference"])
        case "BalanceReturned":
            credited = body["source"] == "credited"
            key = ("taken_back" if credited else "returned", f"{body['reference']} {body['return_reference']}")
        case "ReturnArrived":
            key = ("came_back", body["return_reference"])
        case "BalancePaidOut":
            key = ("paid_out", body["bank_reference"])
        case _:
            return books
    entries = dict(books)
    if type == "BalanceArrived" and any(k[0] == "arrived" and k[1].endswith(f" {body['serial']}") for k in entries):
        return books
    entries[key] = amount if key[0] == "paid_out" else entries.get(key, ZERO) + amount
    return tuple(sorted(entries.items()))


def broken_in_books(outbound: OutboundHand, inbound: InboundHand, books: Books) -> str | None:
    """The true state of both hands against the books."""
    entries = dict(books)

    def total(kind: str, reference: str | None = None) -> Decimal:
        names = (n for k, n in entries if k == kind and reference in (None, n, n.split(" ")[0]))
        return sum((entries[kind, n] for n in names), ZERO)

    for sent in outbound.remittances:
        ref = sent.reference
        account = account_of(sent, inbound)
        arrived = any(k == "arrived" and n.split(" ")[0] == ref for k, n in entries)
        failed = total("sent", ref) if total("failed", ref) and not arrived else ZERO
        credited = total("credited", ref) - total("taken_back", ref)
        returned = total("returned", ref) + total("taken_back", ref)
        gone = credited + returned + failed
        truth = MoneyAccount(
            sent=total("sent", ref),
            credited=credited,
            under_way=(total("arrived", ref) if arrived else total("sent", ref)) - gone,
            returned=returned,
            failed=failed,
            short=total("sent", ref) - total("arrived", ref) if arrived else ZERO,
        )
        if account != truth:
            return "books_agree"
    if total("paid_out") != View(outbound, inbound).paid_out:
        return "books_agree"
    gone_back = {n.split(" ")[1] for k, n in entries if k in ("returned", "taken_back")}
    came_back = {n for k, n in entries if k == "came_back"}
    left = total("returned") + total("taken_back") - total("came_back")
    if not came_back <= gone_back or left < 0:
        return "books_agree"
    return "back_is_back" if View(outbound, inbound).money_back and left else None
