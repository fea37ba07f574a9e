"""What befalls a deployment, and how it is cured: one function a fault. Each strikes, waits, cures, and says when."""

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.deployment import XIAN
from benchmarks.rig import Rig
from benchmarks.supervisor import EVERY, Name
from jiexu.case.event import Role

HALF_HEARD_SECONDS = 0.5
"""How long the broker still hears and is not heard, before nothing comes through at all."""
FILL_BYTES = 1 << 20


@dataclass(frozen=True)
class Struck:
    """`at`: when the fault began. `cured`: when its cause was gone: a process started again, a server answering, a way
    open, room on the disk, a second copy started. `services` are those that it kept from working."""

    at: datetime
    cured: datetime
    services: frozenset[Name]


def kill_outbound(rig: Rig) -> Struck:
    """SIGKILL both regions' outbound services."""
    return _kill(rig, frozenset(name for name in EVERY if name.role is Role.OUTBOUND))


def kill_inbound(rig: Rig) -> Struck:
    """SIGKILL both regions' inbound services."""
    return _kill(rig, frozenset(name for name in EVERY if name.role is Role.INBOUND))


def kill_all(rig: Rig) -> Struck:
    """SIGKILL all four services at once."""
    return _kill(rig, frozenset(EVERY))


def _kill(rig: Rig, names: frozenset[Name]) -> Struck:
    at = datetime.now(UTC)
    rig.services.kill(names)
    return Struck(at, rig.services.restarted(names, at), names)


def kill_broker(rig: Rig) -> Struck:
    """SIGKILL the broker; after a while it is started on its data."""
    at = datetime.now(UTC)
    rig.broker.kill()
    time.sleep(rig.seconds)
    rig.broker.start()
    return Struck(at, datetime.now(UTC), frozenset(EVERY))


def kill_postgres(rig: Rig) -> Struck:
    """SIGKILL the database server with all of its processes; after a while it is started on its data."""
    import psutil

    at = datetime.now(UTC)
    postmaster = psutil.Process(rig.postgres.get_pid())
    for process in [postmaster, *postmaster.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([postmaster])
    time.sleep(rig.seconds)
    rig.postgres.ensure_postgres_running()
    configs = rig.made.configs
    in_it = frozenset(name for name in EVERY if not isinstance(configs[name.region].journal_place(), Path))
    return Struck(at, datetime.now(UTC), in_it)


def broker_unreachable(rig: Rig) -> Struck:
    """The way to the broker falls silent: first its answers are missing, then everything. What was under way when it
    fell silent arrives when it opens, after the clients have given it up and sent it again."""
    assert rig.gate is not None, "clients come through the gate"
    at = datetime.now(UTC)
    rig.gate.silence_answers()
    time.sleep(min(HALF_HEARD_SECONDS, rig.seconds / 2))
    rig.gate.silence()
    time.sleep(rig.seconds)
    rig.gate.open()
    return Struck(at, datetime.now(UTC), frozenset(EVERY))


def paused(rig: Rig) -> Struck:
    """SIGSTOP one region's services, start second copies, which take over once leases and group sessions have run out,
    and then let the first ones go on, in the belief that it is still then."""
    names = frozenset(name for name in EVERY if name.region == XIAN)
    at = datetime.now(UTC)
    for name in names:
        _pause_between_writes(rig, name)
    for name in names:
        rig.services.copy(name)
    started = datetime.now(UTC)
    time.sleep(rig.seconds)
    rig.services.go_on(names)
    return Struck(at, started, names)


def _pause_between_writes(rig: Rig, name: Name) -> None:
    """One that is stopped within a transaction keeps everybody from writing, so that no copy could take over and
    nothing would be tried: such a moment is let go by."""
    while True:
        rig.services.pause(name)
        time.sleep(0.01)
        if not _held(rig, name.region):
            return
        rig.services.go_on([name])
        time.sleep(0.013)


def paused_in_a_write(rig: Rig) -> Struck:
    """SIGSTOP one service within a transaction on its journal, for longer than others wait for the lock: nobody of its
    region can write. Then it goes on."""
    name = Name(XIAN, Role.OUTBOUND)
    at = datetime.now(UTC)
    while True:
        rig.services.pause(name)
        if _journal_held(rig, XIAN):
            break
        rig.services.go_on([name])
        time.sleep(0.003)
    time.sleep(rig.seconds)
    rig.services.go_on([name])
    return Struck(at, datetime.now(UTC), frozenset(one for one in EVERY if one.region == XIAN))


def _held(rig: Rig, region: str) -> bool:
    """Whether somebody who stands still holds a lock on what the region's services write to."""
    platform = rig.made.configs[region].platform
    files = [rig.made.configs[region].path(file) for file in (platform.registry, platform.bank)]
    return _journal_held(rig, region) or any(map(_file_locked, files))


def _journal_held(rig: Rig, region: str) -> bool:
    journal = rig.made.configs[region].journal_place()
    return _file_locked(journal) if isinstance(journal, Path) else _head_locked(journal)


def _file_locked(file: Path) -> bool:
    """Asked for half a second: one who works lets go of a lock within that."""
    with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
    return False


def _head_locked(url: str) -> bool:
    import psycopg

    with psycopg.connect(url) as db:
        db.execute("SET lock_timeout = '500ms'")
        try:
            db.execute("SELECT last FROM head FOR UPDATE")
        except psycopg.errors.LockNotAvailable:
            return True
    return False


def disk_full(rig: Rig) -> Struck:
    """Fill the disk that holds one region's file or both regions' database; after a while there is room again."""
    assert rig.small_disk is not None, "the journal stands on a small disk"
    filler = rig.small_disk / "filler"
    journal = rig.made.configs[XIAN].journal_place()
    if isinstance(journal, Path):
        _give_back(journal)
    at = datetime.now(UTC)
    until = time.monotonic() + rig.seconds
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < until:
            try:
                while True:
                    file.write(bytes(FILL_BYTES))
            except OSError:
                os.fsync(file.fileno())
            time.sleep(0.05)  # what a rolled back transaction gave back is taken again
    filler.unlink()
    if rig.postgres is not None:
        rig.postgres.ensure_postgres_running()  # a database whose log has no room gives up: somebody starts it again
    on_file = isinstance(rig.made.configs[XIAN].journal_place(), Path)
    return Struck(at, datetime.now(UTC), frozenset(one for one in EVERY if one.region == XIAN or not on_file))


def _give_back(journal: Path) -> None:
    """What SQLite's log of changes has kept of the disk from earlier would carry a small load over a full one."""
    with closing(sqlite3.connect(journal, timeout=5.0, isolation_level=None)) as db:
        while db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            time.sleep(0.01)


@dataclass(frozen=True)
class Fault:
    """`seconds`: how long it lasts unless told. `needs`: what must stand in the way, `gate` or `small_disk`."""

    strike: Callable[[Rig], Struck]
    seconds: float
    stores: tuple[str, ...] = ("sqlite", "postgresql")
    needs: str | None = None


FAULTS: Mapping[str, Fault] = {
    "kill-outbound": Fault(kill_outbound, 0.0),
    "kill-inbound": Fault(kill_inbound, 0.0),
    "kill-all": Fault(kill_all, 0.0),
    "kill-broker": Fault(kill_broker, 5.0),
    "kill-postgres": Fault(kill_postgres, 5.0, stores=("postgresql",)),
    "broker-unreachable": Fault(broker_unreachable, 60.0, needs="gate"),
    # Longer than a claim's lease (60 s) and than Kafka's session of a group's member (15 s).
    "paused": Fault(paused, 75.0),
    "paused-in-a-write": Fault(paused_in_a_write, 45.0),  # longer than others wait for the lock (30 s)
    "disk-full": Fault(disk_full, 15.0, needs="small_disk"),
}
