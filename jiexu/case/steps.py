"""What each role can do next in a case: the steps that a service takes by itself or that wait for a clerk.

A step is a name; what it reads, does and issues stands in `services/outbound` and `services/inbound`. The steps that
follow a line of the bank's book (an arrival, a failure, a return that came back) start from that line instead.
"""

from jiexu.case.event import Role
from jiexu.case.money import credited_net, may_still_be_sent, uncredited
from jiexu.case.view import PAID_OUT, View


def next_steps(role: Role, view: View) -> tuple[str, ...]:
    """Names of the steps open to this role now, the most urgent first."""
    lodger = view.lodger
    if lodger is None:
        return ()
    steps = ["answer"] if view.live and not view.answered and lodger is role.other else []
    if lodger is role and view.status == "forwarded":
        steps.append("lodge_anew")
    return tuple(steps + (_outbound(view) if role is Role.OUTBOUND else _inbound(view)))


def _outbound(view: View) -> list[str]:
    steps = []
    form = view.form
    if view.live and view.accepted and form is None:
        steps.append("upload")
    if form is not None and view.form_query_open and view.live:
        steps.append("answer_form_query")
    transfers = view.live and form is not None and form.outcome == "transfer"
    if transfers and may_still_be_sent(view.outbound, view.inbound) > 0:
        steps.append(_sending(view))
    elif view.live and view.balance_query_open:
        steps.append("answer_balance_query")
    if view.live and view.completed and form is not None and form.outcome in PAID_OUT and view.paid_out < form.amount:
        steps.append("pay_out")
    return steps


def _sending(view: View) -> str:
    """`remit` at first; `send_again` after a failure or a return; `remit_difference` for what is short."""
    outbound, inbound = view.outbound, view.inbound
    if not outbound.remittances:
        return "remit"
    short = any(a.reference == outbound.remittances[-1].reference for a in inbound.arrivals)
    returned = bool(inbound.returns) and view.outbound.return_arrivals
    if outbound.remittances[-1].failed and not short:
        return "send_again"
    return "send_again" if returned else "remit_difference"


def _inbound(view: View) -> list[str]:
    steps = []
    inbound, form = view.inbound, view.form
    if view.live and form is not None:
        if view.withdrawal_request_open:
            steps.append("answer_withdrawal")
        if view.proposal_open and not view.form_query_open:
            steps.append("answer_proposal")
        if not view.form_query_open and not view.completed:
            steps.append("complete_again" if inbound.reversed else "complete")
        if not view.form_query_open and view.completed and not view.up_to_date:
            steps.append("amend")
    idle = [a.reference for a in inbound.arrivals if uncredited(inbound, a.reference) > 0]
    if not idle and not inbound.credits:
        return steps
    if view.ended:
        return [*steps, *(["return_uncredited"] if idle else []), *(["take_back"] if credited_net(inbound) > 0 else [])]
    room = form.to_credit - credited_net(inbound) if form is not None else None
    if room is not None and room < 0:
        steps.append("take_back")
    if idle and not view.balance_query_open:
        void = {r.reference for r in view.outbound.remittances if r.void}
        if view.completed and room is not None and room > 0 and any(reference not in void for reference in idle):
            steps.append("credit")
        # completion or not, and even before a form: nothing else happens to money that nobody is to credit
        if (room is not None and room <= 0) or any(reference in void for reference in idle):
            steps.append("return_excess")
    return steps


def completing_step(view: View) -> str:
    """Which kind of completion is next: the first, a later one on a newer form, or one after a reversal."""
    return "amend" if view.completed else "complete_again" if view.inbound.reversed else "complete"
