"""The calendar as shipped, and a directory to add years to."""

from pathlib import Path

import pytest

from jiexu.calendar import Calendar, load


@pytest.fixture(scope="session")
def china() -> Calendar:
    """The country's calendar as shipped, without anything added."""
    return load()


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory for added years, named by the environment variable."""
    directory = tmp_path / "calendar"
    monkeypatch.setenv("JIEXU_CALENDAR_DIR", str(directory))
    return directory
