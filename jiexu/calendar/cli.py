"""The commands `jiexu calendar …`: a due date, a year drawn, a year added. Mounted by the main command line."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console

from jiexu.calendar.errors import CalendarError
from jiexu.calendar.installed import Added, add, load, overlay_directory
from jiexu.calendar.month_grid import year_grid
from jiexu.calendar.notice import LARGEST_FILE
from jiexu.calendar.workdays import Calendar, DayKind


def text(zh: str, en: str) -> str:
    """The sentence in the language chosen by the main command's `--lang`; Chinese unless it says `en`."""
    context = click.get_current_context(silent=True)
    chosen = context.find_root().params.get("lang") if context else None
    return en if chosen == "en" else zh


class Refused(click.ClickException):
    """Bad input: the reason in both languages on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the reason."""
        click.echo(f"错误 Error {self.format_message()}", file=file, err=file is None)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except CalendarError as error:
        raise Refused(str(error)) from error


class DateParameter(click.ParamType[date]):
    """A date written 2026-02-10 and in no other way."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it; a wrong one is bad input."""
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is None or day.isoformat() != value:
            self.fail(f"“{value}”不是日期，请写作 2026-02-10 / not a date, write 2026-02-10", param, ctx)
        return day


_PROVINCE = click.option(
    "--province",
    metavar="NN",
    help="省级代码，统筹区代码的前两位，如 45 广西 / first two digits of a region code, e.g. 45 Guangxi",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")


@click.group()
def calendar() -> None:
    """工作日历：期限、年度放假安排。Working days: due dates and the years' days off.

    \b
    示例 Example: jiexu calendar due --start 2026-02-10 --days 10
    """


@calendar.command()
@click.option("--start", type=DateParameter(), required=True, help="起始日，不计入 / start day, not counted")
@click.option("--days", type=int, required=True, help="工作日数 / number of working days")
@_PROVINCE
@_JSON
def due(start: date, days: int, province: str | None, as_json: bool) -> None:
    """计算期限的最后一日（至当日 24:00）。The last day of a limit (ends at its 24:00).

    \b
    示例 Example: jiexu calendar due --start 2026-02-10 --days 10 --province 45 --json
    """
    with _refusing():
        answer = _installed(province).add_working_days(start, days)
    if as_json:
        _print_json({"due": answer.date.isoformat(), "provisional": answer.provisional, "calendar": answer.calendar})
        return
    click.echo(
        text(
            f"{start} 起第 {days} 个工作日：{answer.date}，至 24:00（北京时间）",
            f"{days} working days after {start}: {answer.date}, until 24:00 Beijing time",
        )
    )
    if answer.provisional:
        click.echo(
            text(
                "暂定：期限涉及尚未录入放假安排的日期，录入后会重新计算",
                "Provisional: it reaches into days that no notice has named yet, and is worked out again then",
            )
        )
    click.echo(text(f"日历版本：{answer.calendar}", f"Calendar version: {answer.calendar}"))


@calendar.command()
@click.argument("year", type=int)
@_PROVINCE
@_JSON
def show(year: int, province: str | None, as_json: bool) -> None:
    """按月显示一年的放假与调休。Draw a year with its days off and moved workdays.

    \b
    示例 Example: jiexu calendar show 2026 --province 45
    """
    with _refusing():
        chosen = _installed(province)
        if not date.min.year <= year <= date.max.year:
            raise Refused(f"年份 {year} 无效，请写作 2026\n{year} is no year: write 2026")
        if as_json:
            _print_json(_year_document(chosen, year))
            return
        console = Console(highlight=False)
        console.print(year_grid(chosen, year, text))


@calendar.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--replace",
    is_flag=True,
    help="更正已有年份，保留原版本 / correct a year that is there; the earlier version is kept",
)
@_JSON
def add_year(file: Path, replace: bool, as_json: bool) -> None:
    """录入一年的放假安排。Add a year's days off.

    \b
    FILE：JSON 文件，- 为标准输入；本省假日另加 "province"。
    FILE: a JSON file, - for stdin; a province's own days have "province" too.
    {"year": 2027,
     "notices": [{"title": "…", "number": "国办发明电〔…〕…号", "dated": "2026-11-01"}],
     "holidays": [{"zh": "元旦", "en": "New Year's Day", "days": ["2027-01-01"]}],
     "moved_workdays": ["2027-02-14"],
     "source": "…"}

    \b
    示例 Example: jiexu calendar add 2027.json
    """
    with click.open_file(str(file), "rb") as source:
        content = source.read(LARGEST_FILE + 1)  # one byte more than allowed is enough to refuse it
    with _refusing():
        result = add(content, overlay_directory(os.environ), where=str(file), replace=replace)
    if as_json:
        _print_json(
            {
                "outcome": result.outcome,
                "name": result.name,
                "calendar": result.calendar,
                "path": str(result.path) if result.path else None,
                "earlier": str(result.earlier) if result.earlier else None,
            }
        )
        return
    click.echo(_sentence(result))
    click.echo(text(f"日历版本：{result.calendar}", f"Calendar version: {result.calendar}"))


def _installed(province: str | None) -> Calendar:
    return load(overlay_directory(os.environ)).in_province(province)


def _sentence(result: Added) -> str:
    if result.outcome == "unchanged":
        return text(f"{result.name} 已有相同内容，未作改动", f"{result.name} is already there, nothing changed")
    if result.outcome == "replaced":
        return text(
            f"{result.name} 已更正：{result.path}；原版本保留在 {result.earlier}",
            f"{result.name} corrected: {result.path}; the earlier version is kept in {result.earlier}",
        )
    return text(f"{result.name} 已录入：{result.path}", f"{result.name} added: {result.path}")


def _year_document(chosen: Calendar, year: int) -> dict[str, Any]:
    answer = chosen.day(date(year, 1, 1))
    days = [
        date.fromordinal(number) for number in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
    ]
    kinds = {day: chosen.day(day) for day in days}
    return {
        "year": year,
        "province": chosen.province,
        "provisional": answer.provisional,
        "calendar": chosen.version,
        "notices": [notice.model_dump(mode="json") for plan in chosen.plans(year) for notice in plan.notices],
        "holidays": [
            {"date": day.isoformat(), "zh": found.holiday.zh, "en": found.holiday.en}
            for day, found in kinds.items()
            if found.holiday is not None
        ],
        "moved_workdays": [day.isoformat() for day, found in kinds.items() if found.kind is DayKind.MOVED_WORKDAY],
        "working_days": sum(found.is_working for found in kinds.values()),
    }


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
