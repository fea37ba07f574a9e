"""The services as processes, and what their logs say and never say."""

import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jiexu.service.logs import Seldom, mask, mask_numbers

from .conftest import Jiexu
from .people import application_file, movers, row

ROLES = ("outbound", "inbound")
NUMBER, OLD, SHOWN = "61010019900101001X", "610100900101001", "6101**********001X"


def _start(role: str, config: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "jiexu.cli.main", role, "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def _read_until(process: "subprocess.Popen[str]", event: str) -> list[dict[str, Any]]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == event:
            break
    return lines


def _read_to_the_last_credit(running: Any, count: int) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    while sum(line.get("type") == "BalanceCredited" for line in lines) < count:
        more = _read_until(running["xian", "outbound"], "received")
        assert more, "it ended before the last credit"
        lines += more
    return lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("role", ROLES)
def test_a_service_ends_well_when_it_is_told_to(two: Path, role: str, number: signal.Signals) -> None:
    process = _start(role, two / "xian" / "region.toml")
    lines = _read_until(process, "checked")
    process.send_signal(number)
    lines += _read_until(process, "stopped")
    assert process.wait(30) == 0
    for line in lines:
        assert {"timestamp", "level", "event"} <= set(line)
        assert (line["region"], line["role"]) == ("610100", role)


def test_one_id_leads_through_the_logs_of_both_agencies_and_no_line_shows_an_identity_number(
    jiexu: Jiexu, two: Path
) -> None:
    people = movers(two, 3)
    config = two / "wenzhou" / "region.toml"
    assert jiexu("apply", application_file(two / "a.csv", [row(p) for p in people]), "--config", config).code == 0
    cases = {item["case_id"] for item in jiexu("worklist", "--config", config, "--json").json}
    assert len(cases) == len(people)
    running = {(name, role): _start(role, two / name / "region.toml") for name in ("xian", "wenzhou") for role in ROLES}
    lines = {key: [] for key in running} | {("xian", "outbound"): _read_to_the_last_credit(running, len(cases))}
    for key, process in running.items():
        process.terminate()
        assert process.stderr is not None
        lines[key] += [json.loads(line) for line in process.stderr]
        assert process.wait(30) == 0
    text = str(lines)
    assert all(p.identity.document_number not in text for p in people)
    for case_id in cases:
        course = {key: [line for line in found if line.get("case_id") == case_id] for key, found in lines.items()}
        inbound, outbound = course["wenzhou", "inbound"], course["xian", "outbound"]
        assert (inbound[0]["event"], inbound[0]["type"]) == ("issued", "TransferApplied")
        assert (outbound[-1]["event"], outbound[-1]["type"]) == ("received", "BalanceCredited")
        assert {line["event_id"] for line in inbound} == {line["event_id"] for line in outbound}
        assert course["wenzhou", "outbound"] == course["xian", "inbound"] == []
    line = lines["xian", "outbound"][0]
    assert set(line) <= set(course["xian", "outbound"][0]) | {"topic"}, "all lines bear time, level, region, role"


def test_a_service_without_its_exchange_says_what_to_do_and_ends_with_3(jiexu: Jiexu, two: Path) -> None:
    config = two / "xian" / "region.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('embedded = "../exchange.db"', 'kafka = {bootstrap = "127.0.0.1:1"}'))
    assert "kafka" in config.read_text(encoding="utf-8")
    config.write_text(config.read_text().replace('"127.0.0.1:1"', '"127.0.0.1:1", request_timeout = 0.5'))
    process = _start("outbound", config)
    assert process.stderr is not None
    said = process.stderr.read()
    assert process.wait(60) == 3
    assert "Traceback" not in said
    assert "[exchange]" in said


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f"查 {NUMBER} 号", f"查 {SHOWN} 号"),
        (f"person={NUMBER};", f"person={SHOWN};"),
        (NUMBER.lower(), "6101**********001x"),
        (OLD, "6101*******1001"),
        (f"L{OLD}", "L6101*******1001"),
        ("01a20cf2ee29722ea950a326b98074c0", "01a20cf2ee29722ea950a326b98074c0"),
        ("a" * 20 + "123456789012345678" + "b" * 26, "a" * 20 + "123456789012345678" + "b" * 26),
        ("2026-03-09T02:00:00.000000Z", "2026-03-09T02:00:00.000000Z"),
    ],
)
def test_what_looks_like_an_identity_number_is_masked_and_ids_are_not(given: str, shown: str) -> None:
    assert mask(given) == shown


def test_numbers_are_masked_wherever_they_stand() -> None:
    class Person:
        def __repr__(self) -> str:
            return f"Person({NUMBER})"

    entry = {
        "event": f"no row for {NUMBER}",
        "number": int(OLD),
        "count": 3,
        "done": True,
        "rows": [{"who": (NUMBER, None)}, {NUMBER: 1.5}],
        "error": ValueError(NUMBER),
        "person": Person(),
        "exception": f"Traceback …\nKeyError: '{NUMBER}'",
    }
    shown = mask_numbers(None, "info", entry)
    text = json.dumps(shown)
    assert NUMBER not in text
    assert OLD not in text
    assert (shown["count"], shown["done"]) == (3, True)


def test_what_a_library_says_again_and_again_is_shown_once_a_minute_with_its_number() -> None:
    now = [0.0]
    seldom = Seldom(lambda: now[0])

    def said(message: str, *values: object, name: str = "kafka.net") -> str | None:
        record = logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)
        return record.getMessage() if seldom.filter(record) else None

    assert said("Connection %s failed", 1) == "Connection 1 failed"
    assert [said("Connection %s failed", number) for number in range(5)] == [None] * 5
    assert said("Connection %s failed", 1, name="kafka.admin") == "Connection 1 failed"
    assert said("Fetch failed") == "Fetch failed"
    now[0] = 61.0
    assert said("Connection %s failed", 7) == "Connection 7 failed (and 5 times since the last)"
    now[0] = 130.0
    assert said("Connection %s failed", 8) == "Connection 8 failed"


def test_warnings_of_libraries_are_json_lines_too() -> None:
    code = (
        "import logging; from jiexu.service.logs import configure_logs\n"
        "configure_logs(region='610100', role='inbound')\n"
        f"logging.getLogger('kafka.client').warning('lost {NUMBER}')"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    line = json.loads(said)
    assert (line["event"], line["logger"], line["region"]) == (f"lost {SHOWN}", "kafka.client", "610100")
