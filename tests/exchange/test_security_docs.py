"""docs/security.md says what is tried: its broker is the one that the tests log in to, its examples can be read."""

import re
import tomllib
from pathlib import Path

from jiexu.exchange.broker_properties import BrokerSecurity, Ports, server_properties
from jiexu.exchange.settings import ExchangeSettings

PAGE = (Path(__file__).parents[2] / "docs/security.md").read_text(encoding="utf-8")
# What differs between a cluster on machines of its own and a broker on loopback: places, and how many there are.
PLACES = {
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "log.dirs",
    "offsets.topic.replication.factor",
}
PLACES |= {"offsets.topic.replication.factor", "ssl.keystore.location", "ssl.truststore.location"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_documented_broker_is_the_tested_one() -> None:
    (documented,) = map(properties, blocks("properties"))
    security = BrokerSecurity(Path("key.pem"), Path("ca.pem"), super_users=("admin",))
    tried = properties(server_properties(Path("data"), Ports(1, 2, 3), security))
    plain = properties(server_properties(Path("data"), Ports(1, 2), None))
    assert documented.keys() <= tried.keys()
    assert {name for name in tried if tried[name] != plain.get(name)} <= documented.keys()  # nothing of it is left out
    assert {n: v for n, v in documented.items() if n not in PLACES} == {
        n: v for n, v in tried.items() if n in documented.keys() - PLACES
    }
    for name in ("listeners", "advertised.listeners"):
        assert re.findall(r"(\w+)://", documented[name]) == re.findall(r"(\w+)://", tried[name])


def test_the_documented_configurations_can_be_read() -> None:
    found = [ExchangeSettings.model_validate(tomllib.loads(block)["exchange"]).kafka for block in blocks("toml")]
    assert [(one.security, one.tls) for one in found if one] == [("SASL_SSL", True), ("SSL", True)]
