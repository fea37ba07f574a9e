"""The part of the configuration that says where the exchange is, and how to log in to it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_FILES = ("ssl_ca_file", "ssl_cert_file", "ssl_key_file", "ssl_key_password_file", "sasl_password_file")
_BY_VALUE = {"sasl_password": "sasl_password_file", "ssl_key_password": "ssl_key_password_file"}


def _bootstrap(value: str) -> str:
    for server in value.split(","):
        if not _HOST_PORT.fullmatch(server):
            raise ValueError(f"应写作 主机:端口，多个用逗号分隔 / host:port, several joined by commas: {server!r}")
    return value


class KafkaSettings(BaseModel):
    """One cluster and how to log in to it. Strict: an unknown or misspelt name is refused.

    Passwords stand in files of their own, named here and read when a connection is made, so that a new one is
    taken up by itself. Times are seconds. `delivery_timeout` bounds a `send`, `request_timeout` every other call.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    bootstrap: Annotated[str, AfterValidator(_bootstrap)]
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_ca_file: str | None = None
    ssl_cert_file: str | None = None
    ssl_key_file: str | None = None
    ssl_key_password_file: str | None = None
    ssl_check_hostname: bool = True
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password_file: str | None = None
    client_id: str = "jiexu"
    request_timeout: float = Field(default=10.0, ge=0.5, le=60)
    delivery_timeout: float = Field(default=30.0, ge=1, le=300)

    @model_validator(mode="before")
    @classmethod
    def _no_secret_by_value(cls, values: Any) -> Any:
        for name, file in _BY_VALUE.items():
            if isinstance(values, Mapping) and name in values:
                # The value itself is not repeated: this sentence is printed and logged.
                raise ValueError(
                    f"密码不写在配置里：写入权限为 0600 的文件，再用 {file} 指明 / "
                    f"no password by value: write it to a file of mode 0600 and name that: {file}"
                )
        return values

    @model_validator(mode="after")
    def _agree(self) -> Self:
        sasl = (self.sasl_mechanism, self.sasl_username, self.sasl_password_file)
        if self.security.startswith("SASL"):
            if None in sasl:
                raise ValueError(
                    "SASL 需要 sasl_mechanism、sasl_username、sasl_password_file / SASL needs all three of them"
                )
        elif sasl != (None, None, None):
            # Silently unused, it would look as if one logged in.
            raise ValueError(f"security={self.security} 不使用 SASL 设置 / does not use the sasl settings")
        if self.security == "SASL_PLAINTEXT" and self.sasl_mechanism == "PLAIN":
            raise ValueError("PLAIN 只能用于 SASL_SSL，否则口令以明文发送 / PLAIN sends the password in clear")
        tls = (self.ssl_ca_file, self.ssl_cert_file, self.ssl_key_file, self.ssl_key_password_file)
        if not self.tls and tls != (None,) * 4:
            raise ValueError(f"security={self.security} 不使用 ssl 设置 / does not use the ssl settings")
        if (self.ssl_cert_file is None) != (self.ssl_key_file is None):
            raise ValueError("ssl_cert_file 与 ssl_key_file 须同时给出 / give both or neither")
        if self.ssl_key_password_file is not None and self.ssl_key_file is None:
            raise ValueError("ssl_key_password_file 需要 ssl_key_file / needs ssl_key_file")
        if self.delivery_timeout < self.request_timeout:
            raise ValueError("delivery_timeout 不能小于 request_timeout / must not be below request_timeout")
        return self

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security in ("SSL", "SASL_SSL")

    def under(self, folder: Path) -> Self:
        """The same with its files' paths taken from that folder, as those of a configuration file are."""
        paths = {name: getattr(self, name) for name in _FILES}
        return self.model_copy(update={name: str(folder / path) for name, path in paths.items() if path is not None})

    def files(self) -> list[str]:
        """The files of the login."""
        return [path for name in _FILES if (path := getattr(self, name)) is not None]

    def client_options(self) -> dict[str, Any]:
        """What every client of kafka-python is given, the login left out (kafka/login.py)."""
        return {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.client_id,
            "security_protocol": self.security,
            "request_timeout_ms": round(self.request_timeout * 1000),
            "bootstrap_timeout_ms": round(self.request_timeout * 1000),
            # 30 s by default: a broker that is back would not be noticed for so long.
            "reconnect_backoff_max_ms": 1000,
            # A topic deleted and made again is noticed by its id in the metadata.
            "metadata_max_age_ms": 30_000,
        }


class ExchangeSettings(BaseModel):
    """Exactly one of `embedded` (the path of a file on this machine) and `kafka`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    embedded: str | None = None
    kafka: KafkaSettings | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.embedded is None) == (self.kafka is None):
            raise ValueError("embedded 与 kafka 须且只能给出一个 / give exactly one of embedded and kafka")
        return self

    def under(self, folder: Path) -> Self:
        """The same with all its files' paths taken from that folder."""
        if self.kafka is not None:
            return self.model_copy(update={"kafka": self.kafka.under(folder)})
        return self.model_copy(update={"embedded": str(folder / Path(self.embedded or "").expanduser())})
