"""A region's next entry when its keys change: a key joins, one is given up, one is found in other hands.

Pure: the entry that stands, the keys, the times. Whoever asks signs the entry with a key of the region that may sign
at that time; the root's signatures come later (request.py).
"""

from datetime import datetime

from jiexu.contract.signing import Signer
from jiexu.region.directory.entries import RegionEntry, RegionKey
from jiexu.region.directory.keystate import KeyState, key_state
from jiexu.region.directory.problem import DirectoryError, Problem
from jiexu.region.directory.signing import new_key


def rotated(
    entry: RegionEntry,
    key: Signer,
    previous: Signer,
    *,
    valid_from: datetime,
    old_until: datetime,
    now: datetime,
    valid_to: datetime | None = None,
) -> RegionEntry:
    """The entry in which `key` joins, vouched for by `previous`, the region's last key; all others are given up at
    `old_until`, until when both may sign.

    Raises DirectoryError DIR-17 where the times or keys do not fit.
    """
    last = entry.keys[-1]
    if previous.key_id != last.key_id:
        _refuse(
            f"新密钥须由上一密钥{last.key_id}签署，而不是{previous.key_id}",
            f"a new key is signed by the last one, {last.key_id}, not by {previous.key_id}",
        )
    if not last.valid_from <= valid_from <= old_until:
        _refuse(
            f"新密钥的生效时间须在上一密钥生效（{last.valid_from:%Y-%m-%d %H:%M}）之后、旧密钥停用之前",
            f"the new key must begin after the last one did ({last.valid_from:%Y-%m-%d %H:%M}) and before the old end",
        )
    joining = new_key(
        entry.region, key.key_id, key, valid_from=valid_from, valid_to=valid_to, previous=previous, root=None
    )
    kept = [_given_up(one, old_until) for one in entry.keys]
    return _next(entry, (*kept, joining), now)


def revoked(
    entry: RegionEntry,
    key_id: str,
    *,
    at: datetime,
    now: datetime,
    compromised_since: datetime | None = None,
    replacement: Signer | None = None,
) -> RegionEntry:
    """The entry in which a key is given up at `at`, and, if it is in other hands, since when.

    `replacement` joins at once. A key that may be another's vouches for nobody: where it was the last one, the root
    alone brings in the next. Raises DirectoryError DIR-17 for a key that is none of the region's.
    """
    if all(one.key_id != key_id for one in entry.keys):
        _refuse(f"目录中没有本区的密钥{key_id}", f"the directory has no key {key_id} of {entry.region}")
    keys: tuple[RegionKey, ...] = tuple(
        one if one.key_id != key_id else _given_up(one, at, compromised_since) for one in entry.keys
    )
    if replacement is not None:
        if key_state(keys[-1], now) not in (KeyState.REVOKED, KeyState.COMPROMISED):
            _refuse("最后一把密钥仍可用，请用 rotate 更换", "the last key may still sign: replace it by rotating")
        orphan = new_key(entry.region, replacement.key_id, replacement, valid_from=now, previous=None, root=None)
        keys = (*keys, orphan)
    return _next(entry, keys, now)


def _given_up(key: RegionKey, at: datetime, compromised_since: datetime | None = None) -> RegionKey:
    """The key with its end; an end once published only moves earlier."""
    ends = {"revoked_at": at, "compromised_since": compromised_since}
    sooner = {
        name: min(when for when in (value, getattr(key, name)) if when is not None)
        for name, value in ends.items()
        if value is not None
    }
    return key.model_copy(update=sooner)


def _next(entry: RegionEntry, keys: tuple[RegionKey, ...], now: datetime) -> RegionEntry:
    values = {name: getattr(entry, name) for name in RegionEntry.model_fields}
    return RegionEntry(**(values | {"number": entry.number + 1, "signed_at": now, "keys": keys}))


def _refuse(zh: str, en: str) -> None:
    raise DirectoryError(Problem("DIR-17", zh, en, "请核对后重新申请", "Check it and make the request anew"))
