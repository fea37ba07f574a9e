"""The contract's codec beside fastavro, and sealing and opening events: microseconds each, best of several rounds.

    python -m benchmarks.codec

Prints JSON; the ratios come from one run on one machine.
"""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from timeit import repeat
from typing import Any

import fastavro

from jiexu.case.event import Hand, Party, Role
from jiexu.contract.codec import decode_event_trusted, open_event, seal_event
from jiexu.contract.golden import from_json, golden_file
from jiexu.contract.models import BODIES
from jiexu.contract.records import HEADER_SIZE, encode_record, read_header, read_values, reader_of, validated
from jiexu.contract.schema_files import schema_root, schema_store

ROUNDS, TIMES = 7, 300
TYPES = ("BalanceCredited", "TransferApplied", "InformationFormUploaded")


def micros(work: Callable[[], object]) -> float:
    """The best round, in microseconds a call."""
    return round(min(repeat(work, number=TIMES, repeat=ROUNDS)) / TIMES * 1e6, 1)


def measure(name: str) -> dict[str, Any]:
    """One event type: its body with both codecs, and the whole event."""
    published = schema_store().latest[name]
    sample = golden_file(schema_root(), name, published.version, "json").read_text(encoding="utf-8")
    values = from_json(published, sample)
    model = validated(BODIES[name], values)
    data = encode_record(name, model)
    reader = reader_of(read_header(data))
    assert reader is not None, "the schema is published"
    schema = fastavro.parse_schema(json.loads(json.dumps(published.schema)))
    plain = fastavro.schemaless_reader(io.BytesIO(data[HEADER_SIZE:]), schema, None)

    def seal() -> bytes:
        return seal_event(
            event_id="0" * 32,
            case_id="1" * 32,
            issuer=Party("610100", Role.OUTBOUND),
            hand=Hand.OUTBOUND,
            seq=1,
            prev_hash=None,
            seen=(),
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
            protocol=bytes(32),
            ruleset="national-2021.1",
            office="610100",
            handled_by="auto",
            reviewed_by=None,
            type=name,
            body=values,
        ).bytes

    event = seal()
    ours, theirs = micros(lambda: encode_record(name, model)), micros(_write(schema, plain))
    read, read_theirs = (
        micros(lambda: read_values(reader, data)),
        micros(lambda: fastavro.schemaless_reader(io.BytesIO(data[HEADER_SIZE:]), schema, None)),
    )
    return {
        "bytes": len(event),
        "encode_us": ours,
        "fastavro_encode_us": theirs,
        "encode_ratio": round(theirs / ours, 1),
        "decode_us": read,
        "fastavro_decode_us": read_theirs,
        "decode_ratio": round(read_theirs / read, 1),
        "seal_us": micros(seal),
        "open_us": micros(lambda: open_event(event)),
        "trusted_us": micros(lambda: decode_event_trusted(event)),
    }


def _write(schema: Any, plain: Any) -> Callable[[], None]:
    return lambda: fastavro.schemaless_writer(io.BytesIO(), schema, plain)


def main() -> None:
    """Measure and print."""
    print(json.dumps({name: measure(name) for name in TYPES}, indent=2))


if __name__ == "__main__":
    main()
