"""What every signature of the contract covers: the same parts, each after its length, under a name of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from jiexu.case.event import Party
from jiexu.contract import models
from jiexu.contract.codec import party
from jiexu.contract.errors import contract_error
from jiexu.contract.schema_files import schema_store
from jiexu.contract.signing import verify

EVENTS = "jiexu/events/1"
RECEIPTS = "jiexu/receipts/1"
NOTICES = "jiexu/notices/1"


@dataclass(frozen=True, slots=True, order=True)
class SchemaRef:
    """A schema in use: its fingerprint and the SHA-256 of its published file."""

    fingerprint: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """Who signed, with which key and suite, using which schemas."""

    issuer: Party
    key_id: str
    suite: str
    schemas: tuple[SchemaRef, ...]


def prefixed(parts: Iterable[bytes]) -> bytes:
    """The parts, each after its length as 4 bytes, big-endian."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def message(name: str, header: Header, hashes: Sequence[bytes]) -> bytes:
    """The bytes under a signature: name, suite, key id, region, role, schemas, count, leaf hash 1 … n."""
    return prefixed(
        [
            name.encode(),
            header.suite.encode(),
            header.key_id.encode(),
            header.issuer.region.encode(),
            str(header.issuer.role).encode(),
            b"".join([ref.fingerprint + ref.digest for ref in header.schemas]),
            len(hashes).to_bytes(4, "big"),
            *hashes,
        ]
    )


def refs_of(fingerprints: Iterable[bytes]) -> tuple[SchemaRef, ...]:
    """The schemas of those fingerprints, ascending as bytes. Raises ContractError `unknown_schema`."""
    known = schema_store().by_fingerprint
    refs = []
    for mark in sorted(set(fingerprints)):
        if mark not in known:
            raise contract_error("unknown_schema", mark.hex())
        refs.append(SchemaRef(mark, known[mark].digest))
    return tuple(refs)


def check_ascending(schemas: Sequence[SchemaRef]) -> None:
    """One order and no schema twice, so that the signed bytes have one form. Raises ContractError `invalid`."""
    if any(a.fingerprint >= b.fingerprint for a, b in pairwise(schemas)):
        raise contract_error("invalid", "schemas: not ascending, or one twice")


def verify_signed(name: str, header: Header, hashes: Sequence[bytes], signature: bytes, public_key: bytes) -> None:
    """Compare the schemas that are known here, then check the signature; others are taken as given.

    Raises ContractError `schema_differs` and those of `signing.verify`.
    """
    known = schema_store().by_fingerprint
    for ref in header.schemas:
        published = known.get(ref.fingerprint)
        if published is not None and published.digest != ref.digest:
            raise contract_error("schema_differs", f"{published.name}.{published.version}")
    verify(header.suite, public_key, message(name, header, hashes), signature)


def header_values(header: Header) -> dict[str, Any]:
    """The header's fields as the records name them."""
    return {
        "issuer": {"region": header.issuer.region, "role": header.issuer.role},
        "key_id": header.key_id,
        "suite": header.suite,
        "schemas": [{"fingerprint": ref.fingerprint, "digest": ref.digest} for ref in header.schemas],
    }


def header_of(record: models.Bundle | models.ReceiptBatch | models.Notice) -> Header:
    """The header of a decoded record. Raises ContractError `invalid`."""
    schemas = tuple([SchemaRef(ref.fingerprint, ref.digest) for ref in record.schemas])
    check_ascending(schemas)
    issuer = party(record.issuer.region, record.issuer.role)
    return Header(issuer, record.key_id, record.suite, schemas)
