"""Changing the exchange's side: bundles, receipts, facts, offsets, cursors, what is held, parked or to do."""

from collections.abc import Sequence
from datetime import datetime

from jiexu.case.event import Party
from jiexu.journal.columns import chunks, micros
from jiexu.journal.desk_rows import disclosures_text, same_todo
from jiexu.journal.exchange_reads import ExchangeReads
from jiexu.journal.log_records import ReceiptsSent
from jiexu.journal.port import Fact, HeldEvent, Moved, NewBundle, ParkedRecord, ReceiptRow
from jiexu.journal.write_block import WriteBlock


class ExchangeWrites(WriteBlock, ExchangeReads):
    """Bundles, receipts, and what waits."""

    def append_bundle(self, bundle: NewBundle) -> int:
        """Append a bundle after its events; with a destination its own events become unreceipted.

        A position of 0 stands for a leaf that was given as hash only.
        """
        return self.append_bundles([bundle])[0]

    def append_bundles(self, bundles: Sequence[NewBundle]) -> list[int]:
        """Append many at once."""
        return self._record(bundles)

    def append_receipts(self, rows: Sequence[ReceiptRow]) -> list[int]:
        """Append receipts, given or got, repeated ones too.

        A got one frees its unreceipted row if its hash is that of the event. No step follows from a receipt: the
        clocks that begin with it are read where they are shown.
        """
        return self._record(rows)

    def receipts_sent(self, positions: Sequence[int], peer: Party, batch: int, payload: bytes) -> int:
        """State that these given receipts went out in that batch; `payload` is the signed record.

        Raises Moved where another process has sent one of them, or a batch of that number: the chain of batches to
        a partner must neither fork nor skip.
        """
        last = self.last_receipts_sent(peer)
        if batch != (last[0] if last else 0) + 1:
            raise Moved(f"batch {batch} of receipts to {peer}: the last one is {last[0] if last else 0}")
        waiting = 0
        for marks, part in chunks(positions):
            waiting += self._one(
                f"SELECT COUNT(*) FROM receipts WHERE position IN ({marks}) AND given = 1 AND batch IS NULL"
                " AND peer_region = ? AND peer_role = ?",
                [*part, peer.region, peer.role.value],
            )
        if waiting != len(positions):
            raise Moved(f"of {len(positions)} receipts to {peer} only {waiting} wait to be sent")
        return self._record([ReceiptsSent(peer, batch, tuple(positions), payload)])[0]

    def append_fact(self, fact: Fact) -> int:
        """Append a fact; it holds from its position on."""
        return self._record([fact])[0]

    def advance(self, topic_id: str, partition: int, expected: int | None, next: int) -> None:
        """Move an intake offset from the value that the batch began with; raises Moved otherwise."""
        if expected is None:
            moved = self._sql.run(
                "INSERT INTO offsets (topic_id, topic_partition, next) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (topic_id, partition, next),
            )
        else:
            moved = self._sql.run(
                "UPDATE offsets SET next = ? WHERE topic_id = ? AND topic_partition = ? AND next = ?",
                (next, topic_id, partition, expected),
            )
        if not moved:
            stands = self.offset(topic_id, partition)
            raise Moved(f"offset of {topic_id}/{partition} is {stands}, not {expected}")

    def move_cursor(self, name: str, expected: int, to: int) -> None:
        """Move a follower's cursor from where it began; raises Moved otherwise."""
        self._sql.run("INSERT INTO cursors (name, position) VALUES (?, 0) ON CONFLICT DO NOTHING", (name,))
        statement = "UPDATE cursors SET position = ? WHERE name = ? AND position = ?"
        if not self._sql.run(statement, (to, name, expected)):
            raise Moved(f"cursor {name} is {self.cursor(name)}, not {expected}")

    def lease(self, name: str, owner: str, until: datetime) -> bool:
        """Take or renew a lease; False while another owner holds it. Efficiency only: correctness never rests on it."""
        taken = self._sql.run(
            "INSERT INTO leases (name, owner, lease_until) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until"
            " WHERE leases.owner = excluded.owner OR leases.lease_until <= ?",
            (name, owner, micros(until), self._now),
        )
        return taken > 0

    def sent(self, positions: Sequence[int]) -> None:
        """Note that events were handed to the exchange now (times + 1)."""
        self._sql.many(
            "INSERT INTO sendings (event, last_sent_at, times)"
            " SELECT position, ?, 1 FROM unreceipted WHERE position = ?"
            " ON CONFLICT (event) DO UPDATE SET last_sent_at = excluded.last_sent_at, times = sendings.times + 1",
            [(self._now, position) for position in positions],
        )

    def hold(self, held: HeldEvent) -> int:
        """Hold an event; one that waits already keeps its id and time, takes the new reason and missing disclosures."""
        return int(
            self._one(
                """
                INSERT INTO held (case_id, hand, seq, hash, issuer, reason, bytes, skeleton, disclosures,
                                  topic, topic_partition, topic_offset, appended_at, held_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (case_id, hand, seq, hash) DO UPDATE SET reason = excluded.reason, disclosures =
                    CASE WHEN held.disclosures = '[]' THEN excluded.disclosures ELSE held.disclosures END
                RETURNING id
                """,
                (
                    bytes.fromhex(held.case_id),
                    held.hand.value,
                    held.seq,
                    held.hash,
                    held.issuer,
                    held.reason,
                    held.bytes,
                    held.skeleton,
                    disclosures_text(held.disclosures),
                    held.arrival.topic,
                    held.arrival.partition,
                    held.arrival.offset,
                    micros(held.arrival.appended_at),
                    micros(held.held_at),
                ),
            )
        )

    def unhold(self, ids: Sequence[int]) -> None:
        """Let go of held events, taken in or dropped."""
        self._sql.many("DELETE FROM held WHERE id = ?", [(id_,) for id_ in ids])

    def park(self, record: ParkedRecord) -> int:
        """Park a record; returns its id (the one given is not used)."""
        return int(
            self._one(
                "INSERT INTO parked (topic, topic_partition, topic_offset, appended_at, bytes, code, zh, en, sender,"
                " parked_at, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    record.arrival.topic,
                    record.arrival.partition,
                    record.arrival.offset,
                    micros(record.arrival.appended_at),
                    record.bytes,
                    record.code,
                    record.zh,
                    record.en,
                    record.sender,
                    micros(record.parked_at),
                    record.settled,
                ),
            )
        )

    def settle_parked(self, id: int, how: str) -> None:
        """Say how a parked record ended; the first word stands."""
        self._sql.run("UPDATE parked SET settled = ? WHERE id = ? AND settled IS NULL", (how, id))

    def raise_todo(self, kind: str, code: str, case_id: str | None, zh: str, en: str, data: str = "{}") -> int:
        """Raise an alarm or a failed item; returns its id, that of the standing one where it is not doubled."""
        case = None if case_id is None else bytes.fromhex(case_id)
        same = same_todo(kind, code, case_id, data)
        self._sql.run(
            "INSERT INTO todo (same, kind, code, case_id, zh, en, data, raised_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (same, kind, code, case, zh, en, data, self._now),
        )
        return int(self._one("SELECT id FROM todo WHERE same = ? AND cleared_at IS NULL", (same,)))

    def clear_todo(self, id: int) -> None:
        """Clear an item, now; it is kept."""
        self._sql.run("UPDATE todo SET cleared_at = ? WHERE id = ? AND cleared_at IS NULL", (self._now, id))

    def set_note(self, name: str, value: str) -> None:
        """Set a small durable value outside the log."""
        self._sql.run(
            "INSERT INTO notes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
