"""Long honest histories from a seed: what two agencies might do, delivered whenever it may be."""

import random
from collections.abc import Iterator

from explore import ACTS
from explore_moves import ONE, TWO, Attempt, attempts
from given import REGIONS, Story

from jiexu.case.case import Case, NotNext
from jiexu.case.event import Event, Role, Seen
from jiexu.case.protocol import failing_guards

FORMS = ((TWO, "transfer"), (ONE + TWO, "transfer"), (ONE, "pay_to_person"))
RARE = {"TransferRejected", "CaseForwarded", "TransferWithdrawn", "CompletionReversed"}
WEIGHT = {**dict.fromkeys(RARE, 1), "note": 4}


def permitted(story: Story, role: Role) -> list[Attempt]:
    """What the table permits to a role in its own view."""
    view = story.view(role)
    return [a for a in attempts(view, role, FORMS) if failing_guards(view, role, a.type, a.body) == ()]


def chosen(source: random.Random, possible: list[Attempt]) -> Attempt:
    """One of them: ends are rare, and each type counts alike, however many bodies it can have."""
    types = sorted({a.type for a in possible})
    weights = [WEIGHT.get(type, WEIGHT["note"] if type in NOTED else 20) for type in types]
    (type,) = source.choices(types, weights)
    return source.choice([a for a in possible if a.type == type])


NOTED = {
    "ReminderSent",
    "InformationRequested",
    "InformationProvided",
    "DisclosureRequested",
    "Escalated",
    "NoticeGiven",
}


def history(
    seed: int, length: int = 80, claims: bool = False, honest: bool = True
) -> Iterator[tuple[Story, Role, Attempt]]:
    """A story as it goes on: yields before each event is issued, and leaves nothing under way at the end.

    With `claims`, some acts take time: their event comes later, rests on what was seen when the act was claimed, and
    nothing else is issued to that hand meanwhile. Not `honest`: every third event is whatever comes to mind.
    """
    source = random.Random(seed)
    lodger = source.choice(list(Role))
    story = Story()
    claimed: dict[Role, tuple[Attempt, tuple[Seen, ...]]] = {}
    for _ in range(length):
        if source.random() < 0.5:
            role = source.choice(list(Role))
            story.deliver(role, source.randint(1, 3))
            continue
        role = source.choice(list(Role)) if story.events else lodger
        if role in claimed:
            attempt, seen = claimed.pop(role)
            story.issue(role, attempt.type, attempt.body, seen)
            continue
        wild = not honest and bool(story.events) and source.random() < 0.33
        possible = list(attempts(story.view(role), role, FORMS)) if wild else permitted(story, role)
        possible = [a for a in possible if a.type != "TransferApplied" or role is lodger]
        if not possible:
            continue
        attempt = chosen(source, possible)
        if attempt.type == "TransferRejected" and role is lodger:
            continue  # a case that is refused at the counter goes no further
        if attempt.type == "TransferApplied":
            attempt = Attempt(attempt.type, {role.value: {"region": region} for role, region in REGIONS.items()})
        elif claims and attempt.type in ACTS and source.random() < 0.5:
            claimed[role] = (attempt, story.journals[role].seen_by(role))
            continue
        yield story, role, attempt
        story.issue(role, attempt.type, attempt.body)
    for role, (attempt, seen) in claimed.items():
        story.issue(role, attempt.type, attempt.body, seen)
    story.deliver()


def finished(seed: int, length: int = 80, claims: bool = False, honest: bool = True) -> Story:
    """The story of a seed, told to its end."""
    story = Story()
    for story, _, _ in history(seed, length, claims, honest):  # noqa: B007
        pass
    return story


def in_another_order(events: list[Event], source: random.Random) -> Case:
    """The case that a third journal holds, which got the events in some order that a journal could hold them in."""
    case = Case(events[0].case_id)
    hands = {role: [e for e in events if e.hand.role is role] for role in Role}
    while any(hands.values()):
        role = source.choice([role for role in Role if hands[role]])
        try:
            case.take(hands[role][0])
        except NotNext:
            continue
        hands[role].pop(0)
    return case
