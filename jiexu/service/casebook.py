"""The cases that a service has in hand: folded from the journal, kept while nothing newer stands there."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from jiexu.case.case import Case, NotNext
from jiexu.case.event import Role
from jiexu.journal.port import Reads, StoredEvent

CASES_KEPT = 2048  # about 25 kB each; a busy turn adds half as many


@dataclass(slots=True)
class KnownCase:
    """A case folded up to a journal position.

    `disclosed_to` is the counterpart's last seq up to which all personal values were here, or erased: a row that
    stands never goes, so it need not be asked again.
    """

    case: Case
    position: int
    disclosed_to: int = 0


def fold(case_id: str, events: Sequence[StoredEvent]) -> Case:
    """The case that stored events make. Void events were found void by the same rule when they came in."""
    case = Case(case_id)
    for stored in events:
        case.take(stored.event)
    return case


class CaseBook:
    """Loads cases in bulk. What it hands out may be taken further by its user, who then says `keep` or `forget`."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, KnownCase] = OrderedDict()

    def load(self, read: Reads, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        """The cases as the journal has them now; ids without events are left out."""
        last = read.positions(case_ids)
        stale = [case_id for case_id, position in last.items() if not self._fresh(case_id, position)]
        for case_id, events in read.cases_events(stale).items():
            if events:
                self.keep(fold(case_id, events), events[-1].position)
        return {case_id: self._known[case_id] for case_id in case_ids if case_id in last}

    def _fresh(self, case_id: str, position: int) -> bool:
        known = self._known.get(case_id)
        return known is not None and known.position == position

    def keep(self, case: Case, position: int) -> None:
        """Remember a case as folded up to that position."""
        known = self._known.get(case.case_id)
        if known is not None and known.case is case:
            known.position = position
        else:
            self._known[case.case_id] = KnownCase(case, position)
        self._known.move_to_end(case.case_id)

    def forget(self, case_id: str) -> None:
        """Drop a case whose changes did not get into the journal."""
        self._known.pop(case_id, None)

    def trim(self) -> None:
        """Let go of the oldest beyond the limit; between turns, never while a batch is in hand."""
        while len(self._known) > CASES_KEPT:
            self._known.popitem(last=False)


def own_role(case: Case, region: str) -> Role | None:
    """The role of a region in a case, None where it has none."""
    return next((role for role, party in case.parties.items() if party.region == region), None)


__all__ = ["CaseBook", "KnownCase", "NotNext", "fold", "own_role"]
