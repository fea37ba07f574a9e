"""Whether a schema can stand beside an earlier version of itself, for readers on either side.

Apache's checker judges what Avro can resolve. What it lets pass is judged here: it takes a lost enum symbol where
there is a default, text for bytes, an alias; it does not look at logical types, scales, defaults and the words that
bound a value (`pattern`, `minimum` …), all of which change what signed bytes mean.
"""

import json
from collections.abc import Iterator
from typing import Any

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException
from avro.schema import parse

from jiexu.contract.schema_files import Schema

# What is said of a type beside its Avro kind and must stay as it was.
_MEANING = (
    "logicalType",
    "precision",
    "scale",
    "size",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "minItems",
    "maxItems",
    "default",
)


def breaks(current: Schema, earlier: Schema) -> Iterator[str]:
    """What keeps these two versions apart, one sentence each; nothing where they are compatible both ways."""
    try:
        new, old = parse(json.dumps(current)), parse(json.dumps(earlier))
    except AvroException as error:
        yield f"not an Avro schema: {error}"
        return
    for reader, writer, direction in ((new, old, "new reads old"), (old, new, "old reads new")):
        checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # the package has no types
        result = checker.get_compatibility(reader, writer)
        if result.compatibility is not SchemaCompatibilityType.compatible:
            where = ", ".join(sorted(result.locations))
            yield f"{direction}: {'; '.join(sorted(result.messages))} at {where}"
    yield from _Meaning(current, earlier).compare()


class _Meaning:
    def __init__(self, current: Schema, earlier: Schema) -> None:
        self.current, self.earlier = current, earlier
        self.new = named_types(current)
        self.old = named_types(earlier)
        self.compared: set[str] = set()

    def compare(self) -> Iterator[str]:
        return self.types(self.current, self.earlier, self.current["name"])

    def types(self, new: Any, old: Any, path: str) -> Iterator[str]:
        new, old = _follow(new, self.new), _follow(old, self.old)
        if isinstance(new, list) or isinstance(old, list):
            if not (isinstance(new, list) and isinstance(old, list)) or len(new) != len(old):
                yield f"{path}: branches of the union changed"
                return
            for one, other in zip(new, old, strict=True):
                yield from self.types(one, other, path)
            return
        if new["type"] != old["type"]:
            yield f"{path}: type {old['type']} became {new['type']}"
            return
        for word in _MEANING:
            if new.get(word) != old.get(word):
                yield f"{path}: {word} {old.get(word)} became {new.get(word)}"
        name = new.get("name")
        if name is not None:
            if name in self.compared:
                return
            self.compared.add(name)
        if new["type"] == "record":
            yield from self.fields(new, old, path)
        elif new["type"] == "array":
            yield from self.types(new["items"], old["items"], f"{path}[]")
        elif new["type"] == "enum":
            for symbol in old["symbols"]:
                if symbol not in new["symbols"]:
                    yield f"{path}: symbol {symbol} is gone"

    def fields(self, new: Schema, old: Schema, path: str) -> Iterator[str]:
        before = {field["name"]: field for field in old["fields"]}
        for field in new["fields"]:
            where = f"{path}.{field['name']}"
            if field["name"] in before:
                was = before[field["name"]]
                if ("default" in field, field.get("default")) != ("default" in was, was.get("default")):
                    yield f"{where}: default changed"
                yield from self.types(field["type"], was["type"], where)


def named_types(schema: Any) -> dict[str, Schema]:
    """The named types of a self-contained schema, by full name."""
    found: dict[str, Schema] = {}

    def visit(schema: Any) -> None:
        if isinstance(schema, list):
            for branch in schema:
                visit(branch)
        elif isinstance(schema, dict):
            if "name" in schema:
                found[f"{schema['namespace']}.{schema['name']}"] = schema
            for field in schema.get("fields", ()):
                visit(field["type"])
            if schema["type"] == "array":
                visit(schema["items"])

    visit(schema)
    return found


def _follow(schema: Any, named: dict[str, Schema]) -> Any:
    return named.get(schema, {"type": schema}) if isinstance(schema, str) else schema
