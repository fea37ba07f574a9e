"""The gate before a schema is published: what was signed once must mean the same for ever.

Each finding has a code; `unpublished` alone is no refusal, it says that `jiexu contract publish` is due.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiexu.contract import models
from jiexu.contract.compatibility import breaks, named_types
from jiexu.contract.constraints import RULES
from jiexu.contract.errors import ContractError
from jiexu.contract.generate import models_source, split_doc
from jiexu.contract.golden import decode_sample, encode_sample, from_json, golden_file, to_json
from jiexu.contract.records import validated
from jiexu.contract.reference import reference_text
from jiexu.contract.schema_files import (
    Published,
    Schema,
    fingerprint,
    history_file,
    inline,
    published_names,
    read_index,
    read_sources,
    short_name,
)

_HISTORY_NAME = re.compile(r"^([A-Za-z]+)\.([0-9]+)\.(avsc|avro|json)$")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")

SENTENCES = {
    "docs": ("缺少中文或英文说明。", "A doc in Chinese or English is missing."),
    "enum_default": ("枚举缺少默认值 unknown。", "An enum has no default `unknown`."),
    "incompatible": ("与已发布版本不兼容。", "Not compatible with a published version."),
    "same_fingerprint": (
        "指纹与已发布版本相同而内容不同。",
        "Same fingerprint as a published version, other content.",
    ),
    "went_back": ("与较早版本相同，而非最新版本。", "The same as an earlier version, not as the latest."),
    "removed": ("已发布的记录不再有源文件。", "A published record has no source any more."),
    "history": ("已发布的文件被改动、缺失或多出。", "A published file was changed, is missing or not listed."),
    "golden": ("样本缺失，或与其值不符。", "A golden sample is missing or does not match its values."),
    "models": (
        "生成的模型已过期，请运行 jiexu contract generate。",
        "Generated models are out of date: jiexu contract generate.",
    ),
    "reference": (
        "参考文档已过期，请运行 jiexu contract reference。",
        "The reference is out of date: jiexu contract reference.",
    ),
    "source": ("源文件有误。", "A source file is wrong."),
    "unpublished": (
        "尚未发布，请运行 jiexu contract publish。",
        "Not published yet: jiexu contract publish.",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the gate does not let pass: a code of SENTENCES, where, and details."""

    code: str
    where: str
    detail: str = ""

    def __str__(self) -> str:
        zh, en = SENTENCES[self.code]
        return f"{self.code} {self.where}: {zh} {en}{f' ({self.detail})' if self.detail else ''}"


def check(root: Path, models_file: Path | None = None, reference_file: Path | None = None) -> list[Finding]:
    """Everything that is wrong with the schemas under `root`, with the models and the reference where given."""
    try:
        sources = read_sources(root)
        inlined = {name: inline(name, sources) for name in published_names(sources)}
    except ContractError as error:
        return [Finding("source", str(root.name), error.detail)]
    findings = [*_docs(sources), *_rules(sources)]
    history = list(_history(root, findings))
    for name, schema in inlined.items():
        findings += _against_history(name, schema, [one for one in history if one.name == name])
    findings += [Finding("removed", one.name) for one in history if one.name not in inlined and one.version == 1]
    findings += _golden(root, history)
    if models_file is not None and models_file.read_text(encoding="utf-8") != models_source(sources):
        findings.append(Finding("models", models_file.name))
    if reference_file is not None:
        text = reference_file.read_text(encoding="utf-8") if reference_file.exists() else ""
        if text != reference_text(sources):
            findings.append(Finding("reference", reference_file.name))
    return findings


def refusals(findings: list[Finding]) -> list[Finding]:
    """The findings that forbid publishing; generated files follow a new version, they do not precede it."""
    return [one for one in findings if one.code not in ("unpublished", "models", "reference", "golden")]


def _docs(sources: Mapping[str, Schema]) -> Iterator[Finding]:
    for name, schema in sources.items():
        places = [(name, schema)] + [(f"{name}.{field['name']}", field) for field in schema.get("fields", ())]
        for where, place in places:
            zh, en = split_doc(place.get("doc", ""))
            if not _CHINESE.search(zh) or not en.endswith("."):
                yield Finding("docs", where)
            if "aliases" in place:
                yield Finding("source", where, "aliases are not used: a renamed field is a new field")
        if schema["type"] == "enum" and (schema.get("default") != "unknown" or "unknown" not in schema["symbols"]):
            yield Finding("enum_default", name)


def _rules(sources: Mapping[str, Schema]) -> Iterator[Finding]:
    for name in RULES:
        if sources.get(name, {}).get("type") != "record":
            yield Finding("source", name, "a rule for a record that does not exist")


def _history(root: Path, findings: list[Finding]) -> Iterator[Published]:
    """The intact versions; what is not intact becomes a finding."""
    listed = {"schemas": set(), "golden": set()}  # type: dict[str, set[str]]
    expected: dict[str, int] = {}
    for row in read_index(root):
        name, version = row["name"], row["version"]
        path = history_file(root, name, version)
        listed["schemas"].add(path.name)
        listed["golden"] |= {f"{name}.{version}.avro", f"{name}.{version}.json"}
        expected[name] = expected.get(name, 0) + 1
        problem = None
        if version != expected[name]:
            problem = "versions are not 1, 2, 3 …"
        elif not path.exists():
            problem = "missing"
        else:
            raw = path.read_bytes()
            digest = hashlib.sha256(raw).digest()
            if digest.hex() != row["sha256"]:
                problem = "text changed"
            else:
                schema = json.loads(raw)
                mark = fingerprint(schema)
                if mark.hex() == row["fingerprint"]:
                    yield Published(name, version, mark, digest, schema)
                    continue
                problem = "fingerprint differs"
        findings.append(Finding("history", f"{name}.{version}", problem))
    for folder, key in (("history", "schemas"), ("golden", "golden")):
        for path in sorted((root / folder).glob("*")):
            if _HISTORY_NAME.match(path.name) and path.name not in listed[key]:
                findings.append(Finding("history", f"{folder}/{path.name}", "not in the index"))


def _against_history(name: str, schema: Schema, versions: list[Published]) -> Iterator[Finding]:
    mark = fingerprint(schema)
    for one in versions:
        where = f"{name}.{one.version}"
        if one.fingerprint == mark:
            if _without_docs(schema) != _without_docs(one.schema):
                differences = "; ".join(breaks(schema, one.schema)) or "attributes changed"
                yield Finding("same_fingerprint", where, differences)
            elif one.version != versions[-1].version:
                yield Finding("went_back", where)
            continue
        for problem in breaks(schema, one.schema):
            yield Finding("incompatible", where, problem)
    if all(one.fingerprint != mark for one in versions):
        yield Finding("unpublished", name)


def _without_docs(schema: Any) -> Any:
    """What a schema says beside its docs, which may be bettered at any time."""
    if isinstance(schema, dict):
        return {word: _without_docs(value) for word, value in schema.items() if word != "doc"}
    return [_without_docs(item) for item in schema] if isinstance(schema, list) else schema


def _golden(root: Path, history: list[Published]) -> Iterator[Finding]:
    latest = {one.name: one.version for one in history}
    for one in history:
        where = f"{one.name}.{one.version}"
        try:
            data = golden_file(root, one.name, one.version, "avro").read_bytes()
            text = golden_file(root, one.name, one.version, "json").read_text(encoding="utf-8")
            values = decode_sample(one, data)
            if to_json(values) != text:
                yield Finding("golden", where, "the bytes give other values")
            elif encode_sample(one, from_json(one, text)) != data:
                yield Finding("golden", where, "the values give other bytes")
            elif one.version == latest[one.name]:
                model = models.BODIES.get(one.name) or getattr(models, one.name, None)
                if model is not None:
                    validated(model, values)
        except OSError:
            yield Finding("golden", where, "missing")
        except (ContractError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
            yield Finding("golden", where, str(error)[:200])


def unused_types(sources: Mapping[str, Schema]) -> set[str]:
    """Named types that no record uses."""
    used = {short_name(full) for name in published_names(sources) for full in named_types(inline(name, sources))}
    return set(sources) - used
