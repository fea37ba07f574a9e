"""Two registries of the default adapter on real files, joined by a bank, with a clock that the test turns."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from jiexu.region.registry import (
    AccountRow,
    Bank,
    Mishap,
    MishapKind,
    PeriodRow,
    PersonRow,
    RelationRow,
    SqliteRegistry,
    TransferKind,
)
from jiexu.rules.facts import Identity, RelationStatus, Scheme
from jiexu.rules.identity import check_character

OUT, IN = "330300", "610100"
NUMBER = "33030019880512012" + check_character("33030019880512012")


@dataclass
class Clock:
    """The present time, moved by hand."""

    now: datetime = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class RegistryWorld:
    """See `platform_contract.World`."""

    directory: Path
    clock: Clock = field(default_factory=Clock)
    outbound_region: str = OUT
    inbound_region: str = IN
    identity: Identity = field(default_factory=lambda: Identity("林晓", "01", NUMBER))

    somebody_else: Identity = field(default_factory=lambda: Identity("JOHN DOE", "03", "E0000001"))

    def __post_init__(self) -> None:
        self.bank = Bank(self.directory / "bank.db")
        self.outbound = self.open(OUT)
        self.inbound = self.open(IN)
        self.outbound.put(
            [
                self._person("P1"),
                PersonRow("P2", "JOHN DOE", "03", "E0000001"),
                RelationRow("P1", Scheme.EMPLOYEE, RelationStatus.SUSPENDED, paid_through="2021-12"),
                PeriodRow("P1", "", Scheme.EMPLOYEE, "2020-01", "actual", "2021-12", 24),
                AccountRow(
                    "P1",
                    balance=Decimal("1000.00"),
                    interest=Decimal("3.21"),
                    unearned_allocation=Decimal("2.21"),
                    settled_claims=Decimal("1.50"),
                    other_lines=(("补记", Decimal("0.50")),),
                    opened_on=date(2020, 1, 1),
                ),
            ]
        )
        self.inbound.put(
            [self._person("Q1"), RelationRow("Q1", Scheme.EMPLOYEE, RelationStatus.ACTIVE, paid_through="2026-03")]
        )

    def open(self, region: str) -> SqliteRegistry:
        """One more connection to a region's registry, with a bank connection of its own."""
        return SqliteRegistry(self.directory / f"{region}.db", region, Bank(self.directory / "bank.db"), self.clock)

    def refuse_next_remittance(self) -> None:
        self.bank.add_mishap(Mishap(MishapKind.REFUSE, document_number=NUMBER))

    def refuse_return(self, reference: str) -> None:
        self.bank.add_mishap(Mishap(MishapKind.REFUSE, reference=reference, transfer=TransferKind.RETURN))

    def _person(self, number: str) -> PersonRow:
        return PersonRow(number, self.identity.name, "01", NUMBER, in_hospital=False, retired=False)
