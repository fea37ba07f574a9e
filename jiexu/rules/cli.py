"""`jiexu rules`: what rules hold where and when, which checks there are, and whether a data file may be used."""

import json
import tomllib
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from jiexu.case.event import Role
from jiexu.rules.check_table import CHECKS, PROCEDURES, Check
from jiexu.rules.layers import Overlay
from jiexu.rules.lint import lint
from jiexu.rules.ruleset import Ruleset, RulesetNotFound, packaged_library, ruleset_for

_EFFECTS = {"refuse": "不予受理", "notice": "提示", "route": "改走他途"}
_STRENGTHS = {"national": "国家", "practice": "通行", "local": "地方", "ours": "本系统"}
_SIDES = {"lodger": "申请方", "out": "转出地", "in": "转入地", "both": "双方", "counter": "受理窗口"}
_OWNERS = {"outbound": "转出地", "inbound": "转入地", "answering": "答复方", "lodger": "申请方"}
_BASES = {"statutory": "法定", "ours": "本系统", "target": "目标"}
_ROLES = {Role.OUTBOUND: "转出地", Role.INBOUND: "转入地"}


def _english() -> bool:
    # The root command's --lang; absent where this group is run by itself.
    return click.get_current_context().find_root().params.get("lang") == "en"


def _say(zh: str, en: str) -> str:
    return en if _english() else zh


def _word(words: dict[str, str], key: str) -> str:
    return key if _english() else words[key]


def _print(table: Table) -> None:
    # Outside a terminal rich would cut at 80 columns, and what is cut cannot be found again.
    console = Console()
    Console(width=console.width if console.is_terminal else 200).print(table)


def _json(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


@click.group()
def rules() -> None:
    """规则：校验、时限、地方规定 · Rules: checks, limits, what regions add."""


@rules.command()
@click.option("--region", metavar="CODE", help="统筹区代码（六位） · pooling region, six digits")
@click.option("--office", metavar="CODE", help="经办机构代码 · office whose promise counts")
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), help="日期，默认今天 · day, default today")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON · print JSON")
def show(region: str | None, office: str | None, on: datetime | None, as_json: bool) -> None:
    """某地某日适用的规则 · The rules that hold in a region on a day."""
    day = on.date() if on else datetime.now(ZoneInfo("Asia/Shanghai")).date()
    if region is not None and not (region.isascii() and region.isdigit() and len(region) == 6):
        raise click.BadParameter(_say("统筹区代码是六位数字", "a region code has six digits"), param_hint="--region")
    try:
        ruleset = ruleset_for(region, region, day, office)
    except RulesetNotFound as missing:
        raise click.ClickException(_say(missing.zh, missing.en)) from None
    if office is not None and not any(layer.id.startswith(f"office-{office}.") for layer in ruleset.outbound):
        # Silence would read as "this office promises nothing", which may be a slip of the code.
        raise click.ClickException(
            _say(f"{day} 没有机构 {office} 在该统筹区的承诺", f"no promise of office {office} in that region on {day}")
        )
    document = _document(ruleset, region, day)
    if as_json:
        _json(document)
    else:
        _show(ruleset, document)


def _document(ruleset: Ruleset, region: str | None, day: date) -> dict[str, Any]:
    # The layers of both sides are the same here: one region is asked about, in either role.
    layers = [ruleset.national, *ruleset.outbound]
    return {
        "region": region,
        "on": day.isoformat(),
        "parts": [
            {
                "id": layer.id,
                "holds_from": layer.holds_from.isoformat(),
                "date_basis": layer.date_basis,
                "title": layer.title,
                "source": layer.source,
            }
            for layer in layers
        ],
        "limits": [
            {key: value for key, value in asdict(limit).items() if key != "owner"}
            | {"owner": ruleset.national.clocks[(procedure, limit.clock)].owner}
            for procedure in PROCEDURES
            for limit in ruleset.limits(procedure)
        ],
        "checks": {
            role.value: [
                code for code, check in CHECKS.items() if check.role in (None, role) and ruleset.check_is_on(code, role)
            ]
            for role in Role
        },
        "switches": ruleset.switches(Role.INBOUND).model_dump(exclude={"source"}),
        "money": [
            row.model_dump(mode="json", exclude_none=True)
            for row in (*ruleset.local_money_rows, *ruleset.national.money)
        ],
        "resident_waiting": [rule.model_dump() for rule in ruleset.national.resident_waiting],
    }


def _grouped(limits: list[dict[str, Any]]) -> list[tuple[list[str], dict[str, Any]]]:
    """Limits that are the same in several procedures, once each: most of them are."""
    groups: dict[tuple[str, ...], tuple[list[str], dict[str, Any]]] = {}
    for limit in limits:
        key = tuple(str(limit[name]) for name in ("clock", "days", "owner", "basis", "zh", "promised_by"))
        groups.setdefault(key, ([], limit))[0].append(limit["procedure"])
    return list(groups.values())


def _show(ruleset: Ruleset, document: dict[str, Any]) -> None:
    parts = Table(title=_say("规则的组成", "What the rules are composed of"), title_justify="left")
    for heading in (_say("编号", "id"), _say("生效", "holds from"), _say("名称", "title"), _say("来源", "source")):
        parts.add_column(heading, overflow="fold")
    for part in document["parts"]:
        parts.add_row(part["id"], f"{part['holds_from']} ({part['date_basis']})", part["title"], part["source"])
    _print(parts)

    limits = Table(title=_say("时限（工作日）", "Limits (working days)"), title_justify="left")
    for heading in (
        _say("流程", "procedure"),
        _say("时限", "clock"),
        _say("事项", "step"),
        _say("责任方", "owner"),
        _say("天数", "days"),
        _say("性质", "basis"),
        _say("承诺", "promised by"),
    ):
        limits.add_column(heading, overflow="fold")
    for procedures, limit in _grouped(document["limits"]):
        limits.add_row(
            _say("全部", "any") if len(procedures) == len(ruleset.procedures) else ", ".join(procedures),
            limit["clock"],
            _say(limit["zh"], limit["en"]),
            _word(_OWNERS, limit["owner"]),
            str(limit["days"]),
            _word(_BASES, limit["basis"]),
            limit["promised_by"] or "",
        )
    _print(limits)

    for role in Role:
        local = [
            f"{switch.code} {'+' if switch.on else '-'}"
            for layer in ruleset.layers(role)
            if isinstance(layer, Overlay)
            for switch in layer.check
            if CHECKS[switch.code].role in (None, role)
        ]
        if local:
            click.echo(
                _say(
                    f"作为{_ROLES[role]}，地方校验：{'、'.join(local)}",
                    f"as {role}, local checks: {', '.join(local)}",
                )
            )
    said = [
        f"{name} = {value}"
        for layer in ruleset.outbound
        if isinstance(layer, Overlay)
        for name, value in layer.switches.model_dump(exclude_none=True, exclude={"source"}).items()
    ]
    if said:
        click.echo(_say(f"地方做法：{'；'.join(said)}", f"the region's own way: {'; '.join(said)}"))
    for row in ruleset.local_money_rows:
        click.echo(
            _say(
                f"作为转出地，个人账户去向：{row.outcome}（{row.source}）",
                f"as outbound, the account: {row.outcome} ({row.source})",
            )
        )


@rules.command()
@click.option("--json", "as_json", is_flag=True, help="输出 JSON · print JSON")
def checks(as_json: bool) -> None:
    """全部校验一览 · Every check before acceptance."""
    if as_json:
        _json([_check_document(check) for check in CHECKS.values()])
        return
    table = Table(title=_say("受理前校验", "Checks before acceptance"), title_justify="left")
    for heading in (
        _say("编号", "code"),
        _say("校验方", "side"),
        _say("效力", "strength"),
        _say("来源", "source"),
        _say("要求", "what must hold"),
        _say("不符合时", "effect"),
        _say("怎么办", "cure"),
    ):
        table.add_column(heading, overflow="fold")
    for check in CHECKS.values():
        effect = check.effect("platform")
        others = {other for procedure in PROCEDURES if (other := check.effect(procedure)) is not effect}
        table.add_row(
            check.code,
            _word(_SIDES, check.side),
            _word(_STRENGTHS, check.strength),
            check.source,
            _say(check.zh, check.en),
            _word(_EFFECTS, effect)
            + "".join(
                f"\n{procedure}: {_word(_EFFECTS, check.effect(procedure))}"
                for procedure in PROCEDURES
                if check.effect(procedure) in others
            ),
            _say(check.cure.zh, check.cure.en),
        )
    _print(table)


def _check_document(check: Check) -> dict[str, Any]:
    return {
        "code": check.code,
        "side": check.side.value,
        "strength": check.strength.value,
        "source": check.source,
        "zh": check.zh,
        "en": check.en,
        "fails": {"zh": check.fails_zh, "en": check.fails_en},
        "cure": {"by": [who.value for who in check.cure.by], "zh": check.cure.zh, "en": check.cure.en},
        "effects": {procedure: effect.value for procedure, effect in check.effects.items()},
        "desks": sorted(desk.value for desk in check.desks),
        "private": check.private,
    }


@rules.command("lint")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def lint_file(file: Path) -> None:
    """检查一份规则数据文件 · Whether a data file of rules may be used; exit code 1 where not."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(
            _say(f"不是可读的 TOML 文件：{error}", f"not a readable TOML file: {error}")
        ) from None
    findings = lint(data, packaged_library().national, file.name)
    for finding in findings:
        click.echo(f"{file.name}: {finding.where}: {finding.code}: {_say(finding.zh, finding.en)}")
    if findings:
        click.get_current_context().exit(1)
    click.echo(_say(f"{file.name}: 可以使用", f"{file.name}: may be used"))
