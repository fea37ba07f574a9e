"""The page docs/contract/implementers.md is enough: a stranger's bundle opens here, ours opens there."""

import ast
from pathlib import Path

import other_implementer as other
from contract_samples import AT, CASE, EVENT, GOLDEN_BODIES, INBOUND, OUTBOUND, salts, sealed, signer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiexu.contract import (
    check_disclosures,
    conceal,
    make_bundle,
    make_receipts,
    open_bundle,
    open_event,
    schema_root,
    verify_bundle,
    withhold,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PERSONAL = {"name": "王小明", "document_number": "11010519491231002X", "phone": "13800000000"}


def test_the_builder_shares_no_code_with_the_product() -> None:
    tree = ast.parse(Path(other.__file__).read_text(encoding="utf-8"))
    modules = {
        name
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert not [name for name in modules if name.split(".")[0] in ("jiexu", "services", "tests")]


def test_a_strangers_bundle_opens_and_verifies_here() -> None:
    case_id, first, second = bytes.fromhex(CASE), bytes.fromhex(EVENT), bytes.fromhex(EVENT)[::-1]
    application, disclosures = other.make_application(case_id, first, PERSONAL)
    credit = other.make_credit(case_id, second, other.leaf_hash(application))

    bundle = open_bundle(other.make_bundle(KEY, [application, credit], disclosures))
    verify_bundle(bundle, other.public_key(KEY))
    opened = [open_event(leaf.event or b"") for leaf in bundle.leaves]

    assert [one.event.type for one in opened] == ["TransferApplied", "BalanceCredited"]
    assert opened[1].event.prev_hash == opened[0].event.hash
    assert opened[0].signer == bundle.issuer == INBOUND
    check = check_disclosures(opened[0].event, bundle.disclosures_of(0))
    assert {one.field: one.value for one in check.accepted} == {f"person.{k}": v for k, v in PERSONAL.items()}
    assert check.problems == check.missing == ()


def test_our_bundle_opens_and_verifies_there() -> None:
    plain = {**GOLDEN_BODIES["TransferApplied"]}
    plain["person"] = {**plain["person"], **PERSONAL}
    body, disclosures = conceal(CASE, EVENT, "TransferApplied", plain, salts())
    events = [sealed("TransferApplied", body), sealed()]
    data = make_bundle(signer(), INBOUND, [one.bytes for one in events], disclosures)

    there = other.check_bundle(data, signer().public_key)
    assert [one["hash"] for one in there] == [one.hash for one in events]
    assert there[1]["body"] == events[1].event.body
    [kept] = other.check_bundle(withhold(open_bundle(data), {0}), signer().public_key)
    assert kept["hash"] == events[0].hash


def test_our_receipts_verify_there() -> None:
    event = sealed()
    receipt = {
        "case_id": CASE,
        "hand": "inbound",
        "seq": 2,
        "hash": event.hash,
        "topic": "jiexu.610100.outbound",
        "partition": 1,
        "offset": 2**40,
        "appended_at": AT,
        "recorded_at": AT,
        "own_last_seq": 0,
    }
    letter = make_receipts(signer(), OUTBOUND, INBOUND, number=1, prev=None, receipts=[receipt])
    payload = other.check_receipts(letter.bytes, signer().public_key)
    assert payload["receipts"][0]["hash"] == event.hash


def test_the_published_sample_bundle_verifies_there() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    data = (schema_root() / "golden" / "Bundle.1.avro").read_bytes()
    [event] = other.check_bundle(data, other.public_key(key))
    assert event["type"] == "TransferApplied"
