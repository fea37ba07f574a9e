"""What a data file of rules must not say."""

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from jiexu.rules.lint import lint
from jiexu.rules.ruleset import packaged_library

NATIONAL = packaged_library().national


def overlay(**more: Any) -> dict[str, Any]:
    return {
        "kind": "overlay",
        "region": "330300",
        "version": 1,
        "holds_from": date(2026, 1, 1),
        "date_basis": "stated",
        "title": "t",
        "source": "s",
    } | more


def promise(**changes: Any) -> dict[str, Any]:
    return overlay(promise=[{"procedure": "platform", "clock": "form", "days": 10, "source": "s"} | changes])


def check(**changes: Any) -> dict[str, Any]:
    return overlay(check=[{"code": "OUT-08", "on": True, "source": "s"} | changes])


def money(**changes: Any) -> dict[str, Any]:
    return overlay(money=[{"from_scheme": "employee", "outcome": "pay_to_person", "source": "s"} | changes])


def without(data: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != key}


REFUSED = [
    ("retirement_tied", overlay(switches={"retirement_needs_local_pension": True, "source": "s"})),
    ("undated", without(overlay(), "holds_from")),
    ("undated", overlay(holds_from="2026-01-01")),
    ("undated", overlay(holds_from=None)),
    ("longer_limit", promise(days=11)),
    ("longer_limit", promise(procedure="letter", clock="complete", days=16)),
    ("unknown_clock", promise(clock="tea_break")),
    ("unknown_clock", promise(clock="contact_letter")),
    ("unknown_check", check(code="OUT-99")),
    ("fixed_check", check(code="OUT-01", on=False)),
    ("fixed_check", check(code="BOTH-04", on=False)),
    ("transfer_without_account", money(outcome="transfer", to_scheme="resident")),
    ("transfer_without_account", money(outcome="transfer")),
    ("national_outcome", money(died=True)),
    ("form", overlay(switches={"w3_months": 7, "source": "s"})),
    ("form", overlay(switches={"w3_months": 3})),
    ("form", promise(days=0)),
    ("form", promise(days="5")),
    ("form", promise(days=True)),
    ("form", without(overlay(), "source")),
    ("form", overlay(region="33030")),
    ("form", overlay(colour="red")),
    ("form", check(on="yes")),
    ("kind", without(overlay(), "kind")),
    ("kind", overlay(kind="guess")),
]


@pytest.mark.parametrize(("code", "data"), REFUSED)
def test_lint_refuses(code: str, data: dict[str, Any]) -> None:
    findings = lint(data, NATIONAL)
    assert code in {finding.code for finding in findings}
    assert all(finding.zh and finding.en for finding in findings)


@pytest.mark.parametrize(
    "data",
    [
        overlay(),
        promise(),
        promise(days=1),
        check(),
        check(code="OUT-04", on=False),
        money(to_scheme="resident"),
        money(to_scheme="employee", outcome="transfer"),
        overlay(switches={"w3_months": 6, "source": "s"}),
        overlay(switches={"w3_months": 0, "source": "s"}),
        overlay(switches={"retirement_needs_local_pension": False, "source": "s"}),
    ],
)
def test_lint_lets_pass(data: dict[str, Any]) -> None:
    assert lint(data, NATIONAL) == []


def test_lint_reports_everything_that_is_wrong_and_not_only_the_first() -> None:
    data = check(code="OUT-99") | {
        "promise": [
            {"procedure": "platform", "clock": "form", "days": 11, "source": "s"},
            {"procedure": "platform", "clock": "form", "days": 5, "source": "s"},
        ],
        "switches": {"retirement_needs_local_pension": True, "source": "s"},
    }
    assert [finding.code for finding in lint(data, NATIONAL)] == [
        *("longer_limit", "doubled", "unknown_check", "retirement_tied")
    ]


def test_every_packaged_file_stands_under_the_name_of_its_version() -> None:
    data = Path(str(files("jiexu.rules"))) / "data"
    found = {file.relative_to(data).as_posix() for file in data.rglob("*.toml")}
    library = packaged_library()
    expected = {f"national/{layer.name}.{layer.version}.toml" for layer in library.national}
    for layer in library.local:
        folder = "offices" if layer.kind == "office" else "overlays"
        expected.add(f"{folder}/{layer.id.removeprefix('office-')}.toml")
    assert found == expected
