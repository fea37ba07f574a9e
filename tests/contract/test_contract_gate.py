"""The gate: every kind of bad change is refused, every harmless one passes."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import avro.schema
import fastavro
import pytest
from click.testing import CliRunner, Result

from jiexu.contract import ContractError, models, schema_root, schema_store
from jiexu.contract.cli import contract
from jiexu.contract.gate import check, refusals, unused_types
from jiexu.contract.generate import models_source
from jiexu.contract.reference import reference_text
from jiexu.contract.schema_files import canonical_form, fingerprint, inline, load_store, read_sources

ROOT = schema_root()
MODELS = Path(models.__file__)
REFERENCE = ROOT.parent / "docs" / "contract" / "reference.md"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The schemas, to be spoilt."""
    return Path(shutil.copytree(ROOT, tmp_path / "schemas"))


def edit(root: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = root / f"{name}.avsc"
    schema = json.loads(path.read_text(encoding="utf-8"))
    change(schema)
    path.write_text(json.dumps(schema, ensure_ascii=False), encoding="utf-8")


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in schema["fields"] if one["name"] == name)
    return found


def codes(root: Path) -> set[str]:
    return {one.code for one in check(root)}


def test_the_schemas_as_they_stand_pass() -> None:
    assert check(ROOT, MODELS, REFERENCE) == []
    assert unused_types(read_sources()) == set()


def test_models_and_reference_are_those_of_the_schemas() -> None:
    sources = read_sources()
    assert MODELS.read_text(encoding="utf-8") == models_source(sources)
    assert REFERENCE.read_text(encoding="utf-8") == reference_text(sources)


@pytest.mark.parametrize("name", sorted(schema_store().latest))
def test_fingerprints_are_avros(name: str) -> None:
    published = schema_store().latest[name]
    form = fastavro.schema.to_parsing_canonical_form(published.schema)
    assert canonical_form(published.schema) == form
    assert fastavro.schema.fingerprint(form, "CRC-64-AVRO") == published.fingerprint.hex()
    avro.schema.parse(json.dumps(published.schema))


def add_symbol(schema: dict[str, Any]) -> None:
    schema["symbols"].append("forgotten")


def add_field(schema: dict[str, Any]) -> None:
    schema["fields"].append(
        {"name": "note", "doc": "备注。 Note.", "type": ["null", "cn.jiexu.v1.Digest"], "default": None}
    )


def remove_optional(schema: dict[str, Any]) -> None:
    schema["fields"].remove(field(schema, "line"))


HARMLESS: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "an optional field more": ("BalanceRemitted", add_field),
    "an optional field less": ("BalanceRemitted", remove_optional),
    "an enum symbol more": ("BankRefusal", add_symbol),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_a_harmless_change_waits_for_publishing_only(copy: Path, what: str) -> None:
    edit(copy, *HARMLESS[what])
    assert codes(copy) == {"unpublished"}
    assert refusals(check(copy)) == []


def test_better_words_alone_need_nothing(copy: Path) -> None:
    edit(copy, "BalanceRemitted", lambda schema: schema.update(doc="更好的说明。 Better words."))
    assert codes(copy) == set()


def retype(name: str, kind: Any) -> Callable[[dict[str, Any]], None]:
    return lambda schema: field(schema, name).update(type=kind)


def money(**words: Any) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": 14, "scale": 2, "exclusiveMinimum": 0, **words}


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema["fields"].remove(field(schema, name))


def rename_symbol(schema: dict[str, Any]) -> None:
    schema["symbols"][1] = "account_not_known"


BAD: dict[str, tuple[str, Callable[[dict[str, Any]], None], str]] = {
    "a required field removed": ("BalanceRemitted", without("reference"), "incompatible"),
    "a field without default added": (
        "BalanceRemitted",
        lambda schema: schema["fields"].append({"name": "x", "doc": "一。 One.", "type": "int"}),
        "incompatible",
    ),
    "a field renamed": (
        "BalanceRemitted",
        lambda schema: field(schema, "reference").update(name="ref"),
        "incompatible",
    ),
    "a field renamed with an alias": (
        "BalanceRemitted",
        lambda schema: field(schema, "reference").update(name="ref", aliases=["reference"]),
        "source",
    ),
    "a symbol renamed": ("BankRefusal", rename_symbol, "incompatible"),
    "a symbol removed": ("BankRefusal", lambda schema: schema["symbols"].pop(), "incompatible"),
    "an int made a long": ("BalanceAdvanced", retype("form_version", "long"), "incompatible"),
    "text made bytes": ("BalanceRemitted", retype("reference", "bytes"), "incompatible"),
    "an optional field made required": ("BalanceRemitted", retype("payee", "cn.jiexu.v1.Digest"), "incompatible"),
    "a default changed": ("BalanceRemitted", lambda schema: field(schema, "payee").pop("default"), "same_fingerprint"),
    "another scale": ("BalanceRemitted", retype("amount", money(scale=0)), "same_fingerprint"),
    "another precision": ("BalanceRemitted", retype("amount", money(precision=10)), "same_fingerprint"),
    "money made plain bytes": ("BalanceRemitted", retype("amount", "bytes"), "same_fingerprint"),
    "a date made a number": ("BalanceRemitted", retype("sent_on", "int"), "same_fingerprint"),
    "a bound dropped": ("BalanceRemitted", retype("line", ["null", "int"]), "same_fingerprint"),
    "no Chinese doc": (
        "BalanceRemitted",
        lambda schema: field(schema, "amount").update(doc="Amount."),
        "docs",
    ),
    "no English doc": ("Period", lambda schema: schema.update(doc="一段时间。"), "docs"),
    "an enum without default": ("BankRefusal", lambda schema: schema.pop("default"), "enum_default"),
    "a reference to nothing": ("BalanceRemitted", retype("amount", "cn.jiexu.v1.Gold"), "source"),
    "a name that is not the file's": ("BalanceRemitted", lambda schema: schema.update(name="Sent"), "source"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_change_is_refused(copy: Path, what: str) -> None:
    name, change, code = BAD[what]
    edit(copy, name, change)
    assert code in {one.code for one in refusals(check(copy))}


def test_another_scale_beside_a_new_field_is_refused_too(copy: Path) -> None:
    """The fingerprint differs then, and Apache's checker sees nothing in the scale."""
    edit(copy, "BalanceRemitted", retype("amount", money(scale=0)))
    edit(copy, "BalanceRemitted", add_field)
    assert any("scale 2 became 0" in one.detail for one in refusals(check(copy)))


def test_a_change_of_a_shared_part_is_judged_in_every_record_that_uses_it(copy: Path) -> None:
    edit(copy, "PersonDigests", without("name"))
    refused = {one.where for one in refusals(check(copy))}
    assert {"TransferApplied.1", "InformationFormUploaded.1"} <= refused


def test_an_edited_history_file_is_refused(copy: Path) -> None:
    path = copy / "history" / "BalanceRemitted.1.avsc"
    path.write_bytes(path.read_bytes().replace(b"Amount sent", b"Amount paid"))
    assert "history" in codes(copy)
    with pytest.raises(ContractError, match="schema_store"):
        load_store(copy)


def test_an_edited_history_file_with_its_index_is_seen_by_its_fingerprint(copy: Path) -> None:
    path = copy / "history" / "BalanceRemitted.1.avsc"
    raw = path.read_bytes().replace(b'"line"', b'"lane"')
    path.write_bytes(raw)

    index = copy / "history" / "index.json"
    rows = json.loads(index.read_text())
    row = next(row for row in rows if row["name"] == "BalanceRemitted")
    row["sha256"] = hashlib.sha256(raw).hexdigest()
    index.write_text(json.dumps(rows))
    assert "history" in codes(copy)


def test_missing_and_unlisted_files_are_refused(copy: Path) -> None:
    (copy / "history" / "BalanceRemitted.1.avsc").unlink()
    assert "history" in codes(copy)
    shutil.copy(ROOT / "history" / "BalanceRemitted.1.avsc", copy / "history" / "BalanceRemitted.1.avsc")
    shutil.copy(ROOT / "history" / "BalanceRemitted.1.avsc", copy / "history" / "BalanceRemitted.2.avsc")
    assert codes(copy) == {"history"}


def test_a_published_record_cannot_vanish(copy: Path) -> None:
    (copy / "ReminderSent.avsc").unlink()
    assert "removed" in codes(copy)


def test_golden_bytes_hold_the_meaning(copy: Path) -> None:
    data = copy / "golden" / "BalanceRemitted.1.avro"
    data.write_bytes(data.read_bytes()[:-1])
    assert codes(copy) == {"golden"}
    data.unlink()
    assert codes(copy) == {"golden"}


def test_golden_values_hold_the_meaning(copy: Path) -> None:
    path = copy / "golden" / "BalanceRemitted.1.json"
    path.write_text(path.read_text(encoding="utf-8").replace("5100.00", "5100.01"), encoding="utf-8")
    assert codes(copy) == {"golden"}


def test_stale_models_and_reference_are_refused(tmp_path: Path) -> None:
    stale = tmp_path / "models.py"
    stale.write_text("")
    assert {one.code for one in check(ROOT, stale, stale)} == {"models", "reference"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(contract, list(arguments))


def sample(copy: Path, name: str, **values: Any) -> str:
    """The golden values of version 1 with some more, as a file."""
    given = json.loads((copy / "golden" / f"{name}.1.json").read_text(encoding="utf-8"))
    path = copy.parent / "sample.json"
    path.write_text(json.dumps({**given, **values}), encoding="utf-8")
    return str(path)


def test_publishing_adds_a_version_with_its_sample_and_leaves_the_first_alone(copy: Path) -> None:
    first = (copy / "history" / "BalanceRemitted.1.avsc").read_bytes()
    edit(copy, "BalanceRemitted", add_field)
    given = sample(copy, "BalanceRemitted", note=None)
    result = run("publish", "BalanceRemitted", "--sample", given, "--schemas", str(copy))
    assert result.exit_code == 0, result.output
    store = load_store(copy)
    assert store.latest["BalanceRemitted"].version == 2
    assert store.latest["BalanceRemitted"].fingerprint == fingerprint(inline("BalanceRemitted", read_sources(copy)))
    assert (copy / "history" / "BalanceRemitted.1.avsc").read_bytes() == first
    assert {one.where for one in check(copy)} == {"BalanceRemitted.2"}, "only the model is not generated yet"
    again = run("publish", "BalanceRemitted", "--sample", given, "--schemas", str(copy), "--json")
    assert json.loads(again.output) == {"name": "BalanceRemitted", "version": None}


def test_a_later_version_is_held_against_all_earlier_ones(copy: Path) -> None:
    """A field that went in version 2 must not come back as something else in version 3."""
    edit(copy, "BalanceRemitted", remove_optional)
    result = run("publish", "BalanceRemitted", "--sample", sample(copy, "BalanceRemitted"), "--schemas", str(copy))
    assert result.exit_code == 0, result.output
    edit(
        copy,
        "BalanceRemitted",
        lambda schema: schema["fields"].append(
            {"name": "line", "doc": "行。 Line.", "type": ["null", "string"], "default": None}
        ),
    )
    assert ("incompatible", "BalanceRemitted.1") in {(one.code, one.where) for one in refusals(check(copy))}


def test_going_back_to_an_earlier_version_is_refused(copy: Path) -> None:
    before = (copy / "BalanceRemitted.avsc").read_bytes()
    edit(copy, "BalanceRemitted", remove_optional)
    run("publish", "BalanceRemitted", "--sample", sample(copy, "BalanceRemitted"), "--schemas", str(copy))
    (copy / "BalanceRemitted.avsc").write_bytes(before)
    assert "went_back" in codes(copy)


def test_publishing_a_bad_change_writes_nothing(copy: Path) -> None:
    edit(copy, "BalanceRemitted", without("reference"))
    before = sorted(path.name for path in (copy / "history").iterdir())
    given = sample(copy, "BalanceRemitted")
    result = run("publish", "BalanceRemitted", "--sample", given, "--schemas", str(copy))
    assert result.exit_code == 1
    assert sorted(path.name for path in (copy / "history").iterdir()) == before


def test_bad_input_is_told_apart(copy: Path) -> None:
    given = sample(copy, "BalanceRemitted")
    assert run("publish", "Nothing", "--sample", given, "--schemas", str(copy)).exit_code == 2
    edit(copy, "BalanceRemitted", add_field)
    result = run("publish", "BalanceRemitted", "--sample", given, "--schemas", str(copy))
    assert result.exit_code == 2
    assert "sample" in result.output
    assert not (copy / "history" / "BalanceRemitted.2.avsc").exists(), "nothing is published without its sample"


def test_the_command_passes_and_fails(copy: Path) -> None:
    assert run("check").exit_code == 0
    edit(copy, "BankRefusal", rename_symbol)
    result = run("check", "--schemas", str(copy), "--json")
    assert result.exit_code == 1
    findings = json.loads(result.output)["findings"]
    assert {"incompatible", "unpublished"} <= {one["code"] for one in findings}
    assert all(one["zh"].endswith("。") and one["en"].endswith(".") for one in findings)


def test_generated_files_are_up_to_date() -> None:
    assert run("generate", "--check").exit_code == 0
    assert run("reference", "--check").exit_code == 0
