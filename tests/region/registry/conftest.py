"""Fixtures of the registry's tests."""

from pathlib import Path

import pytest

from tests.region.registry.world import RegistryWorld


@pytest.fixture
def platform(tmp_path: Path) -> RegistryWorld:
    """Two fresh regions."""
    return RegistryWorld(tmp_path)
