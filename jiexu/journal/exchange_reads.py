"""What can be asked of the exchange's side: bundles, receipts, offsets, what is held, parked or to do, facts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from jiexu.case.event import Hand, Party, Role
from jiexu.journal.block import Block
from jiexu.journal.case_reads import ids
from jiexu.journal.columns import HANDS, ROLES, chunks, instant, instant_or_none
from jiexu.journal.desk_rows import HELD, PARKED, TODO, held_row, parked_row, todo_row
from jiexu.journal.dialect import Row
from jiexu.journal.log_records import ReceiptsSent, decode_line
from jiexu.journal.port import (
    Fact,
    HeldEvent,
    NewBundle,
    ParkedRecord,
    ReceiptRow,
    StoredBundle,
    Todo,
    Unreceipted,
)

_BUNDLE = "SELECT b.position, l.payload FROM bundles b JOIN log l ON l.position = b.position"
_RECEIPT = "SELECT r.position, r.batch, l.payload FROM receipts r JOIN log l ON l.position = r.position"


class ExchangeReads(Block):
    """Bundles, receipts, and what waits."""

    def bundles(
        self, after: int, destination: Party | None, limit: int, issuer_role: Role | None = None
    ) -> list[StoredBundle]:
        """Bundles after a position: those to one destination, or all, own and received, where it is None."""
        conditions, values = ["b.position > ?"], [after]
        wanted: list[Any] = values
        if destination is not None:
            conditions += ["b.region = ?", "b.role = ?"]
            wanted += [destination.region, destination.role.value]
        if issuer_role is not None:
            conditions.append("b.issuer_role = ?")
            wanted.append(issuer_role.value)
        where = " AND ".join(conditions)
        rows = self._sql.rows(f"{_BUNDLE} WHERE {where} ORDER BY b.position LIMIT ?", [*wanted, limit])
        return [self._bundle(row) for row in rows]

    def bundle_of(self, event_position: int) -> StoredBundle | None:
        """The bundle that carries an event, the newest where it was signed again."""
        rows = self._sql.rows(
            f"{_BUNDLE} WHERE b.position = (SELECT MAX(bundle) FROM leaves WHERE event = ?)", (event_position,)
        )
        return self._bundle(rows[0]) if rows else None

    def destinations(self, role: Role) -> list[Party]:
        """Partners to which this role's hand has bundles, by region."""
        rows = self._sql.rows(
            "SELECT region, role FROM destinations WHERE issuer_role = ? ORDER BY region, role", (role.value,)
        )
        return [Party(region, ROLES[name]) for region, name in rows]

    def receipt_got(self, case_id: str, hand: Hand, seq: int) -> ReceiptRow | None:
        """The first receipt got for an event with the event's own hash; one for other bytes is none."""
        rows = self._sql.rows(
            f"""
            {_RECEIPT} JOIN events e ON e.case_id = r.case_id AND e.hand = r.hand AND e.seq = r.seq AND e.hash = r.hash
            WHERE r.case_id = ? AND r.hand = ? AND r.seq = ? AND r.given = 0 ORDER BY r.position LIMIT 1
            """,
            (bytes.fromhex(case_id), hand.value, seq),
        )
        return self._receipt(rows[0])[1] if rows else None

    def case_receipts(self, case_ids: Sequence[str]) -> list[ReceiptRow]:
        """All receipts of these cases, given and got, in the order of the log; the first of a place counts."""
        rows: list[Row] = []
        for marks, part in chunks(ids(case_ids)):
            rows += self._sql.rows(f"{_RECEIPT} WHERE r.case_id IN ({marks})", part)
        return [self._receipt(row)[1] for row in sorted(rows, key=lambda row: row[0])]

    def receipts_to_give(self, peer: Party, up_to_event: int, limit: int) -> list[tuple[int, ReceiptRow]]:
        """Receipts for `peer` that have not been sent, with their positions, of lines at or before `up_to_event`."""
        rows = self._sql.rows(
            f"{_RECEIPT} WHERE r.peer_role = ? AND r.peer_region = ? AND r.given = 1 AND r.batch IS NULL"
            " AND r.position <= ? ORDER BY r.position LIMIT ?",
            (peer.role.value, peer.region, up_to_event, limit),
        )
        return [self._receipt(row) for row in rows]

    def peers_to_receipt(self, role: Role, up_to_event: int) -> set[Party]:
        """Partners for whom receipts of `role` wait to be sent, of lines at or before `up_to_event`."""
        rows = self._sql.rows(
            "SELECT DISTINCT peer_region FROM receipts WHERE peer_role = ? AND given = 1 AND batch IS NULL"
            " AND position <= ?",
            (role.other.value, up_to_event),
        )
        return {Party(region, role.other) for (region,) in rows}

    def last_receipts_sent(self, peer: Party) -> tuple[int, bytes] | None:
        """Number and signed record of the last batch of receipts to that party: the end of its chain.

        In the log, so the chain goes on where it stood after a rebuild too.
        """
        rows = self._sql.rows(
            "SELECT l.payload FROM receipt_batches b JOIN log l ON l.position = b.position"
            " WHERE b.region = ? AND b.role = ? ORDER BY b.batch DESC LIMIT 1",
            (peer.region, peer.role.value),
        )
        if not rows:
            return None
        sent = self._sent(rows[0][0])
        return sent.batch, sent.payload

    def receipt_batches(self, after: int, peer: Party, limit: int) -> list[tuple[int, bytes]]:
        """Receipt batches stated for a peer after a position: (position, the signed record), ascending."""
        rows = self._sql.rows(
            "SELECT b.position, l.payload FROM receipt_batches b JOIN log l ON l.position = b.position"
            " WHERE b.region = ? AND b.role = ? AND b.position > ? ORDER BY b.position LIMIT ?",
            (peer.region, peer.role.value, after, limit),
        )
        return [(position, self._sent(payload).payload) for position, payload in rows]

    def unreceipted(self, role: Role | None = None, limit: int | None = None) -> list[Unreceipted]:
        """Own events without a receipt, of one role's hands or of both, oldest first."""
        where, values = ("", []) if role is None else (" WHERE u.role = ?", [role.other.value])
        wanted: list[Any] = values
        tail = "" if limit is None else " LIMIT ?"
        rows = self._sql.rows(
            f"""
            SELECT u.position, e.case_id, e.hand, e.seq, e.type, u.region, u.role, l.recorded_at,
                   s.last_sent_at, s.times
            FROM unreceipted u JOIN events e ON e.position = u.position JOIN log l ON l.position = u.position
            LEFT JOIN sendings s ON s.event = u.position{where} ORDER BY u.position{tail}
            """,
            wanted if limit is None else [*wanted, limit],
        )
        return [
            Unreceipted(
                position=position,
                case_id=bytes(case_id).hex(),
                hand=HANDS[hand],
                seq=seq,
                type=type_,
                destination=Party(region, ROLES[to]),
                recorded_at=instant(recorded_at),
                last_sent_at=instant_or_none(sent_at),
                times=times or 0,
            )
            for position, case_id, hand, seq, type_, region, to, recorded_at, sent_at, times in rows
        ]

    def offset(self, topic_id: str, partition: int) -> int | None:
        """The next offset to take in, None where nothing was yet."""
        rows = self._sql.rows(
            "SELECT next FROM offsets WHERE topic_id = ? AND topic_partition = ?", (topic_id, partition)
        )
        return int(rows[0][0]) if rows else None

    def cursor(self, name: str) -> int:
        """The position up to which a follower has done its work, 0 at first."""
        rows = self._sql.rows("SELECT position FROM cursors WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def held(self, case_id: str | None = None, reason: str | None = None) -> list[HeldEvent]:
        """What waits, of a case or for a reason, by hand and seq within a case."""
        case = None if case_id is None else bytes.fromhex(case_id)
        where, values = _where({"case_id = ?": case, "reason = ?": reason})
        return [held_row(row) for row in self._sql.rows(f"{HELD}{where} ORDER BY case_id, hand, seq, id", values)]

    def held_cases(self, case_ids: Sequence[str]) -> set[str]:
        """Those of the cases in which events wait."""
        found: set[str] = set()
        for marks, part in chunks(ids(case_ids)):
            rows = self._sql.rows(f"SELECT case_id FROM held WHERE case_id IN ({marks})", part)
            found.update(bytes(row[0]).hex() for row in rows)
        return found

    def held_count(self, issuer: str) -> int:
        """How many events of an issuer wait: the quota is the caller's."""
        return int(self._one("SELECT COUNT(*) FROM held WHERE issuer = ?", (issuer,)))

    def parked(
        self, *, settled: bool = False, code: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[ParkedRecord]:
        """Parked records that are settled, or (by default) that are not."""
        where, values = _where({"code = ?": code, "id > ?": after})
        state = f" AND settled IS {'NOT ' if settled else ''}NULL ORDER BY id"
        some = "" if limit is None else " LIMIT ?"
        rows = self._sql.rows(f"{PARKED}{where}{state}{some}", values if limit is None else [*values, limit])
        return [parked_row(row) for row in rows]

    def parked_record(self, id: int) -> ParkedRecord | None:
        """One parked record, settled or not."""
        rows = self._sql.rows(f"{PARKED} WHERE id = ?", (id,))
        return parked_row(rows[0]) if rows else None

    def stands_parked(self, code: str, data: bytes) -> bool:
        """Whether a record of these very bytes is parked for this reason and waits."""
        where = "settled IS NULL AND code = ? AND bytes = ?"
        return bool(self._sql.rows(f"SELECT 1 FROM parked WHERE {where} LIMIT 1", (code, data)))

    def todos(self, *, cleared: bool = False, kind: str | None = None, code: str | None = None) -> list[Todo]:
        """What waits for a person or (cleared) has been dealt with, oldest first."""
        where, values = _where({"kind = ?": kind, "code = ?": code})
        state = f"{' AND' if where else ' WHERE'} cleared_at IS {'NOT ' if cleared else ''}NULL"
        return [todo_row(row) for row in self._sql.rows(f"{TODO}{where}{state} ORDER BY id", values)]

    def facts(self, kind: str | None = None) -> list[Fact]:
        """Facts in the order of the log, with position and time."""
        where, values = _where({"f.kind = ?": kind})
        rows = self._sql.rows(
            "SELECT f.position, l.recorded_at, l.payload FROM facts f JOIN log l ON l.position = f.position"
            f"{where} ORDER BY f.position",
            values,
        )
        found = []
        for position, recorded_at, payload in rows:
            fact = cast(Fact, decode_line("fact", bytes(payload), self._decode))
            found.append(replace(fact, position=position, recorded_at=instant(recorded_at)))
        return found

    def _bundle(self, row: Row) -> StoredBundle:
        return StoredBundle(row[0], cast(NewBundle, decode_line("bundle", bytes(row[1]), self._decode)))

    def _sent(self, payload: Any) -> ReceiptsSent:
        return cast(ReceiptsSent, decode_line("receipts_sent", bytes(payload), self._decode))

    def _receipt(self, row: Row) -> tuple[int, ReceiptRow]:
        position, batch, payload = row
        receipt = cast(ReceiptRow, decode_line("receipt", bytes(payload), self._decode))
        return position, receipt if receipt.batch == batch else replace(receipt, batch=batch)


def _where(wanted: dict[str, Any]) -> tuple[str, list[Any]]:
    given = {condition: value for condition, value in wanted.items() if value is not None}
    return (f" WHERE {' AND '.join(given)}" if given else ""), list(given.values())
