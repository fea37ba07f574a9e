"""Sharing a topic's partitions among the consumers of a group: members with a heartbeat, leases, a
generation.

Every member works out the same split from the same list of members, gives back what is another's, and takes
what is its own once it is free. A member that stopped is forgotten after `LEASE`, and its partitions go to
the others. A member that only seemed dead may still hold records: it is the journal's offset row, not this
lease, that keeps a batch from being taken in twice.
"""

import sqlite3
from datetime import timedelta

HEARTBEAT = timedelta(seconds=3)
LEASE = timedelta(seconds=15)
"""A member unseen for so long is gone: five heartbeats, and longer than a batch is allowed to take."""

_HEARTBEAT_MICROS = HEARTBEAT // timedelta(microseconds=1)
_LEASE_MICROS = LEASE // timedelta(microseconds=1)


class Membership:
    """One consumer's part in its group. The methods that write are called inside a transaction."""

    def __init__(self, db: sqlite3.Connection, group: str, topic: int, member: str) -> None:
        self._db = db
        self._key = (group, topic)
        self._member = member
        self._beat_at: int | None = None
        self._generation = -1

    def due(self, now: int) -> bool:
        """Must this member say that it lives? (A clock set back counts as due, or it would fall silent.)"""
        return self._beat_at is None or not 0 <= now - self._beat_at < _HEARTBEAT_MICROS

    def changed(self) -> bool:
        """Did the group change since this member last looked?"""
        return self._read_generation() != self._generation

    def beat(self, now: int, partitions: int) -> set[int]:
        """Say that this member lives, give back and take partitions; returns those that it holds."""
        changed = self._record_life(now)
        members = [row[0] for row in self._db.execute(
            "SELECT member FROM members WHERE grp = ? AND topic = ? ORDER BY member", self._key
        )]  # fmt: skip
        mine = members.index(self._member)
        wanted = {number for number in range(partitions) if number % len(members) == mine}
        holders: dict[int, str] = dict(
            self._db.execute("SELECT partition, member FROM leases WHERE grp = ? AND topic = ?", self._key)
        )
        for number, holder in holders.items():
            if holder == self._member and number not in wanted:
                self._db.execute(
                    "DELETE FROM leases WHERE grp = ? AND topic = ? AND partition = ?", (*self._key, number)
                )
                changed = True  # its new holder waits for this
        for number in wanted - holders.keys():
            self._db.execute("INSERT INTO leases VALUES (?, ?, ?, ?)", (*self._key, number, self._member))
        if changed:
            self._raise_generation()
        self._beat_at = now
        self._generation = self._read_generation()
        return {number for number in wanted if holders.get(number, self._member) == self._member}

    def leave(self) -> None:
        """Give everything back."""
        for table in ("members", "leases"):
            self._db.execute(
                f"DELETE FROM {table} WHERE grp = ? AND topic = ? AND member = ?", (*self._key, self._member)
            )
        self._raise_generation()

    def _record_life(self, now: int) -> bool:
        known = self._db.execute(
            "UPDATE members SET seen = ? WHERE grp = ? AND topic = ? AND member = ?",
            (now, *self._key, self._member),
        ).rowcount
        if not known:
            self._db.execute("INSERT INTO members VALUES (?, ?, ?, ?)", (*self._key, self._member, now))
        gone = self._db.execute(
            "DELETE FROM members WHERE grp = ? AND topic = ? AND seen < ?", (*self._key, now - _LEASE_MICROS)
        ).rowcount
        if gone:
            self._db.execute(
                "DELETE FROM leases WHERE grp = ? AND topic = ? AND member NOT IN "
                "(SELECT member FROM members WHERE grp = ? AND topic = ?)",
                (*self._key, *self._key),
            )
        return not known or bool(gone)

    def _read_generation(self) -> int:
        row = self._db.execute("SELECT generation FROM generations WHERE grp = ? AND topic = ?", self._key).fetchone()
        return 0 if row is None else int(row[0])

    def _raise_generation(self) -> None:
        self._db.execute(
            "INSERT INTO generations VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET generation = generation + 1",
            self._key,
        )
