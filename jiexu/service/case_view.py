"""One case as it is shown: both tracks with holder and due date, the money line by line (domain.md §10).

An employer sees progress and no more: no amounts, no periods, no grounds that are private (domain.md §3a.6).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from jiexu.case.event import Event, Role
from jiexu.case.obligations import Track
from jiexu.case.words import (
    APPLICANT,
    CODE,
    EVENT,
    MONEY_STATE,
    NOT_YOURS,
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
from jiexu.service.money_view import MoneyView, money_state, money_view
from jiexu.service.persons import person_key
from jiexu.service.plain import plain
from jiexu.service.questions import Question, days_elsewhere, questions

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
        money=money_view(dossier),
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
