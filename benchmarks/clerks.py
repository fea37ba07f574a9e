"""A counter whose clerks do not give up: an application that could not be lodged is lodged once the region answers."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from jiexu.exchange.port import ExchangeError
from jiexu.journal.port import JournalError
from jiexu.service.agency import Agency
from jiexu.service.config import Config
from jiexu.service.counter import Lodging, lodge
from jiexu.service.wiring import open_agency

TICK_SECONDS = 0.05
AGAIN_SECONDS = 0.5


class Counter(threading.Thread):
    """Lodges applications, `rate` a second, in a thread of its own. `lodged`: the ids of the cases taken so far.

    An attempt that failed may have been recorded all the same: its answer was lost. So each application has its
    case's id before it is lodged, and before another attempt the journal is asked what it holds.
    """

    def __init__(self, config: Config, lodgings: Sequence[Lodging], rate: float) -> None:
        super().__init__(name=f"counter {config.region}", daemon=True)
        self._config = config
        self._waiting = list(lodgings)
        self._rate = rate
        self.lodged: list[str] = []
        self.again = 0
        """Attempts that failed."""
        self.wrong: list[str] = []
        """Answers that no application here should get."""

    def run(self) -> None:
        """Until every application is lodged, or something is wrong that asking again would not mend."""
        try:
            self._run()
        except Exception as error:
            self.wrong.append(repr(error))
            raise

    def _run(self) -> None:
        started = time.monotonic()
        agency: Agency | None = None
        self._waiting = self._waiting[::-1]
        count = len(self._waiting)
        while self._waiting:
            due = min(count, int((time.monotonic() - started) * self._rate)) - (count - len(self._waiting))
            if due <= 0:
                time.sleep(TICK_SECONDS)
                continue
            try:
                agency = agency or self._begin()
                self._lodge(agency, self._waiting[-due:])
            except (JournalError, ExchangeError):
                self.again += 1
                if agency is not None:
                    agency.close()
                agency = None
                time.sleep(AGAIN_SECONDS)
            else:
                del self._waiting[-due:]
        if agency is not None:
            agency.close()

    def _begin(self) -> Agency:
        """As a command begins: with what the journal holds, and nothing in mind."""
        agency = open_agency(self._config, f"{self._config.region}.counter")
        self._waiting = [one if one.case_id else replace(one, case_id=agency.new_id()) for one in self._waiting]
        return agency

    def _lodge(self, agency: Agency, part: Sequence[Lodging]) -> None:
        ids = [str(one.case_id) for one in part]
        with agency.journal.read() as read:
            known = read.heads(ids)
        answers = lodge(agency, [one for one in part if one.case_id not in known])
        self.wrong += [str(answer) for answer in answers if answer.outcome != "lodged"]
        self.lodged += ids
