"""The people who move, what the registries know of them, and their applications."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from jiexu.region.registry import AccountRow, Mishap, MishapKind, PeriodRow, RelationRow, TransferKind
from jiexu.region.registry.records import Row
from jiexu.rules.facts import Application, Identity, RelationStatus, Scheme
from jiexu.rules.identity import check_character
from jiexu.service.agency import Agency
from jiexu.service.answering import Lodging
from jiexu.service.counter import Lodged, lodge
from tests.service.pair import person_row
from tests.simulation.ground import CHENGDU, WENZHOU, XIAN
from tests.simulation.plan import Mover

if TYPE_CHECKING:
    from tests.simulation.world import World

BALANCE, INTEREST = Decimal("1000.00"), Decimal("12.34")


def identity(number: int) -> Identity:
    """An invented person."""
    first = f"61010019900101{number:03d}"
    return Identity(f"测试{'甲乙丙丁戊己庚辛壬癸'[number % 10]}", "01", first + check_character(first))


def known_to_registries(world: "World", mover: Mover) -> None:
    """Put a person into both regions' registries, and plan what the bank does wrong."""
    who, resident = identity(mover.number), mover.story == "resident"
    left = f"L{mover.number}"
    rows: list[Row]
    if resident:
        rows = [
            person_row(left, who),
            RelationRow(left, Scheme.RESIDENT, RelationStatus.SUSPENDED, kind="resident", coverage_year=2025),
            PeriodRow(left, "", Scheme.RESIDENT, "2025-01", "actual", "2025-12", 12),
        ]
        here = RelationRow(
            f"J{mover.number}", Scheme.RESIDENT, RelationStatus.ACTIVE, kind="resident", coverage_year=2027
        )
        there: list[Row] = [person_row(f"J{mover.number}", who), here]
    else:
        rows = [
            person_row(left, who, in_hospital=mover.story == "in_hospital"),
            RelationRow(left, Scheme.EMPLOYEE, RelationStatus.SUSPENDED, paid_through="2026-01"),
            PeriodRow(left, "", Scheme.EMPLOYEE, "2024-02", "actual", "2026-01", 24),
            AccountRow(left, BALANCE + mover.number, INTEREST, opened_on=date(2024, 2, 1)),
        ]
        there = [
            person_row(f"J{mover.number}", who),
            RelationRow(f"J{mover.number}", Scheme.EMPLOYEE, RelationStatus.ACTIVE, paid_through="2026-03"),
            PeriodRow(f"J{mover.number}", "", Scheme.EMPLOYEE, "2026-03", "actual", "2026-03", 1),
        ]
    registries = world.machine.registries
    if mover.story == "moved_on":
        third = third_of(mover)
        registries[third].put(rows)
        ended = RelationRow(
            f"E{mover.number}", Scheme.EMPLOYEE, RelationStatus.ENDED, paid_through="2023-05", ended_to=third
        )
        rows = [person_row(f"E{mover.number}", who), ended]
    registries[mover.out].put(rows)
    for code in (mover.into, third_of(mover)) if mover.story == "claimed_twice" else (mover.into,):
        registries[code].put(there)
    world.known.add(mover.number)
    number = who.document_number
    match mover.story:
        case "refused_once":
            world.bank.add_mishap(Mishap(MishapKind.REFUSE, number))
        case "short":
            world.bank.add_mishap(Mishap(MishapKind.SHORT, number, amount=Decimal("100.00")))
        case "excess":
            world.bank.add_mishap(Mishap(MishapKind.EXCESS, number, amount=Decimal("5.00")))
        case "late":
            world.bank.add_mishap(Mishap(MishapKind.DELAY, number, seconds=7000.0))
        case "return_refused":
            world.bank.add_mishap(Mishap(MishapKind.REFUSE, number, transfer=TransferKind.RETURN))


def third_of(mover: Mover) -> str:
    """The region with which a mover has nothing to do, as a rule."""
    return next(code for code in (XIAN, WENZHOU, CHENGDU) if code not in (mover.out, mover.into))


def counters(mover: Mover) -> tuple[tuple[str, str], ...]:
    """Where the person applies, and to which inbound region it is to move."""
    match mover.story:
        case "twins":
            return (mover.out, mover.into), (mover.into, mover.into)
        case "claimed_twice":
            return (mover.into, mover.into), (third_of(mover), third_of(mover))
    return ((mover.lodged_at, mover.into),)


OVERDRAWN = Decimal("-500.00")


def corrected(world: "World", mover: Mover, times: int) -> bool:
    """Outbound's registry finds months that it had missed, and money with them, or that the account is overdrawn (0).

    False where it knows no such person.
    """
    if mover.story in ("resident", "moved_on") or mover.number not in world.known:
        return False
    year = 2024 - max(times, 1)
    balance = BALANCE + mover.number + 7 * times if times else OVERDRAWN
    rows: list[Row] = [
        PeriodRow(f"L{mover.number}", "", Scheme.EMPLOYEE, f"{year}-02", "actual", f"{year + 1}-01", 12),
        AccountRow(f"L{mover.number}", balance, INTEREST, opened_on=date(2024, 2, 1)),
    ]
    world.machine.registries[mover.out].put(rows)
    return True


def apply(agency: Agency, mover: Mover, into: str) -> Lodged:
    """Apply at a region's counter."""
    scheme = Scheme.RESIDENT if mover.story == "resident" else Scheme.EMPLOYEE
    application = Application(identity(mover.number), mover.out, into, scheme, scheme, agency.today())
    (answer,) = lodge(agency, [Lodging(application)])
    return answer
