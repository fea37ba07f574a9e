"""Every state that two agencies can reach within stated bounds, and a search for one that breaks an invariant.

A state is what is true (both hands to their ends) and what each side has received: a prefix of the other's hand, as
deliveries of one hand come in order. From every state each side may issue whatever the table permits in its own view,
and every event that is under way may arrive. Hands are kept in a short form, which says all that the table looks at
and no more: of a seq it keeps whether it is there, questions are counted (first, second …), and what is only ever
added up is kept as its sum. `test_histories.py` shows that the short form permits what the real one does.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from explore_invariants import (
    Books,
    broken_at_issue,
    broken_by_steps,
    broken_in_books,
    broken_in_view,
    entered,
)
from explore_moves import BUDGETS, ONE, TWO, Attempt, attempts

from jiexu.case.event import OWN_HAND, Event, Party, Role, Seen
from jiexu.case.hands import AnyHand, InboundHand, Moved, OutboundHand, evolve
from jiexu.case.protocol import PLATFORM, Rule, failing_guards
from jiexu.case.view import View

ENDS = frozenset({"TransferRejected", "CaseForwarded", "TransferWithdrawn"})
ASSERTED_NOWHERE = b""
FRESH = 1_000_000  # a seq that no count has reached
THEN = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Bounds:
    """How far an exploration goes. `without` are event types that nobody issues in it."""

    name: str
    lodgers: tuple[Role, ...] = (Role.OUTBOUND,)
    forms: tuple[tuple[Decimal, str], ...] = ((TWO, "transfer"),)
    budget: tuple[tuple[str, int], ...] = ()
    without: frozenset[str] = frozenset()
    claims: bool = False
    pinned: bool = True
    blocking: bool = True

    def units(self) -> tuple[int, ...]:
        """The budget in the order of its names."""
        given = dict(self.budget)
        unknown = set(given) - set(BUDGETS)
        if unknown:
            raise ValueError(f"no such budget: {unknown}")
        return tuple(given.get(name, 0) for name in BUDGETS)


@dataclass(frozen=True)
class Found:
    """An invariant that broke, and the events that led there."""

    invariant: str
    path: tuple[str, ...]


@dataclass
class Explored:
    """What an exploration saw. `ends` counts the states in which the case has ended and everybody knows it."""

    bounds: Bounds
    states: int
    transitions: int
    ends: int
    types: frozenset[str]
    found: Found | None


@dataclass(frozen=True, slots=True)
class Move:
    """An event that a role may issue in a view, and what it makes of its hand."""

    label: str
    after: int
    cost: int
    type: str
    body: Any = field(compare=False)  # the label says it all
    broken: str | None


def event_of(role: Role, seq: int, seen: int, type: str, body: dict[str, Any]) -> Event:
    """An event with nothing in it but what the fold reads."""
    hand, other = OWN_HAND[role], OWN_HAND[role.other]
    rests = (Seen(other, seen, ASSERTED_NOWHERE),)
    nobody = Party("", role)
    return Event("", "", nobody, hand, seq, None, rests, THEN, b"", "", "", "", None, type, body, ASSERTED_NOWHERE)


def short_form(before: AnyHand, after: AnyHand) -> AnyHand:
    """The hand as the table sees it: questions counted, other seqs as 1, sums instead of lists of amounts."""

    def counted(name: str) -> int:
        was: int = getattr(before, name)
        return was if getattr(after, name) == was else was + 1

    flags = ("lodged", "refused_at_counter", "accepted", "rejected", "forwarded", "withdrawn")
    changes: dict[str, Any] = {name: min(getattr(after, name), 1) for name in flags}
    changes["seq"] = min(before.seq + 1, 2)
    if isinstance(after, OutboundHand):
        return replace(
            after,
            **changes,
            forms=tuple(replace(form, seq=1) for form in after.forms),
            proposed=counted("proposed"),
            withdrawal_requested=counted("withdrawal_requested"),
            balance_answer_seq=min(after.balance_answer_seq, 1),
            remittances=tuple(replace(r, seq=1, failed=min(r.failed, 1)) for r in after.remittances),
            return_arrivals=tuple(sorted((replace(m, seq=1) for m in after.return_arrivals), key=_name)),
            paid_out=tuple(replace(m, seq=1) for m in after.paid_out),
        )
    sums: dict[str, Decimal] = {}
    for credit in after.credits:
        sums[credit.reference] = sums.get(credit.reference, Decimal("0.00")) + credit.amount
    return replace(
        after,
        **changes,
        completed_seq=min(after.completed_seq, 1),
        reversed=min(after.reversed, 1),
        form_query=counted("form_query"),
        balance_query=counted("balance_query"),
        arrivals=tuple(sorted((replace(a, seq=1) for a in after.arrivals), key=lambda a: a.serial)),
        credits=tuple(Moved(reference, amount, 1) for reference, amount in sorted(sums.items())),
        returns=tuple(sorted((replace(r, seq=1) for r in after.returns), key=lambda r: r.return_reference)),
    )


def _name(moved: Moved) -> str:
    return moved.reference


@dataclass
class Explorer:
    """One exploration: interned hands, remembered moves and judgements."""

    bounds: Bounds
    rules: tuple[Rule, ...] = PLATFORM
    hands: list[AnyHand] = field(default_factory=list)
    ids: dict[AnyHand, int] = field(default_factory=dict)
    books: list[Books] = field(default_factory=list)
    book_ids: dict[Books, int] = field(default_factory=dict)
    _moves: dict[tuple[Role, int, int], list[Move]] = field(default_factory=dict)
    _views: dict[tuple[int, int], str | None] = field(default_factory=dict)
    _truths: dict[tuple[int, int, int], str | None] = field(default_factory=dict)
    _entered: dict[tuple[int, str, str], int] = field(default_factory=dict)
    _done: dict[tuple[int, int], bool] = field(default_factory=dict)

    def intern(self, hand: AnyHand) -> int:
        """The number of a hand."""
        number = self.ids.setdefault(hand, len(self.hands))
        if number == len(self.hands):
            self.hands.append(hand)
        return number

    def intern_books(self, books: Books) -> int:
        """The number of a state of the books."""
        number = self.book_ids.setdefault(books, len(self.books))
        if number == len(self.books):
            self.books.append(books)
        return number

    def view(self, role: Role, own: int, other: int) -> View:
        """What a role sees that has its own hand and so much of the other's."""
        pair = (self.hands[own], self.hands[other]) if role is Role.OUTBOUND else (self.hands[other], self.hands[own])
        outbound, inbound = pair
        assert isinstance(outbound, OutboundHand)
        assert isinstance(inbound, InboundHand)
        return View(outbound, inbound)

    # ---- moves -------------------------------------------------------------------------------------------------------

    def moves(self, role: Role, own: int, other: int) -> list[Move]:
        """All that the table permits to a role in its view (and, where the bounds say so, void remittances)."""
        key = (role, own, other)
        known = self._moves.get(key)
        if known is None:
            known = self._moves[key] = list(self._permitted(role, own, other))
        return known

    def _permitted(self, role: Role, own: int, other: int) -> Iterable[Move]:
        view = self.view(role, own, other)
        taken: set[tuple[str, ...]] = set()
        permitted: set[str] = set()
        moves = []
        for attempt in attempts(view, role, self.bounds.forms):
            if attempt.type == "TransferApplied" and role not in self.bounds.lodgers:
                continue
            allowed = failing_guards(view, role, attempt.type, attempt.body, self.rules) == ()
            if allowed:
                permitted.add(attempt.type)
            if attempt.type in self.bounds.without:
                continue
            if allowed:
                moves.append(self._move(view, role, own, attempt, taken))
            elif attempt.type == "BalanceRemitted" and self._worth_trying(view, attempt):
                moves.append(self._void_move(view, role, own, attempt))
        wrong_step = broken_by_steps(view, role, permitted)
        if wrong_step:
            moves.append(Move("(a step without an event)", own, -1, "", {}, wrong_step))
        return moves

    def _worth_trying(self, view: View, attempt: Attempt) -> bool:
        """Money without a right to it: one unit, in a case that both sides can know."""
        sent_case = view.lodger is not None and not view.outbound.refused_at_counter
        small = attempt.body["amount"] == ONE and attempt.body["answers"] is None
        return "void" in dict(self.bounds.budget) and sent_case and small

    def _move(self, view: View, role: Role, own: int, attempt: Attempt, taken: set[tuple[str, ...]]) -> Move:
        cost = attempt.cost
        if attempt.group:
            group = (attempt.type, *attempt.group)
            cost = cost or ("part" if group in taken else None)
            taken.add(group)
        hand = self._evolved(view, role, own, attempt, void=False)
        raw = View(hand, view.inbound) if isinstance(hand, OutboundHand) else View(view.outbound, hand)
        broken = broken_at_issue(view, role, attempt.type, attempt.body, raw)
        after = self.intern(short_form(self.hands[own], hand))
        return Move(_label(role, attempt), after, _cost(cost), attempt.type, attempt.body, broken)

    def _void_move(self, view: View, role: Role, own: int, attempt: Attempt) -> Move:
        hand = self._evolved(view, role, own, attempt, void=True)
        after = self.intern(short_form(self.hands[own], hand))
        label = f"{_label(role, attempt)} without a right to it"
        counts = attempt.body["reference"] not in {r.reference for r in view.outbound.remittances}
        type = attempt.type if counts else ""
        return Move(label, after, _cost("void"), type, attempt.body, None)

    def _evolved(self, view: View, role: Role, own: int, attempt: Attempt, void: bool) -> AnyHand:
        hand = self.hands[own]
        # the completion notes what it rests on; counted as requests to withdraw are, it compares the same way
        seen = view.outbound.withdrawal_requested if role is Role.INBOUND else 0
        event = event_of(role, FRESH, seen, attempt.type, attempt.body)
        return evolve(hand, event, void)

    # ---- judgements --------------------------------------------------------------------------------------------------

    def broken_view(self, outbound: int, inbound: int) -> str | None:
        """The invariant that this view breaks."""
        key = (outbound, inbound)
        if key not in self._views:
            self._views[key] = broken_in_view(self.view(Role.OUTBOUND, outbound, inbound))
        return self._views[key]

    def broken_truth(self, outbound: int, inbound: int, books: int) -> str | None:
        """The invariant that the true state breaks, held against the books."""
        key = (outbound, inbound, books)
        if key not in self._truths:
            view = self.view(Role.OUTBOUND, outbound, inbound)
            self._truths[key] = broken_in_books(view.outbound, view.inbound, self.books[books])
        return self._truths[key]

    def enter(self, books: int, move: Move) -> int:
        """The books after a move."""
        if not move.type.startswith(("Balance", "Remittance", "Return")):
            return books
        key = (books, move.type, move.label)
        if key not in self._entered:
            self._entered[key] = self.intern_books(entered(self.books[books], move.type, move.body))
        return self._entered[key]

    def types(self) -> frozenset[str]:
        """The event types that the budget let somebody issue."""
        units = self.bounds.units()
        moves = (move for moves in self._moves.values() for move in moves)
        return frozenset(move.type for move in moves if move.type and (move.cost < 0 or units[move.cost]))

    def done(self, outbound: int, inbound: int) -> bool:
        """Closed, or ended with the money back."""
        key = (outbound, inbound)
        if key not in self._done:
            view = self.view(Role.OUTBOUND, outbound, inbound)
            self._done[key] = view.closed or (view.ended and view.money_back)
        return self._done[key]


def _cost(name: str | None) -> int:
    return -1 if name is None else BUDGETS.index(name)


def _label(role: Role, attempt: Attempt) -> str:
    account = attempt.body.get("account", {})
    items = {**{k: v for k, v in attempt.body.items() if k != "account"}, **account}
    shown = " ".join(f"{key}={value}" for key, value in items.items() if value is not None)
    return f"{role}: {attempt.type} {shown}".strip()


Chain = tuple[int, ...]
"""A hand's states from the one that the other side has received to its last."""
Claim = tuple[Move, int] | None
"""A step that acts: what it will report, and the other's hand on which it rests."""
State = tuple[Chain, Chain, tuple[int, ...], int, Claim, Claim]
ACTS = frozenset(
    {
        "InformationFormUploaded",
        "BalanceRemitted",
        "TransferCompleted",
        "CompletionAmended",
        "BalanceCredited",
        "BalanceReturned",
        "BalancePaidOut",
    }
)


def successors(explorer: Explorer, state: State) -> Iterable[tuple[str, State, str | None]]:
    """Every next state: an event issued by either side (or an act begun and reported), or one delivered."""
    outs, ins, units, books, out_claim, in_claim = state
    claims = explorer.bounds.claims
    for role, chain, other, claim in (
        (Role.OUTBOUND, outs, ins[0], out_claim),
        (Role.INBOUND, ins, outs[0], in_claim),
    ):
        own = chain[-1]
        if claim is not None:
            yield _reported(explorer, state, role, claim)
            if explorer.bounds.blocking:
                continue
        for move in explorer.moves(role, own, other):
            if move.cost >= 0 and not units[move.cost]:
                continue
            if claim is not None and move.type in ACTS:
                continue
            # the counter refuses in the transaction of the application: nothing can have been delivered in between
            hand = explorer.hands[own]
            if move.type == "TransferRejected" and hand.lodged and hand.seq == 1 and len(chain) == 1:
                continue
            left = units if move.cost < 0 else (*units[: move.cost], units[move.cost] - 1, *units[move.cost + 1 :])
            if claims and move.type in ACTS:
                pinned = (move, other)
                new = (outs, ins, left, books, pinned if role is Role.OUTBOUND else out_claim,
                       in_claim if role is Role.OUTBOUND else pinned)  # fmt: skip
                yield f"{move.label} (claimed)", new, move.broken
                continue
            entries = explorer.enter(books, move)
            if role is Role.OUTBOUND:
                yield move.label, ((*outs, move.after), ins, left, entries, out_claim, in_claim), move.broken
            else:
                yield move.label, (outs, (*ins, move.after), left, entries, out_claim, in_claim), move.broken
    if len(outs) > 1 and not _kept(explorer, outs):
        yield "inbound receives", (outs[1:], ins, units, books, out_claim, in_claim), None
    if len(ins) > 1 and not _kept(explorer, ins):
        yield "outbound receives", (outs, ins[1:], units, books, out_claim, in_claim), None


def _kept(explorer: Explorer, chain: Chain) -> bool:
    """A case that is refused at the counter is not sent."""
    return explorer.hands[chain[0]].seq == 0 and bool(explorer.hands[chain[-1]].refused_at_counter)


def _reported(explorer: Explorer, state: State, role: Role, claim: tuple[Move, int]) -> tuple[str, State, str | None]:
    """The act is done: its event closes the claim, judged by what was seen when it was claimed."""
    outs, ins, units, books, out_claim, in_claim = state
    move, seen = claim
    chain, other = (outs, ins[0]) if role is Role.OUTBOUND else (ins, outs[0])
    rests = seen if explorer.bounds.pinned else other
    now = next((m for m in explorer.moves(role, chain[-1], rests) if m.label == move.label), None)
    label = f"{move.label} (done)"
    if now is None:
        return label, state, "never_void"
    entries = explorer.enter(books, now)
    if role is Role.OUTBOUND:
        return label, ((*outs, now.after), ins, units, entries, None, in_claim), now.broken
    return label, (outs, (*ins, now.after), units, entries, out_claim, None), now.broken


def explore(bounds: Bounds, rules: tuple[Rule, ...] = PLATFORM, liveness: bool = True) -> Explored:
    """Walk every state within the bounds, breadth first, until one breaks an invariant or none is left."""
    explorer = Explorer(bounds, rules)
    start: State = (
        (explorer.intern(OutboundHand()),),
        (explorer.intern(InboundHand()),),
        bounds.units(),
        explorer.intern_books(()),
        None,
        None,
    )
    numbers: dict[State, int] = {start: 0}

    def explored(found: Found | None) -> Explored:
        return Explored(bounds, len(states), len(sources), sum(ends), explorer.types(), found)

    states = [start]
    parents, labels = array("l", [-1]), [""]
    sources, targets = array("l"), array("l")
    ends = bytearray()
    index = 0
    while index < len(states):
        state = states[index]
        ends.append(_ended(explorer, state))
        for label, new, broken in successors(explorer, state):
            number = numbers.get(new)
            if number is None:
                number = numbers[new] = len(states)
                states.append(new)
                parents.append(index)
                labels.append(label)
                broken = broken or _broken_state(explorer, new)
            if broken:
                path = (*_path(parents, labels, index), label)
                return explored(Found(broken, path))
            if liveness:
                sources.append(index)
                targets.append(number)
        index += 1
    if liveness:
        stuck = _without_end(len(states), sources, targets, ends)
        if stuck is not None:
            return explored(Found("end_reachable", _path(parents, labels, stuck)))
    return explored(None)


def _broken_state(explorer: Explorer, state: State) -> str | None:
    outs, ins, _, books, _, _ = state
    return (
        explorer.broken_truth(outs[-1], ins[-1], books)
        or explorer.broken_view(outs[-1], ins[-1])
        or explorer.broken_view(outs[-1], ins[0])
        or explorer.broken_view(outs[0], ins[-1])
    )


def _ended(explorer: Explorer, state: State) -> bool:
    outs, ins, _, _, out_claim, in_claim = state
    known = (len(outs) == 1 or _kept(explorer, outs)) and (len(ins) == 1 or _kept(explorer, ins))
    return known and out_claim is None and in_claim is None and explorer.done(outs[-1], ins[-1])


def _path(parents: "array[int]", labels: list[str], index: int) -> tuple[str, ...]:
    path = []
    while index > 0:
        path.append(labels[index])
        index = parents[index]
    return tuple(reversed(path))


def _without_end(count: int, sources: "array[int]", targets: "array[int]", ends: bytearray) -> int | None:
    """The first state from which no end can be reached, by walking the graph backwards from the ends."""
    first = array("l", [0]) * (count + 1)
    for target in targets:
        first[target + 1] += 1
    for number in range(count):
        first[number + 1] += first[number]
    place, before = array("l", first), array("l", [0]) * len(sources)
    for source, target in zip(sources, targets, strict=True):
        before[place[target]] = source
        place[target] += 1
    reached = bytearray(ends)
    todo = [number for number in range(count) if ends[number]]
    while todo:
        number = todo.pop()
        for source in before[first[number] : first[number + 1]]:
            if not reached[source]:
                reached[source] = 1
                todo.append(source)
    return next((number for number in range(count) if not reached[number]), None)
