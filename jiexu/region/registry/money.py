"""Yuan in Python, cents in SQLite: the books add up in whole numbers."""

from decimal import Decimal

# The contract's decimal(14,2): 14 digits in all.
MOST_CENTS = 10**14 - 1


class AmountError(ValueError):
    """The amount is no whole number of cents within decimal(14,2)."""


def to_cents(amount: Decimal) -> int:
    """Whole cents of an amount in yuan; AmountError where it has parts of a cent or is out of range."""
    if not amount.is_finite():
        raise AmountError(str(amount))
    scaled = amount * 100
    cents = int(scaled)
    if cents != scaled or abs(cents) > MOST_CENTS:
        raise AmountError(str(amount))
    return cents


def to_yuan(cents: int) -> Decimal:
    """The amount in yuan, always with two decimals."""
    return Decimal(cents).scaleb(-2)


def text(cents: int) -> str:
    """The amount in yuan as the results of acts state it, e.g. `1003.21`."""
    return str(to_yuan(cents))
