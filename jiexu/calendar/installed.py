"""The year files that are there: those of the package, and over them the ones that an office has added.

Added files lie in a directory of their own, so that the package is never modified and an upgrade loses nothing.
A year that stands in both is taken from there. Earlier versions of a year are kept under `earlier/`.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, TypeAdapter

from jiexu.calendar.errors import CalendarError
from jiexu.calendar.notice import YearPlan, read_plan
from jiexu.calendar.workdays import Calendar

DIRECTORY_VARIABLE = "JIEXU_CALENDAR_DIR"

_YEAR_FILES = "[1-9]*.json"


class Province(BaseModel):
    """A province with days of its own by law or custom; `source` says by which text."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    code: str
    zh: str
    en: str
    days: str
    source: str


@dataclass(frozen=True, slots=True)
class Added:
    """What `add` did with one year file.

    `calendar` is the version afterwards (of the province, for a province's file); `earlier` the kept earlier
    version of a replaced year.
    """

    outcome: Literal["added", "replaced", "unchanged"]
    name: str
    path: Path | None
    calendar: str
    earlier: Path | None = None


def overlay_directory(environ: Mapping[str, str]) -> Path:
    """Where added year files lie: JIEXU_CALENDAR_DIR, else ~/.local/share/jiexu/calendar."""
    chosen = environ.get(DIRECTORY_VARIABLE, "")
    return Path(chosen).expanduser() if chosen else Path.home() / ".local" / "share" / "jiexu" / "calendar"


def load(directory: Path | None = None) -> Calendar:
    """The country's calendar from the package's files and those added in `directory` (None: the package alone).

    For a province ask `Calendar.in_province`. Raises CalendarError CAL-06, CAL-07, CAL-09 or CAL-11 where an
    added file cannot be read or does not fit; a broken file is never skipped, or deadlines would change silently.
    """
    plans = _packaged() | _added(directory)
    return _calendar(plans)


def provinces() -> tuple[Province, ...]:
    """The provinces with days of their own."""
    content = (_data() / "provinces.json").read_bytes()
    return TypeAdapter(tuple[Province, ...]).validate_json(content)


def add(content: bytes, directory: Path, *, where: str, replace: bool = False) -> Added:
    """Install a year file, or a corrected version of one, into `directory`; `where` names it in errors.

    The same content again changes nothing. Another content for a year that is there is CalendarError CAL-10
    unless `replace`, and then the earlier version is kept. Also raises CAL-05 for a province without days of its
    own, CAL-06 and CAL-07 for a faulty file, CAL-09 for a year that would leave a gap, CAL-11 where the
    directory cannot be written.
    """
    plan = read_plan(content, where)
    plans = _packaged() | _added(directory)
    _own_days_known(plan)
    present = plans.get(plan.name)
    plans[plan.name] = plan
    calendar = _calendar(plans).in_province(plan.province).version
    if present == plan:
        return Added("unchanged", plan.name, None, calendar)
    if present is not None and not replace:
        raise CalendarError(
            "CAL-10",
            f"{plan.name} 已有放假安排且内容不同；如确为更正，请加 --replace（原版本会保留）",
            f"{plan.name} is already there with other content: if this corrects it, add --replace "
            "(the earlier version is kept)",
        )
    path = directory / f"{plan.name}.json"
    earlier = None
    if present is not None:
        # Kept before the new one takes its place: a stop in between loses neither.
        kept = present.to_bytes()
        earlier = directory / "earlier" / f"{plan.name}-{hashlib.sha256(kept).hexdigest()[:8]}.json"
        _write(earlier, kept)
    _write(path, plan.to_bytes())
    return Added("added" if present is None else "replaced", plan.name, path, calendar, earlier)


def _data() -> Traversable:
    return files("jiexu.calendar") / "data"


def _packaged() -> dict[str, YearPlan]:
    found = (entry for entry in _data().iterdir() if entry.name[0].isdigit() and entry.name.endswith(".json"))
    return {plan.name: plan for plan in (read_plan(entry.read_bytes(), entry.name) for entry in found)}


def _added(directory: Path | None) -> dict[str, YearPlan]:
    if directory is None or not directory.exists():
        return {}
    plans = {}
    try:
        for path in sorted(directory.glob(_YEAR_FILES)):
            plan = read_plan(path.read_bytes(), str(path))
            if path.name != f"{plan.name}.json":
                raise CalendarError(
                    "CAL-11",
                    f"{path}：文件名与内容（{plan.name}）不符，请用 jiexu calendar add 录入",
                    f"{path}: named otherwise than its content ({plan.name}): install it with `jiexu calendar add`",
                )
            plans[plan.name] = plan
    except OSError as error:
        raise _disk(directory, error) from error
    return plans


def _calendar(plans: Mapping[str, YearPlan]) -> Calendar:
    ordered = [plans[name] for name in sorted(plans)]
    return Calendar(
        national=tuple(plan for plan in ordered if plan.province is None),
        overlays=tuple(plan for plan in ordered if plan.province is not None),
        own_days=frozenset(province.code for province in provinces()),
    )


def _own_days_known(plan: YearPlan) -> None:
    known = provinces()
    if plan.province is None or any(plan.province == province.code for province in known):
        return
    names_zh = "、".join(f"{province.code} {province.zh}" for province in known)
    names_en = ", ".join(f"{province.code} {province.en}" for province in known)
    raise CalendarError(
        "CAL-05",
        f"省级代码 {plan.province} 没有本省假日；可录入的是：{names_zh}",
        f"province {plan.province} has no days of its own; those that have: {names_en}",
    )


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the power goes: a half-written year would change deadlines."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except OSError as error:
        raise _disk(path, error) from error


def _sync_directory(directory: Path) -> None:
    # The rename itself is durable only once the directory is.
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _disk(path: Path, error: OSError) -> CalendarError:
    return CalendarError(
        "CAL-11",
        f"{path}：无法读写（{error.strerror}），请检查目录权限，或用环境变量 {DIRECTORY_VARIABLE} 指定其他目录",
        f"{path}: cannot be read or written ({error.strerror}): check its permissions, "
        f"or name another directory in {DIRECTORY_VARIABLE}",
    )
