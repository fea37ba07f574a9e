"""Running schedules: one seed, or many on several cores."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial

from jiexu.audit.replay import uncollected
from jiexu.service.doubt import UNHEARD
from tests.simulation import happenings
from tests.simulation.checks import problems, waiting_for_nobody
from tests.simulation.disaster import after_disaster, disaster, remind
from tests.simulation.environment import Violation
from tests.simulation.finish import finish
from tests.simulation.machine import Machine
from tests.simulation.plan import Plan, draw
from tests.simulation.taking_back import known_to_nobody, still_waiting, take_all_back
from tests.simulation.world import World

ROUNDS = 6  # of taking back: what one brings lets partners send what the next one rests on
COLLECT_EVERY = 20  # schedules between two collections of cycles: some megabytes


@dataclass
class Outcome:
    """How a schedule ended."""

    plan: Plan
    violations: list[str]
    faults: Counter[str]
    points: set[str] = field(default_factory=set)
    story: list[str] = field(default_factory=list)
    cause: BaseException | None = None

    @property
    def seed(self) -> int:
        """The plan's."""
        return self.plan.seed


def machine(store: str = "sqlite") -> Machine:
    """This process's disks, with journals in SQLite or PostgreSQL."""
    return _machine(store)


@cache
def _machine(store: str) -> Machine:
    if store == "postgresql":
        from tests.simulation.postgres_disk import PostgresDisk, server

        made = Machine(partial(PostgresDisk, server=server()))
    else:
        made = Machine()
    gc.freeze()
    return made


def run(plan: Plan, on: Machine | None = None) -> Outcome:
    """Run one plan to its end and look at what is left."""
    on = on or machine()
    if plan.seed % COLLECT_EVERY == 0:
        gc.collect()
    with uncollected(), on.seams():
        world = World(on, plan)
        world.doers = happenings.doers(world)
        for stage in _stages(world):
            try:
                if not world.violations:
                    stage(world)
            except Violation as violation:
                world.violations.append(str(violation))
    return Outcome(plan, world.violations, world.faults, world.struck, world.story, world.cause)


def _stages(world: World) -> Iterator[Callable[[World], None]]:
    yield _disturbed
    if world.halted:
        return  # a region that must not start before a person has come: nothing comes to rest without it
    if world.lost_together:
        yield _lost_together
    else:
        yield from (_disaster,) if world.plan.disaster and world.plan.midway else (_quiet, _finished, _disaster)


def _disturbed(world: World) -> None:
    world.run()


def _quiet(world: World) -> None:
    quiesce(world)
    if not world.violations:
        world.violations += waiting_for_nobody(world)


def _finished(world: World) -> None:
    world.violations += [f"no end: {left}" for left in finish(world)]
    if not world.violations:
        world.violations += [*problems(world), *waiting_for_nobody(world)]


def _disaster(world: World) -> None:
    if world.plan.disaster:
        disaster(world, world.plan.disaster)
        quiesce(world)
        _recover(world, [world.plan.disaster])


def _lost_together(world: World) -> None:
    quiesce(world)
    remind(world)
    quiesce(world)
    _recover(world, sorted(world.lost_together))


def _recover(world: World, codes: list[str]) -> None:
    """Nothing was done that cannot be mended; then clerks take back what partners hold, and all is as if nothing had
    been."""
    for code in codes:
        world.violations += [] if world.violations else after_disaster(world, code)
    for _ in range(ROUNDS):
        moved = 0 if world.violations else sum([take_all_back(world, code) for code in codes])
        if not moved:
            break
        quiesce(world)
    world.recovered = True
    for code in codes:
        world.violations += still_waiting(world, code)
        known_to_nobody(world, code)
    if not world.violations:
        _finished(world)


def quiesce(world: World) -> None:
    """Faults stop; time goes on until nothing is left to do."""
    world.calm = True
    world.tell("everything is calm from here")
    latest = max([timedelta(), *world.skew.values()])
    world.skew.clear()
    world.time += latest
    for service in world.restarts:
        world.start(*service)
    world.restarts.clear()
    # Twice more than a week: an answer may wait for a forged event to be given up, and what it shows missing as well.
    for hours in (0.05, 1.1, 25, 25, 25, 200, 200):
        world.wait(hours * 3600)
        world.settle()
        if world.violations or settled(world):
            return


def settled(world: World) -> bool:
    """Nothing is on its way, and nothing waits for a time to come."""
    for code in world.plan.codes:
        with world.eyes(code).journal.read() as read:
            waits = read.unreceipted(limit=1) or read.held() or read.open_claims() or read.todos(code=UNHEARD)
            waits = waits or read.note("refused_returns:inbound") not in (None, "{}")
        timed = world.machine.journals[code].sql.rows("SELECT 1 FROM agenda LIMIT 1")
        if waits or timed:
            return False
    late = world.bank._db.execute("SELECT 1 FROM lines WHERE number IS NULL LIMIT 1").fetchone()
    return late is None


def run_seed(seed: int, store: str = "sqlite") -> Outcome:
    """The schedule of a seed."""
    return run(draw(seed), machine(store))
