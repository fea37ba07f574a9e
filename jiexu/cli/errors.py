"""Errors as people and programs see them: a sentence and what to do, an exit code, never a traceback.

Exit codes: 0 done · 1 the answer is no, or problems were found · 2 bad input or configuration · 3 something that is
needed cannot be reached · 70 a defect of the program.
"""

import os
import sys
import traceback
from collections.abc import Callable
from uuid import uuid4

import click

from jiexu.cli.texts import print_json, say

NO, BAD_INPUT, UNREACHABLE, DEFECT = 1, 2, 3, 70
# Codes of errors that pass by themselves: wait, and do it again.
_REACHABLE_LATER = {"exchange.unavailable", "busy", "ledger_unreachable"}


class Failure(Exception):
    """A command's own refusal: code, sentences, exit code."""

    def __init__(self, code: str, zh: str, en: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(en)
        self.code, self.zh, self.en, self.exit_code = code, zh, en, exit_code


def run(command: Callable[[], int | None], as_json: bool) -> int:
    """Run a command and turn whatever it raises into a sentence and an exit code."""
    try:
        return command() or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("已中断。", "Interrupted."), err=True)
        return 130
    except BrokenPipeError:
        sys.stdout = None  # whoever read it has gone; nothing is left to say
        return 0
    except Exception as error:
        return _tell(error, as_json)


def _tell(error: Exception, as_json: bool) -> int:
    problem = getattr(error, "problem", None)
    if problem is not None:  # the directory's, which say what to do
        return _show(problem.code, f"{problem.zh}。{problem.todo_zh}", f"{problem.en}. {problem.todo_en}", 2, as_json)
    zh, en = getattr(error, "zh", None), getattr(error, "en", None)
    if isinstance(zh, str) and isinstance(en, str):
        code = str(getattr(error, "code", type(error).__name__))
        exit_code = getattr(error, "exit_code", UNREACHABLE if code in _REACHABLE_LATER else BAD_INPUT)
        return _show(code, zh, en, exit_code, as_json)
    reference = uuid4().hex[:8]
    if os.environ.get("JIEXU_DEBUG"):
        traceback.print_exception(error)
    zh = f"程序内部错误（编号 {reference}）：{type(error).__name__}。设 JIEXU_DEBUG=1 重试可见详情。"
    en = f"internal error {reference}: {type(error).__name__}. Set JIEXU_DEBUG=1 and try again for details."
    return _show("internal", zh, en, DEFECT, as_json)


def _show(code: str, zh: str, en: str, exit_code: int, as_json: bool) -> int:
    if as_json:
        print_json({"error": {"code": code, "zh": zh, "en": en}})
    click.echo(say(f"错误 {code}：{zh}", f"error {code}: {en}"), err=True)
    return exit_code
