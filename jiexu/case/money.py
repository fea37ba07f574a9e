"""The money account of a case (protocol.md, Money), in yuan.

For every reference, after every event: sent = credited + under way + returned + failed + short. The sum is true by
construction; what says something is that every word but short is at least zero, and that each equals the books of
the bank and of the two registries.
"""

from dataclasses import dataclass
from decimal import Decimal

from jiexu.case.hands import ZERO, InboundHand, OutboundHand, Remittance


@dataclass(frozen=True, slots=True)
class MoneyAccount:
    """Six words about what was sent. `credited` is net, less what was taken back; `short` negative where more came."""

    sent: Decimal = ZERO
    credited: Decimal = ZERO
    under_way: Decimal = ZERO
    returned: Decimal = ZERO
    failed: Decimal = ZERO
    short: Decimal = ZERO

    def __add__(self, other: "MoneyAccount") -> "MoneyAccount":
        return MoneyAccount(
            self.sent + other.sent,
            self.credited + other.credited,
            self.under_way + other.under_way,
            self.returned + other.returned,
            self.failed + other.failed,
            self.short + other.short,
        )

    @property
    def balanced(self) -> bool:
        """The sum holds and no word but short is below zero."""
        parts = (self.credited, self.under_way, self.returned, self.failed)
        return self.sent == sum(parts, self.short) and min(parts) >= 0


def arrived_of(inbound: InboundHand, reference: str) -> Decimal | None:
    """What arrived under a reference, None where no arrival is on record."""
    amounts = [a.amount for a in inbound.arrivals if a.reference == reference]
    return sum(amounts, ZERO) if amounts else None


def credited_gross(inbound: InboundHand, reference: str | None = None) -> Decimal:
    """Credited under a reference (or in all), what was taken back later still in."""
    return sum((c.amount for c in inbound.credits if reference in (None, c.reference)), ZERO)


def returned_of(inbound: InboundHand, credited: bool, reference: str | None = None) -> Decimal:
    """Returned under a reference (or in all), out of credited money (taken back) or out of uncredited money."""
    return sum((r.amount for r in inbound.returns if r.credited is credited and reference in (None, r.reference)), ZERO)


def credited_net(inbound: InboundHand, reference: str | None = None) -> Decimal:
    """Credited less what was taken back."""
    return credited_gross(inbound, reference) - returned_of(inbound, True, reference)


def uncredited(inbound: InboundHand, reference: str) -> Decimal:
    """Arrived under a reference, and neither credited nor returned."""
    arrived = arrived_of(inbound, reference) or ZERO
    return arrived - credited_gross(inbound, reference) - returned_of(inbound, False, reference)


def account_of(remittance: Remittance, inbound: InboundHand) -> MoneyAccount:
    """The money account of one reference."""
    arrived = arrived_of(inbound, remittance.reference)
    if arrived is None:
        failed = remittance.amount if remittance.failed else ZERO
        return MoneyAccount(sent=remittance.amount, under_way=remittance.amount - failed, failed=failed)
    credited = credited_net(inbound, remittance.reference)
    returned = returned_of(inbound, True, remittance.reference) + returned_of(inbound, False, remittance.reference)
    return MoneyAccount(
        sent=remittance.amount,
        credited=credited,
        under_way=arrived - credited - returned,
        returned=returned,
        short=remittance.amount - arrived,
    )


def money_account(outbound: OutboundHand, inbound: InboundHand) -> MoneyAccount:
    """The money account of a case: the sum over its references."""
    return sum((account_of(r, inbound) for r in outbound.remittances), MoneyAccount())


def may_still_be_sent(outbound: OutboundHand, inbound: InboundHand) -> Decimal:
    """What the latest form leaves to send, in the view of who asks: form − Σ remittances + Σ returned.

    A remittance counts as what arrived where an arrival is seen, else as nothing if it failed, else as what was
    sent. Void remittances and their returns stay out.
    """
    if not outbound.forms:
        return ZERO
    left = outbound.forms[-1].amount
    rightful = {r.reference for r in outbound.remittances if not r.void}
    for remittance in outbound.remittances:
        if remittance.void:
            continue
        arrived = arrived_of(inbound, remittance.reference)
        left -= arrived if arrived is not None else ZERO if remittance.failed else remittance.amount
    return left + sum((r.amount for r in inbound.returns if r.reference in rightful), ZERO)
