"""The commands `jiexu directory …`: find a pooling region, show one, list them. Mounted by the main command line.

Standard output carries the answer alone, one region a line with its code first, so that it can be piped.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import IO, Any

import click

from jiexu.region.directory.load import load_directory
from jiexu.region.directory.places import PoolingRegion, Reason
from jiexu.region.directory.problem import DirectoryError, Near, Problem
from jiexu.region.directory.search import Match, find, nothing_found

BAD_INPUT = {"DIR-01"}  # problem codes that say: this is no code
_JSON = click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")


class Unanswered(click.ClickException):
    """A problem on stderr with what to do and what may have been meant; exit code 1."""

    exit_code = 1

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.english = _english()

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the problem, what to do, and near regions."""
        problem = self.problem
        sentence, todo = (problem.en, problem.todo_en) if self.english else (problem.zh, problem.todo_zh)
        stop, label = (". ", "Did you mean") if self.english else ("。", "是否要找")
        lines = [f"{problem.code} {sentence}{stop}{todo}"]
        if problem.near:
            lines.append(f"{label}: " + ", ".join(_near_text(near) for near in problem.near))
        click.echo("\n".join(lines), file=file, err=file is None)


class BadInput(Unanswered):
    """The same where the input is no code at all; exit code 2."""

    exit_code = 2


@click.group()
def directory() -> None:
    """统筹区目录：查找、查看、列出；参与目录：签署、安装。The directory of pooling regions: find, show, list. The
    directory of those that take part, with their keys: sign (its keeper), install (each region).

    \b
    示例 Examples:
      jiexu directory find 瓯海
      jiexu directory install new.json --config region.toml
    """


@directory.command("find")
@click.argument("text")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="最多列出几个统筹区 / how many regions at most",
)
@_JSON
def find_command(text: str, limit: int, as_json: bool) -> None:
    """按名称或代码查找统筹区，并说明理由。Find a pooling region by name, part of a name or code, and why it is the one.

    找不到时退出码为 1。Exit code 1 where nothing is found.

    \b
    示例 Examples:
      jiexu directory find 瓯海          330300 浙江省温州市
      jiexu directory find 浙江温州瓯海
      jiexu directory find 411328        411300 河南省南阳市
      jiexu directory find 3303 --json
    """
    if not text.strip():
        raise click.UsageError("请输入名称或代码 / give a name or a code")
    known = load_directory()
    found = find(known, text, limit + 1)
    if not found:
        try:  # a code has an answer of its own: a province, a divided prefecture, a slip of the hand
            known.resolve(text)
        except DirectoryError as error:
            if error.problem.code not in BAD_INPUT:
                raise Unanswered(error.problem) from error
        raise Unanswered(nothing_found(known, text))
    if as_json:
        _print_json([_match_document(match) for match in found[:limit]])
        return
    for match in found[:limit]:
        click.echo(f"{match.pooling_region.code}  {_name(match.pooling_region)}")
        click.echo(f"        {match.en if _english() else match.zh}")
    if len(found) > limit:
        click.echo(_say("还有更多，请写全名称或加大 --limit", "There are more: say more, or raise --limit"), err=True)


@directory.command()
@click.argument("code")
@_JSON
def show(code: str, as_json: bool) -> None:
    """查看一个代码属于哪个统筹区、依据是什么。Show to which pooling region a code belongs, step by step with sources.

    代码可以是县、经办机构或旧代码。The code may be a county's, an office's or an older one.
    不在目录中时退出码为 1，不是六位代码时为 2。Exit code 1 where it is unknown, 2 where it is no code.

    \b
    示例 Examples:
      jiexu directory show 330304
      jiexu directory show 522401 --json
    """
    try:
        resolution = load_directory().resolve(code)
    except DirectoryError as error:
        refusal = BadInput if error.problem.code in BAD_INPUT else Unanswered
        raise refusal(error.problem) from error
    region = resolution.pooling_region
    if as_json:
        _print_json(
            {
                "code": resolution.code,
                "name": resolution.name,
                "older": resolution.older,
                "pooling_region": _region_document(region),
                "why": _why_document(resolution.why),
            }
        )
        return
    click.echo(f"{region.code}  {_name(region)}")
    for reason in resolution.why:
        click.echo(f"        {reason.en if _english() else reason.zh}  [{reason.source}]")
    since, until = region.validity.valid_from, region.validity.valid_to
    words = {"unknown": "未知", "open": "至今"}
    click.echo(
        "        "
        + _say(
            f"代码有效期：{words.get(since, since)}–{words.get(until, until)}  [{region.source}]",
            f"code valid: {since}–{until}  [{region.source}]",
        )
    )


@directory.command("list")
@click.option(
    "--province",
    metavar="P",
    help="省份代码或名称 / a province by code, first two digits or name, e.g. 33, 330000, 浙江",
)
@_JSON
def list_command(province: str | None, as_json: bool) -> None:
    """列出统筹区。List the pooling regions, all or those of one province.

    \b
    示例 Examples:
      jiexu directory list --province 浙江
      jiexu directory list --json
    """
    known = load_directory()
    regions = tuple(known.regions.values()) if province is None else known.in_province(province)
    if not regions:
        # No province is of that name; a prefecture's name was perhaps given.
        raise Unanswered(nothing_found(known, province or ""))
    if as_json:
        _print_json([_region_document(region) for region in regions])
        return
    for region in regions:
        click.echo(f"{region.code}  {_name(region)}")


def _near_text(near: Near) -> str:
    text = f"{near.code} {near.name}"
    return text if near.pooling_region == near.code else f"{text} → {near.pooling_region}"


def _english() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and context.find_root().params.get("lang") == "en"


def _say(zh: str, en: str) -> str:
    return en if _english() else zh


def _name(region: PoolingRegion) -> str:
    return f"{region.full_name}  {region.english}" if region.english and _english() else region.full_name


def _region_document(region: PoolingRegion) -> dict[str, Any]:
    fields: dict[str, Any] = asdict(region)
    validity: dict[str, str] = fields.pop("validity")
    return {**fields, "kind": region.kind.value, **validity}


def _why_document(why: Iterable[Reason]) -> list[dict[str, str]]:
    return [asdict(reason) for reason in why]


def _match_document(match: Match) -> dict[str, Any]:
    return {
        "code": match.code,
        "name": match.name,
        "older": match.older,
        "fit": match.fit.name.lower(),
        "pooling_region": _region_document(match.pooling_region),
        "why": _why_document(match.why),
    }


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
