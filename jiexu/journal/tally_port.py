"""What can be counted in a journal: for those who watch it, not for those who work in it.

Every answer costs as much as what waits, or as a stretch of the log that the caller chooses; none grows with the
journal, but `tally_cases`, which reads an index of all cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from jiexu.case.event import Hand, Party, Role


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are, and since when the oldest has been there (None where there are none)."""

    count: int
    oldest: datetime | None


class EventTally(NamedTuple):
    """Events of one kind in a stretch of the log."""

    type: str
    hand: Hand
    own: bool
    void: bool
    number: int


class Tallying(Protocol):
    """Counts over a snapshot of the journal."""

    def tally_parked(self, topic: str) -> dict[str, Tally]:
        """Records of a mailbox that are parked and not settled, by code."""

    def tally_held(self, topic: str) -> dict[str, Tally]:
        """Events of a mailbox that are held back, by reason."""

    def tally_todos(self) -> dict[tuple[str, ...], Tally]:
        """What waits for a person, by (kind, code)."""

    def tally_claims(self, hand: Hand) -> Tally:
        """Claims on one's own hand that stand open."""

    def tally_agenda(self, role: Role) -> Tally:
        """Cases that changed and were not looked at since."""

    def tally_unreceipted(self, role: Role) -> dict[Party, Tally]:
        """Events of that role's hand without a receipt, by the partner that owes it."""

    def first_unreceipted(self, role: Role) -> dict[Party, int]:
        """The position of the oldest of these events, by partner."""

    def tally_cases(self, role: Role) -> dict[str, int]:
        """Cases by status. Reads an index of all of the role's cases."""

    def tally_log(self, after: int) -> Tally:
        """Lines after a position."""

    def tally_events_after(self, after: int) -> Tally:
        """Events after a position."""

    def tally_bundles_to(self, role: Role, peer: Party, after: int) -> Tally:
        """Bundles of that role's hand to a partner after a position."""

    def tally_letters_to(self, peer: Party, after: int) -> Tally:
        """Batches of receipts stated for a partner after a position."""

    def tally_receipts_to_give(self, role: Role) -> dict[Party, Tally]:
        """Receipts that `role` owes and has not stated in a batch, by partner."""

    def tally_parked_after(self, id: int) -> Tally:
        """Parked records, settled or not, with a higher id."""

    def cursors(self) -> dict[str, int]:
        """All followers' cursors by name."""

    def events_by_kind(self, after: int, until: int) -> list[EventTally]:
        """Events in a stretch of the log, counted by kind."""

    def changed_cases(self, after: int, until: int) -> set[str]:
        """Cases that events or receipts in a stretch of the log changed."""

    def heard_from(self, role: Role, after: int, until: int) -> Mapping[Party, int]:
        """The position of the last event or receipt that came from each partner in a stretch of the log."""

    def recorded_at(self, position: int) -> datetime | None:
        """When the line at a position, or the last before it, was recorded; None before the first."""

    def size_bytes(self) -> int:
        """Size of the journal's file or database."""
