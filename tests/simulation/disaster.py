"""Journal and ledger lost together: nobody in the region can know what it signed since, only its partners can.

What they hold of it stands in the region's mailbox or, where that is gone too, in their answers alone. Cases in which
they know more wait for a person and use no place of a hand a second time; in all others the region goes on. So it is at
the end of a schedule whose plan says so, and wherever an old copy and a ledger's lost end happen to meet: what the
region signed and stands in neither does not come back by itself, and events that rest on it wait, without a receipt,
until a person has settled the case with the partner.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jiexu.audit.rebuild import _lines_of as lines_of
from jiexu.audit.replay import Replayed, replay_journal
from jiexu.case.event import Role
from jiexu.exchange.topics import topic_name
from jiexu.service.lost_events import cases_with_lost_events
from tests.simulation import clerks
from tests.simulation.broker import SimulatedAdmin

if TYPE_CHECKING:
    from tests.simulation.world import World

REMIND = {"about": "complete", "text": "请尽快"}


def disaster(world: "World", code: str) -> None:
    """The region's journal is replaced by the copy of the middle of the schedule, its ledger ends there too."""
    if world.early is None:
        return
    copy, position = world.early
    world.kill_region(code)
    world.put_back(code, copy)
    ledger = world.broker.topic(topic_name(code, "ledger")).partitions[0]
    ledger.records = [r for r in ledger.records if max(line.position for line in lines_of(r)) <= position]
    if world.plan.silent:
        for role in Role:
            topic = world.broker.topic(topic_name(code, role.value))
            ends = {number: partition.next for number, partition in enumerate(topic.partitions)}
            SimulatedAdmin(world.broker).delete_records(topic.name, ends)
            world.truncated.add((code, role))  # what was parked of it since the copy was made does not come again
    world.broker.version += 1
    world.tell(f"{code}: journal and ledger are those of line {position}", "disaster")
    for service in world.restarts:
        world.start(*service)
    world.restarts.clear()
    for process in [p for p in world.services if p.region == code]:
        world.turn(process)  # the check, and the mailbox as far as it reaches
    remind(world)


def remind(world: "World") -> None:
    """A clerk writes in every case: where the next place of a hand was used, that would use it twice."""
    for region in world.plan.codes:
        for case_id in world.at_desk(region, clerks.case_ids) or ():
            clerks.act(world, region, case_id, "remind", REMIND)


def after_disaster(world: "World", code: str) -> Iterator[str]:
    """No place has two contents, and every case that differs from the partner's is shown to a person."""
    agencies = {region: world.eyes(region) for region in world.plan.codes}
    replayed = {region: replay_journal(agency.journal) for region, agency in agencies.items()}
    own = replayed[code]
    with agencies[code].journal.read() as read:
        waiting = cases_with_lost_events(read)
        told = waiting | {todo.case_id for todo in read.todos()}
    for region, partner in replayed.items():
        if region != code:
            yield from _differences(own, partner, told)
        with agencies[region].journal.read() as read:
            stuck = {*(one.case_id for one in read.unreceipted()), *(one.case_id for one in read.held())}
        for case_id in stuck - waiting:
            yield f"stuck: {region}: what is sent in {case_id} does not arrive, and the case is not known to wait"


def _differences(own: Replayed, partner: Replayed, told: set[str | None]) -> Iterator[str]:
    for place in own.places.keys() & partner.places.keys():
        if own.places[place] != partner.places[place]:
            yield f"doubled: {' '.join(map(str, place))} has two contents after journal and ledger were lost"
    for case_id, case in own.cases.items():
        theirs = partner.cases.get(case_id)
        if theirs is not None and theirs.state_hash != case.state_hash and case_id not in told:
            yield f"silent: {case_id} differs after journal and ledger were lost, and nobody is told"
