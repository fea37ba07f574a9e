"""What a region's new entry may change of its last one.

Partners keep cases that rest on what was published: a partition count keeps a case's order, a case cites an
account by its version, and a signature of years ago is checked with a key of then. These are added to, never
rewritten. Of a key only its end may be added: `valid_to`, `revoked_at`, `compromised_since`, each once given
only earlier.
"""

from datetime import datetime, timedelta, timezone

from jiexu.region.directory.entries import RegionEntry, RegionKey
from jiexu.region.directory.problem import DirectoryError, Problem

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
_ENDS = {"valid_to", "revoked_at", "compromised_since"}


def check_succession(before: RegionEntry | None, after: RegionEntry) -> None:
    """Raises `DirectoryError` DIR-13 where `after` may not follow `before` (None for the region's first entry)."""
    number = 1 if before is None else before.number + 1
    if after.number != number:
        _refuse(after, f"编号应为{number}，而不是{after.number}", f"its number must be {number}, not {after.number}")
    published = before.accounts if before else ()
    if after.accounts[: len(published)] != published:
        _refuse(after, "已公布的收款账户不得改动", "a published account must stay as it is")
    signed_on = after.signed_at.astimezone(BEIJING).date()
    if any(account.valid_from <= signed_on for account in after.accounts[len(published) :]):
        _refuse(after, "新的收款账户最早次日生效", "a new account takes effect the next day at the earliest")
    if before is None:
        return
    if after.signed_at <= before.signed_at:
        _refuse(after, "签署时间不晚于上一条目", "it was signed no later than the entry before it")
    if after.partitions != before.partitions:
        _refuse(after, "信箱分区数不得改动", "the partition count is frozen")
    for old, new in zip(before.keys, after.keys, strict=False):
        _check_key(after, old, new)
    if len(after.keys) < len(before.keys):
        _refuse(after, "已公布的密钥不得删除", "a published key must stay")


def _check_key(after: RegionEntry, old: RegionKey, new: RegionKey) -> None:
    if old.model_dump(exclude=_ENDS | _SIGNATURES) != new.model_dump(exclude=_ENDS | _SIGNATURES):
        _refuse(after, f"密钥{old.key_id}已公布，不得改动", f"key {old.key_id} was published and must stay as it is")
    for name in sorted(_ENDS):
        was: datetime | None = getattr(old, name)
        now: datetime | None = getattr(new, name)
        if was is not None and (now is None or now > was):
            _refuse(
                after,
                f"密钥{old.key_id}的{name}只能提前，不得推后或撤销",
                f"{name} of key {old.key_id} may only move earlier",
            )


# `valid_to` is part of what is signed of a key, so a key that is ended early is signed again.
_SIGNATURES = {"signed_by_previous", "signed_by_root"}


def _refuse(entry: RegionEntry, zh: str, en: str) -> None:
    raise DirectoryError(
        Problem(
            "DIR-13",
            f"{entry.region}的新目录条目与已公布的不符：{zh}",
            f"the new entry of {entry.region} contradicts what was published: {en}",
            "请由本区更正后重新签署",
            "Let the region correct it and sign it again",
        )
    )
