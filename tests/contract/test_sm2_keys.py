"""SM2 keys in files: the form that OpenSSL writes and reads, plain and encrypted, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from jiexu.contract import sm2_pem
from jiexu.contract.errors import ContractError
from jiexu.contract.keys import create_key, is_encrypted, load_key
from jiexu.contract.signing import ED25519, SM2, verify

# A key made for this test by OpenSSL 3.0 (genpkey; pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256).
PRIVATE = bytes.fromhex("d10218b7831f97cc403f9897290d673e7623b8f8574beb0f144eae1495f7de5c")
PUBLIC = bytes.fromhex(
    "bc414b77143b6036aab68d270b80c7914b44acb78ac0f7de5cec921c99a66f6a"
    "b36d06a10cf5da2a0ddbd9427c9ac74831f255053905121d31858d3598a62c1c"
)
PLAIN = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQg0QIYt4Mfl8xAP5iX
KQ1nPnYjuPhXS+sPFE6uFJX33lyhRANCAAS8QUt3FDtgNqq2jScLgMeRS0Sst4rA
995c7JIcmaZvarNtBqEM9doqDdvZQnyax0gx8lUFOQUSHTGFjTWYpiwc
-----END PRIVATE KEY-----
"""
ENCRYPTED = b"""-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhLKBhoSxP5CwICA+gw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHKwR1l9jyP5FakrKAecslMEgZD9
p014OkGv+OkrgkhtNbhDth8Mg2v4M4GXkv+Ota1pfhlud1KaxXafFJ39HBodPo/P
clabLlH7hFFGBIP71WtkxLXWRIXbcujDzWoMyAaJV7aEr6ofxJu23BPIvbFN5hks
tBXHR6NEQbaNz58HItX6ytVIqlu+xC1k5wN32MhrZG67TpYL7k3ZxpZzIdcT/VI=
-----END ENCRYPTED PRIVATE KEY-----
"""


def test_what_openssl_wrote_is_read() -> None:
    assert sm2_pem.from_pem(PLAIN) == (PRIVATE, PUBLIC)
    assert sm2_pem.from_pem(ENCRYPTED, "sesame") == (PRIVATE, PUBLIC)


def test_what_is_written_is_what_openssl_writes() -> None:
    assert sm2_pem.to_pem(PRIVATE, PUBLIC) == PLAIN
    encrypted = sm2_pem.to_pem(PRIVATE, PUBLIC, "sesame")
    assert sm2_pem.from_pem(encrypted, "sesame") == (PRIVATE, PUBLIC)
    assert encrypted != sm2_pem.to_pem(PRIVATE, PUBLIC, "sesame"), "salt and start are new each time"


@pytest.mark.parametrize("passphrase", [None, "", "Sesame", "sesame "])
def test_another_passphrase_is_told_from_another_file(passphrase: str | None) -> None:
    with pytest.raises(InvalidKey):
        sm2_pem.from_pem(ENCRYPTED, passphrase)


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"nonsense",
        PLAIN[:-40],
        PLAIN.replace(b"MIGH", b"MIGG"),
        PLAIN.replace(b"VAYIt", b"VAYIu"),  # another curve
        ENCRYPTED.replace(b"ICA+gw", b"IEAgw+"),  # a count that is none
        _pem(Ed25519PrivateKey.generate()),
        _pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    # Named, since keys that are made here differ from worker to worker.
    ids=["empty", "nonsense", "cut", "damaged", "other-curve", "no-count", "ed25519", "p-256"],
)
def test_what_is_no_sm2_key_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's words
        sm2_pem.from_pem(pem, "sesame")


@pytest.mark.parametrize("suite", [ED25519, SM2])
@pytest.mark.parametrize("passphrase", [None, "开门 sesame"])
def test_a_key_of_either_suite_is_kept_and_signs_as_before(tmp_path: Path, suite: str, passphrase: str | None) -> None:
    made, path = create_key(tmp_path / "keys", suite, passphrase)
    assert is_encrypted(path) is (passphrase is not None)
    loaded = load_key(path, passphrase)
    assert (loaded.suite, loaded.key_id, loaded.public_key) == (suite, path.stem, made.public_key)
    verify(suite, made.public_key, b"text", loaded.sign(b"text"))


@pytest.mark.parametrize("suite", [ED25519, SM2])
@pytest.mark.parametrize("wrong", [None, "another"])
def test_without_its_passphrase_a_key_says_so(tmp_path: Path, suite: str, wrong: str | None) -> None:
    _, path = create_key(tmp_path / "keys", suite, "sesame")
    with pytest.raises(ContractError) as error:
        load_key(path, wrong)
    assert error.value.code == "key_passphrase"
    assert "sesame" not in str(error.value)


@pytest.mark.parametrize("suite", [ED25519, SM2])
def test_a_passphrase_does_not_matter_to_a_key_that_has_none(tmp_path: Path, suite: str) -> None:
    made, path = create_key(tmp_path / "keys", suite)
    assert load_key(path, "sesame").public_key == made.public_key


def test_an_unknown_suite_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="unknown_suite"):
        create_key(tmp_path / "keys", "rsa")
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.parametrize(
    "spoil", [lambda pem: pem[:60], lambda pem: b"", lambda pem: pem.replace(b"PRIVATE", b"PUBLIC")]
)
def test_a_spoilt_file_is_a_bad_key(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    _, path = create_key(tmp_path / "keys", SM2)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ContractError) as error:
        load_key(path)
    assert error.value.code == "bad_key"
