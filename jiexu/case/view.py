"""A view: the two hands as somebody sees them. Everything shown of a case is derived from both hands here."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from jiexu.case.event import Role
from jiexu.case.hands import ZERO, AnyHand, Form, HandState, InboundHand, OutboundHand
from jiexu.case.money import credited_net, money_account

PAID_OUT = ("pay_to_person", "pay_to_heirs")
LEFT = ("completed", "closed")
"""Statuses of a case by which the relation has left."""


@dataclass(frozen=True)  # without slots: what takes long to derive is derived once
class View:
    """Both hands, each up to some event. Words as in protocol.md and domain.md §2."""

    outbound: OutboundHand = field(default_factory=OutboundHand)
    inbound: InboundHand = field(default_factory=InboundHand)

    def hand(self, role: Role) -> AnyHand:
        """The hand of a role."""
        return self.outbound if role is Role.OUTBOUND else self.inbound

    @property
    def lodger(self) -> Role | None:
        """The side that lodged, None before the application is seen."""
        if self.outbound.lodged:
            return Role.OUTBOUND
        return Role.INBOUND if self.inbound.lodged else None

    @property
    def _ends(self) -> tuple[HandState, HandState]:
        return self.outbound, self.inbound

    @property
    def live(self) -> bool:
        """No rejection, forwarding or withdrawal is seen."""
        return not (self.outbound.ended or self.inbound.ended)

    @property
    def ended(self) -> bool:
        """The relation track has ended without completion standing."""
        return not self.live

    @property
    def answered(self) -> bool:
        """The side that did not lodge has answered."""
        return any(h.accepted or h.rejected or h.forwarded for h in self._ends)

    @property
    def accepted(self) -> bool:
        """The other side has accepted."""
        return bool(self.outbound.accepted or self.inbound.accepted)

    @property
    def form(self) -> Form | None:
        """The latest form."""
        return self.outbound.forms[-1] if self.outbound.forms else None

    @property
    def form_query_open(self) -> bool:
        """Inbound has asked about the form and neither closed the question nor been answered."""
        asked = self.inbound.form_query
        return bool(asked) and not self.inbound.form_query_closed and self.outbound.form_answered < asked

    @property
    def proposal_open(self) -> bool:
        """Outbound has proposed a correction that inbound has not taken up by a query."""
        return self.outbound.proposed > self.inbound.proposal_answered

    @property
    def withdrawal_request_open(self) -> bool:
        """Outbound asks to withdraw, and inbound has neither withdrawn nor completed since."""
        return self.live and not self.completed and self.outbound.withdrawal_requested > self.inbound.completed_seen

    @property
    def balance_query_open(self) -> bool:
        """Inbound has asked about the money and neither closed the question nor been answered."""
        asked = self.inbound.balance_query
        return bool(asked) and not self.inbound.balance_query_closed and self.outbound.balance_answered < asked

    @property
    def completed(self) -> bool:
        """办结: from TransferCompleted until CompletionReversed, on whatever version."""
        return bool(self.inbound.completed_on)

    @property
    def up_to_date(self) -> bool:
        """The completion stands on the latest form."""
        return self.form is not None and self.inbound.completed_on == self.form.version

    @property
    def returns_under_way(self) -> bool:
        """A return has not arrived at outbound yet."""
        arrived = {m.reference for m in self.outbound.return_arrivals}
        return any(r.return_reference not in arrived for r in self.inbound.returns)

    @cached_property
    def money_back(self) -> bool:
        """Nothing is under way, nothing is credited, and every return has arrived."""
        account = money_account(self.outbound, self.inbound)
        return not account.under_way and not account.credited and not self.returns_under_way

    @property
    def paid_out(self) -> Decimal:
        """What outbound has paid to the person or the heirs."""
        return sum((m.amount for m in self.outbound.paid_out), ZERO)

    @property
    def money_settled(self) -> bool:
        """Every part of the form's amount is credited, paid out, or recorded as staying usable, and no more credited.

        What was paid out beyond a later, lower form is between outbound's region and the person.
        """
        form = self.form
        if form is None or credited_net(self.inbound) != form.to_credit:
            return False
        return self.paid_out >= form.amount if form.outcome in PAID_OUT else True

    @cached_property
    def closed(self) -> bool:
        """Completed, up to date, no open query, nothing under way, all returns arrived, all of the money settled."""
        return (
            self.completed
            and self.up_to_date
            and not self.form_query_open
            and not self.balance_query_open
            and not money_account(self.outbound, self.inbound).under_way
            and not self.returns_under_way
            and self.money_settled
        )

    @property
    def open(self) -> bool:
        """Until rejected, forwarded, withdrawn or closed."""
        return self.lodger is not None and self.live and not self.closed

    @property
    def holds_row(self) -> bool:
        """The case keeps the unique row of the person's scheme: open, or ended with its money not yet back."""
        return self.open or (self.ended and not self.money_back)

    @cached_property
    def status(self) -> str:
        """One word for lists. Of ends that crossed, the first of rejected, forwarded, withdrawn is shown."""
        if self.ended:
            for word in ("refused_at_counter", "rejected", "forwarded", "withdrawn"):
                if any(getattr(hand, word) for hand in self._ends):
                    return word
        if self.lodger is None:
            return "unknown"
        if self.completed:
            return "closed" if self.closed else "completed"
        if self.form is not None:
            return "form_queried" if self.form_query_open else "reversed" if self.inbound.reversed else "form_uploaded"
        return "accepted" if self.accepted else "applied"
