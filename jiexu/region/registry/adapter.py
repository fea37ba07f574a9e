"""The default adapter of the local platform port: a region's registry in one SQLite file."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from os import PathLike
from typing import Any

from jiexu.region.platform import Act, ActKey, BankLine, Done, DoneAct, FormFacts, PayOut, Refused, Return, Send
from jiexu.region.registry import books, reads
from jiexu.region.registry.acts import Desk, act_name, do
from jiexu.region.registry.bank import Bank
from jiexu.region.registry.layout import LAYOUT, LAYOUT_VERSION
from jiexu.region.registry.money import AmountError, to_cents, to_yuan
from jiexu.region.registry.persons import document_of, numbers_of, pinned, select_in
from jiexu.region.registry.records import BankLineRow, Row, add_bank_line, put
from jiexu.region.registry.refusals import ActRefused, refusal
from jiexu.region.registry.sqlite import connect, reading, writing
from jiexu.rules.facts import Identity, PersonFacts, Scheme

# Lines taken over from the bank in one transaction: the write lock is held for milliseconds only.
_BANK_LINES_AT_ONCE = 500


class OtherRegion(Exception):
    """The file is the registry of another region."""

    def __init__(self, path: str, found: str, asked: str) -> None:
        super().__init__(f"{path} 是 {found} 的登记库，不是 {asked} 的 / the registry of {found}, not of {asked}")


def open_file(path: str | PathLike[str]) -> sqlite3.Connection:
    """Open or create a registry file, for import and export; the region is settled when the adapter opens it."""
    return connect(path, LAYOUT, LAYOUT_VERSION)


class SqliteRegistry:
    """`LocalPlatform` over one SQLite file.

    `clock` gives the present time, aware; it dates accounts opened and decides which bank lines are visible. One
    thread at a time may use an instance; several instances, also of several processes, may share the file. Raises
    OtherRegion where the file belongs to another region.
    """

    def __init__(self, path: str | PathLike[str], region: str, bank: Bank, clock: Callable[[], datetime]) -> None:
        self.region = region
        self._bank = bank
        self._clock = clock
        self._db = open_file(path)
        try:
            self._settle_region(str(path))
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Release the connection; the bank is the caller's to close."""
        self._db.close()

    def put(self, rows: Iterable[Row]) -> None:
        """Put people and their rows in, in one transaction: persons before what belongs to them."""
        with writing(self._db):
            put(self._db, rows)

    def facts(self, identities: Sequence[Identity], scheme: Scheme, on: date) -> list[PersonFacts]:
        """Facts for the checks, one per identity, in order."""
        with reading(self._db):
            return reads.facts(self._db, self.region, identities, scheme, on)

    def form_facts(self, cases: Sequence[tuple[str, Identity, Scheme]], on: date) -> list[FormFacts | None]:
        """What goes into the form; the account is stated as if the case had not been debited.

        `on` is not looked at: the lines of the account are those stated last.
        """
        with reading(self._db):
            return reads.form_facts(self._db, self.region, cases)

    def perform(self, acts: Sequence[Act]) -> list[Done | Refused]:
        """Do the acts in order, one transaction, a savepoint each.

        The bank commits before the registry does: a crash between the two leaves an order that the repeat of the act
        finds under its key, never a record of an order that the bank does not have.
        """
        if not acts:
            return []
        with writing(self._db):
            desk = self._desk(acts)
            done = self._done(acts)
            with self._bank.batch():
                results = [self._perform(desk, act, done) for act in acts]
            self._db.executemany("INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?)", done.new)
            return results

    def acts_of(self, case_id: str) -> list[DoneAct]:
        """What was done for a case, oldest first. An order that only the bank has is not among them."""
        query = "SELECT step, n, act, value, done_at FROM acts WHERE case_id = ? ORDER BY done_at, step, n, act"
        return [
            DoneAct(ActKey(case_id, step, n), act.split()[0], json.loads(value), datetime.fromisoformat(at))
            for step, n, act, value, at in self._db.execute(query, (case_id,))
        ]

    def bank_lines(self, after: int, limit: int = 500) -> list[BankLine]:
        """Lines of the region's own book above `after`: the bank's new ones are first written down here."""
        self._take_over_bank_lines()
        rows = self._db.execute(f"{_LINE} WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
        return [_line(row) for row in rows]

    def lines_of(self, references: Sequence[str]) -> dict[str, list[BankLine]]:
        """Lines of the region's own book by reference, in the order booked; references without a line are left out."""
        self._take_over_bank_lines()
        found: dict[str, list[BankLine]] = {}
        for row in select_in(self._db, f"{_LINE} WHERE reference IN ({{}}) ORDER BY number", sorted(set(references))):
            line = _line(row)
            found.setdefault(line.reference, []).append(line)
        return found

    def books(self) -> dict[str, Decimal]:
        """Totals in yuan: debited (levels), sent, failed, arrived, returned, return_refused, return_arrived, credited,
        taken_back, advanced, paid_out. Arrived, failed and the like count from when `bank_lines` gave them out.
        """
        with reading(self._db):
            return books.totals(self._db)

    def book_of_references(self) -> dict[str, dict[str, Decimal]]:
        """Per remittance reference: sent, failed, arrived, returned, return_refused, return_arrived, credited (gross),
        taken_back.
        """
        with reading(self._db):
            return books.by_reference(self._db)

    def unbalanced(self) -> list[str]:
        """Person numbers whose account does not add up: empty, or a defect."""
        return books.unbalanced(self._db)

    def _desk(self, acts: Sequence[Act]) -> Desk:
        identities = [act.identity for act in acts if not isinstance(act, Send | Return | PayOut)]
        numbers = dict(zip(map(document_of, identities), numbers_of(self._db, identities), strict=True))
        cases = pinned(self._db, [act.key.case_id for act in acts])
        return Desk(self._db, self._bank, self.region, self._clock(), numbers, cases)

    def _done(self, acts: Sequence[Act]) -> "_DoneActs":
        cases = sorted({act.key.case_id for act in acts})
        query = "SELECT case_id, step, n, act, digest, value FROM acts WHERE case_id IN ({})"
        return _DoneActs({tuple(row[:4]): (row[4], row[5]) for row in select_in(self._db, query, cases)}, [])

    def _perform(self, desk: Desk, act: Act, done: "_DoneActs") -> Done | Refused:
        name = act_name(act)
        try:
            digest = _digest(act)
        except AmountError:
            return refusal("amount_invalid")
        known = done.known.get((*act.key, name))
        if known is not None:
            if known[0] != digest:
                return refusal("key_reused", step=act.key.step, n=act.key.n)
            return Done(json.loads(known[1]), repeated=True)
        pinned_before = desk.pinned.get(act.key.case_id)
        self._db.execute("SAVEPOINT act")
        try:
            value = do(desk, act)
        except ActRefused as problem:
            self._db.execute("ROLLBACK TO act")
            self._db.execute("RELEASE act")
            if pinned_before is None:
                desk.pinned.pop(act.key.case_id, None)
            return problem.refused
        self._db.execute("RELEASE act")
        text = json.dumps(value, ensure_ascii=False)
        done.known[(*act.key, name)] = (digest, text)
        done.new.append((*act.key, name, digest, text, desk.now.isoformat()))
        return Done(value)

    def _take_over_bank_lines(self) -> None:
        now = self._clock()
        while self._bank.lines(self.region, self._last_bank_number(), now, 1):
            with writing(self._db):
                # Read again under the lock: another process may have taken the same lines over.
                fresh = self._bank.lines(self.region, self._last_bank_number(), now, _BANK_LINES_AT_ONCE)
                for booked in fresh:
                    line = booked.line
                    row = BankLineRow(
                        line.kind,
                        line.reference,
                        line.amount,
                        line.bank_date,
                        line.serial,
                        line.reason,
                        booked.for_reference,
                    )
                    add_bank_line(self._db, row, line.number)

    def _last_bank_number(self) -> int:
        (last,) = self._db.execute("SELECT coalesce(max(bank_number), 0) FROM bank_lines").fetchone()
        return int(last)

    def _settle_region(self, path: str) -> None:
        query = "SELECT value FROM meta WHERE name = 'region'"
        row = self._db.execute(query).fetchone()
        if row is None:
            with writing(self._db):
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('region', ?)", (self.region,))
                row = self._db.execute(query).fetchone()
        if row[0] != self.region:
            raise OtherRegion(path, row[0], self.region)


@dataclass(frozen=True, slots=True)
class _DoneActs:
    """What was done before under the keys of a batch's cases, and what the batch adds."""

    known: dict[tuple[str, ...], tuple[str, str]]
    new: list[tuple[str, ...]]


_LINE = "SELECT number, kind, reference, amount, bank_date, serial, reason FROM bank_lines"


def _line(row: tuple[Any, ...]) -> BankLine:
    number, kind, reference, amount, day, serial, reason = row
    return BankLine(number, kind, reference, to_yuan(amount), date.fromisoformat(day), serial, reason)


def _digest(act: Act) -> str:
    """What an act asks for, without its key: a repeat must ask for the same."""
    content = {name: getattr(act, name) for name in act.__dataclass_fields__ if name != "key"}
    canonical = json.dumps(content, default=_plain, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{to_cents(value)}"  # 100 and 100.00 are the same amount
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)
