"""Random honest histories: in whatever order a journal takes the events, it holds the same case, and none is void."""

import random
from typing import Any

import pytest
from explore import FRESH, event_of, short_form
from explore_invariants import broken_at_issue, broken_in_view
from explore_moves import WRONG, Attempt, attempts
from given import Story
from histories import FORMS, finished, history, in_another_order, permitted

from jiexu.case.document import state_document, state_hash
from jiexu.case.event import Role
from jiexu.case.hands import AnyHand, InboundHand, OutboundHand, evolve
from jiexu.case.protocol import failing_guards
from jiexu.case.view import View

SEEDS = range(60)


def one_document(story: Story, seed: int) -> None:
    """Both journals, and ten others that got the events in other orders, hold the same document."""
    documents = [state_document(journal) for journal in story.journals.values()]
    assert documents[0] == documents[1]
    expected = state_hash(story.journals[Role.OUTBOUND])
    source = random.Random(seed)
    for _ in range(10):
        assert state_hash(in_another_order(story.events, source)) == expected


@pytest.mark.parametrize("claims", [False, True], ids=["at once", "under claims"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_order_of_delivery_makes_the_same_document_and_no_honest_event_is_void(seed: int, claims: bool) -> None:
    story = finished(seed, claims=claims)
    assert story.voids == []
    one_document(story, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_anybody_issues_every_order_makes_the_same_document_and_no_word_of_the_money_is_negative(
    seed: int,
) -> None:
    story = finished(seed, honest=False)
    assert story.voids
    one_document(story, seed)
    assert broken_in_view(story.known) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_history_breaks_no_invariant(seed: int) -> None:
    last = None
    for story, role, attempt in history(seed):
        before = story.view(role)
        last = (story, role, attempt, before)
        for side in Role:
            assert broken_in_view(story.view(side)) is None
        hand = evolve(before.hand(role), _next(story, role, attempt), void=False)
        after = View(hand, before.inbound) if isinstance(hand, OutboundHand) else View(before.outbound, hand)
        assert broken_at_issue(before, role, attempt.type, attempt.body, after) is None
    assert last is not None
    assert broken_in_view(last[0].known) is None


def _next(story: Story, role: Role, attempt: Attempt) -> Any:
    view = story.view(role)
    return event_of(role, view.hand(role).seq + 1, view.hand(role.other).seq, attempt.type, attempt.body)


def test_judged_by_the_receivers_present_state_honest_events_would_be_refused() -> None:
    refused = 0
    for seed in SEEDS:
        story = finished(seed)
        case = in_another_order(story.events, random.Random(seed))
        for event in story.events:
            role = event.hand.role
            ends = (len(case.outbound) - 1, len(case.inbound) - 1)
            seen = (event.seq - 1, ends[1]) if role is Role.OUTBOUND else (ends[0], event.seq - 1)
            refused += failing_guards(case.view_at(*seen), role, event.type, event.body) != ()
    assert refused > 100


def test_histories_reach_every_event_type_but_the_counters_refusal() -> None:
    types = {event.type for seed in SEEDS for event in finished(seed).events}
    assert {a.type for a in attempts(_everything(), Role.OUTBOUND, FORMS)} <= types | {"TransferRejected"}
    assert {a.type for a in attempts(_everything(), Role.INBOUND, FORMS)} <= types


def _everything() -> View:
    return finished(0).known


# ---- the short form of a hand ----------------------------------------------------------------------------------------


def _meaning(attempt: Attempt, view: View) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """An attempt with its seqs by what they name: the question itself, the one before it, none."""
    money = attempt.type.startswith("Balance")
    asked = view.inbound.balance_query if money else view.inbound.form_query
    body = dict(attempt.body)
    for key in ("answers", "closes"):
        if body.get(key) is not None:
            body[key] = {asked: "this", WRONG: "wrong"}.get(body[key], "before")
    if body.get("proposal") is not None:
        body["proposal"] = "proposal"
    if body.get("serial") in {line.serial for line in view.inbound.arrivals}:
        body["serial"] = "used"
    if attempt.type == "BalanceReturned" and body["return_reference"] in {
        r.return_reference for r in view.inbound.returns
    }:
        body["return_reference"] = "used"
    if "account" in body:
        body["account"] = tuple(body["account"].items())
    return attempt.type, tuple(sorted(body.items(), key=lambda item: item[0]))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_short_form_of_the_exploration_permits_what_the_real_hands_permit(seed: int) -> None:
    short: dict[Role, list[AnyHand]] = {Role.OUTBOUND: [OutboundHand()], Role.INBOUND: [InboundHand()]}
    for story, role, attempt in history(seed):
        real = story.view(role)
        seqs = {Role.OUTBOUND: real.outbound.seq, Role.INBOUND: real.inbound.seq}
        outbound, inbound = (short[side][seqs[side]] for side in Role)
        assert isinstance(outbound, OutboundHand)
        assert isinstance(inbound, InboundHand)
        view = View(outbound, inbound)
        allowed = {
            _meaning(a, view): a
            for a in attempts(view, role, FORMS)
            if failing_guards(view, role, a.type, a.body) == ()
        }
        assert set(allowed) == {_meaning(a, real) for a in permitted(story, role)}
        body = attempt.body if attempt.type == "TransferApplied" else allowed[_meaning(attempt, real)].body
        own = view.hand(role)
        seen = outbound.withdrawal_requested if role is Role.INBOUND else 0
        after = evolve(own, event_of(role, FRESH, seen, attempt.type, body), void=False)
        short[role].append(short_form(own, after))
