"""A file of applications through the counter: in batches, bad rows kept aside, memory bounded by the batch."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from jiexu.cli.answers import OUTCOMES, WELL, answer_document
from jiexu.cli.application import single_region
from jiexu.cli.errors import NO, Failure
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.region.csvfile import BadRow, Row
    from jiexu.rules.facts import Application
    from jiexu.service.agency import Agency
    from jiexu.service.counter import Lodged

# As many applications as one transaction of the journal takes well.
BATCH = 256
# Every row of a file up to this length is listed; of a longer one the first problems only: the rest stands in the
# rejected file and in the journal.
ROWS_SHOWN = 1_000
PROBLEMS_SHOWN = 20

Take = Callable[["Agency", Sequence["Application"]], Sequence["Lodged"]]


def run_file(agency: "Agency", file: Path, take: Take, as_json: bool, dry: bool = False) -> int:
    """Let every good row of the file be answered; returns the exit code. Raises FileRefused."""
    from jiexu.region.csvfile import RowRefused
    from jiexu.service.application_file import read_applications

    _refuse_unwritable(file)
    table = read_applications(file, agency.today(), single_region(agency))
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    turned_back: set[int] = set()
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(say("办理申请", "applications"), total=max(table.lines - 1, 0))
        for batch in _batches(table.good, BATCH):
            for row, answer in zip(batch, take(agency, [row.value for row in batch]), strict=True):
                counts[answer.outcome] += 1
                if answer.outcome == "turned_back":
                    turned_back.add(row.line)
                    ground = answer.grounds[0]
                    zh, en = _sentence(ground.zh, ground.todo_zh, "。"), _sentence(ground.en, ground.todo_en, ". ")
                    table.reject(row, RowRefused(ground.code, "", zh, en))
                if table.lines <= ROWS_SHOWN or (answer.outcome != "lodged" and len(rows) < PROBLEMS_SHOWN):
                    person = row.value.identity.masked()
                    rows.append({"line": row.line, "person": person, **answer_document(answer, dry)})
            agency.book.trim()
            progress.update(task, completed=batch[-1].line - 1)
        progress.update(task, completed=max(table.lines - 1, 0))
    rejected = table.write_rejected()
    bad = [_bad_row(row) for row in table.bad if row.line not in turned_back]
    rows = sorted([*rows, *bad[: len(bad) if table.lines <= ROWS_SHOWN else PROBLEMS_SHOWN]], key=lambda r: r["line"])
    document = {
        "file": str(file),
        "passes" if dry else "lodged": counts["lodged"],
        "refused": counts["refused"],
        "turned_back": counts["turned_back"],
        "bad_rows": len(bad),
        "rejected_file": str(rejected) if rejected else None,
        "rows": rows if table.lines <= ROWS_SHOWN else rows[:PROBLEMS_SHOWN],
    }
    if as_json:
        print_json(document)
    else:
        _print(document, dry)
    return NO if counts["refused"] or table.bad else 0


def _refuse_unwritable(file: Path) -> None:
    """Before anything is lodged: rows that come back are written beside the file when the others are through."""
    if file.is_file() and not os.access(file.parent, os.W_OK):
        raise Failure(
            "folder_unwritable",
            f"{file.parent} 不可写，退回的行将无处存放。请把文件复制到可写的目录",
            f"{file.parent} cannot be written to, and rows that come back go there: copy the file to another folder",
        )


def _sentence(what: str, todo: str, join: str) -> str:
    return f"{what}{join}{todo}" if todo else what


def _bad_row(row: "BadRow") -> dict[str, Any]:
    why = row.problem
    ground = {"code": why.code, "column": why.column, "zh": why.zh, "en": why.en}
    return {"line": row.line, "person": None, "outcome": "bad_row", "case": None, "grounds": [ground], "notices": []}


def _batches(rows: Iterable["Row[Application]"], size: int) -> Iterator[list["Row[Application]"]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _print(document: dict[str, Any], dry: bool) -> None:
    well = document["passes" if dry else "lodged"]
    refused, back, bad = document["refused"], document["turned_back"], document["bad_rows"]
    click.echo(
        say(
            f"{'符合条件' if dry else '受理'} {well} 件，窗口不予受理 {refused} 件，退回 {back} 件，有误 {bad} 行",
            f"{well} {'may be lodged' if dry else 'lodged'}, {refused} refused at the counter, {back} turned back, "
            f"{bad} bad rows",
        )
    )
    problems = [row for row in document["rows"] if row["outcome"] not in WELL]
    for row in problems[:PROBLEMS_SHOWN]:
        grounds = say("；", "; ").join(f"{g['code']} {g[language()]}" for g in row["grounds"])
        line = say(f"第 {row['line']} 行", f"line {row['line']}")
        person = f" {row['person']}" if row["person"] else ""
        click.echo(f"  {line}{person} {say(*OUTCOMES[row['outcome']])}{say('：', ': ')}{grounds}")
    more = refused + back + bad - min(len(problems), PROBLEMS_SHOWN)
    if more > 0:
        click.echo(say(f"  另有 {more} 件", f"  and {more} more"))
    if document["rejected_file"]:
        click.echo(
            say(
                f"退回与有误的行及原因：{document['rejected_file']}，改正后可再次受理",
                f"rows that came back, with reasons: {document['rejected_file']}; correct them and lodge that file",
            )
        )
