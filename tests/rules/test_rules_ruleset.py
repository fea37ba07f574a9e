"""Which rules hold between two regions on a day, and that a case keeps the rules of then."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jiexu.case.event import Role
from jiexu.rules.check_table import CHECKS
from jiexu.rules.layers import Office, Overlay
from jiexu.rules.lint import RulesDataError, parse
from jiexu.rules.ruleset import (
    Library,
    RulesetNotFound,
    load_library,
    packaged_library,
    ruleset_by_id,
    ruleset_for,
)

OUT, IN = Role.OUTBOUND, Role.INBOUND
TODAY = date(2026, 3, 10)
PLAIN = ruleset_for("130100", "140100", TODAY)

ANY = {
    "answer": 2,
    "credit": 5,
    "form_query_answer": 5,
    "balance_query_answer": 5,
    "difference": 5,
    "return_ended": 5,
    "pay_out": 10,
    "withdrawal_answer": 2,
    "proposal_answer": 2,
    "lodge_anew": 2,
    "arrival_booked": 5,
    "excess_returned": 5,
    "return_booked": 5,
    "amend": 5,
    "send_again": 5,
    "complete_again": 5,
}
IN_PROVINCE = {"advance": 1, "settle": 20}
LIMITS = {
    "platform": ANY | {"form": 10, "remit": 10, "complete": 5},
    "letter": ANY
    | {"contact_letter": 15, "form_and_money": 15, "complete": 15}
    | {"certificate_query_answer": 5, "letter_query_answer": 5},
    "automatic": ANY | IN_PROVINCE | {"form": 10, "complete": 5},
    "account_only": ANY | IN_PROVINCE | {"form": 10, "remit": 10, "complete": 5},
}


def overlay(region: str, version: int, holds_from: date, **more: Any) -> Overlay:
    data = {
        "kind": "overlay",
        "region": region,
        "version": version,
        "holds_from": holds_from,
        "date_basis": "stated",
        "title": "t",
        "source": "s",
    }
    layer = parse(data | more, "test")
    assert isinstance(layer, Overlay)
    return layer


def office(region: str, days: int) -> Office:
    data = {
        "kind": "office",
        "office": "330304",
        "region": region,
        "version": 1,
        "holds_from": date(2022, 1, 1),
        "date_basis": "stated",
        "title": "t",
        "source": "s",
        "promise": [{"procedure": "platform", "clock": "complete", "days": days, "source": "s"}],
    }
    layer = parse(data, "test")
    assert isinstance(layer, Office)
    return layer


# Limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", LIMITS)
def test_the_limits_are_those_of_the_rule_book(procedure: str) -> None:
    assert {limit.clock: limit.days for limit in PLAIN.limits(procedure)} == LIMITS[procedure]


def test_the_platform_procedure_takes_at_most_fifteen_working_days_in_all() -> None:
    assert PLAIN.limit("platform", "form").days + PLAIN.limit("platform", "complete").days == 15


@pytest.mark.parametrize(
    ("procedure", "clock", "owner", "basis"),
    [
        ("platform", "form", OUT, "statutory"),
        ("platform", "remit", OUT, "statutory"),
        ("platform", "complete", IN, "statutory"),
        ("platform", "credit", IN, "target"),
        ("letter", "contact_letter", IN, "statutory"),
        ("letter", "form_and_money", OUT, "statutory"),
        ("letter", "complete", IN, "statutory"),
        ("letter", "letter_query_answer", IN, "ours"),
        ("automatic", "advance", IN, "ours"),
        ("automatic", "settle", OUT, "ours"),
        ("platform", "return_ended", IN, "ours"),
        ("platform", "pay_out", OUT, "ours"),
    ],
)
def test_every_limit_has_an_owner_and_says_whether_it_is_the_laws(
    procedure: str, clock: str, owner: Role, basis: str
) -> None:
    limit = PLAIN.limit(procedure, clock)
    assert (limit.owner, limit.basis) == (owner, basis)


@pytest.mark.parametrize(("lodger", "answering"), [(OUT, IN), (IN, OUT)])
def test_the_side_that_did_not_lodge_answers_and_the_one_that_did_lodges_anew(lodger: Role, answering: Role) -> None:
    assert PLAIN.limit("platform", "answer", lodged_by=lodger).owner is answering
    assert PLAIN.limit("platform", "lodge_anew", lodged_by=lodger).owner is lodger
    assert PLAIN.limit("platform", "answer").owner is None


def test_a_clock_that_a_procedure_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        PLAIN.limit("platform", "contact_letter")


# Composition ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outbound", "inbound", "offices", "expected"),
    [
        ("130100", "140100", None, "national-2021.1"),
        ("610100", "140100", None, "national-2021.1+610000.1+610100.1"),
        ("140100", "610100", None, "national-2021.1~610000.1+610100.1"),
        ("610300", "330300", None, "national-2021.1+610000.1~330300.1"),
        ("140100", "330300", "330304", "national-2021.1~330300.1+office-330304.1"),
        ("330300", "140100", ["330304", "140105"], "national-2021.1+330300.1+office-330304.1"),
        ("130100", "140100", "330304", "national-2021.1"),
        (None, "330300", None, "national-2021.1~330300.1"),
    ],
)
def test_a_ruleset_names_every_part_that_it_is_composed_of(
    outbound: str | None, inbound: str | None, offices: str | list[str] | None, expected: str
) -> None:
    ruleset = ruleset_for(outbound, inbound, TODAY, offices)
    assert ruleset.id == expected
    assert ruleset_by_id(expected) == ruleset


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2016, 9, 1), "national-2016.1"),
        (date(2021, 11, 30), "national-2016.1"),
        (date(2021, 12, 1), "national-2021.1"),
        (date(2023, 1, 28), "national-2021.1"),
        (date(2023, 1, 29), "national-2021.1+610000.1+610100.1"),
    ],
)
def test_each_part_holds_from_its_own_date(on: date, expected: str) -> None:
    assert ruleset_for("610100", None, on).id == expected


def test_before_the_2016_procedure_there_are_no_rules_to_apply() -> None:
    with pytest.raises(RulesetNotFound) as refused:
        ruleset_for("610100", "330300", date(2016, 8, 31))
    assert refused.value.code == "no_national_version"


def test_the_2016_version_knows_the_letter_procedure_only() -> None:
    assert ruleset_for(None, None, date(2020, 1, 1)).procedures == {"letter"}


def test_a_case_keeps_the_rules_of_then_when_a_new_version_comes() -> None:
    first = overlay("330300", 1, date(2022, 1, 1), switches={"w3_months": 3, "source": "s"})
    second = overlay("330300", 2, date(2026, 1, 1), switches={"w3_months": 6, "source": "s"})
    library = Library([*packaged_library().national, first, second])
    then = library.ruleset_for(None, "330300", date(2025, 12, 31))
    now = library.ruleset_for(None, "330300", date(2026, 1, 1))
    assert (then.w3_months, now.w3_months) == (3, 6)
    assert library.ruleset_by_id(then.id).w3_months == 3


@pytest.mark.parametrize(
    "ruleset_id",
    ["", "national-1999.1", "national-2021.1+999999.1", "610100.1", "national-2021.1~", "national-2021.1+", "x~y"],
)
def test_an_id_that_names_unknown_rules_is_refused_with_what_to_do(ruleset_id: str) -> None:
    with pytest.raises(RulesetNotFound) as refused:
        ruleset_by_id(ruleset_id)
    assert refused.value.zh


def test_a_municipality_that_pools_as_one_counts_its_overlay_once() -> None:
    library = Library([*packaged_library().national, overlay("310000", 1, date(2022, 1, 1))])
    assert library.ruleset_for("310000", None, TODAY).id == "national-2021.1+310000.1"


def test_two_files_of_one_version_are_refused() -> None:
    one = overlay("310000", 1, date(2022, 1, 1))
    with pytest.raises(RulesDataError, match="two files"):
        Library([*packaged_library().national, one, one])


# Promises -------------------------------------------------------------------------------------------------------


def test_an_office_may_promise_fewer_days() -> None:
    limit = ruleset_for("140100", "330300", TODAY, "330304").limit("letter", "complete")
    assert (limit.days, limit.national_days, limit.promised_by) == (5, 15, "office-330304.1")


def test_a_promise_binds_only_the_role_that_its_region_plays() -> None:
    out_of_ouhai = ruleset_for("330300", "140100", TODAY, "330304")
    assert out_of_ouhai.limit("letter", "form_and_money").days == 5
    assert out_of_ouhai.limit("letter", "complete").days == 15


def test_a_promise_on_the_answer_binds_the_side_that_answers() -> None:
    promise = {"procedure": "platform", "clock": "answer", "days": 1, "source": "s"}
    library = Library([*packaged_library().national, overlay("330300", 1, date(2022, 1, 1), promise=[promise])])
    ruleset = library.ruleset_for("140100", "330300", TODAY)
    assert ruleset.limit("platform", "answer", lodged_by=OUT).days == 1
    assert ruleset.limit("platform", "answer", lodged_by=IN).days == 2


def test_the_shortest_promise_counts() -> None:
    promise = {"procedure": "platform", "clock": "complete", "days": 3, "source": "s"}
    region = overlay("330300", 1, date(2022, 1, 1), promise=[promise])
    for office_days, expected in ((4, 3), (2, 2)):
        library = Library([*packaged_library().national, region, office("330300", office_days)])
        ruleset = library.ruleset_for(None, "330300", TODAY, "330304")
        assert ruleset.limit("platform", "complete").days == expected


def test_a_promise_may_never_lengthen() -> None:
    with pytest.raises(RulesDataError, match="never lengthen"):
        Library([*packaged_library().national, office("330300", 6)])


# Overlays -------------------------------------------------------------------------------------------------------

LOCAL_CHECKS = [
    ("350200", OUT, {"OUT-08"}),
    ("640100", OUT, {"OUT-09"}),
    ("320100", IN, {"IN-02"}),
    ("210200", IN, {"IN-02", "IN-05"}),
    ("440300", IN, {"IN-05"}),
    ("130100", IN, set()),
]


@pytest.mark.parametrize(("region", "role", "codes"), LOCAL_CHECKS)
def test_local_checks_are_on_where_the_region_says_so_and_nowhere_else(
    region: str, role: Role, codes: set[str]
) -> None:
    ruleset = ruleset_for(region, region, TODAY)
    local = {code for code, check in CHECKS.items() if check.strength == "local" and check.role is role}
    assert {code for code in local if ruleset.check_is_on(code, role)} == codes


def test_a_local_check_of_the_other_side_is_not_asked_of_this_one() -> None:
    assert not ruleset_for("350200", "130100", TODAY).check_is_on("OUT-08", IN)


def test_a_region_may_leave_a_practice_check_off_and_speaks_over_its_province() -> None:
    def switch(on: bool) -> list[dict[str, Any]]:
        return [{"code": "OUT-04", "on": on, "source": "s"}]

    province = overlay("330000", 1, date(2022, 1, 1), check=switch(False))
    region = overlay("330300", 1, date(2022, 1, 1), check=switch(True))
    library = Library([*packaged_library().national, province, region])
    assert not library.ruleset_for("330100", None, TODAY).check_is_on("OUT-04", OUT)
    assert library.ruleset_for("330300", None, TODAY).check_is_on("OUT-04", OUT)


def test_xian_asks_for_the_certificate_lets_inbound_lodge_and_books_months_as_deemed() -> None:
    switches = ruleset_for("140100", "610100", TODAY).switches(IN)
    assert (switches.lodging, switches.certificate, switches.recorded_as) == ("inbound_only", "asked_for", "deemed")
    assert switches.declaration_of_not_returning


def test_elsewhere_either_region_lodges_no_paper_is_asked_for_and_months_stay_as_stated() -> None:
    switches = PLAIN.switches(IN)
    assert (switches.lodging, switches.certificate, switches.recorded_as) == ("either", "none", "as_stated")
    assert switches.resident_months_count is False


def test_a_wait_that_no_region_has_stated_is_not_known() -> None:
    assert PLAIN.w3_months is None


@pytest.mark.parametrize(
    ("outbound", "inbound", "expected"),
    [
        ("430100", "430200", "automatic"),
        ("320100", "320500", "automatic"),
        ("610100", "610300", "account_only"),
        ("610100", "430100", None),
        ("130100", "130200", None),
    ],
)
def test_a_provinces_own_procedure_is_for_transfers_within_it(
    outbound: str, inbound: str, expected: str | None
) -> None:
    assert ruleset_for(outbound, inbound, TODAY).in_province_procedure == expected


def test_hunan_became_automatic_on_the_day_that_is_stated() -> None:
    assert ruleset_for("430100", "430200", date(2025, 7, 9)).in_province_procedure is None
    assert ruleset_for("430100", "430200", date(2025, 7, 10)).in_province_procedure == "automatic"


@pytest.mark.parametrize(("year", "known"), [(2024, False), (2025, True), (2030, True)])
def test_the_waiting_rule_of_the_resident_scheme_is_chosen_by_coverage_year(year: int, known: bool) -> None:
    assert (PLAIN.resident_waiting(year) is not None) is known


def test_a_directory_of_a_users_own_is_read_like_the_packaged_one(tmp_path: Path) -> None:
    packaged = Path(__file__).parents[2] / "jiexu" / "rules" / "data" / "national" / "2021.1.toml"
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "2021.1.toml").write_text(packaged.read_text("utf-8"), "utf-8")
    (tmp_path / "notes.txt").write_text("not a rule", "utf-8")
    assert load_library(tmp_path).ruleset_for("610100", "330300", TODAY).id == "national-2021.1"
