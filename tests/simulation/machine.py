"""What outlives a schedule because making it takes long: the disks, emptied each time, and the seams to the product."""

import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import jiexu.contract.signing as signing
import jiexu.journal.log_writes as log_writes
import jiexu.service.loop as loop
import jiexu.service.upkeep as upkeep
from jiexu.audit.rebuild import _lines_of as lines_of
from jiexu.contract.bundle import open_bundle
from jiexu.contract.codec import open_event
from jiexu.contract.letters import open_receipts
from jiexu.journal.log_records import decode_line
from jiexu.region.registry import SqliteRegistry
from tests.simulation.disk import JournalDisk, MemoryDisk, empty_tables
from tests.simulation.ground import CODES, START, ground
from tests.simulation.process import SimulatedBank, decode


class Machine:
    """Journals, registries and the bank's book of three regions."""

    def __init__(self, disk: Callable[[str], JournalDisk] = MemoryDisk) -> None:
        self._now: Callable[[str], datetime] = lambda _: START
        self._random: Callable[[int], bytes] = bytes
        self.bank = SimulatedBank(":memory:")
        self.bank.point = lambda _: None
        self.journals = {code: disk(code) for code in CODES}
        self.registries = {code: SqliteRegistry(":memory:", code, self.bank, self._clock(code)) for code in CODES}
        self._empty = [empty_tables(db) for db in (self.bank._db, *(one._db for one in self.registries.values()))]

    def begin(self, now: Callable[[str], datetime], random_bytes: Callable[[int], bytes]) -> None:
        """Empty everything for the next schedule."""
        self._now, self._random = now, random_bytes
        for empty in self._empty:
            empty()
        for code, registry in self.registries.items():
            registry._settle_region(code)
        for journal in self.journals.values():
            journal.begin(random_bytes(16).hex())
        for memory in (decode, _verify_once, *_MEMORIES):
            memory.cache_clear()

    def close(self) -> None:
        """Give back what the journals' databases hold."""
        for journal in self.journals.values():
            journal.close()

    def _clock(self, code: str) -> Callable[[], datetime]:
        return lambda: self._now(code)

    @contextmanager
    def seams(self) -> Iterator[None]:
        """Take the last things that do not come by argument from the schedule: time, ids, what never changes."""
        virtual = types.SimpleNamespace(monotonic=lambda: self._now("").timestamp(), perf_counter=time.perf_counter)
        with ExitStack() as stack:
            for module, name, value in (
                (loop, "time", virtual),
                (log_writes, "new_incarnation", lambda: self._random(16).hex()),
                (upkeep, "load_participants", lambda *_: ground().participants),
            ):
                stack.enter_context(patch.object(module, name, value))
            stack.enter_context(patch.dict(signing._SUITES, {signing.ED25519: _verify_once}))
            for module, name, remembered in _REMEMBERED:
                stack.enter_context(patch.object(module, name, remembered))
            yield


_verified: Any = signing._verify_ed25519


@lru_cache(maxsize=4096)
def _verify_once(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The same signature over the same bytes is proved once a schedule, not by each journal that holds it."""
    return bool(_verified(public_key, message, signature))


def _everywhere(function: Any) -> list[tuple[Any, str, Any]]:
    """A function that remembers its answers, for every module of the product that calls it."""
    remembered = lru_cache(maxsize=4096)(function)
    _MEMORIES.append(remembered)
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("jiexu.")]
    return [(m, n, remembered) for m in modules for n, value in list(vars(m).items()) if value is function]


# What the same bytes say never changes and is never written to: both regions, every restart and the audit may share it.
_MEMORIES: list[Any] = []
_REMEMBERED = [
    place
    for function in (open_bundle, open_receipts, open_event, decode_line, lines_of)
    for place in _everywhere(function)
]
