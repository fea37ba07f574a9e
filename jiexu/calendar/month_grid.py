"""A year drawn as a grid of months for the terminal: days off and moved workdays marked by sign and colour."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.text import Text

from jiexu.calendar.notice import Holiday, YearPlan
from jiexu.calendar.workdays import Calendar, DayKind

Say = Callable[[str, str], str]
"""Takes a Chinese and an English text and gives the one to show."""

_STYLE = {
    DayKind.WORKDAY: "",
    DayKind.WEEKEND: "dim",
    DayKind.HOLIDAY: "bold red",
    DayKind.MOVED_WORKDAY: "bold cyan",
}

_CELL = 4
"""Terminal cells a day: two digits and a sign, which is two cells wide in Chinese."""


def year_grid(calendar: Calendar, year: int, say: Say) -> RenderableType:
    """The whole year with its legend, its holidays by name, and what the days rest on.

    Raises CalendarError CAL-01 for a year outside the calendar.
    """
    calendar.day(date(year, 1, 1))
    months = Columns([_month(calendar, year, month, say) for month in range(1, 13)], padding=(1, 3), equal=True)
    parts: list[RenderableType] = [_title(calendar, year, say)]
    if not calendar.is_published(year):
        parts.append(_estimate(calendar, year, say))
    parts += [months, _legend(say)]
    for plan in calendar.plans(year):
        parts += [Text(), *_named_days(plan, say)]
    return Group(*parts)


def _title(calendar: Calendar, year: int, say: Say) -> Text:
    whose = (
        ""
        if calendar.province is None
        else say(f"（省级代码 {calendar.province}）", f" (province {calendar.province})")
    )
    return Text(
        say(f"{year} 年工作日历{whose}  {calendar.version}", f"Working days of {year}{whose}  {calendar.version}"),
        "bold",
    )


def _estimate(calendar: Calendar, year: int, say: Say) -> Text:
    if year > calendar.last_year:
        zh = f"暂定：{year} 年放假安排尚未录入，仅按周一至周五估算"
        en = f"Provisional: the days off of {year} are not added yet; Monday to Friday is an estimate"
    else:
        zh = f"暂定：该省 {year} 年的本省假日未知，仅按全国安排估算"
        en = f"Provisional: the province's own days of {year} are not known; the country's are an estimate"
    return Text(say(zh, en), "bold yellow")


def _month(calendar: Calendar, year: int, month: int, say: Say) -> Text:
    lines = Text(say(f"{month} 月", f"{date(year, month, 1):%B}"), "bold")
    lines.append("\n" + say("一  二  三  四  五  六  日  ", "Mo  Tu  We  Th  Fr  Sa  Su  "), "not bold dim")
    first, length = monthrange(year, month)
    lines.append("\n" + " " * (_CELL * first))
    for number in range(1, length + 1):
        day = date(year, month, number)
        kind = calendar.day(day).kind
        lines.append(
            f"{number:2d}{_sign(kind, say)}",
            f"not bold {_STYLE[kind]}" if not _STYLE[kind].startswith("bold") else _STYLE[kind],
        )
        if day.weekday() == 6 and number < length:
            lines.append("\n")
    return lines


def _sign(kind: DayKind, say: Say) -> str:
    if kind is DayKind.HOLIDAY:
        return say("休", "H ")
    return say("班", "W ") if kind is DayKind.MOVED_WORKDAY else "  "


def _legend(say: Say) -> Text:
    return Text.assemble(
        "\n",
        (say("休", "H"), _STYLE[DayKind.HOLIDAY]),
        say(" 放假  ", " holiday  "),
        (say("班", "W"), _STYLE[DayKind.MOVED_WORKDAY]),
        say(" 调休上班", " moved workday"),
    )


def _named_days(plan: YearPlan, say: Say) -> list[Text]:
    lines = [
        Text(f"《{notice.title}》{'' if notice.number == 'unknown' else notice.number}") for notice in plan.notices
    ]
    lines += [Text(f"  {say(holiday.zh, holiday.en)}  {stretch(holiday)}") for holiday in plan.holidays]
    if plan.moved_workdays:
        moved = say("、", ", ").join(f"{day:%m-%d}" for day in plan.moved_workdays)
        lines.append(Text(f"  {say('调休上班', 'Moved workdays')}  {moved}"))
    return lines


def stretch(holiday: Holiday) -> str:
    """First and last day of a holiday, e.g. `02-15 – 02-23`; every day where it has gaps."""
    first, last = holiday.days[0], holiday.days[-1]
    if (last - first).days + 1 != len(holiday.days):
        return " ".join(f"{day:%m-%d}" for day in holiday.days)
    return f"{first:%m-%d}" if first == last else f"{first:%m-%d} – {last:%m-%d}"
