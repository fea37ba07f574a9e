"""`jiexu topics` and `jiexu kafka`: what an administrator does at the exchange."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from jiexu.exchange import topics as rules
from jiexu.exchange.broker import DEFAULT_DIR, DEFAULT_PORT, BrokerStatus, LocalBroker
from jiexu.exchange.cli_acls import acls
from jiexu.exchange.cli_place import (
    FOUND_PROBLEMS,
    json_option,
    opened_admin,
    place_of,
    print_json,
    progress,
    readable_errors,
    say,
    where_options,
)
from jiexu.exchange.port import Admin, TopicState

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT_REPLICATION = 3  # of a cluster: one server may fail and the work goes on
_SHOWN = (
    "cleanup.policy",
    "retention.ms",
    "retention.bytes",
    "max.compaction.lag.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "unclean.leader.election.enable",
    "max.message.bytes",
)


@click.group()
def topics() -> None:
    """主题与授权的建立和检查。 / Create and check topics and ACLs.

    \b
    退出码 / exit codes: 0 正常 fine, 1 有问题 problems found,
    2 输入有误 bad input, 3 无法连接 unreachable
    """


topics.add_command(acls)


@click.group()
def kafka() -> None:
    """本机试用的 Kafka（无需 Java 和 Docker）。 / A local Kafka for trying things, without Java or Docker.

    \b
    退出码 / exit codes: 0 正常 fine, 1 未运行 not running,
    2 输入有误 bad input, 3 启动或停止失败 failed
    """


def _topic_options(command: F) -> F:
    partitions = click.option(
        "--partitions",
        type=click.IntRange(1, 1000),
        help=f"信箱分区数，缺省依目录，无目录时为 {rules.DEFAULT_PARTITIONS}。 / Partitions of a mailbox; by default "
        f"as the directory of --config says, else {rules.DEFAULT_PARTITIONS}.",
    )
    replication = click.option(
        "--replication",
        type=click.IntRange(1, 9),
        help="副本数，默认 Kafka 为 3、内置为 1。 / Copies; by default 3 on Kafka, 1 embedded.",
    )
    return where_options(partitions(replication(json_option(command))))


@topics.command()
@_topic_options
def create(as_json: bool, **where: Any) -> None:
    """建立各地区的主题；已有的只检查，不更改。 / Create the regions' topics; existing ones are checked,
    not altered.

    \b
    示例 / Examples:
      jiexu topics create --exchange exchange.db --region 310000
      jiexu topics create --kafka kafka1:9092,kafka2:9092 --region 310000 --region 320500
      jiexu topics create --kafka 127.0.0.1:9092 --region 310000 --replication 1
      jiexu topics create --config admin.toml
    """
    with _opened(where) as (admin, specs):
        progress(f"正在建立 {len(specs)} 个主题", f"Creating {len(specs)} topics")
        results = rules.create(admin, specs)
    words = {
        rules.Outcome.CREATED: say("已建立", "created"),
        rules.Outcome.EXISTS: say("已存在，符合要求", "exists, as it should be"),
        rules.Outcome.REFUSED: say("已存在，不安全，未更改", "exists, unsafe, not altered"),
    }
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        for result in results:
            click.echo(f"{result.topic}: {words[result.outcome]}")
            _print_findings(list(result.findings))
    if any(result.findings for result in results):
        raise SystemExit(FOUND_PROBLEMS)


@topics.command()
@_topic_options
def check(as_json: bool, **where: Any) -> None:
    """检查主题是否会丢失数据。 / Check that no topic would lose data.

    \b
    示例 / Example:
      jiexu topics check --kafka kafka1:9092 --region 310000 --json
    """
    with _opened(where) as (admin, specs):
        progress(f"正在检查 {len(specs)} 个主题", f"Checking {len(specs)} topics")
        findings = rules.check(admin, specs)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    elif not findings:
        click.echo(say(f"{len(specs)} 个主题全部符合要求", f"all {len(specs)} topics are as they should be"))
    else:
        for name in dict.fromkeys(finding.topic for finding in findings):
            click.echo(f"{name}:")
            _print_findings([finding for finding in findings if finding.topic == name])
    if findings:
        raise SystemExit(FOUND_PROBLEMS)


@topics.command()
@_topic_options
def describe(as_json: bool, **where: Any) -> None:
    """显示主题的实际设置。 / Show the topics as they are.

    \b
    示例 / Example:
      jiexu topics describe --exchange exchange.db --region 310000
    """
    with _opened(where) as (admin, specs):
        progress(f"正在读取 {len(specs)} 个主题", f"Reading {len(specs)} topics")
        found = rules.describe(admin, specs)
    if as_json:
        print_json({name: None if state is None else _shown(state) for name, state in found.items()})
    else:
        for name, state in found.items():
            _print_topic(name, state)
    if None in found.values():
        raise SystemExit(FOUND_PROBLEMS)


def _broker_options(command: F) -> F:
    directory = click.option(
        "--dir",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DIR,
        show_default=True,
        help="数据、日志所在目录。 / Directory of data and log.",
    )
    return directory(json_option(command))


@kafka.command()
@_broker_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="端口，0 为任一空闲端口。 / Port; 0 takes a free one.",
)
def up(directory: Path, port: int, as_json: bool) -> None:
    """启动本机 Kafka 并等待其应答；已运行则不变。 / Start a local Kafka and wait until it answers.

    仅供试用：单节点，断电可能丢失数据。 / For trying only: one node, a power cut may lose data.

    \b
    示例 / Examples:
      jiexu kafka up
      jiexu kafka up --port 0 --dir /tmp/kafka
    """
    broker = LocalBroker(directory, port, progress)
    with readable_errors():
        bootstrap = broker.start()
        status = broker.status()
    if port and bootstrap != f"127.0.0.1:{port}":
        progress(f"Kafka 已在 {bootstrap} 运行，端口未更改", f"Kafka runs on {bootstrap} already; its port stays")
    _print_status(status, as_json)


@kafka.command()
@_broker_options
def down(directory: Path, as_json: bool) -> None:
    """停止本机 Kafka，数据保留。 / Stop the local Kafka; its data stays.

    \b
    示例 / Example:
      jiexu kafka down
    """
    broker = LocalBroker(directory, progress=progress)
    with readable_errors():
        broker.stop()
    _print_status(broker.status(), as_json)


@kafka.command()
@_broker_options
def status(directory: Path, as_json: bool) -> None:
    """显示本机 Kafka 是否运行（未运行时退出码为 1）。 / Does the local Kafka run? Exit code 1 if not.

    \b
    示例 / Example:
      jiexu kafka status --json
    """
    found = LocalBroker(directory).status()
    _print_status(found, as_json)
    if not found.answering:
        raise SystemExit(FOUND_PROBLEMS)


@contextmanager
def _opened(where: dict[str, Any]) -> Iterator[tuple[Admin, list[rules.TopicSpec]]]:
    place = place_of(where["path"], where["bootstrap"], where["config_file"], where["regions"])
    assert place.settings is not None, "an exchange was asked for"
    replication = where["replication"] or (_DEFAULT_REPLICATION if place.settings.kafka else 1)
    try:
        specs = [
            spec
            for region in place.regions
            for spec in rules.region_topics(region, where["partitions"] or place.partitions_of(region), replication)
        ]
    except ValueError as error:
        raise click.BadParameter(
            say(f"地区代码只能由字母、数字、- 和 _ 组成：{error}", str(error)), param_hint="--region"
        ) from error
    with opened_admin(place.settings) as admin:
        yield admin, specs


def _print_findings(findings: list[rules.Finding]) -> None:
    for finding in findings:
        click.echo(f"  ✗ [{finding.code}] {say(finding.zh, finding.en)}")
        click.echo(f"    → {say(finding.do_zh, finding.do_en)}")


def _shown(state: TopicState) -> dict[str, Any]:
    return {
        "topic_id": state.topic_id,
        "partitions": state.partitions,
        "replication": state.replication,
        "in_sync": state.in_sync,
        "config": {name: state.config[name] for name in _SHOWN if name in state.config},
    }


def _print_topic(name: str, state: TopicState | None) -> None:
    if state is None:
        click.echo(f"{name}: {say('不存在', 'does not exist')}")
        return
    click.echo(f"{name}:")
    words = {
        "topic_id": say("标识", "id"),
        "partitions": say("分区", "partitions"),
        "replication": say("副本", "copies"),
        "in_sync": say("同步副本（最少）", "copies in sync (least)"),
    }
    shown = _shown(state)
    for key, word in words.items():
        click.echo(f"  {word}: {shown[key]}")
    for key, value in shown["config"].items():
        click.echo(f"  {key}: {value}")


def _print_status(found: BrokerStatus, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
    elif not found.running:
        click.echo(say(f"未运行（{found.directory}）", f"not running ({found.directory})"))
    else:
        zh = "运行中" if found.answering else "已启动，尚未应答"
        en = "running" if found.answering else "started, not answering yet"
        memory = "" if found.memory_mb is None else f", {found.memory_mb} MB"
        click.echo(f"Kafka {found.version} {say(zh, en)}: {found.bootstrap}, pid {found.pid}{memory}")
        click.echo(say(f"目录：{found.directory}", f"directory: {found.directory}"))
