"""`jiexu registry`: fill the default registry from CSV files, write it out, make invented people."""

import csv
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click
from rich.console import Console
from rich.progress import Progress

from jiexu.region.csvfile import FileRefused
from jiexu.region.registry.adapter import open_file
from jiexu.region.registry.records import put
from jiexu.region.registry.sample import SamplePerson, joining, leaving, sample_people
from jiexu.region.registry.sqlite import FileTooNew, writing
from jiexu.region.registry.tables import TABLES
from jiexu.region.registry.transfer_files import Imported, export_files, import_files
from jiexu.rules.facts import Scheme

# What the commands end with: rows came back; the whole call was refused.
SOME_REJECTED, REFUSED = 1, 2


def _said(zh: str, en: str) -> str:
    """Chinese with English beside it, or English alone under `--lang en`."""
    context = click.get_current_context(silent=True)
    lang = context.find_root().params.get("lang") if context else None
    return en if lang == "en" else f"{zh} / {en}"


def _column_help() -> str:
    """The files and their columns, for `--help`: required ones bear a star, aliases follow in brackets."""
    blocks = []
    for spec in TABLES:
        shown = [
            f"{name}{'*' if column.required else ''}" + (f" ({'/'.join(column.aliases)})" if column.aliases else "")
            for name, column in spec.columns.items()
        ]
        # \b keeps click from folding the block's lines into one.
        blocks.append("\b\n" + "\n".join([f"{spec.name}.csv: {spec.zh}", f"  {spec.en}", *_folded(shown)]))
    return "\n\n".join(blocks)


def _folded(columns: Sequence[str], width: int = 76) -> list[str]:
    lines = [" "]
    for column in columns:
        if len(lines[-1]) + len(column) + 1 > width:
            lines.append(" ")
        lines[-1] += f" {column}"
    return lines


class _WithColumns(click.Command):
    """A command whose long help lists the columns from the tables themselves, so that it cannot go stale."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("列 / Columns (* 必需 / required)"):
            formatter.write_text(_column_help())


class _Refusal(click.ClickException):
    exit_code = REFUSED


def _open(path: Path) -> sqlite3.Connection:
    try:
        return open_file(path)
    except (sqlite3.DatabaseError, FileTooNew) as error:
        raise _refusal(
            "registry_unreadable",
            str(path),
            "无法打开登记库。请核对路径，确认它是登记库文件。",
            f"The registry cannot be opened ({error}). Check that the path names a registry file.",
        ) from None


def _refusal(code: str, where: str, zh: str, en: str) -> click.ClickException:
    return _Refusal(f"[{code}] {where}: {_said(zh, en)}")


_registry = click.option(
    "--registry",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="登记库文件 / The registry file.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 / Answer in JSON.")


@click.group()
def registry() -> None:
    """本地登记库（默认适配器）/ The default registry of a region."""


@registry.command("import", cls=_WithColumns)
@_registry
@_as_json
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def import_(file: Path, paths: tuple[Path, ...], as_json: bool) -> None:
    """从 CSV 导入人员、参保关系、缴费时段和账户；重复导入结果不变。 / Import from CSV; doing it again changes nothing.

    PATHS: 目录或 persons.csv 等文件。编码可为 UTF-8 或 GB18030。有错的行写入 persons.rejected.csv 等文件，
    其余照常导入；缺列则整个文件不导入。 / Directories or files named as below, UTF-8 or GB18030. Wrong rows come back
    in <name>.rejected.csv with their reasons, the others are imported; a file that lacks a column is refused.

    退出码 / Exit status: 0 全部导入 / all rows taken, 1 有行被退回 / some came back, 2 未导入 / refused.
    """
    db = _open(file)
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=as_json) as bar:
            tasks = {name: bar.add_task(name, total=None, visible=False) for name in (f"{s.name}.csv" for s in TABLES)}

            def told(name: str, done: int, lines: int) -> None:
                bar.update(tasks[name], completed=done, total=lines, visible=True)

            results = import_files(db, paths, told)
    except FileRefused as refused:
        if as_json:
            click.echo(json.dumps({"refused": _refused_json(refused)}, ensure_ascii=False))
            raise SystemExit(REFUSED) from None
        raise _refusal(refused.code, refused.where, refused.zh, refused.en) from None
    finally:
        db.close()
    _report(results, as_json)
    if any(result.rejected for result in results):
        raise SystemExit(SOME_REJECTED)


@registry.command("export")
@_registry
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def export(file: Path, directory: Path) -> None:
    """导出为 CSV（UTF-8），格式与导入相同；案件办理结果不含在内。 / Export as CSV in the form that import reads.

    The rows are those that imports have stated; what cases have done since is not in them.
    """
    if not file.exists():
        raise _refusal("registry_missing", str(file), "登记库不存在。请核对路径。", "No such registry. Check the path.")
    db = _open(file)
    try:
        written = export_files(db, directory)
    finally:
        db.close()
    for path in written:
        click.echo(path)


@registry.command("sample")
@_registry
@click.option("--region", required=True, help="统筹区代码 / The region's code.")
@click.option("--to", "joins", type=click.Path(path_type=Path, dir_okay=False), help="转入地登记库 / Inbound registry.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 1_000_000), help="人数 / How many.")
@click.option("--seed", default=1, show_default=True, help="随机种子 / The seed.")
@click.option(
    "--applications",
    type=click.Path(path_type=Path, dir_okay=False),
    help="另写其申请文件，供 jiexu apply 使用 / Write their applications too, for jiexu apply.",
)
@click.option("--inbound", help="申请转入的统筹区代码 / The region that they apply to.")
def sample(
    file: Path, region: str, joins: Path | None, count: int, seed: int, applications: Path | None, inbound: str | None
) -> None:
    """写入虚构人员（演示用）：可转出；给出 --to 时在那里已参保。 / Put in invented people who are
    ready to leave the region, and with --to are enrolled there.

    \b
    例 / Example:
      jiexu registry sample --registry ./wenzhou/registry.db --region 330300 \\
        --to ./xian/registry.db --applications 申请.csv --inbound 610100
    """
    if (applications is None) != (inbound is None):
        raise _refusal(
            "sample_applications",
            "--applications, --inbound",
            "两项须同时给出。",
            "Give both or neither.",
        )
    try:
        people = list(sample_people(seed, region, count))
    except ValueError:
        raise _refusal(
            "region_bad", region, "统筹区代码应为六位数字。请更正。", "A region code has six digits. Correct it."
        ) from None
    draw = Random(seed)
    rows = {file: [row for person in people for row in leaving(draw, person)]}
    if joins is not None:
        rows[joins] = [row for person in people for row in joining(person)]
    for path, put_in in rows.items():
        db = _open(path)
        try:
            with writing(db):
                put(db, put_in)
        finally:
            db.close()
    if applications is not None and inbound is not None:
        _write_applications(applications, people, region, inbound)
    click.echo(_said(f"已写入 {count} 名虚构人员。", f"{count} invented people put in."))


def _write_applications(file: Path, people: Sequence[SamplePerson], region: str, inbound: str) -> None:
    """One row a person, as a window holds them; who applies without a date applies on the day that it is read."""
    columns = ("name", "document_type", "document_number", "from_scheme", "to_scheme", "outbound", "inbound")
    with file.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(columns)
        for person in people:
            who = person.identity
            rows.writerow(
                [who.name, who.document_type, who.document_number, Scheme.EMPLOYEE, Scheme.EMPLOYEE, region, inbound]
            )


def _report(results: Sequence[Imported], as_json: bool) -> None:
    if as_json:
        files = [
            {
                "file": str(result.file),
                "good": result.good,
                "rejected": result.rejected,
                "rejected_file": str(result.rejected_file) if result.rejected_file else None,
            }
            for result in results
        ]
        click.echo(json.dumps({"files": files}, ensure_ascii=False))
        return
    for result in results:
        click.echo(_said(f"{result.file.name}：导入 {result.good} 行", f"{result.good} rows taken"))
        if result.rejected:
            click.echo(
                _said(
                    f"  {result.rejected} 行有误，原因见 {result.rejected_file}；更正后可直接再导入该文件的内容",
                    f"  {result.rejected} came back, see {result.rejected_file}; correct them and import them again",
                )
            )


def _refused_json(refused: FileRefused) -> dict[str, str]:
    return {"code": refused.code, "where": refused.where, "zh": refused.zh, "en": refused.en}
