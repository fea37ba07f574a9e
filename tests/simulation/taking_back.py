"""After journal and ledger were lost together, clerks take back what only partners hold, and all must be whole again.

Each partner makes the evidence file of every case that it has with the region; the region's clerk takes back, time goes
on so that what the partners have to send again comes, and so on until no file brings anything. Then the region is
judged like any other.
"""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jiexu.audit.evidence import export_case
from jiexu.case.event import Hand, Role
from jiexu.contract.bundle import open_bundle
from jiexu.contract.codec import open_event
from jiexu.service.agency import Agency
from jiexu.service.lost_events import ALARMS
from jiexu.service.taking_back import TakeBackRefused, TakenBack, take_back

if TYPE_CHECKING:
    from tests.simulation.world import World


def take_all_back(world: "World", code: str) -> int:
    """One round over the files of all partners; returns how many events came back, or are said to be still missing."""
    moved = 0
    with tempfile.TemporaryDirectory() as folder:
        for partner in world.plan.codes:
            for file in _files(world, partner, code, Path(folder)):
                moved += _take(world, code, file)
    return moved


def _files(world: "World", partner: str, code: str, folder: Path) -> list[Path]:
    agency = world.eyes(partner)
    with agency.journal.read() as read:
        cases = [row.case_id for row in read.cases() if row.partner == code and row.status != "refused_at_counter"]
    files = [folder / f"{partner}-{case_id}.zip" for case_id in cases]
    for case_id, file in zip(cases, files, strict=True):
        export_case(agency.journal, case_id, file, exported_at=agency.clock())
    return files


def _take(world: "World", code: str, file: Path) -> int:
    def command(agency: Agency) -> TakenBack | TakeBackRefused:
        try:
            return take_back(agency, file, "D0117")
        except TakeBackRefused as refused:
            return refused

    done = world.at_desk(code, command)
    if isinstance(done, TakeBackRefused):
        world.violations.append(f"take back: {code}: {file.stem[-6:]}: {done}")
        return 0
    if done is None:
        return 1  # it was broken off: again
    if done.taken or done.missing or done.alarms_cleared:
        what = f"{len(done.taken)} events, {len(done.missing)} are missing, {done.alarms_cleared} alarms cleared"
        world.tell(f"{code}: takes back in {done.case_id[-6:]}: {what}", "taken_back" if done.taken else "")
    if done.withheld:
        world.violations.append(f"take back: {code}: {file.stem[-6:]}: no values of {done.withheld}")
    return len(done.taken) + (len(done.missing) or bool(done.waits_for))


def known_to_nobody(world: "World", code: str) -> None:
    """What had reached nobody when its region lost everything: no one can bring it back.

    Applications are gone. Where the first of some events had not been read, the partner holds the others back until a
    person looks at them.
    """
    held: set[str] = set()
    for region in world.plan.codes:
        with world.eyes(region).journal.read() as read:
            held |= set(read.heads(list(world.accepted)))
    for case_id in [one for one, at in world.accepted.items() if at == code and one not in held]:
        del world.accepted[case_id]
        world.tell(f"{code}: {case_id[-6:]} is lost: nobody else had it")
    for region in world.plan.codes:
        with world.eyes(region).journal.read() as read:
            parked = read.parked(code="held_gap")
        for row in parked:
            events = [open_event(leaf.event).event for leaf in open_bundle(row.bytes).leaves if leaf.event is not None]
            if not any(_stands(world, one.case_id, one.hand, one.seq, one.hash) for one in events):
                world.perhaps[region, Role(row.arrival.topic.rpartition(".")[2])] += 1


def still_waiting(world: "World", code: str) -> list[str]:
    """Cases that wait though there is nothing left to take back; what was forged stands nowhere, and a person waits."""
    with world.eyes(code).journal.read() as read:
        alarms = [todo for kind in ALARMS for todo in read.todos(kind="alarm", code=kind)]
    waits = set()
    for todo in alarms:
        named = json.loads(todo.data)
        place = Hand(named["hand"]), named["seq"], bytes.fromhex(named["hash"])
        if todo.case_id is not None and _stands(world, todo.case_id, *place):
            waits.add(todo.case_id)
    return [f"take back: {code}: {case_id} still waits" for case_id in sorted(waits)]


def _stands(world: "World", case_id: str, hand: Hand, seq: int, hash: bytes) -> bool:
    """Whether any region has that very event."""
    for region in world.plan.codes:
        with world.eyes(region).journal.read() as read:
            stored = read.event_at(case_id, hand, seq)
        if stored is not None and stored.event.hash == hash:
            return True
    return False
