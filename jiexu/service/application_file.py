"""Application files as a window holds them: CSV, one application a row, headers in English or Chinese."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from jiexu.case.event import Role
from jiexu.region import cells
from jiexu.region.csvfile import Column, RowRefused, Table, read_table
from jiexu.rules.facts import Application, Scheme

COLUMNS: Mapping[str, Column] = {
    "name": Column(("姓名",)),
    "document_type": Column(("证件类型", "证件类别"), required=False),
    "document_number": Column(("证件号码", "身份证号", "身份证号码", "公民身份号码")),
    "from_scheme": Column(("转出险种", "转出参保类型")),
    "to_scheme": Column(("转入险种", "转入参保类型")),
    "outbound": Column(("转出地", "转出统筹区")),
    "inbound": Column(("转入地", "转入统筹区")),
    "applied_on": Column(("申请日期",), required=False),
    "applicant": Column(("申请人类型",), required=False),
    "applicant_name": Column(("申请人", "申请单位"), required=False),
    "authority": Column(("委托书", "授权"), required=False),
    "kept_side": Column(("重复参保保留",), required=False),
}

_SCHEMES = {
    "employee": Scheme.EMPLOYEE,
    "310": Scheme.EMPLOYEE,
    "职工": Scheme.EMPLOYEE,
    "职工医保": Scheme.EMPLOYEE,
    "resident": Scheme.RESIDENT,
    "390": Scheme.RESIDENT,
    "居民": Scheme.RESIDENT,
    "居民医保": Scheme.RESIDENT,
}
_APPLICANTS = {"person": "person", "本人": "person", "employer": "employer", "单位": "employer", "agent": "agent"}
_APPLICANTS |= {"代办": "agent", "代办人": "agent"}
_SIDES = {"": None, "outbound": Role.OUTBOUND, "转出地": Role.OUTBOUND, "inbound": Role.INBOUND, "转入地": Role.INBOUND}


def read_applications(
    path: Path,
    today: date,
    find_region: Callable[[str], str | None],
    progress: Callable[[int, int], None] | None = None,
) -> Table[Application]:
    """Open a file of applications. Raises FileRefused; rows that are none come back in the table's `bad`.

    `find_region` turns a region's name into its code, None where no single region has it; codes are left to the
    counter, which knows offices and older codes too. `today` dates applications without a date.
    """

    def parse(row: Mapping[str, str]) -> Application:
        who = cells.identity(row, "name", "document_type", "document_number")
        return Application(
            identity=who,
            outbound=_region(row, "outbound", find_region),
            inbound=_region(row, "inbound", find_region),
            from_scheme=cells.choice(row, "from_scheme", _SCHEMES),
            to_scheme=cells.choice(row, "to_scheme", _SCHEMES),
            applied_on=cells.maybe_day(row, "applied_on") or today,
            applicant=cells.choice(row, "applicant", _APPLICANTS, default="person"),
            applicant_name=cells.maybe_text(row, "applicant_name"),
            authority=cells.maybe_text(row, "authority"),
            overlap_kept=cells.choice(row, "kept_side", _SIDES, default=""),
        )

    return read_table(path, COLUMNS, parse, progress=progress)


def _region(row: Mapping[str, str], column: str, find_region: Callable[[str], str | None]) -> str:
    given = cells.text(row, column)
    if len(given) == 6 and given.isdigit():
        return given
    code = find_region(given)
    if code is None:
        raise RowRefused(
            "region_unknown",
            column,
            f"“{given}”不能确定是哪个统筹区。请填六位代码，可用 jiexu directory find 查询。",
            f"{given!r} names no single pooling region. Write its six-digit code; jiexu directory find helps.",
        )
    return code
