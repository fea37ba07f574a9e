"""Options that many commands share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from jiexu.service.agency import Agency
    from jiexu.service.config import Config

F = TypeVar("F", bound=Callable[..., Any])


def with_config(function: F) -> F:
    """`--config FILE`: the region's configuration file."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("region.toml"),
        envvar="JIEXU_CONFIG",
        show_default=True,
        help="统筹区配置文件 the region's configuration (JIEXU_CONFIG).",
    )(function)


def with_json(function: F) -> F:
    """`--json`: one JSON document on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="输出 JSON。JSON for machines.")(function)


def configuration(file: Path) -> "Config":
    """The configuration. Raises ConfigError."""
    from jiexu.service.config import load_config

    return load_config(file)


def opened(file: Path, owner: str | None = None) -> "AbstractContextManager[Agency]":
    """The region's agency, closed at the end of the block."""
    from jiexu.service.wiring import open_agency

    return closing(open_agency(configuration(file), owner))


@contextmanager
def opened_to_write(file: Path, owner: str | None = None) -> "Iterator[Agency]":
    """The same for a command that writes: a journal that was restored is held against the ledger first."""
    from jiexu.service.startup import check_if_restored

    with opened(file, owner) as agency:
        check_if_restored(agency)
        yield agency


def case_id_of(agency: "Agency", given: str) -> str:
    """The case that an id, or the unique beginning of one (8 characters or more), names."""
    from jiexu.cli.errors import NO, Failure

    text = given.replace("-", "").lower()
    if len(text) < 8 or any(c not in "0123456789abcdef" for c in text):
        raise Failure("case_id", f"案号须为至少 8 位十六进制：{given}", f"a case id has 8 hex digits or more: {given}")
    with agency.journal.read() as read:
        after = (int(text.ljust(32, "0"), 16) - 1).to_bytes(16, "big").hex() if text.strip("0") else ""
        found = [row.case_id for row in read.cases(after_case=after, limit=2) if row.case_id.startswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Failure("unknown_case", f"没有案件 {given}", f"there is no case {given}", NO)
    raise Failure("ambiguous_case", f"{given} 对应多件，请多写几位", f"{given} fits several cases: write more of it")
