"""Signature suites behind one port: a key in a file, or a certified module, takes the same place.

Suites: `ed25519-sha256` (64 raw bytes) and `sm2-sm3` (国密: identity 1234567812345678, r ‖ s, 64 bytes). Never sign
with the PyPI package `gmssl`, whose nonce does not come from a secure source.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jiexu.contract.errors import contract_error

ED25519 = "ed25519-sha256"
SM2 = "sm2-sm3"
SM2_IDENTITY = b"1234567812345678"
SIGNATURE_SIZE = 64
PUBLIC_KEY_SIZES = {ED25519: 32, SM2: 64}


class Signer(Protocol):
    """Whoever can sign for an agency."""

    @property
    def key_id(self) -> str:
        """Id of the key, as the directory names it."""

    @property
    def suite(self) -> str:
        """Name of the suite."""

    @property
    def public_key(self) -> bytes:
        """The public half: 32 bytes of Ed25519, 64 of SM2."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""


def key_id_of(public_key: bytes) -> str:
    """The first 16 hex digits of the public key's SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


class Ed25519Signer:
    """Signs with a private key held in memory."""

    suite = ED25519

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._key = private_key
        self.public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = key_id_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 raw bytes."""
        return self._key.sign(message)


class Sm2Signer:
    """Signs with SM2 over SM3; needs the extra `jiexu[sm]`, else ContractError `suite_unavailable`."""

    suite = SM2

    def __init__(self, private_key: bytes, public_key: bytes) -> None:
        self._module = _gmssl()
        self.private_key = private_key
        self.public_key = public_key
        self.key_id = key_id_of(public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature as r ‖ s, 32 bytes each."""
        der = self._module.sm2_sign(self.private_key, self.public_key, message, signer_id=SM2_IDENTITY)
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def new_sm2_signer() -> Sm2Signer:
    """A signer with a new SM2 key. Raises ContractError `suite_unavailable`."""
    public_key, private_key = _gmssl().sm2_key_generate()
    return Sm2Signer(private_key, public_key)


def verify(suite: str, public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Raises ContractError `unknown_suite`, `suite_unavailable`, `bad_key`, `bad_signature`.
    """
    check = _SUITES.get(suite)
    if check is None:
        raise contract_error("unknown_suite", suite[:40])
    if len(signature) != SIGNATURE_SIZE or not check(public_key, message, signature):
        raise contract_error("bad_signature")


@lru_cache(maxsize=1024)
def _ed25519_key(raw: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise contract_error("bad_key") from error


def _verify_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        _ed25519_key(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _verify_sm2(public_key: bytes, message: bytes, signature: bytes) -> bool:
    module = _gmssl()
    if len(public_key) != 64:
        raise contract_error("bad_key")
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        return bool(module.sm2_verify(public_key, message, der, signer_id=SM2_IDENTITY))
    except module.GmsslInnerError:  # a key or signature that is no point or number of the curve
        return False


def _gmssl() -> Any:
    try:
        return import_module("gmssl_pyx")
    except ImportError as error:
        raise contract_error("suite_unavailable", SM2) from error


_SUITES: dict[str, Callable[[bytes, bytes, bytes], bool]] = {ED25519: _verify_ed25519, SM2: _verify_sm2}
SUITES = frozenset(_SUITES)
