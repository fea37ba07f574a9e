"""A service may die at any point: what it finds on disk makes every case end as if it had not."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jiexu.case.event import Hand, Role
from jiexu.region.registry import MishapKind, TransferKind
from tests.postgres_proxy import Proxy
from tests.service.pair import AMOUNT, IN, OUT, WENZHOU, XIAN, World, _world

AGENCY_POINTS = (
    "issue.commit",
    "intake.commit",
    "claim.commit",
    "claim.begin",
    "acts.done",
    "ledger.sent",
    "relay.sent",
    "receipts.sent",
    "consequences.done",
    "returns.done",
)
JOURNAL_POINTS = ("log_written", "tables_written", "before_commit", "after_commit")
SERVICES = ((XIAN, OUT), (WENZHOU, IN))


def run(world: World, surviving: bool = False) -> dict[str, Any]:
    """Five cases that meet every act: plain, bank refuses once, less arrives, rejected, completed twice.

    The money of the last one goes back between its completions, and the bank refuses that return once.
    """
    plain, refused, short, rejected, twice = people = world.moves(1, 2, 3, 4, 5)
    world.leaves(rejected, in_hospital=True)
    world.mishap(MishapKind.REFUSE, refused)
    world.mishap(MishapKind.SHORT, short, amount=Decimal("100.00"))
    world.mishap(MishapKind.REFUSE, twice, transfer=TransferKind.RETURN)
    cases = {
        who.name: world.case_of(who, at=WENZHOU if who in (plain, short, rejected) else XIAN)
        for who in (plain, refused, short, rejected, twice)
    }
    world.idle(surviving=surviving)
    world.act(WENZHOU, cases[twice.name], "reverse", reason="taken_over_in_error")
    world.idle(surviving=surviving)
    credited = {"reference": f"{cases[twice.name]}R1", "amount": str(AMOUNT)}
    world.act(WENZHOU, cases[twice.name], "take_back", reason="reversed", **credited)
    world.idle(surviving=surviving)
    world.act(WENZHOU, cases[twice.name], "complete")
    world.idle(surviving=surviving)
    world.agreed()
    world.books_fit()
    return {who.name: ending(world, cases[who.name]) for who in people}


def ending(world: World, case_id: str) -> dict[str, Any]:
    """How a case ended: status, what either hand did, and every act on either platform, but for the hold: where the
    relation ended before its turn came, there is none."""
    done = [(code, act, step) for code in (XIAN, WENZHOU) for step, act in acts_of(world, code, case_id)]
    acts = Counter(one for one in done if one[1] != "Hold")
    hands = {hand: Counter(world.types(XIAN, case_id, hand)) for hand in (Hand.OUTBOUND, Hand.INBOUND)}
    return {"status": world.status(case_id), "hands": hands, "acts": acts}


def acts_of(world: World, code: str, case_id: str) -> list[tuple[str, str]]:
    """What a registry keeps as done for a case."""
    with closing(sqlite3.connect(world.folder / code / "registry.db")) as db:
        return db.execute("SELECT step, act FROM acts WHERE case_id = ?", (case_id,)).fetchall()


@pytest.fixture(scope="session")
def undisturbed(regions_on_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """How the cases end where nothing dies."""
    for world in _world(regions_on_disk, tmp_path_factory.mktemp("undisturbed"), (XIAN, WENZHOU)):
        yield run(world)


def test_the_undisturbed_run_meets_every_kind_of_act(undisturbed: dict[str, Any]) -> None:
    assert [one["status"] for one in undisturbed.values()] == ["closed", "closed", "closed", "rejected", "closed"]
    acts = Counter(act for one in undisturbed.values() for _, act, _ in one["acts"])
    assert acts.keys() >= {"EndRelation", "Reinstate", "Debit", "Send", "RecordMonths", "UnrecordMonths"}
    assert acts.keys() >= {"Credit", "TakeBack", "Return 1", "Return 2"}


@pytest.mark.parametrize(
    ("code", "role", "point", "nth"),
    [
        (code, role, point, nth)
        for code, role in SERVICES
        for point in (*AGENCY_POINTS, *JOURNAL_POINTS)
        for nth in (1, 2, 3)
        if (point, nth) != ("returns.done", 3)  # this run has new lines of the bank's book twice on one of the sides
    ],
)
def test_a_death_changes_no_ending(
    pair: World, undisturbed: dict[str, Any], code: str, role: Role, point: str, nth: int
) -> None:
    fault = pair.faults[code, role]
    fault.name, fault.nth = point, nth
    endings = run(pair, surviving=True)
    assert fault.struck, f"{point} was never reached {nth} times"
    assert endings == undisturbed
    for region in (XIAN, WENZHOU):
        with pair.desks[region].journal.read() as read:
            assert read.parked() == []
            assert [todo.code for todo in read.todos()] == []


@pytest.mark.parametrize(
    ("point", "nth", "code", "role"),
    [(point, 1 + at % 3, *SERVICES[at % 2]) for at, point in enumerate(("acts.done", "claim.begin", *JOURNAL_POINTS))],
)
def test_nor_where_the_journal_is_in_postgresql(
    pair_on_postgres: World, undisturbed: dict[str, Any], code: str, role: Role, point: str, nth: int
) -> None:
    test_a_death_changes_no_ending(pair_on_postgres, undisturbed, code, role, point, nth)


@pytest.mark.parametrize("which", [3, 11, 29])
def test_nor_where_the_answer_to_a_commit_is_lost(
    pair_on_postgres: World, undisturbed: dict[str, Any], proxy_to: Callable[[str], Proxy], which: int
) -> None:
    """Committed, and the service cannot know: it goes on from what stands there, and nothing is done twice."""
    proxies = []
    for code, role in SERVICES:
        proxy = proxy_to(pair_on_postgres.stores[code])
        pair_on_postgres.kill(code, role)
        pair_on_postgres.start(code, role, journal=proxy.url)
        proxy.lose_commit = which
        proxies.append(proxy)
    assert run(pair_on_postgres, surviving=True) == undisturbed
    assert [proxy.lost for proxy in proxies] == [1, 1]


def test_two_deaths_in_a_row_at_the_same_act_do_it_once(pair: World, undisturbed: dict[str, Any]) -> None:
    for code, role in SERVICES:
        fault = pair.faults[code, role]
        fault.name, fault.nth = "acts.done", 1
    struck = 0
    original = pair.restart

    def restart_to_die_again(code: str, role: Role) -> Any:
        nonlocal struck
        service = original(code, role)
        struck += 1
        if struck < 6:
            pair.faults[code, role].name = "acts.done"
        return service

    pair.restart = restart_to_die_again  # type: ignore[method-assign]
    assert run(pair, surviving=True) == undisturbed
    assert struck == 7
