"""What a journal says of itself: its version, whose it is, its incarnation."""

from collections.abc import Mapping

from jiexu.journal.ddl import VERSION
from jiexu.journal.port import JournalError


def check_meta(meta: Mapping[str, str], place: object, region: str) -> None:
    """Whether this program may work with it. Raises JournalError `newer_version`, `other_region`."""
    if int(meta["version"]) > VERSION:
        zh = f"{place} 由较新的版本写成（{meta['version']}），请升级。"
        en = f"{place} was written by a newer version ({meta['version']}); upgrade."
        raise JournalError("newer_version", zh, en)
    if meta["region"] != region:
        zh = f"{place} 是统筹区 {meta['region']} 的日志，不是 {region} 的。"
        en = f"{place} is the journal of region {meta['region']}, not of {region}."
        raise JournalError("other_region", zh, en)
