import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiexu.exchange import ExchangeSettings, open_exchange
from jiexu.exchange.kafka import KafkaSettings
from tests.exchange.place import Place


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """One exchange of each kind; the contract holds on both."""
    if request.param == "kafka":
        bootstrap = request.getfixturevalue("kafka_bootstrap")
        settings = ExchangeSettings(kafka=KafkaSettings(bootstrap=bootstrap))
    else:
        settings = ExchangeSettings(embedded=str(tmp_path / "exchange.db"))
    place = Place(open_exchange(settings), uuid.uuid4().hex[:8])
    yield place
    place.close()
