"""The PostgreSQL store, held to the contract of every journal, and what is its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from journal_contract import JournalContract
from journal_given import REGION, Place, decode
from journal_log_contract import LogContract

from jiexu.journal.opening import open_journal
from jiexu.journal.port import Journal


@dataclass(frozen=True)
class PostgresPlace:
    """A schema of a database."""

    url: str

    def open(self, **settings: Any) -> Journal:
        """Open it, and make it where it is not there."""
        return open_journal(self.url, REGION, create=True, decode=decode, **settings)

    def dump(self, tables: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of these tables, in one order."""
        with psycopg.connect(self.url) as db, db.cursor(binary=True) as cursor:
            return {table: sorted(cursor.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}  # type: ignore[arg-type]

    def check(self) -> None:
        """PostgreSQL holds its rules at every commit; a damaged index shows as a count that differs."""


@pytest.fixture
def place(new_schema: Callable[[], str]) -> Place:
    return PostgresPlace(new_schema())


@pytest.fixture
def other_place(new_schema: Callable[[], str]) -> Place:
    return PostgresPlace(new_schema())


class TestPostgresJournal(JournalContract):
    """The contract."""


class TestPostgresLog(LogContract):
    """The contract of the log."""
