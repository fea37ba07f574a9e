"""What outlives a schedule because making it takes long: the disks, emptied each time, and the seams to the product."""

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
from jiexu.region.registry import SqliteRegistry
from tests.simulation.disk import JournalDisk, empty_tables
from tests.simulation.ground import CODES, START, ground
from tests.simulation.process import SimulatedBank, decode


class Machine:
    """Journals, registries and the bank's book of three regions."""

    def __init__(self) -> None:
        self._now: Callable[[str], datetime] = lambda _: START
        self._random: Callable[[int], bytes] = bytes
        self.bank = SimulatedBank(":memory:")
        self.bank.point = lambda _: None
        self.journals = {code: JournalDisk(code) for code in CODES}
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
        decode.cache_clear()
        _verify_once.cache_clear()

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
            yield


_verified: Any = signing._verify_ed25519


@lru_cache(maxsize=4096)
def _verify_once(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The same signature over the same bytes is proved once a schedule, not by each journal that holds it."""
    return bool(_verified(public_key, message, signature))
