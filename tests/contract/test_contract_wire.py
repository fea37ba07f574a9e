"""The bytes of every record: the same as fastavro's, one reading only, errors as values."""

import io
import random
import string
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import fastavro
import pytest
from contract_samples import golden

from jiexu.contract import ContractError, decode_record, encode_record, records, schema_store
from jiexu.contract.compatibility import named_types
from jiexu.contract.golden import decode_sample, encode_sample
from jiexu.contract.records import MARKER, read_values, reader_of
from jiexu.contract.schema_files import Published
from jiexu.contract.wire import compile_decoder

NAMES = sorted(schema_store().latest)


def random_value(schema: Any, chance: random.Random, named: dict[str, Any]) -> Any:
    """Any value that the Avro type allows; the bounds of the contract are the models' business."""
    if isinstance(schema, str):
        schema = named.get(schema, {"type": schema})
    if isinstance(schema, list):
        if schema[0] == "null":
            value = random_value(schema[1], chance, named)
            return None if chance.random() < 0.5 else value
        return chance.choice([chance.randbytes(70), (schema[1], chance.randbytes(32))])
    kind, logical = schema["type"], schema.get("logicalType")
    if kind == "record":
        return {field["name"]: random_value(field["type"], chance, named) for field in schema["fields"]}
    if kind == "array":
        return [random_value(schema["items"], chance, named) for _ in range(chance.choice([0, 1, 3, 70]))]
    if kind == "fixed":
        raw = chance.randbytes(schema["size"])
        return raw.hex() if schema["name"] == "Uuid" else raw
    if kind == "enum":
        return chance.choice(schema["symbols"])
    if logical == "decimal":
        return Decimal(chance.randrange(-(10**14) + 1, 10**14)).scaleb(-2)
    if logical == "date":
        return date(1, 1, 1) + timedelta(days=chance.randrange(3_650_000))
    if logical == "timestamp-micros":
        return datetime(1, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(3 * 10**17))
    if kind in ("int", "long"):
        most = 2 ** (31 if kind == "int" else 63)
        return chance.choice([0, 63, 64, -64, -65, most - 1, -most, chance.randrange(-most, most)])
    if kind == "string":
        return "".join(chance.choices(string.printable + "王小明〔〕𠮷", k=chance.choice([0, 5, 200])))
    return chance.random() < 0.5 if kind == "boolean" else chance.randbytes(chance.choice([0, 3, 300]))


def for_fastavro(value: Any, schema: Any, named: dict[str, Any]) -> Any:
    """fastavro takes 16 bytes where Python has 32 hex digits."""
    if isinstance(schema, str):
        schema = named.get(schema, {"type": schema})
    if isinstance(schema, list):
        return None if value is None else value if schema[0] != "null" else for_fastavro(value, schema[1], named)
    if schema["type"] == "record":
        return {f["name"]: for_fastavro(value[f["name"]], f["type"], named) for f in schema["fields"]}
    if schema["type"] == "array":
        return [for_fastavro(item, schema["items"], named) for item in value]
    return bytes.fromhex(value) if schema.get("name") == "Uuid" else value


@pytest.mark.parametrize("name", NAMES)
def test_bytes_are_those_of_fastavro_and_read_back_equal(name: str) -> None:
    published = schema_store().latest[name]
    parsed = fastavro.parse_schema(published.schema)
    for seed in range(20):
        named = named_types(published.schema)
        values = random_value(published.schema, random.Random(f"{name} {seed}"), named)
        ours = encode_sample(published, values)
        theirs = io.BytesIO()
        fastavro.schemaless_writer(theirs, parsed, for_fastavro(values, published.schema, named))
        assert ours[10:] == theirs.getvalue(), f"seed {seed}"
        assert decode_sample(published, ours) == values, f"seed {seed}"


@pytest.mark.parametrize("name", NAMES)
def test_a_record_cut_anywhere_or_with_a_byte_more_is_refused(name: str) -> None:
    published = schema_store().latest[name]
    data = encode_sample(published, golden(name))
    for size in range(len(data)):
        with pytest.raises(ContractError) as caught:
            decode_record(data[:size], name)
        assert caught.value.code in ("not_avro", "truncated", "unknown_schema", "invalid")
    with pytest.raises(ContractError, match="trailing_bytes"):
        decode_record(data + b"\x00", name)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_bytes_give_values_or_an_error_of_the_contract_never_another(name: str) -> None:
    data = encode_sample(schema_store().latest[name], golden(name))
    chance = random.Random(name)
    for _ in range(500):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 8])):
            damaged[chance.randrange(10, len(damaged))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        with suppress(ContractError):
            decode_record(bytes(damaged), name)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_avro"),
        (b"{}", "not_avro"),
        (MARKER + b"123", "truncated"),
        (MARKER + b"12345678", "unknown_schema"),
        (MARKER + schema_store().latest["Event"].fingerprint, "wrong_schema"),
    ],
)
def test_a_bad_header_is_named(data: bytes, code: str) -> None:
    with pytest.raises(ContractError) as caught:
        decode_record(data, "Bundle")
    assert caught.value.code == code
    assert caught.value.zh.endswith("。")
    assert caught.value.en.endswith(".")


def schema_of(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "One", "namespace": "x", "fields": [{"name": "value", "type": kind}]}


def read(kind: Any, body: bytes) -> Any:
    value, at = compile_decoder(schema_of(kind))(body, 0, len(body))
    assert at == len(body)
    return value["value"]


ENUM = {"type": "enum", "name": "E", "namespace": "x", "symbols": ["a", "b"]}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ENUM, b"\x01"),
        (ENUM, b"\x04"),
        (["null", "int"], b"\x01"),
        (["null", "int"], b"\x04\x02"),
        ("boolean", b"\x02"),
        ("string", b"\x01"),
        ("long", b"\xff" * 11),
        ("long", b"\xff" * 9 + b"\x7f"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 14, "scale": 2}, b"\x00"),
    ],
)
def test_what_no_writer_produces_has_no_reading(kind: Any, body: bytes) -> None:
    with pytest.raises(ContractError, match="invalid"):
        read(kind, body)


def test_arrays_in_blocks_with_sizes_are_read_as_avro_allows() -> None:
    ints = {"type": "array", "items": "int"}
    assert read(ints, b"\x02\x02\x03\x04\x04\x06\x00") == [1, 2, 3]


def test_a_false_count_ends_at_once() -> None:
    fixed = {"type": "fixed", "name": "F", "namespace": "x", "size": 1}
    with pytest.raises(IndexError):
        read({"type": "array", "items": fixed}, b"\xfe\xff\xff\xff\xff\x7f\x01")


def test_money_is_exact_whatever_the_callers_decimal_context() -> None:
    published = schema_store().latest["BalanceAdvanced"]
    values = {"amount": Decimal("999999999999.99"), "form_version": 1}
    with localcontext(prec=3):
        data = encode_sample(published, values)
        assert decode_sample(published, data) == values


def test_reading_an_earlier_version_fills_in_what_came_later() -> None:
    """The reader of version 1 gives values in the shape of version 2, as fastavro's resolution does."""
    old = schema_store().latest["TransferRejected"]
    new_schema = {
        **old.schema,
        "fields": [field for field in old.schema["fields"] if field["name"] != "survivor"]
        + [
            {"name": "appeal_days", "type": "int", "default": 60},
            {"name": "office", "type": ["null", "string"], "default": None},
        ],
    }
    new = Published("TransferRejected", 2, b"12345678", b"", new_schema)
    data = encode_sample(old, golden("TransferRejected"))
    value = read_values(records._Reader(old, compile_decoder(old.schema), new), data)
    oracle = fastavro.schemaless_reader(
        io.BytesIO(data[10:]), fastavro.parse_schema(old.schema), fastavro.parse_schema(new_schema)
    )
    assert value == oracle
    assert (value["appeal_days"], value["office"]) == (60, None)
    assert "survivor" not in value


def test_readers_are_compiled_once() -> None:
    mark = schema_store().latest["Event"].fingerprint
    assert reader_of(mark) is reader_of(mark)


def test_text_without_a_unicode_form_is_refused() -> None:
    class Fact:
        kind, data = "x", "\ud800"

    with pytest.raises(ContractError, match="surrogate"):
        encode_record("LedgerFact", Fact())
