pytest_plugins = ["tests.exchange.broker_fixture"]
