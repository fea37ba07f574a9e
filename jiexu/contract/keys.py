"""Keys in files: PEM, readable by their owner alone.

A file that others can read is refused, so that a copied or unpacked key is noticed before it signs anything.
"""

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from jiexu.contract.errors import contract_error
from jiexu.contract.signing import Ed25519Signer

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_key(directory: Path) -> tuple[Ed25519Signer, Path]:
    """Make a new Ed25519 key and store it as `<key id>.pem` (0600) in the directory (0700, made where missing).

    Raises ContractError `unsafe_key_file` where the directory is open to others.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_open(directory)
    key = Ed25519PrivateKey.generate()
    signer = Ed25519Signer(key)
    path = directory / f"{signer.key_id}.pem"
    # The mode is given at creation: there is no moment at which another user could open the file. It has its name when
    # it is whole: half a key would look like one that was damaged.
    half = path.with_suffix(".new")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
    return signer, path


def load_key(path: Path) -> Ed25519Signer:
    """The signer of a stored key.

    Raises ContractError `unsafe_key_file` where the file or its directory is open to others, `bad_key` where it
    cannot be read or is no Ed25519 key.
    """
    if not path.is_file():
        raise contract_error("bad_key", path.name)
    _refuse_open(path.parent)
    _refuse_open(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise contract_error("bad_key", path.name) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise contract_error("bad_key", f"{path.name}: not Ed25519")
    return Ed25519Signer(key)


def _refuse_open(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise contract_error("unsafe_key_file", f"{path.name}: {stat.filemode(path.stat().st_mode)}")
