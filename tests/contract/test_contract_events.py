"""Sealing and opening an event: the strict models are the only way in, on either side."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from contract_samples import AT, CREDITED, EVENT, GOLDEN_BODIES, HASH, INBOUND, OUTBOUND, golden, sealed

from jiexu.case.event import Hand, Role, Seen
from jiexu.contract import BODIES, ContractError, decode_event_trusted, encode_body, leaf_hash, open_event, schema_store
from jiexu.contract.golden import encode_sample

ATTESTED = {
    "region": "330100",
    "recorded_by": "1001",
    "released_by": "1002",
    "released_at": AT,
    "scan_digest": HASH,
    "paper_number": None,
}


@pytest.mark.parametrize("name", sorted(BODIES))
def test_every_event_type_opens_as_it_was_sealed(name: str) -> None:
    event = sealed(name, GOLDEN_BODIES[name])
    opened = open_event(event.bytes)
    assert opened.known
    assert opened.event == event.event == decode_event_trusted(event.bytes)
    assert opened.event.body == GOLDEN_BODIES[name]
    assert event.hash == opened.event.hash == leaf_hash(event.bytes)


def test_an_optional_field_may_be_left_out_and_reads_as_none() -> None:
    assert sealed("FormExplained", {"answers": 3}).event.body == {"answers": 3, "explanation": None}


def test_amounts_read_alike_however_they_were_given() -> None:
    for given in ("12.5", "12.50", "1250E-2"):
        amount = sealed(body={**CREDITED, "amount": Decimal(given)}).event.body["amount"]
        assert str(amount) == "12.50"


def test_enums_of_the_case_are_taken_and_read_as_plain_text() -> None:
    body = {**GOLDEN_BODIES["DisputeSettled"], "hand": Hand.OUTBOUND_ATTESTED}
    assert type(sealed("DisputeSettled", body).event.body["hand"]) is str


def test_an_attested_event_names_who_signs_for_it() -> None:
    event = sealed("FormExplained", {"answers": 4}, issuer=OUTBOUND, hand=Hand.OUTBOUND_ATTESTED, attested=ATTESTED)
    opened = open_event(event.bytes)
    assert opened.event.hand is Hand.OUTBOUND_ATTESTED
    assert opened.attested is not None
    assert opened.attested.recorded_by == "1001"
    assert opened.signer == INBOUND
    assert open_event(sealed().bytes).signer == INBOUND


BAD_BODIES: list[tuple[str, dict[str, Any], str]] = [
    ("BalanceAdvanced", {"amount": Decimal(0)}, "greater than 0"),
    ("BalanceCredited", {"amount": Decimal("0.001")}, "decimal"),
    ("BalanceCredited", {"amount": Decimal("1000000000000.00")}, "digits"),
    ("BalanceCredited", {"amount": 12}, "Decimal"),
    ("BalanceCredited", {"amount": 12.5}, "Decimal"),
    ("BalanceCredited", {"amount": Decimal("NaN")}, "finite"),
    ("BalanceCredited", {"reference": ""}, "pattern"),
    ("BalanceCredited", {"reference": "a\nb"}, "pattern"),
    ("BalanceCredited", {"note": "more"}, "Extra"),
    ("BalanceRemitted", {"line": True}, "integer"),
    ("BalanceRemitted", {"line": 3.0}, "integer"),
    ("BalanceRemitted", {"line": 2**31}, "less than"),
    ("BalanceRemitted", {"sent_on": AT}, "date"),
    ("BalanceRemitted", {"payee": "王小明"}, "bytes"),
    ("BalanceRemitted", {"payee": b"short"}, "32"),
    ("NoticeGiven", {"given_at": datetime(2026, 1, 1)}, "timezone"),  # noqa: DTZ001 the naive time is the point
    ("NoticeGiven", {"given_at": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8)))}, "imezone"),
    ("NoticeGiven", {"channel": "unknown"}, "Input should be"),
    ("TransferRejected", {"reasons": []}, "at least 1"),
    ("TransferRejected", {"survivor": EVENT.upper()}, "pattern"),
    ("FormQueried", {"problems": []}, "at least 1"),
    ("FormQueried", {"version": 0}, "greater than or equal to 1"),
    ("CaseForwarded", {"region": "３３０２００"}, "pattern"),
    ("HandTakenOver", {"hash": None}, "hash is null"),
    ("HandTakenOver", {"hand": "outbound"}, "not an attested hand"),
    ("DisputeSettled", {"counts": [2]}, "both counts and is dropped"),
]


@pytest.mark.parametrize(("name", "change", "says"), BAD_BODIES)
def test_a_body_that_breaks_the_contract_is_refused(name: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError, match=says) as caught:
        encode_body(name, {**GOLDEN_BODIES[name], **change})
    assert caught.value.code == "invalid"


def form(**changes: Any) -> dict[str, Any]:
    body = golden("InformationFormUploaded")
    for path, value in changes.items():
        place: Any = body
        *way, last = path.split("__")
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return body


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"periods__0__months": 35}, "not the span"),
        ({"periods__0__last_month": "2022-10"}, "before first_month"),
        ({"periods__0__first_month": "2022-13"}, "pattern"),
        ({"account__amount": Decimal("5100.01")}, "sum of its lines"),
        ({"account__interest": Decimal("-0.01")}, "greater than or equal to 0"),
        ({"totals__actual_months": -1}, "greater than or equal to 0"),
    ],
)
def test_a_form_whose_numbers_do_not_agree_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError, match=says):
        encode_body("InformationFormUploaded", form(**change))


def test_a_wait_that_is_not_known_has_no_number() -> None:
    body = golden("TransferCompleted")
    body["continuity"] = {"rule": "w3", "gap_months": 5, "wait_months": 6, "wait_known": False}
    with pytest.raises(ContractError, match="wait_months without wait_known"):
        encode_body("TransferCompleted", body)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seq": 1}, "prev_hash"),
        ({"prev_hash": None}, "prev_hash"),
        ({"seq": True}, "integer"),
        ({"occurred_at": datetime(2026, 1, 1)}, "timezone"),  # noqa: DTZ001 the naive time is the point
        ({"event_id": "x"}, "pattern"),
        ({"protocol": b"short"}, "32"),
        ({"seen": [Seen(Hand.INBOUND, 1, HASH)]}, "each other hand once"),
        ({"seen": [Seen(Hand.OUTBOUND, 1, HASH), Seen(Hand.OUTBOUND, 2, HASH)]}, "each other hand once"),
        ({"hand": Hand.OUTBOUND}, "not that of the issuer"),
        ({"hand": Hand.INBOUND_ATTESTED}, "not that of the issuer"),
        ({"attested": ATTESTED}, "not that of the issuer"),
        ({"attested": ATTESTED, "hand": Hand.INBOUND_ATTESTED}, "issuer's own"),
        (
            {
                "attested": {**ATTESTED, "region": "610100", "released_by": "1001"},
                "hand": Hand.INBOUND_ATTESTED,
            },
            "same person",
        ),
        (
            {
                "attested": {**ATTESTED, "region": "610100", "released_by": "auto"},
                "hand": Hand.INBOUND_ATTESTED,
            },
            "auto cannot attest",
        ),
    ],
)
def test_an_envelope_that_breaks_the_contract_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError, match=says):
        sealed(**change)


def test_an_unknown_type_cannot_be_written() -> None:
    with pytest.raises(ContractError, match="unknown_schema"):
        sealed("TransferImproved", {})


def envelope(**changes: Any) -> bytes:
    """An event's bytes made without the models, as a careless implementation might."""
    values = {**golden("Event"), "attested": None, **changes}
    return encode_sample(schema_store().latest["Event"], values)


def test_a_body_of_a_schema_never_published_here_is_held_not_refused() -> None:
    data = envelope(type="TransferImproved", body=b"\xc3\x01" + b"12345678" + b"\x00")
    opened = open_event(data)
    assert (opened.known, opened.event.body, opened.event.type) == (False, {}, "TransferImproved")
    assert decode_event_trusted(data) == opened.event


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "BalanceArrived", "body": encode_body("BalanceCredited", CREDITED)}, "invalid"),
        ({"type": "Event", "body": envelope()}, "invalid"),
        ({"type": "BalanceCredited", "body": b"no record"}, "not_avro"),
        ({"type": "BalanceCredited", "body": encode_body("BalanceCredited", CREDITED)[:-1]}, "truncated"),
        ({"type": "BalanceCredited", "body": encode_body("BalanceCredited", CREDITED) + b"\0"}, "trailing_bytes"),
        ({"issuer": {"region": "610100", "role": "unknown"}}, "invalid"),
        ({"seq": 0}, "invalid"),
    ],
)
def test_what_a_careless_writer_sends_is_refused_on_the_way_in(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ContractError) as caught:
        open_event(envelope(**change))
    assert caught.value.code == code


def test_an_amount_of_zero_is_well_formed_so_that_the_protocol_can_judge_the_event_void() -> None:
    zero = encode_sample(schema_store().latest["BalanceCredited"], {"reference": "HK-1", "amount": Decimal(0)})
    assert open_event(envelope(type="BalanceCredited", body=zero)).event.body["amount"] == 0


def test_an_error_never_repeats_a_value() -> None:
    with pytest.raises(ContractError) as caught:
        encode_body("BalanceRemitted", {**GOLDEN_BODIES["BalanceRemitted"], "payee": "王小明6222"})
    assert "王小明" not in str(caught.value)


def test_times_keep_their_microseconds() -> None:
    assert sealed().event.occurred_at == AT
    assert sealed().event.occurred_at.tzinfo is UTC
    assert sealed().event.issuer.role is Role.INBOUND
