"""A statement that is to run once per row of values, as one PostgreSQL statement over all of them.

The columns of the values travel as arrays and come back as the rows of `v`: a tenth of the time of one statement a
row. Any order of the rows must do, and none may change what another finds, as `Sql.many` asks.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_QUOTED = re.compile(r"('[^']*')")
_INSERT_VALUES = re.compile(r"(INSERT INTO \w+)( \([\w, ]+\))? VALUES \(([^()]*)\)(.*)")
_INSERT_SELECT = re.compile(r"(INSERT INTO .*? FROM )(.*)")
_UPDATE = re.compile(r"(UPDATE \w+ SET .*?)( WHERE .*)")
_DELETE = re.compile(r"(DELETE FROM \w+)( WHERE .*)")
_UPSERT = re.compile(r".*ON CONFLICT \(([\w, ]+)\) DO UPDATE .*")


def marked(statement: str, mark: str) -> str:
    """A statement with its `?` numbered, `mark` before the number; what stands in quotes stays."""
    parts = _QUOTED.split(statement)
    count = 0
    for at in range(0, len(parts), 2):
        first, *rest = parts[at].split("?")
        parts[at] = first + "".join(f"{mark}{(count := count + 1)}{piece}" for piece in rest)
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class SetForm:
    """`text` takes one array a column, but for those in `empty`; `key` are the columns that no two rows may share."""

    text: str
    empty: frozenset[int]
    key: tuple[int, ...]


@lru_cache(maxsize=512)
def set_form(statement: str, columns: int, empty: frozenset[int]) -> SetForm | None:
    """The statement over a set of rows; `empty` are the columns (from 0) with no value in any row. None: there is none.

    An empty column has no type to be sent under, so it becomes a NULL in the text.
    """
    text = " ".join(statement.split())
    names = [f"p{number}" for number in range(1, columns + 1) if number - 1 not in empty]
    if not names:
        return None
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    source = f"unnest({marks}) AS v ({', '.join(names)})"
    key: tuple[int, ...] = ()
    if insert := _INSERT_VALUES.fullmatch(text):
        into, fields, values, rest = insert.groups()
        form = f"{into}{fields or ''} SELECT {values} FROM {source}{rest}"
        if upsert := _UPSERT.fullmatch(rest):
            named = zip(_words(fields or ""), _words(values), strict=False)
            filled = [field for field, value in named if value == "?"]
            if not set(_words(upsert[1])) <= set(filled):
                return None
            key = tuple(filled.index(field) for field in _words(upsert[1]))
    elif insert := _INSERT_SELECT.fullmatch(text):
        where, conflict, rest = insert[2].partition(" ON CONFLICT ")
        form = f"{insert[1]}{source}, {_looked_up(where)}{conflict}{rest}"
        key = tuple(range(columns))
    elif update := _UPDATE.fullmatch(text):
        form = f"{update[1]} FROM {source}{_looked_up(update[2])}"
    elif delete := _DELETE.fullmatch(text):
        form = f"{delete[1]} USING {source}{_looked_up(delete[2])}"
    else:
        return None
    form = marked(form, "v.p")
    for column in empty:
        form = re.sub(rf"\bv\.p{column + 1}\b", "NULL", form)
    return SetForm(form, empty, key)


def _looked_up(conditions: str) -> str:
    """Conditions by which each row of the set is looked up in an index.

    Written as `= ANY(ARRAY[…])`, they leave the planner no other way. Where it believes a table to be nearly empty, as
    many are between two bursts, it would read the table from end to end and the whole set for each of its rows.
    """
    depth, parts, at = 0, [], 0
    for found in re.finditer(r"[()]|(?<![<>])= \?|(?<![<>])= (?=\()", conditions):
        word = found[0]
        if word in "()":
            depth += 1 if word == "(" else -1
        elif depth == 0:
            end = found.end() if word.endswith("?") else _closing(conditions, found.end())
            parts.append(f"{conditions[at : found.start()]}= ANY(ARRAY[{conditions[found.start() + 2 : end]}])")
            at = end
    return "".join(parts) + conditions[at:]


def _closing(text: str, opening: int) -> int:
    """Where the parenthesis that stands there has closed."""
    depth = 0
    for at in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    raise ValueError(text)


def _words(fields: str) -> list[str]:
    return [word.strip() for word in fields.strip(" ()").split(",")]


def as_set(statement: str, rows: Sequence[Sequence[Any]]) -> tuple[str, list["Column"]] | None:
    """The statement over a set and its arrays; None where it must run row by row."""
    columns = list(zip(*rows, strict=True))
    empty = frozenset(at for at, column in enumerate(columns) if all(value is None for value in column))
    form = set_form(statement, len(columns), empty)
    if form is None:
        return None
    if form.key and len({tuple(row[at] for at in form.key) for row in rows}) < len(rows):
        return None  # PostgreSQL refuses to insert and update a row by one statement
    return form.text, [_column(values) for at, values in enumerate(columns) if at not in empty]


def _column(values: Sequence[Any]) -> "Column":
    first = next(value for value in values if value is not None)
    return Ints(values) if isinstance(first, int) else Bytes(values) if isinstance(first, bytes) else Texts(values)


class Column:
    """Values of one type, to be sent as one array."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values


class Ints(Column):
    """bigint[]."""


class Bytes(Column):
    """bytea[]."""


class Texts(Column):
    """text[]."""


class _ArrayDumper(Dumper):
    """Arrays in PostgreSQL's binary form: psycopg's own looks at every value's type."""

    format = Format.BINARY
    element = 0  # the type's number

    def dump(self, obj: Column) -> Buffer:
        """One dimension, from index 1; each value after its length, -1 for NULL."""
        head = struct.pack(">iiIii", 1, int(None in obj.values), self.element, len(obj.values), 1)
        return head + b"".join(self.elements(obj.values))

    def elements(self, values: Sequence[Any]) -> Iterator[bytes]:
        """Each value after its length."""
        raise NotImplementedError


_LENGTH = struct.Struct(">i").pack
_INT = struct.Struct(">iq").pack
_NULL = _LENGTH(-1)


class _IntsDumper(_ArrayDumper):
    oid, element = 1016, 20

    def elements(self, values: Sequence[Any]) -> Iterator[bytes]:
        return (_NULL if value is None else _INT(8, value) for value in values)


class _BytesDumper(_ArrayDumper):
    oid, element = 1001, 17

    def elements(self, values: Sequence[Any]) -> Iterator[bytes]:
        return (_NULL if value is None else _LENGTH(len(value)) + value for value in values)


class _TextsDumper(_ArrayDumper):
    oid, element = 1009, 25

    def elements(self, values: Sequence[Any]) -> Iterator[bytes]:
        encoded = (None if value is None else value.encode() for value in values)
        return (_NULL if value is None else _LENGTH(len(value)) + value for value in encoded)


def register(db: Connection[Any]) -> None:
    """Let a connection send such columns."""
    for column, dumper in ((Ints, _IntsDumper), (Bytes, _BytesDumper), (Texts, _TextsDumper)):
        db.adapters.register_dumper(column, dumper)
