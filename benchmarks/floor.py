"""What no case can do without, and nothing else: the least that a case costs, and so the most cases that CPUs can do.

    python -m benchmarks.floor [--cases N]

Seven events are sealed, signed in bundles, opened and proved, stored at both regions with their receipts, and packed
for both ledgers, in full batches and with the product's own functions. No check, no decision, no state of a case, no
claim, no platform, no broker and no client of one: what is left out makes the real cost higher, never lower. Prints
JSON: microseconds of CPU a case for each part, their sum, and `cases_per_second_at_most` on all CPUs of this machine.
"""

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.journal_append import LEAVES, PARTNER, REGION, US, Files, case_events, full, new_id
from jiexu.contract.bundle import make_bundle, open_bundle, verify_bundle
from jiexu.contract.codec import open_event
from jiexu.contract.records import encode_record
from jiexu.contract.signing import Ed25519Signer
from jiexu.journal.opening import open_journal
from jiexu.journal.port import Journal, LogLine, NewEvent
from jiexu.service.followers import LEDGER_RECORDS_A_BATCH, LedgerBatch

BLOCK = 1792


def cpu_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU that the work took, and what it gave."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def bundles(signer: Ed25519Signer, events: Sequence[NewEvent]) -> list[bytes]:
    """Both hands' events, signed in full bundles."""
    made = []
    for issuer, own in ((US, True), (PARTNER, False)):
        side = [new.bytes for new in events if (new.arrival is None) is own]
        made += [make_bundle(signer, issuer, side[at : at + LEAVES]) for at in range(0, len(side), LEAVES)]
    return made


def prove(signer: Ed25519Signer, made: Sequence[bytes]) -> None:
    """Open and prove them, and every event in them."""
    for data in made:
        bundle = open_bundle(data)
        verify_bundle(bundle, signer.public_key)
        for leaf in bundle.leaves:
            assert leaf.event is not None
            open_event(leaf.event)


def store(journal: Journal, events: Sequence[NewEvent]) -> None:
    """What a service writes for them, in blocks that are durable before the next begins."""
    for number, at in enumerate(range(0, len(events), BLOCK)):
        full(journal, events[at : at + BLOCK], number)


def ledger_records(lines: Sequence[LogLine]) -> list[bytes]:
    """The log's lines as the ledger's records."""
    starts = range(0, len(lines), LEDGER_RECORDS_A_BATCH)
    batches = [lines[at : at + LEDGER_RECORDS_A_BATCH] for at in starts]
    return [encode_record("LedgerBatch", LedgerBatch(REGION, batch)) for batch in batches]


def log_of(journal: Journal) -> Sequence[LogLine]:
    """Every line of a log."""
    with journal.read() as read:
        return read.log(0, 10**9)


def measure(cases: int, folder: Path) -> dict[str, Any]:
    """The parts, in microseconds of CPU a case."""
    signer = Ed25519Signer(Ed25519PrivateKey.generate())
    seal, events = cpu_of(lambda: [new for _ in range(cases) for new in case_events(new_id())])
    gc.collect()
    gc.freeze()
    sign, made = cpu_of(lambda: bundles(signer, events))
    opened, _ = cpu_of(lambda: prove(signer, made))
    journal = open_journal(Files(folder).place("one"), REGION, create=True)
    stored, _ = cpu_of(lambda: store(journal, events))
    read, lines = cpu_of(lambda: log_of(journal))
    packed, _ = cpu_of(lambda: ledger_records(lines))
    journal.close()
    parts = {
        "seal": seal,
        "sign_and_pack": sign,
        "open_and_prove": opened,
        "store_at_both": 2 * stored,
        "ledgers_of_both": 2 * (read + packed),
    }
    micros = {name: round(seconds / cases * 1e6) for name, seconds in parts.items()}
    total = sum(parts.values()) / cases
    cpus = os.cpu_count() or 1
    return {
        "cases": cases,
        "us": micros,
        "us_a_case": round(total * 1e6),
        "cpus": cpus,
        "cases_per_second_at_most": round(cpus / total),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(parser.parse_args().cases, Path(folder)), indent=2))


if __name__ == "__main__":
    main()
