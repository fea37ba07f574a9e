"""Relations under a hold, and people with several numbers, in the default registry."""

from dataclasses import replace
from decimal import Decimal

from jiexu.region.platform import ActKey, EndRelation, Hold, Reinstate
from jiexu.region.registry import AccountRow, PersonRow, RelationRow
from jiexu.rules.facts import RelationStatus, Scheme
from tests.region.platform_contract import EMPLOYEE, ON, Acts, done, may_give, refused, status
from tests.region.registry.world import NUMBER, RegistryWorld


def test_an_active_resident_relation_is_held_without_losing_this_years_cover(platform: RegistryWorld) -> None:
    resident = RelationRow("P1", Scheme.RESIDENT, RelationStatus.ACTIVE, "resident", coverage_year=2026)
    platform.outbound.put([resident])
    key = ActKey("c" * 32, "hold", "1")
    assert done(platform.outbound, Hold(key, platform.identity, Scheme.RESIDENT)) == [{"status": "active"}]
    done(platform.outbound, EndRelation(key, platform.identity, Scheme.RESIDENT, "610100"))
    relations = {r.scheme: r for r in platform.outbound.facts([platform.identity], Scheme.RESIDENT, ON)[0].relations}
    assert relations[Scheme.RESIDENT].ended_to == "610100"
    assert relations[Scheme.EMPLOYEE].status is RelationStatus.SUSPENDED


def test_cover_resumed_since_the_case_is_not_undone_by_reinstating(platform: RegistryWorld) -> None:
    acts = Acts(platform)
    done(platform.outbound, acts.end())
    resumed = RelationRow("P1", EMPLOYEE, RelationStatus.ACTIVE, paid_through="2026-03")
    platform.outbound.put([resumed])
    assert done(platform.outbound, acts.reinstate()) == [{"status": "active", "changed": "no"}]
    assert status(platform.outbound, platform.identity) == ("active", None)


def test_a_hold_left_behind_by_a_case_does_not_bind_cover_resumed_since(platform: RegistryWorld) -> None:
    done(platform.outbound, Acts(platform).hold())
    platform.outbound.put([RelationRow("P1", EMPLOYEE, RelationStatus.ACTIVE, paid_through="2026-03")])
    done(platform.outbound, Acts(platform, "f" * 32).hold())


def test_reinstating_what_was_never_held_changes_nothing(platform: RegistryWorld) -> None:
    reinstate = Reinstate(ActKey("c" * 32, "reinstate", "1"), platform.identity, EMPLOYEE)
    assert done(platform.outbound, reinstate) == [{"status": "suspended", "changed": "no"}]


def test_a_relation_that_somebody_ended_by_hand_to_the_same_place_is_ended(platform: RegistryWorld) -> None:
    acts = Acts(platform)
    done(platform.outbound, acts.hold())
    elsewhere = RelationRow("P1", EMPLOYEE, RelationStatus.ENDED, ended_to="110000")
    platform.outbound.put([elsewhere])
    assert refused(platform.outbound, acts.end()) == "relation_ended"
    platform.outbound.put([replace(elsewhere, ended_to=platform.inbound_region)])
    (value,) = done(platform.outbound, acts.end())
    assert value == {"status": "ended", "moved_to": platform.inbound_region}


def test_several_numbers_are_all_shown_and_the_case_stays_with_one(platform: RegistryWorld) -> None:
    twin = PersonRow("P0", platform.identity.name, "01", NUMBER, in_hospital=True)
    platform.outbound.put(
        [
            twin,
            RelationRow("P0", EMPLOYEE, RelationStatus.ENDED, ended_to="110000"),
            AccountRow("P0", Decimal("7.00")),
        ]
    )
    (facts,) = platform.outbound.facts([platform.identity], EMPLOYEE, ON)
    assert len(facts.identities) == 2
    assert facts.in_hospital
    assert may_give(platform) == Decimal("1000.00")
    acts = Acts(platform)
    done(platform.outbound, acts.hold(), acts.end())
    # Both relations are ended now; the case is still about the number that it began with.
    assert may_give(platform) == Decimal("1000.00")
    done(platform.outbound, acts.debit("1000.00"))
    assert platform.outbound.unbalanced() == []


def test_an_unknown_month_paid_is_unknown_and_not_unpaid(platform: RegistryWorld) -> None:
    (facts,) = platform.outbound.facts([platform.identity], EMPLOYEE, ON)
    assert facts.current_month_paid is False
    platform.outbound.put([RelationRow("P1", EMPLOYEE, RelationStatus.ACTIVE)])
    assert platform.outbound.facts([platform.identity], EMPLOYEE, ON)[0].current_month_paid is None


def test_a_number_is_found_however_it_is_written(platform: RegistryWorld) -> None:
    written = replace(platform.identity, document_number=f" {NUMBER[:6]} {NUMBER[6:].lower()}")
    assert len(platform.outbound.facts([written], EMPLOYEE, ON)[0].identities) == 1


def test_an_overdraft_is_shown_as_one_and_gives_nothing(platform: RegistryWorld) -> None:
    platform.outbound.put([AccountRow("P1", Decimal("-20.00"))])
    assert platform.outbound.facts([platform.identity], EMPLOYEE, ON)[0].balance == Decimal("-20.00")
    assert may_give(platform) == Decimal("-20.00")


def test_an_account_emptied_with_its_interest_is_no_overdraft(platform: RegistryWorld) -> None:
    platform.outbound.put([AccountRow("P1", Decimal("1000.00"), interest=Decimal("3.21"))])
    done(platform.outbound, Acts(platform).debit("1003.21"))
    assert platform.outbound.facts([platform.identity], EMPLOYEE, ON)[0].balance == 0
    (form,) = platform.outbound.form_facts([("f" * 32, platform.identity, EMPLOYEE)], ON)
    assert form is not None
    assert form.account is not None
    assert (form.account.balance, form.account.interest) == (0, 0)
