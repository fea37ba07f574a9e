"""What a deployment is watched with speaks of what a service says: dashboard, alert rules, and the page on them."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import click
import promql_parser as promql
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from jiexu.case.obligations import Track
from jiexu.cli.main import cli, main
from jiexu.service.watching.catalog import CATALOG

ROOT = Path(__file__).parent.parent
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/jiexu.json").read_text(encoding="utf-8"))
GROUPS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

# Labels that Prometheus adds itself, and what it says of its scrapes and alerts.
OF_PROMETHEUS = {"job", "instance", "alertname", "alertstate"}
SAID_BY_PROMETHEUS = {"up", "ALERTS"}
# Values that labels of ours can have, where a query names one: a misspelt one would match nothing, in silence.
VALUES = {
    "holder": {"ours", "theirs"},
    "due": {"overdue", "soon", "later", "undated"},
    "track": {track.value for track in Track},
    "kind": {"alarm", "failed"},
    "direction": {"issued", "received"},
    "reason": {"gap", "seen", "unknown"},
    "follower": {"ledger", "relay", "receipts", "consequences", "deadletters"},
}


def panels() -> Iterator[dict[str, Any]]:
    for panel in DASHBOARD["panels"]:
        yield panel
        yield from panel.get("panels", [])


def dashboard_queries() -> list[str]:
    found = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    found += [one["expr"] for one in DASHBOARD["annotations"]["list"] if "expr" in one]
    return [query.replace("$__rate_interval", "1m") for query in found]


QUERIES = dashboard_queries() + [rule["expr"] for rule in RULES]


def selectors(query: str) -> list[promql.VectorSelector]:
    """Every series that a query names."""
    found: list[promql.VectorSelector] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        for name in ("expr", "lhs", "rhs", "vector_selector", "vs"):
            if (below := getattr(node, name, None)) is not None and not isinstance(below, str):
                visit(below)
        for below in getattr(node, "args", None) or ():
            visit(below)

    visit(promql.parse(query))
    return found


def metric_of(series: str) -> str:
    """The metric to which a series belongs: of a histogram there are three."""
    return series if series in CATALOG else re.sub(r"_(bucket|sum|count)$", "", series)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    """What a service that runs answers on `/metrics`, by name."""
    folder = tmp_path_factory.mktemp("watched")
    with pytest.raises(SystemExit) as done:
        main(["region", "init", "西安", "--dir", str(folder / "xian"), "--json"])
    assert not done.value.code
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    config = folder / "xian" / "region.toml"
    config.write_text(
        config.read_text(encoding="utf-8") + f'\n[watch]\noutbound = "127.0.0.1:{port}"\n', encoding="utf-8"
    )
    command = [sys.executable, "-m", "jiexu.cli.main", "outbound", "--config", str(config)]
    with (folder / "log").open("w") as log:
        service = subprocess.Popen(command, stderr=log)
    try:
        wait_for(lambda: ask(port, "/readyz")[0] == 200)
        status, text = ask(port, "/metrics")
        assert status == 200
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0, (folder / "log").read_text()
    finally:
        service.kill()
        service.wait()
    families = text_string_to_metric_families(text)
    return {f"{family.name}_total" if family.type == "counter" else family.name: family for family in families}


def ask(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionError:
        return 0, ""
    finally:
        connection.close()


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("the service did not become ready")


@pytest.mark.parametrize("query", QUERIES)
def test_what_a_query_names_is_said_by_a_service_with_those_labels(query: str, scraped: dict[str, Metric]) -> None:
    named = selectors(query)
    assert named
    for series in named:
        assert series.name is not None
        if series.name in SAID_BY_PROMETHEUS:
            continue
        metric = metric_of(series.name)
        assert metric in scraped, metric
        labels = {"region", "role", *CATALOG[metric].labels} if metric in CATALOG else set()
        for matcher in series.matchers.matchers:
            assert matcher.name in labels | OF_PROMETHEUS, f"{metric} has no label {matcher.name}"
            if matcher.name in VALUES and "$" not in matcher.value:
                assert set(matcher.value.split("|")) <= VALUES[matcher.name], matcher.value


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_groups_by_labels_that_its_series_have(query: str) -> None:
    known = {"le", *OF_PROMETHEUS, "version"}
    for series in selectors(query):
        spec = CATALOG.get(metric_of(series.name or ""))
        known |= {"region", "role", *(spec.labels if spec else ())}
    for group in re.findall(r"by \(([^)]*)\)", query):
        assert {label.strip() for label in group.split(",")} <= known, query


def test_a_region_that_says_it_twice_is_not_counted_twice() -> None:
    """What both services of a region say of their shared journal is never summed."""
    for query in QUERIES:
        for function, rest in re.findall(r"\b(sum|count)(?: by \([^)]*\))? ?\((\w+)", query):
            spec = CATALOG.get(metric_of(rest))
            assert spec is None or spec.scope == "role" or function != "sum", query


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_in_two_languages_what_is_wrong_and_what_to_do_and_has_its_section(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "what_to_do", "runbook"}
    for name in ("summary", "description", "what_to_do"):
        assert re.search(r"[\u4e00-\u9fff]", notes[name]), f"{name}: no Chinese"
        assert re.search(r"[a-z]{3,}", notes[name]), f"{name}: no English"
    assert notes["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    (section,) = re.findall(rf"^### {rule['alert']}\n(.*?)(?=^#{{2,3}} )", PAGE + "\n## ", re.MULTILINE | re.DOTALL)
    for word in ("**Means**", "**Likely causes**", "**Do**", "**Over when**"):
        assert word in section, f"{rule['alert']}: {word}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_commands_that_an_alert_names_exist(rule: dict[str, Any]) -> None:
    for words in re.findall(r"jiexu ([a-z]+(?: [a-z]+)?)", rule["annotations"]["what_to_do"]):
        command: click.Command = cli
        for word in words.split():
            if isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, words
                command = found


def test_labels_that_an_alert_shows_are_kept_by_its_expression() -> None:
    for rule in RULES:
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        kept = re.findall(r"by \(([^)]*)\)", rule["expr"])
        if kept:
            assert shown <= {label.strip() for label in kept[0].split(",")}, rule["alert"]
        else:
            (series, *_) = selectors(rule["expr"])
            spec = CATALOG.get(metric_of(series.name or ""))
            assert shown <= {*OF_PROMETHEUS, "region", "role", *(spec.labels if spec else ())}, rule["alert"]


def test_alerts_are_called_once_and_in_the_pages_order() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    assert re.findall(r"^### (Jiexu\w+)$", PAGE, re.MULTILINE) == names


def test_the_dashboard_has_chinese_titles_first_and_every_panel_its_place() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        assert re.match(r"[\u4e00-\u9fff]", panel["title"]), panel["title"]
        assert re.search(r"[A-Za-z]", panel["title"]), panel["title"]
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


# What Grafana knows and its published model of a dashboard leaves out.
NOT_IN_THE_MODEL = {"builtIn", "titleFormat", "textFormat", "definition"}


def test_grafana_s_own_model_of_a_dashboard_reads_all_of_it() -> None:
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert {path for path in _left_out(DASHBOARD, read) if path.rpartition("/")[2] not in NOT_IN_THE_MODEL} == set()


def _left_out(written: Any, read: Any, path: str = "") -> Iterator[str]:
    """Paths of what stands in a document and is missing, or another, as it was read."""
    if isinstance(written, dict) and isinstance(read, dict):
        for name, value in written.items():
            yield from _left_out(value, read.get(name), f"{path}/{name}")
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for index, (one, other) in enumerate(zip(written, read, strict=True)):
            yield from _left_out(one, other, f"{path}/{index}")
    elif written != read:
        yield path


def test_the_page_shows_the_catalog() -> None:
    """The table of metrics in docs/operations.md is the catalog, word for word."""
    rows = re.findall(r"^\| `(jiexu_\w+)` \| (\w+) \| ([^|]*) \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (spec.name, spec.kind, ", ".join(f"`{label}`" for label in spec.labels), spec.scope, spec.help)
        for spec in CATALOG.values()
    ]


def test_units_of_systemd_start_commands_that_exist_and_both_roles_run_alike() -> None:
    units = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "deploy/systemd").iterdir()}
    called = [words.split() for text in units.values() for words in re.findall(r"/bin/jiexu ((?:[a-z]+ ?)+)", text)]
    assert sorted(called) == [["inbound"], ["journal", "backup"], ["outbound"]]
    for words in called:
        command: click.Command | None = cli
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        assert command is not None
    inbound = (
        units["jiexu-outbound@.service"]
        .replace("outbound", "inbound")
        .replace("-out service (转出)", "-in service (转入)")
    )
    assert units["jiexu-inbound@.service"] == inbound
    for name, text in units.items():
        if name.endswith(".service"):
            assert "\nUser=jiexu\n" in text
            assert "\nUMask=0077\n" in text
            assert "\nNoNewPrivileges=yes\n" in text
