"""Where the schemas are, how they are published, what their fingerprints are.

`schemas/<Name>.avsc` are the sources: one named type a file, others referred to by full name.
`schemas/history/<Name>.<n>.avsc` are the published forms: self-contained, never changed again. Signatures pin the
SHA-256 of these files, and a record of any age names one of them by its fingerprint.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jiexu.contract.errors import contract_error

NAMESPACE = "cn.jiexu.v1"
INDEX = "index.json"

Schema = dict[str, Any]

_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_CRC_EMPTY = 0xC15D213AA4D7A795


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_CRC_EMPTY & -(value & 1))
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def schema_root() -> Path:
    """The directory of the schemas: inside an installed package, or at the top of the repository."""
    installed = Path(__file__).parent / "schemas"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "schemas"


def short_name(full: str) -> str:
    """`cn.jiexu.v1.Period` → `Period`."""
    return full.rpartition(".")[2]


def read_sources(root: Path | None = None) -> dict[str, Schema]:
    """Every source schema by short name, in the order of the names.

    Raises ContractError `schema_store` where a file does not hold what its name says.
    """
    sources: dict[str, Schema] = {}
    for path in sorted((root or schema_root()).glob("*.avsc")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise contract_error("schema_store", f"{path.name}: {error}") from error
        if schema.get("name") != path.stem or schema.get("namespace") != NAMESPACE:
            raise contract_error("schema_store", f"{path.name}: name or namespace")
        sources[path.stem] = schema
    return sources


def published_names(sources: Mapping[str, Schema]) -> Iterator[str]:
    """The records that stand by themselves on the wire, and so have a history: envelopes and bodies."""
    return (name for name, schema in sources.items() if schema.get("use") in ("record", "body"))


def body_names(sources: Mapping[str, Schema]) -> Iterator[str]:
    """The event types."""
    return (name for name, schema in sources.items() if schema.get("use") == "body")


def inline(name: str, sources: Mapping[str, Schema]) -> Schema:
    """The self-contained form: each named type written out where it is first used, by full name after that."""
    seen: set[str] = set()

    def resolve(schema: Any) -> Any:
        if isinstance(schema, list):
            return [resolve(branch) for branch in schema]
        if isinstance(schema, str):
            if schema in _PRIMITIVES or schema in seen:
                return schema
            short = short_name(schema)
            if short not in sources:
                raise contract_error("schema_store", f"{name}: {schema} has no file")
            return resolve(sources[short])
        result = dict(schema)
        if schema["type"] in ("record", "enum", "fixed"):
            seen.add(f"{schema['namespace']}.{schema['name']}")
        if schema["type"] == "record":
            result["fields"] = [{**field, "type": resolve(field["type"])} for field in schema["fields"]]
        elif schema["type"] == "array":
            result["items"] = resolve(schema["items"])
        return result

    inlined: Schema = resolve(sources[name])
    return inlined


def published_text(schema: Schema) -> str:
    """The text of a published file: indented by two, UTF-8, LF."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def canonical_form(schema: Any) -> str:
    """Avro's Parsing Canonical Form of a self-contained schema (Avro specification, same heading)."""

    def quote(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    def form(schema: Any) -> str:
        if isinstance(schema, str):
            return quote(schema)
        if isinstance(schema, list):
            return "[" + ",".join(form(branch) for branch in schema) + "]"
        kind = schema["type"]
        if kind in _PRIMITIVES:
            return quote(kind)
        if kind == "array":
            return f'{{"type":"array","items":{form(schema["items"])}}}'
        head = f'{{"name":{quote(schema["namespace"] + "." + schema["name"])},"type":{quote(kind)}'
        if kind == "fixed":
            return f'{head},"size":{schema["size"]}}}'
        if kind == "enum":
            return f'{head},"symbols":[{",".join(quote(symbol) for symbol in schema["symbols"])}]}}'
        fields = ",".join(
            f'{{"name":{quote(field["name"])},"type":{form(field["type"])}}}' for field in schema["fields"]
        )
        return f'{head},"fields":[{fields}]}}'

    return form(schema)


def fingerprint(schema: Schema) -> bytes:
    """CRC-64-AVRO of the canonical form, as the 8 bytes of a single-object header (little-endian)."""
    crc = _CRC_EMPTY
    for byte in canonical_form(schema).encode("utf-8"):
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(8, "little")


@dataclass(frozen=True, slots=True)
class Published:
    """One published version of one record: `digest` is the SHA-256 of the file, which signatures pin."""

    name: str
    version: int
    fingerprint: bytes
    digest: bytes
    schema: Schema


@dataclass(frozen=True, slots=True)
class SchemaStore:
    """All that was ever published, by fingerprint, and the latest of each name, which is what gets written."""

    by_fingerprint: Mapping[bytes, Published]
    latest: Mapping[str, Published]


def read_index(root: Path) -> list[dict[str, Any]]:
    """The rows of `schemas/history/index.json`; empty where nothing was published."""
    path = root / "history" / INDEX
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return rows


def history_file(root: Path, name: str, version: int) -> Path:
    """Where that version is published."""
    return root / "history" / f"{name}.{version}.avsc"


def load_store(root: Path) -> SchemaStore:
    """Read the history. Raises ContractError `schema_store` where a file is not what the index says of it."""
    by_fingerprint: dict[bytes, Published] = {}
    latest: dict[str, Published] = {}
    for row in read_index(root):
        name, version = row["name"], row["version"]
        raw = history_file(root, name, version).read_bytes()
        digest = hashlib.sha256(raw).digest()
        schema = json.loads(raw)
        mark = bytes.fromhex(row["fingerprint"])
        if digest.hex() != row["sha256"] or mark in by_fingerprint:
            raise contract_error("schema_store", f"{name}.{version}")
        published = Published(name, version, mark, digest, schema)
        by_fingerprint[mark] = published
        if name not in latest or latest[name].version < version:
            latest[name] = published
    return SchemaStore(by_fingerprint, latest)


@lru_cache(maxsize=1)
def schema_store() -> SchemaStore:
    """The history of this installation, read once."""
    return load_store(schema_root())
