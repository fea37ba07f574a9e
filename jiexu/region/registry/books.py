"""The registry's own books: what the money account of a run is compared with."""

import sqlite3
from decimal import Decimal

from jiexu.region.registry.acts import ADVANCED
from jiexu.region.registry.money import to_yuan

# Each word once, as a sum over one table. `returned` counts a return reference once, whatever its attempts;
# `return_refused` counts every refused attempt.
_SUMS = {
    "debited": ("level", "case_levels", "1"),
    "sent": ("amount", "sent", "1"),
    "failed": ("amount", "bank_lines", "kind = 'refused'"),
    "arrived": ("amount", "bank_lines", "kind = 'arrived'"),
    "returned": ("amount", "returned", "1"),
    "return_refused": ("amount", "bank_lines", "kind = 'return_refused'"),
    "return_arrived": ("amount", "bank_lines", "kind = 'returned'"),
    "credited": ("amount", "credited", f"NOT taken_back AND reference <> '{ADVANCED}'"),
    "taken_back": ("amount", "credited", "taken_back"),
    "advanced": ("amount", "credited", f"reference = '{ADVANCED}'"),
    "paid_out": ("amount", "paid_out", "1"),
}

# Bank lines of returns bear the return reference; for_reference is the remittance's.
_REFERENCE = {"bank_lines": "for_reference"}
_BY_REFERENCE = ("sent", "failed", "arrived", "returned", "return_refused", "return_arrived", "credited", "taken_back")


def totals(db: sqlite3.Connection) -> dict[str, Decimal]:
    """Every word's total in yuan, always all words."""
    return {
        word: to_yuan(db.execute(f"SELECT coalesce(sum({column}), 0) FROM {table} WHERE {where}").fetchone()[0])
        for word, (column, table, where) in _SUMS.items()
    }


def by_reference(db: sqlite3.Connection) -> dict[str, dict[str, Decimal]]:
    """Per remittance reference, every word of it in yuan, zero where nothing happened."""
    found: dict[str, dict[str, Decimal]] = {}
    for word in _BY_REFERENCE:
        column, table, where = _SUMS[word]
        reference = _REFERENCE.get(table, "reference")
        query = f"SELECT {reference}, sum({column}) FROM {table} WHERE {where} GROUP BY {reference}"
        for name, cents in db.execute(query):
            words = found.setdefault(name, {each: to_yuan(0) for each in _BY_REFERENCE})
            words[word] = to_yuan(cents)
    return found


def unbalanced(db: sqlite3.Connection) -> list[str]:
    """Person numbers whose balance is not stated − given to cases + credited − taken back: empty, or a defect."""
    query = (
        "SELECT person_number FROM accounts a WHERE balance <> imported"
        " - (SELECT coalesce(sum(level), 0) FROM case_levels l WHERE l.person_number = a.person_number)"
        " + (SELECT coalesce(sum(iif(taken_back, -amount, amount)), 0) FROM credited c"
        "    WHERE c.person_number = a.person_number)"
    )
    return [number for (number,) in db.execute(query)]
