"""The embedded exchange under several processes: nothing lost, nothing taken twice, every partition in
order.
"""

import multiprocessing
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from jiexu.exchange import Outgoing
from jiexu.exchange.embedded import EmbeddedExchange

PARTITIONS = 4
WRITERS, READERS = 4, 3
EACH = 60
TOPIC = "busy"


def write(path: Path, writer: int) -> None:
    exchange = EmbeddedExchange(path)
    with closing(exchange), closing(exchange.producer()) as producer:
        for number in range(EACH):
            value = b"%d:%d" % (writer, number)
            producer.send([Outgoing(TOPIC, number % PARTITIONS, b"%d" % writer, value)])


def read(path: Path, journal: Path) -> None:
    """Intake in small: records and the next offset in one transaction, changed only from what was read."""
    with closing(sqlite3.connect(journal, timeout=30, isolation_level=None)) as db:

        def start(_topic: str, partition: int) -> int | None:
            row = db.execute("SELECT next FROM offsets WHERE partition = ?", (partition,)).fetchone()
            return int(row[0])

        exchange = EmbeddedExchange(path)
        with closing(exchange), closing(exchange.consumer(TOPIC, "readers", start)) as consumer:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                for record in consumer.poll(20, 0.05):
                    db.execute("BEGIN IMMEDIATE")
                    taken = db.execute(
                        "UPDATE offsets SET next = ? WHERE partition = ? AND next = ?",
                        (record.offset + 1, record.partition, record.offset),
                    ).rowcount
                    if taken:
                        row = (record.partition, record.offset, record.value)
                        db.execute("INSERT INTO taken VALUES (?, ?, ?)", row)
                    db.execute("COMMIT")
                if db.execute("SELECT sum(next) FROM offsets").fetchone()[0] == WRITERS * EACH:
                    return


def test_writers_and_readers_in_processes_of_their_own(tmp_path: Path) -> None:
    path, journal = tmp_path / "exchange.db", tmp_path / "journal.db"
    exchange = EmbeddedExchange(path)
    with closing(exchange), closing(exchange.admin()) as admin:
        admin.create(TOPIC, PARTITIONS, 1, {})
    with closing(sqlite3.connect(journal)) as db, db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE offsets(partition INTEGER PRIMARY KEY, next INTEGER)")
        db.execute("CREATE TABLE taken(partition, offset, value, UNIQUE(partition, offset))")
        db.executemany("INSERT INTO offsets VALUES (?, 0)", [(n,) for n in range(PARTITIONS)])

    spawn = multiprocessing.get_context("spawn")  # SQLite connections do not survive a fork
    processes = [spawn.Process(target=write, args=(path, n)) for n in range(WRITERS)]
    processes += [spawn.Process(target=read, args=(path, journal)) for _ in range(READERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)

    with closing(sqlite3.connect(journal)) as db:
        taken = db.execute("SELECT partition, value FROM taken ORDER BY partition, offset").fetchall()
    sent = sorted(b"%d:%d" % (writer, number) for writer in range(WRITERS) for number in range(EACH))
    assert sorted(value for _, value in taken) == sent
    for partition in range(PARTITIONS):
        for writer in range(WRITERS):
            own = [
                int(value.split(b":")[1])
                for number, value in taken
                if number == partition and value.startswith(b"%d:" % writer)
            ]
            assert own == sorted(own)


def make(path: Path) -> None:
    EmbeddedExchange(path).close()


def test_several_processes_may_make_the_file_at_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=make, args=(tmp_path / "exchange.db",)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
