"""Claims: a step that acts on the local platform acts once.

It is pinned by a **claim** (case, step, n, the reserved place, what was seen, the plan), which blocks the hand; when
the ledger holds the claim it is begun, the acts are done under keys that stay the same after any crash, and the
closing event frees the claim in the transaction that appends it. Whoever finds a claim left behind does the acts
again, learns what had been done, and closes it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from jiexu.case.case import NotPermitted
from jiexu.case.event import OWN_HAND, Draft
from jiexu.contract.codec import encode_body
from jiexu.contract.disclosure import Disclosure, conceal
from jiexu.contract.errors import ContractError
from jiexu.journal.port import DisclosureRow, NewClaim, StoredClaim, Writes
from jiexu.region.platform import Act, Done, Refused
from jiexu.service.agency import Agency
from jiexu.service.doubt import ask_new, unasked_cases
from jiexu.service.issue import Decided, Signing, issue
from jiexu.service.lost_events import waiting_cases
from jiexu.service.unreported import told
from jiexu.service.work import Decision, RolePart, Work, cannot, load_works, to_clerk

# What the local platform refused is tried again by itself after this: the clerk may have cured it there.
REFUSED_RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A claim in hand: the case, the claim as it stands, its plan read, and its event's personal values."""

    work: Work
    claim: StoredClaim
    plan: dict[str, Any]
    values: Sequence[DisclosureRow]


class Claims:
    """The claims of one role. `ledger_holds` makes the ledger hold up to a position; False while unreachable."""

    def __init__(self, agency: Agency, part: RolePart, ledger_holds: Callable[[int], bool]) -> None:
        self.agency = agency
        self.part = part
        self.role = part.role
        self.ledger_holds = ledger_holds

    def pin(self, acting: Sequence[tuple[Work, Decision]]) -> list[Pinned]:
        """Pin the steps that act. Cases that moved on meanwhile are left out; they are on the agenda again."""
        agency, hand = self.agency, OWN_HAND[self.role]
        made: list[tuple[Work, NewClaim, dict[str, Any], list[DisclosureRow]]] = []
        settled: list[tuple[str, int]] = []
        for work, decision in acting:
            (draft,) = decision.drafts
            event_id = agency.new_id()
            try:
                body, values = conceal(work.case_id, event_id, draft.type, draft.body, agency.salt)
                encoded = encode_body(draft.type, body)
                work.case.decide(self.role, Draft(draft.type, body))
            except (NotPermitted, ContractError) as problem:
                to_clerk(agency, work, cannot(decision, problem))
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
            claim = NewClaim(
                case_id=work.case_id,
                hand=hand,
                step=decision.step,
                n=decision.n,
                seq=work.case.view.hand(self.role).seq + 1,
                seen=work.case.seen_by(self.role),
                plan=json.dumps(plan, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
            )
            rows = [DisclosureRow(work.case_id, event_id, v.field, v.salt, v.value) for v in values]
            made.append((work, claim, plan, rows))
        if settled:
            with agency.journal.write() as write:
                write.settle_agenda(settled)
        if not made:
            return []
        lease = agency.clock() + timedelta(seconds=agency.config.claim_lease_seconds)
        with agency.journal.write() as write:
            case_ids = [claim.case_id for _, claim, _, _ in made]
            last = write.positions(case_ids)
            blocked = {one.claim.case_id for one in write.open_claims(case_ids) if one.claim.hand is hand}
            free = [one for one in made if last[one[1].case_id] == one[0].position and one[1].case_id not in blocked]
            positions = write.claim([claim for _, claim, _, _ in free], agency.owner, lease)
            write.disclose([row for _, _, _, rows in free for row in rows])
            pinned = [
                Pinned(work, StoredClaim(position, write.now, claim, False, agency.owner, lease), plan, rows)
                for position, (work, claim, plan, rows) in zip(positions, free, strict=True)
            ]
            agency.fault("claim.commit")
        return pinned

    def perform(self, pinned: Sequence[Pinned]) -> list[Refused]:
        """Begin claims, do their acts, append their events. Nothing begins before the ledger holds the claims.

        Returns what the platform refused; such a claim is freed, or stays with a todo where part of it took effect.
        """
        agency = self.agency
        if not pinned:
            return []
        if not self.ledger_holds(max(one.claim.position for one in pinned)):
            # Nothing was begun: the hand stays free, and the clerk reads that it waits for the ledger.
            with agency.journal.write() as write:
                free = [claim.position for claim in _standing(write, pinned).values() if not claim.begun]
                if free:
                    write.end_claims(free, "freed")
            return []
        able: list[tuple[Pinned, list[Act]]] = []
        for one in pinned:
            try:
                able.append((one, [self.part.act(agency, one.work, one.claim.claim, s) for s in one.plan["acts"]]))
            except LookupError:  # the person's values are missing: this claim waits, the others go on
                self._cannot_act(one)
        begun = self._begin([one for one, _ in able])
        doing = [(one, its_acts) for one, its_acts in able if one.claim.position in begun]
        results = iter(agency.platform.perform([act for _, its_acts in doing for act in its_acts]))
        agency.fault("acts.done")
        closing, refused = [], []
        for one, its_acts in doing:
            outcome = list(islice(results, len(its_acts)))
            whys = [told(agency, act, r) for act, r in zip(its_acts, outcome, strict=True) if isinstance(r, Refused)]
            if whys:
                refused.append(whys[0])
                self._refused(one, whys[0], any(isinstance(r, Done) for r in outcome))
            else:
                closing.append(one)
        late = issue(agency, [self._closing(one) for one in closing])
        self._clear_failed(closing)
        self._acted_in_vain(late)
        return refused

    def _begin(self, able: Sequence[Pinned]) -> set[int]:
        """State that the acts of these claims may begin; returns which still stand.

        A second copy of this service may have taken one up meanwhile, and closed or freed it.
        """
        if not able:
            return set()
        with self.agency.journal.write() as write:
            standing = _standing(write, able)
            fresh = [claim.position for claim in standing.values() if not claim.begun]
            if fresh:
                write.begin_claims(fresh)
                self.agency.fault("claim.begin")
        return set(standing)

    def _refused(self, one: Pinned, why: Refused, took_effect: bool) -> None:
        """A refused act did nothing. The claim is freed only if none of its acts took effect, and tried again later.

        A claim that stays is not taken up by itself until the todo is cleared.
        """
        at: dict[str, Any] = {"step": one.claim.claim.step, "n": one.claim.claim.n}
        with self.agency.journal.write() as write:
            if took_effect:
                at["claim"] = one.claim.position
            else:
                self._free(write, one)
            write.raise_todo("failed", why.code, one.work.case_id, why.zh, why.en, json.dumps(at))

    def _free(self, write: Writes, one: Pinned) -> None:
        """Free a claim, and look at the case again when it has changed or after a while, not at once."""
        case_id = one.work.case_id
        if not _standing(write, [one]):
            return  # a second copy of this service was first
        write.end_claims([one.claim.position], "freed")
        if write.heads([case_id])[case_id].position == one.work.position:
            write.settle_agenda([(case_id, write.last_position() + 1)])
            write.put_on_agenda([case_id], write.now + REFUSED_RETRY)

    def _cannot_act(self, one: Pinned) -> None:
        zh, en = (
            "缺少身份信息，无法办理；补齐后自动继续",
            "the person's values are missing; it goes on once they are here",
        )
        with self.agency.journal.write() as write:
            if not one.claim.begun:
                self._free(write, one)
            data = json.dumps({"step": one.claim.claim.step})
            write.raise_todo("failed", "identity_missing", one.work.case_id, zh, en, data)

    def _acted_in_vain(self, late: Sequence[Decided]) -> None:
        """Acts took effect here after a second copy of this service had them refused and freed their claim.

        Where no event reports them a person is told; it is over when the step is done again, under the same key.
        """
        for one in late:
            assert one.claim is not None, "only claims are closed here"
            with self.agency.journal.write() as write:
                if any(write.event_by_id(event_id) for event_id in one.event_ids):
                    continue
                step, n = one.claim.claim.step, one.claim.claim.n
                zh = f"{step} 已在本地平台生效，但其占位已被释放，未形成事件；请核对平台和银行记录"
                en = f"{step} took effect on the platform, but its claim had been freed: no event reports it, compare"
                data = json.dumps({"step": step, "n": n})
                write.raise_todo("failed", "acted_in_vain", one.case.case_id, zh, en, data)

    def _clear_failed(self, closed: Sequence[Pinned]) -> None:
        """A step that was refused before and is done now needs nobody any more."""
        done = {(one.work.case_id, one.claim.claim.step) for one in closed}
        with self.agency.journal.read() as read:
            todos = [t for t in read.todos(kind="failed") if (t.case_id, json.loads(t.data).get("step")) in done]
        if todos:
            with self.agency.journal.write() as write:
                for todo in todos:
                    write.clear_todo(todo.id)

    def _closing(self, one: Pinned) -> Decided:
        work, plan = one.work, one.plan
        values = [
            Disclosure(0, row.field, row.salt, row.value)
            for row in one.values
            if row.salt is not None and row.value is not None
        ]
        return Decided(
            case=work.case,
            role=self.role,
            position=work.position,
            ruleset=plan["ruleset"],
            drafts=(Draft(plan["type"], {}),),
            signing=Signing(plan["office"], plan["handled_by"], plan["reviewed_by"]),
            claim=one.claim,
            event_ids=(plan["event_id"],),
            concealed=((bytes.fromhex(plan["body"]), tuple(values)),),
        )

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
            cases = [c.claim.case_id for c in left]
            lost, strangers = waiting_cases(read, cases), unasked_cases(read, cases)
            stuck = {json.loads(t.data).get("claim") for t in read.todos(kind="failed")}
            left = [c for c in left if c.position not in stuck and c.claim.case_id not in lost]
            works = load_works(agency, self.role, read, [c.claim.case_id for c in left])
            by_event: dict[str, list[DisclosureRow]] = {}
            for row in read.disclosures(list(works)):
                by_event.setdefault(row.event_id, []).append(row)
        if strangers:  # of cases that were closed when the partners of open ones were asked
            ask_new(agency, strangers)
        if not left:
            return 0
        lease = now + timedelta(seconds=agency.config.claim_lease_seconds)
        with agency.journal.write() as write:
            write.take_up_claims([c.position for c in left], agency.owner, lease)
        plans = [(c, json.loads(c.claim.plan)) for c in left if c.claim.case_id in works]
        self.perform([Pinned(works[c.claim.case_id], c, p, by_event.get(p["event_id"], ())) for c, p in plans])
        return len(left)


def _standing(write: Writes, pinned: Sequence[Pinned]) -> dict[int, StoredClaim]:
    """Those of the claims that stand open now, as they stand now."""
    ours = {one.claim.position for one in pinned}
    stand = write.open_claims([one.work.case_id for one in pinned])
    return {claim.position: claim for claim in stand if claim.position in ours}
