"""How the journal's connections to PostgreSQL are made, and what a server must be like to be trusted with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from jiexu.contract.errors import ContractError
from jiexu.contract.secret_files import read_secret
from jiexu.journal.port import JournalError, JournalUnavailable

BUSY_MS = 30_000
"""How long a block waits for another process's, as in SQLite."""

IDLE_IN_BLOCK_MS = 300_000
"""A process that stands still within a block (stopped, paused, swapped out) loses its connection after this, so that
the others can go on: as long as a service's own watchdog. Its block then fails, and nothing of it stands."""

_SESSION = {
    "lock_timeout": str(BUSY_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_BLOCK_MS),
    # Every statement is served row by row from indexes, in their order; none is worth a look at several plans, or
    # compiling.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_indexonlyscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "jit": "off",
    # The server notices that a client's machine is gone, and lets go of its lock, before others wait in vain.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_CONNECTION = {
    "connect_timeout": "10",
    "application_name": "jiexu",
    "client_encoding": "UTF8",
    "target_session_attrs": "read-write",  # of several hosts the primary
    # The same the other way round: a server that is gone is noticed, not waited for.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def connection_settings(url: str, password_file: Path | None = None) -> dict[str, str]:
    """What libpq is given: the URL's own settings, and ours where it has none. Raises JournalError `bad_address`."""
    try:
        given: Mapping[str, Any] = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        said = str(error).strip()
        raise JournalError(
            "bad_address", f"数据库地址 {url} 有误：{said}。", f"{url} is no address: {said}."
        ) from error
    options = " ".join([*(f"-c {name}={value}" for name, value in _SESSION.items()), given.get("options") or ""])
    settings = {**_CONNECTION, **given, "options": options.strip()}
    if password_file is not None:
        settings["password"] = _password(password_file)
    return settings


def _password(file: Path) -> str:
    """The password; refused where others than its owner can read it, as every secret in a file."""
    try:
        return read_secret(file)
    except ContractError as error:
        raise JournalError("no_password", error.zh, error.en) from error


def refuse_careless(where: str, fsync: str, synchronous: str, encoding: str) -> None:
    """Refuse a server that acknowledges what a power cut takes away, or that cannot hold every character."""
    wrong = [("fsync", fsync)] if fsync == "off" else []
    wrong += [("synchronous_commit", synchronous)] if synchronous == "off" else []
    if wrong:
        found = ", ".join(f"{name} = {value}" for name, value in wrong)
        zh = f"数据库 {where} 的设置会在断电时丢失已提交的内容（{found}），不能存放日志。"
        en = f"A power cut would take committed lines from {where} ({found}): no place for a journal."
        raise JournalError("not_durable", zh, en)
    if encoding != "UTF8":
        zh, en = f"数据库 {where} 的编码是 {encoding}，不是 UTF8。", f"{where} is not in UTF8, but in {encoding}."
        raise JournalError("not_a_journal", zh, en)


def unavailable(where: str, error: Exception) -> JournalUnavailable:
    """The database does not answer, or not us."""
    said = str(error).strip().splitlines()
    reason = said[0].strip() if said else type(error).__name__
    return JournalUnavailable(f"日志数据库 {where} 不可用：{reason}。", f"The database {where} is away: {reason}.")


def disk_full(where: str) -> JournalUnavailable:
    """The server has no room for what was to be written, and undoes it: nothing is wrong with the journal."""
    return JournalUnavailable(
        f"日志数据库 {where} 所在的磁盘已满；腾出空间后自动继续。",
        f"The disk of the database {where} is full; it goes on once there is room.",
    )
