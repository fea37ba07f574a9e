"""The way from an area to its pooling region in words, step by step, so that a clerk can check each."""

from collections.abc import Callable

from jiexu.region.directory.places import Area, Kind, PoolingRegion, Reason


def steps(area: Area, region: PoolingRegion, current: Callable[[str], Area]) -> list[Reason]:
    """The steps from `area` to `region`; `current` gives the area that bears a code today."""
    here, here_en = f"{area.name}（{area.code}）", f"{area.name} ({area.code})"
    if area.rule in ("by_hand", "insurance"):
        first = Reason(f"{here}：{area.note_zh}", f"{here_en}: {area.note_en}", area.source)
        return [first, *_rest(area, region, current)]
    if area.rule == "itself":
        former = Reason(f"{here}今名{region.name}", f"{here_en}: a former name of {region.name}", area.source)
        return [*([former] if area.older else ()), pools(region)]
    if area.successor:
        now = current(area.successor)
        zh = f"旧代码{here}，今为{now.name}（{now.code}）"
        en = f"{here_en}: an older code, today {now.name} ({now.code})"
        return [Reason(zh, en, area.source), *_rest(area, region, current)]
    if area.older:
        zh, en = f"旧代码或旧名{here}，原属{region.name}", f"{here_en}: an older code or name, of {region.name}"
    else:
        zh, en = f"{here}属{region.name}", f"{here_en}: belongs to {region.name}"
    return [Reason(zh, en, area.source), pools(region)]


def _rest(area: Area, region: PoolingRegion, current: Callable[[str], Area]) -> list[Reason]:
    return steps(current(area.successor), region, current) if area.successor else [pools(region)]


def pools(region: PoolingRegion) -> Reason:
    """Why the region is one: the rule of domain.md §1."""
    name, name_en = f"{region.name}（{region.code}）", f"{region.name} ({region.code})"
    zh, en = {
        Kind.PREFECTURE: (f"{name}为地级统筹区", f"{name_en} is a prefecture, which pools as one"),
        Kind.WHOLE_PROVINCE: (f"{name}全域统一统筹", f"all of {name_en} pools as one"),
        Kind.COUNTY_ALONE: (
            f"{name}不属任何地级行政区，单独统筹",
            f"{name_en} is under no prefecture and stands alone",
        ),
        Kind.INSURANCE: (f"{name}单独统筹（未经证实）", f"{name_en} is taken to stand alone (unconfirmed)"),
    }[region.kind]
    return Reason(zh, en, "domain.md §1, ours")
