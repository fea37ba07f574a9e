"""The journal over any database: blocks, one writer at a time, and what must hold at commit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from jiexu.journal.case_reads import CaseReads
from jiexu.journal.case_writes import CaseWrites
from jiexu.journal.dialect import Sql
from jiexu.journal.exchange_reads import ExchangeReads
from jiexu.journal.exchange_writes import ExchangeWrites
from jiexu.journal.log_records import Decode
from jiexu.journal.log_writes import LogWrites
from jiexu.journal.port import Reads, Writes
from jiexu.journal.tallies import Tallies
from jiexu.journal.write_block import Fault

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock, aware UTC."""
    return datetime.now(UTC)


def no_fault(name: str) -> None:
    """Nothing goes wrong."""


class StoreReads(CaseReads, ExchangeReads, Tallies):
    """A snapshot of the journal."""


class StoreWrites(CaseWrites, ExchangeWrites, LogWrites, Tallies):
    """One transaction."""


class StoreJournal:
    """One region's journal in a database. Threads may share it: they read at once and write one after the other."""

    def __init__(
        self, region: str, connect: Callable[[], Sql], clock: Clock, decode: Decode, fault: Fault = no_fault
    ) -> None:
        self.region = region
        self._connect = connect
        self._clock = clock
        self._decode = decode
        self._fault = fault
        self._writing = threading.Lock()
        self._writer: Sql | None = None
        self._renew_writer = False
        self._writing_thread = 0
        self._readers: list[Sql] = []
        self._reading = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Reads]:
        """A snapshot of now; nothing that is written meanwhile shows in it."""
        sql = self._borrow_reader()
        reads = StoreReads(sql, self._decode)
        try:
            sql.begin_read()
            yield reads
        finally:
            reads.end()
            sql.rollback()
            self._give_back(sql)

    @contextmanager
    def write(self) -> Iterator[Writes]:
        """One transaction, durable when the block ends; an exception undoes it. Raises RuntimeError when nested."""
        thread = threading.get_ident()
        if self._writing_thread == thread:
            raise RuntimeError("a write block within a write block: its commit would not be one")
        with self._writing:
            self._writing_thread = thread
            try:
                yield from self._transaction(self._the_writer())
            finally:
                if self._writer is not None and self._writer.lost:
                    self._leave_connections()
                self._writing_thread = 0

    def _transaction(self, sql: Sql) -> Iterator[Writes]:
        sql.begin_write()
        try:
            # The clock is read under the lock, so times stand in the order of positions.
            writes = StoreWrites(sql, self._decode, self._clock(), self._fault)
            try:
                yield writes
                writes.check()
            finally:
                writes.end()
            self._fault("before_commit")
            sql.commit()
        except BaseException:
            sql.rollback()
            raise
        self._fault("after_commit")

    def close(self) -> None:
        """Close all connections."""
        with self._writing, self._reading:
            for sql in [*self._readers, *([self._writer] if self._writer else [])]:
                sql.close()
            self._readers, self._writer = [], None

    def _the_writer(self) -> Sql:
        if self._renew_writer and self._writer is not None:
            self._writer.close()
            self._writer = None
        self._renew_writer = False
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def _give_back(self, sql: Sql) -> None:
        """Keep a reader's connection for the next block."""
        if sql.lost:
            self._leave_connections()
            return
        with self._reading:
            self._readers.append(sql)

    def _leave_connections(self) -> None:
        """One was lost, so the others are too, or lead to a server that is none any more: the next blocks connect."""
        with self._reading:
            for sql in self._readers:
                sql.close()
            self._readers = []
            self._renew_writer = True

    def _borrow_reader(self) -> Sql:
        with self._reading:
            if self._readers:
                return self._readers.pop()
        return self._connect()
