"""The commands of the exchange: what they print, in which language, and how they exit."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jiexu.exchange.broker import free_port
from jiexu.exchange.cli import kafka, topics
from jiexu.exchange.embedded import EmbeddedExchange


@click.group()
@click.option("--lang")
def root(lang: str | None) -> None:
    """Stands for the product's command."""


root.add_command(topics)
root.add_command(kafka)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(root, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def where(tmp_path: Path) -> tuple[str, ...]:
    return ("--exchange", str(tmp_path / "exchange.db"), "--region", "310000")


def test_create_check_describe(where: tuple[str, ...]) -> None:
    assert run("topics", "check", *where).exit_code == 1
    created = run("topics", "create", *where)
    assert created.exit_code == 0
    assert "jiexu.310000.outbound: 已建立" in created.stdout
    assert run("topics", "check", *where).exit_code == 0
    assert "已存在" in run("topics", "create", *where).stdout
    described = run("topics", "describe", *where)
    assert described.exit_code == 0
    assert "retention.ms: 2592000000" in described.stdout


def test_an_unsafe_topic_is_explained_in_both_languages(where: tuple[str, ...]) -> None:
    exchange = EmbeddedExchange(Path(where[1]))
    admin = exchange.admin()
    admin.create("jiexu.310000.ledger", 1, 1, {"retention.ms": "604800000"})
    admin.close()
    exchange.close()
    refused = run("topics", "create", *where)
    assert refused.exit_code == 1
    assert "[topic.retention_time]" in refused.stdout
    assert "永久" in refused.stdout
    english = run("--lang", "en", "topics", "check", *where)
    assert english.exit_code == 1
    assert "not for ever" in english.stdout
    assert "永久" not in english.stdout


def test_json_is_all_that_stands_on_standard_output(where: tuple[str, ...]) -> None:
    created = json.loads(run("topics", "create", *where, "--json").stdout)
    assert [topic["outcome"] for topic in created] == ["created"] * 5
    assert json.loads(run("topics", "check", *where, "--json").stdout) == []
    described = json.loads(run("topics", "describe", *where, "--json").stdout)
    assert described["jiexu.310000.inbound"]["partitions"] == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ["--region", "310000"],
        ["--exchange", "x.db", "--kafka", "k:9092", "--region", "310000"],
        ["--kafka", "no-port", "--region", "310000"],
        ["--exchange", "x.db"],
        ["--exchange", "x.db", "--region", "no good"],
        ["--exchange", "x.db", "--region", "310000", "--partitions", "0"],
    ],
)
def test_bad_input_exits_with_2(arguments: list[str]) -> None:
    result = run("topics", "check", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_an_embedded_exchange_cannot_have_copies(where: tuple[str, ...]) -> None:
    result = run("topics", "create", *where, "--replication", "3")
    assert result.exit_code == 2
    assert "--replication 1" in result.stderr


def test_a_broker_that_does_not_answer_exits_with_3() -> None:
    result = run("topics", "check", "--kafka", f"127.0.0.1:{free_port()}", "--region", "310000")
    assert result.exit_code == 3
    assert "没有应答" in result.stderr


@pytest.mark.kafka
def test_topics_on_kafka(kafka_bootstrap: str) -> None:
    where = ("--kafka", kafka_bootstrap, "--region", "cli1", "--replication", "1")
    refused = run("topics", "create", *where[:4])
    assert refused.exit_code == 2
    assert "--replication 1" in refused.stderr
    assert run("topics", "create", *where).exit_code == 0
    assert run("topics", "check", *where).exit_code == 0
    assert run("topics", "check", *where[:4]).exit_code == 1  # a cluster's three copies are asked for by default


@pytest.mark.kafka
def test_kafka_up_status_down(kafka_parts: None, tmp_path: Path) -> None:
    where = ("--dir", str(tmp_path / "kafka"))
    assert run("kafka", "status", *where).exit_code == 1
    up = run("kafka", "up", *where, "--port", "0", "--json")
    try:
        assert up.exit_code == 0
        assert json.loads(up.stdout)["answering"] is True
        assert "…" in up.stderr
        assert run("kafka", "status", *where).exit_code == 0
    finally:
        down = run("kafka", "down", *where)
    assert down.exit_code == 0
    assert "未运行" in down.stdout


@pytest.mark.parametrize(
    "command", [[], ["create"], ["check"], ["describe"]], ids=["group", "create", "check", "describe"]
)
def test_help_is_chinese_first_with_english_beside_it(command: list[str]) -> None:
    text = run("topics", *command, "--help").stdout
    assert "主题" in text
    assert "opics" in text


def test_a_configuration_s_exchange_can_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "region.toml"
    file.write_text('[exchange]\nembedded = "of the file.db"\n', encoding="utf-8")
    monkeypatch.setenv("JIEXU_CONFIG", str(file))
    monkeypatch.setenv("JIEXU_BATCH", "64")  # a setting, though none of the exchange
    monkeypatch.setenv("JIEXU_EXCHANGE__EMBEDDED", str(tmp_path / "of the environment.db"))
    assert run("topics", "create", "--config", str(file), "--region", "610100").exit_code == 0
    assert (tmp_path / "of the environment.db").exists()
    assert not (tmp_path / "of the file.db").exists()
    monkeypatch.setenv("JIEXU_EXCHANGE__EMBEDED", "x")
    refused = run("topics", "create", "--config", str(file), "--region", "610100")
    assert refused.exit_code == 2
    assert "JIEXU_EXCHANGE__EMBEDDED" in refused.output
