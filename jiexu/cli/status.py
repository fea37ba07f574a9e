"""`jiexu status`, `find`, `timeline`, `worklist`: where a case stands, what happened in it, what is due here."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import case_id_of, opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.service.views import Audience, CaseView

_audience = click.option(
    "--audience",
    type=click.Choice(["agency", "employer"]),
    default="agency",
    show_default=True,
    help="给谁看；单位只见进度 for whom; an employer sees progress only.",
)


@click.command(
    help="""查进度：按案号（至少前 8 位）或按人。两条线分别显示：关系、资金，各由谁办、何时到期。

    Where a case stands, by case id (8 characters or more) or by person: both tracks, who must act, by when.

    \b
    例 Examples:
      jiexu status 01a20cf2ee29 --config ./xian/region.toml
      jiexu status --person 01:6101…                    证件类型:证件号码 document type:number
      jiexu status 01a20cf2ee29 --audience employer     单位只见进度 progress only

    \b
    退出码为 1：没有这样的案件。Exit code 1: there is no such case.
    """
)
@click.argument("case", required=False)
@click.option("--person", metavar="TYPE:NUMBER", help="证件类型:证件号码，类型可省 by document; type 01 if left out.")
@_audience
@with_config
@with_json
def status(case: str | None, person: str | None, audience: "Audience", config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.service.views import case_view

    if (case is None) == (person is None):
        raise Failure("which", "请给出案号或 --person 之一", "give a case id or --person")
    if person is not None:
        return _of_person(person, audience, config_file, as_json)
    with opened(config_file) as agency:
        view = case_view(agency, case_id_of(agency, case or ""), audience)
    if as_json:
        print_json(view.document())
    else:
        _draw([view])
    return 0


@click.command(
    help="""按人查进度：此人在本区的全部业务，新的在前。即 jiexu status --person。

    All cases of a person in this region, the newest first: jiexu status --person.

    \b
    例 Example:  jiexu find 01:6101… --config ./xian/region.toml
    """
)
@click.argument("person", metavar="TYPE:NUMBER")
@_audience
@with_config
@with_json
def find(person: str, audience: "Audience", config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    return _of_person(person, audience, config_file, as_json)


@click.command(
    help="""一案始末：谁、何时、做了什么、何时到期、此后由谁办。两方各一列，交错的事件标 ╳。

    What happened in a case, drawn in two lanes; events that crossed on the way are marked ╳.

    \b
    例 Example:  jiexu timeline 01a20cf2ee29 --config ./xian/region.toml
    """
)
@click.argument("case")
@with_config
@with_json
def timeline(case: str, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from rich.console import Console

    from jiexu.service import views

    with opened(config_file) as agency:
        line = views.timeline(agency, case_id_of(agency, case))
    if as_json:
        print_json(line.document())
    else:
        Console().print(views.render_timeline(line, language()))


@click.command(
    help="""待办清单：本区应办的各项，按到期日排列；注明等经办人员还是自动办理。

    What is due here, the most urgent first; whether it waits for a clerk or runs by itself.

    \b
    例 Examples:
      jiexu worklist --role inbound
      jiexu worklist --until 2026-12-01 --json
    """
)
@click.option("--role", type=click.Choice(["outbound", "inbound"]), help="只看一方 one role only.")
@click.option(
    "--until", "--due", "until", type=click.DateTime(["%Y-%m-%d"]), help="只看此日以前到期的 due by that day."
)
@with_config
@with_json
def worklist(role: str | None, until: datetime | None, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from rich.console import Console

    from jiexu.case.event import Role
    from jiexu.service import views

    with opened(config_file) as agency:
        items = views.worklist(agency, Role(role) if role else None, until.date() if until else None)
    if as_json:
        print_json([item.document() for item in items])
    elif not items:
        click.echo(say("没有待办。", "Nothing is due."))
    else:
        Console().print(views.render_worklist(items, language()))


def _of_person(person: str, audience: "Audience", config_file: Path, as_json: bool) -> int:
    from jiexu.service.views import find_cases

    kind, number = _document(person)
    with opened(config_file) as agency:
        views = find_cases(agency, kind, number, audience)
    if as_json:
        print_json([view.document() for view in views])
    elif not views:
        click.echo(say("此人在本区没有业务。", "This person has no case here."))
    else:
        _draw(views)
    return 0 if views else NO


def _document(text: str) -> tuple[str, str]:
    """Type and number of a document. What was typed is not said again: it may be the number."""
    kind, colon, number = text.replace("：", ":").partition(":")  # as a Chinese keyboard writes it
    kind, number = (kind.strip(), number.strip()) if colon else ("01", kind.strip())
    if len(kind) != 2 or not kind.isdigit() or not number:
        raise Failure(
            "document",
            "应写作 证件类型:证件号码，类型为两位数字，如 01:6101…",
            "write document type:number; the type has two digits, as in 01:6101…",
        )
    return kind, number


def _draw(views: "list[CaseView]") -> None:
    from rich.console import Console

    from jiexu.service.views import render_case

    for view in views:
        Console().print(render_case(view, language()))
