"""What one event of a case is, once decoded: the vocabulary that every room shares.

The names are those of the contract (`schemas/`). Bodies are plain mappings here, already validated by the
contract's strict models on the way in; money is `Decimal` yuan, times are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """The part that an agency plays in one case (转出地 / 转入地)."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"

    @property
    def other(self) -> "Role":
        """The counterpart's role."""
        return Role.INBOUND if self is Role.OUTBOUND else Role.OUTBOUND


class Hand(StrEnum):
    """A hand is role + attested or not: one agency writes it, in one order."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"
    OUTBOUND_ATTESTED = "outbound_attested"
    INBOUND_ATTESTED = "inbound_attested"

    @property
    def role(self) -> Role:
        """Whose acts the hand reports."""
        return Role.OUTBOUND if self in (Hand.OUTBOUND, Hand.OUTBOUND_ATTESTED) else Role.INBOUND

    @property
    def attested(self) -> bool:
        """True where the other side's clerk recorded it from paper."""
        return self in (Hand.OUTBOUND_ATTESTED, Hand.INBOUND_ATTESTED)


OWN_HAND = {Role.OUTBOUND: Hand.OUTBOUND, Role.INBOUND: Hand.INBOUND}


@dataclass(frozen=True, slots=True)
class Seen:
    """The last event of another hand on which a decision rests."""

    hand: Hand
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Party:
    """An agency in a case: a pooling region in a role."""

    region: str
    role: Role

    def __str__(self) -> str:
        return f"{self.region}.{self.role}"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event as decided, before it has a place in a hand: type and body."""

    type: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one hand, as its issuer signed it.

    `case_id` and `event_id` are UUIDs as 32 hex digits. `hash` is the leaf hash, SHA-256(00 ‖ event bytes);
    `prev_hash` the same of the hand's previous event, None at seq 1.
    """

    event_id: str
    case_id: str
    issuer: Party
    hand: Hand
    seq: int
    prev_hash: bytes | None
    seen: tuple[Seen, ...]
    occurred_at: datetime
    protocol: bytes
    ruleset: str
    office: str
    handled_by: str
    reviewed_by: str | None
    type: str
    body: Mapping[str, Any]
    hash: bytes

    def seen_seq_of(self, role: Role) -> int:
        """The last seq of that role's own hand on which this event rests, 0 where none."""
        hand = OWN_HAND[role]
        return next((seen.seq for seen in self.seen if seen.hand is hand), 0)
