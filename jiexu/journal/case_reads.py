"""What can be asked of cases: their events, heads, claims, the read model, the agenda."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from jiexu.case.event import Hand, Role
from jiexu.journal.block import EVENT, Block
from jiexu.journal.columns import HANDS, ROLES, chunks, instant, micros
from jiexu.journal.dialect import Row
from jiexu.journal.log_records import decode_line, line_event
from jiexu.journal.port import (
    CaseHead,
    CaseRow,
    DisclosureRow,
    IndexedEvent,
    NewClaim,
    StoredClaim,
    StoredEvent,
)

_OF_EVENTS = "JOIN events e ON e.case_id = d.case_id AND e.event_id = d.event_id WHERE"
_CASE = "case_id, role, partner, person_key, from_scheme, to_scheme, status, is_open, position, opened_at"


def ids(case_ids: Iterable[str]) -> list[bytes]:
    """Case ids as columns hold them, each once, in the order given."""
    return [bytes.fromhex(case_id) for case_id in dict.fromkeys(case_ids)]


class CaseReads(Block):
    """Cases and their events."""

    def heads(self, case_ids: Iterable[str]) -> dict[str, CaseHead]:
        """The heads of those of the cases that have events here."""
        positions: dict[str, int] = {}
        hands: dict[str, dict[Hand, tuple[int, bytes]]] = {}
        for marks, part in chunks(ids(case_ids)):
            # Hands have no gaps, so the last event of a hand is the one without a next.
            rows = self._sql.rows(
                f"""
                SELECT e.case_id, e.hand, e.seq, e.hash, e.position FROM events e
                WHERE e.case_id IN ({marks}) AND NOT EXISTS (SELECT 1 FROM events n
                    WHERE n.case_id = e.case_id AND n.hand = e.hand AND n.seq = e.seq + 1)
                """,
                part,
            )
            for raw, hand, seq, digest, position in rows:
                case_id = bytes(raw).hex()
                positions[case_id] = max(position, positions.get(case_id, 0))
                hands.setdefault(case_id, {})[HANDS[hand]] = (seq, bytes(digest))
        return {case_id: CaseHead(position, hands[case_id]) for case_id, position in positions.items()}

    def positions(self, case_ids: Iterable[str]) -> dict[str, int]:
        """The positions of the cases' last events, of those that have events here: `heads` without the hands."""
        found: dict[str, int] = {}
        for marks, part in chunks(ids(case_ids)):
            rows = self._sql.rows(
                f"SELECT case_id, MAX(position) FROM events WHERE case_id IN ({marks}) GROUP BY case_id", part
            )
            found.update({bytes(case_id).hex(): position for case_id, position in rows})
        return found

    def case_events(self, case_id: str) -> list[StoredEvent]:
        """The events of a case, in the order of the log; empty where there is none."""
        return self.cases_events([case_id]).get(case_id, [])

    def cases_events(self, case_ids: Sequence[str]) -> dict[str, list[StoredEvent]]:
        """The same for many cases; a case without events is left out."""
        found: dict[str, list[StoredEvent]] = {}
        for marks, part in chunks(ids(case_ids)):
            for row in self._sql.rows(f"{EVENT} WHERE e.case_id IN ({marks}) ORDER BY e.position", part):
                stored = self._stored(row)
                found.setdefault(stored.event.case_id, []).append(stored)
        return found

    def event_at(self, case_id: str, hand: Hand, seq: int) -> StoredEvent | None:
        """The event at a place of a hand."""
        place = (bytes.fromhex(case_id), hand.value, seq)
        rows = self._sql.rows(f"{EVENT} WHERE e.case_id = ? AND e.hand = ? AND e.seq = ?", place)
        return self._stored(rows[0]) if rows else None

    def event_by_id(self, event_id: str) -> StoredEvent | None:
        """The event of that id, in whatever case."""
        rows = self._sql.rows(f"{EVENT} WHERE e.event_id = ?", (bytes.fromhex(event_id),))
        return self._stored(rows[0]) if rows else None

    def events(self, after: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """Events after a position, in the order of the log. Read on demand: use it up within the block."""
        paged = self._paged(f"{EVENT} WHERE e.position > ? ORDER BY e.position LIMIT ?", after, limit)
        return (self._stored(row) for row in paged)

    def events_at(self, positions: Iterable[int]) -> dict[int, StoredEvent]:
        """The events at these positions; positions without an event are left out."""
        found: dict[int, StoredEvent] = {}
        for marks, part in chunks(sorted(set(positions))):
            for row in self._sql.rows(f"{EVENT} WHERE e.position IN ({marks}) ORDER BY e.position", part):
                found[row[0]] = self._stored(row)
        return found

    def index(self, after: int, limit: int) -> list[IndexedEvent]:
        """What the index says of the events after a position; nothing is decoded."""
        rows = self._sql.rows(
            "SELECT position, case_id, hand, seq, event_id, type, void, own FROM events"
            " WHERE position > ? ORDER BY position LIMIT ?",
            (after, limit),
        )
        return [
            IndexedEvent(position, bytes(case).hex(), HANDS[hand], seq, bytes(id).hex(), type, bool(void), bool(own))
            for position, case, hand, seq, id, type, void, own in rows
        ]

    def event_bytes(self, positions: Iterable[int]) -> dict[int, tuple[str, bytes]]:
        """Event id and the event's own bytes at these positions, not decoded."""
        found: dict[int, tuple[str, bytes]] = {}
        for marks, part in chunks(sorted(set(positions))):
            rows = self._sql.rows(
                "SELECT e.position, e.event_id, l.payload FROM events e JOIN log l ON l.position = e.position"
                f" WHERE e.position IN ({marks})",
                part,
            )
            found.update({row[0]: (bytes(row[1]).hex(), line_event(bytes(row[2]))) for row in rows})
        return found

    def known_event_ids(self, event_ids: Sequence[str]) -> set[str]:
        """Those of the ids that events here bear."""
        found: set[str] = set()
        for marks, part in chunks(ids(event_ids)):
            rows = self._sql.rows(f"SELECT event_id FROM events WHERE event_id IN ({marks})", part)
            found.update(bytes(row[0]).hex() for row in rows)
        return found

    def case_row(self, case_id: str) -> CaseRow | None:
        """The read model of a case, None until the service has put it."""
        rows = self._sql.rows(f"SELECT {_CASE} FROM cases WHERE case_id = ?", (bytes.fromhex(case_id),))
        return _case_row(rows[0]) if rows else None

    def case_rows(self, case_ids: Sequence[str]) -> dict[str, CaseRow]:
        """The read models of these cases; those that the service has not put are left out."""
        found: dict[str, CaseRow] = {}
        for marks, part in chunks(ids(case_ids)):
            for row in self._sql.rows(f"SELECT {_CASE} FROM cases WHERE case_id IN ({marks})", part):
                case = _case_row(row)
                found[case.case_id] = case
        return found

    def cases(
        self,
        *,
        role: Role | None = None,
        person_key: str | None = None,
        open: bool | None = None,
        status: str | None = None,
        after_case: str = "",
        limit: int | None = None,
    ) -> list[CaseRow]:
        """Cases that fit, by case id; `after_case` is the last of the page before."""
        wanted = {
            "role = ?": role and role.value,
            "person_key = ?": person_key,
            "is_open = ?": None if open is None else int(open),
            "status = ?": status,
            "case_id > ?": bytes.fromhex(after_case) if after_case else None,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        where = f" WHERE {' AND '.join(given)}" if given else ""
        statement = f"SELECT {_CASE} FROM cases{where} ORDER BY case_id"
        values = list(given.values())
        if limit is not None:
            statement, values = f"{statement} LIMIT ?", [*values, limit]
        return [_case_row(row) for row in self._sql.rows(statement, values)]

    def agenda(self, role: Role, now: datetime, limit: int) -> list[tuple[str, int]]:
        """Cases of that role that changed, or whose time has come, oldest change first.

        Where more wait than asked for, cases that began first come first, so that they end while others have not begun
        and few are in hand at a time; a quarter are those that have waited longest, so that none waits for ever. An id
        begins with the time at which its case began (UUIDv7).
        """
        which = "SELECT position, case_id FROM agenda WHERE role = ? AND changed = 1 ORDER BY {} LIMIT ?"
        changed = self._sql.rows(which.format("position"), (role.value, limit))
        if len(changed) == limit:
            longest = changed[: limit // 4]
            changed = list({*longest, *self._sql.rows(which.format("case_id"), (role.value, limit - len(longest)))})
        due = self._sql.rows(
            "SELECT position, case_id FROM agenda WHERE role = ? AND not_before <= ? AND changed = 0"
            " ORDER BY not_before LIMIT ?",
            (role.value, micros(now), limit),
        )
        found = sorted((position, bytes(case_id)) for position, case_id in [*changed, *due])
        return [(case_id.hex(), position) for position, case_id in found[:limit]]

    def disclosures(self, case_ids: Sequence[str]) -> list[DisclosureRow]:
        """The personal values of these cases, erased ones with neither salt nor value."""
        return self._disclosures("WHERE d.case_id IN ({}) ORDER BY d.case_id, d.event_id, d.field", ids(case_ids))

    def disclosures_at(self, positions: Iterable[int]) -> list[DisclosureRow]:
        """The personal values of the events at these positions, by position."""
        return self._disclosures(f"{_OF_EVENTS} e.position IN ({{}}) ORDER BY e.position", sorted(set(positions)))

    def disclosures_claimed(self, positions: Iterable[int]) -> list[DisclosureRow]:
        """The personal values of the events that claims at these positions have planned and that do not stand yet.

        A case has values of one such event at most on each side: a claim blocks the hand.
        """
        which = (
            "JOIN claims c ON c.case_id = d.case_id WHERE c.position IN ({}) AND NOT EXISTS"
            " (SELECT 1 FROM events e WHERE e.event_id = d.event_id)"
        )
        return self._disclosures(which, sorted(set(positions)))

    def disclosures_of(self, case_ids: Sequence[str], type: str) -> list[DisclosureRow]:
        """The personal values of these cases' events of one type."""
        return self._disclosures(f"{_OF_EVENTS} e.type = ? AND e.case_id IN ({{}})", ids(case_ids), type)

    def _disclosures(self, which: str, wanted: Sequence[Any], *before: Any) -> list[DisclosureRow]:
        found: list[Row] = []
        for marks, part in chunks(wanted):
            select = "SELECT d.case_id, d.event_id, d.field, d.salt, d.value FROM disclosures d "
            found += self._sql.rows(select + which.format(marks), [*before, *part])
        return [
            DisclosureRow(bytes(case).hex(), bytes(event).hex(), name, salt and bytes(salt), value)
            for case, event, name, salt, value in found
        ]

    def open_claims(self, case_ids: Sequence[str] | None = None) -> list[StoredClaim]:
        """Claims that stand open, of these cases or of all, in the order of the log."""
        statement = """
            SELECT c.position, l.recorded_at, l.payload, c.begun, o.owner, o.lease_until, o.presumed_begun
            FROM claims c JOIN log l ON l.position = c.position LEFT JOIN claim_owners o ON o.claim = c.position
            WHERE c.ended IS NULL
        """
        rows: list[Row] = []
        if case_ids is None:
            rows = self._sql.rows(statement)
        else:
            for marks, part in chunks(ids(case_ids)):
                rows += self._sql.rows(f"{statement} AND c.case_id IN ({marks})", part)
        claims = []
        for position, recorded_at, payload, begun, owner, until, presumed in sorted(rows, key=lambda row: row[0]):
            claim = decode_line("claim", bytes(payload), self._decode)
            assert isinstance(claim, NewClaim)
            began = bool(begun or presumed)
            lease_until = instant(until or 0)
            claims.append(StoredClaim(position, instant(recorded_at), claim, began, owner or "", lease_until))
        return claims

    def row_holder(self, person_key: str, scheme: str) -> str | None:
        """The case that holds the unique row of open_moves."""
        rows = self._sql.rows(
            "SELECT case_id FROM open_moves WHERE person_key = ? AND scheme = ?", (person_key, scheme)
        )
        return bytes(rows[0][0]).hex() if rows else None

    def rows_held(self, case_ids: Sequence[str]) -> set[str]:
        """Those of the cases that hold a unique row of open_moves."""
        found: set[str] = set()
        for marks, part in chunks(ids(case_ids)):
            rows = self._sql.rows(f"SELECT case_id FROM open_moves WHERE case_id IN ({marks})", part)
            found.update(bytes(row[0]).hex() for row in rows)
        return found

    def case_of_reference(self, kind: str, reference: str) -> str | None:
        """The case of a payment reference (`remittance` or `return`), the first where several used it."""
        return next(iter(self.cases_of_reference(kind, reference)), None)

    def cases_of_reference(self, kind: str, reference: str) -> list[str]:
        """All cases in which a payment reference was used, the first use first: each region numbers its own."""
        rows = self._sql.rows(
            "SELECT case_id FROM payment_references WHERE kind = ? AND reference = ? ORDER BY position",
            (kind, reference),
        )
        return [bytes(row[0]).hex() for row in rows]


def _case_row(row: Row) -> CaseRow:
    case_id, role, partner, person_key, from_scheme, to_scheme, status, is_open, position, opened_at = row
    return CaseRow(
        case_id=bytes(case_id).hex(),
        role=ROLES[role],
        partner=partner,
        person_key=person_key,
        from_scheme=from_scheme,
        to_scheme=to_scheme,
        status=status,
        open=bool(is_open),
        position=position,
        opened_at=instant(opened_at),
    )
