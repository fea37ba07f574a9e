"""Probes of a region's journal: the file, its clock, what has piled up in it, how far the ledger is behind."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jiexu.cli.finding import Finding, State

if TYPE_CHECKING:
    from jiexu.journal.port import Reads
    from jiexu.service.config import Config

CLOCK_TOLERANCE = timedelta(seconds=30)
"""How far two clocks may be apart: machines kept by NTP differ by milliseconds, a poll and a commit take seconds."""

DISK_LOW_BYTES, DISK_FULL_BYTES = 5_000_000_000, 500_000_000
"""Room for a million cases of 6 KB each; room for a day. The alert JiexuDiskFilling has the former too."""

CLAIM_LASTS = timedelta(hours=1)
"""A step under way longer than this was left behind: an act of the registry takes seconds, a lease a minute."""

RECEIPT_LASTS = timedelta(hours=24)
"""As `jiexu sent` has it: by then an event was sent twice, and the partner had a working day."""


def file(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the journal is this region's, whole, of a known version, and closed to others."""
    from jiexu.journal.backup import reading
    from jiexu.journal.creation import check
    from jiexu.service.wiring import journal_password_file

    place, password_file = config.journal_place(), journal_password_file(config)
    if secret := place if isinstance(place, Path) else password_file:
        yield from _open_to_others(secret)
    # Missing, another file, another region, another version; of a database also: away, or not durable.
    with reading(place, password_file) as sql:
        version = check(sql, place, config.region)["version"]
        product, faults, size = sql.product, sql.faults(), sql.size_bytes()
    if faults:
        zh, en = f"日志文件已损坏：{faults[0]}", f"the journal's file is damaged: {faults[0]}"
        todo_zh = (
            "停止服务，保留该文件，检查磁盘，用 jiexu journal restore 恢复备份，或用 jiexu audit rebuild 从账本重建"
        )
        todo_en = (
            "stop the services, keep the file, look at the disk; restore a backup (jiexu journal restore), or rebuild "
            "from the ledger (jiexu audit rebuild)"
        )
        yield Finding("journal", State.BAD, zh, en, todo_zh, todo_en)
    else:
        zh = f"{config.region} 的日志，版式 {version}，完好，{product}，{size >> 20} MiB"
        en = f"journal of {config.region}, layout {version}, whole, {product}, {size >> 20} MiB"
        yield Finding("journal", State.OK, zh, en)


def _open_to_others(secret: Path) -> Iterator[Finding]:
    mode = secret.stat().st_mode & 0o777 if secret.exists() else 0
    if mode & 0o077:
        zh, en = (
            f"{secret.name} 含个人信息或口令，却可被他人读取（{mode:o}）",
            f"{secret.name} holds personal values or a password, and others can read it ({mode:o})",
        )
        yield Finding("journal", State.BAD, zh, en, f"chmod go-rwx {secret}", f"chmod go-rwx {secret}")


def disk(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the journal's file has room to grow. A database's room is its own administrator's."""
    place = config.journal_place()
    if not isinstance(place, Path):
        return
    free = shutil.disk_usage(place.parent).free
    zh, en = f"{place.parent} 还有 {free / 1e9:.1f} GB", f"{free / 1e9:.1f} GB are free in {place.parent}"
    if free >= DISK_LOW_BYTES:
        yield Finding("disk", State.OK, zh, en)
        return
    todo = (
        f"腾出空间：移走备份与日志文件；不要删除 {place.name}-wal",
        f"make room: move backups and logs away; never delete {place.name}-wal",
    )
    yield Finding("disk", State.WARN if free >= DISK_FULL_BYTES else State.BAD, zh, en, *todo)


def clock(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether this machine's clock went back behind what it wrote: then times of recording stand still."""
    with _reading(config) as read:
        last = read.last_position()
        lines = read.log(last - 1, 1) if last else []
    if lines and lines[-1].recorded_at > now + CLOCK_TOLERANCE:
        ahead = lines[-1].recorded_at - now
        zh, en = (
            f"日志最后一条记于 {ahead} 之后：时钟被拨回过",
            f"the last line is {ahead} in the future: the clock went back",
        )
        yield Finding("clock", State.BAD, zh, en, "校准时钟（NTP）", "set the clock (NTP)")
    else:
        yield Finding("clock", State.OK, "不早于日志的最后一条", "not before the journal's last line")


def backlog(config: "Config", now: datetime) -> Iterator[Finding]:
    """What waits: for a person, for a partner, for an earlier event, for a receipt, for an act to end."""
    with _reading(config) as read:
        yield from _waiting(read, now)


def ledger(config: "Config", now: datetime) -> Iterator[Finding]:
    """How far the ledger is behind the journal. Acts wait until it holds what they rest on."""
    from jiexu.service.followers import LEDGER_WAITS
    from jiexu.service.ledger_end import LEDGER_CURSOR

    with _reading(config) as read:
        last, cursor, waits = read.last_position(), read.cursor(LEDGER_CURSOR), read.note(LEDGER_WAITS)
    if waits:
        zh, en = f"自 {waits} 起不可达，涉及资金的步骤在等", f"unreachable since {waits}: acts that move money wait"
        todo = (
            "检查交换与账本主题（jiexu topics check）",
            "look at the exchange and the ledger's topic (jiexu topics check)",
        )
        yield Finding("ledger", State.AWAY, zh, en, *todo)
    elif cursor < last:
        zh, en = f"落后日志 {last - cursor} 条", f"{last - cursor} lines behind the journal"
        todo = "服务运行时会自行追上；未运行则启动它", "a running service catches up by itself; start it if none runs"
        yield Finding("ledger", State.WARN, zh, en, *todo)
    elif cursor > last:
        zh, en = f"领先日志 {cursor - last} 条", f"{cursor - last} lines ahead of the journal"
        todo = (
            "日志可能是旧副本；启动服务时会从账本补齐",
            "the journal may be an old copy; a service mends it at its start",
        )
        yield Finding("ledger", State.BAD, zh, en, *todo)
    else:
        yield Finding("ledger", State.OK, f"持有日志的全部 {last} 条", f"holds all {last} lines of the journal")


def _waiting(read: "Reads", now: datetime) -> Iterator[Finding]:
    parked, held, todos = len(read.parked()), len(read.held()), read.todos()
    text = "条记录搁置，未能收录", "records could not be placed"
    yield _count("parked", parked, parked, text, ("jiexu parked list",) * 2)
    text = "个事件在等前序或升级", "events wait for a gap or an upgrade"
    todo = "请对方补发或升级本程序；7 天后转入搁置", "ask for what is missing, or upgrade; after 7 days they are parked"
    yield _count("held", held, held, text, todo)
    alarms = sum(todo.kind == "alarm" for todo in todos)
    text = f"项等人处理，其中告警 {alarms} 项", f"items wait for a person, {alarms} of them alarms"
    yield _count("todo", len(todos), len(todos), text, ("jiexu todo list",) * 2)
    claims = read.open_claims()
    left = sum(now - claim.recorded_at > CLAIM_LASTS for claim in claims)
    hours = CLAIM_LASTS // timedelta(hours=1)
    text = f"个步骤办理中，{left} 个超过 {hours} 小时", f"steps are under way, {left} for more than {hours} h"
    yield _count("claims", len(claims), left, text, ("jiexu worklist",) * 2)
    waiting = read.unreceipted()
    late = sum(now - one.recorded_at > RECEIPT_LASTS for one in waiting)
    hours = RECEIPT_LASTS // timedelta(hours=1)
    text = f"个事件待回执，{late} 个超过 {hours} 小时", f"events have no receipt yet, {late} for more than {hours} h"
    yield _count("receipts", len(waiting), late, text, ("jiexu sent",) * 2)


def _count(probe: str, count: int, wrong: int, text: tuple[str, str], todo: tuple[str, str]) -> Finding:
    if not count:
        return Finding(probe, State.OK, "没有积压", "nothing waits")
    zh, en = f"{count} {text[0]}", f"{count} {text[1]}"
    if not wrong:
        return Finding(probe, State.OK, zh, en)
    return Finding(probe, State.WARN, zh, en, *todo)


class _reading:
    """The journal read once, and closed."""

    def __init__(self, config: "Config") -> None:
        from jiexu.service.wiring import open_configured_journal

        self._journal = open_configured_journal(config)
        self._block = self._journal.read()

    def __enter__(self) -> "Reads":
        try:
            return self._block.__enter__()
        except BaseException:
            self._journal.close()
            raise

    def __exit__(self, *error: object) -> None:
        try:
            self._block.__exit__(None, None, None)
        finally:
            self._journal.close()
