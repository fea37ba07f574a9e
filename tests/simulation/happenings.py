"""What happens at a step of the schedule: applications, clerks, clocks, backups, the exchange's troubles, garbage."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from jiexu.case.event import Role
from jiexu.exchange.port import Record
from jiexu.exchange.topics import topic_name
from tests.simulation import clerks, people
from tests.simulation.broker import SimulatedAdmin
from tests.simulation.forger import forge
from tests.simulation.plan import Happening

if TYPE_CHECKING:
    from tests.simulation.world import World


def doers(world: "World") -> dict[str, Callable[[Happening], None]]:
    """By kind."""
    one = Happenings(world)
    return {
        "lodge": one.lodge,
        "act": one.act,
        "withdraw": one.withdraw,
        "ledger_away": one.ledger_away,
        "jump": one.jump,
        "backup": one.backup,
        "restore": one.restore,
        "weeks_off": one.weeks_off,
        "expire": one.expire,
        "unreachable": one.unreachable,
        "regroup": one.regroup,
        "forged": one.forged,
        "tail_lost": one.tail_lost,
        "ledger_lost": one.ledger_lost,
        "refusing": one.refusing,
        "repeated": one.repeated,
        "power_cut": one.power_cut,
    }


class Happenings:
    """Each kind once."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def lodge(self, it: Happening) -> None:
        """A person applies; of twins both sides at once."""
        world = self.world
        mover = world.plan.movers[it.more - 1]
        people.known_to_registries(world, mover)
        for at, into in people.counters(mover):
            disks = world.disks_lost[at]
            answer = world.at_desk(at, lambda agency, into=into: people.apply(agency, mover, into))
            if answer is not None and answer.case_id is not None:
                world.accepted[answer.case_id] = at
                if world.disks_lost[at] != disks:  # between its commit and its answer
                    world.forget_unless_held(answer.case_id, at)
            told = f"{answer.outcome} {(answer.case_id or '')[-6:]}" if answer else "no answer"
            world.tell(f"{at}: mover {mover.number} applies: {told}")

    def act(self, it: Happening) -> None:
        """A clerk does something."""
        clerks.some_act(self.world, it.where, Random(it.amount))

    def withdraw(self, it: Happening) -> None:
        """A person steps back, if that can still be done."""
        clerks.some_act(self.world, it.where, Random(it.amount), "withdraw")

    def ledger_away(self, it: Happening) -> None:
        """The region's ledger takes nothing for some steps, while the mailboxes do."""
        self.world.ledger_away[it.where] = self.world.step + it.amount
        self.world.tell(f"{it.where}: ledger unreachable for {it.amount} steps", "ledger_unreachable")

    def jump(self, it: Happening) -> None:
        """A region's clock jumps, or is put right (0)."""
        self.world.skew[it.where] = timedelta(seconds=it.amount)
        self.world.tell(f"{it.where}: clock off by {it.amount} s", "clock_jump" if it.amount else "")

    def backup(self, it: Happening) -> None:
        """A copy of the journal is made."""
        if self.world.backup(it.where):
            self.world.tell(f"{it.where}: backup")

    def restore(self, it: Happening) -> None:
        """The journal is lost; the old copy takes its place, and the region starts again."""
        world = self.world
        if it.where in world.backups and not world.machine.journals[it.where].busy:
            world.off[it.where] = world.step + it.amount
            world.restore(it.where)

    def weeks_off(self, it: Happening) -> None:
        """A region is switched off for a long time, while the others go on; mailboxes keep 30 days."""
        world = self.world
        if world.machine.journals[it.where].busy:
            return
        world.kill_region(it.where)
        world.off[it.where] = world.step + it.more
        world.time += timedelta(days=it.amount)
        world.tell(f"{it.where}: off for {it.amount} days", "weeks_off")
        self._expire_before(world.time - timedelta(days=30))

    def _expire_before(self, when: datetime) -> None:
        world, admin = self.world, SimulatedAdmin(self.world.broker)
        for code in world.plan.codes:
            for role in Role:
                topic = world.broker.topic(topic_name(code, role.value))
                for number, partition in enumerate(topic.partitions):
                    old = [r for r in partition.records if r.append_time < when]
                    if old:
                        self._gone(code, role, old)
                        admin.delete_records(topic.name, {number: old[-1].offset + 1})

    def expire(self, it: Happening) -> None:
        """The head of a mailbox is gone, read or not."""
        world, random = self.world, Random(it.amount)
        role = random.choice(list(Role))
        topic = world.broker.topic(topic_name(it.where, role.value))
        for number, partition in enumerate(topic.partitions):
            upto = random.randint(partition.first, partition.next)
            self._gone(it.where, role, [r for r in partition.records if r.offset < upto])
            SimulatedAdmin(world.broker).delete_records(topic.name, {number: upto})
        world.tell(f"{topic.name}: records expired", "expired")

    def unreachable(self, it: Happening) -> None:
        """The exchange answers nobody, or not this region, for some steps."""
        self.world.away[it.where] = self.world.step + it.amount
        self.world.tell(f"{it.where or 'everybody'}: exchange unreachable for {it.amount} steps", "unreachable")

    def regroup(self, it: Happening) -> None:
        """The groups of a mailbox share out its partitions anew."""
        role = list(Role)[it.amount % 2]
        self.world.broker.regroup(topic_name(it.where, role.value))
        self.world.tell(f"{it.where} {role}: rebalance", "rebalance")

    def forged(self, it: Happening) -> None:
        """A record that no honest software sends comes into a mailbox."""
        made = forge(self.world, it.more, it.where, Random(it.amount))
        if made is None:
            return
        self.world.post(made.code, made.role, made.partition, made.value)
        self.world.planted[made.code, made.role].append(made.value)
        self.world.tell(f"{made.code} {made.role}: {it.more}", f"forged_{it.more}")

    def tail_lost(self, it: Happening) -> None:
        """A mailbox loses its last records, as when a broker that lagged behind becomes the leader."""
        world, random = self.world, Random(it.amount)
        role = random.choice(list(Role))
        topic = world.broker.topic(topic_name(it.where, role.value))
        # It is read again from its start then, and what was parked before may be parked once more: what is lost too,
        # by a zombie that has it in hand.
        world.perhaps[it.where, role] += len(world.planted[it.where, role])
        for partition in topic.partitions:
            lost = random.randint(0, min(3, len(partition.records)))
            self._gone(it.where, role, partition.records[len(partition.records) - lost :])
            del partition.records[len(partition.records) - lost :]
        world.broker.version += 1
        world.truncated.add((it.where, role))
        world.tell(f"{topic.name}: the last records are lost", "tail_lost")

    def ledger_lost(self, it: Happening) -> None:
        """The ledger loses its last records; the journal stands, and its services end too or run on."""
        held = self.world.broker.topic(topic_name(it.where, "ledger")).partitions[0].records
        self.world.lose_ledger_end(it.where, min(1 + it.amount % 4, len(held)), with_services=it.amount % 8 < 4)

    def refusing(self, it: Happening) -> None:
        """The local platform refuses acts for some steps."""
        self.world.refusing[it.where] = self.world.step + it.amount
        self.world.tell(f"{it.where}: the platform refuses for {it.amount} steps", "platform_refuses")

    def _gone(self, code: str, role: Role, records: Sequence[Record]) -> None:
        """What was put into a mailbox as garbage and is gone may have been read before or not."""
        world = self.world
        for record in records:
            if record.value in world.planted[code, role]:
                world.planted[code, role].remove(record.value)
                world.perhaps[code, role] += 1

    def repeated(self, it: Happening) -> None:
        """A record of a mailbox comes again, as after a send whose acknowledgement was lost."""
        world, random = self.world, Random(it.amount)
        role = random.choice(list(Role))
        topic = world.broker.topic(topic_name(it.where, role.value))
        found = [record for partition in topic.partitions for record in partition.records]
        if found:
            record = random.choice(found)
            if record.value in world.planted[it.where, role]:
                return
            world.post(it.where, role, record.partition, record.value)
            world.tell(f"{topic.name}: offset {record.offset} comes again", "repeated")

    def power_cut(self, it: Happening) -> None:
        """The region's machine loses power."""
        world = self.world
        if world.machine.journals[it.where].busy:
            return
        world.kill_region(it.where)
        lost = world.machine.journals[it.where].power_cut()
        world.tell(f"{it.where}: power cut, {lost} commits are gone", "power_cut")
