"""Making a failing plan smaller: leave out what it fails without."""

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.plan import Plan
from tests.simulation.run import run


def shrunk(plan: Plan) -> Plan:
    """The smallest plan found that still violates something; every part of it is needed."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _without_one(plan):
            if run(candidate).violations:
                plan, smaller = candidate, True
                break
    return plan


def _without_one(plan: Plan) -> Iterator[Plan]:
    for name in ("happenings", "strikes", "sends"):
        parts = getattr(plan, name)
        for index in range(len(parts)):
            yield replace(plan, **{name: parts[:index] + parts[index + 1 :]})
    for code in plan.modes:
        yield replace(plan, modes={other: modes for other, modes in plan.modes.items() if other != code})
