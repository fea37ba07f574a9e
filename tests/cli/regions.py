"""The command line called in a pair of regions, under the clock that the pair is turned by."""

from collections.abc import Callable

import pytest

from jiexu.service.agency import Agency
from jiexu.service.config import Config
from tests.service.pair import World, pair, regions_on_disk

from .conftest import Answer, Jiexu

__all__ = ["At", "at", "pair", "regions_on_disk"]

At = Callable[..., Answer]


@pytest.fixture
def at(pair: World, jiexu: Jiexu, monkeypatch: pytest.MonkeyPatch) -> At:
    """Call `jiexu` with these words in one of the regions."""

    def open_agency(config: Config, owner: str | None = None) -> Agency:
        return pair._open(config.region, owner or "cli")

    monkeypatch.setattr("jiexu.service.wiring.open_agency", open_agency)
    for module in ("agency", "wiring"):
        monkeypatch.setattr(f"jiexu.service.{module}.utc_now", pair.clock)

    def call(code: str, *words: object) -> Answer:
        return jiexu(*words, "--config", pair.folder / code / "region.toml")

    return call
