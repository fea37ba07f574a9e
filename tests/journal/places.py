"""One journal of each kind for tests that look at it from outside."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from test_postgres import PostgresPlace
from test_sqlite import SqlitePlace

STORES = ("sqlite", "postgres")
AnyPlace = SqlitePlace | PostgresPlace


def new_place(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> AnyPlace:
    """Where a new journal of that kind is to be."""
    if store == "sqlite":
        return SqlitePlace(tmp_path / f"journal-{uuid.uuid4().hex[:8]}.db")
    new_schema: Callable[[], str] = request.getfixturevalue("new_schema")
    return PostgresPlace(new_schema())


def address(place: AnyPlace) -> Path | str:
    """What the configuration says of it."""
    return place.path if isinstance(place, SqlitePlace) else place.url
