import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiexu.exchange import ExchangeSettings, open_exchange
from jiexu.exchange.kafka import KafkaSettings
from tests.exchange.place import Place
from tests.simulation.exchange import SimulatedExchange


@pytest.fixture(params=["embedded", "simulated", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """One exchange of each kind; the contract holds on all."""
    if request.param == "simulated":  # what the simulation runs on must be no invention
        yield from _used(Place(SimulatedExchange(), uuid.uuid4().hex[:8]))
        return
    if request.param == "kafka":
        bootstrap = request.getfixturevalue("kafka_bootstrap")
        settings = ExchangeSettings(kafka=KafkaSettings(bootstrap=bootstrap))
    else:
        settings = ExchangeSettings(embedded=str(tmp_path / "exchange.db"))
    yield from _used(Place(open_exchange(settings), uuid.uuid4().hex[:8]))


def _used(place: Place) -> Iterator[Place]:
    yield place
    place.close()
