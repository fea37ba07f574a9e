"""Upkeep: what a service looks at now and then.

A directory that changed is read, the newest key that it lets us sign with is taken up, and what waited for either is
tried again.
"""

import os
from pathlib import Path

import structlog

from jiexu.region.directory.file import load_participants
from jiexu.region.directory.problem import DirectoryError
from jiexu.service.agency import Agency
from jiexu.service.config import ConfigError
from jiexu.service.intake import Intake
from jiexu.service.wiring import load_signer, usable_key


class Upkeep:
    """Keeps a running service's directory and signing key at what the files say, and its waiting records moving."""

    def __init__(self, agency: Agency, intake: Intake) -> None:
        self.agency = agency
        self.intake = intake
        self._seen: tuple[int, int] | None = None  # time and size of the directory's file when it was read last

    def turn(self) -> int:
        """Look once; returns how many waiting records moved."""
        self._read_directory()
        self._take_up_key()
        return self.intake.retry_waiting()

    def _read_directory(self) -> None:
        """A directory that cannot be read, or whose signatures do not fit, is not used: the one in hand stays."""
        agency = self.agency
        file = Path(agency.config.path(agency.config.directory))
        try:
            state = os.stat(file)
            seen = (state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return
            self._seen = seen
            found = load_participants(file, agency.config.directory_root)
        except (DirectoryError, OSError, ValueError) as error:
            problem = error.problem if isinstance(error, DirectoryError) else None
            zh = problem.zh if problem else "无法读取目录文件"
            en = problem.en if problem else "the file cannot be read"
            self._alarm("directory_unusable", f"新目录未采用：{zh}", f"the new directory is not used: {en}")
            return
        if found.version == agency.participants.version:
            return
        older = agency.participants.older_entries(found)
        if older:
            some = "、".join(older)
            self._alarm(
                "directory_unusable",
                f"新目录未采用：{some} 的条目比现用的旧，已吊销的密钥可能因此复活",
                f"the new directory is not used: the entries of {', '.join(older)} are older than those in use, and "
                "revoked keys might come back",
            )
            return
        agency.participants = found

    def _take_up_key(self) -> None:
        """Sign with the newest key that may sign now: one that was rotated in, or whose time has come."""
        agency = self.agency
        try:
            key_id = self._usable_key()
            if key_id is not None and key_id != agency.signer.key_id:
                agency.signer = load_signer(agency.config, key_id)
                structlog.get_logger().info("signing_key_taken_up", key=key_id, suite=agency.signer.suite)
        except ConfigError as error:
            self._alarm("signing_key_unusable", error.zh, error.en)
            return
        if key_id is None:
            self._alarm(
                "no_signing_key",
                f"密钥 {agency.signer.key_id} 已失效，没有可接替的；他区将不收本区的事件。请办理 jiexu keys rotate",
                f"key {agency.signer.key_id} may not sign any more and no other is here: partners will refuse our "
                "events. Run jiexu keys rotate; what was refused is signed anew by itself afterwards",
            )

    def _usable_key(self) -> str | None:
        agency = self.agency
        if agency.region not in agency.participants.regions:
            return None
        now, in_hand = agency.clock(), agency.signer.key_id
        found = usable_key(agency.config, agency.participants, now)
        # A module that signs without a file (the port `Signer`) is kept as long as its key may sign.
        if found is None and agency.participants.key(agency.region, in_hand, now).usable:
            return in_hand
        return found

    def _alarm(self, code: str, zh: str, en: str) -> None:
        with self.agency.journal.write() as write:
            write.raise_todo("alarm", code, None, zh, en)
