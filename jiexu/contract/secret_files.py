"""Secrets in files: passwords and keys, readable by their owner alone.

Never in a configuration by value: that is copied, mailed, and shown on a screen. The modes are those that
PostgreSQL asks of its key file: 0600 or less; where the file is root's and was handed to the group of the process
(as container orchestrators hand over secrets), 0640 or less.
"""

import os
import stat
from pathlib import Path

from jiexu.contract.errors import ContractError

MAX_BYTES = 64 * 1024  # of a secret: a key file has a few kB, and a path that names a device has no end


def check_private(path: Path) -> None:
    """Refuse a file or folder that others than its owner can read or change.

    Raises ContractError `unsafe_secret`: with its mode, and the command that mends it.
    """
    if os.name != "posix":
        return
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    handed_over = found.st_uid == 0 and os.geteuid() != 0 and path.is_file()
    if mode & (stat.S_IRWXO | (stat.S_IWGRP | stat.S_IXGRP if handed_over else stat.S_IRWXG)):
        raise ContractError(
            "unsafe_secret",
            f"{path} 的权限为 {mode:04o}，他人可以读取或改动，拒绝使用。"
            f"请执行 chmod go-rwx {path}，并考虑更换其中的内容。",
            f"{path} has mode {mode:04o}: others can read or change it, so it is refused. "
            f"chmod go-rwx {path}, and consider replacing what is in it.",
        )


def read_secret(path: Path) -> str:
    """The secret in a file: its text without the newline at its end.

    Raises ContractError `unsafe_secret`, `no_secret` where it cannot be read, is empty, or is no text of one line.
    """
    try:
        check_private(path)
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error), error.strerror or str(error)) from error
    except UnicodeDecodeError:
        raise _unusable(path, "不是 UTF-8 文本", "it is no UTF-8 text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise _unusable(path, "是空的", "it is empty")
    if "\n" in secret or "\r" in secret or len(text) > MAX_BYTES:
        raise _unusable(path, "应只有一行", "it should have one line")
    return secret


def write_private(path: Path, data: bytes) -> None:
    """Write a new file (0600), durable when this returns. Raises FileExistsError: a secret is never written over."""
    # The mode is given at creation: there is no moment at which another user could open the file.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the file's name may be lost in a power cut
    finally:
        os.close(folder)


def _unusable(path: Path, zh: str, en: str) -> ContractError:
    return ContractError(
        "no_secret",
        f"不能从 {path} 读取密码：{zh}。请把密码写入该文件的一行（权限 0600）。",
        f"no secret can be read from {path}: {en}. Write it there as one line (mode 0600).",
    )
