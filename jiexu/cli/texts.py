"""Saying things: Chinese first, English on request, JSON for machines."""

import json
from contextvars import ContextVar
from typing import Any

import click

# Errors are told after the command's context has gone, so the choice is remembered beside it.
_chosen: ContextVar[str] = ContextVar("jiexu_lang", default="zh")


def choose_language(lang: str) -> str:
    """Remember what `--lang` says, for texts that come before a command begins or after it has ended."""
    _chosen.set(lang)
    return lang


def language() -> str:
    """`zh` or `en`, as the main command's `--lang` says."""
    context = click.get_current_context(silent=True)
    lang = context.find_root().params.get("lang") if context else None
    return "en" if (lang or _chosen.get()) == "en" else "zh"


def say(zh: str, en: str) -> str:
    """The text in the language asked for."""
    return en if language() == "en" else zh


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
