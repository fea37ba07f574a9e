"""Finding a pooling region by a name, part of a name or a code, as a clerk or an applicant types it.

The best answer comes first and each says why: 瓯海 gives 330300 温州市, because 瓯海区 belongs to it.
Of one region only the best place is given; who searches wants the region.
"""

import difflib
from dataclasses import dataclass
from enum import IntEnum

from jiexu.region.directory.names import is_generic, normal, stem
from jiexu.region.directory.places import Area, PoolingRegion, Reason
from jiexu.region.directory.problem import Near, Problem
from jiexu.region.directory.regions import Directory


class Fit(IntEnum):
    """How well a place fits the text, best first."""

    CODE = 0
    REGION_NAME = 1
    NAME = 2
    NAME_START = 3
    NAME_PART = 4
    FULL_NAME = 5
    CODE_START = 6


_FITS = {
    Fit.CODE: ("代码一致", "the code is this"),
    Fit.REGION_NAME: ("名称一致", "the name is this"),
    Fit.NAME: ("名称一致", "the name is this"),
    Fit.NAME_START: ("名称以“{text}”开头", "the name begins with {text}"),
    Fit.NAME_PART: ("名称含“{text}”", "the name contains {text}"),
    Fit.FULL_NAME: ("全称含“{text}”", "the full name contains {text}"),
    Fit.CODE_START: ("代码以“{text}”开头", "the code begins with {text}"),
}


@dataclass(frozen=True, slots=True)
class Match:
    """A place that fits the text, the pooling region that it belongs to, and why."""

    code: str
    name: str
    older: bool
    pooling_region: PoolingRegion
    fit: Fit
    why: tuple[Reason, ...]

    @property
    def zh(self) -> str:
        """The reasons as one Chinese sentence."""
        return "；".join(reason.zh for reason in self.why)

    @property
    def en(self) -> str:
        """The reasons as one English sentence."""
        return "; ".join(reason.en for reason in self.why)


def find(directory: Directory, text: str, limit: int | None = None) -> list[Match]:
    """Places whose name or code fits `text`, one per pooling region, best first; empty where none does."""
    wanted = normal(text)
    if not wanted:
        return []
    best: dict[str, tuple[tuple[Fit, bool, str], Area]] = {}
    for rows in directory.areas.values():
        for area in rows:
            region = directory.regions[area.pooling_region]
            fit = _fit(area, region, wanted)
            if fit is None:
                continue
            rank = (fit, area.older, area.code)
            if region.code not in best or rank < best[region.code][0]:
                best[region.code] = (rank, area)
    ranked = sorted(best.values(), key=lambda item: item[0])[:limit]
    return [_match(directory, area, rank[0], text.strip()) for rank, area in ranked]


def nothing_found(directory: Directory, text: str) -> Problem:
    """What to say where `find` found nothing: names that look alike, and what to do."""
    names: dict[str, Area] = {}
    for rows in directory.areas.values():
        for area in rows:
            if not area.older and not is_generic(area.name):
                names.setdefault(stem(area.name), area)
    alike = difflib.get_close_matches(stem(normal(text)), names, n=5, cutoff=0.5)
    return Problem(
        "DIR-06",
        f"没有找到“{text.strip()}”",
        f"nothing found for {text.strip()}",
        "请只输入县（市、区）或地级市的名称，不带街道、乡镇",
        "Give the county or prefecture alone, without street or township",
        tuple(Near(names[name].code, names[name].name, names[name].pooling_region) for name in alike),
    )


def _fit(area: Area, region: PoolingRegion, wanted: str) -> Fit | None:
    own = area.code == region.code
    if area.code == wanted:
        return Fit.CODE
    if wanted.isdigit():
        return Fit.CODE_START if len(wanted) >= 2 and area.code.startswith(wanted) else None
    names = {area.name, stem(area.name)} | ({region.english.casefold()} if own else set())
    if wanted in names or stem(wanted) == stem(area.name):
        if is_generic(area.name):
            return None
        return Fit.REGION_NAME if own and wanted in names else Fit.NAME
    if area.name.startswith(wanted):
        return Fit.NAME_START
    if wanted in area.name or (own and len(wanted) >= 3 and wanted in region.english.casefold()):
        return Fit.NAME_PART
    return Fit.FULL_NAME if _in_full_name(area, region, wanted) else None


def _in_full_name(area: Area, region: PoolingRegion, wanted: str) -> bool:
    """浙江温州瓯海, 温州市瓯海区, 温州 瓯海: every part named, in order, with or without 省, 市, 区.

    The place itself must be named, else 浙江 would answer with every county of the province.
    """
    rest = wanted.replace(" ", "")
    if stem(area.name) not in rest and not (
        area.code == region.code and rest in (region.province, stem(region.province))
    ):
        return False
    for name in dict.fromkeys((region.province, region.name, area.name)):
        for form in (name, stem(name)):
            if rest.startswith(form):
                rest = rest[len(form) :]
                break
    return not rest


def _match(directory: Directory, area: Area, fit: Fit, text: str) -> Match:
    region = directory.regions[area.pooling_region]
    zh, en = (sentence.format(text=text) for sentence in _FITS[fit])
    found = Reason(f"{area.name}（{area.code}）：{zh}", f"{area.name} ({area.code}): {en}", area.source)
    return Match(area.code, area.name, area.older, region, fit, (found, *directory.why(area)))
