"""What the commands of the exchange share: where it is and how to log in to it, which regions, errors and languages."""

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from pydantic import BaseModel, ValidationError

from jiexu.exchange.broker import BrokerFailed
from jiexu.exchange.broker_parts import PartsMissing
from jiexu.exchange.opening import open_exchange
from jiexu.exchange.port import Admin, ExchangeError, ExchangeUnavailable
from jiexu.exchange.settings import ExchangeSettings, KafkaSettings
from jiexu.exchange.topics import DEFAULT_PARTITIONS
from jiexu.region.directory.file import load_participants
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.problem import DirectoryError
from jiexu.region.environment import PREFIX, EnvironmentRefused, merged, settings_from, variables_for

FOUND_PROBLEMS = 1
BAD_INPUT = 2
UNREACHABLE = 3

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Place:
    """An exchange and the regions to look at there; None for an exchange that no option names."""

    settings: ExchangeSettings | None
    regions: tuple[str, ...]
    directory: Participants | None = None

    def partitions_of(self, region: str) -> int:
        """How many partitions the region's mailboxes have: as the directory says, else the default."""
        if self.directory is not None and region in self.directory.regions:
            return self.directory.partitions(region)
        return DEFAULT_PARTITIONS


def where_options(command: F) -> F:
    """`--exchange`, `--kafka`, `--config`, `--region`: read with `place_of`."""
    for option in reversed(
        [
            click.option("--exchange", "path", metavar="PATH", help="内置交换文件。 / The embedded exchange's file."),
            click.option(
                "--kafka",
                "bootstrap",
                metavar="HOST:PORT",
                help="Kafka 地址（不加密、不登录）。 / Kafka's address (plain, no login).",
            ),
            click.option(
                "--config",
                "config_file",
                type=click.Path(path_type=Path, dir_okay=False),
                help="取其中的 [exchange]（含登录）与参与目录，如 region.toml 或管理员的 admin.toml。 / "
                "Take [exchange] (with its login) and the directory from this file.",
            ),
            click.option(
                "--region",
                "regions",
                multiple=True,
                metavar="CODE",
                help="地区代码，可多次给出；缺省为 --config 目录中的全部。 / "
                "Region code, may be given several times; by default all in the directory of --config.",
            ),
        ]
    ):
        command = option(command)
    return command


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="输出 JSON。 / Print JSON.")(command)


def place_of(
    path: str | None, bootstrap: str | None, config_file: Path | None, regions: tuple[str, ...], *, needed: bool = True
) -> Place:
    """Where the options point. Raises click's errors where they do not fit together."""
    given = sum(one is not None for one in (path, bootstrap, config_file))
    if given > 1 or (needed and not given):
        raise click.UsageError(
            say(
                "--exchange、--kafka、--config 须且只能给出一个",
                "give exactly one of --exchange, --kafka and --config",
            )
        )
    if config_file is not None:
        place = _configured(config_file)
    else:
        try:
            kafka = None if bootstrap is None else KafkaSettings(bootstrap=bootstrap)
            settings = ExchangeSettings(embedded=path, kafka=kafka) if given else None
        except ValidationError as error:
            _bad_input(error, say("--exchange 或 --kafka", "--exchange or --kafka"))
        place = Place(settings, ())
    chosen = regions or place.regions
    if not chosen:
        raise click.UsageError(say("请用 --region 给出地区代码", "give a region's code with --region"))
    return replace(place, regions=chosen)


@contextmanager
def opened_admin(settings: ExchangeSettings) -> Iterator[Admin]:
    """The administrator's side of that exchange; its errors end the command in words."""
    with readable_errors(), closing(open_exchange(settings)) as exchange, closing(exchange.admin()) as admin:
        yield admin


@contextmanager
def readable_errors() -> Iterator[None]:
    """The exchange's errors on standard error, with the exit code for them."""
    try:
        yield
    except ExchangeError as error:
        click.echo(say(error.zh, error.en), err=True)
        unreachable = isinstance(error, ExchangeUnavailable | BrokerFailed | PartsMissing)
        raise SystemExit(UNREACHABLE if unreachable else BAD_INPUT) from error


def say(zh: str, en: str) -> str:
    """The sentence in the language asked for."""
    context = click.get_current_context(silent=True)
    english = context is not None and context.find_root().params.get("lang") == "en"
    return en if english else zh


def progress(zh: str, en: str) -> None:
    """What is being done, on standard error."""
    click.echo(f"{say(zh, en)} …", err=True)


def print_json(value: Any) -> None:
    """One document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _configured(file: Path) -> Place:
    try:
        values = merged(tomllib.loads(file.read_text(encoding="utf-8")), _from_environment(file))
        settings = ExchangeSettings.model_validate(values.get("exchange", {})).under(file.parent)
        directory, root = values.get("directory"), values.get("directory_root")
        participants = None
        if isinstance(directory, str) and isinstance(root, str):
            participants = load_participants(file.parent / directory, root)
    except ValidationError as error:
        _bad_input(error, f"{file} [exchange]")
    except DirectoryError as error:
        raise click.UsageError(str(error)) from error
    except EnvironmentRefused as refused:
        raise click.UsageError(say(refused.zh, refused.en)) from refused
    except (OSError, ValueError) as error:
        raise click.UsageError(say(f"不能读取 {file}：{error}", f"{file} cannot be read: {error}")) from error
    return Place(settings, () if participants is None else participants.regions, participants)


class _Read(BaseModel):
    """What is read of a configuration here."""

    exchange: ExchangeSettings
    directory: str
    directory_root: str


def _from_environment(file: Path) -> dict[str, Any]:
    mine = tuple(PREFIX + name.upper() for name in _Read.model_fields)
    variables = {name: text for name, text in variables_for(file, os.environ).items() if name.startswith(mine)}
    return settings_from(variables, _Read)


def _bad_input(error: ValidationError, where: str) -> NoReturn:
    problems = "; ".join(
        ": ".join([".".join(map(str, one["loc"]))] * bool(one["loc"]) + [one["msg"].removeprefix("Value error, ")])
        for one in error.errors()
    )
    raise click.UsageError(say(f"{where} 有误：{problems}", f"{where}: {problems}")) from error
