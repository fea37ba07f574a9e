"""Probes of what a region is set up with: keys, directory, calendar, registry."""

import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jiexu.cli.finding import Finding, State, failed

if TYPE_CHECKING:
    from jiexu.service.config import Config

# Deadlines reach this far ahead: the longest limit of the platform procedure, and a week for questions.
HORIZON_WORKING_DAYS = 30
KEY_DAYS = 30  # a request, the keeper's signature, every region's installing, and the overlap take weeks
_PLACEHOLDER_BANK = "000000000000"  # what `region init` enters until the office enters its own


def keys(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the keys are secret, readable and accepted by the directory."""
    from jiexu.region.directory.file import load_participants
    from jiexu.service.keyring import own_keys
    from jiexu.service.wiring import current_signer, read_index_key

    folder = config.path(config.keys)
    open_ones = [path for path in (folder, *sorted(folder.glob("*"))) if path.exists() and _open_to_others(path)]
    for path in open_ones:
        mode = stat.S_IMODE(path.stat().st_mode)
        zh, en = f"{path} 可被他人读取（{mode:o}）", f"{path} can be read by others ({mode:o})"
        do = f"chmod go-rwx {path}"
        yield Finding(
            "keys", State.BAD, zh, en, f"{do}；可能已外泄的密钥应更换", f"{do}; replace a key that may have leaked"
        )
    try:
        read_index_key(config)
    except Exception as error:  # the signing key is looked at all the same
        yield failed("keys", error)
    participants = load_participants(config.path(config.directory), config.directory_root)
    signer = current_signer(config, participants, now)
    zh, en = f"签名密钥 {signer.key_id} 为目录认可，现在有效", f"key {signer.key_id} may sign now, says the directory"
    yield Finding("keys", State.OK, zh, en)
    (own,) = [one for one in own_keys(config, participants, now) if one.key_id == signer.key_id]
    days = own.days_left(now)
    if days is not None and days < KEY_DAYS:
        zh, en = f"它还有 {days} 天到期", f"it ends in {days} days"
        do_zh, do_en = "更换：jiexu keys rotate（已更换的见 jiexu keys list）", "jiexu keys rotate, if none follows yet"
        yield Finding("keys", State.WARN, zh, en, do_zh, do_en)


def directory(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the directory of regions can be believed, and what it says of this one."""
    from jiexu.region.directory.file import load_participants
    from jiexu.region.directory.load import load_directory
    from jiexu.service.agency import BEIJING

    participants = load_participants(config.path(config.directory), config.directory_root, load_directory())
    count = len(participants.regions)
    yield Finding("directory", State.OK, f"签名有效，{count} 个参与地区", f"signatures hold; {count} regions take part")
    today = now.astimezone(BEIJING).date()
    if not participants.is_online(config.region, "platform", today):
        zh, en = "本区今天未上线，对方不能向本区申请", "this region is not online today: nobody can lodge with it"
        yield Finding("directory", State.BAD, zh, en, "更新本区条目的 online", "update `online` in its entry")
    account = participants.bank_account(config.region, today)
    if account is None:
        zh, en = "本区没有现行的收款账户", "no receiving bank account of this region is in effect"
        todo = "在本区条目中登记账户，次日生效", "enter one in its entry; it takes effect the next day"
        yield Finding("directory", State.WARN, zh, en, *todo)
    elif account.bank_code == _PLACEHOLDER_BANK:
        zh, en = "收款账户仍是建立时的示例", "the receiving account is still the example of the set-up"
        todo = "正式办理前登记本区账户", "enter the region's own before real money moves"
        yield Finding("directory", State.WARN, zh, en, *todo)


def calendar(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether deadlines that begin today end on days whose holidays are known."""
    from jiexu.calendar import load
    from jiexu.service.agency import BEIJING

    known = load(config.path(config.calendar) if config.calendar else None).in_province(config.region[:2])
    due = known.add_working_days(now.astimezone(BEIJING).date(), HORIZON_WORKING_DAYS)
    zh = f"{HORIZON_WORKING_DAYS} 个工作日后为 {due.date}"
    en = f"{HORIZON_WORKING_DAYS} working days from now is {due.date}"
    if not due.provisional:
        yield Finding("calendar", State.OK, zh, en)
        return
    yield Finding(
        "calendar",
        State.WARN,
        f"{zh}（暂定：{due.date.year} 年放假安排尚未录入）",
        f"{en} (provisional: the notice for {due.date.year} is not in)",
        "国务院办公厅通知发布后：jiexu calendar add FILE",
        "once the State Council's notice is out: jiexu calendar add FILE",
    )


def registry(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the local registry opens and its accounts add up. Opening would make a missing file, so it is not."""
    from jiexu.region.registry import Bank, SqliteRegistry

    file, bank_file = config.path(config.platform.registry), config.path(config.platform.bank)
    if not file.is_file():
        zh, en = f"还没有登记库 {file}", f"there is no registry {file} yet"
        command = f"jiexu registry import --registry {file} DIR"
        yield Finding("registry", State.WARN, zh, en, command, command)
        return
    bank = Bank(bank_file if bank_file.is_file() else ":memory:")
    try:
        books = SqliteRegistry(file, config.region, bank, lambda: now)
        try:
            wrong = books.unbalanced()
        finally:
            books.close()
    finally:
        bank.close()
    if wrong:
        some = "、".join(wrong[:5])
        zh, en = f"{len(wrong)} 个个人账户账目不平：{some}", f"{len(wrong)} accounts do not add up: {some}"
        todo = "停止服务，用 jiexu audit 核对，再联系维护人员", "stop the services, compare with jiexu audit, report it"
        yield Finding("registry", State.BAD, zh, en, *todo)
    else:
        yield Finding("registry", State.OK, "可以打开，账目相符", "it opens, and its books add up")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))
