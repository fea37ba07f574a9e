"""The endpoint answers when it is needed: while the loop is stuck, a source hangs, or a metric is broken."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jiexu.exchange.port import ExchangeUnavailable
from jiexu.journal.port import JournalUnavailable
from jiexu.service.loop import WATCHDOG_SECONDS
from jiexu.service.watching import looks, server
from jiexu.service.watching.catalog import CATALOG
from jiexu.service.watching.watch import Watch
from tests.service.pair import IN, OUT, WENZHOU, XIAN, World
from tests.service.watched import Watched, watched

__all__ = ["watched"]

Ask = Callable[[str], tuple[int, str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
    """The answer of an endpoint that may still be on its way up."""
    for _ in range(200):
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read().decode()
        except ConnectionRefusedError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError(f"nobody listens on {port}")


@pytest.fixture
def watch(watched: Watched) -> Watch:
    """西安's transfer-out service, watched; it was checked and has turned."""
    service = watched.world.services[XIAN, OUT]
    service.begin(0.0)
    service.pulse.checked = True
    watched.world.idle()
    return watched.watch(XIAN, OUT)


@pytest.fixture
def ask(watch: Watch) -> Iterator[Ask]:
    """Ask its endpoint."""
    port = free_port()
    watch.listen("127.0.0.1", port)

    def get(path: str) -> tuple[int, str]:
        answer, text = asked(port, path)
        return answer.status, text

    yield get
    watch.stop()


def codes(text: str) -> list[str]:
    reasons = json.loads(text)["reasons"]
    for reason in reasons:
        assert all(reason[name] for name in ("zh", "en", "todo_zh", "todo_en")), reason
    return [reason["code"] for reason in reasons]


def test_a_sound_service_is_alive_and_ready_and_shows_every_metric_of_the_catalog(ask: Ask) -> None:
    assert ask("/healthz") == (200, '{\n  "ok": true,\n  "reasons": []\n}\n')
    assert ask("/readyz")[0] == 200
    status, text = ask("/metrics")
    assert status == 200
    kinds = {f"{f.name}_total" if f.type == "counter" else f.name: f for f in text_string_to_metric_families(text)}
    for name, spec in CATALOG.items():
        assert (kinds[name].type, kinds[name].documentation) == (spec.kind, spec.help), name
    assert {name for name in kinds if name.startswith("jiexu_")} == set(CATALOG)
    assert "process_resident_memory_bytes" in kinds
    assert ask("/")[0] == 404


def test_a_head_request_and_another_format_are_answered(watch: Watch) -> None:
    port = free_port()
    watch.listen("127.0.0.1", port)
    answer, text = asked(port, "/healthz", "HEAD")
    assert (answer.status, text) == (200, "")
    answer, text = asked(port, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


def test_a_stuck_loop_is_told_and_the_endpoint_goes_on_answering(watch: Watch, ask: Ask) -> None:
    watch.pulse.turned_at -= WATCHDOG_SECONDS + 5
    status, text = ask("/healthz")
    assert (status, codes(text)) == (503, ["stuck"])
    status, text = ask("/readyz")
    assert (status, codes(text)) == (503, ["stuck"])
    assert ask("/metrics")[0] == 200
    watch.pulse.alive()
    assert ask("/healthz")[0] == 200


def test_a_service_that_is_not_checked_yet_is_alive_and_not_ready(watch: Watch, ask: Ask) -> None:
    watch.pulse.checked = False
    assert ask("/healthz")[0] == 200
    status, text = ask("/readyz")
    assert (status, codes(text)) == (503, ["start_check"])


def test_an_exchange_that_does_not_answer_is_told_with_its_own_words(
    watch: Watch, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(topic: str) -> dict[int, int]:
        raise ExchangeUnavailable("Kafka 没有应答", "Kafka does not answer")

    assert watch.exchange._exchange is None
    watch.ready()
    monkeypatch.setattr(watch.exchange._exchange, "end_offsets", away)
    status, text = ask("/readyz")
    assert (status, codes(text)) == (503, ["exchange"])
    assert "Kafka 没有应答" in text
    assert ask("/readyz")[0] == 200, "the next look connects anew"


def test_a_loop_that_waits_for_the_exchange_is_alive_and_not_ready(watch: Watch, ask: Ask) -> None:
    watch.pulse.waiting("交换不可达", "the exchange is away")
    assert ask("/healthz")[0] == 200
    status, text = ask("/readyz")
    assert (status, codes(text)) == (503, ["waits"])


def test_a_journal_that_is_away_hides_its_own_figures_and_no_others(watch: Watch, watched: Watched, ask: Ask) -> None:
    def away() -> Any:
        raise JournalUnavailable("日志数据库不可用", "the database is away")

    watch.looks["journal"]._look = away
    status, text = ask("/readyz")
    assert (status, codes(text)) == (503, ["journal"])
    assert watched.value(XIAN, OUT, "jiexu_journal_reachable") == 0
    assert "jiexu_journal_last_position{" not in watched.scrape(XIAN, OUT)
    assert "jiexu_intake_lag_records{" in watched.scrape(XIAN, OUT)


def test_a_broken_metric_stops_neither_the_scrape_nor_the_service(pair: World, watch: Watch, watched: Watched) -> None:
    watch.looks["cases"]._look = lambda: [][1]  # type: ignore[misc]
    assert watched.values(XIAN, OUT, "jiexu_watch_failures_total")[("cases",)] == 1
    assert watched.values(XIAN, OUT, "jiexu_cases") == {}
    assert watched.values(XIAN, OUT, "jiexu_watch_failures_total")[("cases",)] == 3
    case_id = pair.case_of(pair.moves(1)[0])
    pair.idle()
    assert pair.status(case_id) == "closed"


def test_a_look_that_hangs_keeps_no_scrape_waiting(pair: World, watch: Watch, watched: Watched, ask: Ask) -> None:
    assert watched.value(XIAN, OUT, "jiexu_exchange_reachable") == 1
    hangs, waits = threading.Event(), watch.looks["exchange"]._look

    def hang() -> Any:
        hangs.wait()
        return waits()

    watch.looks["exchange"]._look = hang
    watch.answer_seconds = 0.05
    try:
        assert watched.value(XIAN, OUT, "jiexu_exchange_reachable") == 0
        assert codes(ask("/readyz")[1]) == ["exchange"]
        assert "jiexu_intake_lag_records{" in watched.scrape(XIAN, OUT), "the last figures are shown for a while"
        assert ask("/healthz")[0] == 200
    finally:
        hangs.set()
    watch.answer_seconds = 30.0
    assert watched.value(XIAN, OUT, "jiexu_exchange_reachable") == 1


def test_an_address_in_use_is_taken_as_soon_as_it_is_free(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "AGAIN_SECONDS", 0.02)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        watch.listen("127.0.0.1", port)
        assert watch.alive().well, "the service goes on without its endpoint"
    answer, _ = asked(port, "/healthz")
    assert answer.status == 200


def test_an_address_that_cannot_be_had_at_all_can_be_stopped(watch: Watch) -> None:
    watch.listen("192.0.2.1", 9464)  # an address for documentation: no machine has it
    watch.stop()
    assert watch._endpoint is not None
    assert not watch._endpoint._thread.is_alive()


def test_the_loop_tells_what_its_parts_and_steps_took_and_did(pair: World, watch: Watch, watched: Watched) -> None:
    pair.case_of(pair.moves(1)[0])
    pair.idle()
    done = watched.values(XIAN, OUT, "jiexu_loop_work_total")
    assert done["intake",] > 0
    assert done["steps",] == 3
    parts = {"upkeep", "intake", "steps", "ledger", "watch", "relay", "consequences", "bank", "resend"}
    assert parts <= {part for (part,) in done}
    assert watched.values(XIAN, OUT, "jiexu_step_cases_total")["remit",] >= 1
    text = watched.scrape(XIAN, OUT)
    assert 'jiexu_loop_part_seconds_count{part="steps",region="610100",role="outbound"}' in text
    assert 'jiexu_platform_seconds_count{call="perform",region="610100",role="outbound"}' in text


def test_bundles_that_are_sent_again_are_counted(pair: World, watched: Watched) -> None:
    pair.stopped |= {(XIAN, OUT)}
    pair.case_of(pair.moves(1)[0])
    pair.idle()
    assert watched.values(WENZHOU, IN, "jiexu_loop_work_total")["resend",] == 0
    pair.clock.pass_by(hours=2)
    pair.turn()
    assert watched.values(WENZHOU, IN, "jiexu_loop_work_total")["resend",] == 1


def test_a_dear_look_rests_and_a_failed_one_is_taken_again_at_once(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # as in a service
    look = watch.looks["setup"]
    look.ask()
    assert look.answer(time.monotonic() + 30).ok
    look.looked_at = time.monotonic() - 2.0
    look.took = 0.01
    assert not look._rests(), "the last one is not fresh any more"
    look.took = 1.0
    assert look._rests(), "it took a second, and works for a twentieth of the time"
    look._error = ("不可达", "away")
    assert not look._rests()
    look._error, look.took = None, 60.0
    look.looked_at = time.monotonic() - looks.KEPT_SECONDS / 2
    assert not look._rests(), "figures are looked at again before they are too old to be shown"
