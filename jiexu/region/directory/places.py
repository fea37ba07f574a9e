"""What the directory is made of: pooling regions, areas with their codes, and the reasons that join them."""

from dataclasses import dataclass
from enum import StrEnum

from jiexu.region.directory.validity import OPEN, Validity


class Kind(StrEnum):
    """Why an area is a pooling region of its own."""

    PREFECTURE = "prefecture"
    WHOLE_PROVINCE = "whole_province"
    COUNTY_ALONE = "county_alone"
    INSURANCE = "insurance"


@dataclass(frozen=True, slots=True)
class PoolingRegion:
    """One pooling region: its code of six digits, its names, its province, and where the row comes from."""

    code: str
    name: str
    english: str
    province_code: str
    province: str
    kind: Kind
    validity: Validity
    source: str

    @property
    def full_name(self) -> str:
        """With the province, unless that is the region itself: 浙江省温州市, 北京市."""
        return self.name if self.name.startswith(self.province) else self.province + self.name


@dataclass(frozen=True, slots=True)
class Area:
    """A code under one name, and where it pools. A code that was renamed has a row per name."""

    code: str
    name: str
    pooling_region: str
    rule: str
    successor: str
    validity: Validity
    source: str
    note_zh: str = ""
    note_en: str = ""

    @property
    def older(self) -> bool:
        """True where the list in force does not show the code under this name."""
        return self.validity.valid_to != OPEN and self.rule != "insurance"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A known code that is no pooling region and belongs to no single one."""

    code: str
    name: str
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of the way from a code to its pooling region."""

    zh: str
    en: str
    source: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """A code, the pooling region that it belongs to, and why, step by step."""

    code: str
    name: str
    older: bool
    pooling_region: PoolingRegion
    why: tuple[Reason, ...]
