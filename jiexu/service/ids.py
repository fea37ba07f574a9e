"""Identifiers of cases and events: UUIDv7 (RFC 9562), ordered by time, so that indexes grow at their end."""

from collections.abc import Callable
from datetime import datetime

Random = Callable[[int], bytes]


def uuid7(now: datetime, random: Random) -> str:
    """A UUIDv7 as 32 hex digits: 48 bits of milliseconds, 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    bits = int.from_bytes(random(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (bits >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | bits & (1 << 62) - 1
    return f"{value:032x}"
