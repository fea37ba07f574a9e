"""A year file: what the notices say about the days of one year, in the country or in one province.

The State Council's office publishes the national notice between late October and mid-December of the year before;
an autonomous region names its own days by notices of its own. A notice can reach back into the December before
(those for 2019 and 2023 did): then the earlier year's file is corrected too. The file is strict: it is the only way
in, and nothing behind it checks a date again.
"""

import json
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from jiexu.calendar.errors import CalendarError

FIRST_YEAR = 2016
"""The oldest procedure (人社厅发〔2016〕94号) is in force from 2016-09-01: no clock is older than that year."""

LAST_YEAR = 2199
"""A year beyond this is a slip of the pen."""

LARGEST_FILE = 256 * 1024
"""Bytes; a year file has about 3 KiB."""

_SATURDAY = 5

_ALWAYS_OFF = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
"""Month and day of the holidays that 全国年节及纪念日放假办法 fixes: a national file without one is incomplete."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _fault(zh: str, en: str) -> PydanticCustomError:
    # The sentences go in as context: a brace in a value must not be taken for a placeholder of the template.
    return PydanticCustomError("calendar", "{en}", {"zh": zh, "en": en})


def _ascending(days: tuple[date, ...]) -> tuple[date, ...]:
    for earlier, later in pairwise(days):
        if later == earlier:
            raise _fault(f"日期 {later} 重复，请删去一个", f"the date {later} stands twice: delete one")
        if later < earlier:
            raise _fault(
                f"日期 {later} 排在 {earlier} 之后，请按先后排列",
                f"{later} stands after {earlier}: put the dates in order",
            )
    return days


Days = Annotated[tuple[date, ...], AfterValidator(_ascending)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Notice(_Strict):
    """The document behind the days; what is not known is `unknown`, never a guess."""

    title: Text
    number: Text = Field(description="发文字号, e.g. 国办发明电〔2025〕7号, or unknown")
    dated: date | Literal["unknown"] = Field(description="the date that the notice bears (成文日期)")


class Holiday(_Strict):
    """One stretch of days off as the notice names it, with the weekend days that it takes in."""

    zh: Text
    en: Text
    days: Days = Field(min_length=1)


class YearPlan(_Strict):
    """Days off and moved workdays of one year. `province` None is the country; else two digits (GB/T 2260).

    A province's file holds only what differs from the national file: its own days off, also where the country
    works a moved workday, and weekend days that it works in their stead. It may be empty: then it is known that
    the province has no days of its own in that year, which is not the same as no file.
    """

    year: int = Field(ge=FIRST_YEAR, le=LAST_YEAR)
    province: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]$")] | None = None
    notices: tuple[Notice, ...] = Field(min_length=1)
    holidays: tuple[Holiday, ...]
    moved_workdays: Days
    source: Text

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._dates_in_year()
        self._no_date_twice()
        self._moved_workdays_are_weekends()
        self._complete()
        return self

    def _dates_in_year(self) -> None:
        for day in (*self.days_off, *self.moved_workdays):
            if day.year != self.year:
                raise _fault(
                    f"日期 {day} 不在 {self.year} 年内，请写入该日所在年份的文件",
                    f"{day} is not in {self.year}: it belongs in the file of its own year",
                )

    def _no_date_twice(self) -> None:
        seen: set[date] = set()
        for day in self.days_off:
            if day in seen:
                raise _fault(
                    f"日期 {day} 出现在两个节日中，请只保留一处", f"{day} stands in two holidays: keep one of them"
                )
            seen.add(day)
        for day in self.moved_workdays:
            if day in seen:
                raise _fault(
                    f"日期 {day} 既是假日又是调休上班日，请核对通知",
                    f"{day} is both a holiday and a moved workday: compare with the notice",
                )

    def _moved_workdays_are_weekends(self) -> None:
        for day in self.moved_workdays:
            if day.weekday() < _SATURDAY:
                raise _fault(
                    f"调休上班日 {day} 不是星期六或星期日，请核对通知",
                    f"the moved workday {day} is no Saturday or Sunday: compare with the notice",
                )

    def _complete(self) -> None:
        if self.province is not None:
            return
        off = set(self.days_off)
        for month, day in _ALWAYS_OFF:
            if date(self.year, month, day) not in off:
                raise _fault(
                    f"缺少法定假日 {date(self.year, month, day)}，请补全",
                    f"the statutory holiday {date(self.year, month, day)} is missing: complete the file",
                )

    @property
    def days_off(self) -> tuple[date, ...]:
        """Every date that the file names as a day off, holiday by holiday."""
        return tuple(day for holiday in self.holidays for day in holiday.days)

    @property
    def name(self) -> str:
        """The plan's name and that of its file without suffix: `2026`, or `45-2026` for a province."""
        return str(self.year) if self.province is None else f"{self.province}-{self.year}"

    def decisive(self) -> list[object]:
        """What decides on working days and nothing else, in a fixed form: the calendar's version is made of it.

        A corrected title or name leaves the version as it is, since no deadline changes by it.
        """
        return [
            self.province,
            self.year,
            sorted(day.isoformat() for day in self.days_off),
            [day.isoformat() for day in self.moved_workdays],
        ]

    def to_bytes(self) -> bytes:
        """The file's text in the one form in which it is installed (UTF-8, LF)."""
        fields = self.model_dump(mode="json", exclude={"province"} if self.province is None else None)
        return (json.dumps(fields, ensure_ascii=False, indent=2) + "\n").encode()


def read_plan(content: bytes, where: str) -> YearPlan:
    """Take a year file in; `where` names it in the error.

    Raises CalendarError CAL-06 (no readable JSON) or CAL-07 (every fault that was found, each with its place).
    """
    if len(content) > LARGEST_FILE:
        raise CalendarError(
            "CAL-06",
            f"{where}：文件超过 {LARGEST_FILE // 1024} KiB，不是年度节假日文件，请核对文件名",
            f"{where}: larger than {LARGEST_FILE // 1024} KiB, so no year file: check the file name",
        )
    try:
        # pydantic keeps the last of two equal keys; half a calendar would then be lost without a word.
        json.loads(content, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise CalendarError(
            "CAL-06",
            f"{where}：不是有效的 UTF-8 JSON（{error}），请改正后重试",
            f"{where}: no valid UTF-8 JSON ({error}): correct it and try again",
        ) from None
    try:
        return YearPlan.model_validate_json(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        zh = "".join(f"\n  · {_place(fault)}：{_in_chinese(fault)}" for fault in faults)
        en = "".join(f"\n  - {_place(fault)}: {fault['msg']}" for fault in faults)
        raise CalendarError(
            "CAL-07", f"{where}：年度节假日文件有 {len(faults)} 处错误：{zh}", f"{where}: {len(faults)} fault(s):{en}"
        ) from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"字段重复 key twice: {name}")
    return dict(pairs)


def _place(fault: ErrorDetails) -> str:
    return ".".join(str(step) for step in fault["loc"]) or "全文 whole file"


_CHINESE = {
    "missing": "缺少该字段，请补上",
    "extra_forbidden": "不认识的字段，请删去或核对拼写",
    "date_type": "应为日期，写作 2026-01-01",
    "date_parsing": "不是有效日期，应写作 2026-01-01",
    "date_from_datetime_parsing": "不是有效日期，应写作 2026-01-01",
    "date_from_datetime_inexact": "应只有日期、没有时间，写作 2026-01-01",
    "literal_error": "不知道时请写 unknown",
    "int_type": "应为整数，不加引号",
    "string_type": "应为文字，加引号",
    "string_too_short": "不能为空",
    "string_too_long": "文字过长",
    "string_pattern_mismatch": "应为两位省级代码，如 45",
    "tuple_type": "应为列表",
    "too_short": "至少要有一项",
    "greater_than_equal": f"不能早于 {FIRST_YEAR} 年",
    "less_than_equal": f"不能晚于 {LAST_YEAR} 年",
    "model_type": "应为对象 {…}",
}


def _in_chinese(fault: ErrorDetails) -> str:
    if fault["type"] == "calendar":
        return str(fault["ctx"]["zh"])
    return _CHINESE.get(fault["type"], f"不符合要求（{fault['msg']}）")
