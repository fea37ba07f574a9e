"""Which rules a case runs under (domain.md §9).

    ruleset = national version × province overlay × region overlay × office promise

composed for both sides of a case on one day. Its id names every part and its version, outbound's after the national
one and inbound's behind `~`:

    national-2021.1                                        no overlay on either side
    national-2021.1+610000.1+610100.2                      out of 西安
    national-2021.1+610000.1~330300.1+office-330304.1      out of another region of 陕西, into 温州, 瓯海's promise

The id is written in the event and frozen for the case. Versions are never edited, so `ruleset_by_id` gives the rules
of then, however many years later.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypeVar

from jiexu.case.event import Role
from jiexu.rules.check_table import CHECKS, Strength
from jiexu.rules.layers import (
    Basis,
    Clock,
    Layer,
    LocalLayer,
    MoneyRow,
    National,
    Office,
    Overlay,
    Procedure,
    ResidentWaiting,
    Switches,
)
from jiexu.rules.lint import Finding, RulesDataError, lint_layer, parse

# Where no overlay says otherwise: either region lodges, no paper is asked for, months are booked as stated, resident
# months do not count for employee years, and the length of a W3 wait is not known.
_NATIONAL_SWITCHES = Switches(
    lodging="either",
    certificate="none",
    declaration_of_not_returning=False,
    recorded_as="as_stated",
    resident_months_count=False,
    source="S0; domain.md §3a, §8",
)


_L = TypeVar("_L", bound=Layer)


class RulesetNotFound(LookupError):
    """No national version holds on that day, or an id names a part that is not among the data files."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code = code
        self.zh = zh
        self.en = en
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long one step may take in this case, in working days.

    `national_days` is the limit without promises. `owner` is the role that must act; None where it depends on who
    lodged and that was not told. `promised_by` is the id of the layer that shortened it.
    """

    procedure: str
    clock: str
    days: int
    national_days: int
    owner: Role | None
    basis: Basis
    starts: str
    zh: str
    en: str
    source: str
    promised_by: str | None


@dataclass(frozen=True)
class Ruleset:
    """The rules of one case. Layers of a side stand from the general to the special: province, region, office."""

    national: National
    outbound: tuple[LocalLayer, ...] = ()
    inbound: tuple[LocalLayer, ...] = ()

    @cached_property
    def id(self) -> str:
        """The stable name; see the module."""
        own = "+".join(layer.id for layer in (self.national, *self.outbound))
        return f"{own}~{'+'.join(layer.id for layer in self.inbound)}" if self.inbound else own

    @property
    def procedures(self) -> frozenset[str]:
        """The procedures that exist under the national version."""
        return self.national.procedures

    def layers(self, role: Role) -> tuple[LocalLayer, ...]:
        """The layers of one side."""
        return self.outbound if role is Role.OUTBOUND else self.inbound

    def limit(self, procedure: Procedure | str, clock: str, *, lodged_by: Role | None = None) -> Limit:
        """The limit of one clock, promises taken into account.

        `lodged_by` is needed for the clocks of the answering side and of the lodger: without it their owner is
        unknown and nobody's promise applies. Raises KeyError where the procedure has no such clock.
        """
        national = self.national.clocks[(procedure, clock)]
        owner = _owner(national, lodged_by)
        days, promised_by = national.days, None
        for layer in self.layers(owner) if owner else ():
            for promise in layer.promise:
                if (promise.procedure, promise.clock) == (procedure, clock) and promise.days < days:
                    days, promised_by = promise.days, layer.id
        return Limit(
            procedure=procedure,
            clock=clock,
            days=days,
            national_days=national.days,
            owner=owner,
            basis=national.basis,
            starts=national.starts,
            zh=national.zh,
            en=national.en,
            source=national.source,
            promised_by=promised_by,
        )

    def limits(self, procedure: Procedure | str, *, lodged_by: Role | None = None) -> list[Limit]:
        """Every limit of a procedure, in the order of the data; empty for a procedure that this version lacks."""
        return [
            self.limit(procedure, clock.clock, lodged_by=lodged_by)
            for clock in self.national.clock
            if procedure in clock.procedures
        ]

    def check_is_on(self, code: str, role: Role) -> bool:
        """Whether a check is asked of the side in this role. The most special layer that speaks of it decides.

        Raises KeyError for a code that does not exist.
        """
        strength = CHECKS[code].strength
        on = strength is not Strength.LOCAL
        if strength.switchable:
            for layer in self.layers(role):
                if isinstance(layer, Overlay):
                    on = next((switch.on for switch in layer.check if switch.code == code), on)
        return on

    def switches(self, role: Role) -> Switches:
        """What one side does in its own way: region over province over national."""
        merged = _NATIONAL_SWITCHES
        for layer in self.layers(role):
            if isinstance(layer, Overlay):
                merged = merged.model_copy(update=layer.switches.model_dump(exclude_none=True))
        return merged

    @property
    def w3_months(self) -> int | None:
        """Inbound's waiting period after a gap of more than 3 months (domain.md §8, W3); None where not known."""
        return self.switches(Role.INBOUND).w3_months

    @property
    def in_province_procedure(self) -> str | None:
        """`automatic` or `account_only` where both sides stand under one province that has it, else None."""
        provinces = {
            layer.region: layer.switches.in_province_procedure
            for layer in self.outbound
            if isinstance(layer, Overlay) and layer.switches.in_province_procedure
        }
        shared = (layer.region for layer in self.inbound if isinstance(layer, Overlay))
        return next((provinces[region] for region in shared if region in provinces), None)

    @property
    def local_money_rows(self) -> tuple[MoneyRow, ...]:
        """The outbound region's rows of the money table, region before province."""
        overlays = [layer for layer in self.outbound if isinstance(layer, Overlay)]
        return tuple(row for layer in reversed(overlays) for row in layer.money)

    def resident_waiting(self, coverage_year: int) -> ResidentWaiting | None:
        """The waiting rule of the resident scheme for a coverage year; None before there was one."""
        rules = [rule for rule in self.national.resident_waiting if rule.from_coverage_year <= coverage_year]
        return max(rules, key=lambda rule: rule.from_coverage_year, default=None)


def _owner(clock: Clock, lodged_by: Role | None) -> Role | None:
    match clock.owner:
        case "outbound" | "inbound":
            return Role(clock.owner)
        case "lodger":
            return lodged_by
        case "answering":
            return lodged_by.other if lodged_by else None


class Library:
    """All data files together. Raises RulesDataError where one of them must not be used."""

    def __init__(self, layers: Iterable[National | LocalLayer]) -> None:
        by_id: dict[str, National | LocalLayer] = {}
        for layer in layers:
            if layer.id in by_id:
                doubled = Finding("doubled", layer.id, "版本重复", "two files have this id")
                raise RulesDataError(layer.id, [doubled])
            by_id[layer.id] = layer
        self._by_id = by_id
        self.national = tuple(layer for layer in by_id.values() if isinstance(layer, National))
        self.local = tuple(layer for layer in by_id.values() if not isinstance(layer, National))
        for layer in self.local:
            if findings := lint_layer(layer, self.national):
                raise RulesDataError(layer.id, findings)

    def ruleset_for(
        self,
        outbound: str | None,
        inbound: str | None,
        on: date,
        office: str | Sequence[str] | None = None,
    ) -> Ruleset:
        """Compose the rules of a case between two pooling regions on a day; see `ruleset_for` of the module."""
        national = _latest(self.national, on)
        if national is None:
            raise RulesetNotFound("no_national_version", f"{on} 尚无全国办法可用", f"no national version holds on {on}")
        offices = (office,) if isinstance(office, str) else tuple(office or ())
        return Ruleset(
            national=national,
            outbound=self._side(outbound, on, offices),
            inbound=self._side(inbound, on, offices),
        )

    def ruleset_by_id(self, ruleset_id: str) -> Ruleset:
        """The rules that an id names; see `ruleset_by_id` of the module."""
        own, _, other = ruleset_id.partition("~")
        first, *outbound = own.split("+")
        national = self._part(first, ruleset_id)
        local = [self._part(part, ruleset_id) for part in outbound]
        inbound = [self._part(part, ruleset_id) for part in other.split("+")] if other else []
        # One name for one set of rules: `national-2021.1~` would be a second name of `national-2021.1`.
        hollow = not other and "~" in ruleset_id
        if hollow or not isinstance(national, National) or any(isinstance(x, National) for x in (*local, *inbound)):
            raise RulesetNotFound(
                "malformed_ruleset_id", f"规则编号不成立：{ruleset_id}", f"not a ruleset id: {ruleset_id}"
            )
        return Ruleset(
            national=national,
            outbound=tuple(x for x in local if not isinstance(x, National)),
            inbound=tuple(x for x in inbound if not isinstance(x, National)),
        )

    def _part(self, part: str, ruleset_id: str) -> National | LocalLayer:
        if part not in self._by_id:
            raise RulesetNotFound(
                "unknown_ruleset_part",
                f"本程序没有规则「{part}」（{ruleset_id}），请升级规则数据",
                f"no rules named {part!r} here (of {ruleset_id}): upgrade the rules data",
            )
        return self._by_id[part]

    def _side(self, region: str | None, on: date, offices: tuple[str, ...]) -> tuple[LocalLayer, ...]:
        if region is None:
            return ()
        # A municipality that pools as one is its own province: its overlay counts once.
        codes = dict.fromkeys((f"{region[:2]}0000", region))
        overlays = [
            _latest([x for x in self.local if isinstance(x, Overlay) and x.region == code], on) for code in codes
        ]
        promises = [
            _latest([x for x in self.local if isinstance(x, Office) and (x.office, x.region) == (office, region)], on)
            for office in offices
        ]
        return tuple(layer for layer in (*overlays, *promises) if layer is not None)


def _latest(layers: Iterable[_L], on: date) -> _L | None:
    """The version that holds on a day: the latest begun; of two begun on one day, the higher version."""
    begun = [layer for layer in layers if layer.holds_from <= on]
    return max(begun, key=lambda layer: (layer.holds_from, layer.version), default=None)


def load_library(directory: Traversable | None = None) -> Library:
    """Read every `*.toml` below a directory (default: the packaged data). The only I/O of this room.

    Raises RulesDataError for a file that must not be used.
    """
    root = directory if directory is not None else files("jiexu.rules") / "data"
    return Library(parse(tomllib.loads(file.read_text(encoding="utf-8")), file.name) for file in _toml_files(root))


def _toml_files(directory: Traversable) -> Iterable[Traversable]:
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _toml_files(entry)
        elif entry.name.endswith(".toml"):
            yield entry


@cache
def packaged_library() -> Library:
    """The library of the packaged data, read once."""
    return load_library()


@lru_cache(maxsize=4096)  # pairs of regions × days: bounded, or a long-lived service would keep them all
def _composed(outbound: str | None, inbound: str | None, on: date, offices: tuple[str, ...]) -> Ruleset:
    return packaged_library().ruleset_for(outbound, inbound, on, offices)


def ruleset_for(
    outbound: str | None, inbound: str | None, on: date, office: str | Sequence[str] | None = None
) -> Ruleset:
    """The rules of a case between two pooling regions on a day.

    Composed of: the national version that holds on that day; for each side the overlay of its province and then that
    of its pooling region, in the version that holds on that day; and the promise of each named office that belongs to
    one of the two regions. Regions are six-digit pooling region codes; a side that is None, or that no data file
    speaks of, adds nothing. `on` is the day of the checks, or, for clocks and money, that of acceptance (§9).

    Raises RulesetNotFound where no national version holds on that day.
    """
    return _composed(outbound, inbound, on, (office,) if isinstance(office, str) else tuple(office or ()))


@lru_cache(maxsize=4096)
def ruleset_by_id(ruleset_id: str) -> Ruleset:
    """The rules that an id names: what a replay applies, whatever holds today.

    Raises RulesetNotFound where a part is not among the data files, or the id is not one.
    """
    return packaged_library().ruleset_by_id(ruleset_id)
