"""The checks of one side, run with what its platform, its journal and the directory say of a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jiexu.case.event import Role
from jiexu.case.view import LEFT
from jiexu.journal.port import CaseRow, Reads
from jiexu.rules.checks import Outcome, Verdict, refusals, run_checks, unknowns
from jiexu.rules.facts import Application, Identity, JournalFacts, PersonFacts, Scheme
from jiexu.rules.judgements import CheckContext
from jiexu.rules.ruleset import Ruleset
from jiexu.service.agency import Agency
from jiexu.service.consequences import end_outstanding
from jiexu.service.moves import moving
from jiexu.service.persons import person_key


@dataclass(frozen=True, slots=True)
class Asked:
    """One application, as one side is asked about it. The case itself (None at the counter) is no fact of its own."""

    application: Application
    ruleset: Ruleset
    is_lodger: bool
    case_id: str | None = None
    other_identity: Identity | None = None
    other_coverage_year: int | None = None


class Judged(NamedTuple):
    """The verdicts on each application, and the journal's last position when it was asked: what came later they do not
    know."""

    verdicts: list[list[Verdict]]
    as_of: int


def scheme_asked(role: Role, application: Application) -> Scheme:
    """The scheme that a side is asked about: the one that is left, or the one that is joined."""
    return application.from_scheme if role is Role.OUTBOUND else application.to_scheme


def judge(agency: Agency, role: Role, asked: Sequence[Asked]) -> Judged:
    """All verdicts of this side on each application; facts are read in bulk, one call a scheme."""
    # The journal is asked before the platform: where an end was not outstanding then, the platform's answer shows it.
    with agency.journal.read() as read:
        known = [_known(agency, read, role, one) for one in asked]
        as_of = read.last_position()
    found: dict[int, PersonFacts] = {}
    by_scheme: dict[Scheme, list[int]] = {}
    for index, one in enumerate(asked):
        by_scheme.setdefault(scheme_asked(role, one.application), []).append(index)
    today = agency.today()
    for scheme, indexes in by_scheme.items():
        identities = [asked[i].application.identity for i in indexes]
        found.update(zip(indexes, agency.platform.facts(identities, scheme, today), strict=True))
    verdicts = []
    for index, one in enumerate(asked):
        application = one.application
        context = CheckContext(
            role=role,
            is_lodger=one.is_lodger,
            procedure=application.procedure,
            ruleset=one.ruleset,
            today=today,
            outbound_online=_online(agency, application.outbound, application.procedure),
            inbound_online=_online(agency, application.inbound, application.procedure),
            same_pooling_region=agency.places.same_pooling_region(application.outbound, application.inbound),
            other_identity=one.other_identity,
            other_coverage_year=one.other_coverage_year,
        )
        verdicts.append(
            run_checks(None, application, found[index], _journal_facts(role, one, found[index], known[index]), context)
        )
    return Judged(verdicts, as_of)


def _online(agency: Agency, region: str, procedure: str) -> bool:
    return agency.participants.is_online(region, procedure, agency.today())  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Known:
    """What this side's own journal knows of the same relation, the case itself left out."""

    rows: list[CaseRow]
    holder: str | None  # of the row of open_moves, or the case by which the relation is leaving


def _known(agency: Agency, read: Reads, role: Role, one: Asked) -> _Known:
    who, scheme = one.application.identity, one.application.from_scheme
    key = person_key(agency.index_key, who.document_type, who.document_number)
    rows = [row for row in read.cases(person_key=key) if row.case_id != one.case_id and row.from_scheme == scheme]
    if role is not Role.OUTBOUND:
        return _Known(rows, None)
    holder = read.row_holder(key, scheme)
    if holder in (None, one.case_id):
        # The row is free once a case is closed, but the relation's end on the platform comes after that. And one that
        # was lost goes on without the row, where another had taken it before it was taken back.
        other = moving(rows)
        holder = end_outstanding(read, rows) or (other.case_id if other else None)
    return _Known(rows, holder)


def _journal_facts(role: Role, one: Asked, facts: PersonFacts, known: _Known) -> JournalFacts:
    application = one.application
    partner = application.inbound if role is Role.OUTBOUND else application.outbound
    same_pair = [row for row in known.rows if row.partner == partner and row.role is role]
    completed = [row for row in same_pair if row.status in LEFT]
    back = [row for row in known.rows if row.role is role.other and row.status in LEFT]
    resumed = role is Role.OUTBOUND and any(
        relation.scheme == application.from_scheme and relation.status != "ended" for relation in facts.relations
    )
    if back and completed and max(r.opened_at for r in back) > max(r.opened_at for r in completed):
        resumed = True
    return JournalFacts(
        open_case=next((row.case_id for row in same_pair if row.open), None),
        completed_case=None if resumed or not completed else completed[-1].case_id,
        row_holder=known.holder,
    )


def check_results(verdicts: Sequence[Verdict], established: bool = False) -> list[dict[str, object]]:
    """What passed, for TransferApplied and TransferAccepted; `established`: a clerk says what nobody else could."""
    kept: dict[Outcome, tuple[str, str | None]] = {Outcome.PASSED: ("passed", None), Outcome.NOTICE: ("notice", None)}
    if established:
        kept[Outcome.UNKNOWN] = ("passed", "经办人员核实")
    found = [(v.code, *kept[v.outcome]) for v in verdicts if v.outcome in kept]
    return [{"code": code, "outcome": outcome, "detail": detail} for code, outcome, detail in found]


def reasons(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    """All grounds of a refusal, for TransferRejected."""
    return [{"code": v.code, "text": v.zh} for v in refusals(verdicts)]


__all__ = ["Asked", "Judged", "check_results", "judge", "reasons", "refusals", "unknowns"]
