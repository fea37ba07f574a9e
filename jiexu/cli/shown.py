"""How lists show what they show: times in Beijing, identity numbers masked, headings in one language."""

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Console
from rich.table import Table

from jiexu.cli.texts import say
from jiexu.service.agency import BEIJING
from jiexu.service.logs import mask

Heading = tuple[str, str]


def beijing(moment: datetime) -> str:
    """A moment as an office's wall clock shows it, to the minute."""
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def iso(moment: datetime | None) -> str | None:
    """A moment for machines (ISO 8601, UTC)."""
    return None if moment is None else moment.isoformat()


def said(zh: str, en: str) -> str:
    """A text that came from elsewhere, in the language asked for. A partner may have written a number into it."""
    return mask(say(zh, en))


def print_table(headings: Sequence[Heading], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """A table on standard output; a cell that is too long for the terminal is folded, never cut."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)  # fits 80 columns
    for zh, en in headings:
        table.add_column(say(zh, en), overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
