"""The bank between regions for the default adapter: one SQLite file that several regions' processes share.

It stands in for the real bank in demos, tests and small set-ups. A transfer is submitted under a key and happens
once. It ends as one line in one region's book: a remittance as `arrived` at the addressee or `refused` at the
sender, a return as `returned` at the outbound region or `return_refused` at the sender. What goes wrong is data
(`mishaps`), so that every trouble of real transfers can be shown at will.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from os import PathLike

from jiexu.region.platform import BankLine
from jiexu.region.registry.money import to_cents, to_yuan
from jiexu.region.registry.sqlite import connect, reading, writing

LAYOUT_VERSION = 1

# The bank's day is Beijing's.
BEIJING = timezone(timedelta(hours=8))

LAYOUT = """
CREATE TABLE transfers (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,
  for_reference TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), from_region TEXT NOT NULL,
  to_region TEXT NOT NULL, document_number TEXT, payee TEXT, bank_account TEXT, submitted_at INTEGER NOT NULL,
  serial TEXT NOT NULL UNIQUE);
CREATE INDEX transfers_reference ON transfers (for_reference);
CREATE INDEX transfers_document ON transfers (document_number);
CREATE TABLE lines (
  id INTEGER PRIMARY KEY, transfer INTEGER NOT NULL UNIQUE REFERENCES transfers, region TEXT NOT NULL,
  number INTEGER, kind TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), visible_from INTEGER NOT NULL,
  reason TEXT, UNIQUE (region, number));
CREATE INDEX lines_waiting ON lines (region, visible_from) WHERE number IS NULL;
CREATE TABLE mishaps (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, transfer_kind TEXT NOT NULL, match_document_number TEXT,
  match_reference TEXT, nth INTEGER NOT NULL, amount INTEGER, seconds REAL, reason TEXT)
"""


class TransferKind(StrEnum):
    """A remittance goes out to the inbound region, a return comes back from there."""

    REMITTANCE = "remittance"
    RETURN = "return"


class MishapKind(StrEnum):
    """What can go wrong: refused, less or more arrives than was sent, or it takes longer."""

    REFUSE = "refuse"
    SHORT = "short"
    EXCESS = "excess"
    DELAY = "delay"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One order to the bank. `key` names the order: submitted twice under one key it happens once.

    `for_reference`: of a return, the reference of the remittance that it gives back.
    """

    key: str
    kind: TransferKind
    reference: str
    amount: Decimal
    from_region: str
    to_region: str
    document_number: str | None = None
    payee: str | None = None
    bank_account: str | None = None
    for_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The bank has the order; `repeated` where it had it before."""

    serial: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Mishap:
    """What the bank does wrong with the nth transfer of a person or of a remittance reference.

    `amount` in yuan belongs to short and excess, `seconds` to delay, `reason` to refuse.
    """

    kind: MishapKind
    document_number: str | None = None
    reference: str | None = None
    nth: int = 1
    transfer: TransferKind = TransferKind.REMITTANCE
    amount: Decimal | None = None
    seconds: float | None = None
    reason: str = "account_unknown"


@dataclass(frozen=True, slots=True)
class ReferenceBook:
    """What the bank did under one remittance reference, in yuan.

    Always sent = arrived + refused + short + in_transit (short is negative where more came), and
    returned = return_arrived + return_in_transit, where a return that was refused and not sent again is in neither.
    """

    sent: Decimal
    arrived: Decimal
    refused: Decimal
    short: Decimal
    in_transit: Decimal
    returned: Decimal
    return_arrived: Decimal
    return_in_transit: Decimal


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A line of the bank's book with the remittance that it belongs to (of a return: the one given back)."""

    line: BankLine
    for_reference: str


class TransferReused(Exception):
    """The key names another order already; nothing was done."""


class Bank:
    """The bank's book. Times are arguments; the file is opened per process and shared between them.

    One thread at a time may use an instance; open another instance for another thread.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._db = connect(path, LAYOUT, LAYOUT_VERSION)
        self._batch = False

    def close(self) -> None:
        """Release the connection."""
        self._db.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Submit several orders in one transaction, begun with the first of them; durable when the block ends."""
        self._batch = True
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._batch = False
            if self._db.in_transaction:
                self._db.execute("COMMIT")

    def knows(self, key: str) -> bool:
        """Whether an order under this key was submitted."""
        return self._db.execute("SELECT 1 FROM transfers WHERE key = ?", (key,)).fetchone() is not None

    def submit(self, transfer: Transfer, now: datetime) -> Submitted:
        """Take an order, once per key; durable on return (in a batch: at its end). TransferReused on other content."""
        if not self._batch:
            with writing(self._db):
                return self._submit(transfer, now)
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        return self._submit(transfer, now)

    def add_mishap(self, mishap: Mishap) -> None:
        """Plan a mishap. ValueError where it names neither person nor reference, or lacks its amount or seconds."""
        if (mishap.document_number is None) == (mishap.reference is None):
            raise ValueError("a mishap names either a document number or a reference")
        by_amount = mishap.kind in (MishapKind.SHORT, MishapKind.EXCESS)
        if by_amount and (mishap.amount is None or mishap.amount <= 0):
            raise ValueError("short and excess need an amount above 0")
        if by_amount and mishap.transfer is TransferKind.RETURN:
            # The protocol knows no short return: what comes back is the sum that was sent back.
            raise ValueError("a return arrives whole or not at all")
        if mishap.kind is MishapKind.DELAY and (mishap.seconds is None or mishap.seconds < 0):
            raise ValueError("a delay needs seconds")
        with writing(self._db):
            self._db.execute(
                "INSERT INTO mishaps (kind, transfer_kind, match_document_number, match_reference, nth, amount,"
                " seconds, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    mishap.kind,
                    mishap.transfer,
                    mishap.document_number,
                    mishap.reference,
                    mishap.nth,
                    None if mishap.amount is None else to_cents(mishap.amount),
                    mishap.seconds,
                    mishap.reason,
                ),
            )

    def lines(self, region: str, after: int, now: datetime, limit: int = 500) -> list[BookedLine]:
        """The region's lines numbered above `after` that are visible at `now`, ascending.

        A line gets its number when it becomes visible, not when it was submitted: a delayed line would otherwise
        come in below a number that the reader has passed, and never be read.
        """
        self._number(region, now)
        rows = self._db.execute(
            "SELECT l.number, l.kind, t.reference, l.amount, l.visible_from, t.serial, l.reason, t.for_reference"
            " FROM lines l JOIN transfers t ON t.id = l.transfer"
            " WHERE l.region = ? AND l.number > ? ORDER BY l.number LIMIT ?",
            (region, after, limit),
        )
        return [
            BookedLine(BankLine(number, kind, reference, to_yuan(amount), _day(visible_from), serial, reason), original)
            for number, kind, reference, amount, visible_from, serial, reason, original in rows
        ]

    def book(self, now: datetime | None = None) -> dict[str, ReferenceBook]:
        """Per remittance reference what was sent, arrived, refused and returned; with `now`, lines that are not yet
        visible then are in transit, without it every line counts as booked.
        """
        until = _micros(now) if now else 2**62
        sums: dict[str, dict[str, int]] = {}
        query = (
            "SELECT t.for_reference, t.kind, t.amount, l.kind, l.amount, l.visible_from <= ?"
            " FROM transfers t JOIN lines l ON l.transfer = t.id ORDER BY t.id"
        )
        with reading(self._db):
            for reference, kind, amount, line, booked, visible in self._db.execute(query, (until,)):
                sum_ = sums.setdefault(reference, dict.fromkeys(ReferenceBook.__dataclass_fields__, 0))
                _add(sum_, kind, amount, line, booked, visible)
        return {
            reference: ReferenceBook(**{word: to_yuan(cents) for word, cents in sum_.items()})
            for reference, sum_ in sums.items()
        }

    def _submit(self, transfer: Transfer, now: datetime) -> Submitted:
        digest = _digest(transfer)
        known = self._db.execute("SELECT digest, serial FROM transfers WHERE key = ?", (transfer.key,)).fetchone()
        if known is not None:
            if known[0] != digest:
                raise TransferReused(transfer.key)
            return Submitted(known[1], repeated=True)
        if transfer.kind is TransferKind.RETURN:
            transfer = replace(transfer, document_number=self._document_of(transfer.for_reference))
        amount, submitted_at = to_cents(transfer.amount), _micros(now)
        serial = self._serial(submitted_at)
        cursor = self._db.execute(
            "INSERT INTO transfers (key, digest, kind, reference, for_reference, amount, from_region, to_region,"
            " document_number, payee, bank_account, submitted_at, serial)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                transfer.key,
                digest,
                transfer.kind,
                transfer.reference,
                transfer.for_reference or transfer.reference,
                amount,
                transfer.from_region,
                transfer.to_region,
                transfer.document_number,
                transfer.payee,
                transfer.bank_account,
                submitted_at,
                serial,
            ),
        )
        self._book(cursor.lastrowid or 0, transfer, amount, submitted_at)
        return Submitted(serial, repeated=False)

    def _book(self, transfer_id: int, transfer: Transfer, amount: int, visible_from: int) -> None:
        """Work out the one line in which the transfer ends, mishaps applied."""
        reason: str | None = None
        arriving = amount
        for kind, by, seconds, why in self._mishaps(transfer):
            if kind == MishapKind.REFUSE:
                reason = why
            elif kind == MishapKind.DELAY:
                visible_from += round(seconds * 1_000_000)
            else:
                arriving += by if kind == MishapKind.EXCESS else -by
        if arriving <= 0 and reason is None:
            reason = "amount_lost"  # nothing left to arrive: the bank gives it back to the sender
        remittance = transfer.kind is TransferKind.REMITTANCE
        if reason is not None:
            line = ("refused" if remittance else "return_refused", transfer.from_region, amount)
        else:
            line = ("arrived" if remittance else "returned", transfer.to_region, arriving)
        self._db.execute(
            "INSERT INTO lines (transfer, kind, region, amount, visible_from, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (transfer_id, *line, visible_from, reason),
        )

    def _mishaps(self, transfer: Transfer) -> list[tuple[str, int, float, str]]:
        """The mishaps planned for this transfer, which is itself already counted."""
        original = transfer.for_reference or transfer.reference
        found = []
        for column, counted, value in (
            ("match_document_number", "document_number", transfer.document_number),
            ("match_reference", "for_reference", original),
        ):
            if value is None:
                continue
            planned = self._db.execute(
                f"SELECT kind, amount, seconds, reason, nth FROM mishaps WHERE {column} = ? AND transfer_kind = ?",
                (value, transfer.kind),
            ).fetchall()
            if not planned:
                continue
            (nth,) = self._db.execute(
                f"SELECT count(*) FROM transfers WHERE {counted} = ? AND kind = ?", (value, transfer.kind)
            ).fetchone()
            found += [(kind, by, seconds, reason) for kind, by, seconds, reason, n in planned if n == nth]
        return found

    def _document_of(self, reference: str | None) -> str | None:
        """Whose money a return gives back: returns name the remittance, not the person."""
        row = self._db.execute(
            "SELECT document_number FROM transfers WHERE reference = ? AND kind = ? ORDER BY id LIMIT 1",
            (reference, TransferKind.REMITTANCE),
        ).fetchone()
        return None if row is None else row[0]

    def _serial(self, micros: int) -> str:
        (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM transfers").fetchone()
        return f"{_day(micros):%Y%m%d}{last + 1:010d}"

    def _number(self, region: str, now: datetime) -> None:
        due = "SELECT id FROM lines WHERE region = ? AND number IS NULL AND visible_from <= ?"
        until = _micros(now)
        if self._db.execute(due, (region, until)).fetchone() is None:
            return  # the usual poll: no write lock taken
        with writing(self._db):
            (last,) = self._db.execute(
                "SELECT coalesce(max(number), 0) FROM lines WHERE region = ?", (region,)
            ).fetchone()
            waiting = self._db.execute(f"{due} ORDER BY visible_from, id", (region, until)).fetchall()
            self._db.executemany(
                "UPDATE lines SET number = ? WHERE id = ?",
                [(last + place, line) for place, (line,) in enumerate(waiting, start=1)],
            )


def _add(sums: dict[str, int], kind: str, amount: int, line: str, booked: int, visible: int) -> None:
    if kind == TransferKind.REMITTANCE:
        sums["sent"] += amount
        if not visible:
            sums["in_transit"] += amount
        elif line == "refused":
            sums["refused"] += booked
        else:
            sums["arrived"] += booked
            sums["short"] += amount - booked
    elif not visible:
        sums["returned"] += amount
        sums["return_in_transit"] += amount
    elif line == "returned":
        sums["returned"] += amount
        sums["return_arrived"] += booked


def _digest(transfer: Transfer) -> str:
    content = asdict(replace(transfer, amount=to_yuan(to_cents(transfer.amount))))
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()


def _micros(moment: datetime) -> int:
    """Whole microseconds since 1970; in integers, since a float of seconds loses them."""
    if moment.tzinfo is None:
        raise ValueError("times are aware")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _day(micros: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).astimezone(BEIJING).date()
