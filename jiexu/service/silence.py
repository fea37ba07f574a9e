"""What is missing between two agencies: partners from whom nothing comes although they owe us receipts, and gaps,
events of theirs that did not come although later ones did. `jiexu sent` and the metrics ask here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jiexu.case.event import Hand, Party, Role
from jiexu.journal.port import HeldEvent, Reads

LINES_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Events `first` to `last` of a hand that are not here, while a later one has waited for them since then."""

    partner: str
    case_id: str
    hand: Hand
    first: int
    last: int
    since: datetime


def gaps(read: Reads) -> list[Gap]:
    """What partners have issued and we do not have, the longest missing first."""
    waiting: dict[tuple[str, Hand], list[HeldEvent]] = {}
    for held in read.held(reason="gap"):
        waiting.setdefault((held.case_id, held.hand), []).append(held)
    heads = read.heads(sorted({case_id for case_id, _ in waiting}))
    found = []
    for (case_id, hand), events in waiting.items():
        here = heads[case_id].hands.get(hand, (0, b""))[0] if case_id in heads else 0
        since = min(held.held_at for held in events)
        for seq in sorted({held.seq for held in events}):
            if seq > here + 1:
                found.append(Gap(events[0].issuer, case_id, hand, here + 1, seq - 1, since))
            here = max(here, seq)
    return sorted(found, key=lambda gap: (gap.since, gap.case_id))


def last_heard(read: Reads, role: Role, since: Mapping[Party, int]) -> dict[Party, int]:
    """Where something last came from each party, an event or a receipt; absent where nothing came after its position.

    Looks through the log from its end backwards and stops as soon as all have been heard: a lively partner costs
    little, a silent one a look at the index of what was recorded since.
    """
    heard: dict[Party, int] = {}
    end = read.last_position()
    while waiting := {party: start for party, start in since.items() if party not in heard and start < end}:
        after = max(end - LINES_AT_ONCE, min(waiting.values()))
        for party, position in read.heard_from(role, after, end).items():
            if position > waiting.get(party, end):
                heard[party] = position
        end = after
    return heard


class Silence:
    """The same for one who asks again and again: what was looked through is not looked through again."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._heard: dict[Party, int] = {}
        self._clear: dict[Party, tuple[int, int]] = {}  # a stretch in which nothing came from a party: after, until

    def heard(self, read: Reads, since: Mapping[Party, int]) -> dict[Party, int]:
        """As `last_heard` answers."""
        last = read.last_position()
        starts = {}
        for party, start in since.items():
            after, until = self._clear.get(party, (start, start))
            starts[party] = max(start, self._heard.get(party, 0), until if after <= start else start)
        self._heard.update(last_heard(read, self.role, starts))
        self._clear = {party: (since[party], last) for party in since}
        return {party: at for party, start in since.items() if (at := self._heard.get(party, 0)) > start}
