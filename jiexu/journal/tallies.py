"""Counting in a journal's tables (tally_port.py says what, and what it costs)."""

from datetime import datetime
from typing import Any

from jiexu.case.event import Hand, Party, Role
from jiexu.journal.block import Block
from jiexu.journal.columns import HANDS, ROLES, instant, instant_or_none
from jiexu.journal.tally_port import EventTally, Tally


class Tallies(Block):
    """Counts over one block."""

    def tally_parked(self, topic: str) -> dict[str, Tally]:
        """Records of a mailbox that are parked and not settled, by code."""
        return self._by_word(
            "SELECT code, COUNT(*), MIN(parked_at) FROM parked WHERE settled IS NULL AND topic = ? GROUP BY code", topic
        )

    def tally_held(self, topic: str) -> dict[str, Tally]:
        """Events of a mailbox that are held back, by reason."""
        return self._by_word("SELECT reason, COUNT(*), MIN(held_at) FROM held WHERE topic = ? GROUP BY reason", topic)

    def tally_todos(self) -> dict[tuple[str, ...], Tally]:
        """What waits for a person, by (kind, code)."""
        rows = self._sql.rows(
            "SELECT kind, code, COUNT(*), MIN(raised_at) FROM todo WHERE cleared_at IS NULL GROUP BY kind, code"
        )
        return {(kind, code): Tally(count, instant(oldest)) for kind, code, count, oldest in rows}

    def tally_claims(self, hand: Hand) -> Tally:
        """Claims on one's own hand that stand open."""
        return self._of_positions(
            "SELECT COUNT(*), MIN(position) FROM claims WHERE ended IS NULL AND hand = ?", hand.value
        )

    def tally_agenda(self, role: Role) -> Tally:
        """Cases that changed and were not looked at since."""
        return self._of_positions(
            "SELECT COUNT(*), MIN(position) FROM agenda WHERE role = ? AND changed = 1", role.value
        )

    def tally_unreceipted(self, role: Role) -> dict[Party, Tally]:
        """Events of that role's hand without a receipt, by the partner that owes it."""
        return self._by_party(
            "SELECT region, role, COUNT(*), MIN(position) FROM unreceipted WHERE role = ? GROUP BY region, role",
            role.other.value,
        )

    def first_unreceipted(self, role: Role) -> dict[Party, int]:
        """The position of the oldest of these events, by partner."""
        rows = self._sql.rows(
            "SELECT region, role, MIN(position) FROM unreceipted WHERE role = ? GROUP BY region, role",
            (role.other.value,),
        )
        return {Party(region, ROLES[name]): position for region, name, position in rows}

    def tally_cases(self, role: Role) -> dict[str, int]:
        """Cases by status."""
        rows = self._sql.rows("SELECT status, COUNT(*) FROM cases WHERE role = ? GROUP BY status", (role.value,))
        return dict(rows)

    def tally_log(self, after: int) -> Tally:
        """Lines after a position."""
        last = self.last_position()  # positions have no gaps, so nothing needs counting
        return Tally(last - after, self.recorded_at(after + 1)) if last > after else Tally(0, None)

    def tally_events_after(self, after: int) -> Tally:
        """Events after a position."""
        return self._of_positions("SELECT COUNT(*), MIN(position) FROM events WHERE position > ?", after)

    def tally_bundles_to(self, role: Role, peer: Party, after: int) -> Tally:
        """Bundles of that role's hand to a partner after a position."""
        return self._of_positions(
            "SELECT COUNT(*), MIN(position) FROM bundles"
            " WHERE region = ? AND role = ? AND position > ? AND issuer_role = ?",
            *(peer.region, peer.role.value, after, role.value),
        )

    def tally_letters_to(self, peer: Party, after: int) -> Tally:
        """Batches of receipts stated for a partner after a position."""
        return self._of_positions(
            "SELECT COUNT(*), MIN(position) FROM receipt_batches WHERE region = ? AND role = ? AND position > ?",
            *(peer.region, peer.role.value, after),
        )

    def tally_receipts_to_give(self, role: Role) -> dict[Party, Tally]:
        """Receipts that `role` owes and has not stated in a batch, by partner."""
        return self._by_party(
            "SELECT peer_region, peer_role, COUNT(*), MIN(position) FROM receipts"
            " WHERE peer_role = ? AND given = 1 AND batch IS NULL GROUP BY peer_region, peer_role",
            role.other.value,
        )

    def tally_parked_after(self, id: int) -> Tally:
        """Parked records, settled or not, with a higher id."""
        ((count, oldest),) = self._sql.rows("SELECT COUNT(*), MIN(parked_at) FROM parked WHERE id > ?", (id,))
        return Tally(count, instant_or_none(oldest))

    def cursors(self) -> dict[str, int]:
        """All followers' cursors by name."""
        return dict(self._sql.rows("SELECT name, position FROM cursors"))

    def events_by_kind(self, after: int, until: int) -> list[EventTally]:
        """Events in a stretch of the log, counted by kind."""
        rows = self._sql.rows(
            "SELECT type, hand, own, void, COUNT(*) FROM events WHERE position > ? AND position <= ?"
            " GROUP BY type, hand, own, void",
            (after, until),
        )
        return [EventTally(type, HANDS[hand], bool(own), bool(void), count) for type, hand, own, void, count in rows]

    def changed_cases(self, after: int, until: int) -> set[str]:
        """Cases that events or receipts in a stretch of the log changed."""
        found: set[str] = set()
        for table in ("events", "receipts"):
            rows = self._sql.rows(
                f"SELECT DISTINCT case_id FROM {table} WHERE position > ? AND position <= ?", (after, until)
            )
            found.update(bytes(row[0]).hex() for row in rows)
        return found

    def heard_from(self, role: Role, after: int, until: int) -> dict[Party, int]:
        """The position of the last event or receipt that came from each partner in a stretch of the log."""
        # Receipts that we give are for what has come from them, so their events need no look at whose case it is.
        rows = self._sql.rows(
            "SELECT peer_region, peer_role, MAX(position) FROM receipts"
            " WHERE peer_role = ? AND position > ? AND position <= ? GROUP BY peer_region, peer_role",
            (role.other.value, after, until),
        )
        return {Party(region, ROLES[peer_role]): position for region, peer_role, position in rows}

    def recorded_at(self, position: int) -> datetime | None:
        """When the line at a position, or the last before it, was recorded; None before the first."""
        rows = self._sql.rows(
            "SELECT recorded_at FROM log WHERE position <= ? ORDER BY position DESC LIMIT 1", (position,)
        )
        return instant(rows[0][0]) if rows else None

    def size_bytes(self) -> int:
        """Size of the journal's file or database."""
        return self._sql.size_bytes()

    def _by_word(self, statement: str, *values: Any) -> dict[str, Tally]:
        return {word: Tally(count, instant(oldest)) for word, count, oldest in self._sql.rows(statement, values)}

    def _by_party(self, statement: str, *values: Any) -> dict[Party, Tally]:
        return {
            Party(region, ROLES[role]): self._tally(count, first)
            for region, role, count, first in self._sql.rows(statement, values)
        }

    def _of_positions(self, statement: str, *values: Any) -> Tally:
        ((count, first),) = self._sql.rows(statement, values)
        return self._tally(count, first)

    def _tally(self, count: int, first: int | None) -> Tally:
        return Tally(count, None if first is None else self.recorded_at(first))
