"""A journal's database that is away for a while: services wait for it, and go on from what it holds."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from jiexu.journal.port import JournalUnavailable
from jiexu.service.startup import StartReport, check_at_start
from tests.postgres_proxy import Proxy

from .pair import OUT, XIAN, World


def test_a_service_waits_for_its_database_and_begins_with_the_check_at_every_start(
    pair_on_postgres: World, proxy_to: Callable[[str], Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = pair_on_postgres
    case_id = world.case_of(*world.moves(1))
    proxy = proxy_to(world.stores[XIAN])
    world.kill(XIAN, OUT)
    service = world.start(XIAN, OUT, journal=proxy.url)
    done: list[str] = []

    def wait(seconds: float) -> None:
        done.append(f"wait {seconds}")
        if done[-2:] == ["wait 0.1", "wait 0.2"]:
            proxy.open()

    def check(*arguments: object) -> StartReport:
        done.append("check")
        return check_at_start(*arguments)  # type: ignore[arg-type]

    def turn(poll: float = 0.0) -> int:
        if "turn" not in done:
            proxy.cut()
        done.append("turn")
        worked = type(service).turn(service, poll)
        if not worked:
            service.stop_signal = 15
        return worked

    monkeypatch.setattr("jiexu.service.loop.signal.signal", lambda *_: None)
    monkeypatch.setattr("jiexu.service.loop.check_at_start", check)
    monkeypatch.setattr(service, "turn", turn)
    monkeypatch.setattr(service, "_wait", wait)
    service.run()
    assert done[:5] == ["check", "turn", "wait 0.1", "wait 0.2", "check"]
    assert set(done[5:]) == {"turn"}
    assert world.case(XIAN, case_id).view.status != "applied"  # it was answered, after all
    world.idle()
    world.agreed()


def test_a_clerk_is_told_that_the_database_is_away(pair_on_postgres: World, proxy_to: Callable[[str], Proxy]) -> None:
    proxy = proxy_to(pair_on_postgres.stores[XIAN])
    desk = pair_on_postgres._open(XIAN, "desk", journal=proxy.url)
    proxy.cut()
    with pytest.raises(JournalUnavailable) as error, desk.journal.read():
        pass
    assert "不可用" in error.value.zh
    desk.close()


def test_a_service_waits_while_another_process_holds_the_journal(pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = pair.case_of(*pair.moves(1))
    monkeypatch.setattr("jiexu.journal.sqlite.BUSY_MS", 20)
    paused = pair._open(XIAN, "paused")
    service = pair.restart(XIAN, OUT)
    waits: list[float] = []

    def turn(poll: float = 0.0) -> int:
        worked = type(service).turn(service, poll)
        if not worked:
            service.stop_signal = 15
        return worked

    with ExitStack() as stack:
        stack.enter_context(paused.journal.write())

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                stack.close()

        monkeypatch.setattr("jiexu.service.loop.signal.signal", lambda *_: None)
        monkeypatch.setattr(service, "turn", turn)
        monkeypatch.setattr(service, "_wait", wait)
        service.run()
    assert waits == [0.1, 0.2]
    assert pair.case(XIAN, case_id).view.status != "applied"
    paused.close()
