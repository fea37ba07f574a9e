"""What must hold once faults have stopped and everything has come to rest."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jiexu.audit.compare import compare_all
from jiexu.audit.money import money_of
from jiexu.audit.rebuild import ledger_lines
from jiexu.audit.replay import Replayed, replay_journal
from jiexu.audit.verify import verify_journal
from jiexu.case.event import Role
from jiexu.journal.port import JournalConflict
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold
from jiexu.service.lost_events import ALARMS, cases_with_lost_events
from jiexu.service.worklist import worklist
from tests.simulation.ground import ground

if TYPE_CHECKING:
    from tests.simulation.world import World


def problems(world: "World") -> Iterator[str]:
    """Everything that does not hold, each with the name of its invariant."""
    agencies = {code: world.eyes(code) for code in world.plan.codes}
    replayed = {code: replay_journal(agency.journal) for code, agency in agencies.items()}
    yield from _journals_agree(replayed)
    yield from _money(world, agencies, replayed)
    for agency in agencies.values():
        yield from _one_region(world, agency)
    yield from _one_move_a_person(agencies)


def waiting_for_nobody(world: "World") -> Iterator[str]:
    """What has neither ended nor waits for somebody named.

    A case in which a partner is said to know more of us than we do waits for a person; nothing is done in it by itself.
    """
    agencies = {code: world.eyes(code) for code in world.plan.codes}
    waiting: set[str] = set()
    for agency in agencies.values():
        with agency.journal.read() as read:
            waiting |= cases_with_lost_events(read)
    if not waiting:
        yield from _rest(agencies)
    for agency in agencies.values():
        yield from _on_its_way(world, agency)
    yield from _accepted(world, agencies, waiting)


def _journals_agree(replayed: dict[str, Replayed]) -> Iterator[str]:
    report = compare_all(replayed)
    if report.lost:
        yield f"lost: {report.lost} events"
    if report.doubled:
        yield f"doubled: {report.doubled}"
    if report.awaiting_receipt:
        yield f"awaiting_receipt: {report.awaiting_receipt} events are on their way for ever"
    for difference in report.differences:
        yield f"journals: {difference}"


def _money(world: "World", agencies: dict[str, Agency], replayed: dict[str, Replayed]) -> Iterator[str]:
    platforms = {code: world.machine.registries[code] for code in agencies}
    journals = {code: agency.journal for code, agency in agencies.items()}
    report = money_of(replayed, journals, platforms, world.bank.book())
    if not report.account.balanced:
        yield f"money: the account does not balance: {report.account}"
    # After journal and ledger were lost together the books may know of an order that no event speaks of: its claim was
    # lost as well. The account is what tells a person; where it has arrived, an alarm does.
    unspoken = [one for one in world.bank.book() if world.recovered and not _spoken_of(agencies, one)]
    told = _told_of_money(agencies) if world.recovered else set()
    for difference in report.differences:
        reference = difference.partition(":")[0]
        if reference in unspoken or reference[:32] in told:
            world.tell(f"the books alone know: {difference}", "books_alone")
        else:
            yield f"money: {difference}"
    for code, registry in platforms.items():
        for number in registry.unbalanced():
            yield f"money: account {number} at {code} does not add up"


def _spoken_of(agencies: dict[str, Agency], reference: str) -> bool:
    for agency in agencies.values():
        with agency.journal.read() as read:
            if read.case_of_reference("remittance", reference) is not None:
                return True
    return False


def _rest(agencies: dict[str, Agency]) -> Iterator[str]:
    for code, agency in agencies.items():
        with agency.journal.read() as read:
            for role in Role:
                if read.agenda(role, agency.clock(), 1):
                    yield f"rest: {code}: cases stand on the agenda of {role}"


def _one_region(world: "World", agency: Agency) -> Iterator[str]:
    code = agency.region
    for problem in verify_journal(agency.journal, ground().participants):
        yield f"signatures: {code}: {problem}"
    with agency.journal.read() as read:
        lines = read.log(0, 1_000_000)
    try:
        if list(ledger_lines(agency.exchange, code)) != lines:
            yield f"ledger: {code}: the ledger is not the log"
    except JournalConflict as conflict:
        yield f"ledger: {code}: {conflict}"


def _on_its_way(world: "World", agency: Agency) -> Iterator[str]:
    code = agency.region
    with agency.journal.read() as read:
        unreceipted, claims, held = read.unreceipted(), read.open_claims(), read.held()
        # A true event under a key that cannot be believed is settled once it stands here, signed as it should be; it
        # was planted all the same. What was held too long, was parked and came again was not.
        came_again = [r for r in read.parked(settled=True) if r.settled == "came_again"]
        parked = [*read.parked(), *(r for r in came_again if not r.code.startswith("held_"))]
        todos = read.todos()
    stuck = {todo.case_id for todo in todos if todo.kind == "failed" or todo.code in ALARMS}
    if unreceipted:
        yield f"receipts: {code}: {len(unreceipted)} events have no receipt"
    for claim in claims:
        if claim.claim.case_id not in stuck:
            yield f"claims: {code}: {claim.claim.step} of {claim.claim.case_id} stands open and nobody is told"
    for one in held:
        yield f"held: {code}: {one.reason} {one.hand} {one.seq} of {one.case_id}"
    for role in Role:
        found = [r.code for r in parked if r.arrival.topic.endswith(role.value)]
        planted = len(world.planted[code, role])
        # Behind a lost tail new records take the old offsets, and an offset of before can skip them: what is of
        # weight has no receipt then and comes again, garbage does not.
        least = 0 if (code, role) in world.truncated else planted
        if not least <= len(found) <= planted + world.perhaps[code, role]:
            yield f"parked: {code} {role}: {found}, of {planted} that were planted"


def _told_of_money(agencies: dict[str, Agency]) -> set[str]:
    """Cases with money of which an alarm says that no event explains it."""
    told: set[str] = set()
    for agency in agencies.values():
        with agency.journal.read() as read:
            alarms = read.todos(kind="alarm", code="money_unexplained")
        told |= {reference[:32] for alarm in alarms for reference in json.loads(alarm.data)["references"]}
    return told


def _one_move_a_person(agencies: dict[str, Agency]) -> Iterator[str]:
    """One relation moves once: of a person's cases in an outbound region one is accepted and not ended."""
    for code, agency in agencies.items():
        moving: Counter[str] = Counter()
        with agency.journal.read() as read:
            for row in read.cases(role=Role.OUTBOUND):
                view = fold(row.case_id, read.case_events(row.case_id)).view
                moving[row.person_key] += view.accepted and view.live
        for key, count in moving.items():
            if key and count > 1:
                yield f"twins: {code}: {count} cases of one person are accepted and not ended"


def _accepted(world: "World", agencies: dict[str, Agency], waiting: set[str]) -> Iterator[str]:
    """Every accepted application has ended, or waits for somebody named: on its `waiting` side, where it has one."""
    for case_id, code in world.accepted.items():
        with agencies[code].journal.read() as read:
            if not read.heads([case_id]):
                yield f"lost: the application {case_id} that {code} accepted is gone"
    for code, agency in agencies.items():
        for item in worklist(agency):
            if item.ours and not item.waits_for_clerk and item.case_id not in waiting:
                yield f"stuck: {code}: {item.case_id} {item.status}: {item.step} is due, automatic and not done"
            if item.clock is None:
                yield f"stuck: {code}: {item.case_id} {item.status}: open, and nothing is due of anybody"
