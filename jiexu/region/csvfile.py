"""Reading CSV files as offices have them: UTF-8 or GB18030, Chinese or English headers, some rows wrong.

A file that cannot be read as a whole is refused (`FileRefused`) before any row is given out. A row that is wrong is
kept with its line and reason, and the others go on. Rows stream: a file of any length needs little memory.
"""

import codecs
import csv
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

# Given the lines read and the lines of the file.
Progress = Callable[[int, int], None]

# How many lines pass between two calls of the progress callback.
_PROGRESS_EVERY = 2_000

_CHUNK_BYTES = 1 << 20

# GB18030 takes nearly any bytes; these tell files of other kinds before it does.
_MAGIC = {b"PK\x03\x04": "xlsx", b"\xd0\xcf\x11\xe0": "xls", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its other header names, and whether a file may lack it (its cells are then empty)."""

    aliases: Sequence[str] = ()
    required: bool = True


class FileRefused(Exception):
    """The file as a whole cannot be read. `zh` and `en` say what happened and what to do; `where` is file and line."""

    def __init__(self, code: str, where: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {where}: {zh} / {en}")
        self.code, self.where, self.zh, self.en = code, where, zh, en


class RowRefused(Exception):
    """One row is wrong: raised by `parse_row`, and by whoever finds out later (`Table.reject`)."""

    def __init__(self, code: str, column: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {column}: {zh} / {en}")
        self.code, self.column, self.zh, self.en = code, column, zh, en


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """A good row: its line in the file (the header is line 1), what it was parsed to, and its cells as read."""

    line: int
    value: T
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that comes back: where, why, and its cells as read."""

    line: int
    problem: RowRefused
    cells: Sequence[str]


@dataclass
class Table(Generic[T]):
    """A file being read. Iterate `good` once; `bad` fills meanwhile and is complete at the end."""

    path: Path
    header: Sequence[str]
    encoding: str
    lines: int
    good: Iterator[Row[T]] = field(default_factory=lambda: iter(()))
    bad: list[BadRow] = field(default_factory=list)

    def reject(self, row: Row[T], problem: RowRefused) -> None:
        """Turn down a row that was parsed well but does not fit what is known."""
        self.bad.append(BadRow(row.line, problem, row.cells))

    def write_rejected(self) -> Path | None:
        """Write the bad rows beside the file, as they were plus line, code and reason, ready to be corrected and read
        again. Without bad rows an older such file is removed, since it would mislead; None is returned.
        """
        target = rejected_path(self.path)
        target.unlink(missing_ok=True)
        if not self.bad:
            return None
        mode = self.path.stat().st_mode & 0o666  # it names people as the file did: readable by nobody else

        def create(path: str, flags: int) -> int:
            return os.open(path, flags, mode)

        # The mark at the start tells Excel that it is UTF-8.
        with open(target, "w", encoding="utf-8-sig", newline="", opener=create) as file:
            writer = csv.writer(file)
            writer.writerow(
                [*self.header, "rejected_line", "rejected_code", "rejected_column", "reason_zh", "reason_en"]
            )
            for bad in sorted(self.bad, key=lambda bad: bad.line):
                why = bad.problem
                cells = [*bad.cells, *[""] * (len(self.header) - len(bad.cells))]
                writer.writerow([*cells[: len(self.header)], bad.line, why.code, why.column, why.zh, why.en])
        return target


def rejected_path(path: Path) -> Path:
    """Where the bad rows of a file go: `persons.csv` → `persons.rejected.csv`."""
    return path.with_name(f"{path.stem}.rejected.csv")


def read_table(
    path: Path,
    columns: Mapping[str, Column | Sequence[str]],
    parse_row: Callable[[Mapping[str, str]], T],
    *,
    progress: Progress | None = None,
) -> Table[T]:
    """Open a CSV file: encoding and header are judged here, rows as `good` is iterated.

    `columns` maps a column's name to its aliases (or a `Column`); headers are compared without case, blanks and width.
    `parse_row` gets the cells by column name, trimmed, and raises RowRefused. Columns that are not asked for are left
    alone. Raises FileRefused: `file_missing`, `not_csv`, `encoding_unknown`, `file_empty`, `column_missing`,
    `column_twice`.
    """
    wanted = {name: column if isinstance(column, Column) else Column(tuple(column)) for name, column in columns.items()}
    encoding, lines = _survey(path)
    with path.open(encoding=encoding, newline="") as file:
        header = _cells(file.readline())
    if header is None or not any(header):
        raise FileRefused(
            "file_empty",
            f"{path.name}:1",
            "文件没有表头。请在第一行写列名。",
            "The file has no header. Write the column names in its first line.",
        )
    places = _places(path, header, wanted)
    table: Table[T] = Table(path, header, encoding, lines)
    table.good = _rows(table, places, list(wanted), parse_row, progress)
    return table


def _rows(
    table: Table[T],
    places: Mapping[str, int],
    names: Sequence[str],
    parse_row: Callable[[Mapping[str, str]], T],
    progress: Progress | None,
) -> Iterator[Row[T]]:
    width = len(table.header)
    absent = dict.fromkeys((name for name in names if name not in places), "")
    wanted = list(places.items())
    with table.path.open(encoding=table.encoding, newline="") as file:
        for line, text in enumerate(file, start=1):
            if progress is not None and line % _PROGRESS_EVERY == 0:
                progress(line, table.lines)
            if line == 1 or not text.strip(" \t\r\n,"):
                continue
            cells = _cells(text)
            try:
                if cells is None:
                    raise RowRefused(
                        "quote_open",
                        "",
                        "引号没有在本行结束；单元格内不能换行。请改正引号。",
                        "A quotation mark is not closed in this line; cells hold no line breaks. Correct the quotes.",
                    )
                if len(cells) < width or any(cells[width:]):
                    raise RowRefused(
                        "cells_wrong",
                        "",
                        f"本行有 {len(cells)} 个单元格，表头有 {width} 列。请补齐或去掉多余的逗号。",
                        f"This row has {len(cells)} cells, the header {width}. Add or take out commas.",
                    )
                row = {**absent, **{name: cells[place] for name, place in wanted}}
                value = parse_row(row)
            except RowRefused as problem:
                table.bad.append(BadRow(line, problem, cells if cells is not None else [text.strip()]))
                continue
            yield Row(line, value, cells)
    if progress is not None:
        progress(table.lines, table.lines)


def _cells(text: str) -> list[str] | None:
    """The cells of one line, trimmed; None where a quotation mark stays open.

    Line by line, and not the file in one go: an unclosed mark would otherwise swallow the rows after it.
    """
    try:
        cells = next(csv.reader((text,), strict=True), [])
    except csv.Error:
        return None
    return [_trimmed(cell) for cell in cells]


def _trimmed(cell: str) -> str:
    cell = cell.strip()  # U+3000 too, which Chinese input leaves behind
    if cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1]  # how spreadsheets keep long numbers from turning into 6.1E+17
    return cell[1:] if cell.startswith("'") else cell


def _places(path: Path, header: Sequence[str], wanted: Mapping[str, Column]) -> dict[str, int]:
    names = {_folded(known): name for name, column in wanted.items() for known in (name, *column.aliases)}
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        name = names.get(_folded(title))
        if name is None:
            continue
        if name in places:
            raise FileRefused(
                "column_twice",
                f"{path.name}:1",
                f"列“{title}”（{name}）出现了两次。请只保留一列。",
                f"The column {name} stands twice. Keep one.",
            )
        places[name] = place
    missing = [name for name, column in wanted.items() if column.required and name not in places]
    if missing:
        zh = "、".join("/".join((name, *wanted[name].aliases[:1])) for name in missing)
        raise FileRefused(
            "column_missing",
            f"{path.name}:1",
            f"缺少列：{zh}。请补上这些列，或把表头改成这些名称；整个文件未读入。",
            f"Columns are missing: {', '.join(missing)}. Add them or rename the header; nothing of the file was read.",
        )
    return places


def _folded(title: str) -> str:
    return "".join(unicodedata.normalize("NFKC", title).split()).casefold()


def _survey(path: Path) -> tuple[str, int]:
    """The encoding of the file and its number of lines, in one pass over the bytes."""
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    gb: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("gb18030")()
    lines, last, first = 0, b"\n", True
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileRefused(
            "file_missing",
            str(path),
            "文件不存在或无法打开。请核对路径和权限。",
            f"The file cannot be opened ({error.strerror}). Check path and permissions.",
        ) from None
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            if first:
                _refuse_other_kinds(path, chunk)
                bom = chunk.startswith(codecs.BOM_UTF8)
                first = False
            lines += chunk.count(b"\n")
            last = chunk[-1:]
            utf8, gb = _fed(utf8, chunk), _fed(gb, chunk)
            if utf8 is None and gb is None:
                break
    if first:
        return "utf-8", 0
    lines += last != b"\n"
    if _ended(utf8):
        return ("utf-8-sig" if bom else "utf-8"), lines
    if _ended(gb):
        return "gb18030", lines
    raise FileRefused(
        "encoding_unknown",
        path.name,
        "文件既不是 UTF-8 也不是 GB18030 编码。请另存为“CSV UTF-8”。",
        "The file is neither UTF-8 nor GB18030. Save it as CSV UTF-8.",
    )


def _fed(decoder: codecs.IncrementalDecoder | None, chunk: bytes) -> codecs.IncrementalDecoder | None:
    if decoder is None:
        return None
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return None
    return decoder


def _ended(decoder: codecs.IncrementalDecoder | None) -> bool:
    """Whether the bytes were all of that encoding, the last character whole."""
    if decoder is None:
        return False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_other_kinds(path: Path, start: bytes) -> None:
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if kind is None and b"\x00" in start:
        kind = "binary"
    if kind is not None:
        raise FileRefused(
            "not_csv",
            path.name,
            f"这不是 CSV 文件（{kind}）。请在表格软件中另存为“CSV UTF-8（逗号分隔）”。",
            f"This is no CSV file ({kind}). Save it as CSV UTF-8 (comma separated).",
        )
