"""From when benefits begin inbound, and what must be waited."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiexu.rules.continuity import Continuity, ContinuityRule, continuity, resident_waiting
from jiexu.rules.facts import Scheme
from jiexu.rules.layers import ResidentWaiting
from jiexu.rules.months import Kind, MonthTotals, Period, month_number, month_text, month_totals
from jiexu.rules.ruleset import packaged_library

EMPLOYEE, RESIDENT = Scheme.EMPLOYEE, Scheme.RESIDENT
NONE, W1, W2, W3 = ContinuityRule.NONE, ContinuityRule.W1, ContinuityRule.W2, ContinuityRule.W3


def period(
    first: str, last: str, scheme: Scheme = EMPLOYEE, kind: Kind = Kind.ACTUAL, region: str = "610100"
) -> Period:
    return Period(region, scheme, first, last, kind)


def follows(
    *periods: Period,
    resumed: str,
    to: Scheme = EMPLOYEE,
    of: Scheme = EMPLOYEE,
    status_change: bool = True,
    **more: Any,
) -> Continuity:
    return continuity(periods, resumed, of, to, status_change, **more)


# Employee to employee: W1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resumed", "gap", "rule", "wait"),
    [
        ("2025-12", 0, NONE, 0),
        ("2026-01", 0, NONE, 0),
        ("2026-02", 1, W1, 0),
        ("2026-04", 3, W1, 0),
        ("2026-05", 4, W3, None),
        ("2027-12", 23, W3, None),
    ],
)
def test_a_gap_of_up_to_three_months_is_paid_and_covered_three_included(
    resumed: str, gap: int, rule: ContinuityRule, wait: int | None
) -> None:
    found = follows(period("2020-01", "2025-12"), resumed=resumed)
    assert (found.gap_months, found.rule, found.wait_months) == (gap, rule, wait)
    assert found.wait_known is (wait is not None)
    assert found.retroactive is (rule is W1)


def test_one_covered_month_is_enough_between_employee_schemes() -> None:
    assert follows(period("2025-12", "2025-12"), resumed="2026-03").rule is W1


def test_a_gap_that_is_not_paid_falls_to_inbounds_own_rule() -> None:
    found = follows(period("2020-01", "2025-12"), resumed="2026-03", gap_paid=False)
    assert (found.rule, found.wait_months, found.wait_known) == (NONE, None, False)


def test_nobody_was_covered_before_so_no_rule_fits() -> None:
    found = follows(resumed="2026-03")
    assert (found.rule, found.gap_months, found.wait_known) == (NONE, None, False)


def test_months_that_overlap_with_inbound_leave_no_gap() -> None:
    assert follows(period("2025-01", "2026-03"), resumed="2026-02").gap_months == 0
    assert follows(period("2026-02", "2026-03"), resumed="2026-02").gap_months == 0


def test_months_paid_elsewhere_after_the_resumption_do_not_hide_a_gap_before_it() -> None:
    found = follows(period("2025-01", "2025-09"), period("2026-03", "2026-04"), resumed="2026-02")
    assert (found.gap_months, found.rule) == (4, W3)


def test_a_back_paid_month_is_covered() -> None:
    unpaid = follows(period("2024-01", "2025-09"), resumed="2026-02")
    paid = follows(period("2024-01", "2025-09"), period("2025-10", "2025-10"), resumed="2026-02")
    assert (unpaid.gap_months, unpaid.rule) == (4, W3)
    assert (paid.gap_months, paid.rule) == (3, W1)


# Between the schemes: W2 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "to"), [(EMPLOYEE, RESIDENT), (RESIDENT, EMPLOYEE)])
@pytest.mark.parametrize(
    ("first", "unbroken", "resumed", "rule"),
    [
        ("2024-01", 24, "2026-04", W2),
        ("2024-01", 24, "2026-05", W3),
        ("2024-02", 23, "2026-04", NONE),
        ("2024-02", 23, "2026-01", NONE),
        ("2020-01", 72, "2026-02", W2),
    ],
)
def test_two_unbroken_years_carry_a_change_of_status_over_three_months(
    of: Scheme, to: Scheme, first: str, unbroken: int, resumed: str, rule: ContinuityRule
) -> None:
    found = follows(period(first, "2025-12", of), resumed=resumed, of=of, to=to)
    assert (found.unbroken, found.rule) == (unbroken, rule)


def test_no_gap_means_benefits_at_once_even_with_less_than_two_years() -> None:
    found = follows(period("2025-06", "2025-12"), resumed="2026-01", to=RESIDENT)
    assert (found.rule, found.wait_months) == (NONE, 0)


def test_without_a_change_of_status_two_years_do_not_help() -> None:
    found = follows(period("2020-01", "2025-12"), resumed="2026-03", to=RESIDENT, status_change=False)
    assert (found.rule, found.wait_known) == (NONE, False)


def test_unbroken_months_run_across_schemes_and_regions() -> None:
    found = follows(
        period("2024-01", "2024-12", RESIDENT, region="330300"),
        period("2025-01", "2025-12", EMPLOYEE),
        resumed="2026-03",
        to=RESIDENT,
    )
    assert (found.unbroken, found.rule) == (24, W2)


def test_one_uncovered_month_breaks_the_run_and_paying_it_back_mends_it() -> None:
    broken = [period("2023-01", "2024-05"), period("2024-07", "2025-12")]
    assert follows(*broken, resumed="2026-03", to=RESIDENT).unbroken == 18
    mended = follows(*broken, period("2024-06", "2024-06"), resumed="2026-03", to=RESIDENT)
    assert (mended.unbroken, mended.rule) == (36, W2)


def test_deemed_months_are_covered_months() -> None:
    found = follows(period("2024-01", "2025-12", kind=Kind.DEEMED), resumed="2026-03", to=RESIDENT)
    assert found.rule is W2


def test_resident_to_resident_with_a_short_gap_fits_no_national_rule() -> None:
    found = follows(period("2020-01", "2025-12", RESIDENT), resumed="2026-03", of=RESIDENT, to=RESIDENT)
    assert (found.rule, found.wait_known) == (NONE, False)


# Longer gaps: W3 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("months", [0, 3, 6])
def test_after_a_longer_gap_the_region_sets_the_wait(months: int) -> None:
    found = follows(period("2020-01", "2025-12"), resumed="2026-05", w3_months=months)
    assert (found.rule, found.wait_months, found.wait_known) == (W3, months, True)


@pytest.mark.parametrize("months", [-1, 7])
def test_no_region_may_set_more_than_six_months(months: int) -> None:
    with pytest.raises(ValueError, match="at most 6"):
        follows(period("2020-01", "2025-12"), resumed="2026-05", w3_months=months)


def test_a_wait_that_is_not_known_is_said_to_be_unknown() -> None:
    found = follows(period("2020-01", "2025-12"), resumed="2026-05")
    assert "未知" in found.zh
    assert "not known" in found.en


# Residents from 2025 on -----------------------------------------------------------------------------------------


def resident_rule() -> ResidentWaiting:
    (national,) = (layer for layer in packaged_library().national if layer.name == "2021")
    (rule,) = national.resident_waiting
    return rule


@pytest.mark.parametrize(
    ("in_window", "lapsed", "extra", "expected"),
    [
        (True, 0, 0, 0),
        (False, 0, 0, 3),
        (True, 1, 0, 3),
        (False, 1, 0, 3),
        (True, 2, 0, 4),
        (True, 3, 0, 5),
        (True, 4, 0, 6),
        (True, 5, 0, 7),
        (True, 9, 0, 11),
        (True, 3, 1, 4),
        (True, 3, 2, 3),
        (True, 3, 9, 3),
        (True, 4, 1, 6),
        (True, 4, 9, 6),
        (True, 6, 1, 7),
        (True, 6, 9, 6),
        (None, 2, 0, 4),
    ],
)
def test_the_wait_of_residents_grows_with_lapsed_years_and_can_be_paid_down(
    in_window: bool | None, lapsed: int, extra: int, expected: int
) -> None:
    wait = resident_waiting(resident_rule(), enrolled_in_window=in_window, lapsed_years=lapsed, extra_years_paid=extra)
    assert (wait.months, wait.known) == (expected, True)


@pytest.mark.parametrize(("in_window", "lapsed"), [(None, 0), (True, None), (False, None), (None, None)])
def test_what_is_not_established_leaves_the_wait_unknown(in_window: bool | None, lapsed: int | None) -> None:
    wait = resident_waiting(resident_rule(), enrolled_in_window=in_window, lapsed_years=lapsed)
    assert wait.months is None


def test_newborns_and_similar_groups_do_not_wait() -> None:
    wait = resident_waiting(resident_rule(), enrolled_in_window=False, lapsed_years=0, exempt=True)
    assert wait.months == 0


def test_before_2025_inbounds_own_rule_decides() -> None:
    assert not resident_waiting(None, enrolled_in_window=False, lapsed_years=3).known


@pytest.mark.parametrize(("lapsed", "extra"), [(-1, 0), (0, -1)])
def test_negative_years_are_an_error(lapsed: int, extra: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        resident_waiting(resident_rule(), enrolled_in_window=True, lapsed_years=lapsed, extra_years_paid=extra)


def test_six_months_are_no_cap_for_residents() -> None:
    wait = resident_waiting(resident_rule(), enrolled_in_window=True, lapsed_years=6)
    found = follows(period("2015-01", "2019-12"), resumed="2026-01", to=RESIDENT, w3_months=6, resident_wait=wait)
    assert (found.rule, found.wait_months) == (W3, 8)


def test_the_resident_rule_does_not_touch_those_whom_w2_covers() -> None:
    wait = resident_waiting(resident_rule(), enrolled_in_window=False, lapsed_years=0)
    found = follows(period("2020-01", "2025-12"), resumed="2026-02", to=RESIDENT, resident_wait=wait)
    assert (found.rule, found.wait_months) == (W2, 0)


# Months add up: W4 ----------------------------------------------------------------------------------------------


def test_employee_months_add_up_across_regions_actual_and_deemed_apart() -> None:
    totals = month_totals(
        [
            period("2010-01", "2010-12", kind=Kind.DEEMED, region="330300"),
            period("2011-01", "2011-06", region="330300"),
            period("2011-07", "2011-12"),
            period("2012-01", "2012-12", RESIDENT),
        ]
    )
    assert totals == MonthTotals(employee_actual=12, employee_deemed=12, resident_actual=12, first_month="2010-01")
    assert totals.employee_months() == 24
    assert (totals.actual, totals.deemed) == (24, 12)


def test_resident_months_count_for_employee_years_only_where_an_overlay_says_so() -> None:
    totals = month_totals([period("2012-01", "2012-12", RESIDENT)])
    assert (totals.employee_months(), totals.employee_months(resident_months_count=True)) == (0, 12)


@pytest.mark.parametrize(
    ("first", "second", "counted"),
    [
        ((EMPLOYEE, Kind.DEEMED), (RESIDENT, Kind.ACTUAL), MonthTotals(employee_deemed=1, first_month="2025-01")),
        ((EMPLOYEE, Kind.DEEMED), (EMPLOYEE, Kind.ACTUAL), MonthTotals(employee_actual=1, first_month="2025-01")),
        ((RESIDENT, Kind.ACTUAL), (RESIDENT, Kind.DEEMED), MonthTotals(resident_actual=1, first_month="2025-01")),
        ((EMPLOYEE, Kind.ACTUAL), (EMPLOYEE, Kind.ACTUAL), MonthTotals(employee_actual=1, first_month="2025-01")),
    ],
)
def test_a_calendar_month_counts_once_employee_before_resident_actual_before_deemed(
    first: tuple[Scheme, Kind], second: tuple[Scheme, Kind], counted: MonthTotals
) -> None:
    stretches = [period("2025-01", "2025-01", *first), period("2025-01", "2025-01", *second, region="330300")]
    assert month_totals(stretches) == month_totals(reversed(stretches)) == counted


def test_nobody_insured_has_no_months_and_no_first_month() -> None:
    assert month_totals([]) == MonthTotals()


@pytest.mark.parametrize("month", ["2025-13", "2025-00", "2025-1", "202501", "２０２５-01", "2025-01-01", ""])
def test_a_month_that_is_not_written_as_a_month_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        month_number(month)


def test_a_period_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        period("2025-02", "2025-01")


months = st.integers(min_value=month_number("2000-01"), max_value=month_number("2025-12"))
stretch = st.builds(
    lambda first, length, scheme, kind: period(month_text(first), month_text(first + length), scheme, kind),
    months,
    st.integers(0, 40),
    st.sampled_from(Scheme),
    st.sampled_from(Kind),
)


@given(st.lists(stretch, max_size=6))
def test_every_covered_month_is_counted_exactly_once_whatever_the_stretches(stretches: list[Period]) -> None:
    totals = month_totals(stretches)
    assert totals.actual + totals.deemed == len({month for one in stretches for month in one.numbers})


@given(st.lists(stretch, min_size=1, max_size=6), months)
def test_the_gap_is_what_lies_uncovered_right_before_the_resumption(stretches: list[Period], resumed: int) -> None:
    covered = {month for one in stretches for month in one.numbers}
    found = follows(*stretches, resumed=month_text(resumed))
    assert found.gap_months is not None
    assert not covered & set(range(resumed - found.gap_months, resumed))
    if any(month < resumed for month in covered):
        assert resumed - found.gap_months - 1 in covered
