"""The scheduler: regions' processes that take turns by the seed, while what the plan says goes wrong."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from jiexu.case.event import Role
from tests.simulation import clerks
from tests.simulation.disk import Died
from tests.simulation.machine import Machine
from tests.simulation.plan import Happening, Plan, Strike
from tests.simulation.process import Process
from tests.simulation.regions import Regions

DEEPEST = 3  # a paused process within a paused process within …


class World(Regions):
    """One schedule."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        super().__init__(machine, plan)
        self.reached: Counter[str] = Counter()
        self.struck: set[str] = set()
        self.strikes = {(s.point, s.nth): s for s in plan.strikes}
        self.struck_points = {s.point for s in plan.strikes}
        self.copying = any(s.kind == "old_copy" for s in plan.strikes)
        self.happenings: dict[int, list[Happening]] = {}
        self.doers: dict[str, Callable[[Happening], None]] = {}
        for one in plan.happenings:
            self.happenings.setdefault(one.step, []).append(one)
        for code in plan.codes:
            for role in Role:
                self.start(code, role)

    # --- points

    def at(self, process: Process, name: str) -> None:
        """A process has reached a point: does something happen there?"""
        if self.calm or name not in self.struck_points:
            return
        self.reached[name] += 1
        strike = self.strikes.get((name, self.reached[name]))
        if strike is not None:
            self._strike(process, strike)

    def _strike(self, process: Process, strike: Strike) -> None:
        self.struck.add(strike.point)
        match strike.kind:
            case "crash":
                self.tell(f"{process} dies at {strike.point}", "crash")
                process.dead = True
            case "power_cut" | "old_copy":
                self.tell(f"{process.region}: {strike.kind} at {strike.point}", strike.kind)
                process.dead = True
                self.pending_cut = strike.kind, process.region
            case "clerk_first":
                self._pause(process, strike, replaced=False)
            case "zombie" if process.role is not None:
                self._pause(process, strike, replaced=True)
            case _:
                self._pause(process, strike, replaced=False)
        if process.dead:
            raise Died(f"{process} at {strike.point}")

    def _pause(self, process: Process, strike: Strike, replaced: bool) -> None:
        """The process stops here for a while; the others go on, and where it is `replaced` its new copy too."""
        busy = any(journal.busy for journal in self.machine.journals.values())
        if self.depth >= DEEPEST or busy:
            return
        self.tell(f"{process} pauses at {strike.point}", strike.kind)
        if replaced:
            assert process.role is not None, "only services have a supervisor"
            self.wait(20)  # its group has forgotten it
            self.start(process.region, process.role)
        self.depth += 1
        process.paused = True
        if strike.kind == "clerk_first":
            clerks.some_act(self, process.region, self.random)
        else:
            for _ in range(strike.steps):
                self.one_step()
        process.paused = False
        self.depth -= 1
        self.tell(f"{process} goes on at {strike.point}")

    # --- steps

    def run(self) -> None:
        """All steps of the plan."""
        while self.step < self.plan.steps and not self.violations:
            self.one_step()

    def one_step(self) -> None:
        """Something happens, or one process has its turn."""
        self.step += 1
        self.time += timedelta(seconds=self.random.choice((0.01, 0.1, 1, 10)))
        if self.plan.disaster and self.early is None and (self.plan.bare or self.step > self.plan.steps // 2):
            self._remember(self.plan.disaster)
        if self.copying and self.random.random() < 0.3:
            self.backup(self.random.choice(self.plan.codes))
        for happening in self.happenings.pop(self.step, ()):
            self.doers[happening.kind](happening)
        for service, step in list(self.restarts.items()):
            if step <= self.step and self.off.get(service[0], 0) <= self.step:
                del self.restarts[service]
                self.start(*service)
        ready = [p for p in self.services if not p.paused and not self.resting(p)]
        if ready:
            self.turn(self.random.choice(ready))

    def turn(self, process: Process) -> int:
        """One turn of a service."""
        before = self.surroundings(process)  # not after: others may have had their turns within this one
        worked = self.guarded(process, process.turn)
        process.quiet = before if worked == 0 else None
        return worked or 0

    def surroundings(self, process: Process) -> object:
        """All from which work can come to a service: while it is the same, a turn after an idle one is idle too."""
        code = process.region
        tens = int(self.now(code).timestamp()) // 600
        journal = self.machine.journals[code].frontier()
        return journal, self.bank._db.total_changes, self.broker.version, self.reachable(code), tens

    def resting(self, process: Process) -> bool:
        """Whether a turn would do nothing."""
        return process.quiet is not None and process.quiet == self.surroundings(process)

    def settle(self, longest: int = 400) -> None:
        """Turn until nothing is left to do, also once what looks at clocks has had its turn."""
        for _ in range(longest):
            self.wait(0.5)
            ready = [p for p in self.services if not self.resting(p)]
            for process in ready:
                self.turn(process)
            if self.violations:
                return
            if not ready:
                self.wait(31)
                if not sum([self.turn(process) for process in list(self.services)]):
                    return
        self.violations.append("nothing comes to rest")
