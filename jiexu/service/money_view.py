"""The money of a case as it is shown: where it is, the form line by line, every movement (domain.md §2)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jiexu.case.event import Event, Role
from jiexu.case.money import MoneyAccount, credited_net, money_account
from jiexu.case.obligations import money_obligation
from jiexu.case.view import PAID_OUT, View
from jiexu.case.words import CODE, EVENT, LINE, OUTCOME, Word, word
from jiexu.service.dossier import Dossier

SUBTRACTED = ("unearned_allocation", "settled_claims")
"""Lines of the form's account that are taken off (domain.md §2)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the form's account, with its sign: the lines add up to the last one."""

    code: str
    word: Word
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """One movement of money: `sent`, `arrived`, `credited`, `returned`, `return_arrived`, `paid_out`."""

    kind: str
    word: Word
    reference: str
    amount: Decimal
    seq: int
    at: datetime
    note: Word | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class MoneyView:
    """The money of a case: what the latest form says, line by line, and what became of what was sent."""

    form_version: int | None
    outcome: Word | None
    lines: tuple[Line, ...]
    account: MoneyAccount
    payments: tuple[Payment, ...]


_STATE_OF_CLOCK = {
    "balance_query_answer": "queried",
    "arrival_booked": "under_way",
    "return_booked": "return_under_way",
    "return_ended": "to_return",
    "excess_returned": "excess",
    "pay_out": "to_pay_out",
    "remit": "to_send",
    "difference": "to_send",
    "send_again": "to_send",
}


def money_state(view: View) -> str:
    """One word of MONEY_STATE: what the money of a case is doing."""
    due, form = money_obligation(view), view.form
    account = money_account(view.outbound, view.inbound)
    if due is not None:
        state = _STATE_OF_CLOCK.get(due.clock, "arrived")
        return "part_credited" if state == "to_send" and account.credited else state
    if view.ended:
        return "returned" if account.returned else "no_money"
    if account.under_way:
        return "arrived"
    if form is None:
        return "quiet"
    if form.outcome == "stays_usable":
        return "stays_usable"
    if form.outcome in PAID_OUT and form.amount:
        return "paid_out" if view.paid_out >= form.amount else "to_pay_out"
    if not form.to_credit:
        return "returned" if account.returned else "no_money"
    return "credited" if credited_net(view.inbound) >= form.to_credit else "quiet"


def form_lines(event: Event) -> tuple[Line, ...]:
    """Balance + interest − unearned allocation − settled claims ± named lines = the amount that moves."""
    account = event.body["account"]
    lines = [Line(name, LINE[name], account[name]) for name in ("balance", "interest")]
    lines += [Line(name, LINE[name], -account[name]) for name in SUBTRACTED]
    lines += [Line("other", Word(one["name"], one["name"]), one["amount"]) for one in account["other_lines"]]
    return (*lines, Line("amount", LINE["amount"], account["amount"]))


def money_view(dossier: Dossier) -> MoneyView:
    """The money of a case."""
    case = dossier.case
    view, form = case.view, case.view.form
    return MoneyView(
        form_version=form.version if form else None,
        outcome=word(OUTCOME, form.outcome) if form else None,
        lines=form_lines(case.event(Role.OUTBOUND, form.seq)) if form else (),
        account=money_account(view.outbound, view.inbound),
        payments=_payments(dossier),
    )


def _payments(dossier: Dossier) -> tuple[Payment, ...]:
    """Every movement, in the order of its event's time."""
    case = dossier.case
    outbound, inbound = case.view.outbound, case.view.inbound

    def moved(kind: str, type: str, role: Role, reference: str, amount: Decimal, seq: int, **more: Any) -> Payment:
        return Payment(kind, EVENT[type], reference, amount, seq, case.event(role, seq).occurred_at, **more)

    found: list[Payment] = []
    for sent in outbound.remittances:
        note = EVENT["RemittanceFailed"] if sent.failed else None
        note = Word("无权汇出，应退回", "sent without a right, to go back") if sent.void else note
        out = (Role.OUTBOUND, sent.reference, sent.amount, sent.seq)
        found.append(moved("sent", "BalanceRemitted", *out, note=note))
    for back in outbound.return_arrivals:
        found.append(moved("return_arrived", "ReturnArrived", Role.OUTBOUND, back.reference, back.amount, back.seq))
    for paid in outbound.paid_out:
        found.append(moved("paid_out", "BalancePaidOut", Role.OUTBOUND, paid.reference, paid.amount, paid.seq))
    for came in inbound.arrivals:
        arrived = (Role.INBOUND, came.reference, came.amount, came.seq)
        found.append(moved("arrived", "BalanceArrived", *arrived, serial=came.serial))
    for kept in inbound.credits:
        found.append(moved("credited", "BalanceCredited", Role.INBOUND, kept.reference, kept.amount, kept.seq))
    for gone in inbound.returns:
        note = word(CODE, case.event(Role.INBOUND, gone.seq).body["reason"])
        returned = (Role.INBOUND, gone.return_reference, gone.amount, gone.seq)
        found.append(moved("returned", "BalanceReturned", *returned, note=note))
    return tuple(sorted(found, key=lambda one: one.at))
