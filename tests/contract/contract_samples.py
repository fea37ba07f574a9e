"""What the tests of the contract write: one event of each kind of trouble, with sensible defaults."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiexu.case.event import Hand, Party, Role
from jiexu.contract import BODIES, Ed25519Signer, SealedEvent, schema_root, schema_store, seal_event
from jiexu.contract.golden import from_json, golden_file

CASE = "01999a1b2c3d7e4f8a5b6c7d8e9f0a1b"
EVENT = "01999a1b2c3d7e4f8a5b6c7d8e9f0a1c"
HASH = hashlib.sha256(b"some event").digest()
AT = datetime(2026, 2, 10, 1, 2, 3, 456789, tzinfo=UTC)
INBOUND = Party("330100", Role.INBOUND)
OUTBOUND = Party("610100", Role.OUTBOUND)
CREDITED = {"reference": "HK-1", "amount": Decimal("12.50")}


def golden(name: str) -> dict[str, Any]:
    """The values of the record's golden sample."""
    published = schema_store().latest[name]
    path = golden_file(schema_root(), name, published.version, "json")
    return from_json(published, path.read_text(encoding="utf-8"))


GOLDEN_BODIES = {name: golden(name) for name in BODIES}


def sealed(type: str = "BalanceCredited", body: Any = None, **changes: Any) -> SealedEvent:
    """An event of inbound, seq 2, that says money was credited, unless told otherwise."""
    values: dict[str, Any] = {
        "event_id": EVENT,
        "case_id": CASE,
        "issuer": INBOUND,
        "hand": Hand.INBOUND,
        "seq": 2,
        "prev_hash": HASH,
        "seen": [],
        "occurred_at": AT,
        "protocol": HASH,
        "ruleset": "2021.1",
        "office": "330102",
        "handled_by": "1001",
        "reviewed_by": "1002",
    }
    return seal_event(type=type, body=CREDITED if body is None else body, **{**values, **changes})


def signer(seed: int = 1) -> Ed25519Signer:
    """A signer whose key is always the same."""
    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def salts() -> Any:
    """A source of salts that is always the same."""
    numbers = count()
    return lambda: hashlib.sha256(b"%d" % next(numbers)).digest()[:16]
