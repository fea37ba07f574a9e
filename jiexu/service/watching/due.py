"""What is due, counted for a region with any number of cases: each is looked at again only when it has changed.

The worklist folds every open case, which takes a minute for a hundred thousand. Here one pass does that, a little at
each look, and then the log's tail tells which cases changed. What is due in each is what the worklist shows
(`items_of`): the same clocks, the same days.
"""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from jiexu.case.event import Role
from jiexu.journal.port import Journal, Reads
from jiexu.service.agency import Agency
from jiexu.service.clocks import days_between
from jiexu.service.dossier import dossiers
from jiexu.service.watching.figures import Labels, Rows
from jiexu.service.worklist import items_of, pages, with_something_due

SOON_DAYS = 2
"""Working days that a clerk still has when a clock counts as due soon."""

CASES_AT_ONCE = 50
LINES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class _Due:
    """One thing due in one case: what tells it apart from others in a count."""

    track: str
    ours: bool
    owner: str  # region whose calendar counts
    due: date | None
    due_at: datetime | None


class DueBook:
    """Counts of what is due in the cases of one role."""

    def __init__(self, agency: Agency, role: Role, journal: Journal) -> None:
        self.agency = agency
        self.journal = journal
        self.role = role
        self._begin()

    def _begin(self) -> None:
        self._directory = self.agency.participants.version
        self._by_case: dict[bytes, tuple[_Due, ...]] = {}
        self._known: dict[_Due, _Due] = {}  # one object for equal ones: most cases share track, owner and day
        self._counts: Counter[_Due] = Counter()
        self._last_page: tuple[int, str] | None = (0, "")  # of the first pass; None once it is done
        self._followed: int | None = None

    @property
    def complete(self) -> bool:
        """Whether every case with something due was looked at."""
        return self._last_page is None

    def follow(self, until: float) -> None:
        """Look at cases that changed, and on with the first pass, until that moment (monotonic)."""
        if self.agency.participants.version != self._directory:
            self._begin()  # a promise in the directory moves days
        while self._follow_tail(until):
            pass
        while self._last_page is not None and time.monotonic() < until:
            self._next_page()

    def _follow_tail(self, until: float) -> bool:
        """Look at the cases that a stretch of the log changed; False where there is no more, or no time."""
        with self.journal.read() as read:
            last = read.last_position()
            if self._followed is None:
                self._followed = last  # before the first pass reads anything: it sees at least this
            if self._followed >= last:
                return False
            end = min(last, self._followed + LINES_AT_ONCE)
            changed = sorted(read.changed_cases(self._followed, end))
        for start in range(0, len(changed), CASES_AT_ONCE):
            self._look_at(changed[start : start + CASES_AT_ONCE])
        self._followed = end
        return time.monotonic() < until

    def _next_page(self) -> None:
        assert self._last_page is not None, "the pass is not done"
        which, after = self._last_page
        with self.journal.read() as read:
            page = next(pages(read, self.role, CASES_AT_ONCE, which, after), None)
        if page is None:
            self._last_page = None
            return
        which, case_ids = page
        self._look_at(case_ids)
        self._last_page = (which, case_ids[-1])

    def _look_at(self, case_ids: list[str]) -> None:
        with self.journal.read() as read:
            due = self._due_in(read, case_ids)
        for case_id in case_ids:
            key = bytes.fromhex(case_id)
            self._counts.subtract(self._by_case.pop(key, ()))
            if found := due.get(case_id):
                self._by_case[key] = found
                self._counts.update(found)

    def _due_in(self, read: Reads, case_ids: list[str]) -> dict[str, tuple[_Due, ...]]:
        rows = read.case_rows(case_ids)
        wanted = [c for c in case_ids if (row := rows.get(c)) and row.role is self.role and with_something_due(row)]
        return {
            case_id: tuple(
                self._same(
                    _Due(
                        item.track or "relation",
                        item.ours,
                        item.clock.holder.region if item.clock else self.agency.region,
                        item.due,
                        item.clock.due_at if item.clock else None,
                    )
                )
                for item in items_of(dossier)
            )
            for case_id, dossier in dossiers(self.agency, read, wanted, todos={}).items()
        }

    def _same(self, due: _Due) -> _Due:
        return self._known.setdefault(due, due)

    def rows(self) -> Rows:
        """How many are due, by track, holder and day, as of now."""
        found: Counter[Labels] = Counter()
        for track in ("relation", "money"):
            for holder in ("ours", "theirs"):
                for when in ("overdue", "soon", "later", "undated"):
                    found[track, holder, when] = 0
        for due, count in self._counts.items():
            if count:
                found[due.track, "ours" if due.ours else "theirs", self._when(due)] += count
        return dict(found)

    def _when(self, due: _Due) -> str:
        if due.due is None or due.due_at is None:
            return "undated"
        if self.agency.clock() >= due.due_at:
            return "overdue"
        calendar = self.agency.calendar.in_province(due.owner[:2])
        left = days_between(calendar, self.agency.today(), due.due)
        return "soon" if left is not None and left <= SOON_DAYS else "later"
