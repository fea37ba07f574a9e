"""Defects of kafka-python 3.0.12, mended from outside: each with what happens without the repair.

They reach into the library, which is why it is pinned; `tests/exchange/test_kafka.py` fails where a
release has moved what they reach for. With a new release look first whether a repair is still needed.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import kafka.errors as errors
from kafka import KafkaProducer as LibraryProducer
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from jiexu.exchange.kafka.bounded import bounded


class Producer(LibraryProducer):
    """A producer that can be collected: the library's replaces its module's logger by one that says
    nothing.
    """

    def __del__(self) -> None:
        """Nothing; the adapter closes it."""


def stop_half_made(client: Any) -> None:
    """End the I/O thread of a client whose constructor failed: it stays, one more at every try to reach
    a broker.
    """
    network = getattr(client, "_net", None)
    if network is not None:
        network.stop(timeout_ms=1000)
        with suppress(Exception):
            network.close()  # stopping alone leaves its sockets open


def keep_joining(consumer: Any) -> None:
    """Carry a join that outlived its poll over to the next poll. To be called before every poll.

    The library runs a join in the background and picks up its result in a later poll. It drops the
    result where the join was caused by new metadata (the assignment is lost, heartbeats stay off, the
    consumer reads nothing for ever) or was done between two polls (it joins anew, and makes all others
    of the group join anew).
    """
    coordinator = consumer._coordinator
    if not coordinator.rejoining:
        return
    coordinator.request_rejoin()
    task = coordinator._join_task
    if task is not None and task.is_done:
        coordinator._join_task = _Done(task)


def forget_idle_partitions(producer: Any) -> None:
    """Drop the empty queues of a producer that has sent everything.

    Where such a topic is deleted the library's sender looks for its leader without a pause, and takes a
    whole core.
    """
    accumulator = producer._accumulator
    for partition in list(accumulator._batches):
        with accumulator._tp_lock(partition):
            if not accumulator._batches.get(partition):
                accumulator._batches.pop(partition, None)


def knows_all(producer: Any, topics: set[str]) -> bool:
    """False once a topic is gone: the library would ask for it ten times a second, for ever."""
    return all(producer._metadata.partitions_for_topic(topic) is not None for topic in topics)


def topic_id(consumer: Any, topic: str) -> str | None:
    """The topic's identity in the consumer's metadata, None while unknown.

    The library fetches by name, and reads on at the old offset in a topic that was deleted and made again.
    """
    known = consumer._cluster.topic_id(topic)
    return None if known is None else str(known)


def refresh_metadata(consumer: Any) -> None:
    """Have the metadata read soon: a group shares out partitions anew when the metadata shows that they
    changed.
    """
    consumer._cluster.request_update()


def offset_held(consumer: Any, partition: Any) -> int:
    """The consumer's offset, without the check against the broker that `position` waits for."""
    return int(consumer._subscription.assignment[partition].position.offset)


class ClosedAtFirstQuestion(Exception):
    """The server greeted us and closed the connection at the first question: it waits for a login."""


class _Attentive(cast(Any, KafkaConnectionManager)):  # type: ignore[misc]
    """Hears what a server says before it closes: the library drops it, the reason of a refused login too."""

    async def _build_transport(self, node: Any, timeout_at: Any = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        receive = transport._sock_recv

        def heard() -> tuple[bytes, Any]:
            data, end = receive()
            return (data, None) if data else (data, end)  # the end comes again, at the next call

        transport._sock_recv = heard
        return transport


def connect_once(options: dict[str, Any], seconds: float) -> list[Exception]:
    """Log in to the bootstrap servers one after the other, each once, until one lets us in: then empty, else why not.

    A client of the library tries again until its time is up, a refused password too, and says at the end only that
    it timed out; the reason stands in its log alone. A server that takes the connection and then says nothing would
    hold it for ever in the TLS handshake.
    """
    net = cast(Any, NetworkSelector)(**options)  # untyped in the library
    manager = _Attentive(net, **options)
    net.start()
    failures: list[Exception] = []
    try:
        for broker in manager.cluster.bootstrap_brokers():

            async def login(node: Any = broker.node_id) -> None:
                await manager.get_connection(node, timeout_ms=seconds * 1000, refresh_metadata_on_err=False)
                try:
                    await manager.cluster.refresh_metadata(node)
                except errors.KafkaConnectionError as error:
                    raise ClosedAtFirstQuestion(str(error)) from error

            try:
                bounded(lambda login=login: manager.run(login), seconds)  # type: ignore[misc]
            except Exception as error:
                failures.append(error)
            else:
                return []
    finally:
        manager.close()
        net.stop(timeout_ms=1000)
        with suppress(Exception):
            net.close()  # stopping alone leaves its sockets open
    return failures


def offers_tls(server: str, seconds: float) -> bool:
    """Whether a server answers a greeting in TLS; its certificate is not looked at, and nothing is told to it."""
    host, _, port = server.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=seconds) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except OSError:
        return False


class _Done:
    """A finished join that says it is not: the library awaits one that runs, and drops one that is done."""

    is_done = False

    def __init__(self, task: Any) -> None:
        self._task = task

    def add_callback(self, call: Callable[[Any], Any]) -> None:
        self._task.add_callback(call)

    def add_errback(self, call: Callable[[Any], Any]) -> None:
        self._task.add_errback(call)
