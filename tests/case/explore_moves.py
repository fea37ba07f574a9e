"""What an agency might try in a view, right and wrong bodies alike: the table decides which of it is permitted.

Amounts are whole units (1 to 4 yuan). Everything that goes wrong, or that could go on for ever, costs one unit of a
named budget, so an exploration is finite; what brings a case nearer to its end costs nothing, so no budget keeps a
case from ending.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jiexu.case.event import Role
from jiexu.case.money import arrived_of, credited_net
from jiexu.case.view import View

Body = dict[str, Any]
WRONG = 99  # a seq that no event has
AMOUNTS = tuple(Decimal(f"{n}.00") for n in (4, 3, 2, 1, 0))
ONE, TWO = AMOUNTS[3], AMOUNTS[2]
NOTES = (
    "ReminderSent",
    "InformationRequested",
    "InformationProvided",
    "DisclosureRequested",
    "Escalated",
    "NoticeGiven",
)
BUDGETS = (
    "form_query",  # questions about the form
    "balance_query",  # questions about the money
    "propose",  # corrections proposed
    "request",  # requests to withdraw
    "version",  # form versions beyond the first
    "reverse",  # completions reversed
    "fail",  # remittances that the bank refuses
    "short",  # arrivals of less than was sent
    "excess",  # arrivals of more than was sent
    "part",  # amounts smaller than they might be
    "give_back",  # rightful money of a live case sent back
    "void",  # remittances without a right to them
    "note",  # reminders, notices and the like
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An event that an agency might issue. Of a `group`, the largest permitted amount is free, others cost `part`."""

    type: str
    body: Body
    cost: str | None = None
    group: tuple[str, ...] = ()


def attempts(view: View, role: Role, forms: tuple[tuple[Decimal, str], ...]) -> Iterator[Attempt]:
    """All that this role might try in this view; `forms` are the amounts and outcomes that a form can state."""
    yield Attempt("TransferApplied", {})
    for name in NOTES:
        yield Attempt(name, {}, "note")
    if view.lodger is not None:  # nobody has a case in hand that has no application
        yield from acts(view, role, forms)


def acts(view: View, role: Role, forms: tuple[tuple[Decimal, str], ...]) -> Iterator[Attempt]:
    """What can be tried in a case that somebody lodged."""
    yield Attempt("TransferAccepted", {})
    yield Attempt("TransferRejected", {})
    yield Attempt("CaseForwarded", {})
    yield Attempt("TransferWithdrawn", {})
    yield from (_outbound(view, forms) if role is Role.OUTBOUND else _inbound(view))


def _numbers(asked: int) -> tuple[int, ...]:
    """The question itself, the one before it, one that was never asked."""
    return tuple(dict.fromkeys((asked, max(asked - 1, 0), WRONG)))


def form_body(version: int, answers: int | None, amount: Decimal, outcome: str) -> Body:
    """The part of a form that the protocol looks at."""
    return {"version": version, "answers": answers, "account": {"amount": amount, "outcome": outcome}}


def _outbound(view: View, forms: tuple[tuple[Decimal, str], ...]) -> Iterator[Attempt]:
    latest = view.form.version if view.form else 0
    asked = view.inbound.form_query
    yield Attempt("WithdrawalRequested", {}, "request")
    yield Attempt("CorrectionProposed", {}, "propose")
    for version in range(1, latest + 3):
        for answers in (None, *_numbers(asked)):
            for amount, outcome in forms:
                cost = "version" if view.form else None
                yield Attempt("InformationFormUploaded", form_body(version, answers, amount, outcome), cost)
    for answers in _numbers(asked):
        yield Attempt("FormExplained", {"answers": answers})
    for answers in _numbers(view.inbound.balance_query):
        yield Attempt("BalanceExplained", {"answers": answers})
    used = tuple(r.reference for r in view.outbound.remittances)
    for reference in (f"r{len(used) + 1}", *used[:1]):
        for answers in (None, *_numbers(view.inbound.balance_query)):
            for amount in AMOUNTS:
                body = {"reference": reference, "amount": amount, "answers": answers}
                yield Attempt("BalanceRemitted", body, None, (reference, str(answers)))
    for reference in (*used, "unknown"):
        yield Attempt("RemittanceFailed", {"reference": reference}, "fail")
    returned = {r.return_reference: r.amount for r in view.inbound.returns}
    for return_reference, amount in {**returned, "unknown": ONE}.items():
        for came in (amount, AMOUNTS[-1]):
            yield Attempt("ReturnArrived", {"return_reference": return_reference, "amount": came})
    paid = tuple(m.reference for m in view.outbound.paid_out)
    for to in ("person", "heirs"):
        for bank_reference in (f"p{len(paid) + 1}", *paid[:1]):
            for amount in AMOUNTS:
                body = {"to": to, "amount": amount, "bank_reference": bank_reference}
                yield Attempt("BalancePaidOut", body, None, (to, bank_reference))


def _inbound(view: View) -> Iterator[Attempt]:
    latest = view.form.version if view.form else 0
    for version in range(max(latest - 1, 1), max(latest, 1) + 1):
        for proposal in dict.fromkeys((None, view.outbound.proposed or None)):
            yield Attempt("FormQueried", {"version": version, "proposal": proposal}, "form_query")
        yield Attempt("TransferCompleted", {"version": version})
        yield Attempt("CompletionAmended", {"version": version})
    yield Attempt("CompletionReversed", {}, "reverse")
    yield Attempt("BalanceQueried", {}, "balance_query")
    for closes in _numbers(view.inbound.form_query):
        yield Attempt("FormQueryClosed", {"closes": closes})
    for closes in _numbers(view.inbound.balance_query):
        yield Attempt("BalanceQueryClosed", {"closes": closes})
    references = (*(r.reference for r in view.outbound.remittances), "unknown")
    for reference in references:
        yield from _arrivals(view, reference)
        for amount in AMOUNTS:
            yield Attempt("BalanceCredited", {"reference": reference, "amount": amount}, None, (reference,))
        yield from _returns(view, reference)


def _arrivals(view: View, reference: str) -> Iterator[Attempt]:
    sent = view.outbound.remittance(reference)
    lines = view.inbound.arrivals
    rest = (sent.amount if sent else ONE) - (arrived_of(view.inbound, reference) or AMOUNTS[-1])
    amounts = {ONE: "short", rest + ONE: "excess"} if rest > 0 else {ONE: "excess"}
    for amount, cost in {**amounts, **({rest: None} if rest > 0 else {}), AMOUNTS[-1]: None}.items():
        number = sum(line.reference == reference for line in lines) + 1
        for serial in (f"{reference}/{number}", *(line.serial for line in lines[:1])):
            yield Attempt("BalanceArrived", {"reference": reference, "amount": amount, "serial": serial}, cost)


def _returns(view: View, reference: str) -> Iterator[Attempt]:
    sent = view.outbound.remittance(reference)
    void = sent is not None and sent.void
    form, net = view.form, credited_net(view.inbound)
    full = form is not None and net >= (form.amount if form.outcome == "transfer" else 0)
    used = tuple(r.return_reference for r in view.inbound.returns)
    number = sum(r.reference == reference for r in view.inbound.returns) + 1
    for source in ("uncredited", "credited"):
        reversed_now = source == "credited" and view.inbound.reversed and not view.completed
        needed = view.ended or void or (full and not reversed_now)
        for return_reference in (f"{reference}-{number}", *used[:1]):
            for amount in AMOUNTS:
                body = {
                    "reference": reference,
                    "return_reference": return_reference,
                    "amount": amount,
                    "source": source,
                }
                yield Attempt(
                    "BalanceReturned", body, None if needed else "give_back", (reference, source, return_reference)
                )
