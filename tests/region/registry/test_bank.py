"""The bank between regions: one order once, one line each, mishaps as planned."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jiexu.region.registry.bank import Bank, Mishap, MishapKind, Transfer, TransferKind, TransferReused

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
OUT, IN = "330300", "610100"


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path / "bank.db")


def remittance(n: int = 1, amount: str = "500.00", document: str = "D1") -> Transfer:
    return Transfer(f"k{n}", TransferKind.REMITTANCE, f"R{n}", Decimal(amount), OUT, IN, document)


def give_back(n: int = 1, attempt: int = 1) -> Transfer:
    key = f"b{n}.{attempt}"
    return Transfer(key, TransferKind.RETURN, f"B{n}", Decimal("500.00"), IN, OUT, for_reference=f"R{n}")


def kinds(bank: Bank, region: str, now: datetime = NOW, after: int = 0) -> list[tuple[str, str, str]]:
    return [(b.line.kind, b.line.reference, str(b.line.amount)) for b in bank.lines(region, after, now)]


def test_an_order_given_twice_under_its_key_happens_once(bank: Bank) -> None:
    first, again = bank.submit(remittance(), NOW), bank.submit(remittance(), NOW + timedelta(days=1))
    assert (first.repeated, again.repeated, first.serial) == (False, True, again.serial)
    assert kinds(bank, IN) == [("arrived", "R1", "500.00")]


def test_a_key_used_for_another_order_is_an_error_and_moves_nothing(bank: Bank) -> None:
    bank.submit(remittance(), NOW)
    with pytest.raises(TransferReused):
        bank.submit(Transfer("k1", TransferKind.REMITTANCE, "R1", Decimal("500.01"), OUT, IN, "D1"), NOW)
    assert bank.book()["R1"].sent == Decimal("500.00")


def test_only_the_nth_remittance_of_a_person_is_refused(bank: Bank) -> None:
    bank.add_mishap(Mishap(MishapKind.REFUSE, document_number="D1", nth=2))
    for n, document in enumerate(("D1", "D2", "D1", "D1"), start=1):
        bank.submit(remittance(n, document=document), NOW)
    assert kinds(bank, OUT) == [("refused", "R3", "500.00")]
    assert [reference for _, reference, _ in kinds(bank, IN)] == ["R1", "R2", "R4"]
    assert bank.lines(OUT, 0, NOW)[0].line.reason == "account_unknown"


@pytest.mark.parametrize(
    ("kind", "arrived", "short"), [(MishapKind.SHORT, "400.00", "100.00"), (MishapKind.EXCESS, "600.00", "-100.00")]
)
def test_less_or_more_arrives_than_was_sent(bank: Bank, kind: MishapKind, arrived: str, short: str) -> None:
    bank.add_mishap(Mishap(kind, reference="R1", amount=Decimal("100.00")))
    bank.submit(remittance(), NOW)
    book = bank.book()["R1"]
    assert (book.arrived, book.short) == (Decimal(arrived), Decimal(short))


def test_a_remittance_short_by_all_of_it_is_refused(bank: Bank) -> None:
    bank.add_mishap(Mishap(MishapKind.SHORT, reference="R1", amount=Decimal("500.00")))
    bank.submit(remittance(), NOW)
    assert kinds(bank, OUT) == [("refused", "R1", "500.00")]


def test_a_delayed_line_comes_after_those_that_overtook_it_and_is_not_missed(bank: Bank) -> None:
    bank.add_mishap(Mishap(MishapKind.DELAY, reference="R1", seconds=60))
    bank.submit(remittance(1), NOW)
    bank.submit(remittance(2), NOW)
    assert kinds(bank, IN) == [("arrived", "R2", "500.00")]
    assert bank.book(NOW)["R1"].in_transit == Decimal("500.00")
    assert kinds(bank, IN, NOW + timedelta(seconds=60), after=1) == [("arrived", "R1", "500.00")]


def test_a_return_goes_to_the_outbound_region_under_its_own_reference(bank: Bank) -> None:
    bank.add_mishap(Mishap(MishapKind.REFUSE, document_number="D1", transfer=TransferKind.RETURN))
    bank.submit(remittance(), NOW)
    bank.submit(give_back(attempt=1), NOW)
    bank.submit(give_back(attempt=2), NOW)
    assert kinds(bank, IN)[1:] == [("return_refused", "B1", "500.00")]
    assert kinds(bank, OUT) == [("returned", "B1", "500.00")]
    book = bank.book()["R1"]
    assert (book.returned, book.return_arrived) == (Decimal("500.00"), Decimal("500.00"))


def test_a_batch_that_breaks_leaves_no_order(bank: Bank) -> None:
    def batch() -> None:
        with bank.batch():
            bank.submit(remittance(1), NOW)
            bank.submit(remittance(1, amount="1.00"), NOW)

    with pytest.raises(TransferReused):
        batch()
    assert bank.book() == {}
    assert not bank.submit(remittance(1), NOW).repeated


@pytest.mark.parametrize(
    "mishap",
    [
        Mishap(MishapKind.REFUSE),
        Mishap(MishapKind.SHORT, reference="R1"),
        Mishap(MishapKind.DELAY, reference="R1"),
        Mishap(MishapKind.SHORT, reference="R1", amount=Decimal("1.00"), transfer=TransferKind.RETURN),
    ],
)
def test_a_mishap_that_says_too_little_is_not_taken(bank: Bank, mishap: Mishap) -> None:
    with pytest.raises(ValueError, match=r"."):
        bank.add_mishap(mishap)


def test_the_banks_day_is_beijings(bank: Bank) -> None:
    bank.submit(remittance(), datetime(2026, 3, 1, 16, 30, tzinfo=UTC))
    assert bank.lines(IN, 0, NOW)[0].line.bank_date.isoformat() == "2026-03-02"
