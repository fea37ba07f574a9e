"""Real faults on real processes: whatever befalls a deployment under load, nothing is lost and nothing doubled."""

from itertools import count
from typing import Any

import pytest

from benchmarks import faults
from benchmarks.faults import Load, sound
from benchmarks.rig import Rig
from benchmarks.strikes import FAULTS

from .conftest import CASES_A_FAULT

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("faults")]
RATE, SEED = 8.0, 7
next_case = count(0, CASES_A_FAULT)


def strike(rig: Rig, name: str, seconds: float, first: int) -> dict[str, Any]:
    rig.seconds = seconds
    found = faults.run(rig, name, FAULTS[name], Load(CASES_A_FAULT, RATE, first), SEED)
    assert sound(found), found
    assert found["cases"] == CASES_A_FAULT
    assert found["recovery_seconds"] is not None, "the services that were struck have worked again"
    return found


@pytest.mark.parametrize("name", ["kill-outbound", "kill-inbound", "kill-all"])
def test_services_that_are_killed_under_load_lose_and_double_nothing(running: Rig, name: str) -> None:
    found = strike(running, name, 0.0, next(next_case))
    assert found["killed"] >= 2


def test_a_broker_that_is_killed_and_started_on_its_data_costs_nothing(running: Rig) -> None:
    strike(running, "kill-broker", 1.0, next(next_case))


def test_a_broker_that_falls_silent_gets_late_what_was_sent_again_meanwhile_and_nothing_stands_twice(
    running: Rig,
) -> None:
    # Longer than a request waits for its answer (10 s): the clients give up what the gate still holds.
    strike(running, "broker-unreachable", 12.0, next(next_case))
    assert running.gate is not None
    assert running.gate.delayed


def test_a_service_that_was_paused_while_another_took_over_does_no_harm_when_it_goes_on(running: Rig) -> None:
    # Longer than the lease here and than the 15 s after which Kafka gives its partitions to the other.
    strike(running, "paused", 18.0, next(next_case))


def test_a_full_disk_makes_services_wait_until_there_is_room(running: Rig) -> None:
    found = strike(running, "disk-full", 4.0, next(next_case))
    assert found["waited"]
    assert found["ended_by_themselves"] == []


def test_a_database_that_is_killed_and_started_on_its_data_costs_nothing(running: Rig) -> None:
    found = strike(running, "kill-postgres", 1.0, next(next_case))
    assert found["waited"]


@pytest.mark.parametrize("what", ["lost", "doubled", "doubled_acts", "parked", "awaiting_receipt"])
def test_one_that_is_lost_or_doubled_is_a_failure(what: str) -> None:
    none: dict[str, Any] = dict.fromkeys(("lost", "doubled", "doubled_acts", "parked", "awaiting_receipt"), 0)
    none |= {"differences": [], "journals_agree": True, "money_balanced": True}
    assert sound(none)
    assert not sound(none | {what: 1})
