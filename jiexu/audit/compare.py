"""Comparison: two journals that share a case must hold the same events of it, and so the same state."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from jiexu.audit.replay import Payment, Place, Replayed
from jiexu.case.event import Hand


@dataclass
class RunReport:
    """What comparing journals came to. `lost` counts events that one side has, the other has not, and whose issuer
    thinks them received; `awaiting_receipt` those that are on their way, as in services stopped half-way, and are sent
    again by themselves; `doubled` places, event ids or payment references that stand twice, or with two contents."""

    cases: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    awaiting_receipt: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def journals_agree(self) -> bool:
        """Every pair holds the same events, but for what awaits its receipt, and comes to the same states; and no
        journal has a problem of its own."""
        return not (self.lost or self.doubled or self.differences)

    def differs(self, what: str) -> None:
        """Note a difference."""
        self.differences.append(what)


def compare_all(replayed: Mapping[str, Replayed]) -> RunReport:
    """Compare every pair among these journals; cases of partners that are not among them are left alone."""
    report = RunReport()
    for one in replayed.values():
        report.doubled += one.doubled
        report.differences += [f"{one.region}: {problem}" for problem in one.problems]
    report.events = len({digest for one in replayed.values() for digest in one.places.values()})
    report.cases = len({case_id for one in replayed.values() for case_id in one.cases})
    for one, other in combinations(replayed.values(), 2):
        _pair(report, one, other)
    _event_ids(report, replayed)
    _payments(report, replayed)
    return report


def _pair(report: RunReport, one: Replayed, other: Replayed) -> None:
    """The cases of either that name the other. An equal state is enough: it names both hands' last hashes, which pin
    every event before them."""
    shared = _sent_to(one, other.region) | _sent_to(other, one.region)
    differing = {c for c in shared if _state(one, c) != _state(other, c)}
    left, right = _places(one, differing), _places(other, differing)
    for case_id in sorted(differing):
        _case(report, case_id, (one, left.get(case_id, {})), (other, right.get(case_id, {})))


def _sent_to(own: Replayed, partner: str) -> set[str]:
    return {case_id for case_id, case in own.cases.items() if case.sent and case.partner == partner}


def _state(replayed: Replayed, case_id: str) -> str | None:
    case = replayed.cases.get(case_id)
    return case.state_hash if case else None


Hands = dict[tuple[Hand, int], bytes]


def _places(replayed: Replayed, case_ids: Collection[str]) -> dict[str, Hands]:
    """What stands in the hands of these cases."""
    found: dict[str, Hands] = {}
    if case_ids:
        for (case_id, hand, seq), digest in replayed.places.items():
            if case_id in case_ids:
                found.setdefault(case_id, {})[hand, seq] = digest
    return found


def _case(report: RunReport, case_id: str, one: tuple[Replayed, Hands], other: tuple[Replayed, Hands]) -> None:
    """A case that differs: which events one has and the other has not, which places have two contents."""
    awaiting = 0
    for (own, mine), (partner, theirs) in ((one, other), (other, one)):
        has_none = case_id not in partner.cases
        missing = sorted(mine if has_none else mine.keys() - theirs.keys())
        lost = [(hand, seq) for hand, seq in missing if (case_id, hand, seq) not in own.awaiting]
        awaiting += len(missing) - len(lost)
        report.lost += len(lost)
        if has_none:
            report.awaiting_receipt += awaiting
            if lost:
                report.differs(f"{case_id}: {own.region} has it, {partner.region} has not")
            return
        for hand, seq in lost:
            report.differs(f"{case_id}: {hand} {seq} stands at {own.region} and not at {partner.region}")
    report.awaiting_receipt += awaiting
    (first, mine), (second, theirs) = one, other
    for place in sorted(mine.keys() & theirs.keys()):
        if mine[place] != theirs[place]:
            report.doubled += 1
            report.differs(f"{case_id}: {place[0]} {place[1]} has two contents")
    if awaiting:
        return  # with what is on its way the states are bound to differ
    states = [f"{side.cases[case_id].status} at {side.region}" for side in (first, second)]
    report.differs(f"{case_id}: {', '.join(states)}: the states differ")


def _event_ids(report: RunReport, replayed: Mapping[str, Replayed]) -> None:
    """One id names one event, wherever it stands."""
    known: dict[str, Place] = {}
    for one in replayed.values():
        for event_id, place in one.event_ids.items():
            stands = known.setdefault(event_id, place)
            if stands != place:
                report.doubled += 1
                report.differs(f"event {event_id} stands as {_name(stands)} and as {_name(place)}")


def _payments(report: RunReport, replayed: Mapping[str, Replayed]) -> None:
    """One payment reference belongs to one case: money booked under it could not be told apart."""
    used: dict[Payment, set[str]] = {}
    for one in replayed.values():
        for payment, case_ids in one.payments.items():
            used.setdefault(payment, set()).update(case_ids)
    for (kind, region, reference), case_ids in used.items():
        if len(case_ids) > 1:
            report.doubled += len(case_ids) - 1
            report.differs(f"{kind} {reference} of {region} stands in several cases: {', '.join(sorted(case_ids))}")


def _name(place: Place) -> str:
    return " ".join(map(str, place))
