"""Kafka and PostgreSQL from the images that docker-compose.yml names, for the contract suites.

`JIEXU_TEST_CONTAINERS=1` lets the fixtures `kafka_bootstrap` and `postgres` use them in place of the servers from PyPI
and Maven packages.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from jiexu.exchange.broker import answers, free_port
from tests.containers.engine import ROOT
from tests.containers.waiting import eventually

WANTED = os.environ.get("JIEXU_TEST_CONTAINERS") == "1"


def image_of(service: str) -> str:
    """The image that the compose file names for a service's server."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    (name,) = re.findall(rf"^    image: ((?:apache/)?{service}:\S+)$|^  image: ({service}:\S+)$", text, re.MULTILINE)
    return "".join(name)


@contextmanager
def kafka() -> Iterator[str]:
    """One broker on loopback: `host:port`."""
    from testcontainers.core.container import DockerContainer

    port = free_port()
    settings = {
        "KAFKA_HEAP_OPTS": "-Xmx512m",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "CONTROLLER://localhost:9093,PLAINTEXT://:9092",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    container = DockerContainer(image_of("kafka")).with_envs(**settings)
    container.ports["9092/tcp"] = ("127.0.0.1", port)  # with_bind_ports would publish it on every interface
    container.with_volume_mapping(str(ROOT / "deploy" / "kafka"), "/mnt/shared/config", "ro")
    with container:
        eventually("Kafka answers", lambda: answers(port))
        yield f"127.0.0.1:{port}"


@contextmanager
def postgres() -> Iterator[str]:
    """One database server: the address of its database, password included."""
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(image_of("postgres"), driver=None) as container:
        yield container.get_connection_url()
