"""Steps: what a service does by itself in the cases that changed, and how a step that acts on the platform acts once.

A step either issues at once, or acts first. A step that acts is pinned by a **claim** (case, step, n, the reserved
place, what was seen, the plan), which blocks the hand; when the ledger holds the claim it is begun, the acts are done
under keys that stay the same after any crash, and the closing event frees the claim in the transaction that appends
it. Whoever finds a claim left behind does the acts again, learns what had been done, and closes it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from jiexu.case.case import Case, NotPermitted
from jiexu.case.event import OWN_HAND, Draft, Role, Seen
from jiexu.case.steps import next_steps
from jiexu.contract.codec import decode_body, encode_body
from jiexu.contract.disclosure import Disclosure, check_disclosures, conceal
from jiexu.contract.errors import ContractError
from jiexu.journal.port import DisclosureRow, NewClaim, Reads, SeqTaken, StoredClaim, Writes
from jiexu.region.platform import Act, Done, Refused
from jiexu.rules.facts import Identity
from jiexu.rules.ruleset import Ruleset, ruleset_by_id
from jiexu.service.agency import Agency
from jiexu.service.issue import Decided, Signing, issue
from jiexu.service.lost_events import cases_with_lost_events
from jiexu.service.persons import PERSON_FIELDS, identity_from, person_key, values_of

# What the local platform refused is tried again by itself after this: the clerk may have cured it there.
REFUSED_RETRY = timedelta(hours=1)


@dataclass(slots=True)
class Work:
    """A case in hand, with what its steps need."""

    case: Case
    role: Role
    position: int
    values: Mapping[tuple[str, str], str]
    known: frozenset[tuple[str, str]] = frozenset()  # (event id, field) of values that are here or were erased

    @property
    def case_id(self) -> str:
        """The case's id, 32 hex digits."""
        return self.case.case_id

    @property
    def application(self) -> Mapping[str, Any]:
        """The body of TransferApplied."""
        assert self.case.application is not None, "a case on the agenda has its application"
        return self.case.application.body

    @property
    def partner(self) -> str:
        """The other region."""
        return self.case.parties[self.role.other].region

    @property
    def identity(self) -> Identity | None:
        """The person, None while the disclosures are missing or erased."""
        assert self.case.application is not None
        kind = self.application["person"]["document_type"]
        return identity_from(kind, self.case.application.event_id, self.values)

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset frozen for the case: that of the acceptance, before it that of the application."""
        return ruleset_by_id(self.ruleset_id)

    @property
    def ruleset_id(self) -> str:
        """Its id, as every event of the case names it."""
        assert self.case.application is not None
        view = self.case.view
        for role in Role:
            if view.hand(role).accepted:
                return self.case.event(role, view.hand(role).accepted).ruleset
        return self.case.application.ruleset

    def times(self, *types: str) -> int:
        """How often events of these types stand in the own hand."""
        seqs = range(1, self.case.view.hand(self.role).seq + 1)
        return sum(self.case.event(self.role, seq).type in types for seq in seqs)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step decided: the drafts, and the acts that must be done before the (one) draft is true.

    `acts` are specifications without personal values (`{"act": "Debit", …}`): they stand in the claim, hence in the
    ledger; the role turns them into acts when it does them. `n` numbers this step in the case.
    """

    step: str
    drafts: tuple[Draft, ...]
    acts: tuple[dict[str, Any], ...] = ()
    n: int = 0
    wants_row: bool = False
    instead: tuple[Draft, ...] = ()
    ruleset: str | None = None
    signing: Signing | None = None


@dataclass(frozen=True, slots=True)
class ForClerk:
    """A step that cannot go on by itself: it waits for a person, with the reason."""

    step: str
    code: str
    zh: str
    en: str


Outcome = Decision | ForClerk | None


class RolePart(Protocol):
    """What a role adds to the loops; one each in `services/outbound` and `services/inbound`."""

    role: Role

    def decide(self, agency: Agency, step: str, works: Sequence[Work]) -> Sequence[Outcome]:
        """What a step decides in each of these cases; what it needs from the platform is read in bulk."""

    def act(self, agency: Agency, work: Work, claim: NewClaim, spec: Mapping[str, Any]) -> Act:
        """The act that a specification of a claim means, with its key and the person's values."""

    def clerk_act(self, agency: Agency, work: Work, name: str, details: Mapping[str, Any]) -> "Outcome":
        """The decision of a clerk's act that acts on the platform, None where this role has no such act."""

    def booked(self, agency: Agency, works: Sequence[Work]) -> Sequence[tuple[Draft, ...]]:
        """Drafts for what the bank's book holds for these cases and their hand does not."""


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
        self.ledger_holds = ledger_holds  # makes the ledger hold up to a position; False while it is unreachable

    def turn(self, limit: int) -> Turned:
        """Look at the cases that changed, oldest first."""
        turned = Turned()
        self.resume()
        agency = self.agency
        with agency.journal.read() as read:
            agenda = read.agenda(self.role, agency.clock(), limit)
            works = self.load(read, [case_id for case_id, _ in agenda])
            blocked = {c.claim.case_id for c in read.open_claims(list(works)) if c.claim.hand is OWN_HAND[self.role]}
            # Nor is anything done by itself in a case that holds what this version does not understand, or in which
            # a partner knows more of our own hand than we do.
            waits = {held.case_id for held in read.held(reason="unknown")} | cases_with_lost_events(read)
            waits &= works.keys() - blocked
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
        if acting and self.ledger_holds(max(work.position for work, _ in acting)):
            turned.claimed += len(acting)
            self.perform(self.claim(acting))
        if settled:
            with agency.journal.write() as write:
                write.settle_agenda(settled)
        return turned

    def load(self, read: Reads, case_ids: Sequence[str]) -> dict[str, Work]:
        """The cases of this role among those, with their disclosed values."""
        known = self.agency.book.load(read, case_ids)
        rows = read.disclosures(list(known))
        by_case: dict[str, list[DisclosureRow]] = {}
        for row in rows:
            by_case.setdefault(row.case_id, []).append(row)
        works = {}
        for case_id, one in known.items():
            parties = one.case.parties
            if parties and parties[self.role].region == self.agency.region:
                rows = by_case.get(case_id, [])
                here = frozenset((row.event_id, row.field) for row in rows)
                works[case_id] = Work(one.case, self.role, one.position, values_of(rows), here)
        return works

    # --- deciding

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
                outcomes = self.part.decide(self.agency, step, [work for work, _ in group])
                for (work, rest), outcome in zip(group, outcomes, strict=True):
                    if isinstance(outcome, Decision):
                        decided.append((work, outcome))
                        continue
                    if isinstance(outcome, ForClerk):
                        self._to_clerk(work, outcome)
                    left.append((work, rest))
        return decided, done

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
                again = self.load(read, [work.case_id])[work.case_id]
            if again.position != work.position:
                continue  # on the agenda again
            try:
                issue(self.agency, [self.decided(again, decision)])
                issued += 1
            except (NotPermitted, ContractError) as problem:
                self._to_clerk(work, _cannot(decision, problem))
                with self.agency.journal.write() as write:
                    write.settle_agenda([(work.case_id, write.last_position())])
        return issued

    def _automatic(self, step: str) -> bool:
        return self.agency.config.mode(self.role, step) == "auto"

    def _to_clerk(self, work: Work, why: ForClerk) -> None:
        with self.agency.journal.write() as write:
            data = json.dumps({"step": why.step})
            write.raise_todo("failed", why.code, work.case_id, why.zh, why.en, data)

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
            wants_row=decision.wants_row,
            instead=decision.instead,
        )

    # --- claims

    def claim(self, acting: Sequence[tuple[Work, Decision]]) -> list[tuple[Work, StoredClaim]]:
        """Pin the steps that act. Cases that moved on meanwhile are left out; they are on the agenda again."""
        agency, hand = self.agency, OWN_HAND[self.role]
        claims, rows, works = [], [], []
        settled: list[tuple[str, int]] = []
        for work, decision in acting:
            (draft,) = decision.drafts
            event_id = agency.new_id()
            try:
                body, values = conceal(work.case_id, event_id, draft.type, draft.body, agency.salt)
                encoded = encode_body(draft.type, body)
                work.case.decide(self.role, Draft(draft.type, body))
            except (NotPermitted, ContractError) as problem:
                self._to_clerk(work, _cannot(decision, problem))
                settled.append((work.case_id, work.position))
                continue
            signing = decision.signing or Signing(agency.config.office.code)
            plan = {
                "type": draft.type,
                "event_id": event_id,
                "body": encoded.hex(),
                "acts": list(decision.acts),
                "ruleset": decision.ruleset or work.ruleset_id,
                "office": signing.office,
                "handled_by": signing.handled_by,
                "reviewed_by": signing.reviewed_by,
            }
            claims.append(
                NewClaim(
                    case_id=work.case_id,
                    hand=hand,
                    step=decision.step,
                    n=decision.n,
                    seq=work.case.view.hand(self.role).seq + 1,
                    seen=work.case.seen_by(self.role),
                    plan=json.dumps(plan, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
                )
            )
            rows.append([DisclosureRow(work.case_id, event_id, v.field, v.salt, v.value) for v in values])
            works.append(work)
        stored: list[tuple[Work, StoredClaim]] = []
        if settled:
            with agency.journal.write() as write:
                write.settle_agenda(settled)
        if not claims:
            return stored
        lease = agency.clock() + timedelta(seconds=agency.config.claim_lease_seconds)
        with agency.journal.write() as write:
            heads = write.heads([c.case_id for c in claims])
            for claim, disclosed, work in zip(claims, rows, works, strict=True):
                if heads[claim.case_id].position != work.position:
                    continue
                try:
                    (position,) = write.claim([claim], agency.owner, lease)
                except SeqTaken:
                    continue
                write.disclose(disclosed)
                stored.append((work, StoredClaim(position, write.now, claim, False, agency.owner, lease)))
            agency.fault("claim.commit")
        return stored

    def perform(self, claims: Sequence[tuple[Work, StoredClaim]]) -> list[Refused]:
        """Begin claims, do their acts, append their events. Nothing begins before the ledger holds the claims.

        Returns what the platform refused; such a claim is freed, or stays with a todo where part of it took effect.
        """
        agency = self.agency
        if not claims:
            return []
        if not self.ledger_holds(max(stored.position for _, stored in claims)):
            # Nothing was begun: the hand stays free, and the clerk reads that it waits for the ledger.
            with agency.journal.write() as write:
                write.end_claims([s.position for _, s in claims if not s.begun], "freed")
            return []
        acts: list[Act] = []
        spans: list[tuple[Work, StoredClaim, int, int]] = []
        for work, stored in claims:
            specs = json.loads(stored.claim.plan)["acts"]
            start = len(acts)
            try:
                acts += [self.part.act(agency, work, stored.claim, spec) for spec in specs]
            except LookupError:  # the person's values are missing: this claim waits, the others go on
                del acts[start:]
                self._cannot_act(work, stored)
                continue
            spans.append((work, stored, start, len(acts)))
        fresh = [stored.position for _, stored, _, _ in spans if not stored.begun]
        if fresh:
            with agency.journal.write() as write:
                write.begin_claims(fresh)
                agency.fault("claim.begin")
        results = agency.platform.perform(acts)
        agency.fault("acts.done")
        closing, refused = [], []
        for work, stored, start, end in spans:
            outcome = results[start:end]
            why = next((r for r in outcome if isinstance(r, Refused)), None)
            if why is None:
                closing.append((work, stored))
            else:
                refused.append(why)
                self._refused(work, stored, why, any(isinstance(r, Done) for r in outcome))
        issue(agency, [self._closing(work, stored) for work, stored in closing])
        self._clear_failed(closing)
        return refused

    def _refused(self, work: Work, stored: StoredClaim, why: Refused, took_effect: bool) -> None:
        """A refused act did nothing. The claim is freed only if none of its acts took effect, and tried again later.

        A claim that stays is not taken up by itself until the todo is cleared.
        """
        at: dict[str, Any] = {"step": stored.claim.step, "n": stored.claim.n}
        with self.agency.journal.write() as write:
            if took_effect:
                at["claim"] = stored.position
            else:
                self._free(write, work, stored)
            write.raise_todo("failed", why.code, work.case_id, why.zh, why.en, json.dumps(at))

    def _free(self, write: Writes, work: Work, stored: StoredClaim) -> None:
        """Free a claim, and look at the case again when it has changed or after a while, not at once."""
        write.end_claims([stored.position], "freed")
        if write.heads([work.case_id])[work.case_id].position == work.position:
            write.settle_agenda([(work.case_id, write.last_position() + 1)])
            write.put_on_agenda([work.case_id], write.now + REFUSED_RETRY)

    def _cannot_act(self, work: Work, stored: StoredClaim) -> None:
        zh, en = (
            "缺少身份信息，无法办理；补齐后自动继续",
            "the person's values are missing; it goes on once they are here",
        )
        with self.agency.journal.write() as write:
            if not stored.begun:
                self._free(write, work, stored)
            data = json.dumps({"step": stored.claim.step})
            write.raise_todo("failed", "identity_missing", work.case_id, zh, en, data)

    def _clear_failed(self, closed: Sequence[tuple[Work, StoredClaim]]) -> None:
        """A step that was refused before and is done now needs nobody any more."""
        done = {(work.case_id, stored.claim.step) for work, stored in closed}
        with self.agency.journal.read() as read:
            todos = [t for t in read.todos(kind="failed") if (t.case_id, json.loads(t.data).get("step")) in done]
        if todos:
            with self.agency.journal.write() as write:
                for todo in todos:
                    write.clear_todo(todo.id)

    def _closing(self, work: Work, stored: StoredClaim) -> Decided:
        plan = json.loads(stored.claim.plan)
        body = decode_body(bytes.fromhex(plan["body"]))
        values = tuple(
            Disclosure(0, row_field, salt, value)
            for (event_id, row_field), (salt, value) in self._disclosed(work.case_id).items()
            if event_id == plan["event_id"]
        )
        return Decided(
            case=work.case,
            role=self.role,
            position=work.position,
            ruleset=plan["ruleset"],
            drafts=(Draft(plan["type"], body),),
            signing=Signing(plan["office"], plan["handled_by"], plan["reviewed_by"]),
            claim=stored,
            event_ids=(plan["event_id"],),
            concealed=((body, values),),
        )

    def _disclosed(self, case_id: str) -> dict[tuple[str, str], tuple[bytes, str]]:
        with self.agency.journal.read() as read:
            rows = read.disclosures([case_id])
        return {(r.event_id, r.field): (r.salt, r.value) for r in rows if r.salt is not None and r.value is not None}

    def resume(self) -> int:
        """Take up claims that were left behind: our own, and others' whose lease has run out."""
        agency = self.agency
        now = agency.clock()
        with agency.journal.read() as read:
            left = [
                c
                for c in read.open_claims()
                if c.claim.hand is OWN_HAND[self.role] and (c.owner == agency.owner or c.lease_until <= now)
            ]
            if not left:
                return 0
            works = self.load(read, [c.claim.case_id for c in left])
            lost = cases_with_lost_events(read)
            stuck = {json.loads(t.data).get("claim") for t in read.todos(kind="failed")}
        left = [c for c in left if c.position not in stuck and c.claim.case_id not in lost]
        if not left:
            return 0
        lease = now + timedelta(seconds=agency.config.claim_lease_seconds)
        with agency.journal.write() as write:
            write.take_up_claims([c.position for c in left], agency.owner, lease)
        self.perform([(works[c.claim.case_id], c) for c in left if c.claim.case_id in works])
        return len(left)


def requests_for_values(work: Work) -> tuple[Draft, ...]:
    """Ask once for personal values of the partner's events that did not come with them (nor were erased here)."""
    case, other = work.case, work.role.other
    if not case.view.holds_row:
        return ()
    missing: dict[int, tuple[str, ...]] = {}
    for seq in range(1, case.view.hand(other).seq + 1):
        event = case.event(other, seq)
        fields = tuple(f for f in check_disclosures(event, ()).missing if (event.event_id, f) not in work.known)
        if fields and event.event_id not in case.voids:
            missing[seq] = fields
    if not missing:
        return ()
    own = [case.event(work.role, seq) for seq in range(1, case.view.hand(work.role).seq + 1)]
    asked = {event.body["event"]["seq"] for event in own if event.type == "DisclosureRequested"}
    return tuple(
        Draft("DisclosureRequested", {"event": {"hand": OWN_HAND[other], "seq": seq}, "fields": fields})
        for seq, fields in missing.items()
        if seq not in asked
    )


def _cannot(decision: Decision, problem: NotPermitted | ContractError) -> ForClerk:
    code = problem.code if isinstance(problem, ContractError) else "not_permitted"
    return ForClerk(decision.step, code, problem.zh, str(problem))


__all__ = ["PERSON_FIELDS", "Decision", "ForClerk", "Outcome", "RolePart", "Seen", "Steps", "Turned", "Work"]
