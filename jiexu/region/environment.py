"""Settings from the environment: each key of the configuration file can be given as a variable instead.

`journal` is JIEXU_JOURNAL; a key inside a table is joined by two underscores: JIEXU_EXCHANGE__KAFKA__BOOTSTRAP,
JIEXU_STEPS__OUTBOUND__ANSWER. A variable goes before the file. They speak for **one** region, whose file JIEXU_CONFIG
names; any other file is read as it stands, or a comparison of two regions would read one journal twice.

Strict as the file is: a variable that is no setting is refused, and so is an empty one. No setting is a secret: the
environment is shown by `docker inspect` and `/proc`, so secrets stand in files of their own, which settings name.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

PREFIX = "JIEXU_"
OF_THE_FILE = "JIEXU_CONFIG"
# Variables that are no settings of a region: the command line's, the calendar's, and switches of the tests.
_OTHERS = {OF_THE_FILE, "JIEXU_LANG", "JIEXU_DEBUG", "JIEXU_CALENDAR_DIR"}
_OF_TESTS = "JIEXU_TEST_"


class EnvironmentRefused(ValueError):
    """A variable cannot be used; `zh` and `en` name each and say why."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.zh, self.en = "；".join(zh for zh, _ in problems), "; ".join(en for _, en in problems)
        super().__init__(f"{self.zh} {self.en}")


def variables_for(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are settings of the region of that file. Raises EnvironmentRefused where it is not said whose.

    `file` is the configuration file that is being read, `environ` as os.environ.
    """
    found = {
        name: value
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name not in _OTHERS and not name.startswith(_OF_TESTS)
    }
    named = environ.get(OF_THE_FILE)
    if found and not named:
        names = ", ".join(found)
        zh = f"设有 {names}，但没有 {OF_THE_FILE} 说明属于哪个统筹区的配置文件"
        en = f"{names} is set, but {OF_THE_FILE}, which says for which region's file it is meant, is not"
        raise EnvironmentRefused([(zh, en)])
    return found if named and os.path.realpath(named) == os.path.realpath(file) else {}


def settings_from(
    variables: Mapping[str, str], model: type[BaseModel], but: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The variables as nested tables, as tomllib would give them; `but` are fields that are no settings.

    Raises EnvironmentRefused with every variable that is no setting of the model, is empty, or has a value of another
    kind than its setting. The value of what is no setting is not repeated: it may be a secret.
    """
    known = {PREFIX + "__".join(path).upper() for path in _paths(model) if path[0] not in but}
    tables: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, text in variables.items():
        *tables_of, last = path = name.removeprefix(PREFIX).lower().split("__")
        kind = None if path[0] in but else _kind(model, path)
        if kind is None:
            like = get_close_matches(name, sorted(known), 1, 0.6)
            zh, en = (f"；是否 {like[0]}？", f"; is {like[0]} meant?") if like else ("", "")
            problems.append((f"{name} 不是配置项{zh}", f"{name} is no setting{en}"))
            continue
        try:
            value = _value(kind, text)
        except EnvironmentRefused as refused:
            problems.append((f"{name}：{refused.zh}", f"{name}: {refused.en}"))
            continue
        table = tables
        for part in tables_of:
            table = table.setdefault(part, {})
        table[last] = value
    if problems:
        raise EnvironmentRefused(problems)
    return tables


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables as one; where both give a value, that of `above`."""
    result = dict(below)
    for name, value in above.items():
        stands = result.get(name)
        result[name] = merged(stands, value) if isinstance(stands, dict) and isinstance(value, dict) else value
    return result


def _paths(kind: Any) -> Iterator[tuple[str, ...]]:
    """The settings of a model that can be named beforehand."""
    kind = _unwrapped(kind)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        yield ()
        return
    for name, field in kind.model_fields.items():
        for rest in _paths(field.annotation):
            yield (name, *rest)


def _kind(kind: Any, path: list[str]) -> Any:
    """The type of the setting at that path, None where there is no such setting."""
    for part in path:
        kind = _unwrapped(kind)
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
            kind = kind.model_fields[part].annotation
        else:
            return None
    return kind


def _unwrapped(kind: Any) -> Any:
    """`X | None` is X: nothing is given by leaving the variable out."""
    some = [one for one in get_args(kind) if one is not type(None)]
    return some[0] if get_origin(kind) in (Union, UnionType) and len(some) == 1 else kind


def _value(kind: Any, text: str) -> Any:
    kind = _unwrapped(kind)
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        raise EnvironmentRefused([("是一张表，请用两个下划线写出其中各项", "is a table: name its keys after __")])
    if not text:
        raise EnvironmentRefused([("为空；不用时请不要设置", "is empty: unset it where it is not wanted")])
    try:
        return TypeAdapter(kind).validate_strings(text)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"]
        raise EnvironmentRefused(
            [(f"值 {text!r} 不能使用：{why}", f"the value {text!r} cannot be used: {why}")]
        ) from None
