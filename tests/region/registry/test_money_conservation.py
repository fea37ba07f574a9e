"""Whatever acts come, in whatever order and however often: no cent appears or is lost."""

import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jiexu.region.platform import Act
from jiexu.region.registry import Mishap, MishapKind, TransferKind
from tests.region.platform_contract import EMPLOYEE, ON, Acts, may_give
from tests.region.registry.world import NUMBER, RegistryWorld

CASES = ("a" * 32, "b" * 32)

steps = st.lists(
    st.tuples(
        st.sampled_from(("debit", "send", "credit", "take_back", "return", "pay_out", "read")),
        st.sampled_from(CASES),
        st.integers(1, 3),  # the key's n, and with it the reference
        st.sampled_from((1, 250, 400, 1000)),
        st.integers(1, 2),  # how often it is done
    ),
    max_size=25,
)
mishaps = st.lists(
    st.tuples(
        st.sampled_from(tuple(MishapKind)),
        st.integers(1, 4),
        st.sampled_from(tuple(TransferKind)),
        st.sampled_from((1, 100, 300)),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(steps, mishaps)
def test_the_books_of_both_regions_and_the_bank_agree(
    todo: list[tuple[str, str, int, int, int]], planned: list[tuple[MishapKind, int, TransferKind, int]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = RegistryWorld(Path(directory))
        for kind, nth, transfer, size in planned:
            if transfer is TransferKind.RETURN and kind in (MishapKind.SHORT, MishapKind.EXCESS):
                continue
            world.bank.add_mishap(Mishap(kind, NUMBER, nth=nth, transfer=transfer, amount=Decimal(size), seconds=size))
        for name, case, n, size, times in todo:
            if name == "read":
                world.clock.pass_by(size)
                world.inbound.bank_lines(0)
                world.outbound.bank_lines(0)
                continue
            for _ in range(times):
                side = world.outbound if name in ("debit", "send", "pay_out") else world.inbound
                side.perform([_act(world, name, case, n, size)])
            _check(world)
        world.clock.pass_by(10_000)
        world.inbound.bank_lines(0)
        world.outbound.bank_lines(0)
        _check(world)
        _check_settled(world)
        for each in (world.outbound, world.inbound, world.bank):
            each.close()


def _act(world: RegistryWorld, name: str, case: str, n: int, size: int) -> Act:
    acts, amount, reference = Acts(world, case), f"{size}.00", f"R{n}{case[0]}"
    match name:
        case "debit":
            return acts.debit(amount, n)
        case "send":
            return acts.send(amount, n, reference)
        case "credit":
            return acts.credit(amount, n, reference)
        case "take_back":
            return acts.take_back(amount, n, reference)
        case "return":
            return acts.give_back(amount, n, reference=reference)
        case _:
            return acts.pay_out(amount, f"{n}{case[0]}")


def _check(world: RegistryWorld) -> None:
    """At any moment: accounts add up, and nothing is used twice."""
    assert world.outbound.unbalanced() == []
    assert world.inbound.unbalanced() == []
    out = world.outbound.books()
    assert may_give(world, "c" * 32) + out["debited"] == 1000
    assert out["paid_out"] <= out["debited"] <= 1000
    inbound = world.inbound.facts([world.identity], EMPLOYEE, ON)[0].balance or Decimal(0)
    books = world.inbound.books()
    assert inbound == books["credited"] - books["taken_back"] >= 0
    for words in world.inbound.book_of_references().values():
        assert 0 <= words["taken_back"] <= words["credited"]
        assert words["credited"] - words["taken_back"] + words["returned"] <= words["arrived"]


def _check_settled(world: RegistryWorld) -> None:
    """With every line read: the three books say the same, reference by reference."""
    out, inbound = world.outbound.book_of_references(), world.inbound.book_of_references()
    nothing = dict.fromkeys(("sent", "failed", "arrived", "return_arrived"), Decimal(0))
    bank = world.bank.book()
    for reference, book in bank.items():
        ours, theirs = out.get(reference, nothing), inbound.get(reference, nothing)
        assert book.sent == book.arrived + book.refused + book.short + book.in_transit
        assert book.in_transit == 0
        assert (ours["sent"], ours["failed"], theirs["arrived"]) == (book.sent, book.refused, book.arrived)
        assert ours["return_arrived"] == book.return_arrived
    assert set(bank) == {reference for reference, words in out.items() if words["sent"]}
