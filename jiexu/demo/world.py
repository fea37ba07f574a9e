"""The world of a run: three regions' folders and registries, the bank with its mishaps, the application files."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from jiexu.demo import people
from jiexu.demo.people import Mover
from jiexu.demo.scenarios import CHENGDU, PREPARED, SCENARIOS, WENZHOU, XIAN, Scenario
from jiexu.exchange.opening import open_exchange
from jiexu.exchange.port import Exchange
from jiexu.exchange.settings import ExchangeSettings
from jiexu.exchange.topics import create, region_topics
from jiexu.region.directory.load import load_directory
from jiexu.region.registry import Bank, SqliteRegistry
from jiexu.region.registry.records import Row
from jiexu.region.registry.sample import SamplePerson, joining, sample_person
from jiexu.service.agency import BEIJING
from jiexu.service.config import Config, load_config
from jiexu.service.setup import create_root, init_region

REGIONS = (XIAN, WENZHOU, CHENGDU)
# Chengdu's agency takes these steps at a clerk's desk; the other two let them run by themselves.
CLERK_STEPS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    CHENGDU: {"outbound": {"answer": "clerk"}, "inbound": {"complete": "clerk"}}
}
COLUMNS = ("name", "document_type", "document_number", "from_scheme", "to_scheme", "outbound", "inbound", "applied_on")
ROWS_AT_ONCE = 2_000


@dataclass
class Applicant:
    """Somebody in the run: the mover, the story (None: the plain case), and the regions where it is lodged."""

    mover: Mover
    scenario: Scenario | None
    lodged_at: tuple[str, ...]
    inbounds: Mapping[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Everything that a run needs on disk."""

    folder: Path
    configs: dict[str, Config]
    applicants: list[Applicant]
    files: dict[str, Path]

    @property
    def bank(self) -> Path:
        """The bank's book."""
        return self.folder / "bank.db"


def build(folder: Path, cases: int, seed: int, kafka: str | None) -> World:
    """Make the three regions, their people and their application files: the same for the same seed."""
    folder.mkdir(parents=True, exist_ok=True)
    exchange = {"kafka": kafka} if kafka else {"embedded": str(folder / "exchange.db")}
    root = create_root(folder / "root")
    places = load_directory()
    configs = {}
    for code in REGIONS:
        file = init_region(
            folder / code,
            places.pooling_region(code),
            directory=folder / "directory.json",
            root=root,
            exchange=exchange,
            bank=folder / "bank.db",
            steps=CLERK_STEPS.get(code),
            now=datetime.now(UTC) - timedelta(days=3),
        )
        configs[code] = load_config(file)
    make_topics(open_exchange(exchange_settings(kafka, folder)))
    applicants = cast(Random(seed), cases)
    fill_registries(folder, configs, applicants)
    set_mishaps(folder / "bank.db", applicants)
    return World(folder, configs, applicants, write_applications(folder, applicants))


def exchange_settings(kafka: str | None, folder: Path) -> ExchangeSettings:
    """Where the exchange of a run is."""
    if kafka is None:
        return ExchangeSettings(embedded=str(folder / "exchange.db"))
    return ExchangeSettings.model_validate({"kafka": {"bootstrap": kafka}})


def make_topics(exchange: Exchange) -> None:
    """The topics of the three regions. On a broker of one's own they may stand from an earlier run: made anew."""
    admin = exchange.admin()
    existing = set(admin.topics())
    specs = [spec for code in REGIONS for spec in region_topics(code)]
    for spec in specs:
        if spec.name in existing:
            admin.delete(spec.name)
    create(admin, specs)
    admin.close()
    exchange.close()


def cast(random: Random, cases: int) -> list[Applicant]:
    """Who applies: every story at least once, the rest plain cases in all directions."""
    today = beijing_today()
    applicants: list[Applicant] = []
    taken: set[str] = set()
    lodged = 0
    rounds = max(1, cases // 500)
    for scenario in SCENARIOS * rounds:
        applicants.append(_story(random, scenario, _new_person(random, taken, scenario.outbound), today))
        lodged += len(applicants[-1].lodged_at)
    directions = [(a, b) for a in REGIONS for b in REGIONS if a != b]
    while lodged < cases:
        outbound, inbound = directions[lodged % len(directions)]
        person = _new_person(random, taken, outbound)
        mover = people.employee(random, person, outbound, inbound, today)
        applicants.append(Applicant(mover, None, (random.choice((outbound, inbound)),), {}))
        lodged += 1
    random.shuffle(applicants)
    return applicants


def _new_person(random: Random, taken: set[str], region: str) -> SamplePerson:
    while True:
        person = sample_person(random, region)
        if person.identity.document_number not in taken:
            taken.add(person.identity.document_number)
            return person


def _story(random: Random, scenario: Scenario, person: SamplePerson, today: date) -> Applicant:
    outbound, inbound = scenario.outbound, scenario.inbound
    third = next(code for code in REGIONS if code not in (outbound, inbound))
    if scenario.prepare == "resident":
        mover = people.resident(person, outbound, inbound, today)
    else:
        mover = people.employee(random, person, outbound, inbound, today)
    if scenario.prepare in PREPARED:
        PREPARED[scenario.prepare](mover)
    if scenario.prepare == "moved_on":
        people.moved_on(mover, random, third, today)
    if scenario.prepare == "claimed_twice":
        mover.put(third, joining(person, today, number=f"T{person.person_number}"))
    where = {"outbound": outbound, "inbound": inbound, "third": third}
    return Applicant(mover, scenario, tuple(where[side] for side in scenario.lodged), {third: third})


def fill_registries(folder: Path, configs: Mapping[str, Config], applicants: Sequence[Applicant]) -> None:
    """Put everybody into the registries that know them."""
    for code, config in configs.items():
        bank = Bank(folder / "bank.db")
        registry = SqliteRegistry(config.path(config.platform.registry), code, bank, lambda: datetime.now(UTC))
        for rows in _batches([row for a in applicants for row in a.mover.rows.get(code, ())]):
            registry.put(rows)
        registry.close()
        bank.close()


def beijing_today() -> date:
    """The day of the run, as the windows date it."""
    return datetime.now(BEIJING).date()


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def set_mishaps(file: Path, applicants: Sequence[Applicant]) -> None:
    """What will go wrong at the bank."""
    bank = Bank(file)
    for applicant in applicants:
        if applicant.scenario is not None and applicant.scenario.mishap is not None:
            bank.add_mishap(applicant.scenario.mishap(applicant.mover.document_number))
    bank.close()


def write_applications(folder: Path, applicants: Sequence[Applicant]) -> dict[str, Path]:
    """One application file per window, as a region's counter holds it."""
    files = {code: folder / f"applications-{code}.csv" for code in REGIONS}
    for code, path in files.items():
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(COLUMNS)
            for applicant in applicants:
                if code in applicant.lodged_at:
                    writer.writerow(_application(applicant, code))
    return files


def _application(applicant: Applicant, lodged_at: str) -> list[str]:
    mover = applicant.mover
    who = mover.person.identity
    inbound = mover.inbound if lodged_at in (mover.outbound, mover.inbound) else lodged_at
    return [
        who.name,
        who.document_type,
        who.document_number,
        mover.from_scheme,
        mover.to_scheme,
        mover.outbound,
        inbound,
        beijing_today().isoformat(),
    ]
