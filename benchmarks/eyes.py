"""What came of a fault, by the journals and the books alone: nothing that a service says is believed."""

import sqlite3
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime

from benchmarks.deployment import XIAN
from benchmarks.rig import Rig
from benchmarks.strikes import Struck
from benchmarks.supervisor import Name
from jiexu.case.event import Role
from jiexu.journal.port import JournalUnavailable
from jiexu.service.agency import Agency
from jiexu.service.wiring import open_agency


class Eyes:
    """What the journals hold of the cases of one run, looked at from outside."""

    def __init__(self, struck: Rig) -> None:
        self.agencies = {
            region: open_agency(config, f"{region}.eyes") for region, config in struck.made.configs.items()
        }
        self.began = {region: self._end(agency) for region, agency in self.agencies.items()}
        self._read_to = dict(self.began)
        self.credited: Counter[str] = Counter()

    @staticmethod
    def _end(agency: Agency) -> int:
        with agency.journal.read() as read:
            return read.last_position()

    def look(self) -> int:
        """Read on; returns how many cases have been credited. A journal that is away is looked at later."""
        for region, agency in self.agencies.items():
            with suppress(JournalUnavailable), agency.journal.read() as read:
                while events := read.index(self._read_to[region], 5_000):
                    self._read_to[region] = events[-1].position
                    self.credited.update(e.case_id for e in events if e.own and e.type == "BalanceCredited")
        return len(self.credited)

    def at_rest(self) -> bool:
        """Nothing waits for its receipt, for its turn, or for the end of a step."""
        for agency in self.agencies.values():
            with agency.journal.read() as read:
                if read.unreceipted(limit=1) or read.open_claims():
                    return False
                if any(read.agenda(role, agency.clock(), 1) for role in Role):
                    return False
        return True

    def parked(self) -> int:
        """Records that could not be placed, and events that wait for others."""
        waiting = 0
        for agency in self.agencies.values():
            with agency.journal.read() as read:
                waiting += len(read.parked()) + len(read.held())
        return waiting

    def times(self, struck: Struck) -> tuple[float | None, float | None]:
        """Seconds from the cure to the struck services' first event, and to the end of what had been applied for."""
        first: datetime | None = None
        applied: set[str] = set()
        credited: dict[str, datetime] = {}
        for region, agency in self.agencies.items():
            with agency.journal.read() as read:
                for stored in read.events(after=self.began[region]):
                    event = stored.event
                    if stored.arrival is not None:
                        continue
                    if event.type == "TransferApplied":
                        if stored.recorded_at <= struck.cured:
                            applied.add(event.case_id)
                        continue  # the counter's
                    if event.type == "BalanceCredited":
                        credited[event.case_id] = stored.recorded_at
                    by_struck = Name(region, event.issuer.role) in struck.services
                    if by_struck and stored.recorded_at > struck.cured:
                        first = min(first or stored.recorded_at, stored.recorded_at)
        last = max((credited[case_id] for case_id in applied if case_id in credited), default=struck.cured)
        return (
            None if first is None else round((first - struck.cured).total_seconds(), 1),
            round(max(0.0, (last - struck.cured).total_seconds()), 1),
        )

    def close(self) -> None:
        """Close the journals."""
        for agency in self.agencies.values():
            agency.close()


def doubled_acts(struck: Rig) -> int:
    """Acts that a registry did twice for one case under two keys, and transfers that the bank made twice for one
    person: here each person moves once, and no case is amended."""
    config = struck.made.configs[XIAN]
    asked = [(config.path(config.platform.bank), "SELECT COUNT(*) - 1 FROM transfers GROUP BY document_number")]
    for one in struck.made.configs.values():
        asked.append((one.path(one.platform.registry), "SELECT COUNT(*) - 1 FROM acts GROUP BY case_id, act"))
    found = 0
    for file, statement in asked:
        with closing(sqlite3.connect(file)) as db:
            found += sum(more for (more,) in db.execute(statement))
    return found


def waits(struck: Rig) -> int:
    """How often services have said that they wait: for the exchange, or for the journal."""
    logs = [file.read_text(encoding="utf-8") for file in struck.made.folder.glob("*/*.log")]
    return sum(log.count(f'"{away}_unavailable"') for log in logs for away in ("exchange", "journal"))
