"""The watch of one service: its looks, its health, its endpoint."""

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import cast

from prometheus_client import GCCollector, Metric, ProcessCollector
from prometheus_client.registry import Collector

from jiexu.case.event import Role
from jiexu.exchange.port import Exchange
from jiexu.journal.port import Journal
from jiexu.region.platform import LocalPlatform
from jiexu.service.agency import Agency
from jiexu.service.watching.exchange_figures import ExchangeFigures
from jiexu.service.watching.figures import figure, place_of, table
from jiexu.service.watching.health import Health, Known, alive, ready
from jiexu.service.watching.journal_figures import CaseFigures, DueFigures, JournalFigures
from jiexu.service.watching.looks import Lookout, Seen
from jiexu.service.watching.pulse import Pulse, TimedPlatform
from jiexu.service.watching.server import Endpoint
from jiexu.service.watching.setup_figures import SetupFigures

ANSWER_SECONDS = 3.0
"""How long a scrape waits for looks: below Prometheus' 10 s, and a look at a sound journal takes milliseconds."""


class Watch(Collector):
    """Everything that can be asked about one service. `journal` and exchange are connections of its own."""

    def __init__(
        self,
        agency: Agency,
        role: Role,
        pulse: Pulse,
        journal: Journal,
        open_exchange: Callable[[], Exchange],
        watchdog_seconds: float,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.place = place_of(agency.region, role)
        self.pulse = pulse
        self.watchdog_seconds = watchdog_seconds
        self.answer_seconds = answer_seconds
        agency.platform = cast(LocalPlatform, TimedPlatform(agency.platform, pulse))
        self.exchange = ExchangeFigures(agency, role, journal, open_exchange)
        self.journal = JournalFigures(agency, role, journal)
        self.looks: Mapping[str, Lookout] = {
            "journal": Lookout("journal", self.journal.look, self.place),
            "exchange": Lookout("exchange", self.exchange.look, self.place),
            "cases": Lookout("cases", CaseFigures(agency, role, journal).look, self.place, share=0.02),
            "due": Lookout("due", DueFigures(agency, role, journal).look, self.place),
            "setup": Lookout("setup", SetupFigures(agency, role).look, self.place),
        }
        self.registry = pulse.registry
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._endpoint: Endpoint | None = None

    def listen(self, host: str, port: int) -> None:
        """Answer on that address."""
        self._endpoint = Endpoint(self.place, host, port, self.registry, self.alive, self.ready)
        self._endpoint.start()

    def stop(self) -> None:
        """End the endpoint and the looks."""
        if self._endpoint is not None:
            self._endpoint.stop()
        for look in self.looks.values():
            look.stop()
        self.exchange.close()

    def alive(self) -> Health:
        """Whether the loop turns."""
        return alive(self.pulse, self.watchdog_seconds)

    def ready(self) -> Health:
        """Whether the service does its work."""
        seen = self._look(["journal", "exchange"])
        return ready(
            Known(
                self.pulse,
                self.watchdog_seconds,
                seen["journal"],
                seen["exchange"],
                self.journal.ledger_waits,
                self.journal.ledger_age,
            )
        )

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not look at anything."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        pulse, place = self.pulse, self.place
        seen = self._look(list(self.looks))
        yield table(place, "jiexu_build_info", {(version("jiexu"), platform.python_version()): 1.0})
        yield figure(place, "jiexu_start_checked", float(pulse.checked))
        yield figure(place, "jiexu_loop_last_turn_timestamp_seconds", pulse.turned_when)
        yield figure(place, "jiexu_exchange_last_poll_timestamp_seconds", pulse.polled_when)
        yield figure(place, "jiexu_exchange_waits_total", pulse.waits)
        yield figure(place, "jiexu_exchange_reachable", float(seen["exchange"].ok))
        yield figure(place, "jiexu_journal_reachable", float(seen["journal"].ok))
        for one in seen.values():
            yield from one.figures
        yield table(place, "jiexu_watch_look_seconds", {(name,): look.took for name, look in self.looks.items()})
        yield table(
            place,
            "jiexu_watch_last_look_timestamp_seconds",
            {(name,): look.seen_when for name, look in self.looks.items()},
        )
        yield table(place, "jiexu_watch_failures_total", {(name,): look.failures for name, look in self.looks.items()})

    def _look(self, names: list[str]) -> dict[str, Seen]:
        """All at once, and waiting for the slowest no longer than for one."""
        for name in names:
            self.looks[name].ask()
        until = time.monotonic() + self.answer_seconds
        return {name: self.looks[name].answer(until) for name in names}
