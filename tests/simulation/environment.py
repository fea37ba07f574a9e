"""What surrounds the processes of a schedule: time, randomness, the exchange's and the platforms' moods, the story."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from random import Random

from jiexu.case.event import Role
from jiexu.exchange.port import Outgoing
from jiexu.exchange.topics import create, region_topics, topic_name
from tests.simulation.broker import Broker, SimulatedAdmin
from tests.simulation.ground import PARTITIONS, START
from tests.simulation.plan import Plan
from tests.simulation.process import Process

LONGEST_WAIT = 3_000


class Violation(Exception):
    """Something happened that must not."""


class Environment:
    """Everything here comes from the plan's seed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = Random(f"interleaving {plan.seed}")
        self.ids = Random(f"ids {plan.seed}")
        self.time = START
        self.skew: dict[str, timedelta] = {}  # region → how much its clock is off
        self.step = 0
        self.depth = 0  # of processes that are paused within each other's pauses
        self.calm = False  # faults have stopped
        self.waits = 0
        self.sent = 0
        self.sends = dict(plan.sends)
        self.broker = Broker(lambda: self.time, lambda: self.random_bytes(8).hex())
        for code in plan.codes:
            create(SimulatedAdmin(self.broker), region_topics(code, PARTITIONS))
        # Steps until which a region's exchange ("" for all), ledger or platform does not do what it should.
        self.away: dict[str, int] = {}
        self.ledger_away: dict[str, int] = {}
        self.refusing: dict[str, int] = {}
        # By mailbox: what was put in that must be parked, how much more may be, and whether its tail was lost.
        self.planted: defaultdict[tuple[str, Role], list[bytes]] = defaultdict(list)
        self.perhaps: Counter[tuple[str, Role]] = Counter()
        self.recovered = False  # whether regions lost journal and ledger together, and took back what partners had
        self.truncated: set[tuple[str, Role]] = set()
        self.known: set[int] = set()  # movers that the registries know
        self.accepted: dict[str, str] = {}  # case → region that told the applicant so
        self.faults: Counter[str] = Counter()
        self.violations: list[str] = []
        self.cause: BaseException | None = None
        self.story: list[str] = []  # what happened, for --trace

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

    def post(self, code: str, role: Role, partition: int, value: bytes) -> None:
        """Put bytes into a mailbox."""
        self.broker.append(Outgoing(topic_name(code, role.value), partition, None, value))
