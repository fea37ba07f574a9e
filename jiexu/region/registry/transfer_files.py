"""Filling a registry from CSV files, and writing it out again."""

import csv
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jiexu.region.csvfile import FileRefused, RowRefused, Table, read_table
from jiexu.region.registry.money import text
from jiexu.region.registry.records import PersonUnknown, Row, put_row
from jiexu.region.registry.sqlite import reading, writing
from jiexu.region.registry.tables import FLAGS, MONEY, TABLES, TableSpec

# File name, lines read, lines in all.
FileProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one file: rows taken, rows returned, and where these are written with their reasons."""

    file: Path
    good: int
    rejected: int
    rejected_file: Path | None


def import_files(db: sqlite3.Connection, paths: Sequence[Path], progress: FileProgress | None = None) -> list[Imported]:
    """Read the files (a directory stands for the known files in it) in their order of need, one transaction each.

    All headers are judged before the first row is written. Raises FileRefused; see also `read_table`.
    """
    tables = [_opened(spec, path, progress) for spec, path in _known_files(paths)]
    return [_import(db, table) for table in tables]


def export_files(db: sqlite3.Connection, directory: Path) -> list[Path]:
    """Write every table that has rows as CSV (UTF-8 with mark), in the form that `import_files` reads.

    The rows are those stated by imports; what cases have done is in the journals and in the registry file itself.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    with reading(db):
        for spec in TABLES:
            path = directory / f"{spec.name}.csv"
            rows = db.execute(spec.select)
            first = rows.fetchone()
            if first is None:
                continue
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(spec.columns)
                for row in (first, *rows):
                    writer.writerow(_shown(name, value) for name, value in zip(spec.columns, row, strict=True))
            written.append(path)
    return written


def _known_files(paths: Sequence[Path]) -> list[tuple[TableSpec, Path]]:
    files = []
    for path in paths:
        if path.is_dir():
            files += [found for spec in TABLES if (found := path / f"{spec.name}.csv").exists()]
        else:
            files.append(path)
    known = {spec.name: spec for spec in TABLES}
    for file in files:
        if file.stem not in known:
            raise FileRefused(
                "file_unknown",
                file.name,
                f"不认识的文件名。请用：{'、'.join(f'{name}.csv' for name in known)}。",
                f"Not a known file name. Use one of {', '.join(f'{name}.csv' for name in known)}.",
            )
    if not files:
        raise FileRefused(
            "nothing_to_read",
            ", ".join(str(path) for path in paths),
            "目录中没有可导入的文件。请放入 persons.csv 等文件。",
            "There is no file to import. Put persons.csv and the others there.",
        )
    order = list(known)
    files.sort(key=lambda file: order.index(file.stem))
    return [(known[file.stem], file) for file in files]


def _opened(spec: TableSpec, path: Path, progress: FileProgress | None) -> Table[Row]:
    told = None if progress is None else lambda done, lines: progress(path.name, done, lines)
    return read_table(path, spec.columns, spec.parse, progress=told)


def _import(db: sqlite3.Connection, table: Table[Row]) -> Imported:
    good = 0
    with writing(db):
        for row in table.good:
            try:
                put_row(db, row.value)
            except PersonUnknown:
                table.reject(
                    row,
                    RowRefused(
                        "person_unknown",
                        "person_number",
                        "登记库中没有这个人员编号。请先导入 persons.csv，或更正编号。",
                        "The registry has no such person number. Import persons.csv first, or correct it.",
                    ),
                )
            else:
                good += 1
    return Imported(table.path, good, len(table.bad), table.write_rejected())


def _shown(column: str, value: object) -> object:
    if value is None:
        return ""
    if column in MONEY and isinstance(value, int):
        return text(value)
    if column in FLAGS:
        return "yes" if value else "no"
    if column == "other_lines":
        return ";".join(f"{name}={text(cents)}" for name, cents in json.loads(str(value)))
    return value
