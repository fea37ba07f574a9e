"""Since when and until when a list shows a code, as exactly as the lists tell and no more.

The lists are year-end lists: `1992` means that the list of 1992 is the first (or, as an end, the last) that
shows the code. Whether it held on a day of the year it began in, or of the year after it was last listed,
is not known, and then the answer is None and not a guess (domain.md §1).
"""

from dataclasses import dataclass
from datetime import date

UNKNOWN = "unknown"
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Validity:
    """`valid_from` is a year, a date or `unknown`; `valid_to` may also be `open`: listed today."""

    valid_from: str
    valid_to: str

    def on(self, day: date) -> bool | None:
        """Whether the code held on that day; None where the lists do not tell."""
        began, ended = self._began(day), self._not_ended(day)
        if began is False or ended is False:
            return False
        return None if began is None or ended is None else True

    def _began(self, day: date) -> bool | None:
        if self.valid_from == UNKNOWN:
            return None
        if len(self.valid_from) > 4:
            return date.fromisoformat(self.valid_from) <= day
        year = int(self.valid_from)
        return None if day.year == year else day.year > year

    def _not_ended(self, day: date) -> bool | None:
        if self.valid_to == OPEN:
            return True
        if self.valid_to == UNKNOWN:
            return None
        if len(self.valid_to) > 4:
            return day <= date.fromisoformat(self.valid_to)
        last = int(self.valid_to)
        return None if day.year == last + 1 else day.year <= last
