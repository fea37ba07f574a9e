"""Personal values travel beside the event, each held against its digest."""

import hashlib
from typing import Any

import pytest
from contract_samples import CASE, EVENT, golden, salts, sealed

from jiexu.contract import (
    BODIES,
    ContractError,
    Disclosure,
    check_disclosures,
    conceal,
    disclose,
    disclosure_digest,
    personal_fields,
)


def plain_form() -> dict[str, Any]:
    body = golden("FormQueried")
    return {
        **body,
        "problems": [{"field": "a", "code": "other", "detail": f"第{i}处"} for i in range(2)],
        "proposal": None,
    }


def concealed() -> tuple[Any, tuple[Disclosure, ...]]:
    body, disclosures = conceal(CASE, EVENT, "FormQueried", plain_form(), salts())
    return sealed("FormQueried", body).event, disclosures


def test_the_digest_is_that_of_the_design() -> None:
    parts = [b"jiexu/disclosure/1", bytes.fromhex(CASE), bytes.fromhex(EVENT), b"person.name", b"s" * 16, "王".encode()]
    expected = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
    assert disclosure_digest(CASE, EVENT, "person.name", b"s" * 16, "王") == expected


def test_what_is_concealed_is_accepted_and_the_given_body_stays() -> None:
    before = plain_form()
    event, disclosures = concealed()
    assert plain_form() == before
    assert [one.field for one in disclosures] == ["problems.0.detail", "problems.1.detail"]
    check = check_disclosures(event, disclosures)
    assert (check.accepted, check.problems, check.missing) == (disclosures, (), ())


def test_no_personal_value_stands_in_the_signed_bytes() -> None:
    body, _ = conceal(CASE, EVENT, "FormQueried", plain_form(), salts())
    assert "第0处".encode() not in sealed("FormQueried", body).bytes


def test_missing_values_are_named_and_nothing_more() -> None:
    event, disclosures = concealed()
    assert check_disclosures(event, disclosures[:1]).missing == ("problems.1.detail",)
    assert check_disclosures(event, []).missing == ("problems.0.detail", "problems.1.detail")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"value": "第9处"}, "digest_differs"),
        ({"salt": b"x" * 16}, "digest_differs"),
        ({"field": "problems.1.detail"}, "digest_differs"),
        ({"field": "problems.7.detail"}, "unknown_field"),
        ({"field": "version"}, "unknown_field"),
        ({"value": "e\u0301"}, "not_normalized"),
    ],
)
def test_a_value_that_does_not_match_is_not_taken(change: dict[str, Any], code: str) -> None:
    event, (first, _) = concealed()
    values = {**first.as_values(), **change}
    check = check_disclosures(event, [Disclosure(**values)])
    assert check.accepted == ()
    assert check.problems == ((values["field"], code),)


def test_a_value_counts_once() -> None:
    event, (first, _) = concealed()
    check = check_disclosures(event, [first, first])
    assert check.accepted == (first,)
    assert check.problems == (("problems.0.detail", "twice"),)


def test_a_value_of_another_case_or_event_does_not_match() -> None:
    body, disclosures = conceal(EVENT, CASE, "FormQueried", plain_form(), salts())
    check = check_disclosures(sealed("FormQueried", body).event, disclosures)
    assert {code for _, code in check.problems} == {"digest_differs"}


def test_text_is_brought_to_one_form_when_written() -> None:
    _, (one,) = disclose(CASE, EVENT, "FormExplained", {"explanation": "e\u0301"}, salts())
    assert one.value == "\u00e9"
    with pytest.raises(ContractError, match="not_normalized"):
        disclosure_digest(CASE, EVENT, "explanation", b"s" * 16, "e\u0301")


def test_only_personal_fields_are_disclosed() -> None:
    with pytest.raises(ContractError, match="not a personal field"):
        disclose(CASE, EVENT, "FormExplained", {"answers": "3"}, salts())
    with pytest.raises(ContractError, match="16 bytes"):
        disclose(CASE, EVENT, "FormExplained", {"explanation": "x"}, lambda: b"short")
    with pytest.raises(ContractError, match="invalid"):
        disclose(CASE, EVENT, "FormExplained", {"explanation": "\ud800"}, salts())


def test_digests_and_nulls_that_stand_already_are_kept() -> None:
    body = {"answers": 3, "explanation": b"d" * 32}
    assert conceal(CASE, EVENT, "FormExplained", body, salts()) == (body, ())
    body = {"answers": 3, "explanation": None}
    assert conceal(CASE, EVENT, "FormExplained", body, salts()) == (body, ())


def test_a_body_of_a_wrong_shape_is_left_to_its_model() -> None:
    for broken in ({"problems": "text"}, {"problems": ["text"]}, {"problems": None}):
        body, disclosures = conceal(CASE, EVENT, "FormQueried", {**plain_form(), **broken}, salts())
        assert disclosures == ()
        with pytest.raises(ContractError, match="invalid"):
            sealed("FormQueried", body)


def test_personal_fields_are_read_from_the_schema() -> None:
    assert personal_fields("TransferApplied") == (
        "applicant_name",
        "authority",
        "person.name",
        "person.document_number",
        "person.sex",
        "person.birth_date",
        "person.phone",
        "person.person_number",
        "person.household",
        "checks.*.detail",
    )
    assert personal_fields("BalanceCredited") == ()
    assert personal_fields("TransferImproved") == ()
    assert all(personal_fields(name) is personal_fields(name) for name in BODIES)
