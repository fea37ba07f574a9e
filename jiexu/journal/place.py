"""Where a journal can be: a SQLite file, or a PostgreSQL database."""

from pathlib import Path

SCHEMES = ("postgresql://", "postgres://")


def is_database(place: Path | str) -> bool:
    """Whether that is the address of a database, and no path."""
    return isinstance(place, str) and place.startswith(SCHEMES)
