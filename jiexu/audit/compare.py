"""Comparison: two journals that share a case must hold the same events of it, and so the same state."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jiexu.audit.replay import Replayed

_DIFFERENCES_SHOWN = 50


@dataclass
class RunReport:
    """What comparing journals came to. `lost` counts events that one side has and the other has not; `doubled`
    places or ids that stand twice, or with two contents."""

    cases: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def journals_agree(self) -> bool:
        """Every pair holds the same events and comes to the same states, and no journal has a problem of its own."""
        return not self.differences

    def differs(self, what: str) -> None:
        """Note a difference; a flood of them is cut, the count in `lost` and `doubled` is not."""
        if len(self.differences) < _DIFFERENCES_SHOWN:
            self.differences.append(what)


def compare_all(replayed: Mapping[str, Replayed]) -> RunReport:
    """Compare every pair among these journals; cases of partners that are not among them are left alone."""
    report = RunReport()
    distinct: set[bytes] = set()
    for one in replayed.values():
        distinct.update(one.places.values())
        for problem in one.problems:
            report.doubled += problem.endswith("stands twice")
            report.differs(f"{one.region}: {problem}")
    report.events = len(distinct)
    report.cases = len({case_id for one in replayed.values() for case_id in one.cases})
    for region, own in replayed.items():
        for case_id, case in own.cases.items():
            other = replayed.get(case.partner or "")
            if case.sent and other is not None:
                _compare(report, case_id, region, own, other)
    return report


def _compare(report: RunReport, case_id: str, region: str, own: Replayed, other: Replayed) -> None:
    """One case from the side of one region; the other direction is compared from the other side."""
    theirs = other.cases.get(case_id)
    mine = own.cases[case_id]
    if theirs is None:
        report.lost += mine.events
        report.differs(f"{case_id}: {region} has it, {other.region} has not")
        return
    if theirs.state_hash == mine.state_hash:
        return  # the state names both hands' last hashes, which pin every event before them
    for place, digest in own.places.items():
        if place[0] != case_id:
            continue
        held = other.places.get(place)
        if held is None:
            report.lost += 1
            report.differs(f"{case_id}: {place[1]} {place[2]} stands at {region} and not at {other.region}")
        elif held != digest:
            report.doubled += 1
            report.differs(f"{case_id}: {place[1]} {place[2]} has two contents")
    if region < other.region:
        report.differs(f"{case_id}: {mine.status} at {region}, {theirs.status} at {other.region}")
