"""Wrong words on the command line, said in both languages: click itself says them in English only."""

import re

import click
from click.exceptions import NoArgsIsHelpError

from jiexu.cli.texts import say

# What click's types say of a value, and how it is said in Chinese. What fits none of them stays as click has it.
_VALUES = (
    (r"(?P<v>.*) is not one of (?P<of>.*)\.", "{v} 不在可选值之列：{of}"),
    (r"(?P<v>.*) does not match the formats? (?P<of>.*)\.", "{v} 不合格式 {of}"),
    (r"(?P<v>.*) is not a valid (integer|integer range)\.", "{v} 不是整数"),
    (r"(?P<v>.*) is not a valid (float|float range|number)\.", "{v} 不是数"),
    (r"(?P<v>.*) is not in the range (?P<of>.*)\.", "{v} 不在范围 {of} 内"),
    (r"\w+ (?P<v>'.*') does not exist\.", "{v} 不存在"),
    (r"\w+ (?P<v>'.*') is a directory\.", "{v} 是目录，不是文件"),
    (r"\w+ (?P<v>'.*') is a file\.", "{v} 是文件，不是目录"),
)
_OTHERS = (
    (r"Got unexpected extra arguments? \((?P<v>.*)\)", "多余的参数：{v}"),
    (r"Option (?P<v>'.*') requires an argument\.", "选项 {v} 缺少取值"),
    (r"Option (?P<v>'.*') does not take a value\.", "选项 {v} 不带取值"),
    (r"Missing command\.", "缺少子命令"),
)


def sentences(error: click.ClickException) -> tuple[str, str]:
    """The error in Chinese and English. What was typed may be an identity number, so it is masked."""
    from jiexu.service.logs import mask

    return mask(_chinese(error)), mask(_english(error))


def show(error: click.ClickException) -> None:
    """The command's usage and what is wrong, on standard error."""
    if isinstance(error, NoArgsIsHelpError):
        error.show()  # `jiexu` alone: the help is the answer
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        usage = context.get_usage().partition(" ")[2]
        click.echo(say(f"用法：{usage}", f"Usage: {usage}"), err=True)
        click.echo(
            say(f"说明见 {context.command_path} --help", f"For more: {context.command_path} --help"),
            err=True,
        )
    zh, en = sentences(error)
    click.echo(say(f"错误 usage：{zh}", f"error usage: {en}"), err=True)


def _english(error: click.ClickException) -> str:
    return error.format_message().rstrip(".")


def _chinese(error: click.ClickException) -> str:
    match error:
        case click.MissingParameter():
            kind = "参数" if error.param is not None and error.param.param_type_name == "argument" else "选项"
            return f"缺少{kind} {_name(error)}"
        case click.BadParameter():
            why = getattr(error, "zh", None) or _translated(error.message, _VALUES)
            return f"{_name(error)} 的值有误：{why}"
        case click.NoSuchOption():
            return f"没有选项 {error.option_name}{_perhaps(error.possibilities)}"
        case click.NoSuchCommand():
            return f"没有命令 {error.command_name}{_perhaps(error.possibilities)}"
    return _translated(error.format_message(), _OTHERS)


def _name(error: click.BadParameter) -> str:
    if error.param is None:
        return str(error.param_hint or "")
    return error.param.opts[0] if isinstance(error.param, click.Option) else error.param.make_metavar(_context(error))


def _context(error: click.BadParameter) -> click.Context:
    return error.ctx or click.Context(click.Command(None))


def _perhaps(possibilities: list[str] | None) -> str:
    return f"，是否指 {'、'.join(possibilities)}？" if possibilities else ""


def _translated(message: str, table: tuple[tuple[str, str], ...]) -> str:
    for pattern, zh in table:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return zh.format(**found.groupdict())
    return message
