"""One case as it is shown: both tracks with holder and due date, the money line by line (domain.md §10).

An employer sees progress and no more: no amounts, no periods, no grounds that are private (domain.md §3a.6).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from jiexu.case.event import Event, Role
from jiexu.case.money import MoneyAccount, credited_net, money_account
from jiexu.case.obligations import Track, money_obligation
from jiexu.case.view import PAID_OUT, View
from jiexu.case.words import (
    APPLICANT,
    CODE,
    EVENT,
    LINE,
    MONEY_STATE,
    NOT_YOURS,
    OUTCOME,
    PROCEDURE,
    PROGRESS,
    SCHEME,
    STATUS,
    STEP,
    TRACK,
    Word,
    word,
)
from jiexu.rules.check_table import CHECKS
from jiexu.service.agency import BEIJING, Agency
from jiexu.service.clocks import ClockView, clock_view
from jiexu.service.counter import anew_id
from jiexu.service.dossier import Dossier, Place, dossiers, region_name
from jiexu.service.persons import person_key
from jiexu.service.plain import plain
from jiexu.service.questions import Question, days_elsewhere, questions

SUBTRACTED = ("unearned_allocation", "settled_claims")
"""Lines of the form's account that are taken off (domain.md §2)."""

Audience = Literal["agency", "person", "employer"]


class CaseUnknown(LookupError):
    """There is no such case here, or this region has no part in it."""

    def __init__(self, case_id: str) -> None:
        self.code = "unknown_case"
        self.zh = f"本地没有案件 {case_id}，请核对案件编号"
        self.en = f"there is no case {case_id} here: check the number"
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class TrackView:
    """One of the two tracks: where it stands, and the clock that runs, with who holds it. No clock: nobody must act."""

    track: Track
    state: str
    word: Word
    clock: ClockView | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the form's account, with its sign: the lines add up to the last one."""

    code: str
    word: Word
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """One movement of money: `sent`, `arrived`, `credited`, `returned`, `return_arrived`, `paid_out`."""

    kind: str
    word: Word
    reference: str
    amount: Decimal
    seq: int
    at: datetime
    note: Word | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class MoneyView:
    """The money of a case: what the latest form says, line by line, and what became of what was sent."""

    form_version: int | None
    outcome: Word | None
    lines: tuple[Line, ...]
    account: MoneyAccount
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground of an end: a check's code, a withdrawal's reason, the region that a case was forwarded to."""

    code: str
    word: Word
    text: Word | None


@dataclass(frozen=True, slots=True)
class VoidEvent:
    """An event that its issuer had no right to: it stands in the hand, without effect."""

    type: str
    word: Word
    by: Place
    seq: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A claim: a step that acts on the local platform and has not closed. Until then the hand is blocked."""

    step: str
    word: Word
    since: datetime
    begun: bool

    @property
    def sentence(self) -> Word:
        """What the clerk reads."""
        at = f"{self.since.astimezone(BEIJING):%m-%d %H:%M}"
        if self.begun:
            return Word(f"正在办理{self.word.zh}，自 {at}", f"under way since {at}: {self.word.en}")
        return Word(f"{self.word.zh}等待账本，自 {at}", f"waits for the ledger since {at}: {self.word.en}")


@dataclass(frozen=True, slots=True)
class TodoView:
    """Something of this case that waits for a person."""

    id: int
    kind: str
    code: str
    word: Word
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case for one audience. For an employer everything that is not progress is empty, and left out of `document`."""

    audience: Audience
    case_id: str
    status: str
    status_word: Word
    open: bool
    procedure: Word
    from_scheme: Word
    to_scheme: Word
    applied_on: date
    applicant: Word
    us: Role
    lodger: Role | None
    parties: dict[Role, Place]
    person: Word
    relation: TrackView
    money_track: TrackView
    running: tuple[ClockView, ...]
    elsewhere: int
    grounds: tuple[Ground, ...]
    forwarded_from: str | None
    forwarded_to: Word | None
    anew: str | None
    completed_on: int
    questions: tuple[Question, ...] = ()
    money: MoneyView | None = None
    voids: tuple[VoidEvent, ...] = ()
    claims: tuple[UnderWay, ...] = ()
    todos: tuple[TodoView, ...] = ()

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Questions that are neither answered nor closed."""
        return tuple(one for one in self.questions if one.open)

    def document(self) -> dict[str, Any]:
        """The view as plain JSON values."""
        document: dict[str, Any] = plain(self)
        if self.audience == "employer":
            for name in ("questions", "money", "voids", "claims", "todos"):
                del document[name]
        else:
            for shown, one in zip(document["claims"], self.claims, strict=True):
                shown["sentence"] = plain(one.sentence)
        return document


def case_view(agency: Agency, case_id: str, audience: Audience = "agency") -> CaseView:
    """The view of a case. Raises CaseUnknown."""
    with agency.journal.read() as read:
        found = dossiers(agency, read, [case_id])
    if case_id not in found:
        raise CaseUnknown(case_id)
    return view_of(found[case_id], audience)


def find_cases(agency: Agency, document_type: str, number: str, audience: Audience = "agency") -> list[CaseView]:
    """The cases of a person in this journal, the newest first."""
    key = person_key(agency.index_key, document_type, number)
    with agency.journal.read() as read:
        rows = sorted(read.cases(person_key=key), key=lambda row: row.opened_at, reverse=True)
        found = dossiers(agency, read, [row.case_id for row in rows])
    return [view_of(found[row.case_id], audience) for row in rows if row.case_id in found]


def view_of(dossier: Dossier, audience: Audience = "agency") -> CaseView:
    """The view of a dossier."""
    case, body = dossier.case, dossier.body
    view = case.view
    asked = questions(dossier)
    clocks = []
    for obligation in dossier.obligations():
        clock = clock_view(dossier, obligation)
        clocks.append((obligation.current, replace(clock, elsewhere=days_elsewhere(asked, clock.clock, clock.start))))
    current = {clock.track: clock for is_current, clock in clocks if is_current}
    state = money_state(view)
    shown = CaseView(
        audience=audience,
        case_id=case.case_id,
        status=view.status,
        status_word=word(STATUS, view.status),
        open=view.open,
        procedure=word(PROCEDURE, body["procedure"]),
        from_scheme=word(SCHEME, body["from_scheme"]),
        to_scheme=word(SCHEME, body["to_scheme"]),
        applied_on=body["applied_on"],
        applicant=word(APPLICANT, body["applicant"]),
        us=dossier.role,
        lodger=view.lodger,
        parties={role: dossier.place(role) for role in Role},
        person=dossier.person,
        relation=TrackView(Track.RELATION, view.status, word(STATUS, view.status), current.get(Track.RELATION)),
        money_track=TrackView(Track.MONEY, state, word(MONEY_STATE, state), current.get(Track.MONEY)),
        running=tuple(clock for is_current, clock in clocks if not is_current),
        elsewhere=sum(one.days for one in asked),
        grounds=grounds(dossier),
        forwarded_from=body["forwarded_from"],
        forwarded_to=_forwarded_to(dossier),
        anew=anew_id(case.case_id) if dossier.lodged_anew else None,
        completed_on=view.inbound.completed_on,
    )
    if audience == "employer":
        return _for_employer(shown)
    return replace(
        shown,
        questions=asked,
        money=_money(dossier),
        voids=tuple(_void(dossier, s.event) for s in dossier.events if s.void),
        claims=tuple(UnderWay(c.claim.step, word(STEP, c.claim.step), c.recorded_at, c.begun) for c in dossier.claims),
        todos=tuple(TodoView(t.id, t.kind, t.code, Word(t.zh, t.en), t.raised_at) for t in dossier.todos),
    )


# --- what an employer sees


def _for_employer(shown: CaseView) -> CaseView:
    """Progress only; the money clock without its name, as a pay-out to heirs would tell of a death."""
    state = _PROGRESS.get(shown.money_track.state, "in_progress")
    clock = shown.money_track.clock
    if clock is not None:
        clock = replace(clock, clock="money", word=TRACK["money"], start_kind=None)
    return replace(
        shown,
        money_track=TrackView(Track.MONEY, state, PROGRESS[state], clock),
        grounds=tuple(_public(ground) for ground in shown.grounds),
    )


_PROGRESS = {
    "quiet": "pending",
    "no_money": "none",
    "stays_usable": "none",
    "credited": "done",
    "paid_out": "done",
    "returned": "done",
}


def _public(ground: Ground) -> Ground:
    check = CHECKS.get(ground.code)
    if check is not None and not check.private:
        return Ground(ground.code, ground.word, None)  # a clerk's free text can hold anything
    return Ground("not_shown", NOT_YOURS, None)


# --- the parts


_STATE_OF_CLOCK = {
    "balance_query_answer": "queried",
    "arrival_booked": "under_way",
    "return_booked": "return_under_way",
    "return_ended": "to_return",
    "excess_returned": "excess",
    "pay_out": "to_pay_out",
    "remit": "to_send",
    "difference": "to_send",
    "send_again": "to_send",
}


def money_state(view: View) -> str:
    """One word of MONEY_STATE: what the money of a case is doing."""
    due, form = money_obligation(view), view.form
    account = money_account(view.outbound, view.inbound)
    if due is not None:
        state = _STATE_OF_CLOCK.get(due.clock, "arrived")
        return "part_credited" if state == "to_send" and account.credited else state
    if view.ended:
        return "returned" if account.returned else "no_money"
    if account.under_way:
        return "arrived"
    if form is None:
        return "quiet"
    if form.outcome == "stays_usable":
        return "stays_usable"
    if form.outcome in PAID_OUT and form.amount:
        return "paid_out" if view.paid_out >= form.amount else "to_pay_out"
    if not form.to_credit:
        return "returned" if account.returned else "no_money"
    return "credited" if credited_net(view.inbound) >= form.to_credit else "quiet"


def form_lines(event: Event) -> tuple[Line, ...]:
    """Balance + interest − unearned allocation − settled claims ± named lines = the amount that moves."""
    account = event.body["account"]
    lines = [Line(name, LINE[name], account[name]) for name in ("balance", "interest")]
    lines += [Line(name, LINE[name], -account[name]) for name in SUBTRACTED]
    lines += [Line("other", Word(one["name"], one["name"]), one["amount"]) for one in account["other_lines"]]
    return (*lines, Line("amount", LINE["amount"], account["amount"]))


def _money(dossier: Dossier) -> MoneyView:
    case = dossier.case
    view, form = case.view, case.view.form
    return MoneyView(
        form_version=form.version if form else None,
        outcome=word(OUTCOME, form.outcome) if form else None,
        lines=form_lines(case.event(Role.OUTBOUND, form.seq)) if form else (),
        account=money_account(view.outbound, view.inbound),
        payments=_payments(dossier),
    )


def _payments(dossier: Dossier) -> tuple[Payment, ...]:
    """Every movement, in the order of its event's time."""
    case = dossier.case
    outbound, inbound = case.view.outbound, case.view.inbound

    def moved(kind: str, type: str, role: Role, reference: str, amount: Decimal, seq: int, **more: Any) -> Payment:
        return Payment(kind, EVENT[type], reference, amount, seq, case.event(role, seq).occurred_at, **more)

    found: list[Payment] = []
    for sent in outbound.remittances:
        note = EVENT["RemittanceFailed"] if sent.failed else None
        note = Word("无权汇出，应退回", "sent without a right, to go back") if sent.void else note
        out = (Role.OUTBOUND, sent.reference, sent.amount, sent.seq)
        found.append(moved("sent", "BalanceRemitted", *out, note=note))
    for back in outbound.return_arrivals:
        found.append(moved("return_arrived", "ReturnArrived", Role.OUTBOUND, back.reference, back.amount, back.seq))
    for paid in outbound.paid_out:
        found.append(moved("paid_out", "BalancePaidOut", Role.OUTBOUND, paid.reference, paid.amount, paid.seq))
    for came in inbound.arrivals:
        arrived = (Role.INBOUND, came.reference, came.amount, came.seq)
        found.append(moved("arrived", "BalanceArrived", *arrived, serial=came.serial))
    for kept in inbound.credits:
        found.append(moved("credited", "BalanceCredited", Role.INBOUND, kept.reference, kept.amount, kept.seq))
    for gone in inbound.returns:
        note = word(CODE, case.event(Role.INBOUND, gone.seq).body["reason"])
        returned = (Role.INBOUND, gone.return_reference, gone.amount, gone.seq)
        found.append(moved("returned", "BalanceReturned", *returned, note=note))
    return tuple(sorted(found, key=lambda one: one.at))


def _void(dossier: Dossier, event: Event) -> VoidEvent:
    return VoidEvent(event.type, word(EVENT, event.type), dossier.place(event.hand.role), event.seq)


def grounds(dossier: Dossier) -> tuple[Ground, ...]:
    """Why the case ended without completion: all grounds, in the words of the checks."""
    found: list[Ground] = []
    for stored in dossier.events:
        event = stored.event
        if not stored.void:
            found += grounds_of(dossier, event)
    return tuple(found)


def grounds_of(dossier: Dossier, event: Event) -> list[Ground]:
    """The grounds that one event gives."""
    body = event.body
    match event.type:
        case "TransferRejected":
            found = []
            for index, one in enumerate(body["reasons"]):
                check = CHECKS.get(one["code"])
                said = Word(check.fails_zh, check.fails_en) if check else Word(one["code"], one["code"])
                text = dossier.text(event.event_id, f"reasons.{index}.text", one["text"])
                # The checks' own sentence often is the text: said once.
                found.append(Ground(one["code"], said, text if text != Word(said.zh, said.zh) else None))
            return found
        case "TransferWithdrawn" | "CaseForwarded":
            text = dossier.text(event.event_id, "explanation", body["explanation"])
            return [Ground(body["reason"], word(CODE, body["reason"]), text)]
    return []


def _forwarded_to(dossier: Dossier) -> Word | None:
    view = dossier.case.view
    for role in Role:
        if view.hand(role).forwarded:
            return region_name(dossier.agency, dossier.case.event(role, view.hand(role).forwarded).body["region"])
    return None
