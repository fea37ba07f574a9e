"""`jiexu apply`: the counter, for one application or a file of them. `jiexu check`: the same without writing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import opened, with_config, with_json
from jiexu.cli.region import find_region
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.region.csvfile import Row
    from jiexu.rules.facts import Application
    from jiexu.service.agency import Agency
    from jiexu.service.counter import Lodged

T = TypeVar("T")
BATCH = 256
# The answers of a longer file are counted; the first problems are shown, the rest stand in the rejected file and the
# journal.
ROWS_SHOWN = 1_000
PROBLEMS_SHOWN = 20
ROWS_WITHOUT_PROGRESS = 500

F = TypeVar("F", bound=Callable[..., Any])
_SCHEME = click.Choice(["employee", "resident"])


def with_application(function: F) -> F:
    """The options that describe one application."""
    for option in reversed(
        [
            click.option("--name", help="姓名 name."),
            click.option("--document-type", default="01", show_default=True, help="证件类型 type of document."),
            click.option("--document-number", help="证件号码 number of the document."),
            click.option("--from-scheme", type=_SCHEME, default="employee", show_default=True, help="转出险种."),
            click.option("--to-scheme", type=_SCHEME, default="employee", show_default=True, help="转入险种."),
            click.option("--outbound", help="转出地，代码或名称 region that is left."),
            click.option("--inbound", help="转入地，代码或名称 region that is joined."),
            click.option("--applied-on", type=click.DateTime(["%Y-%m-%d"]), help="申请日期，缺省今天 default today."),
            click.option("--applicant", type=click.Choice(["person", "employer", "agent"]), default="person"),
            click.option("--applicant-name", help="单位或代办人名称 the employer's or agent's name."),
            click.option("--authority", help="代办的授权 the agent's authority."),
            click.option("--kept-side", type=click.Choice(["outbound", "inbound"]), help="重复参保月份保留哪一方."),
        ]
    ):
        function = option(function)
    return function


@click.command(
    help="""受理申请：单件用选项，多件用 CSV 文件（UTF-8、带 BOM 或 GB18030 均可）。

    Take applications in: one by options, many from a CSV file. Bad rows come back in FILE.rejected.csv with the
    reason; the good ones go through. What is refused at the counter is a case of its own, with every reason.

    \b
    例 Examples:
      jiexu apply 申请.csv --config ./xian/region.toml
      jiexu apply --name 张三 --document-number 6101… --outbound 西安 --inbound 温州
    列 Columns: name 姓名, document_type 证件类型, document_number 证件号码, from_scheme 转出险种, to_scheme 转入险种,
      outbound 转出地, inbound 转入地, applied_on 申请日期, applicant 申请人类型, applicant_name, authority, kept_side
    """
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@with_application
@click.option("--by", "handled_by", default="auto", help="经办人工号 staff number of the handler.")
@click.option("--office", help="受理机构代码 code of the office.")
@with_config
@with_json
def apply(
    file: Path | None, handled_by: str, office: str | None, config_file: Path, as_json: bool, **described: Any
) -> int:
    """The command; see its help."""
    from jiexu.service.counter import Lodging, lodge

    def take(agency: "Agency", applications: Sequence["Application"]) -> list["Lodged"]:
        return lodge(agency, [Lodging(one, office=office, handled_by=handled_by) for one in applications])

    with opened(config_file, "counter") as agency:
        if file is not None:
            return _file(agency, file, take, as_json)
        return _one(take(agency, [_described(agency, described)])[0], as_json)


@click.command(
    help="""申请前自查：一次说明全部不符合的条件、由谁解决、怎么办；不留任何记录。

    The applicant's dry run: every condition that is not met, who can cure it and how. Nothing is written.

    \b
    例 Example:
      jiexu check --name 张三 --document-number 6101… --outbound 西安 --inbound 温州 --config ./xian/region.toml
    """
)
@click.option("--file", type=click.Path(path_type=Path), help="CSV 文件，列同 apply。A file, columns as for apply.")
@with_application
@with_config
@with_json
def check(file: Path | None, config_file: Path, as_json: bool, **described: Any) -> int:
    """The command; see its help."""
    from jiexu.service.counter import dry_run

    with opened(config_file, "counter") as agency:
        if file is not None:
            return _file(agency, file, lambda a, many: [dry_run(a, one) for one in many], as_json)
        return _one(dry_run(agency, _described(agency, described)), as_json)


def _described(agency: "Agency", given: dict[str, Any]) -> "Application":
    from jiexu.case.event import Role
    from jiexu.rules.facts import Application, Identity, Scheme
    from jiexu.rules.identity import normalised

    missing = [name for name in ("name", "document_number", "outbound", "inbound") if not given[name]]
    if missing:
        options = "、".join("--" + name.replace("_", "-") for name in missing)
        raise Failure("missing", f"缺少 {options}（或给出 CSV 文件）", f"missing {options}, or name a CSV file")
    applied_on: datetime | None = given["applied_on"]
    return Application(
        identity=Identity(given["name"], given["document_type"], normalised(given["document_number"])),
        outbound=_code(given["outbound"]),
        inbound=_code(given["inbound"]),
        from_scheme=Scheme(given["from_scheme"]),
        to_scheme=Scheme(given["to_scheme"]),
        applied_on=applied_on.date() if applied_on else agency.today(),
        applicant=given["applicant"],
        applicant_name=given["applicant_name"],
        authority=given["authority"],
        overlap_kept=Role(given["kept_side"]) if given["kept_side"] else None,
    )


def _code(text: str) -> str:
    return text if len(text) == 6 and text.isdigit() else find_region(text).code


# --- a file


def _file(
    agency: "Agency",
    file: Path,
    take: Callable[["Agency", Sequence["Application"]], list["Lodged"]],
    as_json: bool,
) -> int:
    from jiexu.region.csvfile import RowRefused
    from jiexu.service.application_file import read_applications

    table = read_applications(file, agency.today(), _single_region(agency))
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    with Progress(console=Console(stderr=True), disable=table.lines < ROWS_WITHOUT_PROGRESS) as progress:
        task = progress.add_task(say("受理申请", "lodging"), total=max(table.lines - 1, 0))
        for batch in _batches(table.good, BATCH):
            for row, answer in zip(batch, take(agency, [row.value for row in batch]), strict=True):
                counts[answer.outcome] += 1
                if answer.outcome == "turned_back":
                    ground = answer.grounds[0]
                    why = RowRefused(
                        ground.code, "", f"{ground.zh}。{ground.todo_zh}", f"{ground.en}. {ground.todo_en}"
                    )
                    table.reject(row, why)
                if table.lines <= ROWS_SHOWN or (answer.outcome != "lodged" and len(rows) < PROBLEMS_SHOWN):
                    rows.append({"line": row.line, "person": row.value.identity.masked(), **answer_document(answer)})
            progress.update(task, completed=batch[-1].line - 1)
    rejected = table.write_rejected()
    counts["rejected_rows"] = len(table.bad) - counts["turned_back"]
    document = {
        "file": str(file),
        "lodged": counts["lodged"],
        "refused": counts["refused"],
        "turned_back": counts["turned_back"],
        "bad_rows": counts["rejected_rows"],
        "rejected_file": str(rejected) if rejected else None,
        "rows": rows,
    }
    if as_json:
        print_json(document)
    else:
        _print_file(document, table.bad[:PROBLEMS_SHOWN])
    return NO if counts["refused"] or table.bad else 0


def _print_file(document: dict[str, Any], bad: Sequence[Any]) -> None:
    click.echo(
        say(
            f"受理 {document['lodged']} 件，窗口不予受理 {document['refused']} 件，退回 {document['turned_back']} 件，"
            f"有误 {document['bad_rows']} 行",
            f"{document['lodged']} lodged, {document['refused']} refused at the counter, "
            f"{document['turned_back']} turned back, {document['bad_rows']} bad rows",
        )
    )
    for row in document["rows"]:
        if row["outcome"] != "lodged":
            reasons = "；".join(say(g["zh"], g["en"]) for g in row["grounds"])
            click.echo(f"  {row['line']}: {row['person']} {say(*_OUTCOMES[row['outcome']])}  {reasons}")
    for problem in bad:
        click.echo(f"  {problem.line}: {problem.problem.code} {say(problem.problem.zh, problem.problem.en)}")
    if document["rejected_file"]:
        click.echo(
            say(
                f"退回的行及原因：{document['rejected_file']}，改正后可再次受理",
                f"rows that came back, with reasons: {document['rejected_file']}; correct them and lodge that file",
            )
        )


def _single_region(agency: "Agency") -> Callable[[str], str | None]:
    """A region's name to its code, each name looked up once."""
    from jiexu.region.directory.search import find

    known: dict[str, str | None] = {}

    def look_up(name: str) -> str | None:
        if name not in known:
            matches = find(agency.places, name, 2)
            known[name] = matches[0].pooling_region.code if matches else None
        return known[name]

    return look_up


def _batches(rows: Iterable["Row[Application]"], size: int) -> Iterator[list["Row[Application]"]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


# --- answers

_OUTCOMES = {
    "lodged": ("已受理申请", "lodged"),
    "refused": ("窗口不予受理", "refused at the counter"),
    "turned_back": ("退回", "turned back"),
}


def answer_document(answer: "Lodged") -> dict[str, Any]:
    """The counter's answer as plain values: outcome, case, and the grounds with who can cure them and how."""
    from jiexu.rules.checks import refusals

    grounds: list[dict[str, Any]] = [
        {"code": g.code, "zh": g.zh, "en": g.en, "todo_zh": g.todo_zh, "todo_en": g.todo_en} for g in answer.grounds
    ]
    for verdict in refusals(answer.verdicts):
        cure = verdict.cure
        grounds.append(
            {
                "code": verdict.code,
                "zh": verdict.zh,
                "en": verdict.en,
                "todo_zh": cure.zh if cure else "",
                "todo_en": cure.en if cure else "",
                "who": [who.value for who in cure.by] if cure else [],
            }
        )
    return {"outcome": answer.outcome, "case": answer.case_id, "grounds": grounds}


def _one(answer: "Lodged", as_json: bool) -> int:
    document = answer_document(answer)
    if as_json:
        print_json(document)
    else:
        click.echo(say(*_OUTCOMES[answer.outcome]) + (f" {answer.case_id}" if answer.case_id else ""))
        lang = language()
        for ground in document["grounds"]:
            click.echo(f"  {ground['code']} {ground[lang]}")
            if ground[f"todo_{lang}"]:
                click.echo(say(f"    怎么办：{ground['todo_zh']}", f"    what to do: {ground['todo_en']}"))
    return 0 if answer.outcome == "lodged" else NO
