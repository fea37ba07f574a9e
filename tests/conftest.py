pytest_plugins = [
    "tests.containers.engine",
    "tests.exchange.broker_fixture",
    "tests.exchange.secured_fixture",
    "tests.postgres_fixture",
]
