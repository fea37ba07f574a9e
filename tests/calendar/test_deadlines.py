"""A deadline is a fact that can be worked out again."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from invented_year import as_plan, year_2027

from jiexu.calendar import Calendar, CalendarError, Deadline, deadline, recompute


def upload(calendar: Calendar, start: datetime, length: int = 10) -> Deadline:
    return deadline(
        calendar, clock="form_uploaded", owner="610100.outbound", start=start, start_kind="acceptance", length=length
    )


def with_2027(china: Calendar) -> Calendar:
    return Calendar((*china.national, as_plan(year_2027())), china.overlays, china.own_days)


def test_a_deadline_names_everything_it_rests_on(china: Calendar) -> None:
    start = datetime(2026, 2, 10, 6, 30, tzinfo=UTC)
    assert upload(china, start) == Deadline(
        clock="form_uploaded",
        owner="610100.outbound",
        start=start,
        start_kind="acceptance",
        length=10,
        due=date(2026, 3, 2),
        due_at=datetime(2026, 3, 2, 16, tzinfo=UTC),
        provisional=False,
        calendar=china.version,
    )


def test_the_start_day_is_the_date_in_beijing(china: Calendar) -> None:
    before_midnight = upload(china, datetime(2026, 3, 2, 15, 59, tzinfo=UTC), length=1)
    after_midnight = upload(china, datetime(2026, 3, 2, 16, 0, tzinfo=UTC), length=1)
    assert (before_midnight.due, after_midnight.due) == (date(2026, 3, 3), date(2026, 3, 4))


def test_a_naive_start_is_refused(china: Calendar) -> None:
    with pytest.raises(CalendarError, match="CAL-08"):
        upload(china, datetime(2026, 3, 2))  # noqa: DTZ001 (the naive time is the point)


def test_a_provisional_deadline_is_final_and_right_once_the_year_is_added(china: Calendar) -> None:
    old = upload(china, datetime(2026, 12, 28, 2, tzinfo=UTC), length=5)
    assert (old.due, old.provisional) == (date(2027, 1, 4), True)
    new = recompute(old, with_2027(china))
    assert (new.due, new.provisional) == (date(2027, 1, 5), False)
    assert new.calendar.startswith("cn-2016..2027-")
    assert replace(new, due=old.due, due_at=old.due_at, provisional=True, calendar=old.calendar) == old


def test_working_out_again_with_the_same_calendar_changes_nothing(china: Calendar) -> None:
    old = upload(china, datetime(2026, 4, 28, 2, tzinfo=UTC))
    assert recompute(old, china) == old


def test_a_limit_of_guangxi_stays_one_of_guangxi(china: Calendar) -> None:
    old = upload(china.in_province("45"), datetime(2026, 4, 16, 2, tzinfo=UTC), length=1)
    assert old.due == date(2026, 4, 21)
    assert recompute(old, china) == old
    assert recompute(old, china.in_province("65")) == old


def test_a_national_limit_stays_national(china: Calendar) -> None:
    old = upload(china, datetime(2026, 4, 16, 2, tzinfo=UTC), length=1)
    assert recompute(old, china.in_province("45")) == old
