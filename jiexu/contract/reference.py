"""Writes the readable reference of every record from the schemas."""

from collections.abc import Mapping
from typing import Any

from jiexu.contract.generate import split_doc
from jiexu.contract.schema_files import Schema, fingerprint, inline, short_name

_HEADER = """# 合同参考 · Reference of the contract

由 `schemas/` 生成（`jiexu contract reference`），请勿手改。 Generated from `schemas/`; do not edit.

如何据此写出有效的事件和事件包：[implementers.md](implementers.md)。 How to make a valid event and bundle:
[implementers.md](implementers.md).

“个人信息”列为 ● 的字段只含摘要，值另行披露。 A field marked ● holds a digest; its value travels as a disclosure.
"""

_SECTIONS = (
    ("body", "事件 · Event bodies"),
    ("record", "信封与批次 · Envelopes and batches"),
    ("part", "共用部分 · Shared parts"),
)


def reference_text(sources: Mapping[str, Schema]) -> str:
    """The text of `docs/contract/reference.md`."""
    parts = [_HEADER]
    for use, title in _SECTIONS:
        records = {name: schema for name, schema in sources.items() if schema.get("use") == use}
        parts.append(f"## {title}\n\n" + " · ".join(f"[{name}](#{name.lower()})" for name in records) + "\n")
        parts += [_record(name, schema, sources) for name, schema in records.items()]
    parts.append("## 枚举 · Enums\n\n| 名称 name | 值 symbols | 说明 meaning |\n|---|---|---|")
    for name, schema in sources.items():
        if schema["type"] == "enum":
            symbols = ", ".join(f"`{symbol}`" for symbol in schema["symbols"] if symbol != "unknown")
            parts.append(f"| `{name}` | {symbols} | {_escaped(schema['doc'])} |")
    parts.append("\n## 定长类型 · Fixed types\n\n| 名称 name | 字节 bytes | 说明 meaning |\n|---|---|---|")
    for name, schema in sources.items():
        if schema["type"] == "fixed":
            parts.append(f"| `{name}` | {schema['size']} | {_escaped(schema['doc'])} |")
    return "\n".join(parts) + "\n"


def _record(name: str, schema: Schema, sources: Mapping[str, Schema]) -> str:
    zh, en = split_doc(schema["doc"])
    lines = [f"### {name}", "", f"{zh} {en}", ""]
    if schema["use"] != "part":
        lines += [f"指纹 Fingerprint: `{fingerprint(inline(name, sources)).hex()}`", ""]
    lines += [
        "| 字段 field | 类型 type | 个人信息 personal | 说明 | meaning |",
        "|---|---|---|---|---|",
    ]
    for field in schema["fields"]:
        zh, en = split_doc(field["doc"])
        mark = "●" if "Digest" in str(field["type"]) else ""
        lines.append(f"| `{field['name']}` | {_type(field['type'])} | {mark} | {_escaped(zh)} | {_escaped(en)} |")
    return "\n".join(lines) + "\n"


def _type(schema: Any) -> str:
    """A type in few words."""
    if isinstance(schema, list):
        if schema[0] == "null":
            return f"{_type(schema[1])}, 可空 optional"
        return " / ".join(_type(branch) for branch in schema)
    if isinstance(schema, str):
        return f"`{short_name(schema)}`"
    if schema["type"] == "array":
        least = schema.get("minItems")
        return f"{_type(schema['items'])} [{f'{least}…' if least else ''}{schema.get('maxItems', '')}]"
    logical = schema.get("logicalType")
    words = [f"`{logical or schema['type']}`"]
    if logical == "decimal":
        words = [f"`decimal({schema['precision']},{schema['scale']})`"]
    if "pattern" in schema:
        words.append(f"`{_escaped(schema['pattern'])}`")
    if "minimum" in schema:
        words.append(f"≥ {schema['minimum']}")
    if "exclusiveMinimum" in schema:
        words.append(f"> {schema['exclusiveMinimum']}")
    return " ".join(words)


def _escaped(text: str) -> str:
    """A bar would end the table's cell."""
    return text.replace("|", "\\|")
