"""Reads the data files that the product carries into a `Directory`."""

import csv
from functools import cache
from pathlib import Path

from jiexu.region.directory.places import Area, Kind, PoolingRegion, Unplaced
from jiexu.region.directory.regions import Directory
from jiexu.region.directory.validity import Validity

DATA = Path(__file__).parent / "data"


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def load_directory() -> Directory:
    """The directory that the product carries; read once per process, in a few milliseconds."""
    regions = {
        row["code"]: PoolingRegion(
            row["code"],
            row["name"],
            row["english"],
            row["province_code"],
            row["province"],
            Kind(row["kind"]),
            Validity(row["valid_from"], row["valid_to"]),
            row["source"],
        )
        for row in _read("pooling_regions.csv")
    }
    notes = {row["code"]: (row["note_zh"], row["note_en"]) for row in _read("placements.csv")}
    areas: dict[str, list[Area]] = {}
    for row in _read("areas.csv"):
        area = Area(
            row["code"],
            row["name"],
            row["pooling_region"],
            row["rule"],
            row["successor"],
            Validity(row["valid_from"], row["valid_to"]),
            row["source"],
            *(notes[row["code"]] if row["rule"] == "by_hand" else ()),
        )
        areas.setdefault(area.code, []).append(area)
    for region in regions.values():
        if region.code not in areas:  # a whole province is no row among the counties
            areas[region.code] = [
                Area(region.code, region.name, region.code, "itself", "", region.validity, region.source)
            ]
    for row in _read("insurance_codes.csv"):
        _add_insurance_code(row, regions, areas)
    unplaced = {
        row["code"]: Unplaced(row["code"], row["name"], row["note_zh"], row["note_en"])
        for row in _read("unplaced_codes.csv")
    }
    ordered = dict(sorted(regions.items()))
    return Directory(ordered, {code: tuple(rows) for code, rows in sorted(areas.items())}, unplaced)


def _add_insurance_code(row: dict[str, str], regions: dict[str, PoolingRegion], areas: dict[str, list[Area]]) -> None:
    """A code of the insurance system's own: an office of a region, or a fund that stands alone."""
    validity = Validity(row["valid_from"], row["valid_to"])
    code = row["code"]
    areas[code] = [
        Area(
            code,
            row["name"],
            row["pooling_region"],
            "insurance",
            "",
            validity,
            row["source"],
            row["note_zh"],
            row["note_en"],
        )
    ]
    if row["pooling_region"] == code:
        province_code = code[:2] + "0000"
        province = next(region.province for region in regions.values() if region.province_code == province_code)
        regions[code] = PoolingRegion(
            code, row["name"], "", province_code, province, Kind.INSURANCE, validity, row["source"]
        )
