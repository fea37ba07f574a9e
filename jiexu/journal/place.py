"""Where a journal can be: a SQLite file, or a PostgreSQL database."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SCHEMES = ("postgresql://", "postgres://")


def is_database(place: Path | str) -> bool:
    """Whether that is the address of a database, and no path."""
    return isinstance(place, str) and place.startswith(SCHEMES)


def has_password(address: str) -> bool:
    """Whether an address holds a password: it is shown, logged and kept in files that others may read."""
    parts = urlsplit(address)
    return bool(parts.password) or "password" in parse_qs(parts.query)
