"""Where the personal account goes."""

from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from jiexu.rules.facts import Scheme
from jiexu.rules.money import money_outcome
from jiexu.rules.ruleset import Ruleset, ruleset_for

EMPLOYEE, RESIDENT = Scheme.EMPLOYEE, Scheme.RESIDENT
TODAY = date(2026, 3, 10)
PLAIN = ruleset_for("130100", "140100", TODAY)
OUT_OF_WENZHOU = ruleset_for("330300", "140100", TODAY)
INTO_WENZHOU = ruleset_for("140100", "330300", TODAY)
SOME = Decimal("1234.56")


@pytest.mark.parametrize(
    ("from_scheme", "to_scheme", "amount", "has_account", "died", "expected"),
    [
        (EMPLOYEE, EMPLOYEE, SOME, True, False, "transfer"),
        (EMPLOYEE, EMPLOYEE, SOME, False, False, "stays_usable"),
        (EMPLOYEE, EMPLOYEE, Decimal("0.00"), True, False, "none"),
        (EMPLOYEE, EMPLOYEE, Decimal("0.01"), True, False, "transfer"),
        (EMPLOYEE, RESIDENT, SOME, True, False, "stays_usable"),
        (EMPLOYEE, RESIDENT, SOME, False, False, "stays_usable"),
        (EMPLOYEE, RESIDENT, Decimal("0"), False, False, "none"),
        (RESIDENT, EMPLOYEE, SOME, True, False, "none"),
        (RESIDENT, RESIDENT, SOME, False, False, "none"),
        (EMPLOYEE, EMPLOYEE, SOME, True, True, "pay_to_heirs"),
        (EMPLOYEE, RESIDENT, SOME, False, True, "pay_to_heirs"),
        (EMPLOYEE, EMPLOYEE, Decimal("0"), True, True, "none"),
        (RESIDENT, EMPLOYEE, SOME, True, True, "none"),
    ],
)
def test_the_outcome_is_that_of_the_table(
    from_scheme: Scheme, to_scheme: Scheme, amount: Decimal, has_account: bool, died: bool, expected: str
) -> None:
    outcome = money_outcome(
        PLAIN,
        from_scheme=from_scheme,
        to_scheme=to_scheme,
        amount=amount,
        inbound_has_account=has_account,
        died=died,
        choice="pay_to_person",
    )
    assert outcome == expected


@pytest.mark.parametrize("ruleset", [PLAIN, OUT_OF_WENZHOU, INTO_WENZHOU], ids=lambda ruleset: ruleset.id)
@pytest.mark.parametrize("amount", [Decimal(0), SOME])
@pytest.mark.parametrize("died", [True, False])
def test_an_account_is_never_transferred_into_a_scheme_without_accounts(
    ruleset: Ruleset, amount: Decimal, died: bool
) -> None:
    for has_account, pools in product((True, False), repeat=2):
        outcome = money_outcome(
            ruleset,
            from_scheme=EMPLOYEE,
            to_scheme=RESIDENT,
            amount=amount,
            inbound_has_account=has_account,
            inbound_has_outpatient_pooling=pools,
            died=died,
        )
        assert outcome != "transfer"


@pytest.mark.parametrize("to_scheme", list(Scheme))
def test_wenzhou_pays_out_at_the_persons_choice_where_inbound_pools_no_outpatient_care(to_scheme: Scheme) -> None:
    outcome = money_outcome(
        OUT_OF_WENZHOU,
        from_scheme=EMPLOYEE,
        to_scheme=to_scheme,
        amount=SOME,
        inbound_has_outpatient_pooling=False,
        choice="pay_to_person",
    )
    assert outcome == "pay_to_person"


def test_wenzhou_transfers_where_the_person_does_not_ask_to_be_paid() -> None:
    outcome = money_outcome(
        OUT_OF_WENZHOU, from_scheme=EMPLOYEE, to_scheme=EMPLOYEE, amount=SOME, inbound_has_outpatient_pooling=False
    )
    assert outcome == "transfer"


def test_a_region_is_taken_to_pool_outpatient_care_unless_the_directory_says_otherwise() -> None:
    outcome = money_outcome(
        OUT_OF_WENZHOU, from_scheme=EMPLOYEE, to_scheme=EMPLOYEE, amount=SOME, choice="pay_to_person"
    )
    assert outcome == "transfer"


def test_wenzhous_rule_binds_wenzhou_as_the_outbound_region_only() -> None:
    outcome = money_outcome(
        INTO_WENZHOU,
        from_scheme=EMPLOYEE,
        to_scheme=EMPLOYEE,
        amount=SOME,
        inbound_has_outpatient_pooling=False,
        choice="pay_to_person",
    )
    assert outcome == "transfer"


def test_the_heirs_are_paid_whatever_an_overlay_says() -> None:
    outcome = money_outcome(
        OUT_OF_WENZHOU,
        from_scheme=EMPLOYEE,
        to_scheme=EMPLOYEE,
        amount=SOME,
        inbound_has_outpatient_pooling=False,
        died=True,
        choice="pay_to_person",
    )
    assert outcome == "pay_to_heirs"


def test_an_overdraft_does_not_move() -> None:
    with pytest.raises(ValueError, match="negative"):
        money_outcome(PLAIN, from_scheme=EMPLOYEE, to_scheme=EMPLOYEE, amount=Decimal("-0.01"))


def test_under_the_2016_version_an_employees_account_moves_as_well() -> None:
    then = ruleset_for("130100", "140100", date(2018, 1, 1))
    assert money_outcome(then, from_scheme=EMPLOYEE, to_scheme=EMPLOYEE, amount=SOME) == "transfer"
