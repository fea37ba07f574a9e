"""A service of a pair as whoever watches it sees it: a scrape, its values, its health."""

from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jiexu.case.event import Role
from jiexu.exchange.embedded import EmbeddedExchange
from jiexu.exchange.port import Exchange
from jiexu.service.loop import WATCHDOG_SECONDS
from jiexu.service.watching import looks
from jiexu.service.watching.catalog import CATALOG
from jiexu.service.watching.watch import Watch
from tests.service.pair import World


class Watched:
    """Scrapes of the services of a world. `answer_seconds` bounds a scrape; a sound look takes milliseconds."""

    def __init__(self, world: World, answer_seconds: float = 30.0) -> None:
        self.world = world
        self.answer_seconds = answer_seconds
        self.watches: dict[tuple[str, Role], Watch] = {}

    def watch(self, code: str, role: Role) -> Watch:
        """The watch of a service that runs, made at its first use."""
        if (code, role) not in self.watches:
            service = self.world.services[code, role]
            self.watches[code, role] = Watch(
                service.agency,
                role,
                service.pulse,
                service.agency.journal,
                self.open_exchange,
                WATCHDOG_SECONDS,
                self.answer_seconds,
            )
        return self.watches[code, role]

    def open_exchange(self) -> Exchange:
        """A connection of the watch's own."""
        return EmbeddedExchange(self.world.folder / "exchange.db", self.world.clock)

    def scrape(self, code: str, role: Role) -> str:
        """What `/metrics` answers now."""
        return generate_latest(self.watch(code, role).registry).decode()

    def values(self, code: str, role: Role, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by its labels, those of the service itself left out."""
        for family in text_string_to_metric_families(self.scrape(code, role)):
            found = {
                tuple(sample.labels[label] for label in CATALOG[name].labels): sample.value
                for sample in family.samples
                if sample.name == name
            }
            if found:
                assert {sample.labels["region"] for sample in family.samples} == {code}
                assert {sample.labels["role"] for sample in family.samples} == {role.value}
                return found
        return {}

    def value(self, code: str, role: Role, name: str) -> float:
        """The value of a metric without labels of its own."""
        return self.values(code, role, name)[()]

    def close(self) -> None:
        """End the threads that look."""
        for watch in self.watches.values():
            watch.stop()


@pytest.fixture
def watched(pair: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """The pair, watched. Every scrape looks anew."""
    monkeypatch.setattr(looks, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(looks.Lookout, "_rests", lambda self: False)
    found = Watched(pair)
    yield found
    found.close()
