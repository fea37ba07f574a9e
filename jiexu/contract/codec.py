"""Events on the wire: sealing one's own, opening another's.

An event's bytes are the whole single-object record; its hash is the leaf hash, SHA-256(00 ‖ bytes). Hash and verify
the stored bytes, never a re-encoding.
"""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ValidationError

from jiexu.case.event import Event, Hand, Party, Role, Seen
from jiexu.contract import models
from jiexu.contract.errors import contract_error
from jiexu.contract.records import (
    body_model,
    decode_record,
    encode_record,
    invalid,
    read_header,
    read_values,
    reader_of,
    validated,
)

_ROLES = {str(role): role for role in Role}
_HANDS = {str(hand): hand for hand in Hand}
_OWN_HANDS = {str(role): Hand(str(role)) for role in Role}
_ATTESTED_HANDS = {str(role): Hand(f"{role}_attested") for role in Role}


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as it will be signed, sent and kept: `event` is what anyone reads out of `bytes`.

    `schemas` are the fingerprints of the event's schema and of its body's, for the bundle that will carry it.
    """

    bytes: builtins.bytes
    hash: builtins.bytes
    event: Event
    schemas: tuple[builtins.bytes, builtins.bytes]


@dataclass(frozen=True, slots=True)
class OpenedEvent:
    """An event as received and validated.

    `known` is False where the body's schema was never published here: the envelope holds, `event.body` is empty, and
    the case waits for an upgrade. `attested` tells how an event of an attested hand was recorded.
    """

    event: Event
    known: bool
    attested: models.Attestation | None

    @property
    def signer(self) -> Party:
        """Who must have signed the bundle: the issuer, or the side that recorded it from paper."""
        issuer = self.event.issuer
        return issuer if self.attested is None else Party(self.attested.region, issuer.role.other)


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(00 ‖ bytes); the leading zero keeps an event's hash apart from any other SHA-256."""
    return sha256(b"\x00" + data).digest()


@lru_cache(maxsize=4096)
def party(region: str, role: str) -> Party:
    """The party, one object per region and role."""
    return Party(region, _ROLES[role])


def encode_body(event_type: str, body: Mapping[str, Any] | BaseModel) -> bytes:
    """The body as a record of its own. Raises ContractError `unknown_schema`, `invalid`."""
    return encode_record(event_type, validated(body_model(event_type), body))


def decode_body(data: bytes) -> dict[str, Any]:
    """The values of a body's record, not validated. Raises ContractError as `open_event` does."""
    reader = reader_of(read_header(data))
    if reader is None:
        raise contract_error("unknown_schema", data[2:10].hex())
    return read_values(reader, data)


def seal_event(
    *,
    event_id: str,
    case_id: str,
    issuer: Party,
    hand: Hand,
    seq: int,
    prev_hash: bytes | None,
    seen: Sequence[Seen],
    occurred_at: datetime,
    protocol: bytes,
    ruleset: str,
    office: str,
    handled_by: str,
    reviewed_by: str | None,
    type: str,
    body: Mapping[str, Any] | BaseModel | bytes,
    attested: models.Attestation | Mapping[str, Any] | None = None,
) -> SealedEvent:
    """Write one event of one hand. A body given as bytes is what `encode_body` gave for it.

    Ids are 32 hex digits; `occurred_at` must be UTC; `attested` is given for an attested hand and only for one.
    Raises ContractError `unknown_schema`, `invalid`.
    """
    if hand.role is not issuer.role or hand.attested is (attested is None):
        raise contract_error("invalid", f"hand {hand}: not that of the issuer")
    raw = body if isinstance(body, bytes) else encode_body(type, body)
    envelope = validated(
        models.Event,
        {
            "event_id": event_id,
            "case_id": case_id,
            "issuer": {"region": issuer.region, "role": issuer.role},
            "attested": attested,
            "seq": seq,
            "prev_hash": prev_hash,
            "seen": [{"hand": one.hand, "seq": one.seq, "hash": one.hash} for one in seen],
            "occurred_at": occurred_at,
            "protocol": protocol,
            "ruleset": ruleset,
            "office": office,
            "handled_by": handled_by,
            "reviewed_by": reviewed_by,
            "type": type,
            "body": raw,
        },
    )
    data = encode_record("Event", envelope)
    event = Event(
        event_id=event_id,
        case_id=case_id,
        issuer=party(issuer.region, issuer.role),
        hand=hand,
        seq=seq,
        prev_hash=prev_hash,
        seen=tuple(seen),
        occurred_at=occurred_at.astimezone(UTC),
        protocol=protocol,
        ruleset=ruleset,
        office=office,
        handled_by=handled_by,
        reviewed_by=reviewed_by,
        type=type,
        body=decode_body(raw),  # as any reader reads it: fractions cut to the scale, tuples as lists
        hash=leaf_hash(data),
    )
    return SealedEvent(data, event.hash, event, (read_header(data), read_header(raw)))


def open_event(data: bytes) -> OpenedEvent:
    """Read and validate an event that came from outside.

    Raises ContractError: `not_avro`, `unknown_schema` (of the envelope), `wrong_schema`, `truncated`,
    `trailing_bytes`, `invalid`. An unknown body is no error, see `OpenedEvent.known`.
    """
    fields = decode_record(data, "Event")
    try:
        envelope = models.Event.__pydantic_validator__.validate_python(fields)
    except ValidationError as error:
        raise invalid(error) from None
    raw, event_type = fields["body"], fields["type"]
    reader = reader_of(read_header(raw))
    if reader is None:
        return OpenedEvent(_event(fields, {}, data), False, envelope.attested)
    model = models.BODIES.get(event_type)
    if model is None or reader.published.name != event_type:
        raise contract_error("invalid", f"type {event_type} with a body of {reader.published.name}")
    body = read_values(reader, raw)
    try:
        model.__pydantic_validator__.validate_python(body)
    except ValidationError as error:
        raise invalid(error) from None
    return OpenedEvent(_event(fields, body, data), True, envelope.attested)


def decode_event_trusted(data: bytes) -> Event:
    """Read an event whose bytes were validated on their way in, without validating again; for replay.

    An unknown body gives an empty one, as in `open_event`.
    """
    fields = decode_record(data, "Event")
    raw = fields["body"]
    reader = reader_of(raw[2:10])
    return _event(fields, {} if reader is None else read_values(reader, raw), data)


def body_schema(data: bytes) -> bytes:
    """The fingerprint of the schema of an event's body; ContractError as in `open_event`."""
    return read_header(decode_record(data, "Event")["body"])


def _event(fields: dict[str, Any], body: dict[str, Any], data: bytes) -> Event:
    issuer = fields["issuer"]
    role = issuer["role"]
    return Event(
        event_id=fields["event_id"],
        case_id=fields["case_id"],
        issuer=party(issuer["region"], role),
        hand=_OWN_HANDS[role] if fields["attested"] is None else _ATTESTED_HANDS[role],
        seq=fields["seq"],
        prev_hash=fields["prev_hash"],
        seen=tuple([Seen(_HANDS[one["hand"]], one["seq"], one["hash"]) for one in fields["seen"]]),
        occurred_at=fields["occurred_at"],
        protocol=fields["protocol"],
        ruleset=fields["ruleset"],
        office=fields["office"],
        handled_by=fields["handled_by"],
        reviewed_by=fields["reviewed_by"],
        type=fields["type"],
        body=body,
        hash=sha256(b"\x00" + data).digest(),
    )
