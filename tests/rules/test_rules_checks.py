"""What each side refuses, passes, shows and leaves to a clerk."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from given_transfer import (
    EMPLOYEE,
    IN,
    LODGER_CASE,
    OUT,
    RESIDENT,
    TODAY,
    ZHANG,
    application,
    context,
    in_facts,
    judge,
    out_facts,
    outcomes,
    relation,
)

from jiexu.case.event import Role
from jiexu.rules.checks import Curer, Outcome, Side, notices, refusals, routes, run_checks, sides_for, unknowns
from jiexu.rules.facts import Identity, JournalFacts, PersonFacts, RelationStatus
from jiexu.rules.lint import parse
from jiexu.rules.ruleset import Library, Ruleset, packaged_library, ruleset_for

ACTIVE, SUSPENDED, ENDED = RelationStatus.ACTIVE, RelationStatus.SUSPENDED, RelationStatus.ENDED
PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN
NOTICE, ROUTE, NOT_ASKED = Outcome.NOTICE, Outcome.ROUTE, Outcome.NOT_APPLICABLE

R2R = application(from_scheme=RESIDENT, to_scheme=RESIDENT)
R2E = application(from_scheme=RESIDENT, to_scheme=EMPLOYEE)
E2R = application(from_scheme=EMPLOYEE, to_scheme=RESIDENT)
XIAMEN = ruleset_for("350200", "350200", TODAY)
NINGXIA = ruleset_for("640100", "640100", TODAY)
DALIAN = ruleset_for("210200", "210200", TODAY)


def no_transfer_out_is_asked() -> Ruleset:
    """No region is on record for IN-04, so one is made up."""
    data = {
        "kind": "overlay",
        "region": "330300",
        "version": 9,
        "holds_from": TODAY,
        "date_basis": "ours",
        "title": "t",
        "source": "s",
        "check": [{"code": "IN-04", "on": True, "source": "s"}],
    }
    return Library([*packaged_library().national, parse(data, "test")]).ruleset_for(None, "330300", TODAY)


ASKS_IN_04 = no_transfer_out_is_asked()


def employer(name: str | None, **changes: Any) -> Any:
    return application(applicant="employer", applicant_name=name, **changes)


# Which checks are asked where -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "is_lodger", "codes"),
    [
        (OUT, True, "APP-01 APP-02 OUT-01 … OUT-10 BOTH-02 BOTH-03 BOTH-04 BOTH-05"),
        (IN, True, "APP-01 APP-02 IN-01 … IN-05 BOTH-02 BOTH-03 BOTH-04 BOTH-05"),
        (OUT, False, "OUT-01 … OUT-10 BOTH-01 BOTH-05"),
        (IN, False, "IN-01 … IN-05 BOTH-01 BOTH-05"),
    ],
)
def test_each_desk_asks_its_own_checks(role: Role, is_lodger: bool, codes: str) -> None:
    last = 10 if role is OUT else 5
    prefix = "OUT" if role is OUT else "IN"
    own = " ".join(f"{prefix}-{n:02d}" for n in range(1, last + 1))
    expected = codes.replace(f"{prefix}-01 … {prefix}-{last:02d}", own).split()
    assert list(judge(role, is_lodger=is_lodger)) == expected


def test_a_case_that_the_other_side_lodged_is_never_answered_with_both_04() -> None:
    verdicts = run_checks(
        list(Side), application(), in_facts(), JournalFacts(open_case=LODGER_CASE), context(IN, is_lodger=False)
    )
    assert "BOTH-04" not in {verdict.code for verdict in verdicts}


def test_only_outbound_judges_the_row_of_the_open_moves() -> None:
    assert "OUT-10" not in judge(IN, is_lodger=True, journal=JournalFacts(row_holder=LODGER_CASE))


def test_the_caller_can_ask_for_some_sides_only() -> None:
    verdicts = run_checks([Side.LODGER], application(), out_facts(), JournalFacts(), context(OUT, is_lodger=True))
    assert [verdict.code for verdict in verdicts] == ["APP-01", "APP-02"]


def test_sides_of_the_lodger_are_a_superset_of_those_of_the_answering_side() -> None:
    assert sides_for(OUT, False) < sides_for(OUT, True)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("is_lodger", [True, False])
def test_a_transfer_with_nothing_against_it_passes_every_check_that_is_asked(role: Role, is_lodger: bool) -> None:
    verdicts = judge(role, is_lodger=is_lodger)
    assert set(outcomes(verdicts).values()) <= {PASSED, NOT_ASKED}
    assert all(verdict.cure is None for verdict in verdicts.values())


# Each check, passing and failing --------------------------------------------------------------------------------

OUTBOUND_CASES: list[tuple[str, Outcome, dict[str, Any]]] = [
    ("OUT-01", PASSED, {}),
    ("OUT-01", FAILED, {"facts": out_facts(relation(EMPLOYEE, ACTIVE))}),
    ("OUT-01", FAILED, {"facts": out_facts(relation(EMPLOYEE, SUSPENDED), relation(EMPLOYEE, ACTIVE))}),
    ("OUT-01", PASSED, {"facts": out_facts(relation(EMPLOYEE, SUSPENDED), relation(RESIDENT, ACTIVE))}),
    ("OUT-01", NOT_ASKED, {"facts": out_facts(relation(RESIDENT, ACTIVE)), "applied": R2R}),
    ("OUT-01", FAILED, {"facts": out_facts(relation(RESIDENT, ACTIVE)), "applied": R2E}),
    ("OUT-02", PASSED, {}),
    ("OUT-02", FAILED, {"facts": out_facts(relation(RESIDENT, SUSPENDED))}),
    ("OUT-02", FAILED, {"facts": out_facts(relation(EMPLOYEE, ENDED))}),
    ("OUT-02", PASSED, {"facts": out_facts(relation(EMPLOYEE, ENDED), relation(EMPLOYEE, SUSPENDED))}),
    ("OUT-02", FAILED, {"facts": out_facts(relation(RESIDENT, ACTIVE)), "applied": replace(R2R, scope="account")}),
    ("OUT-03", PASSED, {"facts": out_facts(balance=Decimal("0.00"))}),
    ("OUT-03", FAILED, {"facts": out_facts(balance=Decimal("-0.01"))}),
    ("OUT-03", UNKNOWN, {"facts": out_facts(balance=None)}),
    ("OUT-03", NOT_ASKED, {"facts": out_facts(relation(RESIDENT, SUSPENDED), balance=None), "applied": R2E}),
    ("OUT-04", PASSED, {}),
    ("OUT-04", FAILED, {"facts": out_facts(in_hospital=True)}),
    ("OUT-04", UNKNOWN, {"facts": out_facts(in_hospital=None)}),
    ("OUT-04", NOTICE, {"facts": out_facts(in_hospital=True), "procedure": "automatic"}),
    ("OUT-05", PASSED, {}),
    ("OUT-05", FAILED, {"facts": out_facts(arrears=["2025-10"])}),
    ("OUT-05", NOTICE, {"facts": out_facts(arrears=["2025-10"]), "procedure": "letter"}),
    ("OUT-05", UNKNOWN, {"facts": out_facts(arrears=None)}),
    ("OUT-06", PASSED, {}),
    ("OUT-06", FAILED, {"facts": out_facts(unfinished_transfer_in=True)}),
    ("OUT-06", UNKNOWN, {"facts": out_facts(unfinished_transfer_in=None)}),
    ("OUT-07", PASSED, {}),
    ("OUT-07", FAILED, {"facts": out_facts(retired=True)}),
    ("OUT-07", UNKNOWN, {"facts": out_facts(retired=None)}),
    ("OUT-07", NOT_ASKED, {"facts": out_facts(relation(RESIDENT, ACTIVE), retired=None), "applied": R2R}),
    ("OUT-08", NOT_ASKED, {"facts": out_facts(family_sharing=True)}),
    ("OUT-08", PASSED, {"ruleset": XIAMEN}),
    ("OUT-08", FAILED, {"facts": out_facts(family_sharing=True), "ruleset": XIAMEN}),
    ("OUT-08", UNKNOWN, {"facts": out_facts(family_sharing=None), "ruleset": XIAMEN}),
    ("OUT-09", NOT_ASKED, {"facts": out_facts(unsettled_costs=True)}),
    ("OUT-09", PASSED, {"ruleset": NINGXIA}),
    ("OUT-09", FAILED, {"facts": out_facts(unsettled_costs=True), "ruleset": NINGXIA}),
    ("OUT-09", UNKNOWN, {"facts": out_facts(unsettled_costs=None), "ruleset": NINGXIA}),
    ("OUT-10", PASSED, {}),
    ("OUT-10", FAILED, {"journal": JournalFacts(row_holder=LODGER_CASE)}),
]

NEXT_YEAR = {"facts": in_facts(relation(RESIDENT, SUSPENDED, coverage_year=2027)), "applied": R2R}
THIS_YEAR = {"facts": in_facts(relation(RESIDENT, ACTIVE, coverage_year=2026)), "applied": R2R}

INBOUND_CASES: list[tuple[str, Outcome, dict[str, Any]]] = [
    ("IN-01", PASSED, {}),
    ("IN-01", FAILED, {"facts": in_facts(relation(EMPLOYEE, SUSPENDED))}),
    ("IN-01", FAILED, {"facts": in_facts(relation(RESIDENT, ACTIVE))}),
    ("IN-01", FAILED, {"facts": in_facts(relations=[])}),
    ("IN-01", PASSED, {"facts": in_facts(relation(RESIDENT, ACTIVE)), "applied": E2R}),
    ("IN-01", PASSED, NEXT_YEAR),
    ("IN-01", FAILED, {"facts": in_facts(relation(RESIDENT, ACTIVE)), "applied": replace(E2R, scope="account")}),
    ("IN-02", NOT_ASKED, {"facts": in_facts(current_month_paid=False)}),
    ("IN-02", PASSED, {"ruleset": DALIAN}),
    ("IN-02", FAILED, {"facts": in_facts(current_month_paid=False), "ruleset": DALIAN}),
    ("IN-02", UNKNOWN, {"facts": in_facts(current_month_paid=None), "ruleset": DALIAN}),
    ("IN-03", NOT_ASKED, {}),
    ("IN-03", PASSED, NEXT_YEAR),
    ("IN-03", UNKNOWN, THIS_YEAR),
    ("IN-03", PASSED, {**THIS_YEAR, "other_coverage_year": 2025}),
    ("IN-03", FAILED, {**THIS_YEAR, "other_coverage_year": 2026}),
    ("IN-03", UNKNOWN, {"facts": in_facts(relation(RESIDENT, ACTIVE)), "applied": R2R}),
    ("IN-03", FAILED, {"facts": in_facts(relation(RESIDENT, ACTIVE, coverage_year=2025)), "applied": R2R}),
    ("IN-04", NOT_ASKED, {"facts": in_facts(unfinished_transfer_out=True)}),
    ("IN-04", PASSED, {"ruleset": ASKS_IN_04}),
    ("IN-04", FAILED, {"facts": in_facts(unfinished_transfer_out=True), "ruleset": ASKS_IN_04}),
    ("IN-04", UNKNOWN, {"facts": in_facts(unfinished_transfer_out=None), "ruleset": ASKS_IN_04}),
    ("IN-05", NOT_ASKED, {"facts": in_facts(of_retirement_age=True)}),
    ("IN-05", PASSED, {"ruleset": DALIAN}),
    ("IN-05", FAILED, {"facts": in_facts(of_retirement_age=True), "ruleset": DALIAN}),
    ("IN-05", UNKNOWN, {"facts": in_facts(of_retirement_age=None), "ruleset": DALIAN}),
]


@pytest.mark.parametrize(("code", "outcome", "given"), OUTBOUND_CASES)
def test_outbound_judges_its_own_checks(code: str, outcome: Outcome, given: dict[str, Any]) -> None:
    verdict = judge(OUT, **given)[code]
    assert verdict.outcome is outcome
    assert (verdict.cure is None) is (outcome in (PASSED, NOT_ASKED))


@pytest.mark.parametrize(("code", "outcome", "given"), INBOUND_CASES)
def test_inbound_judges_its_own_checks(code: str, outcome: Outcome, given: dict[str, Any]) -> None:
    verdict = judge(IN, **given)[code]
    assert verdict.outcome is outcome
    assert (verdict.cure is None) is (outcome in (PASSED, NOT_ASKED))


AGENT = application(applicant="agent", applicant_name="李四", authority="授权委托书 2026-03-01")


@pytest.mark.parametrize(
    ("role", "applied", "outcome"),
    [
        (IN, application(), PASSED),
        (IN, employer("乙公司"), PASSED),
        (IN, employer(" 乙 公司"), PASSED),
        (IN, employer("甲公司"), FAILED),
        (IN, employer(None), FAILED),
        (OUT, employer("甲公司"), PASSED),
        (OUT, employer("乙公司"), FAILED),
        (OUT, AGENT, PASSED),
        (OUT, replace(AGENT, authority=None), FAILED),
        (OUT, replace(AGENT, authority="  "), FAILED),
        (OUT, replace(AGENT, applicant_name=None), FAILED),
        (OUT, application(applicant="neighbour"), FAILED),
    ],
)
def test_the_applicant_is_the_person_an_insuring_employer_or_an_authorised_agent(
    role: Role, applied: Any, outcome: Outcome
) -> None:
    assert judge(role, applied=applied, is_lodger=True)["APP-01"].outcome is outcome


def test_an_employer_that_the_platform_does_not_name_waits_for_a_clerk() -> None:
    facts = in_facts(relation(EMPLOYEE, ACTIVE, employer=None))
    assert judge(IN, applied=employer("乙公司"), facts=facts, is_lodger=True)["APP-01"].outcome is UNKNOWN


@pytest.mark.parametrize(
    ("applied", "facts", "outcome"),
    [
        (employer("乙公司"), in_facts(), PASSED),
        (employer("乙公司"), in_facts(relation(EMPLOYEE, ACTIVE, kind="flexible")), FAILED),
        (employer("乙公司", to_scheme=RESIDENT), in_facts(relation(RESIDENT, ACTIVE)), FAILED),
        (employer("乙公司"), in_facts(relations=[]), UNKNOWN),
        (application(), in_facts(relation(EMPLOYEE, ACTIVE, kind="flexible")), PASSED),
    ],
)
def test_no_employer_applies_for_residents_and_flexible_workers(
    applied: Any, facts: PersonFacts, outcome: Outcome
) -> None:
    assert judge(IN, applied=applied, facts=facts, is_lodger=True)["APP-02"].outcome is outcome


def test_an_automatic_transfer_has_no_applicant_to_judge() -> None:
    verdicts = judge(IN, is_lodger=True, procedure="automatic", applied=application(applicant="nobody"))
    assert verdicts["APP-01"].outcome is NOT_ASKED
    assert verdicts["APP-02"].outcome is NOT_ASKED


# Both sides -----------------------------------------------------------------------------------------------------

OTHER_NAME = replace(ZHANG, name="张叁")
OTHER_TYPE = replace(ZHANG, document_type="02")
OTHER_NUMBER = replace(ZHANG, document_number="610101199001010028")
PASSPORT = Identity("SMITH JOHN", "03", "e 1234567")


@pytest.mark.parametrize(
    ("stated", "records", "outcome"),
    [
        (ZHANG, [ZHANG], PASSED),
        (ZHANG, [replace(ZHANG, name="张 三", document_number="61010119900101001x")], PASSED),
        (PASSPORT, [replace(PASSPORT, document_number="E1234567")], PASSED),
        (ZHANG, [OTHER_NAME], FAILED),
        (ZHANG, [OTHER_TYPE], FAILED),
        (ZHANG, [OTHER_NUMBER], FAILED),
        (ZHANG, [], FAILED),
        (ZHANG, [ZHANG, ZHANG], NOTICE),
        (ZHANG, [ZHANG, OTHER_NAME], FAILED),
        (None, [ZHANG], UNKNOWN),
        (None, [OTHER_NAME], FAILED),
    ],
)
def test_name_document_type_and_number_agree_on_both_sides(
    stated: Identity | None, records: list[Identity], outcome: Outcome
) -> None:
    verdict = judge(
        IN, applied=application(identity=stated or ZHANG), facts=in_facts(identities=records), other_identity=stated
    )["BOTH-01"]
    assert verdict.outcome is outcome


def test_a_difference_is_named_by_its_field_and_never_by_its_value() -> None:
    verdict = judge(IN, facts=in_facts(identities=[replace(OTHER_NAME, document_type="02")]))["BOTH-01"]
    assert verdict.zh == "两地登记不一致：姓名、证件类型"
    assert verdict.en == "the two sides differ in: name, document type"


def test_two_person_numbers_are_never_passed_over_in_silence() -> None:
    verdict = judge(IN, facts=in_facts(identities=[ZHANG, ZHANG]))["BOTH-01"]
    assert "2 个人员编号" in verdict.zh
    assert verdict.cure is not None


@pytest.mark.parametrize(
    ("outbound", "inbound", "procedure", "outcome"),
    [
        (True, True, "platform", PASSED),
        (False, True, "platform", ROUTE),
        (True, False, "platform", ROUTE),
        (False, False, "account_only", ROUTE),
        (False, None, "platform", ROUTE),
        (None, True, "platform", UNKNOWN),
        (False, False, "letter", NOT_ASKED),
    ],
)
def test_where_a_region_is_not_online_the_applicant_chooses_another_way(
    outbound: bool | None, inbound: bool | None, procedure: str, outcome: Outcome
) -> None:
    verdicts = judge(OUT, is_lodger=True, outbound_online=outbound, inbound_online=inbound, procedure=procedure)
    assert verdicts["BOTH-02"].outcome is outcome
    assert (verdicts["BOTH-02"] in routes(verdicts.values())) is (outcome is ROUTE)


def test_the_region_that_is_not_online_is_named() -> None:
    assert judge(OUT, is_lodger=True, inbound_online=False)["BOTH-02"].zh.startswith("转入地")


@pytest.mark.parametrize(("same", "outcome"), [(False, PASSED), (True, FAILED), (None, UNKNOWN)])
def test_the_same_pooling_region_is_no_transfer(same: bool | None, outcome: Outcome) -> None:
    assert judge(OUT, is_lodger=True, same_pooling_region=same)["BOTH-03"].outcome is outcome


def test_whoever_stays_in_the_pooling_region_is_told_what_to_do_instead() -> None:
    cure = judge(OUT, is_lodger=True, same_pooling_region=True)["BOTH-03"].cure
    assert cure is not None
    assert "原单位办理暂停缴费，新单位办理恢复缴费" in cure.zh


@pytest.mark.parametrize("known", [JournalFacts(open_case=LODGER_CASE), JournalFacts(completed_case=LODGER_CASE)])
@pytest.mark.parametrize("role", list(Role))
def test_the_counter_refuses_what_it_knows_to_be_under_way_or_done_and_names_it(
    role: Role, known: JournalFacts
) -> None:
    verdict = judge(role, is_lodger=True, journal=known)["BOTH-04"]
    assert verdict.outcome is FAILED
    assert verdict.refers_to == LODGER_CASE
    assert LODGER_CASE in verdict.zh


@pytest.mark.parametrize(
    ("own", "other", "kept", "outcome"),
    [
        (["2026-01"], ["2025-12"], None, PASSED),
        (["2026-01"], [], None, PASSED),
        (["2026-01"], ["2026-01", "2025-12"], None, UNKNOWN),
        (["2026-01"], ["2026-01", "2025-12"], OUT, NOTICE),
        (["2026-01"], None, IN, NOT_ASKED),
        (None, ["2026-01"], IN, UNKNOWN),
    ],
)
def test_months_active_on_both_sides_are_shown_and_the_person_chooses(
    own: list[str] | None, other: list[str] | None, kept: Role | None, outcome: Outcome
) -> None:
    verdict = judge(
        IN,
        applied=application(overlap_kept=kept),
        facts=in_facts(active_months=own),
        other_active_months=other,
    )["BOTH-05"]
    assert verdict.outcome is outcome


def test_the_choice_is_told_with_the_months_beside_it() -> None:
    verdict = judge(
        IN,
        applied=application(overlap_kept=IN),
        facts=in_facts(active_months=["2026-02", "2026-01"]),
        other_active_months=["2026-01", "2026-02"],
    )["BOTH-05"]
    assert verdict.details == ("2026-01", "2026-02")
    assert "保留转入地" in verdict.zh
    assert "inbound" in verdict.en


def test_months_are_compared_only_once_the_form_has_brought_the_other_sides() -> None:
    assert judge(OUT, is_lodger=True)["BOTH-05"].outcome is NOT_ASKED
    assert judge(OUT, is_lodger=False, other_active_months=None)["BOTH-05"].outcome is NOT_ASKED


# What is told ---------------------------------------------------------------------------------------------------


def test_all_failing_checks_are_reported_not_only_the_first() -> None:
    everything_wrong = out_facts(
        relation(EMPLOYEE, ACTIVE),
        balance=Decimal("-5.00"),
        in_hospital=True,
        arrears=["2025-10"],
        unfinished_transfer_in=True,
        retired=True,
    )
    verdicts = judge(
        OUT,
        applied=employer("丙公司"),
        facts=everything_wrong,
        journal=JournalFacts(open_case=LODGER_CASE, row_holder=LODGER_CASE),
        is_lodger=True,
        same_pooling_region=True,
    )
    assert [verdict.code for verdict in refusals(verdicts.values())] == [
        *("APP-01", "OUT-01", "OUT-03", "OUT-04", "OUT-05", "OUT-06", "OUT-07", "OUT-10", "BOTH-03", "BOTH-04")
    ]


def test_a_fact_that_the_platform_did_not_state_never_counts_as_passed() -> None:
    silent = PersonFacts(
        region="610100",
        identities=[ZHANG],
        relations=[relation(EMPLOYEE, SUSPENDED)],
        arrears=None,
        unfinished_transfer_in=None,
        active_months=None,
    )
    waiting = unknowns(judge(OUT, facts=silent).values())
    assert [verdict.code for verdict in waiting] == [*("OUT-03", "OUT-04", "OUT-05", "OUT-06", "OUT-07", "BOTH-05")]
    assert all("由经办人员核实" in verdict.zh for verdict in waiting)


def test_a_notice_is_told_and_does_not_refuse() -> None:
    verdicts = judge(OUT, facts=out_facts(arrears=["2025-10", "2025-09"]), procedure="letter")
    assert not refusals(verdicts.values())
    (arrears,) = notices(verdicts.values())
    assert arrears.zh == "转出地有 2 个月欠费，请及时补缴"
    assert arrears.details == ("2025-09", "2025-10")


def test_an_ended_relation_names_where_it_went() -> None:
    verdict = judge(OUT, facts=out_facts(relation(EMPLOYEE, ENDED, ended_to="440300")))["OUT-02"]
    assert verdict.refers_to == "440300"
    assert "440300" in verdict.zh


def test_an_ended_relation_with_no_record_of_where_it_went_tells_how_it_is_cured() -> None:
    verdict = judge(OUT, facts=out_facts(relation(EMPLOYEE, ENDED)))["OUT-02"]
    assert "恢复" in verdict.zh
    assert verdict.cure is not None
    assert verdict.cure.by[0] is Curer.OUTBOUND_AGENCY


def test_a_refused_twin_names_the_survivor() -> None:
    verdict = judge(OUT, journal=JournalFacts(row_holder=LODGER_CASE))["OUT-10"]
    assert verdict.refers_to == LODGER_CASE


@pytest.mark.parametrize("role", list(Role))
def test_no_sentence_holds_a_name_a_number_an_employer_or_an_amount(role: Role) -> None:
    facts = {OUT: out_facts(balance=Decimal("-77.31"), identities=[OTHER_NAME, ZHANG]), IN: in_facts(relations=[])}
    for is_lodger in (True, False):
        for verdict in judge(role, facts=facts[role], applied=employer("乙公司"), is_lodger=is_lodger).values():
            told = verdict.zh + verdict.en + (verdict.cure.zh + verdict.cure.en if verdict.cure else "")
            for secret in ("张三", "张叁", ZHANG.document_number, "乙公司", "甲公司", "77.31"):
                assert secret not in told


def test_a_procedure_that_does_not_exist_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError):
        judge(OUT, procedure="telegram")
