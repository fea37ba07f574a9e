"""The year files say what the notices say: a second transcription, straight from the notices' texts."""

from datetime import date, timedelta

import pytest

from jiexu.calendar import Calendar, DayKind, load

# Stretches off and moved workdays as the notices word them, "与周末连休" included only where it names weekdays.
NOTICES = {
    2016: (
        "01-01 02-07..02-13 04-04 05-01..05-02 06-09..06-11 09-15..09-17 10-01..10-07",
        "02-06 02-14 06-12 09-18 10-08 10-09",
    ),
    2017: (
        "01-01..01-02 01-27..02-02 04-02..04-04 05-01 05-28..05-30 10-01..10-08",
        "01-22 02-04 04-01 05-27 09-30",
    ),
    2018: (
        "01-01 02-15..02-21 04-05..04-07 04-29..05-01 06-18 09-24 10-01..10-07 12-30..12-31",
        "02-11 02-24 04-08 04-28 09-29 09-30 12-29",
    ),
    2019: (
        "01-01 02-04..02-10 04-05 05-01..05-04 06-07 09-13 10-01..10-07",
        "02-02 02-03 04-28 05-05 09-29 10-12",
    ),
    2020: (
        "01-01 01-24..02-02 04-04..04-06 05-01..05-05 06-25..06-27 10-01..10-08",
        "01-19 04-26 05-09 06-28 09-27 10-10",
    ),
    2021: (
        "01-01..01-03 02-11..02-17 04-03..04-05 05-01..05-05 06-12..06-14 09-19..09-21 10-01..10-07",
        "02-07 02-20 04-25 05-08 09-18 09-26 10-09",
    ),
    2022: (
        "01-01..01-03 01-31..02-06 04-03..04-05 04-30..05-04 06-03..06-05 09-10..09-12 10-01..10-07 12-31",
        "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
    ),
    2023: (
        "01-01..01-02 01-21..01-27 04-05 04-29..05-03 06-22..06-24 09-29..10-06",
        "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    ),
    2024: (
        "01-01 02-10..02-17 04-04..04-06 05-01..05-05 06-10 09-15..09-17 10-01..10-07",
        "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    ),
    2025: (
        "01-01 01-28..02-04 04-04..04-06 05-01..05-05 05-31..06-02 10-01..10-08",
        "01-26 02-08 04-27 09-28 10-11",
    ),
    2026: (
        "01-01..01-03 02-15..02-23 04-04..04-06 05-01..05-05 06-19..06-21 09-25..09-27 10-01..10-07",
        "01-04 02-14 02-28 05-09 09-20 10-10",
    ),
}

# Counted by hand from the notices: weekdays off and weekend days worked.
COUNTS = {
    2016: (17, 6),
    2017: (16, 5),
    2018: (18, 7),
    2019: (17, 6),
    2020: (19, 6),
    2021: (18, 7),
    2022: (18, 7),
    2023: (18, 7),
    2024: (19, 8),
    2025: (18, 5),
    2026: (19, 6),
}


def dates(year: int, stretches: str) -> set[date]:
    found = set()
    for stretch in stretches.split():
        first, _, last = stretch.partition("..")
        day, end = (date.fromisoformat(f"{year}-{text}") for text in (first, last or first))
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return found


def whole(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_year_is_what_the_notice_says(china: Calendar, year: int) -> None:
    off, moved = (dates(year, text) for text in NOTICES[year])
    for day in whole(year):
        expected = day in moved or (day.weekday() < 5 and day not in off)
        assert china.is_working_day(day) is expected, day


@pytest.mark.parametrize("year", COUNTS)
def test_the_year_moves_as_many_days_as_counted(china: Calendar, year: int) -> None:
    kinds = {day: china.day(day).kind for day in whole(year)}
    off = [day for day, kind in kinds.items() if kind is DayKind.HOLIDAY and day.weekday() < 5]
    moved = [day for day, kind in kinds.items() if kind is DayKind.MOVED_WORKDAY]
    assert (len(off), len(moved)) == COUNTS[year]


@pytest.mark.parametrize("year", COUNTS)
def test_moving_days_gives_nobody_more_or_less_than_the_statutory_holidays(china: Calendar, year: int) -> None:
    """全国年节及纪念日放假办法: 11 days, 13 from 2025 on; 2020 had two more by the extended Spring Festival."""
    statutory = 13 if year >= 2025 else 11
    weekdays = sum(day.weekday() < 5 for day in whole(year))
    worked = sum(china.is_working_day(day) for day in whole(year))
    assert weekdays - worked == statutory + (2 if year == 2020 else 0)


def test_the_years_run_from_2016_to_2026_without_a_gap(china: Calendar) -> None:
    assert [plan.year for plan in china.national] == list(range(2016, 2027))


def test_every_national_file_cites_a_numbered_notice(china: Calendar) -> None:
    for plan in china.national:
        assert all(notice.number.startswith("国办发明电〔20") for notice in plan.notices), plan.year


@pytest.mark.parametrize("day", ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"])
def test_each_moved_workday_of_2026_is_worked(china: Calendar, day: str) -> None:
    moved = date.fromisoformat(f"2026-{day}")
    assert moved.weekday() >= 5
    assert china.day(moved).kind is DayKind.MOVED_WORKDAY
    assert china.is_working_day(moved)


def test_2026_has_no_other_moved_workday(china: Calendar) -> None:
    assert len(china.plans(2026)[0].moved_workdays) == 6


def test_national_day_2025_takes_in_mid_autumn_and_lasts_eight_days(china: Calendar) -> None:
    for day in range(1, 9):
        assert not china.is_working_day(date(2025, 10, day))
    assert china.is_working_day(date(2025, 9, 28))
    assert china.is_working_day(date(2025, 10, 9))
    assert china.is_working_day(date(2025, 10, 11))


def test_the_spring_festival_of_2020_was_extended_to_2_february(china: Calendar) -> None:
    assert not china.is_working_day(date(2020, 1, 31))
    assert china.day(date(2020, 2, 1)).kind is DayKind.HOLIDAY
    assert china.is_working_day(date(2020, 2, 3))


def test_a_province_file_repeats_no_national_day_off() -> None:
    china = load()
    for plan in china.overlays:
        for day in plan.days_off:
            assert china.day(day).kind is not DayKind.HOLIDAY, (plan.name, day)
