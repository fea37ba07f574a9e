"""The bytes of the directory that are signed, the signing and the checking (over exactly these bytes).

Every message begins with the name `jiexu/directory/1`, so that a signature made for the directory can never be
shown as one over events or receipts. All parts, the name too, stand after their length, 4 bytes big-endian.

    key      name, "key", region, key id, suite, public key (raw bytes), valid_from, valid_to or empty
    entry    name, "entry", region, the entry as canonical JSON, without the signatures of its keys

Canonical JSON is what RFC 8785 gives for these values: names in order, no spaces, UTF-8, no number but integers.
Instants are ISO 8601 in UTC with `Z`, and with six
decimals where they have any. A key is signed by the region's previous key and by the root; the entry
by one of the region's keys and by the root. What may come later to a key, its revocation, lies in the entry. The
keys' own signatures are proved by themselves and left out of it, so that the region can sign an entry before the root
has signed a key in it: one request, one answer. The root's key is Ed25519, a region's of any suite of the contract.
"""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, TypeAdapter

from jiexu.contract.errors import ContractError
from jiexu.contract.signing import ED25519, SIGNATURE_SIZE, Ed25519Signer, Signer, verify
from jiexu.region.directory.entries import EntrySignature, RegionEntry, RegionKey, SignedEntry, Suite
from jiexu.region.directory.keystate import KeyState, key_state
from jiexu.region.directory.problem import DirectoryError, Problem

NAME = b"jiexu/directory/1"
UNSIGNED = b64encode(bytes(SIGNATURE_SIZE)).decode()
"""Stands in a request where the root has not signed yet; it is no signature of anything."""

PrivateKey = Signer | Ed25519PrivateKey
SUITE: TypeAdapter[Suite] = TypeAdapter(Suite)


def canonical(model: BaseModel) -> bytes:
    """The one byte form of a model: JSON with sorted names, no spaces, UTF-8."""
    return _canonical(model.model_dump(mode="json"))


def entry_bytes(entry: RegionEntry) -> bytes:
    """What the region and the root sign of an entry; each may do so on a machine of its own."""
    document = entry.model_dump(mode="json")
    for key in document["keys"]:
        del key["signed_by_previous"], key["signed_by_root"]
    return _parts(b"entry", entry.region.encode(), _canonical(document))


def key_bytes(
    region: str, key_id: str, suite: str, public_key: bytes, valid_from: datetime, valid_to: datetime | None
) -> bytes:
    """What the previous key and the root sign of a new key."""
    ends = b"" if valid_to is None else _instant(valid_to)
    return _parts(b"key", region.encode(), key_id.encode(), suite.encode(), public_key, _instant(valid_from), ends)


def public_text(key: PrivateKey) -> str:
    """The public half as it stands in the directory, in base64."""
    return b64encode(_signer(key).public_key).decode()


def sign(key: PrivateKey, message: bytes) -> str:
    """A signature as it stands in the directory: 64 bytes in base64."""
    return b64encode(_signer(key).sign(message)).decode()


def new_key(
    region: str,
    key_id: str,
    key: PrivateKey,
    *,
    valid_from: datetime,
    valid_to: datetime | None = None,
    previous: PrivateKey | None,
    root: Ed25519PrivateKey | None,
) -> RegionKey:
    """The record of a region's new key, vouched for by its previous key (None for the first) and by the root.

    Without `root` it is what a region asks the root to sign (request.py): `UNSIGNED` stands in the root's place.
    """
    signer = _signer(key)
    message = key_bytes(region, key_id, signer.suite, signer.public_key, valid_from, valid_to)
    return RegionKey(
        key_id=key_id,
        suite=SUITE.validate_python(signer.suite),
        public_key=public_text(key),
        valid_from=valid_from,
        valid_to=valid_to,
        signed_by_previous=None if previous is None else sign(previous, message),
        signed_by_root=UNSIGNED if root is None else sign(root, message),
    )


def signed_by_root(region: str, key: RegionKey, root: Ed25519PrivateKey) -> RegionKey:
    """The same key with the root's signature."""
    message = key_bytes(region, key.key_id, key.suite, key.raw, key.valid_from, key.valid_to)
    return key.model_copy(update={"signed_by_root": sign(root, message)})


def sign_entry(entry: RegionEntry, *, root: Ed25519PrivateKey, region: tuple[str, PrivateKey] | None) -> SignedEntry:
    """Signs an entry with (key id, key) of the region and with the root. It is not checked here."""
    message = entry_bytes(entry)
    own = None if region is None else EntrySignature(key_id=region[0], signature=sign(region[1], message))
    return SignedEntry(entry=entry, by_region=own, by_root=sign(root, message))


def verify_entry(signed: SignedEntry, root: str) -> None:
    """Checks every signature of an entry against the root's public key (base64).

    Raises `DirectoryError`: DIR-12 where a signature does not fit, DIR-14 where the key that signed may not; ValueError
    where `root` is no base64, a mistake in the configuration.
    """
    entry = signed.entry
    root_key = b64decode(root, validate=True)
    message = entry_bytes(entry)
    if not _fits(ED25519, root_key, signed.by_root, message):
        raise DirectoryError(_not_fitting(entry.region, "目录根密钥对条目", "the root's over the entry"))
    previous: RegionKey | None = None
    for key in entry.keys:
        _verify_key(entry.region, key, previous, root_key)
        previous = key
    usable = {key.key_id: key for key in entry.keys if key_state(key, entry.signed_at) is KeyState.USABLE}
    if signed.by_region is None:
        if usable:
            raise DirectoryError(_may_not_sign(entry.region, "（无）", "(none)"))
        return  # no key is left: the root alone speaks for the region, to publish the revocation
    signer = usable.get(signed.by_region.key_id)
    if signer is None:
        raise DirectoryError(_may_not_sign(entry.region, signed.by_region.key_id, signed.by_region.key_id))
    if not _fits(signer.suite, signer.raw, signed.by_region.signature, message):
        raise DirectoryError(_not_fitting(entry.region, "本区密钥对条目", "the region's over the entry"))


def _verify_key(region: str, key: RegionKey, previous: RegionKey | None, root: bytes) -> None:
    message = key_bytes(region, key.key_id, key.suite, key.raw, key.valid_from, key.valid_to)
    if not _fits(ED25519, root, key.signed_by_root, message):
        zh, en = f"目录根密钥对密钥{key.key_id}", f"the root's over key {key.key_id}"
        raise DirectoryError(_not_fitting(region, zh, en))
    # A key that is lost to others vouches for nobody: then, and only then, the root alone brings in the next.
    lost = previous is not None and key_state(previous, key.valid_from) in (KeyState.REVOKED, KeyState.COMPROMISED)
    if not is_vouched_for(region, key, previous) and not (lost and key.signed_by_previous is None):
        zh, en = f"上一密钥对密钥{key.key_id}", f"the previous key's over key {key.key_id}"
        raise DirectoryError(_not_fitting(region, zh, en))


def is_vouched_for(region: str, key: RegionKey, previous: RegionKey | None) -> bool:
    """Whether the key before it vouches for a key: by its signature, or, the first, by there being none."""
    if previous is None or key.signed_by_previous is None:
        return previous is None and key.signed_by_previous is None
    message = key_bytes(region, key.key_id, key.suite, key.raw, key.valid_from, key.valid_to)
    return _fits(previous.suite, previous.raw, key.signed_by_previous, message)


def _fits(suite: str, public_key: bytes, signature: str, message: bytes) -> bool:
    try:
        verify(suite, public_key, message, b64decode(signature))
    except ContractError as error:
        if error.code == "suite_unavailable":
            raise DirectoryError(
                Problem(
                    "DIR-16",
                    "目录中有国密（SM2）密钥，本机不能核验",
                    "a key in the directory is SM2, which cannot be checked on this machine",
                    "请安装附加组件：pip install 'jiexu[sm]'",
                    "Install the extra: pip install 'jiexu[sm]'",
                )
            ) from error
        return False
    return True


def _signer(key: PrivateKey) -> Signer:
    return Ed25519Signer(key) if isinstance(key, Ed25519PrivateKey) else key


def _canonical(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _parts(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in (NAME, *parts))


def _instant(instant: datetime) -> bytes:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def _not_fitting(region: str, zh: str, en: str) -> Problem:
    return Problem(
        "DIR-12",
        f"{region}的目录条目：{zh}的签名不符",
        f"directory entry of {region}: a signature does not fit, {en}",
        "不要使用这份目录；请向目录管理方重新索取",
        "Do not use this directory; ask its keeper for it again",
    )


def _may_not_sign(region: str, zh: str, en: str) -> Problem:
    return Problem(
        "DIR-14",
        f"{region}的目录条目须由本区当时可用的密钥签署，签署者：{zh}",
        f"the entry of {region} must be signed by a key that was usable at its signing; it was signed by: {en}",
        "请由本区用可用密钥重新签署",
        "Let the region sign it again with a usable key",
    )
