"""What is seen of the exchange: whether it answers, and what waits in the mailbox.

Asked over a connection of its own, so that a call that hangs hangs neither the loop nor a scrape.
"""

import time
from collections.abc import Callable, Sequence

from prometheus_client import Metric

from jiexu.case.event import Role
from jiexu.exchange.port import Exchange
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import Journal
from jiexu.service.agency import Agency
from jiexu.service.watching.figures import Labels, place_of, table


class MailboxLag:
    """Since when the next record of each partition has been waiting, by the ends seen at earlier looks."""

    def __init__(self) -> None:
        self._ends: dict[int, list[tuple[float, int]]] = {}  # seen at, end: only ends that are not taken in yet

    def seconds(self, partition: int, next: int, end: int, now: float) -> float:
        """How long ago a look first saw the record at `next`; 0 where nothing waits. Times are monotonic."""
        seen = [(at, seen_end) for at, seen_end in self._ends.get(partition, []) if seen_end > next]
        if end > next and (not seen or seen[-1][1] < end):
            seen.append((now, end))
        self._ends[partition] = seen
        return now - seen[0][0] if seen else 0.0


class ExchangeFigures:
    """A look at one role's mailbox."""

    def __init__(self, agency: Agency, role: Role, journal: Journal, open_exchange: Callable[[], Exchange]) -> None:
        self.journal = journal
        self.place = place_of(agency.region, role)
        self.topic = topic_name(agency.region, role.value)
        self._open = open_exchange
        self._exchange: Exchange | None = None
        self._topic_id = ""
        self._lag = MailboxLag()

    def look(self) -> Sequence[Metric]:
        """Raises what the exchange and the journal raise."""
        if self._exchange is None:
            self._exchange = self._open()
        try:
            ends = self._exchange.end_offsets(self.topic)
            if not self._topic_id:
                self._topic_id = self._exchange.topic_id(self.topic)
        except Exception:
            self.close()  # after a failure anew: another broker may answer, the topic may be a new one
            raise
        with self.journal.read() as read:
            nexts = {partition: read.offset(self._topic_id, partition) for partition in ends}
        if None in nexts.values():
            starts = self._exchange.beginning_offsets(self.topic)
            nexts = {p: starts.get(p, 0) if next is None else next for p, next in nexts.items()}
        now = time.monotonic()
        records: dict[Labels, float] = {}
        seconds: dict[Labels, float] = {}
        for partition, end in ends.items():
            next = nexts[partition] or 0
            records[str(partition),] = float(max(0, end - next))
            seconds[str(partition),] = self._lag.seconds(partition, next, end, now)
        return [
            table(self.place, "jiexu_intake_lag_records", records),
            table(self.place, "jiexu_intake_lag_seconds", seconds),
        ]

    def close(self) -> None:
        """Give the connection back."""
        exchange, self._exchange, self._topic_id = self._exchange, None, ""
        if exchange is not None:
            exchange.close()
