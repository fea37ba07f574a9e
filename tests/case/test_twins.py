"""Several applications for one person and scheme: outbound's journal lets one survive, whoever lodged it where."""

import pytest
from explore_twins import Application, Twins, explore_twins

from jiexu.case.event import Role

OUT = Application(Role.OUTBOUND)
IN_A, IN_B = Application(Role.INBOUND, "A"), Application(Role.INBOUND, "B")
IN_A_UNKNOWN, IN_B_UNKNOWN = Application(Role.INBOUND, "A", known=False), Application(Role.INBOUND, "B", known=False)

SETS = {
    "outbound's counter twice": ((OUT, OUT), 1_149),
    "both sides": ((OUT, IN_A), 1_309),
    "one inbound counter twice": ((IN_A, IN_A), 1_399),
    "two inbound regions": ((IN_A, IN_B), 1_415),
    "two inbound regions, person not known": ((IN_A_UNKNOWN, IN_B_UNKNOWN), 1_323),
    "all three": ((OUT, IN_A, IN_B_UNKNOWN), 42_807),
}


@pytest.mark.parametrize(("applications", "states"), SETS.values(), ids=SETS)
def test_never_two_cases_accepted_always_an_end_and_the_refused_twin_names_the_survivor(
    applications: tuple[Application, ...], states: int
) -> None:
    explored = explore_twins(Twins(applications))
    print(f"{explored.states} states, {explored.transitions} transitions")
    assert explored.found is None, explored.found
    assert explored.states == states


@pytest.mark.parametrize(("applications", "states"), SETS.values(), ids=SETS)
def test_without_the_row_two_cases_are_accepted(applications: tuple[Application, ...], states: int) -> None:
    explored = explore_twins(Twins(applications, judged=False))
    assert explored.found is not None
    assert explored.found.invariant == "two_accepted"
