"""The plain alternative, for comparison: kafka-python, one synchronous send for each message, no journal.

The same seven messages a case go to and fro between the same four roles, each a process of its own, as JSON. Nothing
is signed, nothing is kept, nothing is acted on: what is measured is only the price of sending one by one.

    python -m benchmarks.plain ROLE BOOTSTRAP PREFIX REGION PARTNER     (a role; the benchmark starts four)
"""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

ANSWERS = {
    "applied": ("accepted", "form", "remitted"),
    "remitted": ("completed", "arrived", "credited"),
}
FORM = {"periods": [{"first": "2019-01", "last": "2024-06", "months": 66}] * 3, "amount": "12345.67"}


def topic(prefix: str, region: str, role: str) -> str:
    """The mailbox of a role."""
    return f"{prefix}.{region}.{role}"


def producer(bootstrap: str) -> Any:
    """The library's producer, acknowledged by all as the product's is."""
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", value_serializer=lambda v: json.dumps(v).encode())


def consumer(bootstrap: str, name: str) -> Any:
    """The library's consumer."""
    return KafkaConsumer(
        name,
        bootstrap_servers=bootstrap,
        group_id=name,
        auto_offset_reset="earliest",
        value_deserializer=lambda v: json.loads(v),
    )


def serve(role: str, bootstrap: str, prefix: str, region: str, partner: str) -> None:
    """Answer each message with the next ones, each sent and waited for by itself."""
    other = "inbound" if role == "outbound" else "outbound"
    sends = producer(bootstrap)
    for record in consumer(bootstrap, topic(prefix, region, role)):
        for kind in ANSWERS.get(record.value["kind"], ()):
            message = {"case": record.value["case"], "kind": kind, "form": FORM if kind == "form" else None}
            sends.send(topic(prefix, partner, other), message).get(30)


def cases_per_second(bootstrap: str, regions: tuple[str, str], cases: int) -> float:
    """Run that many cases, half each way, and return their rate from the first application to the last credit."""
    prefix = f"plain.{uuid.uuid4().hex[:8]}"
    names = [topic(prefix, region, role) for region in regions for role in ("outbound", "inbound")]
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1) for name in names])
    admin.close()
    watch = KafkaConsumer(
        *[topic(prefix, region, "outbound") for region in regions],
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        value_deserializer=lambda v: json.loads(v),
    )
    with _roles(bootstrap, prefix, regions):
        sends = producer(bootstrap)
        time.sleep(5)  # until all four have their partitions
        started = time.monotonic()
        applying = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from benchmarks.plain import apply; import sys; apply(*sys.argv[1:])",
                bootstrap,
                prefix,
                *regions,
                str(cases),
            ]
        )
        credited = 0
        while credited < cases:
            for records in watch.poll(timeout_ms=500).values():
                credited += sum(record.value["kind"] == "credited" for record in records)
        seconds = time.monotonic() - started
        applying.wait()
        sends.close()
    watch.close()
    return cases / seconds


def apply(bootstrap: str, prefix: str, one: str, other: str, cases: str) -> None:
    """The counters: one application after the other."""
    sends = producer(bootstrap)
    for number in range(int(cases)):
        to = (one, other)[number % 2]
        sends.send(topic(prefix, to, "outbound"), {"case": number, "kind": "applied", "form": None}).get(30)


@contextmanager
def _roles(bootstrap: str, prefix: str, regions: tuple[str, str]) -> Iterator[None]:
    processes = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.plain", role, bootstrap, prefix, region, partner])
        for region, partner in (regions, regions[::-1])
        for role in ("outbound", "inbound")
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


if __name__ == "__main__":
    serve(*sys.argv[1:6])
