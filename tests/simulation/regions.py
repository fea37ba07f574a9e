"""The regions' processes and disks: how they start, die, are restored, and what a clerk's command is."""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar, cast

from jiexu.audit.rebuild import _lines_of as lines_of
from jiexu.case.event import Role
from jiexu.exchange.port import ExchangeError, Record
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import JournalConflict
from jiexu.journal.restoring import UNCHECKED
from jiexu.service.agency import Agency
from jiexu.service.startup import check_if_restored
from tests.simulation.disk import Died
from tests.simulation.environment import Environment, Violation
from tests.simulation.ground import ground
from tests.simulation.machine import Machine
from tests.simulation.plan import Plan
from tests.simulation.process import Process

T = TypeVar("T")


class Regions(Environment):
    """Each region has a disk, two services and a desk."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        super().__init__(plan)
        self.machine = machine
        machine.begin(self.now, self.random_bytes)
        self.bank = machine.bank
        self.configs = {
            code: ground().configs[code].model_copy(update={"steps": plan.modes.get(code, {})}) for code in plan.codes
        }
        self.services: list[Process] = []
        self.desks: dict[str, Process] = {}
        self.observers: dict[str, Process] = {}
        self.restarts: dict[tuple[str, Role], int] = {}  # service → step at which its supervisor starts it again
        self.off: dict[str, int] = {}  # region → step until which it is switched off
        self.pending_cut = "", ""  # power_cut or old_copy, and the region that it befalls once its process has stopped
        self.backups: dict[str, Any] = {}  # region → the last copy of its journal
        self.early: tuple[Any, int] | None = None  # of the region of a disaster: its journal, and its last position
        # Regions of which journal and ledger have lost the same lines: nobody in them can know what was signed there.
        self.lost_together: set[str] = set()
        self.halted: set[str] = set()  # of these, regions that must not start: their ledger has a gap for ever
        self.disks_lost: Counter[str] = Counter()  # region → how often
        self._written: Counter[str] = Counter()  # region → the highest line that its ledger ever held

    def at(self, process: Process, name: str) -> None:
        """A process has reached a point."""
        raise NotImplementedError

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
        except JournalConflict as conflict:
            if process.region not in self.halted:
                self._died_by_itself(process, conflict)
            self.bury(process)
        except Violation:
            raise
        except Exception as error:
            self._died_by_itself(process, error)
            self.bury(process)
        finally:
            self._cut()
        return None

    def _died_by_itself(self, process: Process, error: Exception) -> None:
        self.violations.append(f"{process} died by itself: {type(error).__name__}: {error}")
        self.tell(self.violations[-1])
        self.cause = self.cause or error

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
        """The copy that a disaster will leave: one whose every line the ledger holds, or an empty one."""
        journal = self.machine.journals[code]
        if journal.busy:
            return
        last, cursor, _ = journal.frontier()
        if last == cursor and bool(last) is not self.plan.bare:
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
        self.disks_lost[code] += 1
        self._lost_with_the_disk(code)
        self.put_back(code, self.backups[code])
        self.tell(f"{code}: the old copy is restored", "backup_restored")
        self._look_at_both(code)

    def lose_ledger_end(self, code: str, records: int, with_services: bool) -> None:
        """The ledger loses its last records; the journal stands, and its services end too or run on."""
        self._look_at_both(code)
        held = self._ledger(code)
        del held[len(held) - records :]
        self.broker.version += 1
        if with_services:
            self.kill_region(code)
        self.tell(f"{code}: the ledger lost its last {records} records", "ledger_lost")
        self._look_at_both(code)

    def _ledger(self, code: str) -> list[Record]:
        return self.broker.topic(topic_name(code, "ledger")).partitions[0].records

    def _look_at_both(self, code: str) -> None:
        """Whether what the ledger held once, and partners may know, stands in neither of the two any more."""
        lines = {line.position for record in self._ledger(code) for line in lines_of(record)}
        last = self.machine.journals[code].frontier()[0]
        self._written[code] = max(self._written[code], *lines, 0)
        held = next(position for position in range(self._written[code] + 1) if position + 1 not in lines)
        if max(held, last) < self._written[code]:
            self.lost_together.add(code)
            self.tell(f"{code}: journal and ledger have lost the same lines", "lost_together")
            if max(lines, default=0) > max(held, last):
                self.halted.add(code)

    def put_back(self, code: str, copy: bytes) -> None:
        """As `jiexu journal restore` does: under a new incarnation, with word that it was not checked yet."""
        self.machine.journals[code].restore(copy)
        with self.eyes(code).journal.write() as write:
            write.renew_incarnation()
            write.set_note(UNCHECKED, "1")

    def forget_unless_held(self, case_id: str, code: str) -> None:
        """An application was acknowledged after the disk was gone on which it stood; has the ledger held it?"""
        named = bytes.fromhex(case_id)
        if not any(named in line.payload for record in self._ledger(code) for line in lines_of(record)):
            del self.accepted[case_id]
            self.tell(f"{code}: {case_id[-6:]} was lost with the disk: no ledger held it")

    def _lost_with_the_disk(self, code: str) -> None:
        """What no ledger holds is gone with its disk, and nobody can know it; what the ledger holds must come back."""
        held = {line.position for record in self._ledger(code) for line in lines_of(record)}
        with self.eyes(code).journal.read() as read:
            for case_id in [case_id for case_id, at in self.accepted.items() if at == code]:
                first = min((e.position for e in read.case_events(case_id)), default=0)
                if first not in held:
                    del self.accepted[case_id]
                    self.tell(f"{code}: {case_id[-6:]} is lost with the disk: no ledger held it")
