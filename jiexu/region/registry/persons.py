"""Finding people: by document number, and which of several person numbers a case is about."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from jiexu.rules.facts import Identity, Scheme
from jiexu.rules.identity import normalised

# SQLite takes at most 999 variables in older builds.
_CHUNK = 500


Document = tuple[str, str]
"""Type and number of a document, the number as it is compared."""


def document_of(identity: Identity) -> Document:
    """The document by which an identity is looked up."""
    return identity.document_type, normalised(identity.document_number)


def numbers_of(db: sqlite3.Connection, identities: Sequence[Identity]) -> list[list[str]]:
    """The person numbers under each identity's document type and number, ascending; one list per identity."""
    keys = [document_of(identity) for identity in identities]
    found: dict[Document, list[str]] = {}
    query = "SELECT document_type, document_number, person_number FROM persons WHERE document_number IN ({})"
    for document_type, document, number in select_in(db, query, sorted({document for _, document in keys})):
        found.setdefault((document_type, document), []).append(number)
    return [sorted(found.get(key, ())) for key in keys]


def choose(db: sqlite3.Connection, numbers: Sequence[str], scheme: Scheme) -> str | None:
    """Which of a person's numbers a case of that scheme is about: the one whose relation has not ended, then the one
    with a relation, then the lowest. **ours**: the sources name no order; the check BOTH-01 shows the doubling.
    """
    if len(numbers) < 2:
        return numbers[0] if numbers else None
    query = "SELECT person_number, status FROM relations WHERE person_number IN ({}) AND scheme = ?"
    status = dict(select_in(db, query, numbers, scheme))
    return min(
        numbers, key=lambda number: (status.get(number, "none") == "none", status.get(number) == "ended", number)
    )


def pinned(db: sqlite3.Connection, case_ids: Sequence[str]) -> dict[str, str]:
    """The number that each case's first act settled on: ending a relation must not change whose case it is."""
    return dict(select_in(db, "SELECT case_id, person_number FROM cases WHERE case_id IN ({})", sorted(set(case_ids))))


def select_in(db: sqlite3.Connection, query: str, values: Sequence[str], *more: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a query over many values, asked in chunks; `{}` stands for their placeholders, `more` come after."""
    rest = iter(values)
    while chunk := list(islice(rest, _CHUNK)):
        yield from db.execute(query.format(",".join("?" * len(chunk))), (*chunk, *more))
