"""The files that a local broker is started with: its properties, open on loopback or secured, and its logging.

Secured, it has two doors for clients, both TLS: SASL_SSL, where a client logs in with a name and a password
(SCRAM), and SSL, where its certificate says who it is. Behind both the authorizer refuses whatever no ACL allows.
The lines are those that docs/security.md gives for a cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SCRAM_MECHANISM = "SCRAM-SHA-512"
BROKER_NAME = "kafka"
"""The common name in the broker's own certificate; with it the broker logs in to itself."""

LOGGING = """\
Configuration:
  status: warn
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d{ISO8601} %p %m (%c)%n"}}
  Loggers:
    Root: {level: warn, AppenderRef: {ref: out}}
    Logger:
      - {name: kafka.server, level: info}
      - {name: org.apache.kafka.storage.internals.log, level: error}
"""


@dataclass(frozen=True, slots=True)
class BrokerSecurity:
    """What makes a local broker a secured one.

    `certificate`: PEM, the broker's private key and certificate (CN=kafka, for 127.0.0.1); `authority`: PEM, the
    CA that signed it and the clients' certificates. `users`: SCRAM users and their passwords, made when the data
    directory is formatted. `super_users` may do everything, by their names.
    """

    certificate: Path
    authority: Path
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    super_users: tuple[str, ...] = ("admin",)

    def scram_arguments(self) -> list[str]:
        """What the format tool is told of the users."""
        return [
            argument
            for name, password in self.users.items()
            for argument in ("--add-scram", f"{SCRAM_MECHANISM}=[name={name},password={password}]")
        ]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a local broker listens. `mutual` is the door of a secured one where certificates log in; `told` is where
    it sends its clients, if that is not where it listens: to what stands between them."""

    clients: int
    controller: int
    mutual: int | None = None
    told: int | None = None


def server_properties(data: Path, ports: Ports, security: BrokerSecurity | None) -> str:
    """The text of `server.properties`."""
    lines = _node(data, ports) | (_open(ports) if security is None else _secured(ports, security))
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def _node(data: Path, ports: Ports) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",  # a misspelt region must fail, not get a mailbox nobody reads
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # After a crash a start waits until the controller has given up the process before: 9 s by default.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # 128 MB by default, a third of the heap
    }


def _open(ports: Ports) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://127.0.0.1:{ports.clients},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{ports.told or ports.clients}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }


def _secured(ports: Ports, security: BrokerSecurity) -> dict[str, str]:
    clients = f"SASL_SSL://127.0.0.1:{ports.clients},SSL://127.0.0.1:{ports.mutual}"
    return {
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:SSL",
        "inter.broker.listener.name": "SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(security.certificate),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(security.authority),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        # Who a certificate is: its common name alone, so that the ACLs are the same for both doors.
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        "sasl.enabled.mechanisms": SCRAM_MECHANISM,
        f"listener.name.sasl_ssl.{SCRAM_MECHANISM.lower()}.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": ";".join(f"User:{name}" for name in (BROKER_NAME, *security.super_users)),
    }
