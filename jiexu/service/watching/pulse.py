"""The pulse of a service: what its loop says of itself while it turns. Kept in memory, read by another thread.

Every method is a few microseconds and cannot fail the loop: a turn handles hundreds of cases, so what it costs is lost
in the noise (docs/operations.md gives the figures).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from jiexu.case.event import Role
from jiexu.journal.port import NewClaim
from jiexu.region.platform import Act, LocalPlatform
from jiexu.service.agency import Agency
from jiexu.service.watching.catalog import CATALOG
from jiexu.service.work import Outcome, RolePart, Work

# From a part that finds nothing to do, over an idle turn (0.05 s), to a call that outlives its timeout; the watchdog
# strikes at 300 s.
BUCKETS = (0.001, 0.005, 0.02, 0.06, 0.15, 0.5, 2.0, 10.0, 60.0)


class Pulse:
    """Times, counts and signs of life of one service."""

    def __init__(self, region: str, role: Role) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began says nothing, and it would be a third of the answer
        self.registry = CollectorRegistry()
        self.place = (region, role.value)
        self.turned_at = time.monotonic()
        self.turned_when = time.time()
        self.polled_when = 0.0
        self.checked = False
        self.waits = 0
        self.away: tuple[str, str] | None = None  # why the loop waits, in Chinese and in English
        self._turn_seconds = self._histogram("jiexu_loop_turn_seconds").labels(*self.place)
        self._part_seconds = self._histogram("jiexu_loop_part_seconds")
        self._part_work = self._counter("jiexu_loop_work_total")
        self._step_seconds = self._histogram("jiexu_step_seconds")
        self._step_cases = self._counter("jiexu_step_cases_total")
        self._platform_seconds = self._histogram("jiexu_platform_seconds")
        self._parts: dict[str, tuple[Any, Any]] = {}
        self._steps: dict[str, tuple[Any, Any]] = {}

    def part(self, name: str, turn: Callable[[], int]) -> int:
        """Give a part its turn, and note how long it took and how much it did."""
        started = time.perf_counter()
        done = turn()
        seconds, work = self._parts.get(name) or self._new(self._parts, name, self._part_seconds, self._part_work)
        seconds.observe(time.perf_counter() - started)
        if done:
            work.inc(done)
        return done

    def step(self, name: str, seconds: float, cases: int) -> None:
        """Note how long it took to decide a step in so many cases."""
        took, looked_at = self._steps.get(name) or self._new(self._steps, name, self._step_seconds, self._step_cases)
        took.observe(seconds)
        looked_at.inc(cases)

    def called(self, name: str, seconds: float) -> None:
        """Note how long a call of the local platform took."""
        self._platform_seconds.labels(*self.place, name).observe(seconds)

    def turned(self, seconds: float) -> None:
        """A turn of the loop has ended."""
        self._turn_seconds.observe(seconds)
        self.away = None
        self.alive()

    def polled(self) -> None:
        """The exchange answered a poll, be it with nothing."""
        self.polled_when = time.time()

    def alive(self) -> None:
        """What takes long here is not stuck."""
        self.turned_at = time.monotonic()
        self.turned_when = time.time()

    def waiting(self, zh: str, en: str) -> None:
        """The turn could not be ended: the exchange or the journal is away, and the loop waits. That is no death."""
        self.waits += 1
        self.away = (zh, en)
        self.alive()

    def still(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self.turned_at

    def _new(self, known: dict[str, tuple[Any, Any]], name: str, seconds: Histogram, count: Counter) -> tuple[Any, Any]:
        known[name] = seconds.labels(*self.place, name), count.labels(*self.place, name)
        return known[name]

    def _histogram(self, name: str) -> Histogram:
        spec = CATALOG[name]
        return Histogram(name, spec.help, ("region", "role", *spec.labels), registry=self.registry, buckets=BUCKETS)

    def _counter(self, name: str) -> Counter:
        spec = CATALOG[name]
        return Counter(name, spec.help, ("region", "role", *spec.labels), registry=self.registry)


class TimedPlatform:
    """A local platform whose calls are timed by name. What is no call is the platform's own."""

    def __init__(self, platform: LocalPlatform, pulse: Pulse) -> None:
        self._platform = platform
        self._pulse = pulse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._platform, name)
        if not callable(found):
            return found

        def timed(*given: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return found(*given, **named)
            finally:
                self._pulse.called(name, time.perf_counter() - started)

        return timed


class TimedPart:
    """A role's part whose decisions are timed, step by step; everything else is the part's own."""

    def __init__(self, part: RolePart, pulse: Pulse) -> None:
        self._part = part
        self._pulse = pulse
        self.role = part.role

    def decide(self, agency: Agency, step: str, works: Sequence[Work]) -> Sequence[Outcome]:
        """As the part decides."""
        started = time.perf_counter()
        try:
            return self._part.decide(agency, step, works)
        finally:
            self._pulse.step(step, time.perf_counter() - started, len(works))

    def act(self, agency: Agency, work: Work, claim: NewClaim, spec: Mapping[str, Any]) -> Act:
        """As the part acts."""
        return self._part.act(agency, work, claim, spec)

    def clerk_act(self, agency: Agency, work: Work, name: str, details: Mapping[str, Any]) -> Outcome:
        """As the part decides a clerk's act."""
        return self._part.clerk_act(agency, work, name, details)

    def booked(self, agency: Agency, works: Sequence[Work]) -> Sequence[tuple[Any, ...]]:
        """As the part reads the bank's book."""
        return self._part.booked(agency, works)
