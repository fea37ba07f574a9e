"""A case: both hands with their past, so that every event is judged by what its issuer had seen.

`decide` says whether a draft may be issued now; `take` adds an event, own or received, and finds by the same rule
whether it is void. The receiver, the replay and the auditor run the same lines.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jiexu.case.event import OWN_HAND, Draft, Event, Hand, Party, Role, Seen
from jiexu.case.hands import InboundHand, OutboundHand, evolve
from jiexu.case.protocol import PLATFORM, Guard, Rule, failing_guards
from jiexu.case.view import View
from jiexu.case.words import EVENT, ROLE, word


class NotPermitted(Exception):
    """The protocol does not give this event to that role now. `guards` say why; none: it never does."""

    def __init__(self, draft: Draft, role: Role, guards: tuple[Guard, ...]) -> None:
        self.draft, self.role, self.guards = draft, role, guards
        reasons = "; ".join(guard.en for guard in guards) or f"not an event of the {role} side"
        super().__init__(f"{word(EVENT, draft.type).en} is not permitted: needs {reasons}")

    @property
    def zh(self) -> str:
        """The sentence for the clerk."""
        act = word(EVENT, self.draft.type).zh
        if not self.guards:
            return f"“{act}”不由本方（{word(ROLE, self.role).zh}）办理"
        return f"现在不能办理“{act}”，须满足：" + "；".join(guard.zh for guard in self.guards)


class NotNext(Exception):
    """The event is not the next of its hand, or rests on events that are not here: hold it back until they are."""


@dataclass(slots=True)
class Case:
    """One case as far as somebody knows it. `outbound` and `inbound` hold each hand's state after 0, 1, 2 … events.

    `parties` are those that TransferApplied names, empty before it; `view` is the case as known now.
    """

    case_id: str
    rules: tuple[Rule, ...] = PLATFORM
    outbound: list[OutboundHand] = field(default_factory=lambda: [OutboundHand()])
    inbound: list[InboundHand] = field(default_factory=lambda: [InboundHand()])
    application: Event | None = None
    last: dict[Hand, Seen] = field(default_factory=dict)
    times: dict[tuple[Role, int], Event] = field(default_factory=dict)
    voids: set[str] = field(default_factory=set)
    parties: Mapping[Role, Party] = field(default_factory=dict)
    view: View = field(default_factory=View)

    def view_at(self, outbound: int, inbound: int) -> View:
        """The case as somebody saw it who knew the hands up to these seqs."""
        return View(self.outbound[outbound], self.inbound[inbound])

    def seen_by(self, role: Role) -> tuple[Seen, ...]:
        """What the next event of that role's own hand rests on: the counterpart's last event here."""
        last = self.last.get(OWN_HAND[role.other])
        return (last,) if last else ()

    def event(self, role: Role, seq: int) -> Event:
        """The event at a place in a hand."""
        return self.times[role, seq]

    def is_void(self, event: Event) -> bool:
        """Whether its issuer had no right to it, in the view that it names. Raises NotNext if that view is not here."""
        role = event.hand.role
        own, other = event.seq - 1, event.seen_seq_of(role.other)
        outbound, inbound = (own, other) if role is Role.OUTBOUND else (other, own)
        here, there = (self.outbound, self.inbound) if role is Role.OUTBOUND else (self.inbound, self.outbound)
        if own != len(here) - 1 or other >= len(there):
            raise NotNext(f"{event.case_id} {event.hand} seq {event.seq}, seen {other}")
        view = self.view_at(outbound, inbound)
        if other < self._seen_before(role):  # `seen` never goes back within a hand
            return True
        return failing_guards(view, role, event.type, event.body, self.rules) != ()

    def _seen_before(self, role: Role) -> int:
        last = self.last.get(OWN_HAND[role])
        return self.times[role, last.seq].seen_seq_of(role.other) if last else 0

    def take(self, event: Event) -> bool:
        """Add the next event of a hand; True when it is void. Raises NotNext if it must wait."""
        void = self.is_void(event)
        role = event.hand.role
        if role is Role.OUTBOUND:
            self.outbound.append(evolve(self.outbound[-1], event, void))
        else:
            self.inbound.append(evolve(self.inbound[-1], event, void))
        if event.type == "TransferApplied" and self.application is None and not void:
            self.application = event
            self.parties = {side: Party(event.body[side.value]["region"], side) for side in Role}
        self.view = View(self.outbound[-1], self.inbound[-1])
        if void:
            self.voids.add(event.event_id)
        self.last[event.hand] = Seen(event.hand, event.seq, event.hash)
        self.times[role, event.seq] = event
        return void

    def decide(self, role: Role, draft: Draft, seen: int | None = None) -> None:
        """Raise NotPermitted unless that role may issue the draft now (or on what it had `seen` when it claimed)."""
        at = -1 if seen is None else seen
        own_outbound = role is Role.OUTBOUND
        view = View(self.outbound[-1 if own_outbound else at], self.inbound[at if own_outbound else -1])
        failing = failing_guards(view, role, draft.type, draft.body, self.rules)
        if failing != ():
            raise NotPermitted(draft, role, failing or ())


def replay(case_id: str, events: Iterable[Event], rules: tuple[Rule, ...] = PLATFORM) -> Case:
    """The case that these events make, in any order in which a journal could hold them."""
    case = Case(case_id, rules)
    for event in events:
        case.take(event)
    return case
