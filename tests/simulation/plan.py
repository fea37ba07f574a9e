"""What a seed stands for: who moves, what goes wrong and when. The interleaving has a seed of its own.

A plan is a list of small things, so that a failing one can be shrunk by leaving some out.
"""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.simulation.forger import KINDS
from tests.simulation.ground import CHENGDU, CODES, WENZHOU, XIAN
from tests.simulation.process import BETWEEN, WITHIN

STORIES = (
    ("plain", 10),
    ("refused_once", 2),
    ("short", 2),
    ("excess", 2),
    ("late", 1),
    ("return_refused", 1),
    ("resident", 1),
    ("in_hospital", 1),
    ("moved_on", 1),
    ("twins", 2),
    ("claimed_twice", 2),
)


@dataclass(frozen=True)
class Mover:
    """A person who moves, and what is special about it."""

    number: int
    story: str
    out: str
    into: str
    lodged_at: str


@dataclass(frozen=True)
class Strike:
    """Something that happens when a point is reached for the nth time.

    `crash`: the process ends. `power_cut`: all of its region end. `old_copy`: the same, and the journal is replaced by
    a copy of a while ago. `overtaken`: others have their turns first. `clerk_first`: a clerk of the region acts first.
    `zombie`: a new copy of the service begins, and later this one goes on.
    """

    kind: str
    point: str
    nth: int
    steps: int = 0


@dataclass(frozen=True)
class Happening:
    """Something that happens at a step of the schedule."""

    step: int
    kind: str
    where: str = ""
    amount: int = 0
    more: Any = None


@dataclass(frozen=True)
class Plan:
    """One schedule. `sends` maps the nth send of all to how it fails; `modes` are steps that wait for clerks."""

    seed: int
    codes: tuple[str, ...]
    steps: int
    movers: tuple[Mover, ...] = ()
    strikes: tuple[Strike, ...] = ()
    happenings: tuple[Happening, ...] = ()
    sends: tuple[tuple[int, str], ...] = ()
    modes: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    disaster: str = ""  # the region that loses its journal and the end of its ledger too, after all steps
    silent: bool = False  # and what stands in its mailboxes, so that it has heard nothing of what it signed
    midway: bool = False  # and that while cases are under way, not once all have come to rest
    bare: bool = False  # and has no backup: nothing is left

    def lines(self) -> list[str]:
        """The plan, readably."""
        told = [f"seed {self.seed}: regions {', '.join(self.codes)}, {self.steps} steps"]
        told += [f"  {code}: by clerks {modes}" for code, modes in self.modes.items()]
        told += [f"  mover {m.number} {m.story}: {m.out} to {m.into}, lodged at {m.lodged_at}" for m in self.movers]
        told += [f"  {s.kind} at {s.point} number {s.nth} ({s.steps} steps)" for s in self.strikes]
        told += [f"  step {h.step}: {h.kind} {h.where} {h.amount or ''} {h.more or ''}" for h in self.happenings]
        told += [f"  send number {nth}: {how}" for nth, how in self.sends]
        if self.disaster:
            mailboxes, when = " and mailboxes" if self.silent else "", ", midway" if self.midway else ""
            whole = ", and has no backup" if self.bare else ""
            told.append(f"  {self.disaster} loses journal and ledger{mailboxes}{when}{whole}")
        return told


def _weighted(random: Random, choices: tuple[tuple[str, int], ...]) -> str:
    names, weights = zip(*choices, strict=True)
    return str(random.choices(names, weights)[0])


HAPPENINGS = (
    ("act", 9),
    ("withdraw", 3),
    ("ledger_away", 3),
    ("jump", 2),
    ("backup_and_restore", 2),
    ("weeks_off", 1),
    ("expire", 1),
    ("unreachable", 2),
    ("regroup", 2),
    ("forged", 3),
    ("tail_lost", 1),
    ("ledger_lost", 1),
    ("refusing", 1),
    ("repeated", 2),
    ("power_cut", 1),
)
STRIKES = (("crash", 5), ("overtaken", 3), ("clerk_first", 2), ("zombie", 3), ("power_cut", 1), ("old_copy", 2))
SENDS = (("lost", 1), ("written", 2), ("half", 1))


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    random = Random(seed)
    codes = CODES if random.random() < 0.2 else (XIAN, WENZHOU)
    steps = random.randint(30, 70)
    movers = tuple(_mover(random, number, codes) for number in range(1, random.choice((1, 1, 1, 2, 2, 3)) + 1))
    happenings = [Happening(random.randint(0, steps // 3), "lodge", more=mover.number) for mover in movers]
    for _ in range(random.randint(1, 6)):
        happenings += _happening(random, codes, steps)
    for _ in range(random.choice((0, 0, 1, 2))):
        where = random.choice(codes)
        happenings.append(Happening(random.randint(1, steps - 1), "forged", where, random.getrandbits(30), "garbage"))
    strikes = tuple(_strike(random) for _ in range(random.randint(1, 6)))
    sends = tuple((random.randint(1, 60), _weighted(random, SENDS)) for _ in range(random.randint(0, 4)))
    ordered = tuple(sorted(happenings, key=lambda h: (h.step, h.kind)))
    modes = _modes(random, codes)
    disaster = random.choice(codes) if random.random() < 0.05 else ""
    silent = random.random() < 0.5
    midway = random.random() >= 0.5
    bare = random.random() < 0.3
    return Plan(seed, codes, steps, movers, strikes, ordered, sends, modes, disaster, silent, midway, bare)


def dense(plan: Plan) -> Plan:
    """The plan with about twice as much that goes wrong, and in a third of them journal and ledger lost together."""
    random = Random(f"dense {plan.seed}")
    more = [one for _ in range(random.randint(3, 9)) for one in _happening(random, plan.codes, plan.steps)]
    strikes = tuple(_strike(random) for _ in range(random.randint(3, 9)))
    return replace(
        plan,
        happenings=tuple(sorted((*plan.happenings, *more), key=lambda h: (h.step, h.kind))),
        strikes=plan.strikes + strikes,
        disaster=random.choice(plan.codes) if random.random() < 0.3 else plan.disaster,
    )


def focused(plan: Plan, on: tuple[str, ...]) -> Plan:
    """The plan with more of something, where a test looks for one thing only.

    `forged:KIND` and other happenings by their kind; `crash@POINT` and other strikes; `disaster`, also `silent`, and
    after either `midway`, `bare`; `story:NAME`; `clerk:STEP`, a step that waits for outbound's clerks.
    """
    random = Random(f"focus {plan.seed}")
    for wanted in on:
        kind, _, more = wanted.partition("@" if "@" in wanted else ":")
        if "@" in wanted:
            strikes = tuple(Strike(kind, more, nth, random.randint(3, 12)) for nth in random.sample(range(1, 13), 3))
            plan = replace(plan, strikes=plan.strikes + strikes)
        elif kind == "disaster":
            plan = replace(plan, disaster=random.choice(plan.codes), silent=False, midway=False, bare=False)
        elif kind == "silent":
            plan = replace(plan, disaster=random.choice(plan.codes), silent=True, midway=False, bare=False)
        elif kind == "midway":
            plan = replace(plan, midway=True)
        elif kind == "bare":
            plan = replace(plan, bare=True)
        elif kind == "clerk":
            plan = replace(plan, modes={**plan.modes, **{code: {"outbound": {more: "clerk"}} for code in plan.codes}})
        elif kind == "story":
            plan = replace(plan, codes=CODES, movers=tuple(replace(m, story=more) for m in plan.movers))
        else:
            added = tuple(_more(random, plan, kind, more) for _ in range(4))
            plan = replace(plan, happenings=tuple(sorted((*plan.happenings, *added), key=lambda h: (h.step, h.kind))))
    return plan


def _more(random: Random, plan: Plan, kind: str, more: str) -> Happening:
    step, where = random.randint(plan.steps // 3, plan.steps - 1), random.choice(plan.codes)
    if kind == "weeks_off":
        return Happening(step, kind, where, 35, random.randint(3, 15))
    amount = random.randint(3, 15) if kind in ("ledger_away", "refusing", "unreachable") else random.getrandbits(30)
    return Happening(step, kind, where, amount, more or None)


def _modes(random: Random, codes: tuple[str, ...]) -> dict[str, dict[str, dict[str, str]]]:
    modes: dict[str, dict[str, dict[str, str]]] = {}
    for code in codes:
        if random.random() < 0.3:
            inbound = random.choice(("complete", "credit", "return_excess", "take_back"))
            modes[code] = {"inbound": {inbound: "clerk"}}
        if random.random() < 0.1:
            modes.setdefault(code, {})["outbound"] = {random.choice(("answer", "upload", "remit")): "clerk"}
    return modes


def _mover(random: Random, number: int, codes: tuple[str, ...]) -> Mover:
    out, into = random.sample(codes, 2)
    story = _weighted(random, STORIES)
    if story in ("moved_on", "claimed_twice") and len(codes) < 3:
        story = "plain"
    return Mover(number, story, out, into, random.choice((out, into)))


def _happening(random: Random, codes: tuple[str, ...], steps: int) -> list[Happening]:
    kind = _weighted(random, HAPPENINGS)
    step, where = random.randint(1, steps - 1), random.choice(codes)
    match kind:
        case "jump":
            seconds = random.choice((-1, 1)) * random.choice((30, 600, 7200, 90_000, 200_000))
            return [Happening(step, kind, where, seconds), Happening(step + random.randint(1, 20), kind, where, 0)]
        case "backup_and_restore":
            return [
                Happening(step // 2, "backup", where),
                Happening(step, "restore", where, random.randint(0, 8)),
            ]
        case "weeks_off":
            return [Happening(step, kind, where, random.choice((1, 8, 35)), random.randint(3, 15))]
        case "forged":
            return [Happening(step, kind, where, random.randint(0, 1 << 30), random.choice(KINDS))]
        case "refusing":
            return [Happening(step, kind, where, random.randint(2, 15))]
        case "ledger_away":
            return [Happening(step, kind, where, random.randint(3, 15))]
        case "unreachable":
            return [Happening(step, kind, random.choice((where, "")), random.randint(2, 10))]
    return [Happening(step, kind, where, random.randint(0, 1 << 30))]


OFTEN = {"begin_read": 150, "begin_write": 60, "after_commit": 60, "log_written": 60, "tables_written": 60}


def _strike(random: Random) -> Strike:
    kind = _weighted(random, STRIKES)
    point = random.choice(BETWEEN if kind in ("overtaken", "clerk_first", "zombie") else WITHIN + BETWEEN)
    if kind == "clerk_first" and random.random() < 0.5:
        point = "begin_write"
    if kind == "zombie" and random.random() < 0.3:
        point = "polled"
    nth = random.randint(1, 60 if point == "before_commit" else OFTEN.get(point, 8))
    return Strike(kind, point, nth, random.randint(1, 4) if kind == "overtaken" else random.randint(4, 20))


__all__ = ["CHENGDU", "Happening", "Mover", "Plan", "Strike", "draw"]
