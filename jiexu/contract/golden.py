"""Fixed sample bytes of every published version: `schemas/golden/<Name>.<n>.avro`, and the values as JSON beside it.

They show another implementer what the bytes must be, and they show us that no change of the code, of a library or
of a logical type (which fingerprints ignore) gives old bytes a new meaning.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jiexu.contract.records import HEADER_SIZE, MARKER
from jiexu.contract.schema_files import Published
from jiexu.contract.wire import compile_decoder, compile_encoder


def golden_file(root: Path, name: str, version: int, suffix: str) -> Path:
    """Where the sample is; suffix `avro` or `json`."""
    return root / "golden" / f"{name}.{version}.{suffix}"


def to_json(value: dict[str, Any]) -> str:
    """Decoded values as JSON text: decimals, dates, months as text, bytes and ids as hex."""
    return json.dumps(_jsonable(value), ensure_ascii=False, indent=2) + "\n"


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, tuple):  # a named branch of a union of several kinds
        return {value[0]: _jsonable(value[1])}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"
    return value.isoformat() if isinstance(value, date) else value


def from_json(published: Published, text: str) -> dict[str, Any]:
    """The values that such JSON text names."""
    named: dict[str, Any] = {}
    _learn(published.schema, named)

    def read(schema: Any, value: Any) -> Any:
        if isinstance(schema, str):
            schema = named.get(schema, {"type": schema})
        if isinstance(schema, list):
            if schema[0] == "null":
                return None if value is None else read(schema[1], value)
            if isinstance(value, dict):
                ((name, inner),) = value.items()
                return name, bytes.fromhex(inner)
            return bytes.fromhex(value)
        kind, logical = schema["type"], schema.get("logicalType")
        if kind == "record":
            return {field["name"]: read(field["type"], value[field["name"]]) for field in schema["fields"]}
        if kind == "array":
            return [read(schema["items"], item) for item in value]
        if logical == "decimal":
            return Decimal(value)
        if logical == "date":
            return date.fromisoformat(value)
        if logical == "timestamp-micros":
            return datetime.fromisoformat(value)
        if kind == "bytes" or (kind == "fixed" and schema["name"] != "Uuid"):
            return bytes.fromhex(value)
        return value

    values: dict[str, Any] = read(published.schema, json.loads(text))
    return values


def _learn(schema: Any, named: dict[str, Any]) -> None:
    """Collect the named types by full name."""
    if isinstance(schema, list):
        for branch in schema:
            _learn(branch, named)
    elif isinstance(schema, dict):
        if schema["type"] in ("record", "enum", "fixed"):
            named[f"{schema['namespace']}.{schema['name']}"] = schema
        for field in schema.get("fields", ()):
            _learn(field["type"], named)
        if schema["type"] == "array":
            _learn(schema["items"], named)


def encode_sample(published: Published, values: dict[str, Any]) -> bytes:
    """The values as a record of exactly that version."""
    out = bytearray(MARKER + published.fingerprint)
    compile_encoder(published.schema)(_attributes(values), out)
    return bytes(out)


def decode_sample(published: Published, data: bytes) -> dict[str, Any]:
    """The values of a record of exactly that version; ValueError where the bytes are of another length or schema."""
    value, at = compile_decoder(published.schema)(data, HEADER_SIZE, len(data))
    if at != len(data) or data[:HEADER_SIZE] != MARKER + published.fingerprint:
        raise ValueError("not a record of this schema")
    return value


def _attributes(value: Any) -> Any:
    """Mappings as objects, since the encoder reads attributes, as models have them."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: _attributes(item) for name, item in value.items()})
    return [_attributes(item) for item in value] if isinstance(value, list) else value
