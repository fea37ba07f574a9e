"""Months written `YYYY-MM`, counted."""

from collections.abc import Iterator
from datetime import date


def index(month: str) -> int:
    """Months since year 0, so that neighbours differ by one. ValueError where the text is no month."""
    year, dash, number = month.partition("-")
    if len(month) != 7 or len(year) != 4 or not dash or not (year + number).isascii():
        raise ValueError(month)
    if not 1 <= int(number) <= 12:
        raise ValueError(month)
    return int(year) * 12 + int(number) - 1


def name(months: int) -> str:
    """The month of an index."""
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def of(day: date) -> str:
    """The month that a day lies in."""
    return f"{day.year:04d}-{day.month:02d}"


def span(first: str, last: str) -> int:
    """How many months a stretch has, both ends counted; 0 or less where it runs backwards."""
    return index(last) - index(first) + 1


def between(first: str, last: str) -> Iterator[str]:
    """Every month of a stretch, both ends included."""
    return (name(months) for months in range(index(first), index(last) + 1))
