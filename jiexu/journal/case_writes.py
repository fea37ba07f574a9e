"""Changing cases: appending events, claims, the read model, the agenda, the unique row of a person."""

from collections.abc import Sequence
from datetime import datetime

from jiexu.case.event import Hand
from jiexu.journal.case_reads import CaseReads, ids
from jiexu.journal.columns import HANDS, chunks, micros, own_role
from jiexu.journal.log_records import ClaimsBegun, ClaimsEnded
from jiexu.journal.port import CaseRow, DisclosureRow, EventIdTaken, NewClaim, NewEvent, SeqTaken
from jiexu.journal.tables import touch
from jiexu.journal.write_block import WriteBlock

Place = tuple[str, Hand]


class CaseWrites(WriteBlock, CaseReads):
    """Cases and their events."""

    def append(self, events: Sequence[NewEvent]) -> list[int]:
        """Append events, each the next of its hand, and put their cases on the agenda.

        Raises SeqTaken where the place is used or an open claim blocks the hand; EventIdTaken where an event of that
        id stands already; ValueError at a gap, which intake must hold back. Nothing is written then.
        """
        if not events:
            return []
        last = self._last_seqs([new.event.case_id for new in events])
        claimed = self._open_places([new.event.case_id for new in events])
        used = []
        for new in events:
            event = new.event
            place = (event.case_id, event.hand)
            expected = last.get(place, 0) + 1
            if event.seq < expected:
                raise SeqTaken(event.case_id, event.hand, event.seq)
            if event.seq > expected:
                raise ValueError(f"{event.case_id} {event.hand}: seq {event.seq} leaves a gap after {expected - 1}")
            if place in claimed:
                # The reserved place is for the claim's own event: `check` asks that the claim ends with it.
                used.append(claimed.pop(place))
            last[place] = event.seq
        self._refuse_known_ids([new.event.event_id for new in events])
        positions = self._record(events)
        self._used_claims.update(used)
        return positions

    def claim(self, claims: Sequence[NewClaim], owner: str, lease_until: datetime) -> list[int]:
        """Pin steps before they act. Raises SeqTaken where the hand has moved on or has an open claim."""
        case_ids = [claim.case_id for claim in claims]
        last = self._last_seqs(case_ids)
        claimed = set(self._open_places(case_ids))
        for claim in claims:
            place = (claim.case_id, claim.hand)
            if claim.seq != last.get(place, 0) + 1 or place in claimed:
                raise SeqTaken(claim.case_id, claim.hand, claim.seq)
            claimed.add(place)
        positions = self._record(claims)
        self.take_up_claims(positions, owner, lease_until)
        return positions

    def begin_claims(self, positions: Sequence[int]) -> int:
        """State that acts of these claims may begin. Raises SeqTaken where one does not stand open any more."""
        self._must_stand(positions)
        return self._record([ClaimsBegun(tuple(positions))])[0]

    def end_claims(self, positions: Sequence[int], how: str) -> int:
        """End claims: `event` (appended in this block, before or after this call) or `freed` (no act took effect).

        Raises SeqTaken where another has ended one before. The claimed cases of `freed` go on the agenda.
        """
        if how not in ("event", "freed"):
            raise ValueError(f"a claim ends by `event` or is `freed`, not {how!r}")
        by_event = how == "event"
        self._must_stand(positions, ended_here=by_event)
        if by_event:
            self._ended_by_event.update(positions)
        return self._record([ClaimsEnded(tuple(positions), how)])[0]

    def take_up_claims(self, positions: Sequence[int], owner: str, lease_until: datetime) -> None:
        """Make a process the owner of claims until a time."""
        until = micros(lease_until)
        self._sql.many(
            "INSERT INTO claim_owners (claim, owner, lease_until, presumed_begun) VALUES (?, ?, ?, 0)"
            " ON CONFLICT (claim) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until",
            [(position, owner, until) for position in positions],
        )

    def put_case(self, row: CaseRow) -> None:
        """Put the read model of a case; one that looked at less than what stands there changes nothing."""
        self.put_cases([row])

    def put_cases(self, rows: Sequence[CaseRow]) -> None:
        """Put many at once."""
        self._sql.many(
            """
            INSERT INTO cases (case_id, role, partner, person_key, from_scheme, to_scheme, status, is_open,
                               position, opened_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (case_id) DO UPDATE SET role = excluded.role, partner = excluded.partner,
                person_key = excluded.person_key, from_scheme = excluded.from_scheme,
                to_scheme = excluded.to_scheme, status = excluded.status, is_open = excluded.is_open,
                position = excluded.position, opened_at = excluded.opened_at
            WHERE excluded.position >= cases.position
            """,
            [
                (
                    bytes.fromhex(row.case_id),
                    row.role.value,
                    row.partner,
                    row.person_key,
                    row.from_scheme,
                    row.to_scheme,
                    row.status,
                    int(row.open),
                    row.position,
                    micros(row.opened_at),
                )
                for row in rows
            ],
        )

    def settle_agenda(self, looked_at: Sequence[tuple[str, int]]) -> None:
        """Take cases off the agenda, each only if it has not changed since that position.

        A time that is still to come stays, whether it was put before or after this call.
        """
        rows = [(bytes.fromhex(case_id), position) for case_id, position in looked_at]
        self._sql.many(
            "UPDATE agenda SET changed = 0, not_before = CASE WHEN not_before > ? THEN not_before END"
            " WHERE case_id = ? AND position <= ?",
            [(self._now, *row) for row in rows],
        )
        self._sql.many(
            "DELETE FROM agenda WHERE case_id = ? AND changed = 0 AND not_before IS NULL", [row[:1] for row in rows]
        )

    def put_on_agenda(self, case_ids: Sequence[str], not_before: datetime | None = None) -> None:
        """Put cases on the agenda, now or not before a time; a later time replaces an earlier one.

        Raises KeyError for a case without events.
        """
        found: dict[bytes, tuple[str, int]] = {}
        wanted = ids(case_ids)
        for marks, part in chunks(wanted):
            rows = self._sql.rows(
                f"SELECT case_id, hand, own, position FROM events WHERE case_id IN ({marks}) ORDER BY position", part
            )
            for case_id, hand, own, position in rows:
                found[bytes(case_id)] = (own_role(HANDS[hand], bool(own)).value, position)
        if not_before is None:
            # Beyond every line, so that who looked at the case before cannot take it off.
            touch(self._sql, [(case_id, found[case_id][0], self._last + 1) for case_id in wanted])
            return
        when = micros(not_before)
        self._sql.many(
            "INSERT INTO agenda (case_id, role, position, changed, not_before) VALUES (?, ?, ?, 0, ?)"
            " ON CONFLICT (case_id) DO UPDATE SET not_before = excluded.not_before",
            [(case_id, *found[case_id], when) for case_id in wanted],
        )

    def disclose(self, rows: Sequence[DisclosureRow]) -> None:
        """Store personal values; one without salt and value erases. What is erased stays so: it may arrive again."""
        self._sql.many(
            """
            INSERT INTO disclosures (case_id, event_id, field, salt, value) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (case_id, event_id, field) DO UPDATE SET salt = NULL, value = NULL
            WHERE excluded.salt IS NULL
            """,
            [(bytes.fromhex(row.case_id), bytes.fromhex(row.event_id), row.field, row.salt, row.value) for row in rows],
        )

    def take_row(self, person_key: str, scheme: str, case_id: str) -> str:
        """Take the unique row of open_moves; returns its holder: `case_id` when taken (or held already), else the
        survivor."""
        self._sql.run(
            "INSERT INTO open_moves (person_key, scheme, case_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (person_key, scheme, bytes.fromhex(case_id)),
        )
        holder = self.row_holder(person_key, scheme)
        assert holder is not None
        return holder

    def free_row(self, case_id: str) -> None:
        """Free the row of a case, where it holds one."""
        self._sql.run("DELETE FROM open_moves WHERE case_id = ?", (bytes.fromhex(case_id),))

    def clear_rows(self) -> None:
        """Free all rows: before the service takes them again, in the order of the log, from the folded cases."""
        self._sql.run("DELETE FROM open_moves")

    def check(self) -> None:
        """Also: a claim and the event on its reserved place end together. Raises SeqTaken, ValueError."""
        super().check()
        for position in self._used_claims - self._ended_by_event:
            (case_id, hand, seq), *_ = self._sql.rows(
                "SELECT case_id, hand, seq FROM claims WHERE position = ?", (position,)
            )
            raise SeqTaken(bytes(case_id).hex(), HANDS[hand], seq)
        if self._ended_by_event - self._used_claims:
            raise ValueError("a claim was ended by an event that was not appended")

    def _last_seqs(self, case_ids: Sequence[str]) -> dict[Place, int]:
        last: dict[Place, int] = {}
        for marks, part in chunks(ids(case_ids)):
            rows = self._sql.rows(
                f"SELECT case_id, hand, MAX(seq) FROM events WHERE case_id IN ({marks}) GROUP BY case_id, hand", part
            )
            last.update({(bytes(case_id).hex(), HANDS[hand]): seq for case_id, hand, seq in rows})
        return last

    def _open_places(self, case_ids: Sequence[str]) -> dict[Place, int]:
        """Hands that an open claim blocks, with the claim's position. Its seq is always the next of the hand."""
        places: dict[Place, int] = {}
        for marks, part in chunks(ids(case_ids)):
            rows = self._sql.rows(
                f"SELECT case_id, hand, position FROM claims WHERE ended IS NULL AND case_id IN ({marks})", part
            )
            places.update({(bytes(case_id).hex(), HANDS[hand]): position for case_id, hand, position in rows})
        return places

    def _must_stand(self, positions: Sequence[int], ended_here: bool = False) -> None:
        """Raises SeqTaken where one of these claims does not stand open, KeyError where it never stood."""
        found: dict[int, tuple[bytes, str, int, int | None]] = {}
        for marks, part in chunks(positions):
            rows = self._sql.rows(
                f"SELECT position, case_id, hand, seq, ended FROM claims WHERE position IN ({marks})", part
            )
            found.update({row[0]: row[1:] for row in rows})
        for position in positions:
            if position not in found:
                raise KeyError(f"no claim at position {position}")
            case_id, hand, seq, ended = found[position]
            if ended is not None and not (ended_here and position in self._used_claims):
                raise SeqTaken(bytes(case_id).hex(), HANDS[hand], seq)

    def _refuse_known_ids(self, event_ids: Sequence[str]) -> None:
        wanted = ids(event_ids)
        if len(wanted) < len(event_ids):
            raise EventIdTaken(next(one for one in event_ids if event_ids.count(one) > 1))
        for marks, part in chunks(wanted):
            rows = self._sql.rows(f"SELECT event_id FROM events WHERE event_id IN ({marks}) LIMIT 1", part)
            if rows:
                raise EventIdTaken(bytes(rows[0][0]).hex())
