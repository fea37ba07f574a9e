"""Events by type, counted once: from the journal's beginning at the start, from its tail afterwards.

The count is that of the journal, so it goes on over a restart where it stood, and a rate loses nothing. It is shown
only when it is whole: half a count would look like a flood of events.
"""

import time
from collections import Counter

from jiexu.case.event import Role
from jiexu.journal.columns import own_role
from jiexu.journal.port import Journal
from jiexu.service.watching.figures import Labels, Rows

LINES_AT_ONCE = 50_000
"""Log lines counted in one statement: some 20 ms, so that no long snapshot keeps the WAL from being emptied."""


class EventCounts:
    """Events of one role's cases by type, direction and whether they are void."""

    def __init__(self, journal: Journal, role: Role) -> None:
        self.journal = journal
        self.role = role
        self._counted = 0
        self._counts: Counter[Labels] = Counter()
        self.complete = False

    def follow(self, until: float) -> None:
        """Count on to the log's end, or until that moment (monotonic)."""
        while True:
            with self.journal.read() as read:
                last = read.last_position()
                end = min(last, self._counted + LINES_AT_ONCE)
                for kind in read.events_by_kind(self._counted, end) if end > self._counted else ():
                    if own_role(kind.hand, kind.own) is self.role:
                        direction = "issued" if kind.own else "received"
                        self._counts[kind.type, direction, str(int(kind.void))] += kind.number
            self._counted = end
            if end == last:
                self.complete = True
                return
            if time.monotonic() >= until:
                return

    def rows(self) -> Rows:
        """The counts; none until they are whole."""
        return dict(self._counts) if self.complete else {}
