"""One region's agency as a process has it: the parts that the loops work with, opened from the configuration."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

from jiexu.calendar import Calendar
from jiexu.case.event import Party, Role
from jiexu.contract.signing import Signer
from jiexu.exchange.port import Exchange, Producer
from jiexu.journal.port import Journal
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.regions import Directory
from jiexu.region.platform import LocalPlatform
from jiexu.service.casebook import CaseBook
from jiexu.service.config import Config
from jiexu.service.ids import uuid7

BEIJING = timezone(timedelta(hours=8))


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def _no_fault(_: str) -> None:
    """Where a process can die, a simulation raises here."""


@dataclass
class Agency:
    """A region with its parts. `clock`, `random` and `fault` are arguments so that a simulation can own them."""

    config: Config
    journal: Journal
    exchange: Exchange
    platform: LocalPlatform
    participants: Participants
    places: Directory
    calendar: Calendar
    signer: Signer
    index_key: bytes
    clock: Callable[[], datetime] = utc_now
    random: Callable[[int], bytes] = os.urandom
    fault: Callable[[str], None] = _no_fault
    owner: str = field(default_factory=lambda: f"pid-{os.getpid()}")
    book: CaseBook = field(default_factory=CaseBook)
    _producer: Producer | None = None

    @property
    def region(self) -> str:
        """The pooling region's code."""
        return self.config.region

    def party(self, role: Role) -> Party:
        """This region in a role."""
        return Party(self.region, role)

    @property
    def producer(self) -> Producer:
        """The one producer of this process, kept: a collected one would take its logger with it."""
        if self._producer is None:
            self._producer = self.exchange.producer()
        return self._producer

    def new_id(self) -> str:
        """An id for a case or an event."""
        return uuid7(self.clock(), self.random)

    def salt(self) -> bytes:
        """Sixteen random bytes for one disclosure."""
        return self.random(16)

    def today(self) -> date:
        """The day in Beijing, on which limits and rules turn."""
        return self.clock().astimezone(BEIJING).date()

    def close(self) -> None:
        """Give everything back."""
        if self._producer is not None:
            self._producer.close()
        self.exchange.close()
        self.platform.close()
        self.journal.close()
