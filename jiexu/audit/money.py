"""The money account of many cases, held against the books.

That the six words add up is true by construction, so it proves nothing. What proves something: after every event, in
either journal's order, every word but short is at least zero for each reference; and at the end each word equals what
the registries and the bank have in books of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from jiexu.audit.replay import Replayed
from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.case.hands import ZERO
from jiexu.case.money import MoneyAccount, account_of, arrived_of, credited_gross, money_account, returned_of
from jiexu.case.view import View
from jiexu.contract.codec import decode_event_trusted
from jiexu.journal.port import Journal
from jiexu.region.platform import LocalPlatform

_DIFFERENCES_SHOWN = 50
_MONEY_EVENTS = {
    "BalanceRemitted",
    "RemittanceFailed",
    "BalanceArrived",
    "BalanceCredited",
    "BalanceReturned",
    "ReturnArrived",
}
Book = Mapping[str, Mapping[str, Decimal]]


@dataclass
class MoneyReport:
    """The account in yuan over all cases, each counted once, and every difference that was found."""

    account: MoneyAccount = field(default_factory=MoneyAccount)
    events: int = 0
    references: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def sent(self) -> Decimal:
        """Sent, gross."""
        return self.account.sent

    @property
    def credited(self) -> Decimal:
        """Credited, less what was taken back."""
        return self.account.credited

    @property
    def under_way(self) -> Decimal:
        """On its way, or arrived and neither credited nor returned."""
        return self.account.under_way

    @property
    def returned(self) -> Decimal:
        """Sent back."""
        return self.account.returned

    @property
    def failed(self) -> Decimal:
        """Refused by the bank and not arrived."""
        return self.account.failed

    @property
    def short(self) -> Decimal:
        """Sent less arrived, of what arrived."""
        return self.account.short

    @property
    def balanced(self) -> bool:
        """The account adds up and nothing differs from any book."""
        return self.account.balanced and not self.differences

    def differs(self, what: str) -> None:
        """Note a difference; a flood of them is cut."""
        if len(self.differences) < _DIFFERENCES_SHOWN:
            self.differences.append(what)


def money_of(
    replayed: Mapping[str, Replayed],
    journals: Mapping[str, Journal],
    platforms: Mapping[str, LocalPlatform],
) -> MoneyReport:
    """The money account of all cases of these regions, and what differs from the regions' own books.

    Books are those of the registries: their acts, and the bank's lines as they took them over. A case whose outbound
    region is not among these is left out.
    """
    report = MoneyReport()
    books = {region: platform.book_of_references() for region, platform in platforms.items()}
    for region, journal in journals.items():
        views = _after_every_event(report, journal)
        for case_id, view in views.items():
            case = replayed[region].cases[case_id]
            if case.role is not Role.OUTBOUND:
                continue
            report.account += money_account(view.outbound, view.inbound)
            inbound_book = books.get(case.partner or "", {})
            for remittance in view.outbound.remittances:
                report.references += 1
                _against_books(report, view, remittance.reference, books[region], inbound_book)
    return report


def _after_every_event(report: MoneyReport, journal: Journal) -> dict[str, View]:
    """Fold a journal event by event and look at each reference's account after each; the final views by case."""
    cases: dict[str, Case] = {}
    with journal.read() as read:
        for stored in read.events():
            event = decode_event_trusted(stored.bytes)
            case = cases.setdefault(event.case_id, Case(event.case_id))
            case.take(event)
            if event.type not in _MONEY_EVENTS:
                continue
            report.events += 1
            view = case.view
            for remittance in view.outbound.remittances:
                if not account_of(remittance, view.inbound).balanced:
                    where = f"{journal.region} {event.case_id} {event.hand} {event.seq}"
                    report.differs(f"{where}: the account of {remittance.reference} does not balance")
    return {case_id: case.view for case_id, case in cases.items()}


def _against_books(report: MoneyReport, view: View, reference: str, outbound: Book, inbound: Book) -> None:
    """One reference: each word of the events beside the same word of the two regions' books."""
    remittance = view.outbound.remittance(reference)
    assert remittance is not None, "the reference is one of the hand's"
    own, other = outbound.get(reference, {}), inbound.get(reference, {})
    arrived = arrived_of(view.inbound, reference)
    back = {m.reference: m.amount for m in view.outbound.return_arrivals}
    returns = [r for r in view.inbound.returns if r.reference == reference]
    stated = {
        "sent": (remittance.amount, own),
        "failed": (remittance.amount if remittance.failed and arrived is None else ZERO, own),
        "return_arrived": (sum((back.get(r.return_reference, ZERO) for r in returns), ZERO), own),
        "arrived": (arrived or ZERO, other),
        "credited": (credited_gross(view.inbound, reference), other),
        "taken_back": (returned_of(view.inbound, True, reference), other),
        "returned": (sum((r.amount for r in returns), ZERO), other),
    }
    for word, (amount, book) in stated.items():
        booked = book.get(word, ZERO)
        if booked != amount:
            report.differs(f"{reference}: {word} {amount:.2f} by the events, {booked:.2f} by the books")
