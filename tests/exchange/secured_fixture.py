"""A secured Kafka for the tests that ask for it: TLS on every listener, a login for everybody, no right without ACL."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jiexu.exchange.broker import LocalBroker
from jiexu.exchange.broker_properties import BROKER_NAME, SCRAM_MECHANISM, BrokerSecurity
from jiexu.exchange.settings import KafkaSettings
from tests.certificates import Authority, write_secret

ADMIN, STRANGER = "admin", "stranger"
A, B, C = "610100", "330300", "310000"
"""Regions: A logs in with a password, B with a certificate, C with either."""


@dataclass
class Secured:
    """The broker, and the credentials of all who may log in to it."""

    broker: LocalBroker
    authority: Authority
    folder: Path
    passwords: dict[str, str] = field(repr=False)

    def by_password(self, user: str, **changes: Any) -> KafkaSettings:
        """Settings of a client that logs in with a name and a password."""
        given = {
            "bootstrap": self.broker.bootstrap,
            "security": "SASL_SSL",
            "ssl_ca_file": str(self.authority.certificate),
            "sasl_mechanism": SCRAM_MECHANISM,
            "sasl_username": user,
            "sasl_password_file": str(self.password_file(user)),
        }
        return KafkaSettings.model_validate(_without_none(given | changes))

    def by_certificate(self, name: str, **changes: Any) -> KafkaSettings:
        """Settings of a client that logs in with a certificate, whose key is encrypted."""
        certificate, key, password = self.certificate_of(name)
        given = {
            "bootstrap": self.broker.mutual_bootstrap,
            "security": "SSL",
            "ssl_ca_file": str(self.authority.certificate),
            "ssl_cert_file": str(certificate),
            "ssl_key_file": str(key),
            "ssl_key_password_file": str(password),
        }
        return KafkaSettings.model_validate(_without_none(given | changes))

    def password_file(self, user: str) -> Path:
        """A file with the user's password (0600)."""
        file = self.folder / f"{user}.password"
        return file if file.exists() else write_secret(file, self.passwords.get(user, "none") + "\n")

    def certificate_of(self, name: str) -> tuple[Path, Path, Path]:
        """Certificate, encrypted key, and the key's password, as files."""
        password = self.folder / f"{name}.key.password"
        if not password.exists():
            write_secret(password, "open sesame\n")
            self.authority.issue(name, host=None, password="open sesame")
        return self.authority.folder / f"{name}.pem", self.authority.folder / f"{name}.key", password

    def file(self, name: str, content: str) -> Path:
        """A secret in a file of its own."""
        return write_secret(self.folder / name, content)


@pytest.fixture(scope="session")
def secured(kafka_parts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One for the session; the tests that ask for it run in one worker (`secured_group`)."""
    folder = tmp_path_factory.mktemp("secured")
    os.chmod(folder, 0o700)
    authority = Authority.create(folder / "tls")
    passwords = {name: f"password of {name}" for name in (ADMIN, STRANGER, f"jiexu.{A}", f"jiexu.{C}")}
    security = BrokerSecurity(authority.keystore(BROKER_NAME), authority.certificate, passwords, (ADMIN,))
    broker = LocalBroker(folder / "kafka", security=security)
    broker.start()
    try:
        yield Secured(broker, authority, folder, passwords)
    finally:
        broker.stop()


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
