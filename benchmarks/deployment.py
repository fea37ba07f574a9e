"""Two regions on disk with people who move between them, for the benchmarks: everything that a deployment has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from jiexu.demo import people
from jiexu.demo.people import Mover
from jiexu.exchange.opening import open_exchange
from jiexu.exchange.settings import ExchangeSettings
from jiexu.exchange.topics import create, region_topics
from jiexu.region.directory.load import load_directory
from jiexu.region.registry import Bank, SqliteRegistry
from jiexu.region.registry.records import Row
from jiexu.region.registry.sample import sample_person
from jiexu.rules.facts import Application
from jiexu.service.agency import BEIJING
from jiexu.service.config import Config, load_config
from jiexu.service.counter import Lodging
from jiexu.service.setup import JOURNAL_FILE, create_root, init_region

XIAN, WENZHOU = "610100", "330300"
REGIONS = (XIAN, WENZHOU)
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Deployment:
    """Two regions' configurations, and who moves: half of the movers each way, each lodging at the new home."""

    folder: Path
    configs: Mapping[str, Config]
    movers: Sequence[Mover]

    def config_file(self, region: str) -> Path:
        """The region's configuration file."""
        return self.folder / region / "region.toml"


def lodgings(movers: Sequence[Mover], region: str) -> list[Lodging]:
    """The applications that are lodged in that region."""
    today = datetime.now(BEIJING).date()
    return [
        Lodging(Application(m.person.identity, m.outbound, m.inbound, m.from_scheme, m.to_scheme, today))
        for m in movers
        if m.inbound == region
    ]


def deploy(
    folder: Path,
    cases: int,
    exchange: ExchangeSettings,
    *,
    batch: int | None = None,
    journals: Mapping[str, str] | None = None,
) -> Deployment:
    """Make the regions, their topics, and registries that know everybody. The same people for the same number."""
    root = create_root(folder / "root")
    places = load_directory()
    if exchange.kafka is not None:
        where = {"kafka": str(exchange.kafka.bootstrap)}
    else:
        where = {"embedded": str(exchange.embedded)}
    for code in REGIONS:
        file = init_region(
            folder / code,
            places.pooling_region(code),
            directory=folder / "directory.json",
            root=root,
            exchange=where,
            bank=folder / "bank.db",
            now=datetime.now(UTC) - timedelta(days=3),
            journal=(journals or {}).get(code, JOURNAL_FILE),
        )
        if batch is not None:
            file.write_text(f"batch = {batch}\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    opened = open_exchange(exchange)
    admin = opened.admin()
    create(admin, [spec for code in REGIONS for spec in region_topics(code)])
    admin.close()
    opened.close()
    configs = {code: load_config(folder / code / "region.toml") for code in REGIONS}
    moving = movers(cases)
    for code, config in configs.items():
        registry = SqliteRegistry(
            config.path(config.platform.registry), code, Bank(folder / "bank.db"), lambda: datetime.now(UTC)
        )
        for rows in _batches([row for mover in moving for row in mover.rows.get(code, ())]):
            registry.put(rows)
        registry.close()
    return Deployment(folder, configs, moving)


def movers(cases: int) -> list[Mover]:
    """Who moves: the same people for the same number, whatever process asks."""
    random, today = Random(20211202), datetime.now(BEIJING).date()
    taken: set[str] = set()
    found: list[Mover] = []
    while len(found) < cases:
        outbound, inbound = REGIONS if len(found) % 2 else REGIONS[::-1]
        person = sample_person(random, outbound)
        if person.identity.document_number not in taken:
            taken.add(person.identity.document_number)
            found.append(people.employee(random, person, outbound, inbound, today))
    return found


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]
