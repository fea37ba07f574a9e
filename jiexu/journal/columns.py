"""How the domain's values stand in columns: times as whole microseconds UTC, UUIDs as 16 bytes, words as text."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from jiexu.case.event import Hand, Role

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HANDS = {hand.value: hand for hand in Hand}
ROLES = {role.value: role for role in Role}

_CHUNKS = (1, 8, 64, 512)  # few lengths, so that few statements are prepared; below SQLite's oldest limit of 999


def micros(when: datetime) -> int:
    """Microseconds since 1970 of an aware time. Exact, unlike `timestamp()`; a naive time raises TypeError."""
    since = when - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(value: int) -> datetime:
    """The aware UTC time of a column."""
    return EPOCH + timedelta(microseconds=value)


def instant_or_none(value: int | None) -> datetime | None:
    """The same for a column that may be empty."""
    return None if value is None else instant(value)


_OWN_ROLES = {
    (hand, own): hand.role if own is not hand.attested else hand.role.other for hand in Hand for own in (True, False)
}


def own_role(hand: Hand, own: bool) -> Role:
    """This region's role in a case, from any one event of it.

    A hand is written by its own role, an attested one by the other: so what this region wrote, and what it received,
    each tell its role without a look at the case's first event.
    """
    return _OWN_ROLES[hand, own]


def chunks(ids: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Parts of a list for `IN (…)`: the marks and the values, filled up with the last value to a common length."""
    for start in range(0, len(ids), _CHUNKS[-1]):
        part = ids[start : start + _CHUNKS[-1]]
        length = next(size for size in _CHUNKS if size >= len(part))
        yield ",".join("?" * length), [*part, *([part[-1]] * (length - len(part)))]
