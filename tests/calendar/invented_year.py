"""An invented notice for 2027: the tests must not depend on the real one."""

import json
from typing import Any

from jiexu.calendar import YearPlan, read_plan


def year_2027(**changes: Any) -> dict[str, Any]:
    """The year file as a document, with some fields changed."""
    year: dict[str, Any] = {
        "year": 2027,
        "notices": [{"title": "国务院办公厅关于2027年部分节假日安排的通知", "number": "unknown", "dated": "unknown"}],
        "holidays": [
            {"zh": "元旦", "en": "New Year's Day", "days": ["2027-01-01", "2027-01-02", "2027-01-03"]},
            {"zh": "春节", "en": "Spring Festival", "days": [f"2027-02-{day:02d}" for day in range(5, 13)]},
            {"zh": "劳动节", "en": "Labour Day", "days": [f"2027-05-{day:02d}" for day in range(1, 6)]},
            {"zh": "国庆节", "en": "National Day", "days": [f"2027-10-{day:02d}" for day in range(1, 8)]},
        ],
        "moved_workdays": ["2027-02-14", "2027-05-08", "2027-10-09"],
        "source": "invented for the tests",
    }
    return year | changes


def as_bytes(document: dict[str, Any]) -> bytes:
    """The document as a year file."""
    return json.dumps(document, ensure_ascii=False).encode()


def as_plan(document: dict[str, Any]) -> YearPlan:
    """The document taken in."""
    return read_plan(as_bytes(document), "test")
