"""Adding a year: strict, idempotent, never over another without being told to, and never half."""

import json
from pathlib import Path
from typing import Any

import pytest
from invented_year import as_bytes, year_2027

from jiexu.calendar import CalendarError, add, load, overlay_directory, read_plan


def put(directory: Path, document: dict[str, Any], *, replace: bool = False) -> Any:
    return add(as_bytes(document), directory, where="2027.json", replace=replace)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_an_added_year_is_published(added: Path) -> None:
    result = put(added, year_2027())
    assert (result.outcome, result.name) == ("added", "2027")
    assert load(added).is_published(2027)
    assert load(added).version == result.calendar
    assert not load().is_published(2027)


def test_adding_the_same_year_again_changes_nothing(added: Path) -> None:
    put(added, year_2027())
    before = contents(added)
    assert put(added, year_2027()).outcome == "unchanged"
    assert contents(added) == before == {"2027.json": before["2027.json"]}


def test_adding_a_shipped_year_as_it_is_writes_nothing(added: Path) -> None:
    shipped = load().plans(2026)[0]
    assert add(shipped.to_bytes(), added, where="2026.json").outcome == "unchanged"
    assert not added.exists()


def test_other_content_for_a_published_year_needs_replace(added: Path) -> None:
    put(added, year_2027())
    before = contents(added)
    with pytest.raises(CalendarError, match="CAL-10") as refused:
        put(added, year_2027(moved_workdays=[]))
    assert "--replace" in refused.value.zh
    assert contents(added) == before


def test_replacing_keeps_the_earlier_version(added: Path) -> None:
    put(added, year_2027())
    before = (added / "2027.json").read_bytes()
    result = put(added, year_2027(moved_workdays=[]), replace=True)
    assert result.outcome == "replaced"
    assert result.earlier.read_bytes() == before
    assert load(added).plans(2027)[0].moved_workdays == ()


def test_a_correction_of_a_shipped_year_stands_over_the_package(added: Path) -> None:
    document = json.loads(load().plans(2026)[0].to_bytes())
    document["moved_workdays"].append("2026-12-26")
    assert put(added, document, replace=True).outcome == "replaced"
    assert load(added).version != load().version
    assert [path for path in contents(added) if path.startswith("earlier/2026-")]


def test_the_days_of_a_province_are_added_in_the_same_way(added: Path) -> None:
    document = year_2027(
        year=2025,
        province="54",
        holidays=[{"zh": "藏历新年", "en": "Losar", "days": ["2025-02-27", "2025-02-28"]}],
        moved_workdays=[],
    )
    assert not load(added).in_province("54").is_published(2025)
    assert put(added, document).name == "54-2025"
    assert load(added).in_province("54").is_published(2025)
    assert load(added).version == load().version


def test_a_province_without_days_of_its_own_cannot_get_some(added: Path) -> None:
    with pytest.raises(CalendarError, match="CAL-05"):
        put(added, year_2027(province="11"))


def test_a_year_that_leaves_a_gap_is_refused(added: Path) -> None:
    document = json.loads(as_bytes(year_2027()).replace(b"2027", b"2029"))
    document["moved_workdays"] = []
    with pytest.raises(CalendarError, match="CAL-09") as refused:
        put(added, document)
    assert "2027" in refused.value.zh
    assert not added.exists()


FIRST = ["2027-01-01", "2027-01-02", "2027-01-03"]


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"moved_workdays": ["2027-02-15"]}, "不是星期六或星期日", "no Saturday or Sunday"),
        ({"moved_workdays": ["2027-01-02"]}, "既是假日又是调休上班日", "both a holiday and a moved workday"),
        ({"moved_workdays": ["2028-01-01"]}, "不在 2027 年内", "not in 2027"),
        ({"moved_workdays": ["2027-02-14", "2027-02-14"]}, "重复", "stands twice"),
        ({"moved_workdays": ["2027-05-08", "2027-02-14"]}, "按先后排列", "in order"),
        ({"moved_workdays": ["14.2.2027"]}, "不是有效日期", "date"),
        ({"moved_workdays": [1800000000]}, "日期", "date"),
        ({"moved_workdays": ["2027-02-14T00:00:00"]}, "日期", "date"),
        ({"holidays": []}, "缺少法定假日 2027-01-01", "2027-01-01 is missing"),
        ({"holidays": [{"zh": "元旦", "en": "New Year", "days": [*FIRST, "2027-01-03"]}]}, "重复", "stands twice"),
        ({"holidays": [{"zh": "元旦", "en": "New Year", "days": []}]}, "至少要有一项", "at least 1 item"),
        ({"holidays": [{"zh": " ", "en": "New Year", "days": FIRST}]}, "不能为空", "at least 1 character"),
        ({"holidays": [{"zh": "元旦", "days": FIRST}]}, "缺少该字段", "required"),
        ({"holidays": [{"zh": "甲", "en": "A", "days": FIRST}] * 2}, "出现在两个节日中", "in two holidays"),
        ({"year": 2015}, "不能早于 2016 年", "2016"),
        ({"year": "2027"}, "应为整数", "integer"),
        ({"province": "450000"}, "两位省级代码", "pattern"),
        ({"notices": []}, "至少要有一项", "at least 1 item"),
        ({"moved_workday": []}, "不认识的字段", "not permitted"),
    ],
)
def test_a_faulty_file_is_refused_in_both_languages(changes: dict[str, Any], zh: str, en: str) -> None:
    with pytest.raises(CalendarError, match="CAL-07") as refused:
        read_plan(as_bytes(year_2027(**changes)), "2027.json")
    assert zh in refused.value.zh
    assert en in refused.value.en
    assert "2027.json" in refused.value.zh


def test_every_fault_is_named_with_its_place_and_not_only_the_first() -> None:
    document = year_2027(year="2027", moved_workdays=["soon"])
    with pytest.raises(CalendarError) as refused:
        read_plan(as_bytes(document), "2027.json")
    assert "year：" in refused.value.zh
    assert "moved_workdays.0：" in refused.value.zh


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"year": 2027, "year": 2028}', b"[" * 100_000, b" " * 300_000]
)
def test_what_is_no_readable_json_is_refused(content: bytes) -> None:
    with pytest.raises(CalendarError, match="CAL-06"):
        read_plan(content, "2027.json")


def test_a_file_that_was_put_there_by_hand_and_is_broken_is_not_skipped(added: Path) -> None:
    added.mkdir()
    (added / "2027.json").write_bytes(b"{}")
    with pytest.raises(CalendarError, match="CAL-07") as refused:
        load(added)
    assert str(added / "2027.json") in refused.value.zh


def test_a_file_under_the_name_of_another_year_is_refused(added: Path) -> None:
    added.mkdir()
    (added / "2028.json").write_bytes(as_bytes(year_2027()))
    with pytest.raises(CalendarError, match="CAL-11"):
        load(added)


def test_a_write_that_fails_leaves_the_old_year_whole(added: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(added, year_2027())
    before = (added / "2027.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jiexu.calendar.installed.os.fsync", full)
    with pytest.raises(CalendarError, match="CAL-11"):
        put(added, year_2027(moved_workdays=[]), replace=True)
    assert contents(added) == {"2027.json": before}


def test_the_directory_is_the_variables_or_the_users() -> None:
    assert overlay_directory({"JIEXU_CALENDAR_DIR": "/srv/years"}) == Path("/srv/years")
    assert overlay_directory({}) == Path.home() / ".local/share/jiexu/calendar"
    assert overlay_directory({"JIEXU_CALENDAR_DIR": ""}) == overlay_directory({})
