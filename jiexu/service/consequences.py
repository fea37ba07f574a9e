"""Consequences on the local platform: what follows from an event without being reported by one.

Keyed by the event's id, so a repeat does nothing twice: outbound holds the relation at acceptance, ends it after
completion, takes that back after a reversal or an end; and once an ended case's money is back, the level of what the
person's account has given goes back to what was paid out. Levels are set, never moved, so late or repeated ones are
harmless. Nothing is done before the ledger holds the event, nor while a claim is open on the own hand.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Role
from jiexu.case.view import LEFT
from jiexu.journal.columns import own_role
from jiexu.journal.port import CaseRow, IndexedEvent, Moved, Reads, Todo, Writes
from jiexu.region.platform import Act, ActKey, Debit, EndRelation, Hold, Refused, Reinstate
from jiexu.rules.facts import Scheme
from jiexu.service.agency import Agency
from jiexu.service.ledger_end import LEDGER_CURSOR
from jiexu.service.work import Work, load_works

_EVENTS_A_TURN = 2_000
# Events from which something follows on the platform; they wait while nobody knows whom the case is about.
_CAUSES = (
    "TransferAccepted",
    "TransferCompleted",
    "CompletionReversed",
    "TransferWithdrawn",
    "TransferRejected",
    "CaseForwarded",
)
_END = EndRelation.__name__


def end_outstanding(read: Reads, rows: Iterable[CaseRow]) -> str | None:
    """The first of these cases by which a relation has left while it may still stand on outbound's platform.

    Its end is not done yet, waits for the person's values or to be tried again, or was refused and waits for a clerk.
    """
    left = [row for row in rows if row.role is Role.OUTBOUND and row.status in LEFT]
    if not left:
        return None
    done = read.cursor(_cursor(Role.OUTBOUND))
    waits = {todo.case_id for todo in read.todos(kind="failed") if json.loads(todo.data).get("act") == _END}
    waits |= {e.case_id for e in _at(read, _noted(read, _unnamed(Role.OUTBOUND)))}
    return next((row.case_id for row in left if row.position > done or row.case_id in waits), None)


def _cursor(role: Role) -> str:
    return f"consequences:{role}"


def _unnamed(role: Role) -> str:
    """Note: positions of events that wait for the person's values, or to be tried again."""
    return f"unnamed:{role}"


def try_again(write: Writes, todo: Todo) -> None:
    """A person has dealt with a refused consequence: the acts of its event are tried again, under the same keys.

    What the platform refuses again waits again; so a word alone ends no relation.
    """
    about = json.loads(todo.data)
    if "consequence_of" in about:
        position = about["consequence_of"]
        note, one = (_levels, todo.case_id) if position is None else (_unnamed, position)
        write.set_note(note(Role.OUTBOUND), json.dumps(sorted({*_noted(write, note(Role.OUTBOUND)), one})))


def _levels(role: Role) -> str:
    """Note: ended cases whose level waits for a claim, or to be tried again."""
    return f"levels:{role}"


def _noted(read: Reads, note: str) -> set[Any]:
    return set(json.loads(read.note(note) or "[]"))


def _at(read: Reads, positions: Iterable[int]) -> list[IndexedEvent]:
    return [e for position in sorted(positions) for e in read.index(position - 1, 1)]


class _Wanted(NamedTuple):
    """An act on the platform, its case, and the position of the event that it follows from (None: from all of them)."""

    act: Act
    case_id: str
    position: int | None


class Consequences:
    """Follows the journal for outbound's relations and levels."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self.cursor = _cursor(role)
        self.waiting = _levels(role)
        self.unnamed = _unnamed(role)

    def turn(self) -> int:
        """Do what the next events entail; returns how many events were looked at."""
        agency, role = self.agency, self.role
        with agency.journal.read() as read:
            stands, safe = read.cursor(self.cursor), read.cursor(LEDGER_CURSOR)
            events = [e for e in read.index(stands, _EVENTS_A_TURN) if e.position <= safe]
            waited = self._freed(read)
            unnamed = _noted(read, self.unnamed)
            late = _at(read, unnamed)
            if not events and not waited and not late:
                return 0
            causes = self._causes(read, events)
            works = load_works(agency, role, read, sorted({e.case_id for e in (*causes, *late)} | waited))
            late = [e for e in late if (w := works.get(e.case_id)) is not None and w.identity is not None]
            if not events and not waited and not late:
                return 0
            claims = {c.claim.case_id for c in read.open_claims(list(works)) if c.claim.hand is OWN_HAND[role]}
        wanted: list[_Wanted] = []
        tried, without_name = {e.position for e in late}, set()
        for event in [*late, *causes]:
            work = works[event.case_id]
            if work.identity is None and event.type in _CAUSES:
                without_name.add(event.position)
                continue
            acts = self._acts(work, event, blocked=work.case_id in claims)
            wanted += [_Wanted(act, work.case_id, event.position) for act in acts]
        for case_id in sorted(waited):
            work = works[case_id]
            if _level_goes_back(work.case):
                last = max(work.case.last.values(), key=lambda seen: seen.seq)
                acts = self._level(work, work.case.event(last.hand.role, last.seq).event_id)
                wanted += [_Wanted(act, case_id, None) for act in acts]
        blocked = {c for c in claims if c in works and _level_goes_back(works[c].case)}
        results = agency.platform.perform([one.act for one in wanted])
        agency.fault("consequences.done")
        refused = [(one, why) for one, why in zip(wanted, results, strict=True) if isinstance(why, Refused)]
        try:
            with agency.journal.write() as write:
                if events:
                    write.move_cursor(self.cursor, stands, events[-1].position)
                for note, gone, new in ((self.unnamed, tried, without_name), (self.waiting, waited, blocked)):
                    if gone or new:
                        write.set_note(note, json.dumps(sorted(_noted(write, note) - gone | new)))
                for one, why in refused:
                    data = json.dumps({"act": type(one.act).__name__, "consequence_of": one.position})
                    write.raise_todo("failed", why.code, one.case_id, why.zh, why.en, data)
        except Moved:
            pass  # a second copy of this service did the same, under the same keys
        return len(events) + len(waited) + len(late)

    def _causes(self, read: Reads, events: Sequence[IndexedEvent]) -> list[IndexedEvent]:
        """Those of the events from which something may follow: in cases that leave this region, and not void.

        Nothing follows on inbound's platform; there the cursor only says how far the service has come.
        """
        if self.role is not Role.OUTBOUND:
            return []
        ours = [e for e in events if not e.void and own_role(e.hand, e.own) is Role.OUTBOUND]
        known = self.agency.book.load(read, sorted({e.case_id for e in ours if e.type not in _CAUSES}))
        return [e for e in ours if e.type in _CAUSES or _level_goes_back(known[e.case_id].case)]

    def _freed(self, read: Reads) -> set[str]:
        """Ended cases whose level waited for a claim that is gone now: it may have been freed without an event."""
        waiting: set[str] = _noted(read, self.waiting)
        if not waiting:
            return waiting
        hand = OWN_HAND[self.role]
        return waiting - {c.claim.case_id for c in read.open_claims(sorted(waiting)) if c.claim.hand is hand}

    def _acts(self, work: Work, event: IndexedEvent, blocked: bool) -> Sequence[Act]:
        identity = work.identity
        if identity is None or work.application["scope"] != "full":
            return ()
        view = work.case.view
        scheme = Scheme(work.application["from_scheme"])

        def key(step: str) -> ActKey:
            return ActKey(event.case_id, step, event.event_id)

        acts: list[Act] = []
        # Late, as after a loss or a refusal, the relation may have ended already: nothing holds it any more.
        if event.type == "TransferAccepted" and view.live and not view.completed:
            acts.append(Hold(key("hold"), identity, scheme))
        if event.type == "TransferCompleted" and view.completed:
            acts.append(EndRelation(key("end"), identity, scheme, work.partner))
        if event.type == "CompletionReversed" and not view.completed:
            acts.append(Reinstate(key("reinstate"), identity, scheme))
        if event.type in ("TransferWithdrawn", "TransferRejected", "CaseForwarded") and view.ended and view.accepted:
            acts.append(Reinstate(key("release"), identity, scheme))
        if _level_goes_back(work.case) and not blocked:
            acts += self._level(work, event.event_id)
        return acts

    def _level(self, work: Work, event_id: str) -> list[Act]:
        identity, scheme = work.identity, Scheme(work.application["from_scheme"])
        if identity is None:
            return []
        return [Debit(ActKey(work.case_id, "debit", event_id), identity, scheme, work.case.view.paid_out)]


def _level_goes_back(case: Case) -> bool:
    """Whether an ended case's money is back, and the person's account had given something to it."""
    view = case.view
    if not view.ended or not view.money_back:
        return False
    forms = [case.event(Role.OUTBOUND, form.seq).body for form in view.outbound.forms]
    return any(form["account"]["debited"] for form in forms)
