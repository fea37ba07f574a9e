"""How each check of the table is judged: one small function a code, facts in, judgement out (domain.md §5).

A fact that the platform did not state (None) is never taken for a yes: the judgement is `unknown`, and a clerk looks.
Sentences name no person, no amount and no employer; what a clerk must see beside them stands in `details`.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from jiexu.case.event import Role
from jiexu.rules.facts import (
    Application,
    Identity,
    JournalFacts,
    PersonFacts,
    Relation,
    RelationStatus,
    Scheme,
)
from jiexu.rules.identity import normalised
from jiexu.rules.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Where, when and under which rules the checks are made, and what is known of the other side.

    `role` is the side that judges, `is_lodger` whether it is the one that lodges (again so at acceptance). What is
    None is not known: of the directory (`*_online`, `same_pooling_region`) or of the other side (`other_*`).
    """

    role: Role
    is_lodger: bool
    procedure: str
    ruleset: Ruleset
    today: date
    outbound_online: bool | None = None
    inbound_online: bool | None = None
    same_pooling_region: bool | None = None
    other_identity: Identity | None = None
    other_active_months: Sequence[str] | None = None
    other_coverage_year: int | None = None  # residents: the year of the outbound cover, for IN-03


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a judgement looks at."""

    application: Application
    facts: PersonFacts
    journal: JournalFacts
    context: CheckContext

    def relations(self, scheme: Scheme) -> list[Relation]:
        """The person's relations of one scheme in the judging region; several where there are several numbers."""
        return [relation for relation in self.facts.relations if relation.scheme is scheme]

    @property
    def own_scheme(self) -> Scheme:
        """The scheme that the judging region is asked about: the one left outbound, the one joined inbound."""
        outbound = self.context.role is Role.OUTBOUND
        return self.application.from_scheme if outbound else self.application.to_scheme

    @property
    def automatic(self) -> bool:
        """True where the case starts by itself, so that nobody applies."""
        return self.context.procedure == "automatic"

    @property
    def resident_to_resident(self) -> bool:
        """居民转居民."""
        return self.application.from_scheme is Scheme.RESIDENT and self.application.to_scheme is Scheme.RESIDENT


@dataclass(frozen=True, slots=True)
class Judgement:
    """`met`: True, False, None where a fact is missing. `applies` is False where the check is not asked.

    `zh`/`en` say more than the table's sentence, where there is more to say. `noticed` is a check that is met and yet
    must be shown. `refers_to` is a case or a region; `details` are months, for the clerk.
    """

    met: bool | None
    applies: bool = True
    zh: str | None = None
    en: str | None = None
    noticed: bool = False
    refers_to: str | None = None
    details: tuple[str, ...] = ()


MET = Judgement(True)
NOT_MET = Judgement(False)
UNKNOWN = Judgement(None)


def not_asked(zh: str, en: str) -> Judgement:
    """The check is not asked here, and why."""
    return Judgement(True, applies=False, zh=zh, en=en)


def _none_of(fact: bool | None) -> Judgement:
    """Met where the platform says no; not met where it says yes."""
    return UNKNOWN if fact is None else Judgement(not fact)


def _no_applicant() -> Judgement:
    return not_asked("自动转移没有申请人", "nobody applies for an automatic transfer")


def applicant(q: Question) -> Judgement:
    """APP-01."""
    if q.automatic:
        return _no_applicant()
    match q.application.applicant:
        case "person":
            return MET
        case "agent":
            return Judgement(bool(_text(q.application.applicant_name) and _text(q.application.authority)))
        case "employer":
            return _insuring_employer(q)
        case _:
            return NOT_MET


def _insuring_employer(q: Question) -> Judgement:
    employer = _text(q.application.applicant_name)
    if not employer:
        return NOT_MET
    # Inbound it must insure the person now; outbound it is the last one there, active or not.
    insuring = [
        relation
        for relation in q.relations(q.own_scheme)
        if q.context.role is Role.OUTBOUND or relation.status is RelationStatus.ACTIVE
    ]
    if any(_text(relation.employer) == employer for relation in insuring):
        return MET
    return UNKNOWN if any(relation.employer is None for relation in insuring) else NOT_MET


def no_employer_for_others(q: Question) -> Judgement:
    """APP-02."""
    if q.automatic:
        return _no_applicant()
    if q.application.applicant != "employer":
        return MET
    if q.application.to_scheme is Scheme.RESIDENT:
        return NOT_MET
    relations = [r for r in q.relations(q.own_scheme) if r.status is RelationStatus.ACTIVE]
    relations = relations or q.relations(q.own_scheme)
    if not relations:
        return UNKNOWN
    return Judgement(any(relation.kind == "employed" for relation in relations))


def relation_not_active(q: Question) -> Judgement:
    """OUT-01. A person without any relation is the business of OUT-02."""
    if q.resident_to_resident:
        return not_asked("居民转居民不要求转出地停保", "resident to resident: this year's outbound cover may go on")
    relations = q.relations(q.application.from_scheme)
    if not relations:
        return not_asked("转出地没有该险种的参保关系，见 OUT-02", "no relation of that scheme outbound: see OUT-02")
    return Judgement(all(relation.status is not RelationStatus.ACTIVE for relation in relations))


def relation_exists(q: Question) -> Judgement:
    """OUT-02."""
    if q.application.scope == "account" and q.application.from_scheme is Scheme.RESIDENT:
        return Judgement(
            False,
            zh="居民医保没有个人账户，没有可转移的内容",
            en="the resident scheme has no account: nothing to move",
        )
    relations = q.relations(q.application.from_scheme)
    if not relations:
        return NOT_MET
    if any(relation.status is not RelationStatus.ENDED for relation in relations):
        return MET
    ended_to = next((relation.ended_to for relation in relations if relation.ended_to), None)
    if ended_to:
        return Judgement(
            False,
            zh=f"转出地的参保关系已终止，已转往 {ended_to}",
            en=f"the outbound relation has ended; it went to {ended_to}",
            refers_to=ended_to,
        )
    return Judgement(
        False,
        zh="转出地的参保关系已终止，未记载转往何处，请转出地经办机构核实并恢复",
        en="the outbound relation has ended with no record of where it went; the outbound agency looks and restores",
    )


def no_overdraft(q: Question) -> Judgement:
    """OUT-03. Zero is no overdraft."""
    if q.application.from_scheme is Scheme.RESIDENT:
        return not_asked("居民医保没有个人账户", "the resident scheme has no account")
    return UNKNOWN if q.facts.balance is None else Judgement(q.facts.balance >= 0)


def not_in_hospital(q: Question) -> Judgement:
    """OUT-04."""
    return _none_of(q.facts.in_hospital)


def no_arrears(q: Question) -> Judgement:
    """OUT-05."""
    arrears = q.facts.arrears
    if arrears is None:
        return UNKNOWN
    if not arrears:
        return MET
    return Judgement(
        False,
        zh=f"转出地有 {len(arrears)} 个月欠费，请及时补缴",
        en=f"{len(arrears)} unpaid months outbound; please pay them",
        details=tuple(sorted(arrears)),
    )


def no_transfer_in(q: Question) -> Judgement:
    """OUT-06."""
    return _none_of(q.facts.unfinished_transfer_in)


def not_retired(q: Question) -> Judgement:
    """OUT-07. Retirement is a state of the employee scheme: where a resident's record is silent, it is not asked."""
    if q.facts.retired is None and q.application.from_scheme is Scheme.RESIDENT:
        return not_asked("居民医保没有退休状态", "the resident scheme knows no retirement")
    return _none_of(q.facts.retired)


def sharing_dissolved(q: Question) -> Judgement:
    """OUT-08."""
    if q.application.from_scheme is Scheme.RESIDENT:
        return not_asked("居民医保没有个人账户", "the resident scheme has no account")
    return _none_of(q.facts.family_sharing)


def costs_settled(q: Question) -> Judgement:
    """OUT-09."""
    return _none_of(q.facts.unsettled_costs)


def row_is_free(q: Question) -> Judgement:
    """OUT-10. Outbound's journal is the only judge; a refused twin names the survivor."""
    holder = q.journal.row_holder
    if holder is None:
        return MET
    return Judgement(
        False,
        zh=f"该参保人该险种已有另一笔转移在办（案件 {holder}）",
        en=f"another case is moving this person's relation of that scheme (case {holder})",
        refers_to=holder,
    )


def enrolled(q: Question) -> Judgement:
    """IN-01. Next year's resident cover is joined before it begins, so it counts although it is not active yet."""
    if q.application.scope == "account" and q.application.to_scheme is Scheme.RESIDENT:
        return Judgement(
            False,
            zh="个人账户只能转入职工医保",
            en="an account moves into the employee scheme only",
        )
    relations = q.relations(q.application.to_scheme)
    return Judgement(
        any(
            relation.status is RelationStatus.ACTIVE
            or (relation.status is RelationStatus.SUSPENDED and _year_ahead(relation, q.context.today))
            for relation in relations
        )
    )


def current_month_paid(q: Question) -> Judgement:
    """IN-02."""
    return Judgement(q.facts.current_month_paid)


def later_coverage_year(q: Question) -> Judgement:
    """IN-03. Cover for a year to come is always later; cover for this year is, if the outbound one was for another."""
    if not q.resident_to_resident:
        return not_asked("仅居民转居民适用", "asked of resident to resident only")
    relations = [r for r in q.relations(Scheme.RESIDENT) if r.status is not RelationStatus.ENDED]
    if not relations:
        return not_asked("转入地没有居民参保关系，见 IN-01", "no resident relation inbound: see IN-01")
    years = [relation.coverage_year for relation in relations if relation.coverage_year is not None]
    if not years:
        return UNKNOWN
    this_year, inbound, outbound = q.context.today.year, max(years), q.context.other_coverage_year
    if outbound is not None:
        return Judgement(inbound > outbound)
    if inbound == this_year:
        return Judgement(
            None,
            zh="转入地参加的是本年度居民医保，转出地的参保年度未知，请经办人员核实",
            en="the inbound cover is for this year and the outbound coverage year is not known; a clerk looks",
        )
    return Judgement(inbound > this_year)


def no_transfer_out(q: Question) -> Judgement:
    """IN-04."""
    return _none_of(q.facts.unfinished_transfer_out)


def below_retirement_age(q: Question) -> Judgement:
    """IN-05."""
    return _none_of(q.facts.of_retirement_age)


def same_person(q: Question) -> Judgement:
    """BOTH-01. Several person numbers are never passed over in silence, even where all agree."""
    records = q.facts.identities
    if not records:
        return Judgement(
            False,
            zh="本地没有查到该证件号码的参保登记",
            en="no record under this document number in this region",
        )
    stated = [q.application.identity]
    if q.context.other_identity is not None:
        stated.append(q.context.other_identity)
    agree = all(_compared(record) == _compared(other) for record in records for other in stated)
    if not agree:
        if len(records) == 1:
            return Judgement(False, zh=_differences(records[0], stated)[0], en=_differences(records[0], stated)[1])
        return Judgement(
            False,
            zh=f"该证件号码下有 {len(records)} 个人员编号且登记不一致，请先合并",
            en=f"{len(records)} person numbers under this document number, and they differ: merge them first",
        )
    if q.context.other_identity is None:
        return Judgement(
            None,
            zh="尚未收到对方登记的姓名和证件号码，待收到后核对",
            en="the other side's name and document number have not arrived; compared when they do",
        )
    if len(records) > 1:
        return Judgement(
            True,
            noticed=True,
            zh=f"身份一致，但该证件号码下有 {len(records)} 个人员编号，建议合并",
            en=f"identity agrees, but there are {len(records)} person numbers under it: they should be merged",
        )
    return MET


def both_online(q: Question) -> Judgement:
    """BOTH-02. The letter procedure needs no network on either side."""
    if q.context.procedure == "letter":
        return not_asked("联系函（纸质）办理不要求线上开通", "the letter procedure needs nobody online")
    match (q.context.outbound_online, q.context.inbound_online):
        case (True, True):
            return MET
        case (False, False):
            zh, en = "两地均尚未开通线上转移接续业务", "neither region is online for this business"
        case (False, _):
            zh, en = "转出地尚未开通线上转移接续业务", "the outbound region is not online for this business"
        case (_, False):
            zh, en = "转入地尚未开通线上转移接续业务", "the inbound region is not online for this business"
        case _:
            return UNKNOWN
    return Judgement(False, zh=zh, en=en)


def different_pooling_regions(q: Question) -> Judgement:
    """BOTH-03."""
    return _none_of(q.context.same_pooling_region)


def no_known_case(q: Question) -> Judgement:
    """BOTH-04."""
    if (case := q.journal.open_case) is not None:
        return Judgement(
            False,
            zh=f"同一人、同一转出险种、同样两地已有一笔在办（案件 {case}），请继续办理该笔",
            en=f"the same transfer is open already (case {case}); go on with that one",
            refers_to=case,
        )
    if (case := q.journal.completed_case) is not None:
        return Judgement(
            False,
            zh=f"同样的转移已办结（案件 {case}），其后未在转出地恢复参保；如有差错请在该案件上更正",
            en=f"the same transfer was completed (case {case}) and cover was not resumed since; correct that one",
            refers_to=case,
        )
    return MET


def no_double_months(q: Question) -> Judgement:
    """BOTH-05. The other side's months come with the form: until then nothing can be compared, inbound does it then."""
    own, other = q.facts.active_months, q.context.other_active_months
    if other is None:
        return not_asked(
            "对方参保月份随信息表送达，办结前由转入地核对",
            "the other side's months come with the form; inbound compares them before completion",
        )
    if own is None:
        return UNKNOWN
    doubled = tuple(sorted(set(own) & set(other)))
    if not doubled:
        return MET
    kept = q.application.overlap_kept
    if kept is None:
        return Judgement(
            None,
            zh=f"两地有 {len(doubled)} 个月重复参保，请本人选择保留哪一方的缴费记录",
            en=f"{len(doubled)} months are active on both sides; the person chooses which side's record counts",
            details=doubled,
        )
    side_zh = "转出地" if kept is Role.OUTBOUND else "转入地"
    return Judgement(
        False,
        zh=f"两地有 {len(doubled)} 个月重复参保，本人选择保留{side_zh}的缴费记录",
        en=f"{len(doubled)} months are active on both sides; the person chose that the {kept} record counts",
        details=doubled,
    )


def _year_ahead(relation: Relation, today: date) -> bool:
    return relation.coverage_year is not None and relation.coverage_year > today.year


def _text(value: str | None) -> str:
    """Names as they are compared: full-width forms and blanks make no difference."""
    return "".join(unicodedata.normalize("NFKC", value or "").split())


def _compared(identity: Identity) -> tuple[str, str, str]:
    return _text(identity.name), identity.document_type, normalised(identity.document_number)


def _differences(record: Identity, stated: Sequence[Identity]) -> tuple[str, str]:
    """Which of the three differ, without the values themselves."""
    words = (("姓名", "name"), ("证件类型", "document type"), ("证件号码", "document number"))
    differ = [
        word
        for index, word in enumerate(words)
        if any(_compared(record)[index] != _compared(other)[index] for other in stated)
    ]
    return (
        f"两地登记不一致：{'、'.join(zh for zh, _ in differ)}",
        f"the two sides differ in: {', '.join(en for _, en in differ)}",
    )


JUDGEMENTS: Mapping[str, Callable[[Question], Judgement]] = MappingProxyType(
    {
        "APP-01": applicant,
        "APP-02": no_employer_for_others,
        "OUT-01": relation_not_active,
        "OUT-02": relation_exists,
        "OUT-03": no_overdraft,
        "OUT-04": not_in_hospital,
        "OUT-05": no_arrears,
        "OUT-06": no_transfer_in,
        "OUT-07": not_retired,
        "OUT-08": sharing_dissolved,
        "OUT-09": costs_settled,
        "OUT-10": row_is_free,
        "IN-01": enrolled,
        "IN-02": current_month_paid,
        "IN-03": later_coverage_year,
        "IN-04": no_transfer_out,
        "IN-05": below_retirement_age,
        "BOTH-01": same_person,
        "BOTH-02": both_online,
        "BOTH-03": different_pooling_regions,
        "BOTH-04": no_known_case,
        "BOTH-05": no_double_months,
    }
)
