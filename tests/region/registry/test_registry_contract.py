"""The default adapter keeps the contract of the port."""

from tests.region.platform_contract import PlatformContract


class TestSqliteRegistry(PlatformContract):
    """Over real SQLite files."""
