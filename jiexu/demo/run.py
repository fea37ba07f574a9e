"""One run: lodge, start six services, let the clerks work, wait until every case has ended or waits, stop, prove."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from jiexu.audit.compare import RunReport, compare_all
from jiexu.audit.money import MoneyReport, money_of
from jiexu.audit.replay import Replayed, replay_journal
from jiexu.case.event import Role
from jiexu.demo.desk import BulkDesk, Drama, Office, Waiting
from jiexu.demo.scenarios import CHENGDU, SCENARIOS
from jiexu.demo.world import REGIONS, Applicant, World
from jiexu.region.registry import Bank
from jiexu.region.registry.bank import ReferenceBook
from jiexu.service.wiring import open_agency

LOOK_SECONDS = 0.1
STOP_SECONDS = 10.0
_OPEN_STATUSES = {"applied", "accepted", "form_uploaded", "form_queried", "completed", "reversed"}
Progress = Callable[[str, int, int], None]


class DemoFailed(Exception):
    """The run did not come to its end: what was still open, and where to look."""


@dataclass
class Story:
    """A story in play."""

    drama: Drama
    script: Waiting | None
    stays_open: bool = False  # it ends with a case that waits for a person
    waits_for: Callable[[], bool] | None = None

    def go_on(self) -> bool:
        """Let the script act as far as it can; True when it has ended."""
        while self.script is not None:
            if self.waits_for is not None and not self.waits_for():
                return False
            try:
                self.waits_for = next(self.script)
            except StopIteration:
                self.script = None
        return True


@dataclass
class Result:
    """What a run came to."""

    cases: int
    events: int
    outcomes: dict[str, int]
    scenarios: dict[str, bool]
    report: RunReport
    money: MoneyReport
    parked: int
    seconds: float
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Nothing lost, doubled or parked, journals and books agree, every story ended as it should."""
        return (
            self.report.lost == 0
            and self.report.doubled == 0
            and self.report.awaiting_receipt == 0
            and self.parked == 0
            and self.report.journals_agree
            and self.money.balanced
            and all(self.scenarios.values())
        )


def run(world: World, progress: Progress, seconds_limit: float) -> Result:
    """Run the world to its end. Raises DemoFailed when it does not come to one in time."""
    started = time.monotonic()
    _lodge(world, progress)
    offices = {code: Office(open_agency(world.configs[code], owner=f"demo-{code}")) for code in REGIONS}
    with _services(world) as processes:
        _play(world, offices, processes, progress, started + seconds_limit)
    seconds = time.monotonic() - started
    result = _prove(world, offices, progress, seconds)
    for office in offices.values():
        office.agency.close()
    return result


def _lodge(world: World, progress: Progress) -> None:
    """Each window takes its application file in; nothing is sent before the services start."""
    progress("lodging", 0, len(world.files))
    command = [sys.executable, "-m", "jiexu.cli.main"]
    windows = [
        subprocess.Popen(
            [*command, "apply", str(file), "--config", str(world.folder / code / "region.toml"), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for code, file in world.files.items()
    ]
    for done, window in enumerate(windows, 1):
        out, err = window.communicate()
        if window.returncode not in (0, 1):  # 1: some applications were refused, as some stories want
            raise DemoFailed(f"jiexu apply: {err.strip() or out.strip()}")
        progress("lodging", done, len(windows))


@contextmanager
def _services(world: World) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Six processes: an outbound and an inbound service for each region; stopped by SIGTERM at the end."""
    processes = []
    try:
        for code in REGIONS:
            for role in Role:
                log = (world.folder / code / f"{role.value}.log").open("wb")
                config = str(world.folder / code / "region.toml")
                command = [sys.executable, "-m", "jiexu.cli.main", role.value, "--config", config]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ)))
                log.close()
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _play(
    world: World,
    offices: dict[str, Office],
    processes: list[subprocess.Popen[bytes]],
    progress: Progress,
    deadline: float,
) -> None:
    stories = [_story(applicant, offices) for applicant in world.applicants if applicant.scenario is not None]
    desks = [
        BulkDesk(offices[CHENGDU], Role.OUTBOUND, "answer", "applied"),
        BulkDesk(offices[CHENGDU], Role.INBOUND, "complete", "form_uploaded"),
    ]
    total = sum(len(a.lodged_at) for a in world.applicants)
    while True:
        _check_alive(world, processes)
        ended = [story.go_on() for story in stories]
        spared = _spared(stories)
        worked = sum(desk.work(spared) for desk in desks)
        open_cases, unsettled = _unsettled(offices, stories)
        progress("moving", max(total - open_cases, 0), total)
        if all(ended) and not worked and not unsettled:
            return
        if time.monotonic() > deadline:
            raise DemoFailed(f"not at its end in time: {open_cases} cases open, {ended.count(False)} stories waiting")
        time.sleep(LOOK_SECONDS)


def _story(applicant: Applicant, offices: dict[str, Office]) -> Story:
    assert applicant.scenario is not None
    drama = Drama(applicant.mover, offices, applicant.lodged_at[0])
    script = applicant.scenario.script
    stays_open = bool(_OPEN_STATUSES & set(applicant.scenario.outcomes))
    return Story(drama, script(drama) if script is not None else None, stays_open)


def _spared(stories: list[Story]) -> set[str]:
    """Cases that a script will treat: the bulk desks leave them alone until it has ended."""
    return {story.drama.case_id for story in stories if story.script is not None and story.drama.case_id}


def _unsettled(offices: dict[str, Office], stories: list[Story]) -> tuple[int, bool]:
    """Open cases (each counted once, at its outbound side), and whether anything is still on its way."""
    waiting = {story.drama.case_id for story in stories if story.script is None and story.stays_open}
    open_cases, moving = 0, False
    for office in offices.values():
        agency = office.agency
        with agency.journal.read() as read:
            rows = read.cases(open=True)
            open_cases += sum(row.role is Role.OUTBOUND for row in rows)
            moving |= any(row.case_id not in waiting for row in rows)
            moving |= bool(read.unreceipted(limit=1)) or bool(read.open_claims()) or bool(read.held())
            moving |= any(read.agenda(role, agency.clock(), 1) for role in Role)
    return open_cases, moving


def _check_alive(world: World, processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is not None:
            raise DemoFailed(f"a service stopped by itself (exit {process.returncode}); logs in {world.folder}")


def _prove(world: World, offices: dict[str, Office], progress: Progress, seconds: float) -> Result:
    """Replay every journal from zero and hold it against its partners' and against the books."""
    replayed: dict[str, Replayed] = {}
    for code, office in offices.items():
        replayed[code] = replay_journal(office.agency.journal, partial(progress, f"replaying {code}"))
    report = compare_all(replayed)
    money = money_of(
        replayed,
        {code: office.agency.journal for code, office in offices.items()},
        {code: office.agency.platform for code, office in offices.items()},
        _bank_book(world),
    )
    statuses = {case_id: case.status for one in replayed.values() for case_id, case in one.cases.items()}
    parked = 0
    for office in offices.values():
        with office.agency.journal.read() as read:
            parked += len(read.parked())
    scenarios, examples = _judge(world, offices)
    return Result(
        cases=len(statuses),
        events=report.events,
        outcomes=dict(sorted(Counter(statuses.values()).items())),
        scenarios=scenarios,
        report=report,
        money=money,
        parked=parked,
        seconds=seconds,
        examples=examples,
    )


def _bank_book(world: World) -> Mapping[str, ReferenceBook]:
    bank = Bank(world.bank)
    try:
        return bank.book(datetime.now(UTC))
    finally:
        bank.close()


def _judge(world: World, offices: dict[str, Office]) -> tuple[dict[str, bool], dict[str, str]]:
    """Whether every story ended as it should, and one case of each to look at."""
    scenarios = {scenario.name: True for scenario in SCENARIOS}
    examples: dict[str, str] = {}
    for applicant in world.applicants:
        scenario = applicant.scenario
        if scenario is None:
            continue
        cases: dict[str, str] = {}
        types: Counter[str] = Counter()
        for office in offices.values():
            for case_id in office.cases_of(applicant.mover):
                with office.agency.journal.read() as read:
                    row = read.case_row(case_id)
                    events = read.case_events(case_id)
                if row is not None and case_id not in cases:
                    cases[case_id] = row.status
                    types.update(stored.event.type for stored in events if not stored.void)
        scenarios[scenario.name] &= scenario.as_expected(list(cases.values()), types)
        if cases:
            examples.setdefault(scenario.name, next(iter(cases)))
    return scenarios, examples


def document(result: Result) -> dict[str, object]:
    """The result as plain JSON values; money as text with two places."""
    money = result.money
    words = ("sent", "credited", "under_way", "returned", "failed", "short")
    return {
        "cases": result.cases,
        "outcomes": result.outcomes,
        "events": result.events,
        "lost": result.report.lost,
        "doubled": result.report.doubled,
        "parked": result.parked,
        "journals_agree": result.report.journals_agree,
        "money": {**{word: f"{getattr(money, word):.2f}" for word in words}, "balanced": money.balanced},
        "scenarios": result.scenarios,
        "differences": [*result.report.differences, *money.differences],
        "seconds": round(result.seconds, 2),
    }


def dump(result: Result) -> str:
    """The same as JSON text."""
    return json.dumps(document(result), ensure_ascii=False, indent=2)


__all__ = ["DemoFailed", "Result", "document", "dump", "run"]
