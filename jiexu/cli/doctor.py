"""`jiexu doctor`: what is wrong with a region's set-up, and what to do. Every probe stands by itself."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jiexu.cli.errors import NO, UNREACHABLE
from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.texts import print_json, say

if TYPE_CHECKING:
    from jiexu.service.config import Config

OK, WARN, BAD, AWAY = "ok", "warn", "bad", "unreachable"
_MARKS = {OK: "✓", WARN: "!", BAD: "✗", AWAY: "…"}
# Deadlines reach this far ahead: the longest limit of the platform procedure, with holidays.
_HORIZON_DAYS = 30
_CLOCK_TOLERANCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found, and what to do about it."""

    probe: str
    state: str
    zh: str
    en: str
    todo_zh: str = ""
    todo_en: str = ""


@click.command(
    help="""体检：配置、密钥、目录、日志、交换、主题、日历、时钟、登记库，以及积压。每一项说明哪里不对、怎么办。

    Check a region's set-up: configuration, keys, directory, journal, exchange, topics, calendar, clock, registry, and
    what has piled up. Each finding says what to do.

    \b
    例 Example:  jiexu doctor --config ./xian/region.toml
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
        print_json(
            {
                "sound": not states & {BAD, AWAY},
                "findings": [{name: getattr(f, name) for name in Finding.__slots__} for f in findings],
            }
        )
    for finding in findings if not as_json else []:
        click.echo(f"{_MARKS[finding.state]} {finding.probe:<10} {say(finding.zh, finding.en)}")
        if finding.todo_zh:
            click.echo(say(f"    怎么办：{finding.todo_zh}", f"    what to do: {finding.todo_en}"))
    return NO if BAD in states else UNREACHABLE if AWAY in states else 0


Probe = Callable[["Config"], list[Finding]]


def examine(config_file: Path) -> list[Finding]:
    """All findings. A probe that fails in a way nobody thought of is a finding too."""
    try:
        config = configuration(config_file)
    except Exception as error:
        return [_failed("config", error)]
    findings = [Finding("config", OK, f"{config.region}：{config_file}", f"{config.region}: {config_file}")]
    probes: dict[str, Probe] = {
        "keys": _keys,
        "directory": _directory,
        "journal": _journal,
        "exchange": _exchange,
        "calendar": _calendar,
        "registry": _registry,
    }
    for name, probe in probes.items():
        try:
            findings += probe(config)
        except Exception as error:
            findings.append(_failed(name, error))
    return findings


def _failed(probe: str, error: Exception) -> Finding:
    problem = getattr(error, "problem", None)
    if problem is not None:
        return Finding(probe, BAD, problem.zh, problem.en, problem.todo_zh, problem.todo_en)
    zh, en = getattr(error, "zh", None), getattr(error, "en", None)
    state = AWAY if getattr(error, "code", "") == "exchange.unavailable" else BAD
    if isinstance(zh, str) and isinstance(en, str):
        return Finding(probe, state, zh, en)
    return Finding(probe, BAD, f"{type(error).__name__}: {error}", f"{type(error).__name__}: {error}")


def _keys(config: "Config") -> list[Finding]:
    from jiexu.region.directory.file import load_participants
    from jiexu.service.wiring import current_signer, read_index_key

    folder = config.path(config.keys)
    found = []
    for path in [folder, *sorted(folder.glob("*"))]:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            zh, en = f"{path} 可被他人读取（{mode:o}）", f"{path} can be read by others ({mode:o})"
            found.append(Finding("keys", BAD, zh, en, f"chmod go-rwx {path}", f"chmod go-rwx {path}"))
    read_index_key(config)
    participants = load_participants(config.path(config.directory), config.directory_root)
    signer = current_signer(config, participants)
    zh, en = f"签名密钥 {signer.key_id} 现在有效", f"key {signer.key_id} may sign now"
    return [*found, Finding("keys", OK, zh, en)]


def _directory(config: "Config") -> list[Finding]:
    from jiexu.region.directory.file import load_participants
    from jiexu.region.directory.load import load_directory
    from jiexu.service.agency import BEIJING, utc_now

    participants = load_participants(config.path(config.directory), config.directory_root, load_directory())
    today = utc_now().astimezone(BEIJING).date()
    zh, en = f"{len(participants.regions)} 个参与地区", f"{len(participants.regions)} regions take part"
    found = [Finding("directory", OK, zh, en)]
    if not participants.is_online(config.region, "platform", today):
        zh, en = "本区今天未上线", "this region is not online today"
        found.append(Finding("directory", BAD, zh, en, "更新目录条目的 online", "update `online` in its entry"))
    if participants.bank_account(config.region, today) is None:
        zh, en = "本区没有现行的收款账户", "no receiving bank account of this region is in effect"
        found.append(
            Finding("directory", WARN, zh, en, "登记账户，次日生效", "enter one; it takes effect the next day")
        )
    return found


def _journal(config: "Config") -> list[Finding]:
    from jiexu.case.event import Role
    from jiexu.journal.sqlite import open_journal
    from jiexu.service.agency import utc_now
    from jiexu.service.followers import LEDGER_CURSOR, LEDGER_WAITS

    journal = open_journal(config.path(config.journal), config.region)
    try:
        with journal.read() as read:
            last, ledger = read.last_position(), read.cursor(LEDGER_CURSOR)
            waits = read.note(LEDGER_WAITS)
            counts = {
                "parked": len(read.parked()),
                "held": len(read.held()),
                "todo": len(read.todos()),
                "claims": len(read.open_claims()),
                "unreceipted": len(read.unreceipted()),
            }
            agenda = sum(len(read.agenda(role, utc_now(), 10_000)) for role in Role)
    finally:
        journal.close()
    zh = f"{last} 条；账本落后 {last - ledger} 条；待看 {agenda} 件"
    found = [Finding("journal", OK, zh, f"{last} lines; the ledger is {last - ledger} behind; {agenda} on the agenda")]
    if waits:
        zh, en = f"自 {waits} 起账本不可达，涉及资金的步骤在等", f"the ledger is unreachable since {waits}: acts wait"
        found.append(
            Finding("journal", AWAY, zh, en, "检查交换与账本主题", "look at the exchange and the ledger topic")
        )
    advice = {
        "parked": ("jiexu parked list", "条记录搁置", "records are parked"),
        "held": ("jiexu todo list", "个事件在等前序或升级", "events wait for a gap or an upgrade"),
        "todo": ("jiexu todo list", "项等人处理", "items wait for a person"),
        "claims": ("jiexu worklist", "个步骤办理中", "steps are under way"),
        "unreceipted": ("jiexu sent", "个事件待回执", "events have no receipt yet"),
    }
    for name, count in counts.items():
        if count:
            command, zh, en = advice[name]
            found.append(Finding("journal", WARN, f"{count} {zh}", f"{count} {en}", command, command))
    return found


def _exchange(config: "Config") -> list[Finding]:
    from jiexu.exchange.topics import Purpose, check, region_topics, topic_name
    from jiexu.region.directory.file import load_participants
    from jiexu.service.agency import utc_now
    from jiexu.service.wiring import open_configured_exchange

    participants = load_participants(config.path(config.directory), config.directory_root)
    exchange = open_configured_exchange(config)
    try:
        admin = exchange.admin()
        problems = check(admin, region_topics(config.region, participants.partitions(config.region)))
        admin.close()
        ledger = topic_name(config.region, Purpose.LEDGER)
        ends = exchange.end_offsets(ledger) if not problems else {}
        last = [r.append_time for r in exchange.read(ledger, {0: ends[0] - 1})] if ends.get(0) else []
    finally:
        exchange.close()
    found = [Finding("topics", BAD, p.zh, p.en, p.do_zh, p.do_en) for p in problems]
    if last and last[-1] > utc_now() + _CLOCK_TOLERANCE:
        zh, en = "本机时钟落后于交换", "this machine's clock is behind the exchange's"
        found.append(Finding("clock", BAD, zh, en, "校准时钟（NTP）", "set the clock (NTP)"))
    return found or [Finding("exchange", OK, "可达，主题符合要求", "reachable, topics as they must be")]


def _calendar(config: "Config") -> list[Finding]:
    from jiexu.calendar import load
    from jiexu.service.agency import BEIJING, utc_now

    calendar = load(config.path(config.calendar) if config.calendar else None).in_province(config.region[:2])
    due = calendar.add_working_days(utc_now().astimezone(BEIJING).date(), _HORIZON_DAYS)
    zh, en = f"{_HORIZON_DAYS} 个工作日后为 {due.date}", f"{_HORIZON_DAYS} working days from now is {due.date}"
    if not due.provisional:
        return [Finding("calendar", OK, zh, en)]
    return [
        Finding(
            "calendar",
            WARN,
            f"{zh}（暂定：{due.date.year} 年放假安排尚未录入）",
            f"{en} (provisional: the notice for {due.date.year} is not in)",
            "通知发布后：jiexu calendar add FILE",
            "once the notice is out: jiexu calendar add FILE",
        )
    ]


def _registry(config: "Config") -> list[Finding]:
    from jiexu.region.registry import Bank, SqliteRegistry
    from jiexu.service.agency import utc_now

    bank = Bank(config.path(config.platform.bank))
    registry = SqliteRegistry(config.path(config.platform.registry), config.region, bank, utc_now)
    try:
        wrong = registry.unbalanced()
    finally:
        registry.close()
        bank.close()
    if wrong:
        zh, en = f"{len(wrong)} 个个人账户账目不平", f"{len(wrong)} accounts do not add up"
        return [Finding("registry", BAD, zh, en, "联系维护人员核查", "have the registry examined")]
    return [Finding("registry", OK, "账目相符", "its books add up")]
