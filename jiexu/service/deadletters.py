"""Dead letters: every parked record is written to the region's topic for them, as proof beside the journal."""

from jiexu.exchange.port import ExchangeError, Outgoing
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import Moved
from jiexu.service.agency import Agency

CURSOR = "deadletter"
AT_ONCE = 50  # records; each may be a whole bundle


class DeadLetters:
    """Carries parked records, whole as they came, to `jiexu.<region>.deadletter`; the key is the reason's code."""

    def __init__(self, agency: Agency) -> None:
        self.agency = agency
        self.topic = topic_name(agency.region, Purpose.DEADLETTER)

    def turn(self) -> int:
        """Write those parked since the last turn; returns how many, 0 while the exchange is away."""
        agency = self.agency
        with agency.journal.read() as read:
            stands = read.cursor(CURSOR)
            found = [read.parked(settled=settled, after=stands, limit=AT_ONCE) for settled in (False, True)]
        rows = sorted([row for rows in found for row in rows], key=lambda row: row.id)[:AT_ONCE]
        if not rows:
            return 0
        try:
            agency.producer.send([Outgoing(self.topic, 0, row.code.encode(), row.bytes) for row in rows])
        except ExchangeError:
            return 0
        try:
            with agency.journal.write() as write:
                write.move_cursor(CURSOR, stands, rows[-1].id)
        except Moved:
            pass  # the region's other service wrote the same
        return len(rows)
