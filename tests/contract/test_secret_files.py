"""Secrets in files: what is read, and what is refused because others could read or change it."""

import os
import stat
from pathlib import Path

import pytest

from jiexu.contract.errors import ContractError
from jiexu.contract.secret_files import check_private, read_secret, write_private


@pytest.mark.parametrize("text", ["hush", "hush\n", "hush\r\n"])
def test_a_secret_is_one_line_without_its_end(tmp_path: Path, text: str) -> None:
    write_private(tmp_path / "s", text.encode())
    assert read_secret(tmp_path / "s") == "hush"


def test_spaces_belong_to_it(tmp_path: Path) -> None:
    write_private(tmp_path / "s", b" a b \n")
    assert read_secret(tmp_path / "s") == " a b "


@pytest.mark.parametrize("data", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_secret_is_refused(tmp_path: Path, data: bytes) -> None:
    write_private(tmp_path / "s", data)
    with pytest.raises(ContractError) as error:
        read_secret(tmp_path / "s")
    assert error.value.code == "no_secret"
    assert str(tmp_path / "s") in error.value.zh


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o640, 0o620, 0o666])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "s"
    write_private(file, b"hush")
    os.chmod(file, mode)
    with pytest.raises(ContractError) as error:
        read_secret(file)
    assert error.value.code == "unsafe_secret"
    assert f"{mode:04o}" in error.value.en
    assert "hush" not in error.value.en


@pytest.mark.parametrize(("mode", "fine"), [(0o440, True), (0o640, True), (0o460, False), (0o444, False)])
def test_what_root_handed_to_the_group_of_the_process_may_be_read_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, fine: bool
) -> None:
    file = tmp_path / "s"
    write_private(file, b"hush")
    os.chmod(file, mode)
    real = file.stat()
    as_root = os.stat_result((real.st_mode, 0, 0, 1, 0, *real[5:10]))
    monkeypatch.setattr(Path, "stat", lambda self, **_: as_root)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if fine:
        check_private(file)
    else:
        with pytest.raises(ContractError):
            check_private(file)


def test_a_secret_is_written_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_private(tmp_path / "s", b"first")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "s", b"second")
    assert (tmp_path / "s").read_bytes() == b"first"
