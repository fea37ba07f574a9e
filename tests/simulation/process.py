"""One process of a region: a service or a clerk's desk, with a hook at every point where it can die or be overtaken."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import structlog

from jiexu.case.event import Role
from jiexu.contract.codec import decode_event_trusted
from jiexu.exchange.port import Outgoing
from jiexu.journal.store import StoreJournal
from jiexu.region.platform import Act, Done, Refused
from jiexu.region.registry import Bank, SqliteRegistry
from jiexu.region.registry.acts import act_name
from jiexu.service.agency import Agency
from jiexu.service.config import Config
from jiexu.service.loop import Service
from services.inbound.steps import InboundPart
from services.outbound.steps import OutboundPart
from tests.simulation.broker import Broker
from tests.simulation.disk import Connection, Died, JournalDisk
from tests.simulation.exchange import Mischief, SimulatedExchange
from tests.simulation.ground import ground, index_key

PARTS = {Role.OUTBOUND: OutboundPart, Role.INBOUND: InboundPart}

# Points within a transaction: who stops here is dead, or goes on at once.
WITHIN = (
    "log_written",
    "tables_written",
    "before_commit",
    "issue.commit",
    "intake.commit",
    "claim.commit",
    "claim.begin",
    "bank.committed",
)
# Points between transactions: others may have their turn here, for as long as a paused process sleeps.
BETWEEN = (
    "begin_write",
    "begin_read",
    "after_commit",
    "send",
    "written",
    "polled",
    "perform",
    "acts.done",
    "ledger.sent",
    "relay.sent",
    "receipts.sent",
    "notices.sent",
    "personal.sent",
    "consequences.done",
    "returns.done",
)

# Events never change: both regions and every replay may share what the same bytes decode to.
decode = lru_cache(maxsize=4096)(decode_event_trusted)


class Surroundings(Protocol):
    """What a process finds around it: the world, as far as it matters here."""

    broker: Broker
    bank: "SimulatedBank"

    def at(self, process: "Process", name: str) -> None:
        """A process has reached a point."""

    def now(self, region: str) -> datetime:
        """The time by a region's clock."""

    def random_bytes(self, count: int) -> bytes:
        """From the seed."""

    def wait(self, seconds: float) -> None:
        """Let time go by."""

    def reachable(self, region: str) -> bool:
        """Whether the exchange answers that region."""

    def send_fails(self, process: "Process", topics: set[str], count: int) -> tuple[int, int]:
        """Of so many records sent: how many are written, how many are acknowledged."""

    def refuses(self, region: str) -> bool:
        """Whether the region's platform refuses an act now."""

    def pick(self, upper: int) -> int:
        """A number from 0 to below `upper`."""


class SimulatedBank(Bank):
    """The bank's book, with a point between its commit and the registry's."""

    point: Callable[[str], None]

    def batch(self) -> Any:
        """Submit several orders in one transaction."""
        return _Batch(super().batch(), self.point)


class _Batch:
    def __init__(self, inner: Any, point: Callable[[str], None]) -> None:
        self._inner = inner
        self._point = point

    def __enter__(self) -> None:
        self._inner.__enter__()

    def __exit__(self, *what: Any) -> Any:
        done = self._inner.__exit__(*what)
        if what[0] is None:
            self._point("bank.committed")
        return done


class _Platform:
    """The region's registry as one process reaches it."""

    def __init__(self, registry: SqliteRegistry, bank: SimulatedBank, process: "Process") -> None:
        self._registry = registry
        self._bank = bank
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def perform(self, acts: Sequence[Act]) -> list[Done | Refused]:
        """Do the acts."""
        process = self._process
        process.at("perform")
        self._bank.point = process.at
        known = [self._was_done(act) for act in acts]  # a repeat is told what was done, whatever is refused now
        refused = [not done and process.world.refuses(process.region) for done in known]
        results = iter(self._registry.perform([act for act, no in zip(acts, refused, strict=True) if not no]))
        return [_NOT_NOW if no else next(results) for no in refused]

    def _was_done(self, act: Act) -> bool:
        """Whether the registry has done it, or the bank has its order, which a crash left unrecorded."""
        region, name = self._process.region, act_name(act)
        return (*act.key, name) in self._registry._done([act]).known or self._bank.knows(
            "/".join((region, name, *act.key))
        )

    def close(self) -> None:
        """The registry is the disk's."""


_NOT_NOW = Refused("not_now", "暂不能办理，请稍后", "not now: try later")


class _Mischief(Mischief):
    """What the world's plan does to one process's exchange."""

    def __init__(self, world: Surroundings, process: "Process") -> None:
        self._world = world
        self._process = process

    def reachable(self) -> bool:
        return self._world.reachable(self._process.region)

    def send(self, topics: set[str], count: int) -> tuple[int, int]:
        return self._world.send_fails(self._process, topics, count)

    def share(self, waiting: int) -> int:
        return 1 + self._world.pick(waiting) if waiting > 1 else waiting

    def order(self, partitions: list[int]) -> list[int]:
        if len(partitions) > 1 and self._world.pick(2):
            return partitions[::-1]
        return partitions

    def point(self, name: str) -> None:
        self._process.at(name)


class _Exchange(SimulatedExchange):
    """The way to the broker; a dead process says no goodbye to its group."""

    def consumer(self, topic: str, group: str, start: Any) -> Any:
        made = super().consumer(topic, group, start)
        process, goodbye = self.process, made.close

        def close() -> None:
            if not process.dead:
                goodbye()

        made.close = close  # type: ignore[method-assign]
        return made

    process: "Process"


_NO_LOG = structlog.make_filtering_bound_logger(logging.CRITICAL)(None, [], {})


class _NoPulse:
    """Nobody looks at the metrics of a simulated service."""

    checked = False

    def part(self, name: str, turn: Callable[[], int]) -> int:
        return turn()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


class _Service(Service):
    """A service that writes no log and counts nothing: a hundred thousand schedules would fill a disk."""

    def __post_init__(self) -> None:
        self.pulse = _NoPulse()  # type: ignore[assignment]
        self._open_parts()
        self.log = _NO_LOG


class Process:
    """A service (`role`) or a clerk's desk (None)."""

    def __init__(
        self,
        world: Surroundings,
        config: Config,
        disk: JournalDisk,
        registry: SqliteRegistry,
        role: Role | None,
        owner: str,
    ) -> None:
        self.world, self.region, self.role, self.owner = world, config.region, role, owner
        self.dead = False
        self.observer = False  # the simulation looks through its eyes: nothing befalls it
        self.paused = False  # it stands at a point, and somebody else has his turn
        self.begun = False
        self.quiet: object = None  # what the world looked like after a turn in which nothing was left to do
        base = ground()
        exchange = _Exchange(world.broker, _Mischief(world, self), world.wait)
        exchange.process = self

        def clock() -> datetime:
            return world.now(config.region)

        self.agency = Agency(
            config=config,
            journal=StoreJournal(config.region, lambda: Connection(disk, self), clock, decode, self.at),
            exchange=exchange,
            platform=_Platform(registry, world.bank, self),
            participants=base.participants,
            places=base.places,
            calendar=base.calendar,
            signer=base.signers[config.region],
            index_key=index_key(config.region),
            clock=clock,
            random=world.random_bytes,
            fault=self.at,
            owner=owner,
        )
        self.service: Service | None = None

    def __str__(self) -> str:
        return self.owner

    def at(self, name: str) -> None:
        """A point is reached."""
        if self.observer:
            return
        if self.dead:
            raise Died(f"{self.owner} is dead")
        self.world.at(self, name)

    def turn(self) -> int:
        """The service's next turn; its first begins with the check at every start."""
        if self.service is None:
            assert self.role is not None, "a desk has no turns"
            self.service = _Service(self.agency, PARTS[self.role]())
        if not self.begun:
            self.service.begin(5.0)
            self.begun = True
            return 1
        return self.service.turn(0.0)


__all__ = ["BETWEEN", "PARTS", "WITHIN", "Outgoing", "Process", "SimulatedBank", "decode"]
