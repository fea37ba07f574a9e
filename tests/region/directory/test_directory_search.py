"""Finding a region by what a clerk types."""

import pytest

from jiexu.region.directory.load import load_directory
from jiexu.region.directory.search import Fit, find, nothing_found

DIRECTORY = load_directory()


def codes(text: str) -> list[str]:
    return [match.pooling_region.code for match in find(DIRECTORY, text)]


def test_ouhai_is_found_as_wenzhou_and_says_why_in_both_languages():
    (match,) = find(DIRECTORY, "瓯海")

    assert match.pooling_region.code == "330300"
    assert match.pooling_region.name == "温州市"
    assert match.code == "330304"
    assert "瓯海区（330304）属温州市" in match.zh
    assert "belongs to 温州市" in match.en


@pytest.mark.parametrize(
    "text",
    ["瓯海区", "浙江温州瓯海", "浙江省温州市瓯海区", "温州 瓯海", "330304", "温州市", "wenzhou", " WENZHOU "],
)
def test_a_place_is_found_however_it_is_written(text: str):
    assert codes(text)[0] == "330300"


def test_a_region_of_the_name_comes_before_a_district_of_the_name():
    assert codes("朝阳")[:3] == ["211300", "110000", "220100"]


def test_the_same_district_name_in_four_cities_gives_four_regions():
    assert codes("鼓楼区") == ["320100", "320300", "350100", "410200"]


def test_naming_the_city_too_leaves_one():
    assert codes("长春市朝阳区") == ["220100"]


def test_a_former_name_is_found_and_said_to_be_former():
    match = find(DIRECTORY, "襄樊")[0]

    assert match.pooling_region.name == "襄阳市"
    assert match.older
    assert "今名襄阳市" in match.zh


def test_a_place_of_today_comes_before_a_former_one():
    matches = find(DIRECTORY, "桥东区")

    assert not matches[0].older
    assert all(match.older for match in matches[1:])


def test_a_code_fits_first_and_its_beginning_fits_too():
    assert find(DIRECTORY, "411328")[0].fit is Fit.CODE
    assert codes("3303") == ["330300"]


def test_a_province_gives_its_regions():
    assert set(codes("浙江")) == {region.code for region in DIRECTORY.in_province("浙江")}


@pytest.mark.parametrize("text", ["", "  ", "市辖区", "xyz", "3", "不存在的地方"])
def test_what_names_no_place_finds_nothing(text: str):
    assert codes(text) == []


def test_a_misspelt_name_gets_names_that_look_alike():
    problem = nothing_found(DIRECTORY, "瓯诲区")

    assert problem.code == "DIR-06"
    assert problem.near[0].code == "330304"


def test_a_limit_keeps_the_best():
    assert find(DIRECTORY, "鼓楼", 1) == find(DIRECTORY, "鼓楼")[:1]
