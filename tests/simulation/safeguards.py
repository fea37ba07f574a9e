"""Safeguards of the product, each with what switches it off: from here, by patching, never by a flag in the product.

`off(name)` is a block in which the safeguard is gone. What a table says of them is made by ablations.py.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from jiexu.journal.case_writes import CaseWrites
from jiexu.journal.exchange_writes import ExchangeWrites
from jiexu.journal.log_writes import LogWrites
from jiexu.journal.sqlite import SqliteSql
from jiexu.region.platform import ActKey
from jiexu.region.registry import SqliteRegistry, acts
from jiexu.service import claims as claims_module
from jiexu.service import clerk, issue, loop, startup, steps
from jiexu.service.claims import Claims
from jiexu.service.followers import Relay, Resend
from jiexu.service.intake import Intake
from jiexu.service.placing import Placing
from jiexu.service.startup import StartReport
from services.inbound import steps as inbound
from services.outbound import steps as outbound
from tests.simulation import disk, world
from tests.simulation.run import machine

Off = Callable[[], AbstractContextManager[Any]]
FAR = 10**12


@dataclass(frozen=True)
class Safeguard:
    """A safeguard: what it is, what goes wrong without it, and how it is switched off."""

    name: str
    what: str
    without: str
    off: Off


def patched(*targets: tuple[Any, str, Any]) -> Off:
    """A block in which these attributes are replaced."""

    @contextmanager
    def block() -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, value in targets:
                stack.enter_context(patch.object(owner, name, value))
            yield

    return block


# --- the journal's unique keys


def _append_anything(self: CaseWrites, events: Sequence[Any]) -> list[int]:
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
        journals = machine().journals.values()
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


def _offsets_first(self: Intake, records: Sequence[Any], topic_id: str) -> int:
    with self.agency.journal.write() as write:
        _advance(self, write, records, topic_id)
    with patch.object(Intake, "_advance", lambda *_: None):
        return _take(self, records, topic_id)


def _offsets_last(self: Intake, records: Sequence[Any], topic_id: str) -> int:
    with patch.object(Intake, "_advance", lambda *_: None):
        taken = _take(self, records, topic_id)
    with self.agency.journal.write() as write:
        _advance(self, write, records, topic_id)
    return taken


def _offset_from_anywhere(self: Intake, write: Any, records: Sequence[Any], topic_id: str) -> None:
    for record in records:
        write.advance(topic_id, record.partition, write.offset(topic_id, record.partition), record.offset + 1)


def _never_waits(*reasons: str) -> Callable[..., str | None]:
    def must_wait(self: Placing, opened: Any) -> str | None:
        reason = _must_wait(self, opened)
        return None if reason in reasons else reason

    return must_wait


def _whatever_stands(self: Placing, event: Any) -> Any:
    found = _event_at(self, event)
    return None if found is None else replace(found, hash=event.hash)


def _known_without_receipt(self: Placing, event: Any, values: Any, arrival: Any) -> int:
    with patch.object(Placing, "_give_receipt", lambda *_: None):
        return _known(self, event, values, arrival)


# --- issuing and claims

_issue_within, _seal = issue.issue_within, issue._seal


class _Blind:
    """A transaction that believes what a decision believed."""

    def __init__(self, write: Any, **answers: Any) -> None:
        self._write = write
        self.__dict__.update(answers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._write, name)


def _one_look(agency: Any, write: Any, decided: Sequence[Any]) -> Any:
    positions = {one.case.case_id: one.position for one in decided}
    return _issue_within(agency, _Blind(write, positions=lambda _: positions), decided)


def _not_blocked(agency: Any, write: Any, decided: Sequence[Any]) -> Any:
    own = {one.claim.position for one in decided if one.claim is not None}

    def open_claims(case_ids: Any) -> list[Any]:
        return [claim for claim in write.open_claims(case_ids) if claim.position in own]

    return _issue_within(agency, _Blind(write, open_claims=open_claims), decided)


def _seal_on_what_is_seen_now(agency: Any, one: Any, now: Any) -> None:
    claim, one.claim = one.claim, None
    try:
        _seal(agency, one, now)
    finally:
        one.claim = claim


def _same_n(case_id: str, step: str, n: str) -> ActKey:
    return ActKey(case_id, step, "1")


def _accept_without_row(_: Any, one: Any) -> None:
    one.wants_row = False


_perform = SqliteRegistry._perform


def _forgetful(self: SqliteRegistry, desk: Any, act: Any) -> Any:
    self._db.execute("DELETE FROM acts WHERE case_id = ? AND step = ? AND n = ?", tuple(act.key))
    return _perform(self, desk, act)


_orders = iter(range(FAR))


def _another_order(desk: Any, act: Any) -> str:
    return f"{desk.region}/{next(_orders)}"


_claims_init = Claims.__init__


def _acts_before_the_ledger(self: Claims, agency: Any, part: Any, _: Any) -> None:
    _claims_init(self, agency, part, lambda position: True)


_bundles = Relay._bundles


def _sent_before_the_ledger(self: Relay, destination: Any, safe: int) -> int:
    return _bundles(self, destination, FAR)


def _move_from_anywhere(self: ExchangeWrites, name: str, _: int, to: int) -> None:
    self._sql.run(
        "INSERT INTO cursors (name, position) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        (name, to),
    )


_places = iter(range(FAR))


def _any_partition(_: str, count: int) -> int:
    return next(_places) % count


# --- disks and starts

_connect = SqliteSql.__init__


def _unsynced(self: SqliteSql, path: Any) -> None:
    _connect(self, path)
    self._db.execute("PRAGMA synchronous = OFF")


@contextmanager
def _no_fsync() -> Iterator[None]:
    with patch.object(SqliteSql, "__init__", _unsynced):
        disk.synced.cache_clear()
        try:
            yield
        finally:
            disk.synced.cache_clear()


def _no_check(*_: Any) -> StartReport:
    return StartReport()


def _nothing(*_: Any) -> int:
    return 0


def _none_lost(_: Any) -> set[str]:
    return set()


SAFEGUARDS = (
    Safeguard(
        "place",
        "a place in a hand (case, hand, seq) is used once: append looks, and a unique key stands behind it",
        "",
        without_index("events_place", patched((CaseWrites, "append", _append_anything))),
    ),
    Safeguard(
        "event_id",
        "an event id is used once: intake asks, append asks, and a unique key stands behind them",
        "",
        without_index(
            "events_id",
            patched((CaseWrites, "_refuse_known_ids", _nothing), (Placing, "_look_for", _nothing)),
        ),
    ),
    Safeguard(
        "known_hash",
        "an event is known when place and hash are those that stand, not by its place alone",
        "",
        patched((Placing, "_event_at", _whatever_stands)),
    ),
    Safeguard(
        "offset_not_before",
        "the mailbox offset moves in the transaction that takes the batch in (here: before it)",
        "",
        patched((Intake, "take", _offsets_first)),
    ),
    Safeguard(
        "offset_not_after",
        "the mailbox offset moves in the transaction that takes the batch in (here: after it)",
        "",
        patched((Intake, "take", _offsets_last)),
    ),
    Safeguard(
        "offset_from_start",
        "the mailbox offset moves only from where the batch began",
        "",
        patched((Intake, "_advance", _offset_from_anywhere)),
    ),
    Safeguard(
        "gap_held", "an event after a gap is held back", "", patched((Placing, "_must_wait", _never_waits("gap")))
    ),
    Safeguard(
        "seen_is_ours",
        "an event that rests on events of ours that are not here is held back",
        "",
        patched((Placing, "_must_wait", _never_waits("seen"))),
    ),
    Safeguard(
        "receipt_repeated",
        "an event that comes again is receipted again",
        "",
        patched((Placing, "_known", _known_without_receipt)),
    ),
    Safeguard(
        "both_hands",
        "an append looks at both hands: what was decided on less is decided again",
        "",
        patched((issue, "issue_within", _one_look)),
    ),
    Safeguard(
        "claim_pinned",
        "the event of a claim is judged by what was seen when the step was decided",
        "",
        patched((issue, "_seal", _seal_on_what_is_seen_now)),
    ),
    Safeguard(
        "claim_blocks",
        "while a claim is open nothing else is appended to its hand",
        "",
        patched(
            (issue, "issue_within", _not_blocked),
            (CaseWrites, "_open_places", lambda *_: {}),
            (clerk.Clerk, "_refuse_blocked", _nothing),
        ),
    ),
    Safeguard("claim_taken_up", "a claim that a crash left is taken up", "", patched((Claims, "resume", _nothing))),
    Safeguard(
        "presumed_begun",
        "after a restore an open claim counts as begun",
        "",
        patched((LogWrites, "_presume_begun", _nothing)),
    ),
    Safeguard(
        "key_with_n",
        "an act's key says how often its step stands in the hand",
        "",
        patched((outbound, "ActKey", _same_n), (inbound, "ActKey", _same_n)),
    ),
    Safeguard(
        "key_kept",
        "the registry keeps what was done under a key",
        "",
        patched((SqliteRegistry, "_perform", _forgetful)),
    ),
    Safeguard("bank_key", "an order to the bank bears the act's key", "", patched((acts, "_bank_key", _another_order))),
    Safeguard(
        "row",
        "outbound accepts only with the person's row",
        "",
        patched((issue, "_settle_wish_for_row", _accept_without_row)),
    ),
    Safeguard("fsync", "a commit is on the disk when it returns", "", _no_fsync),
    Safeguard(
        "ledger_before_relay",
        "nothing is sent before the ledger holds it",
        "",
        patched((Relay, "_bundles", _sent_before_the_ledger)),
    ),
    Safeguard(
        "ledger_before_acts",
        "no act begins before the ledger holds its claim",
        "",
        patched((Claims, "__init__", _acts_before_the_ledger)),
    ),
    Safeguard(
        "check_at_start",
        "the ledger is asked at every start whether the journal is an old copy",
        "",
        patched((startup, "check_at_start", _no_check), (loop, "check_at_start", _no_check)),
    ),
    Safeguard(
        "restore_checked",
        "a clerk's command holds a restored journal against the ledger before it writes",
        "",
        patched((world, "check_if_restored", _nothing)),
    ),
    Safeguard("resend", "what has no receipt is sent again", "", patched((Resend, "turn", _nothing))),
    Safeguard(
        "lost_events",
        "a case in which a partner knows more of our hand than we do issues nothing",
        "",
        patched(
            (steps, "cases_with_lost_events", _none_lost),
            (claims_module, "cases_with_lost_events", _none_lost),
            (clerk, "cases_with_lost_events", _none_lost),
        ),
    ),
    Safeguard(
        "partition_by_case",
        "all events of a case go to one partition, so that they keep their order",
        "",
        patched((issue, "partition_of", _any_partition)),
    ),
    Safeguard(
        "cursor_from_start",
        "a follower's cursor moves only from where it began",
        "",
        patched((ExchangeWrites, "move_cursor", _move_from_anywhere)),
    ),
)
BY_NAME = {one.name: one for one in SAFEGUARDS}
