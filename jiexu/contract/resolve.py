"""Reading what an earlier schema wrote with today's eyes (Avro's schema resolution).

The gate lets only compatible versions be published, so what is left is: fields that came later take their default,
fields that went are dropped, enum symbols that are gone become the enum's default.
"""

from typing import Any

from jiexu.contract.schema_files import Schema
from jiexu.contract.wire import read_decimal


def resolve(value: Any, writer: Any, reader: Any) -> Any:
    """The value, decoded with the writer's self-contained schema, in the shape of the reader's."""
    return _Resolver(writer, reader).record(value, writer, reader)


class _Resolver:
    def __init__(self, writer: Schema, reader: Schema) -> None:
        self.written: dict[str, Schema] = {}
        self.read: dict[str, Schema] = {}
        _collect(writer, self.written)
        _collect(reader, self.read)

    def record(self, value: dict[str, Any], writer: Schema, reader: Schema) -> dict[str, Any]:
        written = {field["name"]: field["type"] for field in writer["fields"]}
        return {
            field["name"]: self.value(value[field["name"]], written[field["name"]], field["type"])
            if field["name"] in written
            else self.default(field["default"], field["type"])
            for field in reader["fields"]
        }

    def value(self, value: Any, writer: Any, reader: Any) -> Any:
        if value is None:
            return None
        if isinstance(reader, list) and reader[0] != "null":
            return value  # a union of several kinds: its branches never change
        writer, reader = _follow(writer, self.written), _follow(reader, self.read)
        if reader["type"] == "record":
            return self.record(value, writer, reader)
        if reader["type"] == "array":
            return [self.value(item, writer["items"], reader["items"]) for item in value]
        if reader["type"] == "enum" and value not in reader["symbols"]:
            return reader["default"]
        return value

    def default(self, value: Any, reader: Any) -> Any:
        if isinstance(reader, list):
            reader = reader[0]  # a default is of the union's first branch
        reader = _follow(reader, self.read)
        if reader["type"] == "record":
            return {
                field["name"]: self.default(value.get(field["name"], field.get("default")), field["type"])
                for field in reader["fields"]
            }
        if reader["type"] == "array":
            return [self.default(item, reader["items"]) for item in value]
        if reader["type"] == "bytes":
            raw = value.encode("latin-1")
            return read_decimal(raw, reader["scale"]) if reader.get("logicalType") == "decimal" else raw
        return value


def _follow(schema: Any, named: dict[str, Schema]) -> Schema:
    """The schema itself, its non-null branch, or what its name stands for."""
    if isinstance(schema, list):
        schema = schema[1] if schema[0] == "null" else schema[0]
    return named.get(schema, {"type": schema}) if isinstance(schema, str) else schema


def _collect(schema: Any, named: dict[str, Schema]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, named)
    elif isinstance(schema, dict):
        if schema["type"] in ("record", "enum", "fixed"):
            named[f"{schema['namespace']}.{schema['name']}"] = schema
        for field in schema.get("fields", ()):
            _collect(field["type"], named)
        if schema["type"] == "array":
            _collect(schema["items"], named)
