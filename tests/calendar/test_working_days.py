"""Counting working days: where a limit ends, when the answer is only an estimate, and what a province adds."""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_year import as_plan, year_2027

from jiexu.calendar import Calendar, CalendarError, DayKind, beijing_date, due_instant, load

CHINA = load()


def extended(china: Calendar, **changes: object) -> Calendar:
    return Calendar((*china.national, as_plan(year_2027(**changes))), china.overlays, china.own_days)


def test_ten_working_days_over_the_spring_festival_of_2026_end_on_2_march(china: Calendar) -> None:
    due = china.add_working_days(date(2026, 2, 10), 10)
    assert (due.date, due.provisional, due.calendar) == (date(2026, 3, 2), False, china.version)


def test_the_start_day_is_not_counted(china: Calendar) -> None:
    assert china.add_working_days(date(2026, 3, 2), 1).date == date(2026, 3, 3)


def test_a_start_on_a_day_off_counts_from_the_next_working_day(china: Calendar) -> None:
    assert china.add_working_days(date(2026, 3, 7), 1).date == date(2026, 3, 9)


def test_a_limit_can_end_on_a_moved_workday(china: Calendar) -> None:
    assert china.add_working_days(date(2026, 2, 13), 1).date == date(2026, 2, 14)


def test_a_limit_ends_at_24_00_in_beijing() -> None:
    assert due_instant(date(2026, 3, 2)) == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert CHINA.add_working_days(date(2026, 2, 10), 10).instant == datetime(2026, 3, 2, 16, tzinfo=UTC)


def test_the_date_of_an_instant_is_the_one_in_beijing() -> None:
    assert beijing_date(datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert beijing_date(datetime(2026, 3, 2, 16, tzinfo=UTC)) == date(2026, 3, 3)
    assert beijing_date(datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=-8)))) == date(2026, 3, 3)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(CalendarError, match="CAL-08"):
        beijing_date(datetime(2026, 3, 2))  # noqa: DTZ001 (the naive time is the point)


def test_a_limit_within_published_years_is_final(china: Calendar) -> None:
    assert not china.add_working_days(date(2026, 12, 30), 1).provisional


def test_a_limit_that_needs_a_day_of_an_unpublished_year_is_provisional(china: Calendar) -> None:
    due = china.add_working_days(date(2026, 12, 31), 1)
    assert (due.date, due.provisional) == (date(2027, 1, 1), True)


def test_adding_the_year_makes_it_final_and_moves_it(china: Calendar) -> None:
    due = extended(china).add_working_days(date(2026, 12, 31), 1)
    assert (due.date, due.provisional) == (date(2027, 1, 4), False)


def test_a_plain_yes_is_refused_where_it_would_be_a_guess(china: Calendar) -> None:
    with pytest.raises(CalendarError, match="CAL-02") as refused:
        china.is_working_day(date(2027, 1, 4))
    assert "jiexu calendar add" in refused.value.zh
    assert china.day(date(2027, 1, 4)).provisional


@pytest.mark.parametrize("start", [date(2015, 12, 30), date(1999, 1, 1)])
def test_before_2016_is_an_error_and_no_estimate(china: Calendar, start: date) -> None:
    with pytest.raises(CalendarError, match="CAL-01"):
        china.add_working_days(start, 5)
    with pytest.raises(CalendarError, match="CAL-01"):
        china.is_working_day(start)


def test_the_last_day_of_2015_is_a_start_since_it_is_not_counted(china: Calendar) -> None:
    assert china.add_working_days(date(2015, 12, 31), 1).date == date(2016, 1, 4)


@pytest.mark.parametrize("days", [0, -1, 1001])
def test_a_limit_of_no_days_or_of_years_is_refused(china: Calendar, days: int) -> None:
    with pytest.raises(CalendarError, match="CAL-03"):
        china.add_working_days(date(2026, 3, 2), days)


def test_the_end_of_time_is_refused_and_not_counted_for_ever(china: Calendar) -> None:
    with pytest.raises(CalendarError, match="CAL-01"):
        china.add_working_days(date.max, 1)


def test_a_span_that_runs_backwards_is_refused(china: Calendar) -> None:
    with pytest.raises(CalendarError, match="CAL-04"):
        china.working_days_between(date(2026, 3, 3), date(2026, 3, 2))


def test_a_count_into_an_unpublished_year_is_marked(china: Calendar) -> None:
    assert not china.working_days_between(date(2026, 12, 1), date(2026, 12, 31)).provisional
    assert china.working_days_between(date(2026, 12, 1), date(2027, 1, 1)).provisional


starts = st.dates(date(2015, 12, 31), date(2028, 12, 31))
provinces = st.sampled_from([None, "11", "45", "54", "64", "65"])


@given(start=starts, days=st.integers(1, 60), province=provinces)
def test_adding_and_counting_are_inverse(start: date, days: int, province: str | None) -> None:
    calendar = CHINA.in_province(province)
    due = calendar.add_working_days(start, days)
    count = calendar.working_days_between(start, due.date)
    assert (count.days, count.provisional, count.calendar) == (days, due.provisional, due.calendar)
    assert calendar.day(due.date).is_working


@given(start=starts, days=st.integers(1, 60), province=provinces)
def test_one_day_more_ends_later_and_a_later_start_never_ends_earlier(
    start: date, days: int, province: str | None
) -> None:
    calendar = CHINA.in_province(province)
    due = calendar.add_working_days(start, days)
    assert calendar.add_working_days(start, days + 1).date > due.date
    assert calendar.add_working_days(start + timedelta(days=1), days).date >= due.date


@given(start=starts, days=st.integers(1, 60), province=provinces)
def test_a_limit_is_provisional_exactly_when_it_touches_an_unpublished_year(
    start: date, days: int, province: str | None
) -> None:
    calendar = CHINA.in_province(province)
    due = calendar.add_working_days(start, days)
    years = range((start + timedelta(days=1)).year, due.date.year + 1)
    assert due.provisional is not all(calendar.is_published(year) for year in years)


def test_guangxi_has_sanyuesan_off_and_the_country_has_not(china: Calendar) -> None:
    guangxi = china.in_province("45")
    for day in (date(2025, 3, 31), date(2025, 4, 1)):
        assert guangxi.day(day).kind is DayKind.HOLIDAY
        assert china.is_working_day(day)
    assert china.add_working_days(date(2025, 3, 28), 1).date == date(2025, 3, 31)
    assert guangxi.add_working_days(date(2025, 3, 28), 1).date == date(2025, 4, 2)
    assert not guangxi.add_working_days(date(2025, 3, 28), 1).provisional


def test_guangxi_rests_where_the_country_works_a_moved_workday(china: Calendar) -> None:
    assert china.is_working_day(date(2023, 4, 23))
    assert not china.in_province("45").is_working_day(date(2023, 4, 23))


def test_guangxi_works_a_weekend_day_of_its_own(china: Calendar) -> None:
    assert not china.is_working_day(date(2018, 4, 15))
    assert china.in_province("45").is_working_day(date(2018, 4, 15))


def test_guangxi_is_known_to_have_had_no_days_of_its_own_in_2020(china: Calendar) -> None:
    guangxi = china.in_province("45")
    assert guangxi.is_published(2020)
    assert guangxi.is_working_day(date(2020, 3, 26))


@pytest.mark.parametrize(("province", "year"), [("54", 2025), ("64", 2026), ("65", 2024)])
def test_a_province_whose_days_of_the_year_are_unknown_gives_provisional_deadlines(
    china: Calendar, province: str, year: int
) -> None:
    due = china.in_province(province).add_working_days(date(year, 3, 2), 10)
    assert due.provisional
    assert due.date == china.add_working_days(date(year, 3, 2), 10).date


def test_a_province_with_a_known_year_gives_final_deadlines(china: Calendar) -> None:
    assert not china.in_province("65").add_working_days(date(2025, 6, 5), 1).provisional
    assert china.in_province("65").add_working_days(date(2025, 6, 5), 1).date == date(2025, 6, 11)


def test_a_province_without_days_of_its_own_has_the_countrys_calendar(china: Calendar) -> None:
    assert china.in_province("11") is china
    assert china.in_province("45").in_province(None) is china


@pytest.mark.parametrize("code", ["", "4", "450000", "ab", "05", "４５"])
def test_a_province_code_is_two_digits(china: Calendar, code: str) -> None:
    with pytest.raises(CalendarError, match="CAL-05"):
        china.in_province(code)


def test_the_version_names_the_years_the_content_and_the_province(china: Calendar) -> None:
    assert china.version.startswith("cn-2016..2026-")
    assert china.in_province("45").version.startswith(f"{china.version}+45-")
    assert china.in_province("54").version == f"{china.version}+54-unknown"
    assert load().version == china.version


def test_the_shipped_version_changes_only_with_the_days(china: Calendar) -> None:
    """Deadlines in journals name this version: a change of the data must be meant."""
    assert china.version == "cn-2016..2026-cce6e27a"


def test_the_version_follows_the_days_and_not_the_wording(china: Calendar) -> None:
    one = extended(china)
    reworded = extended(china, source="another wording")
    corrected = extended(china, moved_workdays=["2027-02-14", "2027-05-08", "2027-10-10"])
    assert one.version.startswith("cn-2016..2027-")
    assert reworded.version == one.version
    assert corrected.version != one.version


def test_the_order_of_the_files_makes_no_difference(china: Calendar) -> None:
    backwards = Calendar(china.national[::-1], china.overlays[::-1], china.own_days)
    assert backwards.version == china.version
    assert backwards.in_province("45").version == china.in_province("45").version


def test_a_gap_between_the_years_is_refused(china: Calendar) -> None:
    with pytest.raises(CalendarError, match="CAL-09") as refused:
        Calendar(tuple(plan for plan in china.national if plan.year != 2020))
    assert "2020" in refused.value.zh


def test_a_year_that_stands_twice_is_refused(china: Calendar) -> None:
    with pytest.raises(CalendarError, match="CAL-09"):
        Calendar((*china.national, china.national[0]))


def test_a_calendar_can_be_sent_to_another_process(china: Calendar) -> None:
    copy = pickle.loads(pickle.dumps(china))
    assert copy == china
    assert copy.add_working_days(date(2026, 2, 10), 10) == china.add_working_days(date(2026, 2, 10), 10)
