"""The money account of many cases, held against the books.

That the six words add up is true by construction, so it proves nothing. What proves something: after every event, in
either journal's order, every word but short is at least zero for each reference; and at the end each word equals what
the registries and the bank have in books of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from jiexu.audit.replay import Replayed, uncollected
from jiexu.case.case import Case, NotNext
from jiexu.case.event import Role
from jiexu.case.hands import ZERO
from jiexu.case.money import MoneyAccount, account_of, money_account
from jiexu.case.view import View
from jiexu.journal.port import Journal
from jiexu.region.platform import LocalPlatform
from jiexu.region.registry.bank import ReferenceBook

# The account of a reference rests on what these state; no other event can change it.
_MONEY_EVENTS = {
    "BalanceRemitted",
    "RemittanceFailed",
    "BalanceArrived",
    "BalanceCredited",
    "BalanceReturned",
    "ReturnArrived",
}
Words = dict[str, Decimal]
# Reference of the remittance → what is said of it, in yuan.
Stated = dict[str, Words]


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
        """The account adds up, did so after every event, and nothing differs from any book."""
        return self.account.balanced and not self.differences

    def differs(self, what: str) -> None:
        """Note a difference."""
        self.differences.append(what)


def money_of(
    replayed: Mapping[str, Replayed],
    journals: Mapping[str, Journal],
    platforms: Mapping[str, LocalPlatform],
    bank_book: Mapping[str, ReferenceBook] | None = None,
) -> MoneyReport:
    """The money account of all cases of these regions, and what differs from the books.

    Each registry's book is held against its own region's journal, the bank's, where given, against outbound's. The
    bank's book must be that of these regions alone: money that none of their cases knows is a difference. A case
    counts once, by outbound's journal; one whose outbound region is not among these does not enter the account.
    """
    report = MoneyReport()
    remitted: Stated = {}
    books = {region: platform.book_of_references() for region, platform in platforms.items()}
    for region, journal in journals.items():
        views = _after_every_event(report, journal)
        stated: Stated = {}
        for case_id, view in views.items():
            case = replayed[region].cases.get(case_id)
            if case is None or case.role is None:
                continue  # replay lists it among the problems
            if case.role is Role.OUTBOUND:
                report.account += money_account(view.outbound, view.inbound)
                report.references += len(view.outbound.remittances)
                _add(stated, _outbound_words(view))
                _add(remitted, _bank_words(view))
            else:
                _add(stated, _inbound_words(view))
        if region in books:
            _against_registry(report, region, stated, books[region])
    if bank_book is not None:
        _against_bank(report, remitted, bank_book, books)
    return report


def _after_every_event(report: MoneyReport, journal: Journal) -> dict[str, View]:
    """Fold a journal event by event and look at each reference's account after each; the final views by case."""
    cases: dict[str, Case] = {}
    with journal.read() as read, uncollected():
        for stored in read.events():
            event = stored.event
            case = cases.setdefault(event.case_id, Case(event.case_id))
            try:
                case.take(event)
            except NotNext:
                report.differs(f"{journal.region} {event.case_id}: the hands are broken at {event.hand} {event.seq}")
                continue
            if event.type not in _MONEY_EVENTS:
                continue
            report.events += 1
            view = case.view
            for remittance in view.outbound.remittances:
                if not account_of(remittance, view.inbound).balanced:
                    where = f"{journal.region} {event.case_id} {event.hand} {event.seq}"
                    report.differs(f"{where}: the account of {remittance.reference} does not balance")
    return {case_id: case.view for case_id, case in cases.items()}


Entries = Iterator[tuple[str, str, Decimal]]
"""Reference of the remittance, word, amount in yuan."""


def _add(stated: Stated, entries: Entries) -> None:
    for reference, word, amount in entries:
        words = stated.setdefault(reference, {})
        words[word] = words.get(word, ZERO) + amount


def _outbound_words(view: View) -> Entries:
    """What outbound's registry must have booked: its own acts, and the bank's lines that it took over."""
    for remittance in view.outbound.remittances:
        yield remittance.reference, "sent", remittance.amount
        # The bank's refusal stays in the books, also where money arrived after all.
        yield remittance.reference, "failed", remittance.amount if remittance.failed else ZERO
    of_return = {r.return_reference: r.reference for r in view.inbound.returns}
    for arrival in view.outbound.return_arrivals:
        yield of_return.get(arrival.reference, arrival.reference), "return_arrived", arrival.amount


def _inbound_words(view: View) -> Entries:
    """What inbound's registry must have booked."""
    for arrival in view.inbound.arrivals:
        yield arrival.reference, "arrived", arrival.amount
    for credit in view.inbound.credits:
        yield credit.reference, "credited", credit.amount
    for back in view.inbound.returns:
        yield back.reference, "returned", back.amount
        yield back.reference, "taken_back", back.amount if back.credited else ZERO


def _bank_words(view: View) -> Entries:
    """What the bank must have booked, by outbound's journal."""
    yield from _outbound_words(view)
    yield from _inbound_words(view)


_REGISTRY_WORDS = ("sent", "failed", "return_arrived", "arrived", "credited", "taken_back", "returned")


def _against_registry(
    report: MoneyReport, region: str, stated: Stated, book: Mapping[str, Mapping[str, Decimal]]
) -> None:
    """Every reference that either knows, word by word."""
    for reference in sorted({*stated, *book}):
        for word in _REGISTRY_WORDS:
            by_events, booked = stated.get(reference, {}).get(word, ZERO), book.get(reference, {}).get(word, ZERO)
            if by_events != booked:
                report.differs(_difference(reference, word, by_events, booked, f"the books of {region}"))


def _against_bank(
    report: MoneyReport,
    stated: Stated,
    bank: Mapping[str, ReferenceBook],
    registries: Mapping[str, Mapping[str, Mapping[str, Decimal]]],
) -> None:
    """Sent, arrived, refused, returned and returns arrived, as the bank has them.

    A return that the bank refused is not among its returns until it is sent again, so the events may state more
    returned than the bank, by what a registry has as refused and no more.
    """
    for reference in sorted({*stated, *bank}):
        said, booked = stated.get(reference, {}), bank.get(reference)
        for word, of_bank in (
            ("sent", booked.sent if booked else ZERO),
            ("arrived", booked.arrived if booked else ZERO),
            ("failed", booked.refused if booked else ZERO),
            ("return_arrived", booked.return_arrived if booked else ZERO),
        ):
            if said.get(word, ZERO) != of_bank:
                report.differs(_difference(reference, word, said.get(word, ZERO), of_bank, "the bank"))
        returned, of_bank = said.get("returned", ZERO), booked.returned if booked else ZERO
        refused = sum((book.get(reference, {}).get("return_refused", ZERO) for book in registries.values()), ZERO)
        if not of_bank <= returned <= of_bank + refused:
            report.differs(_difference(reference, "returned", returned, of_bank, "the bank"))


def _difference(reference: str, word: str, by_events: Decimal, booked: Decimal, book: str) -> str:
    return f"{reference}: {word} {by_events:.2f} by the events, {booked:.2f} by {book}"
