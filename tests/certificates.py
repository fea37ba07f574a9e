"""Certificates for tests, made on the spot: an authority, a broker's, clients'; and what is wrong with some."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder; `certificate` is what the others trust."""

    folder: Path
    certificate: Path
    _key: ec.EllipticCurvePrivateKey
    _issuer: x509.Certificate

    @classmethod
    def create(cls, folder: Path, name: str = "jiexu test authority") -> "Authority":
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _begun(subject, subject, key.public_key(), timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, SHA256())
        )
        file = folder / "ca.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return cls(folder, file, key, certificate)

    def issue(
        self, name: str, *, host: str | None = "127.0.0.1", password: str | None = None, days: float = 1
    ) -> tuple[Path, Path]:
        """A certificate with that common name and its key, (certificate, key) as PEM files; `days` may be negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _begun(subject, self._issuer.subject, key.public_key(), timedelta(days=days))
        if host is not None:
            made = made.add_extension(x509.SubjectAlternativeName([_host(host)]), critical=False)
        certificate = made.sign(self._key, SHA256())
        encryption: KeySerializationEncryption = NoEncryption()
        if password is not None:
            encryption = BestAvailableEncryption(password.encode())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        public = certificate.public_bytes(Encoding.PEM)
        certificate_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate_file.write_bytes(public)
        write_secret(key_file, secret)
        return certificate_file, key_file

    def keystore(self, name: str, **options: str) -> Path:
        """Key and certificate in one file, as a Kafka broker reads them."""
        certificate, key = self.issue(name, **options)  # type: ignore[arg-type]
        file = self.folder / f"{name}.keystore.pem"
        write_secret(file, key.read_bytes() + certificate.read_bytes())
        return file


def write_secret(file: Path, data: bytes | str) -> Path:
    """A file that its owner alone can read."""
    file.touch(mode=0o600)
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + lasts)
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
