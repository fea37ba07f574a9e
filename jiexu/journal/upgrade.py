"""Bringing a journal's layout up to this program's: what is missing, and doing it."""

from dataclasses import dataclass
from pathlib import Path

from jiexu.journal import migrations
from jiexu.journal.backup import reading
from jiexu.journal.creation import check
from jiexu.journal.migrations import READABLE, Step


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The version that was found, and the steps that were (or, in a dry run, are to be) taken from there."""

    version: int
    steps: list[Step]


def upgrade(place: Path | str, region: str, password_file: Path | None = None, dry_run: bool = False) -> Upgrade:
    """Take the steps that a journal's layout lacks, in one transaction; with `dry_run` only say which.

    Raises JournalError: what opening raises, `in_use` where a process has it open.
    """
    with reading(place, password_file) as sql:
        version = int(check(sql, place, region, READABLE)["version"])
        if dry_run:
            return Upgrade(version, migrations.pending(version))
        sql.be_alone()
        version = int(check(sql, place, region, READABLE)["version"])  # another may have been first
        steps = migrations.migrate(sql, version)
        sql.share()
        return Upgrade(version, steps)
