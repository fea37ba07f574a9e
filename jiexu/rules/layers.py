"""The data files that rulesets are composed of: national versions, overlays of regions, promises of offices.

Strict models: an unknown key, a missing date or a missing source is an error of the file. Once a version has been
used by a case its file is never edited; a change is a new version (domain.md §9).
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jiexu.rules.facts import Scheme

Procedure = Literal["platform", "letter", "automatic", "account_only"]
Owner = Literal["outbound", "inbound", "answering", "lodger"]
Basis = Literal["statutory", "ours", "target"]
MoneyOutcome = Literal["none", "transfer", "stays_usable", "pay_to_person", "pay_to_heirs"]

RegionCode = Annotated[str, Field(pattern=r"^\d{6}$")]
Text = Annotated[str, Field(min_length=1)]
Days = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Clock(_Strict):
    """A limit of the national table (domain.md §6): working days from its start to its last day, 24:00 Beijing time.

    `owner`: the role that must act; `answering` is the side that did not lodge, `lodger` the side that did.
    `basis`: `statutory`, `ours` (set by this project), or `target` (no failing it is a breach).
    `starts`: the name of what starts it, for people and for the code that builds the deadline.
    """

    clock: Text
    procedures: Annotated[tuple[Procedure, ...], Field(strict=False, min_length=1)]
    owner: Owner
    days: Days
    basis: Basis
    starts: Text
    zh: Text
    en: Text
    source: Text


class Promise(_Strict):
    """A shorter limit that a region or an office has promised. It binds the role which that region plays."""

    procedure: Procedure
    clock: Text
    days: Days
    source: Text


class MoneyRow(_Strict):
    """One row of the outcome table (domain.md §2). Conditions left out do not matter; the first row that fits wins."""

    outcome: MoneyOutcome
    from_scheme: Annotated[Scheme | None, Field(strict=False)] = None
    to_scheme: Annotated[Scheme | None, Field(strict=False)] = None
    zero: bool | None = None
    died: bool | None = None
    inbound_has_account: bool | None = None
    inbound_has_outpatient_pooling: bool | None = None
    choice: Literal["pay_to_person"] | None = None
    source: Text


class ResidentWaiting(_Strict):
    """Waiting period of the resident scheme (国办发〔2024〕38号), in months; chosen by coverage year."""

    from_coverage_year: int
    fixed: Annotated[int, Field(ge=0)]
    per_further_lapsed_year: Annotated[int, Field(ge=0)]
    per_extra_year_paid: Annotated[int, Field(ge=0)]
    floor_from_lapsed_years: Annotated[int, Field(ge=1)]
    floor: Annotated[int, Field(ge=0)]
    source: Text


class CheckSwitch(_Strict):
    """A practice or local check switched on or off in this region."""

    code: Text
    on: bool
    source: Text


class Switches(_Strict):
    """What a region does in its own way. None: the overlay says nothing, the layer below decides."""

    lodging: Literal["either", "inbound_only"] | None = None
    certificate: Literal["none", "accepted", "asked_for"] | None = None
    declaration_of_not_returning: bool | None = None
    recorded_as: Literal["as_stated", "deemed"] | None = None
    in_province_procedure: Literal["automatic", "account_only"] | None = None
    resident_months_count: bool | None = None
    w3_months: Annotated[int, Field(ge=0, le=6)] | None = None
    retirement_needs_local_pension: bool | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _says_where_from(self) -> Self:
        if self.source is None and self.model_dump(exclude_none=True):
            raise ValueError("switches need a source")
        return self


class Layer(_Strict):
    """What every data file says of itself: its version, the first day it holds, and how that day is known.

    `date_basis`: `stated` by the source, `published` (the day of the guide; the true start is earlier or unknown), or
    `ours` (the source is undated; this project applies it from that day).
    """

    version: Annotated[int, Field(ge=1)]
    holds_from: date
    date_basis: Literal["stated", "published", "ours"]
    title: Text
    source: Text


class National(Layer):
    """A national version: all clocks, the money table, the resident waiting rules. `name` is as in `2021`."""

    kind: Literal["national"]
    name: Annotated[str, Field(pattern=r"^\d{4}$")]
    clock: Annotated[tuple[Clock, ...], Field(strict=False, min_length=1)]
    money: Annotated[tuple[MoneyRow, ...], Field(strict=False, min_length=1)]
    resident_waiting: Annotated[tuple[ResidentWaiting, ...], Field(strict=False)] = ()

    @property
    def id(self) -> str:
        """`national-2021.1`: name, then version."""
        return f"national-{self.name}.{self.version}"

    @property
    def clocks(self) -> dict[tuple[str, str], Clock]:
        """Every clock under (procedure, clock)."""
        return {(procedure, clock.clock): clock for clock in self.clock for procedure in clock.procedures}

    @property
    def procedures(self) -> frozenset[str]:
        """The procedures that exist under this version."""
        return frozenset(procedure for clock in self.clock for procedure in clock.procedures)

    @model_validator(mode="after")
    def _one_clock_of_a_name(self) -> Self:
        names = [(procedure, clock.clock) for clock in self.clock for procedure in clock.procedures]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"clock defined twice: {sorted(doubled)}")
        return self


class Overlay(Layer):
    """What a province or a pooling region adds. It binds that region, in the role which it plays in a case."""

    kind: Literal["overlay"]
    region: RegionCode
    switches: Switches = Switches()
    check: Annotated[tuple[CheckSwitch, ...], Field(strict=False)] = ()
    money: Annotated[tuple[MoneyRow, ...], Field(strict=False)] = ()
    promise: Annotated[tuple[Promise, ...], Field(strict=False)] = ()

    @property
    def id(self) -> str:
        """`610100.2`: region code, then version."""
        return f"{self.region}.{self.version}"


class Office(Layer):
    """What one office promises. An office's code is not its pooling region's, so the file names both."""

    kind: Literal["office"]
    office: RegionCode
    region: RegionCode
    promise: Annotated[tuple[Promise, ...], Field(strict=False)]

    @property
    def id(self) -> str:
        """`office-330304.1`: office code, then version."""
        return f"office-{self.office}.{self.version}"


LocalLayer = Overlay | Office
