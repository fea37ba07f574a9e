"""The acts on the registry, one function each: guard first, then write, then say what was done.

Every function runs inside a savepoint; raising ActRefused undoes it. Orders to the bank come after all guards, since
the bank does not forget an order when a savepoint is rolled back.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jiexu.region.platform import (
    Act,
    ActKey,
    Advance,
    Credit,
    Debit,
    EndRelation,
    Hold,
    PayOut,
    RecordMonths,
    Reinstate,
    Return,
    Send,
    TakeBack,
    UnrecordMonths,
)
from jiexu.region.registry import account, months
from jiexu.region.registry.bank import BEIJING, Bank, Transfer, TransferKind, TransferReused
from jiexu.region.registry.money import AmountError, text, to_cents
from jiexu.region.registry.persons import Document, choose, document_of
from jiexu.region.registry.refusals import ActRefused
from jiexu.rules.facts import Identity, RelationStatus, Scheme

Value = dict[str, str]

# Stands where the reference would: money advanced before it arrives has none.
ADVANCED = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What an act works with: the registry's open transaction, the bank, the own region, the time of the batch.

    `numbers` are the person numbers under each identity's document, `pinned` the number that each case is about: read
    for all acts of a batch at once.
    """

    db: sqlite3.Connection
    bank: Bank
    region: str
    now: datetime
    numbers: Mapping[Document, Sequence[str]]
    pinned: dict[str, str]


def act_name(act: Act) -> str:
    """Under which name an act's result is kept beside its key. Every attempt of a return is an act of its own."""
    return f"Return {act.attempt}" if isinstance(act, Return) else type(act).__name__


def do(desk: Desk, act: Act) -> Value:
    """Do one act. ActRefused where it did nothing."""
    try:
        return _DOERS[type(act)](desk, act)
    except AmountError:
        raise ActRefused("amount_invalid") from None


def hold(desk: Desk, act: Hold) -> Value:
    """Suspend the relation for the case. An active resident relation stays active: §4 asks no suspension of it, and
    suspending it would take this year's cover away.
    """
    number, status, _ = _relation(desk, act.key, act.identity, act.scheme)
    _not_ended(desk, act, number, status)
    _not_held(desk, act, number, status)
    keep = act.scheme is Scheme.RESIDENT and status == RelationStatus.ACTIVE
    target = RelationStatus.ACTIVE if keep else RelationStatus.SUSPENDED
    return _set_relation(desk, act, number, target, None)


def end_relation(desk: Desk, act: EndRelation) -> Value:
    """End the relation; it names where it went. One that a person has ended by hand, to there, is ended."""
    number, status, where = _relation(desk, act.key, act.identity, act.scheme)
    if where != act.moved_to or _ended_by_a_case(desk, act, number):
        _not_ended(desk, act, number, status)
    _not_held(desk, act, number, status)
    return _set_relation(desk, act, number, RelationStatus.ENDED, act.moved_to)


def reinstate(desk: Desk, act: Reinstate) -> Value:
    """Give the relation its state from before the case; where somebody changed it since, theirs stays."""
    number, status, _ = _relation(desk, act.key, act.identity, act.scheme)
    which = (act.key.case_id, number, act.scheme)
    row = desk.db.execute(
        "SELECT status_before, ended_to_before, status_set FROM case_relations"
        " WHERE case_id = ? AND person_number = ? AND scheme = ?",
        which,
    ).fetchone()
    if row is None:
        return {"status": status, "changed": "no"}
    before, ended_to, status_set = row
    desk.db.execute("DELETE FROM case_relations WHERE case_id = ? AND person_number = ? AND scheme = ?", which)
    if status != status_set:
        return {"status": status, "changed": "no"}
    desk.db.execute(
        "UPDATE relations SET status = ?, ended_to = ? WHERE person_number = ? AND scheme = ?",
        (before, ended_to, number, act.scheme),
    )
    return {"status": before, "changed": "no" if before == status else "yes"}


def debit(desk: Desk, act: Debit) -> Value:
    """Set what the account gives to the case; the balance moves by the difference to the level before."""
    level = _not_negative(act.level)
    _employee_only(act.scheme)
    number = _person(desk, act.key, act.identity, act.scheme)
    before = _level(desk, act.key.case_id)
    held = _account(desk, number, before)
    if held is None:
        raise ActRefused("account_unknown", who=act.identity.masked())
    # Only more is refused: a level that goes down gives the person money back, whatever the account says today.
    if level > before and level > held.may_give:
        raise ActRefused("level_above_account", asked=text(level), found=text(held.may_give))
    paid_out = _paid_out(desk, act.key.case_id)
    if level < paid_out:
        raise ActRefused("level_below_paid_out", asked=text(level), found=text(paid_out))
    _move(desk, number, before - level)
    desk.db.execute(
        "INSERT INTO case_levels VALUES (?, ?, ?) ON CONFLICT (case_id) DO UPDATE SET level = excluded.level",
        (act.key.case_id, number, level),
    )
    return {"level": text(level), "before": text(before)}


def send(desk: Desk, act: Send) -> Value:
    """Order the bank to pay the inbound region. The region's money alone moves here; the person was debited before."""
    amount = _above_zero(act.amount)
    _own_region(desk, act.from_region, act.to_region)
    key = _bank_key(desk, act)
    if _exists(desk, "sent", "reference", act.reference):
        raise ActRefused("reference_used", reference=act.reference)
    serial = _submit(
        desk,
        act.key,
        Transfer(
            key,
            TransferKind.REMITTANCE,
            act.reference,
            act.amount,
            act.from_region,
            act.to_region,
            document_number=act.document_number,
            payee=act.payee,
            bank_account=act.bank_account,
        ),
    )
    desk.db.execute(
        "INSERT INTO sent VALUES (?, ?, ?, ?, ?)",
        (act.reference, act.key.case_id, act.to_region, amount, serial),
    )
    return {"reference": act.reference, "amount": text(amount), "serial": serial}


def send_back(desk: Desk, act: Return) -> Value:
    """Order the bank to pay arrived money back. Again under the same return reference only after the bank refused."""
    amount = _above_zero(act.amount)
    _own_region(desk, act.from_region, act.to_region)
    key = _bank_key(desk, act)
    known = desk.db.execute(
        "SELECT reference, amount, to_region, attempts FROM returned WHERE return_reference = ?",
        (act.return_reference,),
    ).fetchone()
    # An order that the bank has was permitted when it was given: what came since must not keep it from being recorded.
    if not desk.bank.knows(key):
        _may_send_back(desk, act, amount, known)
    serial = _submit(
        desk,
        act.key,
        Transfer(
            key,
            TransferKind.RETURN,
            act.return_reference,
            act.amount,
            act.from_region,
            act.to_region,
            for_reference=act.reference,
        ),
    )
    desk.db.execute(
        "INSERT INTO returned VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (return_reference)"
        " DO UPDATE SET attempts = attempts + 1, serial = excluded.serial",
        (act.return_reference, act.reference, act.key.case_id, act.to_region, amount, serial),
    )
    return {"return_reference": act.return_reference, "amount": text(amount), "serial": serial}


def pay_out(desk: Desk, act: PayOut) -> Value:
    """Pay the person or the heirs out of what the account gave to the case."""
    amount = _above_zero(act.amount)
    if _exists(desk, "paid_out", "bank_reference", act.bank_reference):
        raise ActRefused("reference_used", reference=act.bank_reference)
    paid, level = _paid_out(desk, act.key.case_id) + amount, _level(desk, act.key.case_id)
    if paid > level:
        raise ActRefused("paid_out_above_level", asked=text(paid), found=text(level))
    desk.db.execute("INSERT INTO paid_out VALUES (?, ?, ?)", (act.bank_reference, act.key.case_id, amount))
    return {"bank_reference": act.bank_reference, "amount": text(amount), "paid_out": text(paid)}


def record_months(desk: Desk, act: RecordMonths) -> Value:
    """Replace what this case recorded before by the rows of the form."""
    number = _person(desk, act.key, act.identity, act.scheme)
    for row in act.rows:
        try:
            most = months.span(row.first_month, row.last_month)
        except ValueError:
            most = 0
        if not 0 < row.months <= most:
            raise ActRefused("months_invalid", first=row.first_month, last=row.last_month, months=row.months)
    desk.db.execute("DELETE FROM case_months WHERE case_id = ?", (act.key.case_id,))
    desk.db.executemany(
        "INSERT INTO case_months VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                act.key.case_id,
                place,
                number,
                row.region,
                row.scheme,
                row.first_month,
                row.last_month,
                row.months,
                row.kind,
                row.brought_in,
            )
            for place, row in enumerate(act.rows)
        ],
    )
    return {"rows": str(len(act.rows)), "months": str(sum(row.months for row in act.rows))}


def unrecord_months(desk: Desk, act: UnrecordMonths) -> Value:
    """Take out what this case recorded; nothing recorded is no error, the books are then as asked."""
    (gone,) = desk.db.execute(
        "SELECT coalesce(sum(months), 0) FROM case_months WHERE case_id = ?", (act.key.case_id,)
    ).fetchone()
    desk.db.execute("DELETE FROM case_months WHERE case_id = ?", (act.key.case_id,))
    return {"months": str(gone)}


def credit(desk: Desk, act: Credit) -> Value:
    """Credit arrived money; opens the account where there is none. Never more than arrived and is still here."""
    amount = _above_zero(act.amount)
    free = _free(desk, act.reference)
    if amount > free:
        raise ActRefused("above_arrived", reference=act.reference, asked=text(amount), found=text(free))
    return _credit(desk, act, act.reference, amount)


def advance(desk: Desk, act: Advance) -> Value:
    """Credit the region's own money before the other's has arrived (先划转后清算)."""
    return _credit(desk, act, ADVANCED, _above_zero(act.amount))


def take_back(desk: Desk, act: TakeBack) -> Value:
    """Take credited money out again, so that it can be returned."""
    amount = _above_zero(act.amount)
    _employee_only(act.scheme)
    number = _person(desk, act.key, act.identity, act.scheme)
    (credited,) = desk.db.execute(
        "SELECT coalesce(sum(iif(taken_back, -amount, amount)), 0) FROM credited"
        " WHERE reference = ? AND person_number = ?",
        (act.reference, number),
    ).fetchone()
    if amount > credited:
        raise ActRefused("above_credited", reference=act.reference, asked=text(amount), found=text(credited))
    held = _account(desk, number, 0)
    if held is None or amount > held.holds:
        found = held.holds if held else 0
        raise ActRefused("balance_insufficient", asked=text(amount), found=text(found))
    _move(desk, number, -amount)
    _note_credit(desk, act.key.case_id, number, act.reference, amount, taken_back=True)
    return {"reference": act.reference, "amount": text(amount)}


_DOERS: dict[type, Callable[..., Value]] = {
    Hold: hold,
    EndRelation: end_relation,
    Reinstate: reinstate,
    Debit: debit,
    Send: send,
    Return: send_back,
    PayOut: pay_out,
    RecordMonths: record_months,
    UnrecordMonths: unrecord_months,
    Credit: credit,
    Advance: advance,
    TakeBack: take_back,
}


def _person(desk: Desk, key: ActKey, identity: Identity, scheme: Scheme) -> str:
    """The person number that the case is about; the first act of a case settles it."""
    numbers = desk.numbers[document_of(identity)]
    pinned = desk.pinned.get(key.case_id)
    if pinned is not None:
        if pinned not in numbers:
            raise ActRefused("case_of_another_person", who=identity.masked())
        return pinned
    number = choose(desk.db, numbers, scheme)
    if number is None:
        raise ActRefused("person_unknown", who=identity.masked())
    desk.db.execute("INSERT INTO cases VALUES (?, ?)", (key.case_id, number))
    desk.pinned[key.case_id] = number
    return number


def _relation(desk: Desk, key: ActKey, identity: Identity, scheme: Scheme) -> tuple[str, str, str | None]:
    number = _person(desk, key, identity, scheme)
    row = desk.db.execute(
        "SELECT status, ended_to FROM relations WHERE person_number = ? AND scheme = ?", (number, scheme)
    ).fetchone()
    if row is None:
        raise ActRefused("relation_unknown", who=identity.masked())
    return number, row[0], row[1]


def _not_ended(desk: Desk, act: Hold | EndRelation, number: str, status: str) -> None:
    if status != RelationStatus.ENDED:
        return
    own, where = desk.db.execute(
        "SELECT EXISTS (SELECT 1 FROM case_relations c WHERE c.case_id = ? AND c.person_number = r.person_number"
        " AND c.scheme = r.scheme AND c.status_set = 'ended'), ended_to"
        " FROM relations r WHERE person_number = ? AND scheme = ?",
        (act.key.case_id, number, act.scheme),
    ).fetchone()
    if not own:
        raise ActRefused("relation_ended", who=act.identity.masked(), where=where or "-")


def _ended_by_a_case(desk: Desk, act: EndRelation, number: str) -> bool:
    query = "SELECT 1 FROM case_relations WHERE person_number = ? AND scheme = ? AND status_set = 'ended'"
    return desk.db.execute(query, (number, act.scheme)).fetchone() is not None


def _not_held(desk: Desk, act: Hold | EndRelation, number: str, status: str) -> None:
    """Another case's hold stands in the way only while the relation still has the state that it gave."""
    other = desk.db.execute(
        "SELECT 1 FROM case_relations WHERE person_number = ? AND scheme = ? AND case_id <> ?"
        " AND status_set = ? AND status_set <> 'ended'",
        (number, act.scheme, act.key.case_id, status),
    ).fetchone()
    if other is not None:
        raise ActRefused("held_by_other", who=act.identity.masked())


def _set_relation(
    desk: Desk, act: Hold | EndRelation, number: str, status: RelationStatus, ended_to: str | None
) -> Value:
    """Set the state, keeping the one from before the case's first hold or end."""
    desk.db.execute(
        "INSERT INTO case_relations SELECT ?, person_number, scheme, status, ended_to, ? FROM relations"
        " WHERE person_number = ? AND scheme = ?"
        " ON CONFLICT DO UPDATE SET status_set = excluded.status_set",
        (act.key.case_id, status, number, act.scheme),
    )
    desk.db.execute(
        "UPDATE relations SET status = ?, ended_to = ? WHERE person_number = ? AND scheme = ?",
        (status, ended_to, number, act.scheme),
    )
    return {"status": str(status)} | ({"moved_to": ended_to} if ended_to else {})


def _account(desk: Desk, number: str, own_level: int) -> account.Account | None:
    row = desk.db.execute(f"SELECT {account.COLUMNS} FROM accounts WHERE person_number = ?", (number,)).fetchone()
    if row is None:
        return None
    (levels,) = desk.db.execute(
        "SELECT coalesce(sum(level), 0) FROM case_levels WHERE person_number = ?", (number,)
    ).fetchone()
    return account.account_from(row, own_level, levels - own_level)


def _credit(desk: Desk, act: Credit | Advance, reference: str, amount: int) -> Value:
    _employee_only(act.scheme)
    number = _person(desk, act.key, act.identity, act.scheme)
    today = desk.now.astimezone(BEIJING).date().isoformat()
    opened = desk.db.execute(
        "INSERT OR IGNORE INTO accounts VALUES (?, 0, 0, 0, 0, 0, '[]', ?)", (number, today)
    ).rowcount
    _move(desk, number, amount)
    _note_credit(desk, act.key.case_id, number, reference, amount, taken_back=False)
    return {"reference": reference, "amount": text(amount), "opened": "yes" if opened else "no"}


def _note_credit(desk: Desk, case_id: str, number: str, reference: str, amount: int, *, taken_back: bool) -> None:
    desk.db.execute(
        "INSERT INTO credited (case_id, person_number, reference, amount, taken_back) VALUES (?, ?, ?, ?, ?)",
        (case_id, number, reference, amount, taken_back),
    )


def _move(desk: Desk, number: str, difference: int) -> None:
    desk.db.execute("UPDATE accounts SET balance = balance + ? WHERE person_number = ?", (difference, number))


def _level(desk: Desk, case_id: str) -> int:
    row = desk.db.execute("SELECT level FROM case_levels WHERE case_id = ?", (case_id,)).fetchone()
    return 0 if row is None else int(row[0])


def _paid_out(desk: Desk, case_id: str) -> int:
    (total,) = desk.db.execute("SELECT coalesce(sum(amount), 0) FROM paid_out WHERE case_id = ?", (case_id,)).fetchone()
    return int(total)


def _free(desk: Desk, reference: str) -> int:
    """Of a remittance: arrived − credited + taken back − returned. A return counts from its first order on."""
    (free,) = desk.db.execute(
        "SELECT (SELECT coalesce(sum(amount), 0) FROM bank_lines WHERE reference = ?1 AND kind = 'arrived')"
        " - (SELECT coalesce(sum(iif(taken_back, -amount, amount)), 0) FROM credited WHERE reference = ?1)"
        " - (SELECT coalesce(sum(amount), 0) FROM returned WHERE reference = ?1)",
        (reference,),
    ).fetchone()
    return int(free)


def _may_send_back(desk: Desk, act: Return, amount: int, known: tuple[str, int, str, int] | None) -> None:
    if known is None:
        free = _free(desk, act.reference)
        if amount > free:
            raise ActRefused("above_arrived", reference=act.reference, asked=text(amount), found=text(free))
        return
    reference, first_amount, to_region, attempts = known
    if (reference, first_amount, to_region) != (act.reference, amount, act.to_region):
        raise ActRefused("reference_used", reference=act.return_reference)
    (refused,) = desk.db.execute(
        "SELECT count(*) FROM bank_lines WHERE reference = ? AND kind = 'return_refused'",
        (act.return_reference,),
    ).fetchone()
    if refused < attempts:
        raise ActRefused("return_under_way", reference=act.return_reference)


def _bank_key(desk: Desk, act: Send | Return) -> str:
    """One order per act and key at the bank too: what a crash left without a record here is found there."""
    return "/".join((desk.region, act_name(act), *act.key))


def _submit(desk: Desk, key: ActKey, transfer: Transfer) -> str:
    try:
        return desk.bank.submit(transfer, desk.now).serial
    except TransferReused:
        raise ActRefused("key_reused", step=key.step, n=key.n) from None


def _exists(desk: Desk, table: str, column: str, value: str) -> bool:
    return desk.db.execute(f"SELECT 1 FROM {table} WHERE {column} = ?", (value,)).fetchone() is not None


def _own_region(desk: Desk, from_region: str, to_region: str) -> None:
    if from_region != desk.region or to_region == desk.region:
        raise ActRefused("not_own_region", own=desk.region)


def _employee_only(scheme: Scheme) -> None:
    if scheme is not Scheme.EMPLOYEE:
        raise ActRefused("no_account_in_scheme")


def _above_zero(amount: Decimal) -> int:
    cents = _not_negative(amount)
    if cents == 0:
        raise ActRefused("amount_invalid")
    return cents


def _not_negative(amount: Decimal) -> int:
    cents = to_cents(amount)
    if cents < 0:
        raise ActRefused("amount_invalid")
    return cents
