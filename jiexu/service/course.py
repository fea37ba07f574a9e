"""The course of cases in the logs: one line for every event, so that one id shows a case in both agencies' logs.

`grep CASE_ID` over the logs of both agencies gives what each issued and when the other had it in its journal, from the
application to the last credit. A busy region takes ten thousand events a second, and structlog needs 29 µs for a line;
these lines hold only ids and words of the contract, nothing that could need masking, so they are put together here
(0.8 µs a line) and written in one go. They have the form of every other line (logs.py), which a test holds.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from jiexu.case.event import Role
from jiexu.journal.columns import own_role
from jiexu.journal.port import IndexedEvent
from jiexu.service.agency import Agency

EVENTS_AT_ONCE = 5_000
RETOLD_AT_MOST = 100_000
"""Log lines that a start goes back for what was not told: 30 MB. After a rebuild nothing says what was told before."""


def to_standard_error(lines: str) -> None:
    """Where the other lines go."""
    sys.stderr.write(lines)
    sys.stderr.flush()


class CourseLog:
    """Tells the events of this role's cases that the journal has taken since the last turn.

    A start goes on from `follower`'s cursor, which moves later in the same turn: what clerks issued while no service
    ran is told too, and after a crash some lines are told again rather than none.
    """

    def __init__(
        self, agency: Agency, role: Role, follower: str, put: Callable[[str], None] = to_standard_error
    ) -> None:
        self.agency = agency
        self.role = role
        self.put = put
        self._head = f'"level": "info", "region": "{agency.region}", "role": "{role.value}", '
        with agency.journal.read() as read:
            self._told = max(read.cursor(follower), read.last_position() - RETOLD_AT_MOST)

    def turn(self) -> int:
        """Tell what is new; returns how many lines were written."""
        if self.agency.config.log_level == "warning":
            return 0
        told = 0
        with self.agency.journal.read() as read:
            while events := read.index(self._told, EVENTS_AT_ONCE):
                self._told = events[-1].position
                told += self._tell(events)
        return told

    def _tell(self, events: Sequence[IndexedEvent]) -> int:
        role, head = self.role, self._head
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        lines = [
            f'{{"timestamp": "{now}", {head}"event": "{"issued" if own else "received"}", "case_id": "{case_id}", '
            f'"event_id": "{event_id}", "position": {position}, "type": "{type}", '
            f'"hand": "{hand.value}", "seq": {seq}, "void": {"true" if void else "false"}}}\n'
            for position, case_id, hand, seq, event_id, type, void, own in events
            if own_role(hand, own) is role
        ]
        if lines:
            self.put("".join(lines))
        return len(lines)
