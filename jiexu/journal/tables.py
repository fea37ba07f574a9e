"""The tables as a function of the log: `apply` enters lines into the index tables.

Appending, taking in from a ledger and rebuilding all go through `apply`, so what a rebuild gives is what stood there
before. It reads nothing but the lines and the tables that it fills itself, and no clock.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import cast

from jiexu.case.event import Hand
from jiexu.journal.columns import micros, own_role
from jiexu.journal.ddl import DERIVED
from jiexu.journal.dialect import Sql
from jiexu.journal.log_records import ClaimsBegun, ClaimsEnded, LineRecord, ReceiptsSent
from jiexu.journal.port import Fact, NewBundle, NewClaim, NewEvent, ReceiptRow

Entry = tuple[int, LineRecord]
"""A position and what its line says."""

_REFERENCES = {"BalanceRemitted": ("remittance", "reference"), "BalanceReturned": ("return", "return_reference")}

_TOUCH = """
INSERT INTO agenda (case_id, role, position, changed) VALUES (?, ?, ?, 1)
ON CONFLICT (case_id) DO UPDATE SET changed = 1, position =
    CASE WHEN agenda.position < excluded.position THEN excluded.position ELSE agenda.position + 1 END
"""


def touch(sql: Sql, cases: Iterable[tuple[bytes, str, int]]) -> None:
    """Put cases on the agenda: (case, own role, position of the change).

    The position of a case that stands there always grows, so that who looked at an earlier one cannot take it off.
    """
    last = {case_id: (case_id, role, position) for case_id, role, position in cases}
    sql.many(_TOUCH, last.values())


def apply(sql: Sql, entries: Sequence[Entry]) -> None:
    """Enter lines, in the order of the log."""
    for kind, group in groupby(entries, key=lambda entry: type(entry[1])):
        run = list(group)
        if kind is NewEvent:
            _events(sql, cast("list[tuple[int, NewEvent]]", run))
        elif kind is NewBundle:
            _bundles(sql, cast("list[tuple[int, NewBundle]]", run))
        elif kind is ReceiptRow:
            _receipts(sql, cast("list[tuple[int, ReceiptRow]]", run))
        elif kind is NewClaim:
            _claims(sql, cast("list[tuple[int, NewClaim]]", run))
        else:
            for position, record in run:
                _rare(sql, position, record)


def clear(sql: Sql) -> None:
    """Empty every table that `apply` fills, and the agenda, which it fills again with every case."""
    for table in (*reversed(DERIVED), "agenda"):
        sql.run(f"DELETE FROM {table}")


def _events(sql: Sql, entries: list[tuple[int, NewEvent]]) -> None:
    rows = []
    references = []
    touched = []
    for position, new in entries:
        event = new.event
        case_id = bytes.fromhex(event.case_id)
        own = new.arrival is None
        hand = event.hand
        rows.append(
            (
                position,
                case_id,
                hand.value,
                event.seq,
                bytes.fromhex(event.event_id),
                event.type,
                int(new.void),
                int(own),
                micros(event.occurred_at),
                event.hash,
            )
        )
        touched.append((case_id, own_role(hand, own).value, position))
        if event.type in _REFERENCES:
            kind, field = _REFERENCES[event.type]
            references.append((kind, event.body[field], case_id, position))
    sql.many("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if references:
        # The first use of a reference counts; a second one is a finding for the service, never a failure here.
        sql.many("INSERT INTO payment_references VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", references)
    if sql.rows("SELECT 1 FROM claims WHERE ended IS NULL LIMIT 1"):
        # A claim whose place is used is ended, whatever line says so and wherever a ledger was cut off.
        closing = "UPDATE claims SET ended = ? WHERE case_id = ? AND hand = ? AND seq = ? AND ended IS NULL"
        sql.many(closing, [row[:4] for row in rows])
    touch(sql, touched)


def _bundles(sql: Sql, entries: list[tuple[int, NewBundle]]) -> None:
    bundles = []
    leaves = []
    unreceipted = []
    destinations = set()
    for position, bundle in entries:
        to = bundle.destination
        region, role = (None, None) if to is None else (to.region, to.role.value)
        bundles.append((position, bundle.issuer.role.value, region, role))
        stored = [(leaf, event) for leaf, event in enumerate(bundle.positions) if event]
        leaves += [(position, leaf, event) for leaf, event in stored]
        if to is not None:
            destinations.add((bundle.issuer.role.value, region, role))
            unreceipted += [(region, role, event) for _, event in stored]
    sql.many("INSERT INTO bundles VALUES (?, ?, ?, ?)", bundles)
    sql.many("INSERT INTO leaves (bundle, leaf, event) VALUES (?, ?, ?)", leaves)
    sql.many("INSERT INTO destinations VALUES (?, ?, ?) ON CONFLICT DO NOTHING", sorted(destinations))
    # An event that is signed again and has its receipt does not wait for another.
    sql.many(
        """
        INSERT INTO unreceipted (position, region, role)
        SELECT e.position, ?, ? FROM events e WHERE e.position = ? AND e.own = 1 AND NOT EXISTS (
            SELECT 1 FROM receipts r WHERE r.given = 0
            AND r.case_id = e.case_id AND r.hand = e.hand AND r.seq = e.seq AND r.hash = e.hash)
        ON CONFLICT (position) DO NOTHING
        """,
        unreceipted,
    )


def _receipts(sql: Sql, entries: list[tuple[int, ReceiptRow]]) -> None:
    rows = []
    got = []
    for position, row in entries:
        case_id = bytes.fromhex(row.case_id)
        place = (case_id, row.hand.value, row.seq, row.hash)
        batch = None if row.given else row.batch
        rows.append((position, int(row.given), row.peer.region, row.peer.role.value, *place, batch))
        if not row.given:
            got.append(place)
    sql.many("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if got:
        event = "SELECT position FROM events WHERE case_id = ? AND hand = ? AND seq = ? AND hash = ?"
        sql.many(f"DELETE FROM sendings WHERE event = ({event})", got)
        sql.many(f"DELETE FROM unreceipted WHERE position = ({event})", got)


def _claims(sql: Sql, entries: list[tuple[int, NewClaim]]) -> None:
    rows = [(position, bytes.fromhex(c.case_id), c.hand.value, c.seq, 0, None) for position, c in entries]
    sql.many("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?)", rows)


def _rare(sql: Sql, position: int, record: LineRecord) -> None:
    match record:
        case Fact(kind, _):
            sql.run("INSERT INTO facts VALUES (?, ?)", (position, kind))
        case ReceiptsSent(peer, batch, positions, _):
            row = (peer.region, peer.role.value, batch, position)
            sql.run("INSERT INTO receipt_batches VALUES (?, ?, ?, ?)", row)
            sql.many("UPDATE receipts SET batch = ? WHERE position = ?", [(batch, p) for p in positions])
        case ClaimsBegun(claims):
            sql.many("UPDATE claims SET begun = 1 WHERE position = ?", [(p,) for p in claims])
        case ClaimsEnded(claims, how):
            if how == "freed":
                _free(sql, position, claims)
            # Ended by an event: it is the event that ends the claim. A ledger may be cut off between the two lines,
            # and then the act is repeated and its event appended, rather than lost.
            sql.many("DELETE FROM claim_owners WHERE claim = ?", [(p,) for p in claims])
        case _:
            raise AssertionError(record)


def _free(sql: Sql, position: int, claims: Sequence[int]) -> None:
    freed = [(position, claim) for claim in claims]
    sql.many("UPDATE claims SET ended = ? WHERE position = ? AND ended IS NULL", freed)
    touched = []
    for claim in claims:
        for case_id, hand in sql.rows("SELECT case_id, hand FROM claims WHERE position = ?", (claim,)):
            role = own_role(Hand(hand), own=True)
            touched.append((case_id, role.value, position))
    touch(sql, touched)
