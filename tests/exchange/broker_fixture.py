"""A real Kafka for the tests that ask for it: one for all workers of a session, or the one that
JIEXU_TEST_KAFKA names, or with JIEXU_TEST_CONTAINERS=1 one in a container for each worker.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jiexu.exchange.broker import LocalBroker
from jiexu.exchange.broker_parts import PartsMissing, find_parts
from tests.containers import servers


@pytest.fixture(scope="session")
def kafka_parts() -> None:
    """Skips where a part of the broker is missing; fails in CI, where nobody would notice what did not
    run.
    """
    try:
        find_parts(lambda _zh, _en: None)
    except PartsMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(missing.en)
        pytest.skip(missing.en)


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """`host:port` of a running broker."""
    given = os.environ.get("JIEXU_TEST_KAFKA")
    if given:
        yield given
        return
    if servers.WANTED:
        request.getfixturevalue("engine")
        with servers.kafka() as bootstrap:
            yield bootstrap
        return
    request.getfixturevalue("kafka_parts")
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # shared by all workers of this session
    broker = LocalBroker(root / "kafka")
    with _users(root, +1):
        bootstrap = broker.start()
    try:
        yield bootstrap
    finally:
        with _users(root, -1) as left:
            if left == 0:
                broker.stop()


@contextmanager
def _users(root: Path, change: int) -> Iterator[int]:
    with (root / "kafka-users").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        users = int(file.read() or "0") + change
        file.truncate(0)
        file.write(str(users))
        file.flush()
        yield users
