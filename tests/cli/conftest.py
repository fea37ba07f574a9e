"""A region on disk, and the command line called as a person calls it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jiexu.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its JSON document."""
        return json.loads(self.out)


Jiexu = Callable[..., Answer]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of defects goes into the test's own folder, not into that of whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def jiexu(capsys: pytest.CaptureFixture[str]) -> Jiexu:
    """Call `jiexu` with these words."""

    def call(*words: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Answer(int(end.value.code or 0), out, err)

    return call


@pytest.fixture
def two(tmp_path: Path, jiexu: Jiexu) -> Path:
    """西安 and 温州, set up by the command itself."""
    for name, folder in (("西安", "xian"), ("330300", "wenzhou")):
        answer = jiexu("region", "init", name, "--dir", tmp_path / folder, "--json")
        assert answer.code == 0, answer.err
    return tmp_path
