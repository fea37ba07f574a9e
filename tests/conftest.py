pytest_plugins = ["tests.exchange.broker_fixture", "tests.postgres_fixture"]
