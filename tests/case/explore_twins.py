"""Several applications for one person and scheme, lodged on either side and by several regions: who survives.

Outbound's journal is the only judge: the row `open_moves` there (OUT-10). It is taken at outbound's own counter, at
intake where the person is known, else with the acceptance; it is freed when outbound sees the case closed, or ended
with its money back. Every case runs by the table; the rows and the counters' own refusals stand here as the design
states them.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from explore import ENDS, Bounds, Chain, Explored, Explorer, Found, _kept, _path, _without_end
from explore_moves import TWO

from jiexu.case.event import Role
from jiexu.case.hands import InboundHand, OutboundHand

CASE = Bounds("one of several", tuple(Role), ((TWO, "none"),), without=frozenset({"BalanceQueried", "CaseForwarded"}))
Cases = tuple[tuple[Chain, Chain], ...]
State = tuple[Cases, int]  # every case's two hands, and the case that holds the row (-1: free)


@dataclass(frozen=True)
class Application:
    """Where somebody applies: outbound's counter or that of an inbound region; whether outbound knows the person."""

    lodger: Role
    region: str = "A"
    known: bool = True


@dataclass
class Twins:
    """The applications, and the explorer that knows what one case permits. `judged`: the row is kept."""

    applications: tuple[Application, ...]
    judged: bool = True

    def __post_init__(self) -> None:
        self.explorer = Explorer(CASE)

    def start(self) -> State:
        """Nobody has applied."""
        outbound, inbound = self.explorer.intern(OutboundHand()), self.explorer.intern(InboundHand())
        return tuple(((outbound,), (inbound,)) for _ in self.applications), -1

    def successors(self, state: State) -> Iterable[tuple[str, State, str | None]]:
        """Every next state of all the cases together."""
        cases, row = state
        for index, (outs, ins) in enumerate(cases):
            for label, hands, new_row, broken in self._of_case(state, index):
                changed = (*cases[:index], hands, *cases[index + 1 :])
                yield f"{index}: {label}", (changed, self._freed(changed, new_row)), broken
            if len(outs) > 1 and not _kept(self.explorer, outs):
                changed = (*cases[:index], (outs[1:], ins), *cases[index + 1 :])
                yield f"{index}: inbound receives", (changed, row), None
            if len(ins) > 1 and not _kept(self.explorer, ins):
                changed = (*cases[:index], (outs, ins[1:]), *cases[index + 1 :])
                application = self.applications[index]
                intake = application.lodger is Role.INBOUND and self.explorer.hands[ins[0]].seq == 0
                taken = index if intake and application.known and row < 0 else row
                yield f"{index}: outbound receives", (changed, self._freed(changed, taken)), None

    def _of_case(self, state: State, index: int) -> Iterable[tuple[str, tuple[Chain, Chain], int, str | None]]:
        cases, row = state
        outs, ins = cases[index]
        application = self.applications[index]
        for role, chain, other in ((Role.OUTBOUND, outs, ins[0]), (Role.INBOUND, ins, outs[0])):
            for move in self.explorer.moves(role, chain[-1], other):
                if move.cost >= 0 or (move.type == "TransferApplied" and role is not application.lodger):
                    continue
                counter = move.type == "TransferRejected" and role is application.lodger
                if counter:  # comes with the application, below
                    continue
                new, new_row, broken = move.after, row, None
                if move.type == "TransferApplied" and self._refused_at_counter(state, index, role):
                    refusal = next(
                        m for m in self.explorer.moves(role, move.after, other) if m.type == "TransferRejected"
                    )
                    hands = self._added(outs, ins, role, move.after, refusal.after)
                    yield f"{move.label}, refused for {row}", hands, row, None
                    continue
                if self.judged and role is Role.OUTBOUND:
                    if move.type == "TransferApplied":
                        new_row = index
                    if move.type == "TransferAccepted":
                        if row not in (-1, index):
                            continue
                        new_row = index
                    if move.type == "TransferRejected" and row not in (-1, index):
                        broken = None if self._holds(cases, row) else "survivor"
                yield move.label, self._added(outs, ins, role, new), new_row, broken

    def _added(self, outs: Chain, ins: Chain, role: Role, *after: int) -> tuple[Chain, Chain]:
        return ((*outs, *after), ins) if role is Role.OUTBOUND else (outs, (*ins, *after))

    def _refused_at_counter(self, state: State, index: int, role: Role) -> bool:
        """Outbound's counter asks the row (OUT-10), inbound's its own journal (BOTH-04)."""
        cases, row = state
        if not self.judged:
            return False
        if role is Role.OUTBOUND:
            return row >= 0
        region = self.applications[index].region
        return any(
            self.explorer.view(Role.OUTBOUND, outs[0], ins[-1]).open
            for number, (outs, ins) in enumerate(cases)
            if number != index and self.applications[number].region == region
        )

    def _holds(self, cases: Cases, index: int) -> bool:
        outs, ins = cases[index]
        return self.explorer.view(Role.OUTBOUND, outs[-1], ins[0]).holds_row

    def _freed(self, cases: Cases, row: int) -> int:
        return row if row >= 0 and self._holds(cases, row) else -1

    def broken(self, state: State) -> str | None:
        """Two cases of one person, accepted and open at once."""
        accepted = 0
        for outs, ins in state[0]:
            view = self.explorer.view(Role.OUTBOUND, outs[-1], ins[-1])
            accepted += view.accepted and view.open
        return "two_accepted" if accepted > 1 else None

    def ended(self, state: State) -> bool:
        """Every application has come to an end that both its sides know."""
        return all(
            (len(outs) == 1 or _kept(self.explorer, outs))
            and (len(ins) == 1 or _kept(self.explorer, ins))
            and self.explorer.done(outs[-1], ins[-1])
            for outs, ins in state[0]
        )


def explore_twins(twins: Twins) -> Explored:
    """Walk every state of the applications together."""
    start = twins.start()
    numbers, states = {start: 0}, [start]
    parents, labels = array("l", [-1]), [""]
    sources, targets, ends = array("l"), array("l"), bytearray()

    def explored(found: Found | None) -> Explored:
        return Explored(CASE, len(states), len(sources), sum(ends), ENDS, found)

    index = 0
    while index < len(states):
        ends.append(twins.ended(states[index]))
        for label, new, broken in twins.successors(states[index]):
            number = numbers.get(new)
            if number is None:
                number = numbers[new] = len(states)
                states.append(new)
                parents.append(index)
                labels.append(label)
                broken = broken or twins.broken(new)
            if broken:
                return explored(Found(broken, (*_path(parents, labels, index), label)))
            sources.append(index)
            targets.append(number)
        index += 1
    stuck = _without_end(len(states), sources, targets, ends)
    return explored(None if stuck is None else Found("end_reachable", _path(parents, labels, stuck)))
