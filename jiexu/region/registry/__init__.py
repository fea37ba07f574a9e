"""The default adapter of the local platform port: one SQLite file a region, and a bank file between them."""

from jiexu.region.registry.adapter import OtherRegion, SqliteRegistry
from jiexu.region.registry.bank import Bank, Mishap, MishapKind, Transfer, TransferKind
from jiexu.region.registry.records import (
    AccountRow,
    ArrearsRow,
    BankLineRow,
    EmployerRow,
    PeriodRow,
    PersonRow,
    RelationRow,
)

__all__ = [
    "AccountRow",
    "ArrearsRow",
    "Bank",
    "BankLineRow",
    "EmployerRow",
    "Mishap",
    "MishapKind",
    "OtherRegion",
    "PeriodRow",
    "PersonRow",
    "RelationRow",
    "SqliteRegistry",
    "Transfer",
    "TransferKind",
]
