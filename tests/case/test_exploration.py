"""Whatever two agencies do within stated bounds, no invariant breaks and every state has a way to an end."""

import os
from dataclasses import replace

import pytest
from explore import Bounds, Explored, explore
from explore_bounds import DEFAULT, FULL, SMALL, STATES
from explore_invariants import INVARIANTS
from explore_moves import ONE, acts

from jiexu.case.event import Role
from jiexu.case.protocol import PLATFORM, failing_guards
from jiexu.case.view import View

EXPLORATIONS = (*DEFAULT, *SMALL, *(FULL if os.environ.get("JIEXU_TEST_EXPLORE") == "full" else ()))


def story(explored: Explored) -> str:
    """What happened, for whoever reads a failure."""
    found = explored.found
    if found is None:
        return ""
    return "\n".join((f"{found.invariant}: {INVARIANTS[found.invariant]}", *found.path))


@pytest.mark.parametrize("bounds", EXPLORATIONS, ids=lambda bounds: bounds.name)
def test_no_invariant_breaks_in_any_state_and_every_state_can_end(bounds: Bounds) -> None:
    explored = explore(bounds)
    print(f"{bounds.name}: {explored.states} states, {explored.transitions} transitions, {explored.ends} ends")
    assert explored.found is None, story(explored)
    assert explored.states == STATES[bounds.name]


@pytest.mark.parametrize(
    ("pinned", "blocking"), [(False, True), (True, False)], ids=["`seen` not pinned", "hand not blocked"]
)
def test_an_act_that_does_not_pin_what_was_seen_or_block_its_hand_ends_with_what_no_event_may_report(
    pinned: bool, blocking: bool
) -> None:
    (bounds,) = [b for b in DEFAULT if b.name == "claims, lodged inbound"]
    assert explore(bounds).found is None
    explored = explore(replace(bounds, pinned=pinned, blocking=blocking))
    assert explored.found is not None
    assert explored.found.invariant == "never_void"
    assert explored.found.path[-1].endswith("(done)")


@pytest.mark.parametrize("role", Role)
def test_before_an_application_nothing_else_is_permitted(role: Role) -> None:
    for attempt in acts(View(), role, ((ONE, "transfer"),)):
        assert failing_guards(View(), role, attempt.type, attempt.body) != (), attempt


def test_every_event_of_the_table_happens_in_some_exploration() -> None:
    seen = set()
    for bounds in SMALL:
        seen |= explore(bounds, liveness=False).types
    assert seen == {rule.type for rule in PLATFORM}
