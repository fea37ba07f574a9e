"""The pooling regions (统筹区) of the mainland, and the way from any code to one of them.

A pooling region is a prefecture, except that the four municipalities, 海南 and 西藏 pool as one and counties
under no prefecture stand alone (domain.md §1, ours). The code of a county or an office, an older code or one of
the insurance system's own is resolved to the region with the reasons, so that a clerk can check each step.

A region answers under the code of today: mailboxes and keys belong to it, whatever a place was called before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jiexu.region.directory.names import normal
from jiexu.region.directory.places import Area, PoolingRegion, Reason, Resolution, Unplaced
from jiexu.region.directory.problem import DirectoryError, Near, Problem
from jiexu.region.directory.reasons import steps

_NEAR_LIMIT = 5  # suggestions that fit on a screen


@dataclass(frozen=True, eq=False)
class Directory:
    """All pooling regions and all codes known. Pure: it answers from what was loaded."""

    regions: Mapping[str, PoolingRegion]
    areas: Mapping[str, tuple[Area, ...]]
    unplaced: Mapping[str, Unplaced]

    def pooling_region(self, code: str, on: date | None = None) -> PoolingRegion:
        """The pooling region of any code. Raises `DirectoryError`: DIR-01 … DIR-05.

        With `on`, a code that changed its meaning is read as it stood that day, and a region that is known
        not to have existed then is an error; where the lists do not tell, the region is given.
        """
        region = self.resolve(code, on).pooling_region
        if on is not None and region.validity.on(on) is False:
            raise DirectoryError(
                Problem(
                    "DIR-05",
                    f"{region.name}（{region.code}）在{on.isoformat()}还不是统筹区",
                    f"{region.name} ({region.code}) was no pooling region on {on.isoformat()}",
                    "请核对日期或代码",
                    "Check the date or the code",
                )
            )
        return region

    def resolve(self, code: str, on: date | None = None) -> Resolution:
        """Any county, office or older code to its pooling region. Raises `DirectoryError`: DIR-01 … DIR-04."""
        code = normal(code)
        if not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise DirectoryError(_not_a_code(code))
        rows = self.areas.get(code)
        if rows is None:
            raise DirectoryError(self._unknown(code))
        area = self._row(rows, on)
        region = self.regions[area.pooling_region]
        return Resolution(code, area.name, area.older, region, self.why(area))

    def same_pooling_region(self, a: str, b: str) -> bool:
        """True where both codes pool together: then it is no transfer (BOTH-03, domain.md §3d)."""
        return self.resolve(a).pooling_region.code == self.resolve(b).pooling_region.code

    def in_province(self, province: str) -> tuple[PoolingRegion, ...]:
        """The regions of a province, named by its code, its first two digits, or how its name begins."""
        text = normal(province)
        if not text:
            return ()
        code = text + "0000" if text.isdigit() and len(text) == 2 else text
        return tuple(
            region
            for region in self.regions.values()
            if region.province_code == code or region.province.startswith(text)
        )

    def _row(self, rows: tuple[Area, ...], on: date | None) -> Area:
        """Of a code's rows the one that held, or may have held, that day; else the one in force, else the last."""
        if on is not None:
            for answer in (True, None):
                then = [row for row in rows if row.validity.on(on) is answer]
                if then:
                    return then[-1]
        return next((row for row in reversed(rows) if not row.older), rows[-1])

    def why(self, area: Area) -> tuple[Reason, ...]:
        """The steps from an area to its pooling region, in words."""
        region = self.regions[area.pooling_region]
        return tuple(steps(area, region, lambda code: self._row(self.areas[code], None)))

    def _unknown(self, code: str) -> Problem:
        regions = [region for region in self.regions.values() if region.province_code == code]
        if regions:
            name = regions[0].province
            return Problem(
                "DIR-03",
                f"{name}（{code}）有{len(regions)}个统筹区",
                f"{name} ({code}) has {len(regions)} pooling regions",
                f"请选择其中一个：jiexu directory list --province {code[:2]}",
                f"Choose one of them: jiexu directory list --province {code[:2]}",
                tuple(Near(region.code, region.name, region.code) for region in regions[:_NEAR_LIMIT]),
            )
        if place := self.unplaced.get(code):
            inside = [region for region in self.regions.values() if region.code[:4] == code[:4]]
            return Problem(
                "DIR-03" if code.endswith("9000") else "DIR-04",
                f"{place.name}（{code}）：{place.note_zh}",
                f"{place.name} ({code}): {place.note_en}",
                "请按县（市、区）名称查找统筹区",
                "Search for the county by its name",
                tuple(Near(region.code, region.name, region.code) for region in inside[:_NEAR_LIMIT]),
            )
        return Problem(
            "DIR-02",
            f"代码{code}不在统筹区目录中",
            f"code {code} is not in the directory",
            "请核对代码，或按名称查找：jiexu directory find 名称",
            "Check the code, or search by name: jiexu directory find NAME",
            self._near(code),
        )

    def _near(self, code: str) -> tuple[Near, ...]:
        """Codes of today that a slip of the hand turns into `code`, its prefecture first."""
        ranked = []
        for other, rows in self.areas.items():
            area = self._row(rows, None)
            prefecture = other == area.pooling_region and other[:4] == code[:4]
            if not area.older and (prefecture or _one_slip(code, other)):
                ranked.append((not prefecture, other[:4] != code[:4], other, area))
        found = sorted(ranked, key=lambda item: item[:3])[:_NEAR_LIMIT]
        return tuple(Near(other, area.name, area.pooling_region) for *_, other, area in found)


def _one_slip(a: str, b: str) -> bool:
    """One digit differs, or two digits are swapped."""
    differing = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
    return len(differing) == 1 or (len(differing) == 2 and differing[0] == differing[1][::-1])


def _not_a_code(code: str) -> Problem:
    return Problem(
        "DIR-01",
        f"“{code}”不是六位代码",
        f"'{code}' is not a code of six digits",
        "请输入六位医保区划代码，例如330300；按名称查找用 jiexu directory find",
        "Give six digits, for example 330300; to search by name use jiexu directory find",
    )
