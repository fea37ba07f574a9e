"""Single-object records: marker, fingerprint, body; read with any schema that was ever published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jiexu.contract import models
from jiexu.contract.errors import ContractError, contract_error
from jiexu.contract.resolve import resolve
from jiexu.contract.schema_files import Published, schema_store
from jiexu.contract.wire import Decoder, Encoder, compile_decoder, compile_encoder

MARKER = b"\xc3\x01"
HEADER_SIZE = 10
# What a Kafka record can be.
KINDS = frozenset({"Bundle", "ReceiptBatch", "Notice", "LedgerBatch"})

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Reader:
    published: Published
    decode: Decoder
    latest: Published


@dataclass(frozen=True, slots=True)
class _Writer:
    header: bytes
    encode: Encoder


_readers: dict[bytes, _Reader] = {}
_writers: dict[str, _Writer] = {}


def reader_of(fingerprint: bytes) -> _Reader | None:
    """The compiled reader of that schema, compiled on first use; None where it was never published here."""
    reader = _readers.get(fingerprint)
    if reader is None:
        store = schema_store()
        published = store.by_fingerprint.get(fingerprint)
        if published is None:
            return None
        reader = _Reader(published, compile_decoder(published.schema), store.latest[published.name])
        _readers[fingerprint] = reader
    return reader


def _writer_of(name: str) -> _Writer:
    writer = _writers.get(name)
    if writer is None:
        published = schema_store().latest.get(name)
        if published is None:
            raise contract_error("unknown_schema", name)
        writer = _Writer(MARKER + published.fingerprint, compile_encoder(published.schema))
        _writers[name] = writer
    return writer


def encode_record(name: str, record: object) -> bytes:
    """A validated model of that name as one record, written with the latest published schema.

    Any object with the model's attributes will do; its maker then answers for the values, nothing is checked here.

    Raises ContractError `invalid` for text that is not Unicode.
    """
    writer = _writer_of(name)
    out = bytearray(writer.header)
    try:
        writer.encode(record, out)
    except UnicodeEncodeError as error:
        raise contract_error("invalid", "text with a lone surrogate") from error
    return bytes(out)


def read_header(data: bytes) -> bytes:
    """The fingerprint of a record. Raises ContractError `not_avro`, `truncated`."""
    if data[:2] != MARKER:
        raise contract_error("not_avro")
    if len(data) < HEADER_SIZE:
        raise contract_error("truncated")
    return data[2:HEADER_SIZE]


def decode_record(data: bytes, name: str) -> dict[str, Any]:
    """The values of a record of that name, in the shape of its latest version, not validated.

    Raises ContractError: `not_avro`, `unknown_schema`, `wrong_schema`, `truncated`, `trailing_bytes`, `invalid`.
    """
    reader = reader_of(read_header(data))
    if reader is None:
        raise contract_error("unknown_schema", data[2:HEADER_SIZE].hex())
    if reader.published.name != name:
        raise contract_error("wrong_schema", f"{reader.published.name}, not {name}")
    return read_values(reader, data)


def read_values(reader: _Reader, data: bytes) -> dict[str, Any]:
    """As `decode_record`, the header already judged."""
    end = len(data)
    try:
        value, at = reader.decode(data, HEADER_SIZE, end)
    except IndexError:
        raise contract_error("truncated") from None
    except (ValueError, OverflowError) as error:  # UTF-8, dates and times out of range
        raise contract_error("invalid", str(error)[:120]) from None
    if at != end:
        raise contract_error("trailing_bytes", f"{end - at}")
    if reader.published is not reader.latest:
        resolved: dict[str, Any] = resolve(value, reader.published.schema, reader.latest.schema)
        return resolved
    return value


def validated(model: type[M], value: Mapping[str, Any] | BaseModel) -> M:
    """The strict model of these values. Raises ContractError `invalid`, which names fields but repeats no value."""
    if isinstance(value, model):
        return value
    try:
        return model.model_validate(value.model_dump() if isinstance(value, BaseModel) else value)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> ContractError:
    """pydantic's findings as one error of the contract."""
    findings = [
        f"{'.'.join(str(part) for part in finding['loc']) or 'record'}: {finding['msg']}"
        for finding in error.errors(include_url=False, include_input=False, include_context=False)[:8]
    ]
    return contract_error("invalid", "; ".join(findings))


def record_kind(data: bytes) -> str:
    """Which record a Kafka record is, by its fingerprint: `Bundle`, `ReceiptBatch`, `Notice`, `LedgerBatch`.

    Raises ContractError `not_avro`, `truncated`, `unknown_schema`; `wrong_schema` for a record that never travels
    by itself, such as an event outside a bundle.
    """
    mark = read_header(data)
    published = schema_store().by_fingerprint.get(mark)
    if published is None:
        raise contract_error("unknown_schema", mark.hex())
    if published.name not in KINDS:
        raise contract_error("wrong_schema", published.name)
    return published.name


def body_model(event_type: str) -> type[BaseModel]:
    """The model of that event type. Raises ContractError `unknown_schema`."""
    model = models.BODIES.get(event_type)
    if model is None:
        raise contract_error("unknown_schema", event_type)
    return model
