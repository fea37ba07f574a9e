"""Makes the credentials of docker-compose.yml, those that are missing: run by its jobs `secrets` and `partner-secrets`.

An authority of the stack's own; certificates for the broker, its administrator and the region, by which they log in to
each other; the password of the region's journal. Nobody sees any of them, and each volume holds one party's alone. A
certificate that ends within a month is made anew.

    credentials.py --authority DIR --region CODE --to DIR [--broker DIR] [--admin DIR]

Every file is written whole or not at all, so it may be ended anywhere and run again.
"""

import argparse
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

LASTS = timedelta(days=825)
RENEWED_BEFORE = timedelta(days=30)
BROKER_GROUP = 1000  # of the user in Kafka's image
BROKER_NAMES = (x509.DNSName("kafka"), x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))


class Authority:
    """Who signs the certificates; its key stays in its own volume."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ca.pem"
        key = folder / "ca.key"
        if not _fit(key, self.file, timedelta(0)):
            self._key, name = ec.generate_private_key(ec.SECP256R1()), _named("jiexu compose")
            made = _begun(name, name, self._key, 10 * LASTS)
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            write(key, _pem(self._key))
            write(self.file, made.sign(self._key, SHA256()).public_bytes(Encoding.PEM), 0o644)
        self._key = _private(key)
        self._name = x509.load_pem_x509_certificate(self.file.read_bytes()).subject

    def issue(self, folder: Path, stem: str, name: str, hosts: Sequence[x509.GeneralName] = ()) -> bool:
        """`<stem>.pem` and `<stem>.key` for that common name, and `ca.pem`; False where they stand and last."""
        key_file, file = folder / f"{stem}.key", folder / f"{stem}.pem"
        if _fit(key_file, file, RENEWED_BEFORE) and (folder / "ca.pem").exists():
            return False
        key = ec.generate_private_key(ec.SECP256R1())
        made = _begun(_named(name), self._name, key, LASTS)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        write(folder / "ca.pem", self.file.read_bytes(), 0o644)
        write(key_file, _pem(key))
        write(file, made.sign(self._key, SHA256()).public_bytes(Encoding.PEM), 0o644)
        return True


def write(file: Path, data: bytes, mode: int = 0o600, group: int = -1) -> None:
    """The file whole or not at all, with its mode from the first byte on."""
    half = file.with_name(f".{file.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        os.fchown(handle.fileno(), -1, group)
        os.fchmod(handle.fileno(), mode)
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    half.replace(file)


def broker(authority: Authority, folder: Path) -> None:
    """The broker's key and certificate in one file, which its container reads by its group."""
    made = authority.issue(folder, "kafka", "kafka", BROKER_NAMES)
    if made or not (folder / "keystore.pem").exists():
        both = (folder / "kafka.key").read_bytes() + (folder / "kafka.pem").read_bytes()
        write(folder / "keystore.pem", both, 0o640, BROKER_GROUP)


def main() -> None:
    """What the options ask for, where it is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--authority", type=Path, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--broker", type=Path)
    parser.add_argument("--admin", type=Path)
    given = parser.parse_args()

    authority = Authority(given.authority)
    authority.issue(given.to, "kafka", f"jiexu.{given.region}")
    if not (given.to / "journal").exists():
        write(given.to / "journal", secrets.token_urlsafe(32).encode() + b"\n")
    if given.broker:
        broker(authority, given.broker)
    if given.admin:
        authority.issue(given.admin, "kafka", "admin")


def _fit(key: Path, certificate: Path, left: timedelta) -> bool:
    """Whether both are there, belong together, and last for so long."""
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
        return read.public_key() == _private(key).public_key() and read.not_valid_after_utc > datetime.now(UTC) + left
    except FileNotFoundError:
        return False


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of containers on other machines may be behind
        .not_valid_after(now + lasts)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _private(file: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(file.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), f"{file} is not ours"
    return key


if __name__ == "__main__":
    main()
