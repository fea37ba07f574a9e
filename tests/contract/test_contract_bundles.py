"""Bundles, receipts and notices: what the signature covers, what may be withheld, what is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from contract_samples import AT, CASE, HASH, INBOUND, OUTBOUND, golden, sealed, signer

from jiexu.case.event import Hand, Party, Role
from jiexu.contract import (
    MAX_BYTES,
    MAX_LEAVES,
    Bundle,
    ContractError,
    Disclosure,
    SchemaRef,
    Signer,
    make_bundle,
    make_notice,
    make_receipts,
    open_bundle,
    open_event,
    open_notice,
    open_receipts,
    pack,
    record_kind,
    schema_store,
    sign_again,
    verify_bundle,
    verify_notice,
    verify_receipts,
    withhold,
)
from jiexu.contract.golden import encode_sample
from jiexu.contract.signed import EVENTS, RECEIPTS, message

EVENTS_SENT = [sealed().bytes, sealed("FormQueryClosed", {"closes": 1, "reason": "solved"}, seq=3).bytes]
KEY = signer()
VALUE = Disclosure(1, "explanation", b"s" * 16, "说明")


def bundle(*disclosures: Disclosure) -> Bundle:
    return open_bundle(make_bundle(KEY, INBOUND, EVENTS_SENT, disclosures))


def test_a_bundle_gives_back_what_was_sent() -> None:
    one = bundle(VALUE)
    verify_bundle(one, KEY.public_key)
    assert [leaf.event for leaf in one.leaves] == EVENTS_SENT
    assert (one.issuer, one.key_id, one.suite) == (INBOUND, KEY.key_id, "ed25519-sha256")
    assert one.disclosures_of(0) == ()
    assert one.disclosures_of(1) == (VALUE,)
    assert len(one.schemas) == 3
    assert list(one.schemas) == sorted(one.schemas)


CHANGES: dict[str, Callable[[Bundle], Bundle]] = {
    "region": lambda one: replace(one, header=replace(one.header, issuer=Party("330200", Role.INBOUND))),
    "role": lambda one: replace(one, header=replace(one.header, issuer=Party("330100", Role.OUTBOUND))),
    "key id": lambda one: replace(one, header=replace(one.header, key_id="other")),
    "order": lambda one: replace(one, leaves=one.leaves[::-1]),
    "one leaf less": lambda one: replace(one, leaves=one.leaves[:1]),
    "a leaf twice": lambda one: replace(one, leaves=(*one.leaves, one.leaves[0])),
    "signature": lambda one: replace(one, signature=bytes(64)),
    "short signature": lambda one: replace(one, signature=one.signature[:63]),
    "a schema more": lambda one: replace(
        one,
        header=replace(one.header, schemas=tuple(sorted([*one.schemas, SchemaRef(b"\xff" * 8, HASH)]))),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_signature_covers_everything_but_the_disclosures(what: str) -> None:
    with pytest.raises(ContractError, match="bad_signature"):
        verify_bundle(open_bundle(pack(CHANGES[what](bundle()))), KEY.public_key)


def test_a_signature_of_another_key_or_name_is_refused() -> None:
    with pytest.raises(ContractError, match="bad_signature"):
        verify_bundle(bundle(), signer(2).public_key)
    one = bundle()
    hashes = [leaf.hash for leaf in one.leaves]
    wrong_name = replace(one, signature=KEY.sign(message(RECEIPTS, one.header, hashes)))
    with pytest.raises(ContractError, match="bad_signature"):
        verify_bundle(wrong_name, KEY.public_key)
    with pytest.raises(ContractError, match="bad_key"):
        verify_bundle(one, b"short")


def test_withheld_leaves_still_verify_and_take_their_values_with_them() -> None:
    kept = open_bundle(withhold(bundle(VALUE), {0}))
    verify_bundle(kept, KEY.public_key)
    assert [leaf.event is None for leaf in kept.leaves] == [False, True]
    assert kept.leaves[1].hash == bundle().leaves[1].hash
    assert kept.disclosures == ()
    assert kept.schemas == bundle().schemas


def test_the_owner_signs_the_same_bytes_anew() -> None:
    again = open_bundle(sign_again(bundle(VALUE), signer(2)))
    verify_bundle(again, signer(2).public_key)
    assert again.leaves == bundle().leaves
    assert again.disclosures == (VALUE,)


def signed(schemas: tuple[SchemaRef, ...], events: list[bytes], by: Signer = KEY) -> Bundle:
    """A bundle with these schemas listed, rightly signed over them."""
    one = bundle()
    header = replace(one.header, schemas=schemas)
    leaves = tuple(replace(one.leaves[0], event=event, hash=sealed_hash(event)) for event in events)
    signature = by.sign(message(EVENTS, header, [leaf.hash for leaf in leaves]))
    return open_bundle(pack(Bundle(header, leaves, signature, ())))


def sealed_hash(event: bytes) -> bytes:

    return hashlib.sha256(b"\0" + event).digest()


def event_of_a_later_type() -> bytes:
    body = b"\xc3\x01" + b"\xff" * 8 + b"\x02"
    values = {**golden("Event"), "attested": None, "type": "TransferImproved", "body": body}
    return encode_sample(schema_store().latest["Event"], values)


def test_a_bundle_with_a_type_of_a_later_version_still_verifies() -> None:
    event = event_of_a_later_type()
    known = SchemaRef(schema_store().latest["Event"].fingerprint, schema_store().latest["Event"].digest)
    one = signed(tuple(sorted([known, SchemaRef(b"\xff" * 8, HASH)])), [event])
    verify_bundle(one, KEY.public_key)
    assert not open_event(event).known


def test_a_known_schema_with_other_text_is_refused() -> None:
    first = bundle().schemas[0]
    schemas = (SchemaRef(first.fingerprint, HASH), *bundle().schemas[1:])
    with pytest.raises(ContractError, match="schema_differs"):
        verify_bundle(signed(schemas, EVENTS_SENT), KEY.public_key)


def test_a_schema_in_use_must_be_listed() -> None:
    with pytest.raises(ContractError, match="schemas_missing"):
        verify_bundle(signed(bundle().schemas[:2], EVENTS_SENT), KEY.public_key)


def test_schemas_stand_in_one_order_only() -> None:
    for schemas in (bundle().schemas[::-1], (bundle().schemas[0],) * 2):
        with pytest.raises(ContractError, match="not ascending"):
            signed(schemas, EVENTS_SENT)


def test_a_leaf_that_cannot_be_read_is_left_to_its_own_opening() -> None:
    one = signed(bundle().schemas, [EVENTS_SENT[0], b"nonsense of more than thirty-two bytes"])
    verify_bundle(one, KEY.public_key)
    with pytest.raises(ContractError, match="not_avro"):
        open_event(one.leaves[1].event or b"")


def test_limits_hold_on_both_sides() -> None:
    with pytest.raises(ContractError, match="too_large"):
        make_bundle(KEY, INBOUND, EVENTS_SENT[:1] * (MAX_LEAVES + 1))
    with pytest.raises(ContractError, match="too_large"):
        make_bundle(KEY, INBOUND, [])
    big = Disclosure(0, "explanation", b"s" * 16, "长" * (MAX_BYTES // 3))
    with pytest.raises(ContractError, match="too_large"):
        make_bundle(KEY, INBOUND, EVENTS_SENT, [big])
    with pytest.raises(ContractError, match="too_large"):
        open_bundle(bytes(MAX_BYTES + 1))
    full = make_bundle(KEY, INBOUND, EVENTS_SENT[:1] * MAX_LEAVES)
    verify_bundle(open_bundle(full), KEY.public_key)


def test_a_disclosure_of_a_leaf_that_is_not_there_is_refused() -> None:
    with pytest.raises(ContractError, match="leaf out of range"):
        open_bundle(pack(replace(bundle(), disclosures=(VALUE.at(2),))))


def test_an_unknown_suite_is_named() -> None:
    one = replace(bundle(), header=replace(bundle().header, suite="rot13"))
    with pytest.raises(ContractError, match="unknown_suite"):
        verify_bundle(one, KEY.public_key)


def test_an_attested_event_travels_in_a_bundle_of_who_recorded_it() -> None:
    attested = {
        "region": "330100",
        "recorded_by": "1001",
        "released_by": "1002",
        "released_at": AT,
        "scan_digest": HASH,
    }
    event = sealed("FormExplained", {"answers": 4}, issuer=OUTBOUND, hand=Hand.OUTBOUND_ATTESTED, attested=attested)
    one = open_bundle(make_bundle(KEY, INBOUND, [event.bytes]))
    verify_bundle(one, KEY.public_key)
    assert open_event(event.bytes).signer == one.issuer


RECEIPT: dict[str, Any] = {
    "case_id": CASE,
    "hand": "inbound",
    "seq": 2,
    "hash": HASH,
    "topic": "jiexu.610100.outbound",
    "partition": 1,
    "offset": 0,
    "appended_at": AT,
    "recorded_at": AT,
    "own_last_seq": 0,
}
NOTICE: dict[str, Any] = {
    "code": "unknown_schema",
    "text": "请稍候。",
    "topic": "jiexu.610100.outbound",
    "partition": 0,
    "offset": 7,
    "digest": HASH,
    "about": {"case_id": CASE, "hand": "inbound", "seq": 2},
    "wants": "upgrade",
}


def test_receipts_are_signed_numbered_and_chained() -> None:
    first = make_receipts(KEY, OUTBOUND, INBOUND, number=1, prev=None, receipts=[RECEIPT])
    second = make_receipts(KEY, OUTBOUND, INBOUND, number=2, prev=first.hash, receipts=[RECEIPT] * 3)
    opened = open_receipts(second.bytes)
    verify_receipts(opened, KEY.public_key)
    assert opened.hash == second.hash
    assert opened.payload.prev == first.hash
    assert opened.addressee == INBOUND
    assert opened.header.issuer == OUTBOUND
    assert opened.payload.receipts[0].case_id == CASE
    with pytest.raises(ContractError, match="bad_signature"):
        verify_receipts(replace(opened, hash=first.hash), KEY.public_key)


def test_a_notice_is_signed_under_a_name_of_its_own() -> None:
    letter = make_notice(KEY, OUTBOUND, INBOUND, number=1, prev=None, notice=NOTICE)
    opened = open_notice(letter.bytes)
    verify_notice(opened, KEY.public_key)
    assert opened.payload.about is not None
    assert opened.payload.about.seq == 2
    assert opened.addressee == INBOUND


@pytest.mark.parametrize(("number", "prev"), [(1, HASH), (2, None), (0, None)])
def test_the_chain_of_letters_has_one_beginning(number: int, prev: bytes | None) -> None:
    with pytest.raises(ContractError, match="invalid"):
        make_receipts(KEY, OUTBOUND, INBOUND, number=number, prev=prev, receipts=[RECEIPT])
    with pytest.raises(ContractError, match="invalid"):
        make_notice(KEY, OUTBOUND, INBOUND, number=number, prev=prev, notice=NOTICE)


def test_a_payload_of_another_kind_is_refused() -> None:
    letter = make_notice(KEY, OUTBOUND, INBOUND, number=1, prev=None, notice=NOTICE)
    with pytest.raises(ContractError, match="wrong_schema"):
        open_receipts(letter.bytes)


def test_a_kafka_record_says_what_it_is() -> None:
    assert record_kind(make_bundle(KEY, INBOUND, EVENTS_SENT)) == "Bundle"
    letter = make_receipts(KEY, OUTBOUND, INBOUND, number=1, prev=None, receipts=[RECEIPT])
    assert record_kind(letter.bytes) == "ReceiptBatch"
    assert record_kind(encode_sample(schema_store().latest["LedgerBatch"], golden("LedgerBatch"))) == "LedgerBatch"
    for data, code in ((EVENTS_SENT[0], "wrong_schema"), (b"\xc3\x01" + bytes(9), "unknown_schema")):
        with pytest.raises(ContractError, match=code):
            record_kind(data)
