"""The directory file of a deployment, `directory.json`: read with all its signatures checked, written whole."""

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from jiexu.region.directory.entries import DirectoryFile
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.problem import DirectoryError, Problem
from jiexu.region.directory.regions import Directory


def load_participants(path: Path, root: str, directory: Directory | None = None) -> Participants:
    """Reads and checks a directory file against the root's public key (base64).

    With `directory`, every entry must be of a pooling region that it knows. Raises `DirectoryError`: DIR-11
    where the file cannot be read, DIR-12 and DIR-14 where its signatures do not hold, DIR-02 … DIR-04.
    """
    try:
        content = DirectoryFile.model_validate_json(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DirectoryError(_unreadable(path, reason)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DirectoryError(_unreadable(path, f"{place}: {first['msg']}")) from error
    participants = Participants.checked(root, content)
    if directory is None:
        return participants
    for region in participants.regions:
        pooling_region = directory.pooling_region(region)
        if pooling_region.code != region:
            raise DirectoryError(
                _unreadable(path, f"{region} is no pooling region; it belongs to {pooling_region.code}")
            )
    return participants


def save_participants(participants: Participants, path: Path) -> None:
    """Writes the file whole or not at all: a reader and a crash see the old one or the new one.

    The same content gives the same bytes. Raises OSError where the folder cannot be written.
    """
    document = participants.content.model_dump(mode="json")
    write_whole(json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n", path)


def write_whole(text: str, path: Path) -> None:
    """Writes a file that everybody may read, whole or not at all. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # nothing in it is secret, and every service of the region reads it
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the rename itself may be lost in a power cut
    finally:
        os.close(folder)


def _unreadable(path: Path, reason: str) -> Problem:
    return Problem(
        "DIR-11",
        f"无法读取目录文件{path}：{reason}",
        f"cannot read the directory file {path}: {reason}",
        "请检查路径和文件格式（jiexu/directory/1）",
        "Check the path and the format of the file (jiexu/directory/1)",
    )
