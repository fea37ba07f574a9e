"""The clerk's acts (经办、复核): what a person decides, carried out through the same claims, keys and appends.

Every act names who handled it and who reviewed it, two different people, unless the region lets the step run by
itself. What the protocol does not give to this side now is refused with the guards that say why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from jiexu.case.case import NotPermitted
from jiexu.case.event import OWN_HAND, Draft, Event, Hand, Role
from jiexu.case.steps import completing_step
from jiexu.service.agency import Agency
from jiexu.service.answering import accepted_by_clerk
from jiexu.service.casebook import own_role
from jiexu.service.doubt import ask_new, unheard_cases
from jiexu.service.followers import Ledger
from jiexu.service.issue import Signing, issue
from jiexu.service.lost_events import cases_with_lost_events
from jiexu.service.steps import Steps
from jiexu.service.unreported import anew
from jiexu.service.work import Decision, ForClerk, RolePart, Work, load_works


class ActRefused(Exception):
    """An act that cannot be done: a code, what is in the way and what to do."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


@dataclass(frozen=True, slots=True)
class Desk:
    """Who is at the desk: the one who handles (经办) and the one who reviews (复核)."""

    handled_by: str
    reviewed_by: str | None = None
    office: str | None = None


Decide = Callable[[Agency, Work, Mapping[str, Any]], Decision | ForClerk | None]


class Clerk:
    """Acts of clerks in one region; opened by the command line, by a console, by tests."""

    def __init__(self, agency: Agency, parts: Mapping[Role, RolePart]) -> None:
        self.agency = agency
        self.parts = parts
        self.ledger = Ledger(agency)

    def act(self, case_id: str, name: str, desk: Desk, **details: Any) -> list[Event]:
        """Do one act in a case; returns the events that it issued.

        With `anew` the platform sets anew what it has set before without an event (unreported.py).

        Raises ActRefused: `unknown_case`, `unknown_act`, `unknown_event`, `two_people`, `not_permitted`,
        `grounds_stand`, `hand_blocked`, `own_events_missing`, `partner_unheard`, `moved`, `refused` (by the local
        platform), `ledger_unreachable`, or the code of what a step waits for.
        """
        agency = self.agency
        work = self._work(case_id)
        steps = Steps(agency, self.parts[work.role], self.ledger.holds)
        set_anew = details.pop("anew", False)
        decision = self._decision(work, name, details)
        if set_anew and isinstance(decision, Decision):
            decision = anew(agency, work, decision)
        if isinstance(decision, ForClerk):
            raise ActRefused(decision.code, decision.zh, decision.en)
        if decision is None:
            raise ActRefused("nothing_to_do", "现在没有可办的内容", "there is nothing to do for this act now")
        if desk.reviewed_by is None or desk.reviewed_by == desk.handled_by:
            raise ActRefused(
                "two_people",
                "经办与复核须为两人，请用 --reviewed-by 指明复核人",
                "handler and reviewer must be two people",
            )
        decision = replace(
            decision,
            signing=Signing(desk.office or agency.config.office.code, desk.handled_by, desk.reviewed_by),
        )
        before = work.case.view.hand(work.role).seq
        self._refuse_blocked(work)
        try:
            if decision.acts:
                self._perform(steps, work, decision)
            elif issue(agency, [steps.decided(work, decision)]):
                raise ActRefused("moved", "案件刚有新情况，请重新查看后再办", "the case has just changed: look again")
        except NotPermitted as problem:
            agency.book.forget(case_id)
            raise _not_permitted(problem) from None
        with agency.journal.read() as read:
            events = [s.event for s in read.case_events(case_id)]
        return [e for e in events if e.hand is OWN_HAND[work.role] and e.seq > before]

    def _perform(self, steps: Steps, work: Work, decision: Decision) -> None:
        (draft,) = decision.drafts
        work.case.decide(work.role, draft)
        unreachable = ActRefused(
            "ledger_unreachable", "账本暂不可达，未办理，请稍后再试", "the ledger is unreachable: not done"
        )
        if not self.ledger.holds(work.position):
            raise unreachable
        claims = steps.claims.pin([(work, decision)])
        if not claims:
            raise ActRefused("moved", "案件刚有新情况，请重新查看后再办", "the case has just changed: look again")
        refused = steps.claims.perform(claims)
        if refused:
            raise ActRefused(refused[0].code, refused[0].zh, refused[0].en)
        with self.agency.journal.read() as read:
            head = read.heads([work.case_id]).get(work.case_id)
        if head is None:  # an old copy of the journal was put in its place meanwhile
            raise ActRefused(
                "moved", "案件已不在本地日志，请重新查看", "the case is not in this journal any more: look again"
            )
        if head.hands.get(OWN_HAND[work.role], (0, b""))[0] < claims[0].claim.claim.seq:
            raise unreachable

    def _work(self, case_id: str) -> Work:
        agency = self.agency
        with agency.journal.read() as read:
            known = agency.book.load(read, [case_id]).get(case_id)
            role = own_role(known.case, agency.region) if known else None
            if known is None or role is None:
                raise ActRefused("unknown_case", f"没有案件 {case_id}", f"there is no case {case_id}")
            return load_works(agency, role, read, [case_id])[case_id]

    def _refuse_blocked(self, work: Work) -> None:
        with self.agency.journal.read() as read:
            claims = [c for c in read.open_claims([work.case_id]) if c.claim.hand is OWN_HAND[work.role]]
            lost = work.case_id in cases_with_lost_events(read)
            unheard = bool(unheard_cases(read, [work.case_id]))
        if lost:
            raise ActRefused(
                "own_events_missing",
                "对方掌握本方在本案的事件，而本地没有；请先核对并处理告警（jiexu todo list）",
                "the partner knows events of ours that are not here: settle the alarm first, see jiexu todo list",
            )
        if unheard:
            ask_new(self.agency, [work.case_id])
            raise ActRefused(
                "partner_unheard",
                "本地日志曾恢复或账本有缺，已函询对方，尚未答复；答复后即可办理（jiexu todo list）",
                "our journal is in doubt and the partner has not answered yet: act when it has, see jiexu todo list",
            )
        if claims:
            since = claims[0].recorded_at.astimezone().strftime("%H:%M")
            step = claims[0].claim.step
            raise ActRefused("hand_blocked", f"{since} 起正在办理 {step}，请稍候", f"{step} is under way since {since}")

    def _refuse_unless_permitted(self, work: Work, draft: Draft) -> None:
        try:
            work.case.decide(work.role, draft)
        except NotPermitted as problem:
            raise _not_permitted(problem) from None

    def _decision(self, work: Work, name: str, details: Mapping[str, Any]) -> Decision | ForClerk | None:
        if name in STEP_ACTS and not details:
            (outcome,) = self.parts[work.role].decide(self.agency, STEP_ACTS[name](work), [work])
            return outcome
        if name == "accept":
            self._refuse_unless_permitted(work, Draft("TransferAccepted", {}))
            return accepted_by_clerk(self.agency, work.role, work, details.get("overlap"))
        made: Decision | ForClerk | None = self.parts[work.role].clerk_act(self.agency, work, name, details)
        if made is not None:
            return made
        draft = plain_draft(work, name, details)
        if draft is None:
            raise ActRefused("unknown_act", f"没有 {name} 这项办理", f"there is no act {name} for the {work.role} side")
        _refuse_naming_nothing(work, draft)
        return Decision(name, (draft,))


def _not_permitted(problem: NotPermitted) -> ActRefused:
    return ActRefused("not_permitted", problem.zh, str(problem))


def _sending(work: Work) -> str:
    return "remit" if not work.case.view.outbound.remittances else "remit_difference"


# Acts that do what the automatic step would do, decided by a person.
STEP_ACTS: Mapping[str, Callable[[Work], str]] = {
    "answer": lambda work: "answer",
    "upload": lambda work: "answer_form_query" if work.case.view.form_query_open else "upload",
    "complete": lambda work: completing_step(work.case.view),
    "credit": lambda work: "credit",
    "remit": _sending,
    "pay_out": lambda work: "pay_out",
    "return_uncredited": lambda work: "return_uncredited",
}


def plain_draft(work: Work, name: str, details: Mapping[str, Any]) -> Draft | None:
    """Acts that only say something: the event's body from the details, what is open filled in."""
    view = work.case.view
    text = details.get("text")
    match name:
        case "reject":
            reasons = [{"code": code, "text": text} for code in details["codes"]]
            return Draft("TransferRejected", {"reasons": reasons, "survivor": None, "explanation": text})
        case "forward":
            body = {"region": details["region"], "office": None, "reason": "wrong_region", "explanation": text}
            return Draft("CaseForwarded", body)
        case "withdraw":
            asked = view.outbound.withdrawal_requested if view.withdrawal_request_open else None
            answers = asked if work.role is Role.INBOUND else None
            return Draft("TransferWithdrawn", {"reason": details["reason"], "answers": answers, "explanation": text})
        case "request_withdrawal":
            return Draft("WithdrawalRequested", {"reason": details["reason"], "explanation": text})
        case "explain_form":
            return Draft("FormExplained", {"answers": view.inbound.form_query or 1, "explanation": text})
        case "propose_correction":
            return Draft("CorrectionProposed", {"fields": list(details["fields"]), "explanation": text})
        case "query_form":
            problem = {"field": details["field"], "code": details.get("code", "other"), "detail": text}
            return Draft(
                "FormQueried",
                {
                    "version": view.form.version if view.form else 1,
                    "problems": [problem],
                    "proposal": view.outbound.proposed if view.proposal_open else None,
                },
            )
        case "close_form_query":
            return Draft(
                "FormQueryClosed",
                {"closes": view.inbound.form_query or 1, "reason": details["reason"], "explanation": text},
            )
        case "query_balance":
            return Draft(
                "BalanceQueried",
                {
                    "kind": details.get("kind", "other"),
                    "reference": details.get("reference"),
                    "expected": _money(details.get("expected")),
                    "found": _money(details.get("found")),
                    "explanation": text,
                },
            )
        case "close_balance_query":
            return Draft(
                "BalanceQueryClosed",
                {"closes": view.inbound.balance_query or 1, "reason": details["reason"], "explanation": text},
            )
        case "explain_balance":
            return Draft("BalanceExplained", {"answers": view.inbound.balance_query or 1, "explanation": text})
        case "remind":
            return Draft("ReminderSent", {"about": details["about"], "message": text})
        case "request_information":
            return Draft("InformationRequested", {"topic": details["topic"], "question": text})
        case "provide_information":
            return Draft("InformationProvided", {"answers": details["answers"], "answer": text})
        case "escalate":
            return Draft("Escalated", {"about": details["about"], "to": details["to"], "explanation": text})
        case "notify":
            return Draft(
                "NoticeGiven",
                {
                    "about": {"hand": details["hand"], "seq": details["seq"]},
                    "channel": details["channel"],
                    "given_at": details["given_at"],
                    "to": details.get("to", "person"),
                },
            )
    return None


def _refuse_naming_nothing(work: Work, draft: Draft) -> None:
    """A notice tells of an event, and an answer answers a request of the other side. The table leaves both open, so a
    slip of the hand would stand in the case for ever."""
    case = work.case
    match draft.type:
        case "NoticeGiven":
            about = draft.body["about"]
            named = case.times.get((Hand(about["hand"]).role, about["seq"]))
        case "InformationProvided":
            named = case.times.get((work.role.other, draft.body["answers"]))
            if named is not None and named.type != "InformationRequested":
                named = None
        case _:
            return
    if named is None:
        raise ActRefused(
            "unknown_event",
            "案件中没有所指的事件，请用 jiexu events 核对序号",
            "there is no such event in the case: check its seq with jiexu events",
        )


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
