"""Who must act next, on which track, and which clock runs (domain.md §6), derived from both hands.

Pure: a clock's start is named (hand, seq, and whether the day it was issued or received counts); what instant that
was, the journal's receipts say, and how many working days it has, the ruleset says.
"""

from dataclasses import dataclass
from enum import StrEnum

from jiexu.case.event import Role
from jiexu.case.money import credited_net, may_still_be_sent, money_account, uncredited
from jiexu.case.view import PAID_OUT, View


class Track(StrEnum):
    """What moves: the months of cover with the form, or the money (domain.md §2)."""

    RELATION = "relation"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Since:
    """Where a clock starts: an event, and whether on the day it was issued or reached the other side's mailbox."""

    role: Role
    seq: int
    received: bool


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that is due: the clock's name, who holds it, where it started.

    `current` is the one holder and clock of the track now; the others are statutory clocks that run on meanwhile
    (a clock never stops: days during which a question lay with the other side are counted apart).
    """

    track: Track
    clock: str
    holder: Role
    since: tuple[Since, ...]  # the latest of these starts it
    current: bool = True


def _received(role: Role, seq: int) -> Since:
    return Since(role, seq, received=True)


def _issued(role: Role, seq: int) -> Since:
    return Since(role, seq, received=False)


def obligations(view: View) -> list[Obligation]:
    """All that is due in a case: at most one current obligation a track, current ones first."""
    relation, money = relation_obligation(view), money_obligation(view)
    current = [o for o in (relation, money) if o is not None]
    running = [o for o in _statutory(view) if all((o.track, o.clock) != (c.track, c.clock) for c in current)]
    return current + running


def _acceptance(view: View) -> Since:
    role = Role.OUTBOUND if view.outbound.accepted else Role.INBOUND
    return _issued(role, view.hand(role).accepted)


def _statutory(view: View) -> list[Obligation]:
    """Clocks of the text itself that run on while a question lies elsewhere."""
    running = []
    if view.live and view.form is not None and not view.completed and not view.inbound.reversed:
        since = _received(Role.OUTBOUND, view.outbound.forms[0].seq)
        running.append(Obligation(Track.RELATION, "complete", Role.INBOUND, (since,), current=False))
    return running


def relation_obligation(view: View) -> Obligation | None:
    """The holder of the relation track and the clock that runs for it."""
    lodger = view.lodger
    if lodger is None or view.ended:
        return None

    def due(clock: str, holder: Role, since: Since) -> Obligation:
        return Obligation(Track.RELATION, clock, holder, (since,))

    outbound, inbound = view.outbound, view.inbound
    if not view.answered:
        return due("answer", lodger.other, _received(lodger, view.hand(lodger).lodged))
    if view.form is None:
        return due("form", Role.OUTBOUND, _acceptance(view))
    if view.form_query_open:
        return due("form_query_answer", Role.OUTBOUND, _received(Role.INBOUND, inbound.form_query))
    if view.withdrawal_request_open:
        return due("withdrawal_answer", Role.INBOUND, _received(Role.OUTBOUND, outbound.withdrawal_requested))
    if view.proposal_open:
        return due("proposal_answer", Role.INBOUND, _received(Role.OUTBOUND, outbound.proposed))
    if not view.completed:
        if inbound.reversed:
            return due("complete_again", Role.INBOUND, _issued(Role.INBOUND, inbound.reversed))
        return due("complete", Role.INBOUND, _received(Role.OUTBOUND, outbound.forms[0].seq))
    if not view.up_to_date:
        return due("amend", Role.INBOUND, _received(Role.OUTBOUND, outbound.forms[-1].seq))
    return None


def money_obligation(view: View) -> Obligation | None:
    """The holder of the money track and the clock that runs for it."""
    if view.lodger is None:
        return None

    def due(clock: str, holder: Role, *since: Since) -> Obligation:
        return Obligation(Track.MONEY, clock, holder, since)

    outbound, inbound = view.outbound, view.inbound
    account = money_account(outbound, inbound)
    if view.live and view.balance_query_open:
        return due("balance_query_answer", Role.OUTBOUND, _received(Role.INBOUND, inbound.balance_query))
    for remittance in outbound.remittances:
        if not remittance.failed and all(a.reference != remittance.reference for a in inbound.arrivals):
            return due("arrival_booked", Role.INBOUND, _received(Role.OUTBOUND, remittance.seq))
    back = {m.reference for m in outbound.return_arrivals}
    for returned in inbound.returns:
        if returned.return_reference not in back:
            return due("return_booked", Role.OUTBOUND, _received(Role.INBOUND, returned.seq))
    if view.ended:
        if not account.under_way and not account.credited:
            return None
        arrivals = tuple(_issued(Role.INBOUND, a.seq) for a in inbound.arrivals)
        return due("return_ended", Role.INBOUND, *arrivals, *_ends(view))
    form = view.form
    waiting = [a for a in inbound.arrivals if uncredited(inbound, a.reference) > 0]
    void = {r.reference for r in outbound.remittances if r.void}
    room = form.to_credit - credited_net(inbound) if form is not None else None
    no_room = room is not None and (room < 0 or (waiting and not room))
    if no_room or any(a.reference in void for a in waiting):
        return due("excess_returned", Role.INBOUND, _issued(Role.INBOUND, inbound.arrivals[-1].seq))
    if form is None or not view.answered:
        return None
    if form.outcome in PAID_OUT:
        if view.completed and view.paid_out < form.amount:
            return due("pay_out", Role.OUTBOUND, _received(Role.INBOUND, inbound.completed_seq))
        return None
    if waiting and view.completed:
        starts = (_issued(Role.INBOUND, waiting[-1].seq), _issued(Role.INBOUND, inbound.completed_seq))
        return due("credit", Role.INBOUND, *starts)
    if waiting:  # the money is early: it waits for completion, under completion's own clock
        relation = relation_obligation(view)
        return Obligation(Track.MONEY, relation.clock, relation.holder, relation.since) if relation else None
    if form.outcome == "transfer" and may_still_be_sent(outbound, inbound) > 0:
        return due(*_sending(view))
    return None


def _ends(view: View) -> list[Since]:
    names = ("refused_at_counter", "rejected", "forwarded", "withdrawn")
    return [
        _issued(role, getattr(view.hand(role), name))
        for role in Role
        for name in names
        if getattr(view.hand(role), name)
    ]


def _sending(view: View) -> tuple[str, Role, Since]:
    """What outbound has to send: the balance at first, the rest later; the clock says since when."""
    outbound = view.outbound
    if not outbound.remittances:
        return "remit", Role.OUTBOUND, _acceptance(view)
    failures = [r.failed for r in outbound.remittances if r.failed]
    again = max([*failures, *(m.seq for m in outbound.return_arrivals)], default=0)
    other = max(outbound.balance_answer_seq, outbound.forms[-1].seq)
    if again > other:
        return "send_again", Role.OUTBOUND, _issued(Role.OUTBOUND, again)
    return "difference", Role.OUTBOUND, _issued(Role.OUTBOUND, other)
