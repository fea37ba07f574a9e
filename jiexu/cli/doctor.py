"""`jiexu doctor`: what is wrong with a region's set-up, and what to do. Every probe stands by itself."""

import os
from datetime import datetime
from pathlib import Path

import click

from jiexu.cli.errors import NO, UNREACHABLE
from jiexu.cli.finding import Finding, Probe, State, failed
from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.texts import print_json, say

_MARKS = {State.OK: "✓", State.WARN: "!", State.BAD: "✗", State.AWAY: "…"}


@click.command(
    help="""体检：配置、密钥、目录、日历、登记库、日志、磁盘、账本、积压、交换、主题、时钟。每一项说明哪里不对、怎么办。

    Check a region: configuration, keys, directory, calendar, registry, journal, disk, ledger, what has piled up,
    exchange, topics, clock. Each finding says what to do. Nothing is changed, and a broken part hides no other.

    \b
    例 Example:  jiexu doctor --config ./xian/region.toml
    标记 Marks:  ✓ 正常 ok · ! 留意 look at it · ✗ 有问题 wrong · … 连不上 unreachable
    退出码 Exit code: 0 无问题 sound · 1 有问题 something is wrong · 3 只是连不上 only unreachable
    """
)
@with_config
@with_json
def doctor(config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    findings = examine(config_file)
    states = {finding.state for finding in findings}
    if as_json:
        sound = not states & {State.BAD, State.AWAY}
        print_json({"sound": sound, "findings": [finding.document() for finding in findings]})
    for finding in findings if not as_json else []:
        click.echo(f"{_MARKS[finding.state]} {finding.probe:<10} {say(finding.zh, finding.en)}")
        if finding.todo_zh:
            click.echo(say(f"    怎么办：{finding.todo_zh}", f"    what to do: {finding.todo_en}"))
    return NO if State.BAD in states else UNREACHABLE if State.AWAY in states else 0


def examine(config_file: Path, now: datetime | None = None) -> list[Finding]:
    """All findings, as of `now` (the machine's clock). A probe that fails is a finding, and stops no other."""
    from jiexu.service.agency import utc_now

    try:
        config = configuration(config_file)
    except Exception as error:
        return [failed("config", error)]
    findings = [_read_from(config.region, config_file)]
    now = now or utc_now()
    for name, probe in _probes().items():
        try:
            for finding in probe(config, now):  # one by one: what came before a failure is kept
                findings.append(finding)
        except Exception as error:
            findings.append(failed(name, error))
    return findings


def _read_from(region: str, file: Path) -> Finding:
    from jiexu.region.environment import variables_for

    names = ", ".join(variables_for(file, os.environ))
    zh, en = (f"，环境变量 {names}", f", and {names} of the environment") if names else ("", "")
    return Finding("config", State.OK, f"{region}：{file}{zh}", f"{region}: {file}{en}")


def _probes() -> dict[str, Probe]:
    from jiexu.cli import probe_exchange, probe_journal, probe_setup

    return {
        "keys": probe_setup.keys,
        "directory": probe_setup.directory,
        "calendar": probe_setup.calendar,
        "registry": probe_setup.registry,
        "journal": probe_journal.file,
        "disk": probe_journal.disk,
        "clock": probe_journal.clock,
        "backlog": probe_journal.backlog,
        "ledger": probe_journal.ledger,
        "exchange": probe_exchange.exchange,
    }
