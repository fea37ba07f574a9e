"""Another implementation of the contract, written from docs/contract/implementers.md and `schemas/` alone.

It must never import the product: what it shows is that the page is enough.
"""

import hashlib
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import fastavro
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HISTORY = Path(__file__).parents[2] / "schemas" / "history"
ROWS = json.loads((HISTORY / "index.json").read_text(encoding="utf-8"))
LATEST = {row["name"]: row for row in sorted(ROWS, key=lambda row: row["version"])}
SCHEMAS = {
    row["fingerprint"]: fastavro.parse_schema(
        json.loads((HISTORY / f"{row['name']}.{row['version']}.avsc").read_text(encoding="utf-8"))
    )
    for row in ROWS
}


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def parts(*items: bytes) -> bytes:
    return b"".join(len(item).to_bytes(4, "big") + item for item in items)


def write(name: str, values: dict) -> bytes:
    mark = LATEST[name]["fingerprint"]
    out = io.BytesIO()
    out.write(b"\xc3\x01" + bytes.fromhex(mark))
    fastavro.schemaless_writer(out, SCHEMAS[mark], values)
    return out.getvalue()


def read(data: bytes) -> dict:
    assert data[:2] == b"\xc3\x01"
    stream = io.BytesIO(data[10:])
    values = fastavro.schemaless_reader(stream, SCHEMAS[data[2:10].hex()], None, return_named_type=True)
    assert stream.read() == b""
    return values


def leaf_hash(event: bytes) -> bytes:
    return sha256(b"\x00" + event)


def digest(case_id: bytes, event_id: bytes, field: str, salt: bytes, value: str) -> bytes:
    return sha256(parts(b"jiexu/disclosure/1", case_id, event_id, field.encode(), salt, value.encode()))


def signed_message(name: str, record: dict, hashes: list[bytes]) -> bytes:
    schemas = b"".join(entry["fingerprint"] + entry["digest"] for entry in record["schemas"])
    return parts(
        name.encode(),
        record["suite"].encode(),
        record["key_id"].encode(),
        record["issuer"]["region"].encode(),
        record["issuer"]["role"].encode(),
        schemas,
        len(hashes).to_bytes(4, "big"),
        *hashes,
    )


def make_application(case_id: bytes, event_id: bytes, personal: dict[str, str]) -> tuple[bytes, list[dict]]:
    """A TransferApplied of inbound 330100 and its disclosures; `personal` are name, document_number, phone."""
    disclosures, digests = [], {}
    for number, (field, value) in enumerate(personal.items()):
        salt = sha256(b"salt %d" % number)[:16]
        digests[field] = digest(case_id, event_id, f"person.{field}", salt, value)
        disclosures.append({"leaf": 0, "field": f"person.{field}", "salt": salt, "value": value})
    person = {
        "document_type": "01",
        **dict.fromkeys(["sex", "birth_date", "phone", "person_number", "household"]),
        **digests,
    }
    body = write(
        "TransferApplied",
        {
            "procedure": "platform",
            "scope": "full",
            "outbound": {"region": "610100", "office": None},
            "inbound": {"region": "330100", "office": "330102"},
            "from_scheme": "employee",
            "to_scheme": "employee",
            "applied_on": date(2026, 2, 10),
            "channel": "window",
            "applicant": "person",
            "applicant_name": None,
            "authority": None,
            "person": person,
            "checks": [{"code": "IN-01", "outcome": "passed", "detail": None}],
            "overlap": None,
            "bank_account": "330100/3",
            "forwarded_from": None,
            "hops": 0,
            "certificate": None,
        },
    )
    return make_event(case_id, event_id, "TransferApplied", body, seq=1, prev_hash=None), disclosures


def make_credit(case_id: bytes, event_id: bytes, prev_hash: bytes) -> bytes:
    body = write("BalanceCredited", {"reference": "HK-1", "amount": Decimal("12.50")})
    return make_event(case_id, event_id, "BalanceCredited", body, seq=2, prev_hash=prev_hash)


def make_event(case_id: bytes, event_id: bytes, name: str, body: bytes, *, seq: int, prev_hash: bytes | None) -> bytes:
    return write(
        "Event",
        {
            "event_id": event_id,
            "case_id": case_id,
            "issuer": {"region": "330100", "role": "inbound"},
            "attested": None,
            "seq": seq,
            "prev_hash": prev_hash,
            "seen": [],
            "occurred_at": datetime(2026, 2, 10, 1, 2, 3, 456789, tzinfo=UTC),
            "protocol": sha256(b"the protocol table"),
            "ruleset": "2021.1",
            "office": "330102",
            "handled_by": "1001",
            "reviewed_by": "1002",
            "type": name,
            "body": body,
        },
    )


def make_bundle(key: Ed25519PrivateKey, events: list[bytes], disclosures: list[dict]) -> bytes:
    used = {"Event"} | {read(event)["type"] for event in events}
    schemas = sorted(
        (bytes.fromhex(LATEST[name]["fingerprint"]), bytes.fromhex(LATEST[name]["sha256"])) for name in used
    )
    record = {
        "issuer": {"region": "330100", "role": "inbound"},
        "key_id": sha256(public_key(key)).hex()[:16],
        "suite": "ed25519-sha256",
        "schemas": [{"fingerprint": mark, "digest": file} for mark, file in schemas],
        "leaves": [("bytes", event) for event in events],
        "disclosures": disclosures,
    }
    hashes = [leaf_hash(event) for event in events]
    record["signature"] = key.sign(signed_message("jiexu/events/1", record, hashes))
    return write("Bundle", record)


def check_bundle(data: bytes, public: bytes) -> list[dict]:
    """Verify a bundle and its disclosures; the events that it gives, with `hash` and decoded `body` in them."""
    record = read(data)
    hashes, events = [], {}
    for index, leaf in enumerate(record["leaves"]):
        if isinstance(leaf, tuple):
            hashes.append(leaf[1])
            continue
        hashes.append(leaf_hash(leaf))
        event = read(leaf)
        events[index] = {**event, "hash": hashes[-1], "body": read(event["body"])}
    Ed25519PublicKey.from_public_bytes(public).verify(
        record["signature"], signed_message("jiexu/events/1", record, hashes)
    )
    for entry in record["schemas"]:
        row = next(row for row in ROWS if row["fingerprint"] == entry["fingerprint"].hex())
        assert row["sha256"] == entry["digest"].hex()
    for one in record["disclosures"]:
        event = events[one["leaf"]]
        place = event["body"]
        for step in one["field"].split("."):
            place = plain(place)[int(step) if step.isdigit() else step]
        assert plain(place) == digest(event["case_id"], event["event_id"], one["field"], one["salt"], one["value"])
    return list(events.values())


def check_receipts(data: bytes, public: bytes) -> dict:
    record = read(data)
    message = signed_message("jiexu/receipts/1", record, [leaf_hash(record["payload"])])
    Ed25519PublicKey.from_public_bytes(public).verify(record["signature"], message)
    return read(record["payload"])


def plain(value: object) -> object:
    """fastavro gives (name, value) for a named branch of a union when asked to tell the branches apart."""
    return value[1] if isinstance(value, tuple) else value


def public_key(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
