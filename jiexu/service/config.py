"""A region's configuration, strict: an unknown word is an error, not a silent default.

A file (TOML); each of its keys can be given by an environment variable instead (region/environment.py).
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from jiexu.exchange.settings import ExchangeSettings
from jiexu.journal.place import has_password, is_database
from jiexu.region.environment import EnvironmentRefused, merged, settings_from, variables_for

StepMode = Literal["auto", "clerk"]

# Steps by role, and who takes them where the region does not say. A question, its answer, money sent a second time
# and everything that undoes something needs a person; the rest is arithmetic on what both sides already stated.
STEPS: dict[str, dict[str, StepMode]] = {
    "outbound": {
        "answer": "auto",
        "lodge_anew": "auto",
        "upload": "auto",
        "remit": "auto",
        "remit_difference": "auto",
        "send_again": "auto",
        "pay_out": "auto",
        "book_failure": "auto",
        "book_return": "auto",
        "answer_form_query": "clerk",
        "answer_balance_query": "clerk",
    },
    "inbound": {
        "answer": "auto",
        "lodge_anew": "auto",
        "complete": "auto",
        "amend": "auto",
        "complete_again": "clerk",
        "credit": "auto",
        "book_arrival": "auto",
        "query_balance": "auto",
        "return_uncredited": "auto",
        "return_excess": "auto",
        "take_back": "auto",
        "answer_withdrawal": "clerk",
        "answer_proposal": "clerk",
    },
}


class ConfigError(Exception):
    """The configuration cannot be used: what, where, and what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} {en}")
        self.zh, self.en = zh, en


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"应写作 主机:端口 / host:port: {value!r}")
    return value


class PlatformConfig(_Strict):
    """The default adapter of the local platform: the registry file, and the bank's file."""

    registry: str
    bank: str


class OfficeConfig(_Strict):
    """The office as forms name it."""

    code: str
    name: str
    address: str | None = None
    postcode: str | None = None
    phone: str | None = None


class WatchConfig(_Strict):
    """Where each service answers `/metrics`, `/healthz` and `/readyz`, as `host:port`; nowhere by default.

    One address for each role: the two services of a region may run on one machine.
    """

    outbound: Annotated[str, AfterValidator(_address)] | None = None
    inbound: Annotated[str, AfterValidator(_address)] | None = None

    def address(self, role: str) -> tuple[str, int] | None:
        """Host and port of a role's endpoint."""
        given = self.outbound if role == "outbound" else self.inbound
        if given is None:
            return None
        host, _, port = given.rpartition(":")
        return host.strip("[]"), int(port)


class Config(_Strict):
    """One region's deployment. Paths are relative to the file."""

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    office: OfficeConfig
    journal: str = "journal.db"  # a file, or postgresql://user@host:port/database
    journal_password_file: str | None = None
    exchange: ExchangeSettings
    directory: str = "directory.json"
    directory_root: str
    keys: str = "keys"
    key_passphrase_file: str | None = None
    platform: PlatformConfig
    calendar: str | None = None
    steps: dict[Literal["outbound", "inbound"], dict[str, StepMode]] = {}
    overlays: dict[str, bool] = {}
    # Cases that a turn works on at most: a busy service has hundreds waiting, which share what a turn costs by itself.
    batch: Annotated[int, Field(ge=1, le=4096)] = 512
    resend_after_minutes: Annotated[int, Field(ge=1)] = 60
    resend_every_hours: Annotated[int, Field(ge=1)] = 24
    held_quota: Annotated[int, Field(ge=1)] = 10_000
    claim_lease_seconds: Annotated[int, Field(ge=1)] = 60
    watch: WatchConfig = WatchConfig()
    log_level: Literal["debug", "info", "warning"] = "info"  # info: a line for every event of a case
    folder: str = "."

    @model_validator(mode="after")
    def _steps_exist(self) -> Self:
        for role, steps in self.steps.items():
            for name in steps:
                if name not in STEPS[role]:
                    raise ValueError(f"steps.{role}.{name}: no such step; there are {', '.join(STEPS[role])}")
        return self

    @model_validator(mode="after")
    def _watched_apart(self) -> Self:
        if self.watch.outbound is not None and self.watch.outbound == self.watch.inbound:
            raise ValueError(f"watch: two services cannot listen on one address, {self.watch.inbound}")
        return self

    @model_validator(mode="after")
    def _password_apart(self) -> Self:
        if is_database(self.journal) and has_password(self.journal):
            raise ValueError("journal: addresses are shown and logged; put the password into journal_password_file")
        if self.journal_password_file is not None and not is_database(self.journal):
            raise ValueError("journal_password_file: a journal in a file has no password")
        return self

    def journal_place(self) -> Path | str:
        """Where the journal is: a file, or a database's address."""
        return self.journal if is_database(self.journal) else self.path(self.journal)

    def path(self, name: str) -> Path:
        """A configured path, taken from the configuration file's folder."""
        return Path(self.folder) / name

    def mode(self, role: str, step: str) -> StepMode:
        """Whether that step is automatic or waits for a clerk."""
        own = {str(name): steps for name, steps in self.steps.items()}.get(role, {})
        return own.get(step) or STEPS[role].get(step, "clerk")


def load_config(file: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file, and what the environment says instead. Raises ConfigError: the place, what to do.

    Where the environment names the region, the file may be missing: then everything comes from the environment.
    """
    try:
        variables = variables_for(file, environ)
        given = settings_from(variables, Config, but=frozenset({"folder"}))
    except EnvironmentRefused as refused:
        raise ConfigError(f"环境变量有误：{refused.zh}", f"the environment cannot be used: {refused.en}") from None
    values = merged(_file_values(file, missing_ok="region" in given), given)
    try:
        return Config.model_validate({**values, "folder": os.fspath(file.parent)})
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc'])) or '(file)'}: {e['msg']}" for e in error.errors())
        zh, en = (f"（及 {', '.join(variables)}）", f" (with {', '.join(variables)})") if variables else ("", "")
        raise ConfigError(f"配置文件 {file}{zh} 有误：{what}", f"{file}{en} cannot be used: {what}") from None


def _file_values(file: Path, missing_ok: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if missing_ok:
            return {}
        raise ConfigError(
            f"找不到配置文件 {file}；用 `jiexu region init` 新建一个。",
            f"There is no configuration file {file}; make one with `jiexu region init`.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"配置文件 {file} 不是有效的 TOML：{error}", f"{file} is not valid TOML: {error}") from None
