"""Followers: everything downstream tails the journal by position, under a cursor of its own.

A crash between doing and moving the cursor does it again: the receiver knows the hash, the platform knows the key,
the ledger's reader knows the position. An unreachable exchange makes a follower wait; nothing passes the ledger.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from jiexu.case.event import Party, Role
from jiexu.contract.bundle import Leaf, open_bundle, pack
from jiexu.contract.disclosure import Disclosure
from jiexu.contract.letters import make_receipts, open_receipts
from jiexu.contract.records import encode_record
from jiexu.exchange.port import ExchangeError, ExchangeUnavailable, Outgoing
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import LogLine, Moved, Reads, ReceiptRow, StoredBundle
from jiexu.service import personal
from jiexu.service.agency import Agency
from jiexu.service.ledger_end import (
    LEDGER_CURSOR,
    look_at_end,
    may_hide_a_loss,
    next_offset,
    note_failed,
    note_next_offset,
    settle,
)
from jiexu.service.notices import letters_cursor, peers_with_notices, send_notices
from jiexu.service.signing_anew import is_stale, sign_anew, usable_keys
from jiexu.service.wishes import forget_wishes, relay_cursor, wishes


class LedgerBatch(NamedTuple):
    """What the contract's LedgerBatch is made of."""

    region: str
    records: Sequence[LogLine]


# Note in the journal: since when nothing reaches the ledger (ISO 8601), empty while it is reached.
LEDGER_WAITS = "ledger_waits_since"
LEDGER_RECORDS_A_BATCH = 200
# A ledger batch stays below the limit of a record; log lines hold whole forms, seldom above 3 kB each. A single line
# is at most a bundle's 512 KiB, and travels alone where it is larger than this.
LEDGER_BYTES_A_BATCH = 400_000
RECEIPTS_A_BATCH = 500
SIGNED_AT_ONCE = 256  # bundles in one transaction: a fraction of a second
WISHES_AT_ONCE = 500  # events sent again in one turn


class Ledger:
    """Carries the log's lines to the ledger topic, in position order and without gaps, and before them the personal
    values of their events to a topic of their own (personal.py)."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.topic = topic_name(agency.region, Purpose.LEDGER)
        self.unreachable_since: str | None = None

    def holds(self, position: int) -> bool:
        """Make the ledger hold everything up to a position; False while it is unreachable."""
        with self.agency.journal.read() as read:
            stands = read.cursor(LEDGER_CURSOR)
        while stands < position:
            moved = self.turn()
            if not moved:
                return False
            with self.agency.journal.read() as read:
                stands = read.cursor(LEDGER_CURSOR)
        return True

    def turn(self) -> int:
        """Send the next lines; returns how many, 0 when there are none or the exchange is unreachable."""
        agency = self.agency
        with agency.journal.read() as read:
            stands = read.cursor(LEDGER_CURSOR)
            lines = read.log(stands, 5_000)
            values, late = personal.records_of(agency.region, read, lines)
            if not lines and not values:
                return 0
            after, doubt = next_offset(read), may_hide_a_loss(read) or bool(read.note(LEDGER_WAITS))
        try:
            # The values first: what the ledger gives back after a loss must be complete.
            agency.producer.send(values)
            agency.fault("personal.sent")
            placed = [offset for offset, _ in agency.producer.send(self._batches(lines))]
            # Records that were written are gone where these got offsets that were taken.
            end = look_at_end(agency) if doubt or (placed and placed[0] < after) else None
        except ExchangeError as error:
            self._unreachable(error)
            return 0
        agency.fault("ledger.sent")
        try:
            with agency.journal.write() as write:
                if end is not None:
                    settle(agency, write, end)
                    write.set_note(LEDGER_WAITS, "")
                elif lines:
                    write.move_cursor(LEDGER_CURSOR, stands, lines[-1].position)
                    note_next_offset(write, placed[-1] + 1)
                if late:
                    personal.forget_late(write, late)
        except Moved:  # another process of this region wrote the same lines; the reader knows them by position
            self._look_behind(placed)
        self.unreachable_since = None
        return len(lines) + len(late)

    def _look_behind(self, placed: Sequence[int]) -> None:
        """Our records were late. Where they took the last places that the other process had been given, its own are
        gone, and the next record's offset will not show it."""
        with self.agency.journal.read() as read:
            expected = next_offset(read)
        if not placed or not placed[0] < expected <= placed[-1] + 1:
            return
        try:
            end = look_at_end(self.agency)
        except ExchangeError as error:
            self._unreachable(error)
            return
        with self.agency.journal.write() as write:
            settle(self.agency, write, end)

    def _batches(self, lines: Sequence[LogLine]) -> list[Outgoing]:
        batches: list[list[LogLine]] = [[]]
        size = 0
        for line in lines:
            full = size + len(line.payload) > LEDGER_BYTES_A_BATCH or len(batches[-1]) >= LEDGER_RECORDS_A_BATCH
            if batches[-1] and full:
                batches.append([])
                size = 0
            size += len(line.payload)
            batches[-1].append(line)
        # The lines are the journal's own; their payloads were validated when they were made.
        return [
            Outgoing(self.topic, 0, None, encode_record("LedgerBatch", LedgerBatch(self.agency.region, batch)))
            for batch in batches
            if batch
        ]

    def _unreachable(self, error: ExchangeError) -> None:
        """Say since when nothing reaches the ledger; a ledger that is missing or forbidden is an alarm too."""
        self.unreachable_since = self.unreachable_since or self.agency.clock().isoformat()
        with self.agency.journal.write() as write:
            note_failed(write)
            if not write.note(LEDGER_WAITS):
                write.set_note(LEDGER_WAITS, self.unreachable_since)
            if not isinstance(error, ExchangeUnavailable):
                zh, en = f"账本不可写：{error.zh}", f"the ledger cannot be written: {error.en}"
                write.raise_todo("alarm", error.code, None, zh, en, json.dumps({"to": self.topic}))


class Relay:
    """Sends the own hand's bundles, and receipts, to the partners: one cursor per destination."""

    def __init__(self, agency: Agency, role: Role, ledger: Ledger) -> None:
        self.agency = agency
        self.role = role
        self.ledger = ledger

    def turn(self) -> int:
        """Send what the ledger holds and the partners have not been sent; returns the number of records sent."""
        with self.agency.journal.read() as read:
            safe = read.cursor(LEDGER_CURSOR)
            destinations = read.destinations(self.role)
            wishing = [to for to in destinations if wishes(read, self.role, to)]
            waiting = read.peers_to_receipt(self.role, safe)
            known = {Party(region, self.role.other) for region in json.loads(read.note(f"peers:{self.role}") or "[]")}
            notices = peers_with_notices(read, self.role)
        sent = 0
        for destination in destinations:
            sent += self._each(destination, lambda to: self._bundles(to, safe))
        for destination in wishing:
            sent += self._each(destination, self._again)
        for peer in sorted(waiting, key=str):
            self._state_receipts(peer, safe)
        # The note is gone after a rebuild.
        for peer in sorted(waiting | known | {*destinations, *notices}, key=str):
            sent += self._each(peer, self._receipts)
        for peer, last in notices.items():
            sent += self._each(peer, lambda to, last=last: send_notices(self.agency, self.role, to, last, safe))  # type: ignore[misc]
        return sent

    def _each(self, peer: Party, send: Callable[[Party], int]) -> int:
        """Send to one partner. One bad partner stops nobody else; what failed is tried again next turn."""
        try:
            return send(peer)
        except ExchangeUnavailable:
            return 0
        except ExchangeError as error:
            note_failing(self.agency, peer, error)
            return 0

    def _bundles(self, destination: Party, safe: int) -> int:
        agency = self.agency
        name = relay_cursor(self.role, destination)
        with agency.journal.read() as read:
            stands = read.cursor(name)
            bundles = [b for b in read.bundles(stands, destination, 100, self.role) if b.position <= safe]
            stale = [stored for stored in bundles if is_stale(agency, stored)]
            fresh = [stored for stored in bundles if stored not in stale] if stale else bundles
            records = [outgoing_bundle(read, stored) for stored in fresh]
        if not bundles:
            return 0
        agency.producer.send(records)
        agency.fault("relay.sent")
        try:
            with agency.journal.write() as write:
                write.move_cursor(name, stands, bundles[-1].position)
                write.sent([p for b in fresh for p in b.bundle.positions])
                sign_anew(agency, write, stale)
        except Moved:
            pass  # a second copy of this service sent the same; the receiver knows duplicates
        return len(bundles)

    def _again(self, destination: Party) -> int:
        """Send again the bundles that the partner misses, or whose personal values it misses."""
        agency = self.agency
        with agency.journal.read() as read:
            wished = wishes(read, self.role, destination)[:WISHES_AT_ONCE]
            if not wished:
                return 0
            found = {stored.position: stored for p in wished if (stored := read.bundle_of(p)) is not None}
            stale = [stored for stored in found.values() if is_stale(agency, stored)]
            fresh = [stored for stored in found.values() if stored not in stale]
            records = [outgoing_bundle(read, stored) for stored in fresh]
        agency.producer.send(records)
        with agency.journal.write() as write:
            forget_wishes(write, self.role, destination, wished)
            sign_anew(agency, write, stale)
        return len(records)

    # --- receipts: numbered and chained per receiving party, stated in the journal before they are sent

    def _receipts(self, peer: Party) -> int:
        agency = self.agency
        name = letters_cursor(self.role, peer)
        with agency.journal.read() as read:
            safe = read.cursor(LEDGER_CURSOR)
            stands = read.cursor(name)
            batches = [b for b in read.receipt_batches(stands, peer, 50) if b[0] <= safe]
        if not batches:
            return 0
        agency.producer.send(
            [Outgoing(topic_name(peer.region, peer.role.value), 0, None, payload) for _, payload in batches]
        )
        agency.fault("receipts.sent")
        try:
            with agency.journal.write() as write:
                write.move_cursor(name, stands, batches[-1][0])
        except Moved:
            pass  # a second copy of this service sent the same
        return len(batches)

    def _state_receipts(self, peer: Party, safe: int) -> None:
        """State in the journal what the next batch to this peer says; only then, and from there, is it sent."""
        agency = self.agency
        with agency.journal.write() as write:
            waiting = write.receipts_to_give(peer, safe, RECEIPTS_A_BATCH)
            if not waiting:
                return
            peers = f"peers:{self.role}"
            last = write.last_receipts_sent(peer)
            number, prev = (last[0], open_receipts(last[1]).hash) if last else (0, None)
            letter = make_receipts(
                agency.signer,
                agency.party(self.role),
                peer,
                number=number + 1,
                prev=prev,
                receipts=[_receipt(row) for _, row in waiting],
            )
            write.receipts_sent([position for position, _ in waiting], peer, number + 1, letter.bytes)
            known = set(json.loads(write.note(peers) or "[]"))
            write.set_note(peers, json.dumps(sorted(known | {peer.region})))


class Resend:
    """Topics are a buffer, receipts are the truth: an event without a receipt is sent again, at any age."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self._known: tuple[str, ...] = ()  # our key and those that may sign, when all signatures were looked at

    def turn(self) -> int:
        """Send again what is due: an hour after the first sending, then daily (by configuration). What bears a
        signature that has been outlived since is signed anew instead, due or not when our keys have changed.
        """
        self._sign_outlived()
        agency, config, now = self.agency, self.agency.config, self.agency.clock()
        first = timedelta(minutes=config.resend_after_minutes)
        later = timedelta(hours=config.resend_every_hours)
        with agency.journal.read() as read:
            safe = read.cursor(LEDGER_CURSOR)
            due = [
                one
                for one in read.unreceipted(self.role, limit=5_000)
                if one.last_sent_at is not None and now - one.last_sent_at >= (first if one.times == 1 else later)
            ]
            by_peer: dict[Party, dict[int, StoredBundle]] = {}
            for one in due:
                stored = read.bundle_of(one.position)
                if stored is not None and stored.position <= safe:  # else the relay has still to send it
                    by_peer.setdefault(one.destination, {})[stored.position] = stored
            records = {
                peer: [outgoing_bundle(read, stored) for stored in bundles.values()]
                for peer, bundles in by_peer.items()
            }
        sent = 0
        for peer, bundles in by_peer.items():
            try:
                agency.producer.send(records[peer])
            except ExchangeUnavailable:
                continue
            except ExchangeError as error:
                note_failing(agency, peer, error)
                continue
            with agency.journal.write() as write:
                write.sent([p for stored in bundles.values() for p in stored.bundle.positions])
            sent += len(bundles)
        return sent

    def _sign_outlived(self) -> None:
        agency = self.agency
        known = (agency.signer.key_id, *usable_keys(agency))
        if known == self._known:
            return
        with agency.journal.read() as read:
            found = {
                stored.position: stored
                for one in read.unreceipted(self.role)
                if (stored := read.bundle_of(one.position)) is not None and is_stale(agency, stored)
            }
        outlived = list(found.values())
        for start in range(0, len(outlived), SIGNED_AT_ONCE):
            with agency.journal.write() as write:
                sign_anew(agency, write, outlived[start : start + SIGNED_AT_ONCE])
        self._known = known


def note_failing(agency: Agency, peer: Party, error: ExchangeError) -> None:
    """An alarm that a partner's mailbox cannot be written: no topic, no right. Raised once while it stands."""
    with agency.journal.write() as write:
        data = json.dumps({"to": str(peer)})
        zh, en = f"无法投递到 {peer}：{error.zh}", f"nothing can be sent to {peer}: {error.en}"
        write.raise_todo("alarm", error.code, None, zh, en, data)


def outgoing_bundle(read: Reads, stored: StoredBundle) -> Outgoing:
    """A bundle as it travels: the journal's skeleton filled with its events and what may still be disclosed."""
    bundle = stored.bundle
    assert bundle.destination is not None, "only bundles with a destination are sent"
    skeleton = open_bundle(bundle.skeleton)
    events = read.event_bytes([position for position in bundle.positions if position])
    leaves = tuple(
        [
            Leaf(leaf.hash, events[position][1] if position in events else None)
            for leaf, position in zip(skeleton.leaves, bundle.positions, strict=True)
        ]
    )
    index = {events[p][0]: i for i, p in enumerate(bundle.positions) if p in events}
    disclosures = tuple(
        [
            Disclosure(index[row.event_id], row.field, row.salt, row.value)
            for row in read.disclosures_at(events)
            if row.salt is not None and row.value is not None
        ]
    )
    filled = type(skeleton)(skeleton.header, leaves, skeleton.signature, disclosures)
    return Outgoing(
        topic_name(bundle.destination.region, bundle.destination.role.value), bundle.partition, None, pack(filled)
    )


def _receipt(row: ReceiptRow) -> dict[str, object]:
    return {
        "case_id": row.case_id,
        "hand": row.hand,
        "seq": row.seq,
        "hash": row.hash,
        "topic": row.arrival.topic,
        "partition": row.arrival.partition,
        "offset": row.arrival.offset,
        "appended_at": row.arrival.appended_at,
        "recorded_at": row.recorded_at,
        "own_last_seq": row.own_last_seq,
    }


Follower = Callable[[], int]
