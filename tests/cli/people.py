"""Invented people in two registries, and application files about them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from jiexu.region.registry import Bank, SqliteRegistry
from jiexu.region.registry.sample import SamplePerson, joining, leaving, sample_people

HEADER = "姓名,证件类型,证件号码,转出险种,转入险种,转出地,转入地"


def movers(folder: Path, count: int, seed: int = 5) -> list[SamplePerson]:
    """People who left 西安 and joined 温州."""
    today, random = datetime.now(UTC).date(), Random(seed)
    people = list(sample_people(seed, "610100", count))
    for code, name in (("610100", "xian"), ("330300", "wenzhou")):
        bank = Bank(folder / "bank.db")
        registry = SqliteRegistry(folder / name / "registry.db", code, bank, lambda: datetime.now(UTC))
        for person in people:
            registry.put(leaving(random, person, today) if code == "610100" else joining(person, today))
        registry.close()
        bank.close()
    return people


def row(person: SamplePerson, number: str | None = None, out: str = "西安", into: str = "瓯海") -> str:
    """One line of an application file."""
    who = person.identity
    return f"{who.name},01,{number or who.document_number},职工,310,{out},{into}"


def application_file(path: Path, rows: Sequence[str], encoding: str = "utf-8", header: str = HEADER) -> Path:
    """Write it, in the encoding that a window's spreadsheet uses."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path
