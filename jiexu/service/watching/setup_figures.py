"""What a region is set up with, and until when it lasts: its key, its calendar, its entry in the directory."""

import math
from collections.abc import Sequence
from datetime import date, timedelta

from prometheus_client import Metric

from jiexu.calendar.workdays import due_instant
from jiexu.case.event import Role
from jiexu.service.agency import Agency
from jiexu.service.watching.figures import figure, place_of, table


class SetupFigures:
    """A look at the key, the calendar and the directory that a service works with."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.place = place_of(agency.region, role)

    def look(self) -> Sequence[Metric]:
        """Figures from memory: upkeep reads the directory's file when it changes."""
        agency, place = self.agency, self.place
        participants, key_id = agency.participants, agency.signer.key_id
        status = participants.key(agency.region, key_id, agency.clock())
        ends = status.key.valid_to if status.key is not None else None
        own = agency.calendar.in_province(agency.region[:2])
        known = max((year for year in range(own.first_year, own.last_year + 1) if own.is_published(year)), default=0)
        return [
            table(
                place,
                "jiexu_signing_key_expiry_timestamp_seconds",
                {(key_id,): ends.timestamp() if ends is not None else math.inf},
            ),
            table(place, "jiexu_signing_key_usable", {(key_id,): float(status.usable)}),
            figure(
                place,
                "jiexu_calendar_known_until_timestamp_seconds",
                due_instant(date(known, 12, 31)).timestamp() if known else 0.0,
            ),
            figure(place, "jiexu_directory_regions", len(participants.regions)),
            figure(place, "jiexu_directory_online_until_timestamp_seconds", self._online_until()),
        ]

    def _online_until(self) -> float:
        """The end of the last day of being online without a gap, from today."""
        agency = self.agency
        ranges = [
            one
            for one in agency.participants.entry(agency.region).online
            if one.procedure == "platform" and one.valid_from is not None
        ]
        day, end = agency.today(), None
        while here := [one for one in ranges if one.holds(day)]:
            if any(one.valid_to is None for one in here):
                return math.inf
            end = max(one.valid_to for one in here if one.valid_to is not None)
            day = end + timedelta(days=1)
        return due_instant(end).timestamp() if end is not None else 0.0
