"""Writes `models.py` from the schemas, so that each fact of the format stands in one place."""

from collections.abc import Mapping
from typing import Any

from jiexu.contract.constraints import RULES
from jiexu.contract.schema_files import Schema, body_names, short_name

_HEADER = '''"""Strict models of every record of the contract.

Generated from `schemas/` by `jiexu contract generate`; change the schemas, not this file.
"""

# ruff: noqa: E501
# fmt: off

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from jiexu.contract import constraints
from jiexu.contract.forms import (
    INT_MAX,
    LONG_MAX,
    Digest,
    Fingerprint,
    Hash,
    Instant,
    Loose,
    Record,
    Salt,
    Uuid,
)
'''

_SHARED_FIXED = frozenset({"Uuid", "Hash", "Digest", "Salt", "Fingerprint"})


def split_doc(doc: str) -> tuple[str, str]:
    """The Chinese and the English half of a `doc`; the second is empty where the form is not kept."""
    zh, _, en = doc.partition("。 ")
    return (f"{zh}。", en) if en else (doc, "")


def models_source(sources: Mapping[str, Schema]) -> str:
    """The text of `models.py` for these schemas."""
    parts = [_HEADER]
    for name in _in_order(sources):
        schema = sources[name]
        if schema["type"] == "enum":
            # `unknown` is for readers of later versions; nobody writes it, and who sends it is refused.
            symbols = ", ".join(f'"{symbol}"' for symbol in schema["symbols"] if symbol != "unknown")
            parts.append(f"{name} = Literal[{symbols}]")
        elif schema["type"] == "record":
            parts.append(_record(name, schema))
    rows = "\n".join(f'    "{name}": {name},' for name in body_names(sources))
    parts.append(f"\nBODIES: dict[str, type[BaseModel]] = {{\n{rows}\n}}")
    return "\n".join(parts) + "\n"


def _in_order(sources: Mapping[str, Schema]) -> list[str]:
    """Names such that each follows those that it uses: enums first, then by use."""
    order: list[str] = [name for name, schema in sources.items() if schema["type"] != "record"]

    def visit(schema: Any) -> None:
        if isinstance(schema, list):
            for branch in schema:
                visit(branch)
        elif isinstance(schema, dict):
            visit(schema["items"] if schema["type"] == "array" else schema["type"])
        elif short_name(schema) in sources and short_name(schema) not in order:
            name = short_name(schema)
            for field in sources[name]["fields"]:
                visit(field["type"])
            order.append(name)

    for name in sources:
        visit(name)
    return order


def _record(name: str, schema: Schema) -> str:
    zh, en = split_doc(schema["doc"])
    lines = [f"\n\nclass {name}(Record):", f'    """{zh}', "", f"    {en}", '    """', ""]
    for field in schema["fields"]:
        default = " = None" if "default" in field and field["default"] is None else ""
        lines.append(f"    {field['name']}: {python_type(field['type'])}{default}")
    if name in RULES:
        lines += ["", '    _rule = model_validator(mode="after")(constraints.apply)']
    return "\n".join(lines)


def python_type(schema: Any) -> str:
    """The annotation of one field's schema."""
    if isinstance(schema, list):
        if schema[0] == "null":
            return f"{python_type(schema[1])} | None"
        return " | ".join(_branch(branch) for branch in schema)
    if isinstance(schema, str):
        return _PRIMITIVES.get(schema) or short_name(schema)
    kind, logical = schema["type"], schema.get("logicalType")
    if logical == "date":
        return "date"
    if logical == "timestamp-micros":
        return "Instant"
    if logical == "decimal":
        digits, scale = schema["precision"], schema["scale"]
        return f"Annotated[Decimal, Field(max_digits={digits}, decimal_places={scale}{_bounds(schema)})]"
    if kind in ("int", "long"):
        return f"Annotated[int, Field(le={kind.upper()}_MAX{_bounds(schema)})]"
    if kind == "string":
        return f"Annotated[str, Field(pattern=r{_quoted(schema['pattern'])})]"
    if kind == "array":
        sizes = "".join(
            f", Field({word}={schema[key]})"
            for key, word in (("minItems", "min_length"), ("maxItems", "max_length"))
            if key in schema
        )
        return f"Annotated[tuple[{python_type(schema['items'])}, ...], Loose{sizes}]"
    raise ValueError(f"no Python form for {schema}")


def _branch(schema: Any) -> str:
    """A branch of a union of several kinds; a named one bears its name, as Avro's tuple notation does."""
    if isinstance(schema, str) and short_name(schema) in _SHARED_FIXED:
        return f'tuple[Literal["{schema}"], {short_name(schema)}]'
    return python_type(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    words = (("minimum", "ge"), ("exclusiveMinimum", "gt"))
    return "".join(f", {word}={schema[key]}" for key, word in words if key in schema)


def _quoted(pattern: str) -> str:
    return f'"{pattern}"'


_PRIMITIVES = {
    "boolean": "bool",
    "bytes": "bytes",
    "string": "str",
    "int": "Annotated[int, Field(ge=-INT_MAX - 1, le=INT_MAX)]",
    "long": "Annotated[int, Field(ge=-LONG_MAX - 1, le=LONG_MAX)]",
}
