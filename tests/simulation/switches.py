"""How safeguards of the product are switched off: by patching from here, never by a flag in the product."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from jiexu.case.event import Draft, Role
from jiexu.contract.letters import make_receipts
from jiexu.exchange.port import ExchangeError, Outgoing
from jiexu.exchange.topics import topic_name
from jiexu.journal.case_writes import CaseWrites
from jiexu.journal.exchange_writes import ExchangeWrites
from jiexu.journal.sqlite import SqliteSql
from jiexu.region.platform import ActKey
from jiexu.region.registry import SqliteRegistry
from jiexu.service import followers, issue, loop
from jiexu.service.claims import Claims
from jiexu.service.followers import Relay
from jiexu.service.intake import Intake
from jiexu.service.loop import Service
from jiexu.service.placing import Placing
from jiexu.service.startup import StartReport
from jiexu.service.work import Decision
from tests.simulation import disk
from tests.simulation.disk import MemoryDisk
from tests.simulation.run import machine

Off = Callable[[], AbstractContextManager[Any]]
FAR = 10**12


def patched(*targets: tuple[Any, str, Any]) -> Off:
    """A block in which these attributes are replaced."""

    @contextmanager
    def block() -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, value in targets:
                stack.enter_context(patch.object(owner, name, value))
            yield

    return block


def together(*blocks: Off) -> Off:
    """Several switched off at once."""

    @contextmanager
    def block() -> Iterator[None]:
        with ExitStack() as stack:
            for one in blocks:
                stack.enter_context(one())
            yield

    return block


# --- the journal's unique keys


def append_anything(self: CaseWrites, events: Sequence[Any]) -> list[int]:
    """Append without a look at what stands there."""
    claimed = self._open_places([new.event.case_id for new in events])
    self._refuse_known_ids([new.event.event_id for new in events])
    positions = self._record(events)
    self._used_claims.update(
        claimed[place] for new in events if (place := (new.event.case_id, new.event.hand)) in claimed
    )
    return positions


def without_index(name: str, more: Off) -> Off:
    """Without one of the journal's unique indexes, and what asks before it."""

    @contextmanager
    def block() -> Iterator[None]:
        journals = [disk for disk in machine().journals.values() if isinstance(disk, MemoryDisk)]
        made = {}
        for journal in journals:
            (made[journal.region],) = journal.db.execute(
                "SELECT sql FROM sqlite_schema WHERE name = ?", (name,)
            ).fetchone()
            journal.db.execute(f"DROP INDEX {name}")
        try:
            with more():
                yield
        finally:
            for journal in journals:
                journal.begin("00" * 16)
                journal.db.execute(made[journal.region])

    return block


# --- intake


_take, _advance, _must_wait = Intake.take, Intake._advance, Placing._must_wait
_event_at, _known = Placing._event_at, Placing._known


def offsets_first(self: Intake, records: Sequence[Any], topic_id: str) -> int:
    with self.agency.journal.write() as write:
        _advance(self, write, records, topic_id)
    with patch.object(Intake, "_advance", lambda *_: None):
        return _take(self, records, topic_id)


def offsets_last(self: Intake, records: Sequence[Any], topic_id: str) -> int:
    with patch.object(Intake, "_advance", lambda *_: None):
        taken = _take(self, records, topic_id)
    with self.agency.journal.write() as write:
        _advance(self, write, records, topic_id)
    return taken


def offset_from_anywhere(self: Intake, write: Any, records: Sequence[Any], topic_id: str) -> None:
    for record in records:
        write.advance(topic_id, record.partition, write.offset(topic_id, record.partition), record.offset + 1)


def never_waits(*reasons: str) -> Callable[..., str | None]:
    def must_wait(self: Placing, opened: Any) -> str | None:
        reason = _must_wait(self, opened)
        return None if reason in reasons else reason

    return must_wait


def whatever_stands(self: Placing, event: Any) -> Any:
    found = _event_at(self, event)
    return None if found is None else replace(found, hash=event.hash)


def known_without_receipt(self: Placing, event: Any, values: Any, arrival: Any) -> int:
    with patch.object(Placing, "_give_receipt", lambda *_: None):
        return _known(self, event, values, arrival)


_give_receipt = Placing._give_receipt


def receipt_at_once(self: Placing, event: Any, arrival: Any) -> None:
    """Send a receipt before the batch is in the journal."""
    _give_receipt(self, event, arrival)
    agency, peer = self.agency, event.issuer
    receipts = [followers._receipt(self._receipts[-1])]
    letter = make_receipts(agency.signer, agency.party(self.role), peer, number=1, prev=None, receipts=receipts)
    with suppress(ExchangeError):
        agency.producer.send([Outgoing(topic_name(peer.region, peer.role.value), 0, None, letter.bytes)])


# --- issuing and claims

_issue_within, _seal = issue.issue_within, issue._seal


class _Blind:
    """A transaction that believes what a decision believed."""

    def __init__(self, write: Any, **answers: Any) -> None:
        self._write = write
        self.__dict__.update(answers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._write, name)


def one_look(agency: Any, write: Any, decided: Sequence[Any]) -> Any:
    positions = {one.case.case_id: one.position for one in decided}
    return _issue_within(agency, _Blind(write, positions=lambda _: positions), decided)


def not_blocked(agency: Any, write: Any, decided: Sequence[Any]) -> Any:
    own = {one.claim.position for one in decided if one.claim is not None}

    def open_claims(case_ids: Any) -> list[Any]:
        return [claim for claim in write.open_claims(case_ids) if claim.position in own]

    return _issue_within(agency, _Blind(write, open_claims=open_claims), decided)


def seal_on_what_is_seen_now(agency: Any, one: Any, now: Any) -> None:
    claim, one.claim = one.claim, None
    try:
        _seal(agency, one, now)
    finally:
        one.claim = claim


def same_n(case_id: str, step: str, n: str) -> ActKey:
    return ActKey(case_id, step, "1")


def row_for_everybody(_: Any, person_key: str, scheme: str, case_id: str) -> str:
    return case_id


def accept_unjudged(agency: Any, role: Any, work: Any, overlap: Any) -> Decision:
    """A clerk accepts whom the checks refuse, if only nobody holds the person's row now."""
    taken = {"reasons": [{"code": "OUT-10", "text": None}], "survivor": None, "explanation": None}
    accepted = {"checks": [], "overlap": overlap, "bank_account": None}
    return Decision(
        "accept",
        (Draft("TransferAccepted", accepted),),
        row_as_of=FAR if role is Role.OUTBOUND else None,
        instead=(Draft("TransferRejected", taken),),
    )


_perform = SqliteRegistry._perform


def forgetful(self: SqliteRegistry, desk: Any, act: Any, done: Any) -> Any:
    """Do an act as if nothing had been kept under its key."""
    self._db.execute("DELETE FROM acts WHERE case_id = ? AND step = ? AND n = ?", tuple(act.key))
    for known in [key for key in done.known if key[:3] == tuple(act.key)]:
        del done.known[known]
    return _perform(self, desk, act, done)


_orders = iter(range(FAR))


def another_order(desk: Any, act: Any) -> str:
    return f"{desk.region}/{next(_orders)}"


_claims_init = Claims.__init__


def acts_before_the_ledger(self: Claims, agency: Any, part: Any, _: Any) -> None:
    _claims_init(self, agency, part, lambda position: True)


_bundles = Relay._bundles


def sent_before_the_ledger(self: Relay, destination: Any, safe: int) -> int:
    return _bundles(self, destination, FAR)


def move_from_anywhere(self: ExchangeWrites, name: str, _: int, to: int) -> None:
    self._sql.run(
        "INSERT INTO cursors (name, position) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        (name, to),
    )


_places = iter(range(FAR))


def any_partition(_: str, count: int) -> int:
    return next(_places) % count


# --- disks and starts

_connect = SqliteSql.__init__


def _unsynced(self: SqliteSql, *where: Any) -> None:
    _connect(self, *where)
    self._db.execute("PRAGMA synchronous = OFF")


@contextmanager
def no_fsync() -> Iterator[None]:
    with patch.object(SqliteSql, "__init__", _unsynced):
        disk.synced.cache_clear()
        try:
            yield
        finally:
            disk.synced.cache_clear()


def no_check(*_: Any) -> StartReport:
    return StartReport()


def nothing(*_: Any) -> int:
    return 0


def begin_at_once(self: Service, _: float) -> None:
    """Begin without a look at the mailbox."""
    loop.check_at_start(self.agency)


def none_lost(*_: Any) -> set[str]:
    return set()
