"""What a data file of rules must not say (domain.md §4, §6, §9). Pure: a parsed file in, findings out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jiexu.rules.check_table import CHECKS
from jiexu.rules.facts import Scheme
from jiexu.rules.layers import LocalLayer, National, Office, Overlay


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a file: a stable code, where it stands, what is wrong in Chinese and English."""

    code: str
    where: str
    zh: str
    en: str


class RulesDataError(Exception):
    """A data file of rules is refused; `findings` say why."""

    def __init__(self, name: str, findings: Iterable[Finding]) -> None:
        self.name = name
        self.findings = tuple(findings)
        lines = "; ".join(f"{finding.where}: {finding.en}" for finding in self.findings)
        super().__init__(f"{name}: {lines}")


_MODELS: Mapping[str, TypeAdapter[National | Overlay | Office]] = {
    "national": TypeAdapter(National),
    "overlay": TypeAdapter(Overlay),
    "office": TypeAdapter(Office),
}


def parse(data: Mapping[str, Any], name: str) -> National | Overlay | Office:
    """One data file as its model.

    Raises RulesDataError for an unknown kind, a missing date, an unknown key or a value of the wrong form.
    """
    adapter = _MODELS.get(str(data.get("kind")))
    if adapter is None:
        raise RulesDataError(
            name, [Finding("kind", "kind", "文件类型未知", f"kind must be one of {', '.join(_MODELS)}")]
        )
    try:
        return adapter.validate_python(dict(data))
    except ValidationError as error:
        raise RulesDataError(name, [_finding(one["loc"], one["msg"]) for one in error.errors()]) from None


def _finding(location: tuple[int | str, ...], message: str) -> Finding:
    where = ".".join(str(part) for part in location) or "file"
    if where == "holds_from":
        return Finding("undated", where, "没有（或没有写对）生效日期", f"no date from which it holds: {message}")
    return Finding("form", where, f"格式不对：{message}", message)


def lint(data: Mapping[str, Any], national: Iterable[National], name: str = "file") -> list[Finding]:
    """Everything wrong with one data file, judged against all national versions; empty where it may be used.

    Refused are: a file without a date from which it holds, a limit longer than the national one, a promise on a
    clock that does not exist, an unknown check code, a national check switched off, an account paid over to a scheme
    without accounts, and retirement benefits of the employee scheme tied to drawing a pension locally (S0).
    """
    try:
        layer = parse(data, name)
    except RulesDataError as error:
        return list(error.findings)
    if isinstance(layer, National):
        return []
    return lint_layer(layer, national)


def lint_layer(layer: LocalLayer, national: Iterable[National]) -> list[Finding]:
    """What an overlay or an office must not say, all of it; see `lint`."""
    findings = list(_promises(layer, tuple(national)))
    if isinstance(layer, Overlay):
        findings += _switches(layer)
        findings += _money(layer)
    return findings


def _promises(layer: LocalLayer, national: tuple[National, ...]) -> Iterable[Finding]:
    """A promise must be shorter than or equal to the limit of every version that it can meet."""
    seen: set[tuple[str, str]] = set()
    for index, promise in enumerate(layer.promise):
        where = f"promise.{index}"
        key = (promise.procedure, promise.clock)
        limits = [version.clocks[key].days for version in national if key in version.clocks]
        if not limits:
            yield Finding(
                "unknown_clock",
                where,
                f"没有这个时限：{promise.procedure} / {promise.clock}",
                f"no such clock: {promise.procedure} / {promise.clock}",
            )
        elif promise.days > min(limits):
            yield Finding(
                "longer_limit",
                where,
                f"承诺期限不得长于规定期限：{promise.days} 个工作日，规定 {min(limits)} 个工作日",
                f"a promise may shorten, never lengthen: {promise.days} working days, the limit is {min(limits)}",
            )
        if key in seen:
            yield Finding("doubled", where, "同一时限承诺了两次", "the same clock is promised twice")
        seen.add(key)


def _switches(layer: Overlay) -> Iterable[Finding]:
    for index, switch in enumerate(layer.check):
        where = f"check.{index}"
        check = CHECKS.get(switch.code)
        if check is None:
            yield Finding("unknown_check", where, f"没有这项校验：{switch.code}", f"no such check: {switch.code}")
        elif not check.strength.switchable:
            yield Finding(
                "fixed_check",
                where,
                f"{switch.code} 不能由地方开关",
                f"{switch.code} is {check.strength}: no overlay switches it",
            )
    if layer.switches.retirement_needs_local_pension:
        yield Finding(
            "retirement_tied",
            "switches.retirement_needs_local_pension",
            "不得将办理职工医保退休人员待遇与在当地按月领取基本养老金绑定",
            "retirement benefits of the employee scheme must not be tied to drawing a pension locally",
        )


def _money(layer: Overlay) -> Iterable[Finding]:
    for index, row in enumerate(layer.money):
        where = f"money.{index}"
        if row.outcome == "transfer" and not (row.from_scheme is Scheme.EMPLOYEE and row.to_scheme is Scheme.EMPLOYEE):
            yield Finding(
                "transfer_without_account",
                where,
                "个人账户只能在职工医保之间划转",
                "an account moves between employee schemes only",
            )
        if row.died:
            yield Finding(
                "national_outcome",
                where,
                "参保人死亡时余额归继承人，地方不得另行规定",
                "the heirs' money is national: no overlay decides it",
            )
