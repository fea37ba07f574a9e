"""Each guard of the protocol table is needed: without it some exploration breaks an invariant.

Obligations and steps are held to the same: whoever forgets a clock or a step is noticed.
"""

from collections.abc import Callable
from dataclasses import replace

import explore_invariants
import pytest
from explore import Explored, explore
from explore_bounds import SMALL
from explore_noticed import NOTICED

from jiexu.case.event import Role
from jiexu.case.obligations import Obligation, obligations
from jiexu.case.protocol import PLATFORM, Rule
from jiexu.case.steps import next_steps
from jiexu.case.view import View


def without(index: int, guard: str) -> tuple[Rule, ...]:
    """The table with one guard left out of one rule."""
    rule = PLATFORM[index]
    left = tuple(g for g in rule.guards if g.name != guard)
    return (*PLATFORM[:index], replace(rule, guards=left), *PLATFORM[index + 1 :])


def first_found(rules: tuple[Rule, ...]) -> tuple[str | None, int]:
    """The invariant that the small explorations find broken, and after how many states."""
    states = 0
    for bounds in SMALL:
        explored: Explored = explore(bounds, rules)
        states += explored.states
        if explored.found is not None:
            return explored.found.invariant, states
    return None, states


def test_the_table_of_what_is_noticed_names_every_guard_of_every_rule() -> None:
    assert list(NOTICED) == [(rule.type, rule.who, guard.name) for rule in PLATFORM for guard in rule.guards]


@pytest.mark.parametrize(
    ("index", "guard", "invariant"),
    [
        pytest.param(
            index,
            guard.name,
            NOTICED.get((rule.type, rule.who, guard.name)),
            id=f"{rule.type}-{rule.who}-{guard.name}",
        )
        for index, rule in enumerate(PLATFORM)
        for guard in rule.guards
    ],
)
def test_a_guard_left_out_breaks_an_invariant(index: int, guard: str, invariant: str) -> None:
    found, states = first_found(without(index, guard))
    print(f"{PLATFORM[index].type} without {guard}: {found} after {states} states")
    assert found == invariant


STEPS = tuple(dict.fromkeys(step for steps in explore_invariants.CAN.values() for step in sorted(steps)))


def noticed_with(monkeypatch: pytest.MonkeyPatch, name: str, function: Callable[..., object]) -> str | None:
    """What the small explorations find with another function in place."""
    monkeypatch.setattr(explore_invariants, name, function)
    return first_found(PLATFORM)[0]


# `send_again` and `difference` differ by the order of two seqs, which the short form of a hand does not keep
CLOCKS = [clock for clock in (*explore_invariants.CAN, *sorted(explore_invariants.BANK_LINES)) if clock != "send_again"]


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_left_out_is_noticed(clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(view: View) -> list[Obligation]:
        return [o for o in obligations(view) if o.clock != clock]

    assert noticed_with(monkeypatch, "obligations", forgetful) in ("holder", "asked_is_due", "asked_is_open")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_left_out_is_noticed(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(role: Role, view: View) -> tuple[str, ...]:
        return tuple(s for s in next_steps(role, view) if s != step)

    assert noticed_with(monkeypatch, "next_steps", forgetful) == "holder_can_act"


def test_holders_exchanged_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def exchanged(view: View) -> list[Obligation]:
        return [replace(o, holder=o.holder.other) for o in obligations(view)]

    assert noticed_with(monkeypatch, "obligations", exchanged) in ("holder_can_act", "asked_is_open")
