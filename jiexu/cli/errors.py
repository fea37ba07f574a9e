"""Errors as people and programs see them: a sentence and what to do, an exit code, never a traceback.

Exit codes: 0 done · 1 the answer is no, or problems were found · 2 bad input or configuration · 3 something that is
needed cannot be reached · 70 a defect of the program.
"""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click

from jiexu.cli import usage
from jiexu.cli.texts import print_json, say

NO, BAD_INPUT, UNREACHABLE, DEFECT, INTERRUPTED = 1, 2, 3, 70, 130

# Errors of the product that say `code`, `zh` and `en` themselves, and are no matter of input: their exit codes.
_BY_CODE = {
    "exchange.unavailable": UNREACHABLE,
    "exchange.broker_failed": UNREACHABLE,
    "ledger_unreachable": UNREACHABLE,
    "busy": UNREACHABLE,
    "journal_unreachable": UNREACHABLE,
    "unknown_case": NO,
}
# What to do, where the error's own sentence leaves it open.
_TODO = {
    "exchange.unavailable": (
        "请检查 [exchange] 中的地址与网络，稍后重试",
        "check the address in [exchange] and the network, then try again",
    ),
    "exchange.refused": (
        "请检查 [exchange] 中的登录信息与主题权限",
        "check the login in [exchange] and the rights to the topics",
    ),
    "missing": (
        "请核对配置中的 journal；新统筹区用 jiexu region init，丢失的日志用 jiexu audit rebuild",
        "check `journal` in the configuration; a new region: jiexu region init, a lost journal: jiexu audit rebuild",
    ),
    "not_a_journal": ("请核对配置中的 journal", "check `journal` in the configuration"),
    "other_region": ("请核对配置中的 region 与 journal", "check `region` and `journal` in the configuration"),
    "newer_version": ("请升级 jiexu", "upgrade jiexu"),
    "older_version": (
        "请停止服务，先用原程序备份（jiexu journal backup），再执行 jiexu journal migrate",
        "stop the services, make a backup with the program before this one, then jiexu journal migrate",
    ),
    "moved": ("请在配置中改写 journal", "change `journal` in the configuration"),
    "in_use": ("请停止本区的服务与命令，再试", "stop the region's services and commands, then try again"),
    "damaged": (
        "请用另一份备份，或用 jiexu audit rebuild 从账本重建",
        "use another backup, or make it from the ledger: jiexu audit rebuild",
    ),
    "not_a_backup": ("请用 jiexu journal backup 备份", "make a backup with jiexu journal backup"),
    "bad_address": (
        "应写作 postgresql://用户@主机:端口/数据库",
        "it is written as postgresql://user@host:port/database",
    ),
    "busy": ("请稍后重试", "try again in a moment"),
    "journal_unreachable": (
        "请检查数据库是否运行，以及配置中的 journal、journal_password_file 与网络",
        "see whether the database runs; check `journal`, `journal_password_file` and the network",
    ),
    "not_durable": (
        "请数据库管理员执行 ALTER SYSTEM SET fsync = on、ALTER ROLE … SET synchronous_commit = on，再重试",
        "have the database's administrator set fsync = on, and ALTER ROLE … SET synchronous_commit = on",
    ),
    "no_driver": ("请执行 pip install 'jiexu[postgres]'", "pip install 'jiexu[postgres]'"),
    "unsafe_key_file": ("请执行 chmod 600", "chmod 600 the file"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An error as it is told: a stable code, a sentence in both languages, the exit code."""

    code: str
    zh: str
    en: str
    exit_code: int = BAD_INPUT


class Failure(Exception):
    """A command's own refusal: code, sentences, exit code."""

    def __init__(self, code: str, zh: str, en: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(en)
        self.code, self.zh, self.en, self.exit_code = code, zh, en, exit_code


def run(command: Callable[[], int | None], as_json: bool) -> int:
    """Run a command and turn whatever it raises into a sentence and an exit code."""
    try:
        code = command() or 0
        sys.stdout.flush()  # here, where a reader that has gone is still told apart from a defect
        return code
    except click.ClickException as error:
        if as_json:
            _print_error(Told("usage", *usage.sentences(error)))
        usage.show(error)
        return error.exit_code
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("已中断。", "Interrupted."), err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read it has gone (`jiexu … | head`): nothing is left to say, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        told = sentence(error) or _defect(error)
        if as_json:
            _print_error(told)
        click.echo(say(f"错误 {told.code}：{told.zh}", f"error {told.code}: {told.en}"), err=True)
        return told.exit_code


def sentence(error: Exception) -> Told | None:
    """What a known error says to people; None for a defect."""
    problem = getattr(error, "problem", None)
    if problem is not None and hasattr(problem, "todo_zh"):  # the directory's
        return Told(problem.code, f"{problem.zh}。{problem.todo_zh}", f"{problem.en}. {problem.todo_en}")
    said = getattr(error, "refused", error)  # the registry's refusals carry theirs
    zh, en = getattr(said, "zh", None), getattr(said, "en", None)
    if isinstance(zh, str) and isinstance(en, str):
        code = str(getattr(said, "code", type(error).__name__.removesuffix("Error").lower()))
        exit_code = getattr(error, "exit_code", _BY_CODE.get(code, BAD_INPUT))
        where = f"{place}：" if (place := getattr(error, "where", "")) else ""
        todo = _TODO.get(code)
        zh = f"{where}{zh}{f' {todo[0]}。' if todo else ''}"
        en = f"{where.replace('：', ': ')}{en}{f' To do: {todo[1]}.' if todo else ''}"
        return Told(code, zh, en, exit_code)
    return _from_below(error)


def _from_below(error: Exception) -> Told | None:
    """Errors of files and databases, and those of the product that carry no code."""
    import sqlite3

    from jiexu.journal.port import JournalConflict, Moved, SeqTaken
    from jiexu.region.registry.adapter import OtherRegion
    from jiexu.region.registry.sqlite import FileTooNew
    from jiexu.rules.lint import RulesDataError

    match error:
        case SeqTaken() | Moved():
            return Told("moved", "刚有新情况，请重新查看后再办", "it has just changed: look again, then do it", NO)
        case JournalConflict():
            return Told("journal_conflict", error.zh, error.en)
        case OtherRegion() | FileTooNew() | RulesDataError():
            return Told(
                "file_unusable", f"{error}。请核对配置中的文件", f"{error}. Check the files in the configuration"
            )
        case sqlite3.OperationalError() if "locked" in str(error) or "busy" in str(error):
            return Told("busy", "文件正被占用，请稍后重试", "a file is in use: try again in a moment", UNREACHABLE)
        case sqlite3.DatabaseError():
            return Told(
                "database",
                f"数据库文件不能使用（{error}）。请核对配置中的路径、权限与磁盘空间，或运行 jiexu doctor",
                f"a database file cannot be used ({error}). Check the paths, permissions and disk, or run jiexu doctor",
            )
        case _ if type(error).__module__.partition(".")[0] == "psycopg":  # not imported where there is none
            said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            return Told(
                "database",
                f"数据库出错（{said}）。请核对权限与磁盘空间，或运行 jiexu doctor",
                f"the database failed ({said}). Check its rights and its disk, or run jiexu doctor",
            )
        case OSError() if error.filename is not None:
            return Told(
                "file",
                f"{error.filename}：{error.strerror}。请核对路径与权限",
                f"{error.filename}: {error.strerror}. Check the path and its permissions",
            )
    return None


def _defect(error: Exception) -> Told:
    reference = uuid4().hex[:8]
    log = _log(error, reference)
    if os.environ.get("JIEXU_DEBUG"):
        traceback.print_exception(error)
    kind = type(error).__name__
    where_zh, where_en = (f"详情记在 {log}，", f"Details are in {log}; ") if log else ("", "")
    return Told(
        "internal",
        f"程序内部错误（编号 {reference}，{kind}）。{where_zh}报告时请附编号；设 JIEXU_DEBUG=1 重试可见详情。",
        f"internal error {reference} ({kind}). {where_en}name the number when you report it, or try again with "
        "JIEXU_DEBUG=1.",
        DEFECT,
    )


def _log(error: Exception, reference: str) -> Path | None:
    """Append the traceback to the log of defects, identity numbers masked; None where it cannot be written."""
    from jiexu.service.logs import mask

    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    file = Path(state) / "jiexu" / "errors.log"
    text = mask("".join(traceback.format_exception(error)))
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()} {reference}\n{text}\n")
    except OSError:
        return None
    return file


def _print_error(told: Told) -> None:
    print_json({"error": {"code": told.code, "zh": told.zh, "en": told.en}})
