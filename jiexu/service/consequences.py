"""Consequences on the local platform: what follows from an event without being reported by one.

Keyed by the event's id, so a repeat does nothing twice: outbound holds the relation at acceptance, ends it after
completion, takes that back after a reversal or an end; and once an ended case's money is back, the level of what the
person's account has given goes back to what was paid out. Levels are set, never moved, so late or repeated ones are
harmless. Nothing is done before the ledger holds the event, nor while a claim is open on the own hand.
"""

from collections.abc import Sequence

from jiexu.case.event import OWN_HAND, Event, Role
from jiexu.journal.port import Moved, StoredEvent
from jiexu.region.platform import Act, ActKey, Debit, EndRelation, Hold, Refused, Reinstate
from jiexu.rules.facts import Scheme
from jiexu.service.agency import Agency
from jiexu.service.followers import LEDGER_CURSOR
from jiexu.service.steps import Steps, Work

_EVENTS_A_TURN = 500


class Consequences:
    """Follows the journal for outbound's relations and levels."""

    def __init__(self, agency: Agency, steps: Steps) -> None:
        self.agency = agency
        self.steps = steps
        self.cursor = f"consequences:{steps.role}"

    def turn(self) -> int:
        """Do what the next events entail; returns how many events were looked at."""
        agency, role = self.agency, self.steps.role
        with agency.journal.read() as read:
            stands, safe = read.cursor(self.cursor), read.cursor(LEDGER_CURSOR)
            events = [e for e in read.events(stands, _EVENTS_A_TURN) if e.position <= safe]
            if not events:
                return 0
            works = self.steps.load(read, sorted({e.event.case_id for e in events}))
            claims = {c.claim.case_id for c in read.open_claims(list(works)) if c.claim.hand is OWN_HAND[role]}
        acts: list[Act] = []
        cases: list[str] = []
        for stored in events:
            work = works.get(stored.event.case_id)
            if work is None or stored.void:
                continue
            for act in self._acts(work, stored, blocked=work.case_id in claims):
                acts.append(act)
                cases.append(work.case_id)
        results = agency.platform.perform(acts)
        agency.fault("consequences.done")
        refused = [(c, r) for c, r in zip(cases, results, strict=True) if isinstance(r, Refused)]
        try:
            with agency.journal.write() as write:
                write.move_cursor(self.cursor, stands, events[-1].position)
                for case_id, why in refused:
                    write.raise_todo("failed", why.code, case_id, why.zh, why.en)
        except Moved:
            pass  # a second copy of this service did the same, under the same keys
        return len(events)

    def _acts(self, work: Work, stored: StoredEvent, blocked: bool) -> Sequence[Act]:
        identity = work.identity
        if identity is None or work.role is not Role.OUTBOUND or work.application["scope"] != "full":
            return ()
        event, view = stored.event, work.case.view
        scheme = Scheme(work.application["from_scheme"])
        acts: list[Act] = []
        if event.type == "TransferAccepted" and view.live:
            acts.append(Hold(_key(event, "hold"), identity, scheme))
        if event.type == "TransferCompleted" and view.completed:
            acts.append(EndRelation(_key(event, "end"), identity, scheme, work.partner))
        if event.type == "CompletionReversed" and not view.completed:
            acts.append(Reinstate(_key(event, "reinstate"), identity, scheme))
        if event.type in ("TransferWithdrawn", "TransferRejected", "CaseForwarded") and view.ended and view.accepted:
            acts.append(Reinstate(_key(event, "release"), identity, scheme))
        if view.ended and view.money_back and not blocked and view.outbound.forms:
            acts.append(Debit(_key(event, "debit"), identity, scheme, view.paid_out))
        return acts


def _key(event: Event, step: str) -> ActKey:
    return ActKey(event.case_id, step, event.event_id)


class BankWatch:
    """Wakes the cases of which the bank's book has new lines; the step then reads the lines by reference."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.cursor = f"bank:{role}"
        self.kinds = {"refused", "returned"} if role is Role.OUTBOUND else {"arrived", "return_refused"}

    def turn(self) -> int:
        """Look at new lines; returns how many."""
        agency = self.agency
        with agency.journal.read() as read:
            stands = read.cursor(self.cursor)
        lines = agency.platform.bank_lines(stands)
        if not lines:
            return 0
        with agency.journal.write() as write:
            wake = []
            for line in lines:
                if line.kind in self.kinds:
                    kind = "remittance" if line.kind in ("refused", "arrived") else "return"
                    wake += write.cases_of_reference(kind, line.reference)
                    # None: the remittance's event has not come yet: it will look the line up by its reference.
            write.put_on_agenda(wake)
            write.move_cursor(self.cursor, stands, lines[-1].number)
        return len(lines)
