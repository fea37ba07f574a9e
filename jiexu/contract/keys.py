"""Signing keys in files: PEM, readable by their owner alone, encrypted with a passphrase where one is given.

A file that others can read is refused, so that a copied or unpacked key is noticed before it signs anything.
"""

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from jiexu.contract import sm2_pem
from jiexu.contract.errors import contract_error
from jiexu.contract.secret_files import write_private
from jiexu.contract.signing import ED25519, SM2, Ed25519Signer, Sm2Signer, new_sm2_signer

FileSigner = Ed25519Signer | Sm2Signer

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_key(directory: Path, suite: str = ED25519, passphrase: str | None = None) -> tuple[FileSigner, Path]:
    """Make a new key and store it as `<key id>.pem` (0600) in the directory (0700, made where missing).

    Raises ContractError `unsafe_key_file` where the directory is open to others, `unknown_suite`,
    `suite_unavailable`.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_open(directory)
    signer: FileSigner
    if suite == ED25519:
        key = Ed25519PrivateKey.generate()
        signer, pem = Ed25519Signer(key), _pem(key, passphrase)
    elif suite == SM2:
        signer = new_sm2_signer()
        pem = sm2_pem.to_pem(signer.private_key, signer.public_key, passphrase)
    else:
        raise contract_error("unknown_suite", suite[:40])
    path = directory / f"{signer.key_id}.pem"
    write_private(path, pem)
    return signer, path


def load_key(path: Path, passphrase: str | None = None) -> FileSigner:
    """The signer of a stored key.

    Raises ContractError `unsafe_key_file` where the file or its directory is open to others, `key_passphrase` where
    the passphrase is missing or not the key's own, `suite_unavailable`, `bad_key` where it cannot be read or is of no
    suite.
    """
    if not path.is_file():
        raise contract_error("bad_key", path.name)
    _refuse_open(path.parent)
    _refuse_open(path)
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise contract_error("bad_key", path.name) from error
    try:
        return _sm2_signer(pem, passphrase) or _ed25519_signer(pem, passphrase, path.name)
    except InvalidKey as error:
        raise contract_error("key_passphrase", path.name) from error


def is_encrypted(path: Path) -> bool:
    """Whether a key file needs a passphrase."""
    return b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()


def _sm2_signer(pem: bytes, passphrase: str | None) -> Sm2Signer | None:
    """The signer of an SM2 key, None for what is none. Raises InvalidKey, ContractError `suite_unavailable`."""
    try:
        private, public = sm2_pem.from_pem(pem, passphrase)
    except ValueError:
        return None
    except InvalidKey:
        if passphrase is None:
            raise
        return None  # whether it is an SM2 key at all is not known
    return Sm2Signer(private, public)


def _ed25519_signer(pem: bytes, passphrase: str | None, name: str) -> Ed25519Signer:
    # A passphrase for a key that has none is refused by the library; the others of a folder may have one.
    encrypted = b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    password = passphrase.encode() if passphrase is not None and encrypted else None
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError) as error:
        raise contract_error("key_passphrase" if encrypted else "bad_key", name) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise contract_error("bad_key", f"{name}: not Ed25519")
    return Ed25519Signer(key)


def _pem(key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _refuse_open(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise contract_error("unsafe_key_file", f"{path.name}: {stat.filemode(path.stat().st_mode)}")
