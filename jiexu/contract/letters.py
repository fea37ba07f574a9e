"""Receipts and notices: signed payloads, numbered and chained per sender and receiver.

A receipt says that an event reached the mailbox and is recorded; a notice says that a record could not be placed.
"""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jiexu.case.event import Party
from jiexu.contract import models
from jiexu.contract.bundle import MAX_BYTES
from jiexu.contract.codec import leaf_hash, party
from jiexu.contract.errors import contract_error
from jiexu.contract.records import decode_record, encode_record, read_header, validated
from jiexu.contract.signed import (
    NOTICES,
    RECEIPTS,
    Header,
    header_of,
    header_values,
    message,
    refs_of,
    verify_signed,
)
from jiexu.contract.signing import Signer


@dataclass(frozen=True, slots=True)
class SealedLetter:
    """A receipt batch or notice as it is sent; `hash` is the payload's leaf hash, the next one's `prev`."""

    bytes: builtins.bytes
    hash: builtins.bytes


@dataclass(frozen=True, slots=True)
class Receipts:
    """A batch of receipts as decoded; nothing is proved before `verify_receipts`."""

    header: Header
    payload: models.ReceiptPayload
    hash: builtins.bytes
    signature: bytes

    @property
    def addressee(self) -> Party:
        """To whom."""
        return party(self.payload.addressee.region, self.payload.addressee.role)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as decoded; nothing is proved before `verify_notice`."""

    header: Header
    payload: models.NoticePayload
    hash: builtins.bytes
    signature: bytes

    @property
    def addressee(self) -> Party:
        """To whom."""
        return party(self.payload.addressee.region, self.payload.addressee.role)


def make_receipts(
    signer: Signer,
    issuer: Party,
    addressee: Party,
    *,
    number: int,
    prev: bytes | None,
    receipts: Sequence[models.Receipt | Mapping[str, Any]],
) -> SealedLetter:
    """Sign a batch of receipts. Raises ContractError `invalid`, `too_large`."""
    payload = {
        "addressee": _values(addressee),
        "number": number,
        "prev": prev,
        "receipts": tuple(receipts),
    }
    raw = encode_record("ReceiptPayload", validated(models.ReceiptPayload, payload))
    return _seal(RECEIPTS, "ReceiptBatch", signer, issuer, raw)


def make_notice(
    signer: Signer,
    issuer: Party,
    addressee: Party,
    *,
    number: int,
    prev: bytes | None,
    notice: Mapping[str, Any],
) -> SealedLetter:
    """Sign a notice; `notice` holds the payload's other fields. Raises ContractError `invalid`, `too_large`."""
    payload = {**notice, "addressee": _values(addressee), "number": number, "prev": prev}
    raw = encode_record("NoticePayload", validated(models.NoticePayload, payload))
    return _seal(NOTICES, "Notice", signer, issuer, raw)


def open_receipts(data: bytes) -> Receipts:
    """Read a batch of receipts. Raises ContractError `too_large` and those of `decode_record`."""
    _limit(data)
    record = validated(models.ReceiptBatch, decode_record(data, "ReceiptBatch"))
    payload = validated(models.ReceiptPayload, decode_record(record.payload, "ReceiptPayload"))
    header = header_of(record)
    _check_listed(header, record.payload)
    return Receipts(header, payload, leaf_hash(record.payload), record.signature)


def open_notice(data: bytes) -> Notice:
    """Read a notice. Raises ContractError `too_large` and those of `decode_record`."""
    _limit(data)
    record = validated(models.Notice, decode_record(data, "Notice"))
    payload = validated(models.NoticePayload, decode_record(record.payload, "NoticePayload"))
    header = header_of(record)
    _check_listed(header, record.payload)
    return Notice(header, payload, leaf_hash(record.payload), record.signature)


def verify_receipts(receipts: Receipts, public_key: bytes) -> None:
    """Prove who signed; raises as `verify_bundle` does."""
    verify_signed(RECEIPTS, receipts.header, [receipts.hash], receipts.signature, public_key)


def verify_notice(notice: Notice, public_key: bytes) -> None:
    """Prove who signed; raises as `verify_bundle` does."""
    verify_signed(NOTICES, notice.header, [notice.hash], notice.signature, public_key)


def _seal(name: str, record_name: str, signer: Signer, issuer: Party, payload: bytes) -> SealedLetter:
    header = Header(issuer, signer.key_id, signer.suite, refs_of([read_header(payload)]))
    digest = leaf_hash(payload)
    signature = signer.sign(message(name, header, [digest]))
    model = models.ReceiptBatch if record_name == "ReceiptBatch" else models.Notice
    values = {**header_values(header), "payload": payload, "signature": signature}
    data = encode_record(record_name, validated(model, values))
    _limit(data)
    return SealedLetter(data, digest)


def _check_listed(header: Header, payload: bytes) -> None:
    if read_header(payload) not in {ref.fingerprint for ref in header.schemas}:
        raise contract_error("schemas_missing")


def _limit(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise contract_error("too_large", f"{len(data)} bytes")


def _values(one: Party) -> dict[str, Any]:
    return {"region": one.region, "role": one.role}
