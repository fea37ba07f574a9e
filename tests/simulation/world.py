"""The scheduler: regions' processes that take turns by the seed, while what the plan says goes wrong."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast

from jiexu.audit.rebuild import _lines_of as lines_of
from jiexu.case.event import Role
from jiexu.exchange.port import ExchangeError, Outgoing
from jiexu.exchange.topics import create, region_topics, topic_name
from jiexu.journal.restoring import UNCHECKED
from jiexu.service.agency import Agency
from jiexu.service.startup import check_if_restored
from tests.simulation import clerks
from tests.simulation.disk import Died
from tests.simulation.exchange import Broker, SimulatedAdmin
from tests.simulation.ground import PARTITIONS, START, ground
from tests.simulation.machine import Machine
from tests.simulation.plan import Happening, Plan, Strike
from tests.simulation.process import Process

T = TypeVar("T")
LONGEST_WAIT = 3_000
DEEPEST = 3  # a paused process within a paused process within …


class Violation(Exception):
    """Something happened that must not."""


class World:
    """One schedule."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        self.machine, self.plan = machine, plan
        self.random = Random(f"interleaving {plan.seed}")
        self.ids = Random(f"ids {plan.seed}")
        self.time = START
        self.skew: dict[str, timedelta] = {}
        machine.begin(self.now, self.random_bytes)
        self.bank = machine.bank
        self.broker = Broker(lambda: self.time, lambda: self.random_bytes(8).hex())
        admin = SimulatedAdmin(self.broker)
        for code in plan.codes:
            create(admin, region_topics(code, PARTITIONS))
        self.configs = {
            code: ground().configs[code].model_copy(update={"steps": plan.modes.get(code, {})}) for code in plan.codes
        }
        self.services: list[Process] = []
        self.desks: dict[str, Process] = {}
        self.observers: dict[str, Process] = {}
        self.restarts: dict[tuple[str, Role], int] = {}  # service → step at which its supervisor starts it again
        self.off: dict[str, int] = {}  # region → step until which it is switched off
        self.ledger_away: dict[str, int] = {}  # region → step until which its ledger takes nothing
        self.backups: dict[str, bytes] = {}  # region → the last copy of its journal
        self.early: tuple[bytes, int] | None = None  # of the region of a disaster: its journal, and its last position
        self.copying = any(s.kind == "old_copy" for s in plan.strikes)
        self.away: dict[str, int] = {}  # region → step until which the exchange does not answer it
        self.step = 0
        self.depth = 0
        self.calm = False
        self.sent = 0
        self.reached: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.violations: list[str] = []
        self.cause: BaseException | None = None
        self.pending_cut = "", ""  # power_cut or old_copy, and the region that it befalls once its process has stopped
        self.accepted: dict[str, str] = {}  # case → region that told the applicant so
        self.perhaps: Counter[tuple[str, Role]] = Counter()  # what was garbage there and has expired, read or not
        self.truncated: set[tuple[str, Role]] = set()  # mailboxes that lost their tail
        self.refusing: dict[str, int] = {}  # region → step until which its platform refuses acts
        self.waits = 0
        self.known: set[int] = set()  # movers that the registries know
        self.planted: defaultdict[tuple[str, Role], list[bytes]] = defaultdict(list)  # garbage by mailbox
        self.story: list[str] = []  # what happened, for --trace
        self.strikes = {(s.point, s.nth): s for s in plan.strikes}
        self.sends = dict(plan.sends)
        self.struck_points = {s.point for s in plan.strikes}
        self.happenings: dict[int, list[Happening]] = {}
        self.doers: dict[str, Callable[[Happening], None]] = {}
        for one in plan.happenings:
            self.happenings.setdefault(one.step, []).append(one)
        for code in plan.codes:
            for role in Role:
                self.start(code, role)

    # --- what processes find around them

    def now(self, region: str) -> datetime:
        """The time by a region's clock."""
        return self.time + self.skew[region] if region in self.skew else self.time

    def random_bytes(self, count: int) -> bytes:
        """From the seed."""
        return self.ids.randbytes(count)

    def wait(self, seconds: float) -> None:
        """Let time go by; somebody who waits again and again waits in vain."""
        self.waits += 1
        if self.waits > LONGEST_WAIT:
            raise Violation("somebody waits for ever")
        self.time += timedelta(seconds=seconds)

    def pick(self, upper: int) -> int:
        """A number below `upper`; 0 once everything is calm."""
        return 0 if self.calm and upper <= 2 else upper - 1 if self.calm else self.random.randrange(upper)

    def reachable(self, region: str) -> bool:
        """Whether the exchange answers that region."""
        return self.calm or self.step >= max(self.away.get(region, 0), self.away.get("", 0))

    def send_fails(self, process: Process, topics: set[str], count: int) -> tuple[int, int]:
        """How the nth send of all fails, by the plan."""
        self.sent += 1
        code = process.region
        if not self.calm and self.step < self.ledger_away.get(code, 0) and topic_name(code, "ledger") in topics:
            return 0, -1
        how = None if self.calm else self.sends.get(self.sent)
        if how is None:
            return count, count
        self.tell(f"{process}: send {how}", f"send_{how}")
        written = {"lost": 0, "written": count, "half": count // 2}[how]
        return written, -1

    def refuses(self, region: str) -> bool:
        """Whether the region's platform refuses an act now."""
        return not self.calm and self.step < self.refusing.get(region, 0) and self.random.random() < 0.7

    def tell(self, what: str, fault: str = "") -> None:
        """Note what happened."""
        if fault:
            self.faults[fault] += 1
        self.story.append(f"{self.step:3} {self.time:%m-%d %H:%M:%S} {'  ' * self.depth}{what}")

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

    # --- processes

    def start(self, code: str, role: Role) -> Process:
        """Start a service's process."""
        process = self._process(code, role, f"{code}.{role}")
        self.services.append(process)
        return process

    def _process(self, code: str, role: Role | None, owner: str) -> Process:
        machine = self.machine
        return Process(self, self.configs[code], machine.journals[code], machine.registries[code], role, owner)

    def desk(self, code: str) -> Process:
        """The clerk's command line: a process of its own."""
        found = self.desks.get(code)
        if found is None or found.dead or found.paused:
            found = self.desks[code] = self._process(code, None, f"{code}.desk.{self.step}")
        return found

    def eyes(self, code: str) -> Agency:
        """A region's agency through which the simulation itself looks and acts; nothing befalls it."""
        if code not in self.observers:
            self.observers[code] = self._process(code, None, "the simulation")
            self.observers[code].observer = True
        return self.observers[code].agency

    def at_desk(self, code: str, what: Callable[[Agency], T]) -> T | None:
        """A clerk's command; None where it was broken off."""
        desk = self.desk(code)

        def command() -> T:
            check_if_restored(desk.agency)
            return what(desk.agency)

        return cast("T | None", self.guarded(desk, command))

    def bury(self, process: Process) -> None:
        """A process is gone; its supervisor starts the service again where no other copy runs."""
        process.dead = True
        if process in self.services:
            self.services.remove(process)
        role = process.role
        if role is not None and not any((p.region, p.role) == (process.region, role) for p in self.services):
            self.restarts[process.region, role] = self.step + self.random.randint(0, 5)

    def kill_region(self, code: str) -> None:
        """All of a region's processes end at once."""
        for process in [p for p in (*self.services, *self.desks.values()) if p.region == code]:
            self.bury(process)

    def guarded(self, process: Process, what: Callable[[], Any]) -> Any:
        """Let a process do something; it may die, and must not fail by itself."""
        try:
            return what()
        except Died:
            self.bury(process)
        except ExchangeError:
            return None
        except Violation:
            raise
        except Exception as error:
            self.violations.append(f"{process} died by itself: {type(error).__name__}: {error}")
            self.tell(self.violations[-1])
            self.cause = self.cause or error
            self.bury(process)
        finally:
            self._cut()
        return None

    def _cut(self) -> None:
        """What a strike began: the machine of the region stops once its process has let go of the journal."""
        kind, code = self.pending_cut
        if not code or self.machine.journals[code].busy:
            return
        self.pending_cut = "", ""
        if kind == "old_copy" and code in self.backups:
            self.restore(code)
            return
        self.kill_region(code)
        lost = self.machine.journals[code].power_cut()
        if lost:
            self.tell(f"{code}: {lost} commits are gone", "commits_lost")

    def _remember(self, code: str) -> None:
        """The copy that a disaster will leave: one whose every line the ledger holds."""
        journal = self.machine.journals[code]
        if journal.busy:
            return
        (last,), (cursor,) = (
            journal.db.execute("SELECT last FROM head").fetchone(),
            journal.db.execute("SELECT coalesce(max(position), 0) FROM cursors WHERE name = 'ledger'").fetchone(),
        )
        if last and last == cursor:
            self.early = journal.copy(), last

    def backup(self, code: str) -> bool:
        """Copy a region's journal, unless a block is open in it."""
        journal = self.machine.journals[code]
        if not journal.busy:
            self.backups[code] = journal.copy()
        return not journal.busy

    def restore(self, code: str) -> None:
        """The disk is lost; the last copy of the journal takes its place."""
        self.kill_region(code)
        self._lost_with_the_disk(code)
        self.put_back(code, self.backups[code])
        self.tell(f"{code}: the old copy is restored", "backup_restored")

    def put_back(self, code: str, copy: bytes) -> None:
        """As `jiexu journal restore` does: under a new incarnation, with word that it was not checked yet."""
        self.machine.journals[code].restore(copy)
        with self.eyes(code).journal.write() as write:
            write.renew_incarnation()
            write.set_note(UNCHECKED, "1")

    def _lost_with_the_disk(self, code: str) -> None:
        """What no ledger holds is gone with its disk, and nobody can know it; what the ledger holds must come back."""
        ledger = self.broker.topic(topic_name(code, "ledger")).partitions[0]
        held = {line.position for record in ledger.records for line in lines_of(record)}
        with self.eyes(code).journal.read() as read:
            for case_id in [case_id for case_id, at in self.accepted.items() if at == code]:
                first = min((e.position for e in read.case_events(case_id)), default=0)
                if first not in held:
                    del self.accepted[case_id]
                    self.tell(f"{code}: {case_id[-6:]} is lost with the disk: no ledger held it")

    # --- steps

    def run(self) -> None:
        """All steps of the plan."""
        while self.step < self.plan.steps and not self.violations:
            self.one_step()

    def one_step(self) -> None:
        """Something happens, or one process has its turn."""
        self.step += 1
        self.time += timedelta(seconds=self.random.choice((0.01, 0.1, 1, 10)))
        if self.plan.disaster and self.early is None and self.step > self.plan.steps // 2:
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

    def post(self, code: str, role: Role, partition: int, value: bytes) -> None:
        """Put bytes into a mailbox."""
        self.broker.append(Outgoing(topic_name(code, role.value), partition, None, value))
