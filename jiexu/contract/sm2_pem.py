"""SM2 private keys as PEM (PKCS #8), in the form that OpenSSL and others read; the crypto library knows no SM2.

Unencrypted: PrivateKeyInfo with an ECPrivateKey (RFC 5915) on the curve sm2p256v1 (GM/T 0006). Encrypted: PBES2
(RFC 8018) with PBKDF2 over HMAC-SHA-256 and AES-256-CBC.
"""

import os
from base64 import b64decode, encodebytes
from typing import Annotated

from cryptography.exceptions import InvalidKey
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509 import ObjectIdentifier

ITERATIONS = 600_000
"""Of PBKDF2: what OWASP recommends for SHA-256; half a second for who tries one password."""
MOST_ITERATIONS = 10_000_000  # of a file that is read: a wrong one must not keep a service busy for hours

_EC = ObjectIdentifier("1.2.840.10045.2.1")
_SM2 = ObjectIdentifier("1.2.156.10197.1.301")
_PBES2 = ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2 = ObjectIdentifier("1.2.840.113549.1.5.12")
_HMAC_SHA256 = ObjectIdentifier("1.2.840.113549.2.9")
_AES256_CBC = ObjectIdentifier("2.16.840.1.101.3.4.1.42")

_PLAIN, _ENCRYPTED = "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"


@asn1.sequence
class _Curve:
    algorithm: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
class _PrivateKeyInfo:
    version: int
    algorithm: _Curve
    key: bytes


@asn1.sequence
class _EcPrivateKey:
    version: int
    private_key: bytes
    public_key: Annotated[asn1.BitString, asn1.Explicit(1)]


@asn1.sequence
class _Prf:
    algorithm: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _Pbkdf2Parameters:
    salt: bytes
    iterations: int
    prf: _Prf


@asn1.sequence
class _Pbkdf2:
    algorithm: ObjectIdentifier
    parameters: _Pbkdf2Parameters


@asn1.sequence
class _Aes:
    algorithm: ObjectIdentifier
    iv: bytes


@asn1.sequence
class _Pbes2Parameters:
    kdf: _Pbkdf2
    cipher: _Aes


@asn1.sequence
class _Pbes2:
    algorithm: ObjectIdentifier
    parameters: _Pbes2Parameters


@asn1.sequence
class _Encrypted:
    algorithm: _Pbes2
    data: bytes


def to_pem(private_key: bytes, public_key: bytes, passphrase: str | None = None) -> bytes:
    """The PEM of a key: 32 bytes private, 64 bytes public (x ‖ y)."""
    inner = _EcPrivateKey(version=1, private_key=private_key, public_key=asn1.BitString(b"\x04" + public_key, 0))
    info = _PrivateKeyInfo(version=0, algorithm=_Curve(algorithm=_EC, curve=_SM2), key=asn1.encode_der(inner))
    der = asn1.encode_der(info)
    return _armoured(_PLAIN, der) if passphrase is None else _armoured(_ENCRYPTED, _encrypted(der, passphrase))


def from_pem(pem: bytes, passphrase: str | None = None) -> tuple[bytes, bytes]:
    """(private, public) of a PEM. ValueError where it is no SM2 key, InvalidKey where the passphrase is not its own."""
    label, der = _opened(pem)
    if label == _ENCRYPTED:
        der = _decrypted(der, passphrase)
    info = asn1.decode_der(_PrivateKeyInfo, der)
    if (info.algorithm.algorithm, info.algorithm.curve) != (_EC, _SM2):
        raise ValueError("no SM2 key")
    inner = asn1.decode_der(_EcPrivateKey, info.key)
    public = inner.public_key.as_bytes()
    if len(inner.private_key) != 32 or len(public) != 65 or public[0] != 4:
        raise ValueError("no SM2 key")
    return inner.private_key, public[1:]


def _encrypted(der: bytes, passphrase: str) -> bytes:
    salt, iv = os.urandom(16), os.urandom(16)
    padder = PKCS7(128).padder()
    cipher = Cipher(AES256(_derived(passphrase, salt, ITERATIONS)), CBC(iv)).encryptor()
    data = cipher.update(padder.update(der) + padder.finalize()) + cipher.finalize()
    prf = _Prf(algorithm=_HMAC_SHA256, parameters=asn1.Null())
    kdf = _Pbkdf2Parameters(salt=salt, iterations=ITERATIONS, prf=prf)
    scheme = _Pbes2Parameters(kdf=_Pbkdf2(algorithm=_PBKDF2, parameters=kdf), cipher=_Aes(algorithm=_AES256_CBC, iv=iv))
    return asn1.encode_der(_Encrypted(algorithm=_Pbes2(algorithm=_PBES2, parameters=scheme), data=data))


def _decrypted(der: bytes, passphrase: str | None) -> bytes:
    if passphrase is None:
        raise InvalidKey("the key is encrypted")
    found = asn1.decode_der(_Encrypted, der)
    scheme = found.algorithm.parameters
    kdf = scheme.kdf.parameters
    known = (found.algorithm.algorithm, scheme.kdf.algorithm, kdf.prf.algorithm, scheme.cipher.algorithm)
    if known != (_PBES2, _PBKDF2, _HMAC_SHA256, _AES256_CBC) or not 0 < kdf.iterations <= MOST_ITERATIONS:
        raise ValueError("encrypted in another way than this product does")
    cipher = Cipher(AES256(_derived(passphrase, kdf.salt, kdf.iterations)), CBC(scheme.cipher.iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    try:
        plain = unpadder.update(cipher.update(found.data) + cipher.finalize()) + unpadder.finalize()
        asn1.decode_der(_PrivateKeyInfo, plain)  # a wrong password may leave a padding that looks right
    except ValueError as error:
        raise InvalidKey("the passphrase is not its own") from error
    return plain


def _derived(passphrase: str, salt: bytes, iterations: int) -> bytes:
    return PBKDF2HMAC(SHA256(), 32, salt, iterations).derive(passphrase.encode())


def _armoured(label: str, der: bytes) -> bytes:
    text = encodebytes(der).replace(b"\n", b"")
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])


def _opened(pem: bytes) -> tuple[str, bytes]:
    lines = pem.decode("ascii").split("\n")
    for label in (_PLAIN, _ENCRYPTED):
        begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
        if begin in lines and end in lines:
            return label, b64decode("".join(lines[lines.index(begin) + 1 : lines.index(end)]), validate=True)
    raise ValueError("no private key in PEM")
