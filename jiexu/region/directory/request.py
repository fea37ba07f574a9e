"""A region's request to the directory's root holder: its next entry, signed by the region, one file each way.

The region makes the request, another person who holds the root key looks at what it changes and signs, and every
region installs the directory that comes of it. Nothing secret is in the file.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from jiexu.contract.signing import Signer
from jiexu.region.directory.entries import EntrySignature, RegionEntry, RegionKey, SignedEntry, Strict
from jiexu.region.directory.file import write_whole
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.problem import DirectoryError, Problem
from jiexu.region.directory.signing import entry_bytes, is_vouched_for, public_text, sign, signed_by_root

Sentence = tuple[str, str]
"""In Chinese, in English."""


class EntryRequest(Strict):
    """What travels from a region to the root holder. `by_region` is null where no key of the region may sign."""

    format: Literal["jiexu/directory-request/1"] = "jiexu/directory-request/1"
    entry: RegionEntry
    by_region: EntrySignature | None


def requested(entry: RegionEntry, signer: Signer | None) -> EntryRequest:
    """The request for an entry, signed with a key of the region that may sign at `entry.signed_at`."""
    own = None if signer is None else EntrySignature(key_id=signer.key_id, signature=sign(signer, entry_bytes(entry)))
    return EntryRequest(entry=entry, by_region=own)


def save_request(request: EntryRequest, file: Path) -> None:
    """Write it, whole or not at all. Raises OSError."""
    write_whole(json.dumps(request.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, indent=1) + "\n", file)


def load_request(file: Path) -> EntryRequest:
    """Read a request. Raises DirectoryError DIR-17."""
    try:
        return EntryRequest.model_validate_json(file.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    raise DirectoryError(
        Problem(
            "DIR-17",
            f"不能读取申请文件{file}：{why}",
            f"cannot read the request {file}: {why}",
            "请向申请的统筹区重新索取",
            "Ask the region for it again",
        )
    )


def sign_request(participants: Participants, request: EntryRequest, root: Ed25519PrivateKey) -> Participants:
    """The directory with the request granted: the root signs each new key, and the entry.

    Everything is proved on the way: the region's signature, the keys' own, and that nothing published is rewritten.
    Raises DirectoryError DIR-12 … DIR-17.
    """
    if public_text(root) != participants.root:
        raise DirectoryError(
            Problem(
                "DIR-17",
                "这把密钥不是该目录的根密钥",
                "this key is not the root of that directory",
                "请核对目录文件与根密钥",
                "Check the directory's file and the root key",
            )
        )
    entry = request.entry
    published = _published(participants, entry.region)
    keys = tuple(
        one.model_copy(update={"signed_by_root": published[one.key_id].signed_by_root})
        if one.key_id in published
        else signed_by_root(entry.region, one, root)
        for one in entry.keys
    )
    granted = entry.model_copy(update={"keys": keys})
    signed = SignedEntry(entry=granted, by_region=request.by_region, by_root=sign(root, entry_bytes(granted)))
    return participants.with_entry(signed)


def changes(before: RegionEntry | None, after: RegionEntry) -> Iterator[Sentence]:
    """What an entry changes of the one before it, for the person who signs or installs it."""
    if before is None:
        yield f"{after.region} 首次加入目录", f"{after.region} joins the directory"
    old = {key.key_id: key for key in before.keys} if before else {}
    for key in after.keys:
        yield from _key_changes(old.get(key.key_id), key)
    fields = ("online", "partitions", "protocols", "promises", "accounts", "outpatient_pooling")
    for name in fields:
        if before is not None and getattr(before, name) != getattr(after, name):
            yield f"{name} 有改动", f"{name} is changed"


def doubts(participants: Participants, request: EntryRequest) -> Iterator[Sentence]:
    """What the root holder must make sure of by another way, since no signature vouches for it."""
    entry = request.entry
    published = _published(participants, entry.region)
    previous: RegionKey | None = None
    for key in entry.keys:
        if key.key_id not in published and (previous is None or not is_vouched_for(entry.region, key, previous)):
            mark = sha256(key.raw).hexdigest()
            yield (
                f"新密钥 {key.key_id} 没有上一密钥的签名：请经公文向该区核实公钥的 SHA-256 {mark}",
                f"no earlier key vouches for the new key {key.key_id}: confirm by letter the SHA-256 of its public "
                f"key, {mark}",
            )
        previous = key
    if request.by_region is None:
        yield "申请没有本区的签名：请经公文核实", "the region has not signed the request: confirm it by letter"


def _key_changes(old: RegionKey | None, key: RegionKey) -> Iterator[Sentence]:
    if old is None:
        yield (
            f"新密钥 {key.key_id}（{key.suite}），自 {_shown(key.valid_from)} 起",
            f"new key {key.key_id} ({key.suite}), from {_shown(key.valid_from)}",
        )
    names = {
        "valid_to": ("到期", "expires"),
        "revoked_at": ("停用", "is given up"),
        "compromised_since": ("起可能已泄露", "may be in other hands since"),
    }
    for name, (zh, en) in names.items():
        was, now = getattr(old, name, None), getattr(key, name)
        if now != was:
            yield f"密钥 {key.key_id} 于 {_shown(now)} {zh}", f"key {key.key_id} {en} {_shown(now)}"


def _published(participants: Participants, region: str) -> dict[str, RegionKey]:
    return {key.key_id: key for key in participants.entry(region).keys} if region in participants.regions else {}


def _shown(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
