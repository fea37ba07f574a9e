"""Upkeep: what a service looks at now and then. A directory that changed is read; what waited for it is tried again."""

import os
from pathlib import Path

from jiexu.region.directory.file import load_participants
from jiexu.region.directory.problem import DirectoryError
from jiexu.service.agency import Agency
from jiexu.service.intake import Intake


class Upkeep:
    """Keeps a running service's directory at what its file says, and its waiting records moving."""

    def __init__(self, agency: Agency, intake: Intake) -> None:
        self.agency = agency
        self.intake = intake
        self._seen: tuple[int, int] | None = None  # time and size of the directory's file when it was read last

    def turn(self) -> int:
        """Look once; returns how many waiting records moved."""
        self._read_directory()
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
            with agency.journal.write() as write:
                write.raise_todo(
                    "alarm", "directory_unusable", None, f"新目录未采用：{zh}", f"the new directory is not used: {en}"
                )
            return
        if found.version != agency.participants.version:
            agency.participants = found
