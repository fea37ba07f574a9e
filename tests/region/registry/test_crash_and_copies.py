"""What a crash leaves and what several processes do at once."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from jiexu.region.platform import Done, Refused
from jiexu.region.registry import Bank, OtherRegion, SqliteRegistry, Transfer, TransferKind
from jiexu.region.registry.acts import act_name
from tests.region.platform_contract import THOUSAND, Acts, done, refused
from tests.region.registry.world import IN, OUT, Clock, RegistryWorld

ROUNDS = 40


def test_an_order_that_only_the_bank_remembers_is_recorded_by_the_repeat(platform: RegistryWorld) -> None:
    act = Acts(platform).send()
    key = "/".join((OUT, act_name(act), *act.key))
    order = Transfer(
        key,
        TransferKind.REMITTANCE,
        act.reference,
        act.amount,
        OUT,
        IN,
        act.document_number,
        act.payee,
        act.bank_account,
    )
    serial = platform.bank.submit(order, platform.clock.now).serial
    (value,) = done(platform.outbound, act)
    assert value["serial"] == serial
    assert platform.bank.book()["R1"].sent == THOUSAND
    assert platform.outbound.books()["sent"] == THOUSAND


def test_a_crash_between_the_banks_commit_and_the_registrys_loses_nothing(
    platform: RegistryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = Acts(platform)
    original = Bank.batch

    @contextmanager
    def dying(bank: Bank) -> Iterator[None]:
        with original(bank):
            yield
        raise KeyboardInterrupt  # the bank has committed, the registry has not

    monkeypatch.setattr(Bank, "batch", dying)
    with pytest.raises(KeyboardInterrupt):
        platform.outbound.perform([acts.debit("1000.00"), acts.send()])
    monkeypatch.undo()
    assert platform.outbound.books()["debited"] == 0
    assert platform.bank.book()["R1"].sent == THOUSAND
    done(platform.outbound, acts.debit("1000.00"), acts.send())
    assert platform.bank.book()["R1"].sent == THOUSAND
    assert platform.outbound.unbalanced() == []


def test_a_return_that_only_the_bank_remembers_is_recorded_though_the_money_is_gone(platform: RegistryWorld) -> None:
    acts = Acts(platform)
    done(platform.outbound, acts.send())
    platform.inbound.bank_lines(0)
    act = acts.give_back("1000.00")
    order = Transfer(
        "/".join((IN, act_name(act), *act.key)),
        TransferKind.RETURN,
        act.return_reference,
        act.amount,
        IN,
        OUT,
        for_reference="R1",
    )
    platform.bank.submit(order, platform.clock.now)
    # Nobody else should touch the money while a claim is open; if it happens, the order still shows in the books.
    done(platform.inbound, acts.credit("0.01"))
    done(platform.inbound, act)
    assert platform.inbound.books()["returned"] == THOUSAND


def test_a_bank_that_knows_the_key_for_another_order_makes_the_act_refused(platform: RegistryWorld) -> None:
    act = Acts(platform).send()
    key = "/".join((OUT, act_name(act), *act.key))
    platform.bank.submit(Transfer(key, TransferKind.REMITTANCE, "R1", Decimal("1.00"), OUT, IN), platform.clock.now)
    assert refused(platform.outbound, act) == "key_reused"
    assert platform.outbound.books()["sent"] == 0


def _work(directory: Path) -> int:
    """Perform the rounds in a process of its own; how many acts were new to it."""
    registry = SqliteRegistry(directory / f"{OUT}.db", OUT, Bank(directory / "bank.db"), Clock())
    world = _Seen(registry)
    acts, fresh = Acts(world), 0  # type: ignore[arg-type]
    for n in range(ROUNDS):
        results = registry.perform([acts.debit(f"{n}.00", n), acts.send("1.00", n, f"R{n}"), acts.pay_out("0.00", n)])
        fresh += sum(isinstance(result, Done) and not result.repeated for result in results)
    return fresh


class _Seen:
    """A world as the acts need it, in a process of its own."""

    outbound_region, inbound_region = OUT, IN

    def __init__(self, registry: SqliteRegistry) -> None:
        self.outbound = registry
        self.identity = RegistryWorld.__dataclass_fields__["identity"].default_factory()  # type: ignore[misc]


def test_two_processes_with_the_same_acts_do_each_once(platform: RegistryWorld) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        fresh = sum(pool.map(_work, [platform.directory] * 2))
    assert fresh == 2 * ROUNDS
    assert platform.outbound.books()["sent"] == ROUNDS
    assert len(platform.bank.book()) == ROUNDS
    assert platform.outbound.unbalanced() == []


def test_two_connections_number_the_lines_alike(platform: RegistryWorld) -> None:
    acts = Acts(platform)
    done(platform.outbound, *(acts.send("1.00", n, f"R{n}") for n in range(7)))
    other = platform.open(IN)
    assert platform.inbound.bank_lines(0, 3) == other.bank_lines(0, 3)
    assert [line.number for line in other.bank_lines(3)] == [4, 5, 6, 7]


def test_a_file_is_the_registry_of_one_region(platform: RegistryWorld) -> None:
    with pytest.raises(OtherRegion):
        SqliteRegistry(platform.directory / f"{OUT}.db", IN, platform.bank, platform.clock)


def test_a_refusal_names_what_to_do_and_masks_the_number(platform: RegistryWorld) -> None:
    done(platform.outbound, Acts(platform).hold())
    (result,) = platform.outbound.perform([Acts(platform, "f" * 32).hold()])
    assert isinstance(result, Refused)
    assert platform.identity.document_number not in result.zh + result.en
    assert "3303" in result.zh
