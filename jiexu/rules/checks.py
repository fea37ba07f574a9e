"""Running the checks before acceptance (domain.md §5): every verdict, not only the first that fails.

Which checks are asked: at the counter that lodges, the lodger's, the own side's, BOTH-02…05; at the side that
answers, its own, BOTH-01 and BOTH-05. BOTH-04 is never an answer to somebody else's application, and OUT-10 is
judged by outbound alone (protocol.md, one judge for twins).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from jiexu.case.event import Role
from jiexu.rules.check_table import CHECKS, Check, Cure, Curer, Desk, Effect, Side, Strength
from jiexu.rules.facts import Application, JournalFacts, PersonFacts
from jiexu.rules.judgements import JUDGEMENTS, CheckContext, Judgement, Question, not_asked

__all__ = [
    "CHECKS",
    "Check",
    "CheckContext",
    "Cure",
    "Curer",
    "Desk",
    "Effect",
    "Outcome",
    "Side",
    "Strength",
    "Verdict",
    "notices",
    "refusals",
    "routes",
    "run_checks",
    "sides_for",
    "unknowns",
]


class Outcome(StrEnum):
    """What came of one check. `unknown` waits for a clerk: it is neither a pass nor a refusal."""

    PASSED = "passed"
    FAILED = "failed"
    NOTICE = "notice"
    ROUTE = "route"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check and what came of it, with the sentence that is told.

    `cure` is set where something is to be done. `refers_to` names a case (OUT-10, BOTH-04) or a region (OUT-02);
    `details` are months as `YYYY-MM`, for the clerk and the person, never for an employer. `private` marks a
    ground that an employer is not shown. The sentences hold no personal data.
    """

    code: str
    outcome: Outcome
    side: Side
    strength: Strength
    effect: Effect
    zh: str
    en: str
    cure: Cure | None = None
    refers_to: str | None = None
    details: tuple[str, ...] = ()
    private: bool = False

    @property
    def refuses(self) -> bool:
        """True where the application must be refused for it."""
        return self.outcome is Outcome.FAILED


def sides_for(role: Role, is_lodger: bool) -> frozenset[Side]:
    """Whose checks a side makes: its own and those of both; at the lodger's counter also the lodger's."""
    own = Side.OUT if role is Role.OUTBOUND else Side.IN
    return frozenset({own, Side.BOTH} | ({Side.LODGER, Side.COUNTER} if is_lodger else set()))


def run_checks(
    sides: Collection[Side] | None,
    application: Application,
    facts: PersonFacts,
    journal: JournalFacts,
    context: CheckContext,
) -> list[Verdict]:
    """Judge every check of these sides that this desk judges, in the order of the table.

    `sides` None means those of `sides_for`. Local checks that the region's overlay leaves off come back as not
    applicable, as do checks that this kind of transfer is not asked. At a later judgement of a case (acceptance) the
    journal facts must leave out the case itself. Raises KeyError for a procedure that does not exist.
    """
    wanted = sides_for(context.role, context.is_lodger) if sides is None else sides
    desk = Desk.COUNTER if context.is_lodger else Desk.ANSWER
    question = Question(application, facts, journal, context)
    return [
        _verdict(check, _judge(check, question), context.procedure)
        for check in CHECKS.values()
        if check.side in wanted and desk in check.desks and check.role in (None, context.role)
    ]


def refusals(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Every verdict for which the application is refused, in order; all of them are told."""
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.FAILED]


def unknowns(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """What a clerk must find out before the application can be answered."""
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.UNKNOWN]


def routes(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Where the applicant must choose another way (BOTH-02: wait, or go by letter)."""
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.ROUTE]


def notices(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """What is shown and told without stopping the application."""
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.NOTICE]


def _judge(check: Check, question: Question) -> Judgement:
    if not question.context.ruleset.check_is_on(check.code, question.context.role):
        return not_asked("本地未启用此项校验", "this region has not switched the check on")
    return JUDGEMENTS[check.code](question)


_UNMET = {Effect.REFUSE: Outcome.FAILED, Effect.NOTICE: Outcome.NOTICE, Effect.ROUTE: Outcome.ROUTE}


def _outcome(judgement: Judgement, effect: Effect) -> Outcome:
    if not judgement.applies:
        return Outcome.NOT_APPLICABLE
    if judgement.met is None:
        return Outcome.UNKNOWN
    if not judgement.met:
        return _UNMET[effect]
    return Outcome.NOTICE if judgement.noticed else Outcome.PASSED


def _verdict(check: Check, judgement: Judgement, procedure: str) -> Verdict:
    effect = check.effect(procedure)
    outcome = _outcome(judgement, effect)
    zh, en = _sentence(check, judgement, outcome)
    settled = outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE)
    return Verdict(
        code=check.code,
        outcome=outcome,
        side=check.side,
        strength=check.strength,
        effect=effect,
        zh=zh,
        en=en,
        cure=None if settled else check.cure,
        refers_to=judgement.refers_to,
        details=judgement.details,
        private=check.private,
    )


def _sentence(check: Check, judgement: Judgement, outcome: Outcome) -> tuple[str, str]:
    if judgement.zh is not None and judgement.en is not None:
        return judgement.zh, judgement.en
    match outcome:
        case Outcome.UNKNOWN:
            return (
                f"未能核实：{check.zh}。平台没有说明，由经办人员核实",
                f"not established: {check.en}. The platform did not say; a clerk looks",
            )
        case Outcome.PASSED | Outcome.NOT_APPLICABLE:
            return check.zh, check.en
        case _:
            return check.fails_zh, check.fails_en
