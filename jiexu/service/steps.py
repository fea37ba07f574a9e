"""Steps: what a service does by itself in the cases that changed. A step issues at once, or acts first (claims.py)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from jiexu.case.case import Case, NotPermitted
from jiexu.case.event import OWN_HAND
from jiexu.case.steps import next_steps
from jiexu.contract.errors import ContractError
from jiexu.service.agency import Agency
from jiexu.service.claims import Claims
from jiexu.service.doubt import ask_new, unasked_cases
from jiexu.service.issue import Decided, Signing, issue
from jiexu.service.lost_events import waiting_cases
from jiexu.service.persons import person_key
from jiexu.service.work import (
    Decision,
    ForClerk,
    Outcome,
    RolePart,
    Work,
    cannot,
    load_works,
    requests_for_values,
    to_clerk,
)

# What a program's own fault looks like; an exchange, a database or a disk that fails is another matter.
_DEFECTS = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, AssertionError)


@dataclass
class Turned:
    """What one turn of the steps did, for logs and for knowing whether there is more."""

    issued: int = 0
    claimed: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


class Steps:
    """The steps of one role."""

    def __init__(self, agency: Agency, part: RolePart, ledger_holds: Callable[[int], bool]) -> None:
        self.agency = agency
        self.part = part
        self.role = part.role
        self.claims = Claims(agency, part, ledger_holds)

    def turn(self, limit: int) -> Turned:
        """Look at the cases that changed, oldest first."""
        turned = Turned()
        self.claims.resume()
        agency = self.agency
        with agency.journal.read() as read:
            agenda = read.agenda(self.role, agency.clock(), limit)
            if not agenda:
                return turned
            works = load_works(agency, self.role, read, [case_id for case_id, _ in agenda], self._has_step)
            blocked = {c.claim.case_id for c in read.open_claims(list(works)) if c.claim.hand is OWN_HAND[self.role]}
            # Nor is anything done by itself in a case that holds what this version does not understand, or in which
            # a partner knows more of our own hand than we do, or may know more.
            waits = {held.case_id for held in read.held(reason="unknown")} | waiting_cases(read, works)
            waits &= works.keys() - blocked
            strangers = unasked_cases(read, [case_id for case_id, _ in agenda])
        if strangers:
            ask_new(agency, strangers)
        # A claim blocks the hand: its closing event, or its being freed, puts the case on the agenda again.
        free = [work for case_id, work in works.items() if case_id not in blocked | waits]
        decided, done = self._decide(free)
        at = dict(agenda)
        settled = [(case_id, at[case_id]) for case_id in [work.case_id for work in done] + sorted(waits)]
        settled += [(case_id, position) for case_id, position in agenda if case_id not in works]
        turned.waiting = len(settled)
        plain = [(work, d) for work, d in decided if not d.acts]
        acting = [(work, d) for work, d in decided if d.acts]
        if plain:
            turned.issued += self._issue(plain)
        # While the ledger is unreachable nothing is claimed: the cases stay on the agenda, their hands free.
        if acting and self.claims.ledger_holds(max(work.position for work, _ in acting)):
            turned.claimed += len(acting)
            self.claims.perform(self.claims.pin(acting))
        if settled:
            with agency.journal.write() as write:
                write.settle_agenda(settled)
        return turned

    def _decide(self, works: Sequence[Work]) -> tuple[list[tuple[Work, Decision]], list[Work]]:
        """For each case the first automatic step that decides something; else it is done with for now.

        A step that waits for a clerk keeps the others of its case from nothing.
        """
        decided: list[tuple[Work, Decision]] = []
        done: list[Work] = []
        left: list[tuple[Work, list[str]]] = []
        for work, drafts in zip(works, self.part.booked(self.agency, works), strict=True):
            if drafts:
                decided.append((work, Decision("book", drafts)))
            elif asked := requests_for_values(work):
                decided.append((work, Decision("ask_values", asked)))
            else:
                left.append((work, [s for s in next_steps(self.role, work.case.view) if self._automatic(s)]))
        while left:
            by_step: dict[str, list[tuple[Work, list[str]]]] = {}
            for work, steps in left:
                if steps:
                    by_step.setdefault(steps[0], []).append((work, steps[1:]))
                else:
                    done.append(work)
            left = []
            for step, group in by_step.items():
                outcomes = self._outcomes(step, [work for work, _ in group])
                for (work, rest), outcome in zip(group, outcomes, strict=True):
                    if isinstance(outcome, Decision):
                        decided.append((work, outcome))
                        continue
                    if isinstance(outcome, ForClerk):
                        to_clerk(self.agency, work, outcome)
                    left.append((work, rest))
        return decided, done

    def _outcomes(self, step: str, works: Sequence[Work]) -> Sequence[Outcome]:
        """What a step decides. Where a defect shows, the case that it shows in waits for a person, and no other."""
        try:
            return self.part.decide(self.agency, step, works)
        except _DEFECTS as defect:
            if len(works) > 1:
                return [outcome for work in works for outcome in self._outcomes(step, [work])]
            structlog.get_logger().error("step_failed", case=works[0].case_id, step=step, exc_info=True)
            what = f"{type(defect).__name__}: {defect}"[:200]
            zh, en = f"程序未能办理（{what}），请报告", f"the program could not decide this ({what}): report it"
            return [ForClerk(step, "step_failed", zh, en)]

    def _issue(self, plain: Sequence[tuple[Work, Decision]]) -> int:
        """Issue what needs no act. Where one of them cannot be issued, it alone goes to a clerk."""
        try:
            issue(self.agency, [self.decided(work, decision) for work, decision in plain])
            return len(plain)
        except (NotPermitted, ContractError):
            pass
        issued = 0
        for work, decision in plain:
            with self.agency.journal.read() as read:
                again = load_works(self.agency, self.role, read, [work.case_id])[work.case_id]
            if again.position != work.position:
                continue  # on the agenda again
            try:
                issue(self.agency, [self.decided(again, decision)])
                issued += 1
            except (NotPermitted, ContractError) as problem:
                to_clerk(self.agency, work, cannot(decision, problem))
                with self.agency.journal.write() as write:
                    write.settle_agenda([(work.case_id, write.last_position())])
        return issued

    def _has_step(self, case: Case) -> bool:
        return any(self._automatic(step) for step in next_steps(self.role, case.view))

    def _automatic(self, step: str) -> bool:
        return self.agency.config.mode(self.role, step) == "auto"

    def decided(self, work: Work, decision: Decision) -> Decided:
        """A decision as it is issued."""
        identity = work.identity
        key = None
        if identity is not None:
            key = person_key(self.agency.index_key, identity.document_type, identity.document_number)
        return Decided(
            case=work.case,
            role=self.role,
            position=work.position,
            ruleset=decision.ruleset or work.ruleset_id,
            drafts=decision.drafts,
            signing=decision.signing or Signing(self.agency.config.office.code),
            person_key=key,
            row_as_of=decision.row_as_of,
            instead=decision.instead,
        )
