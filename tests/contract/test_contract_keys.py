"""Keys and suites: files that only their owner reads, clear words where a suite is not there."""

import hashlib
import os
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from contract_samples import INBOUND, sealed, signer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jiexu.contract import ContractError, create_key, load_key, make_bundle, open_bundle, sign_again, verify_bundle
from jiexu.contract.signing import new_sm2_signer, verify

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def test_a_stored_key_signs_as_before(tmp_path: Path) -> None:
    made, path = create_key(tmp_path / "keys")
    loaded = load_key(path)
    assert loaded.public_key == made.public_key
    assert loaded.key_id == hashlib.sha256(made.public_key).hexdigest()[:16] == path.stem
    verify("ed25519-sha256", made.public_key, b"text", loaded.sign(b"text"))


@posix
def test_only_the_owner_can_read_a_new_key(tmp_path: Path) -> None:
    _, path = create_key(tmp_path / "keys")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize(("file_mode", "directory_mode"), [(0o640, 0o700), (0o604, 0o700), (0o600, 0o750)])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, file_mode: int, directory_mode: int) -> None:
    _, path = create_key(tmp_path / "keys")
    path.chmod(file_mode)
    path.parent.chmod(directory_mode)
    with pytest.raises(ContractError, match="unsafe_key_file"):
        load_key(path)


@posix
def test_no_key_is_stored_where_others_can_reach_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ContractError, match="unsafe_key_file"):
        create_key(tmp_path)


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    _, path = create_key(tmp_path / "keys")
    path.write_bytes(b"nonsense")
    with pytest.raises(ContractError, match="bad_key"):
        load_key(path)
    other = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ContractError, match="not Ed25519"):
        load_key(path)
    with pytest.raises(ContractError, match="bad_key"):
        load_key(path.parent / "none.pem")


def test_a_suite_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)  # as an import finds it where the extra is not installed
    with pytest.raises(ContractError, match=r"jiexu\[sm\]"):
        new_sm2_signer()
    with pytest.raises(ContractError, match="suite_unavailable"):
        verify("sm2-sm3", bytes(64), b"text", bytes(64))


@pytest.mark.skipif(find_spec("gmssl_pyx") is None, reason="needs the extra jiexu[sm]")
def test_the_same_bytes_are_signed_anew_in_sm2() -> None:
    key = new_sm2_signer()
    bundle = open_bundle(make_bundle(signer(), INBOUND, [sealed().bytes]))
    again = open_bundle(sign_again(bundle, key))
    assert len(again.signature) == 64
    verify_bundle(again, key.public_key)
    with pytest.raises(ContractError, match="bad_signature"):
        verify_bundle(again, new_sm2_signer().public_key)
    with pytest.raises(ContractError, match="bad_signature"):
        verify("sm2-sm3", bytes(64), b"text", bytes(64))
