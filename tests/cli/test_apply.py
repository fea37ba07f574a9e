"""The counter on the command line: one application, files of them, and the dry run before."""

from pathlib import Path
from typing import Any

import pytest

from jiexu.region.registry.sample import sample_people

from .conftest import Jiexu
from .people import application_file, movers, row

# 100,000 rows take about 80 seconds; the way is the same, as nothing is kept of a batch once it is answered.
MANY, BAD = 20_000, (10, 9_999, 19_998)


def _options(person: Any, **changes: str) -> list[str]:
    given = {
        "name": person.identity.name,
        "document-number": person.identity.document_number,
        "outbound": "西安",
        "inbound": "温州",
    } | changes
    return [word for name, value in given.items() for word in (f"--{name}", value)]


def test_one_application_is_lodged_by_options(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    answer = jiexu("apply", *_options(person), "--by", "D0117", "--config", two / "wenzhou" / "region.toml")
    assert answer.code == 0
    assert "已受理申请" in answer.out
    assert "jiexu status" in answer.out
    assert person.identity.document_number not in answer.out


def test_a_dry_run_says_that_it_may_be_lodged_and_writes_nothing(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    config = two / "wenzhou" / "region.toml"
    answer = jiexu("check", *_options(person), "--config", config, "--json")
    assert answer.code == 0
    assert (answer.json["outcome"], answer.json["case"]) == ("passes", None)
    assert jiexu("status", "--person", person.identity.document_number, "--config", config).code == 1


def test_a_dry_run_gives_all_that_fails_with_who_can_cure_it_and_how(jiexu: Jiexu, two: Path) -> None:
    movers(two, 1)
    stranger = next(iter(sample_people(99, "610100", 1)))
    config = two / "wenzhou" / "region.toml"
    words = _options(stranger, applicant="agent")
    answer = jiexu("check", *words, "--config", config, "--json")
    assert answer.code == 1
    assert answer.json["outcome"] == "refused"
    assert {"IN-01", "APP-01"} <= {ground["code"] for ground in answer.json["grounds"]}
    for ground in answer.json["grounds"]:
        assert all(ground[key] for key in ("zh", "en", "todo_zh", "todo_en", "who")), ground
    text = jiexu("check", *words, "--config", config).out
    assert "怎么办（本人" in text or "怎么办（单位" in text or "怎么办（转入地经办机构" in text


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"outbound": "雁塔区", "inbound": "莲湖区"}, "BOTH-03"), ({"outbound": "南京"}, None)],
)
def test_what_is_no_case_is_turned_back_with_what_to_do(
    jiexu: Jiexu, two: Path, changes: dict[str, str], code: str | None
) -> None:
    (person,) = movers(two, 1)
    answer = jiexu("apply", *_options(person, **changes), "--config", two / "xian" / "region.toml", "--json")
    assert answer.code == 1
    assert (answer.json["outcome"], answer.json["case"]) == ("turned_back", None)
    assert code in (None, answer.json["grounds"][0]["code"])
    assert answer.json["grounds"][0]["todo_zh"]


def test_what_is_missing_is_named(jiexu: Jiexu, two: Path) -> None:
    answer = jiexu("apply", "--name", "张三", "--config", two / "xian" / "region.toml")
    assert answer.code == 2
    assert "--document-number、--outbound、--inbound" in answer.err


def test_a_file_and_one_application_together_are_refused(jiexu: Jiexu, two: Path) -> None:
    answer = jiexu("apply", two / "a.csv", "--name", "张三", "--config", two / "xian" / "region.toml", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "file_or_one")


def test_every_row_of_a_short_file_is_listed_in_the_order_of_the_file(jiexu: Jiexu, two: Path) -> None:
    people = movers(two, 4)
    stranger = next(iter(sample_people(99, "610100", 1)))
    rows = [
        row(people[0]),
        row(people[1], number="123"),
        row(stranger),
        row(people[2], out="温州", into="温州"),
        row(people[3], out="西"),
    ]
    file = application_file(two / "申请.csv", rows)
    answer = jiexu("apply", file, "--config", two / "wenzhou" / "region.toml", "--json")
    assert answer.code == 1
    outcomes = [(one["line"], one["outcome"]) for one in answer.json["rows"]]
    assert outcomes == [(2, "lodged"), (3, "bad_row"), (4, "refused"), (5, "turned_back"), (6, "bad_row")]
    counts = {name: answer.json[name] for name in ("lodged", "refused", "turned_back", "bad_rows")}
    assert counts == {"lodged": 1, "refused": 1, "turned_back": 1, "bad_rows": 2}
    rejected = Path(answer.json["rejected_file"]).read_text(encoding="utf-8-sig").splitlines()
    assert len(rejected) == 4, "the header, two bad rows and the one that was turned back"
    assert rejected[0].endswith("reason_zh,reason_en")


def test_a_file_can_be_checked_before(jiexu: Jiexu, two: Path) -> None:
    people = movers(two, 2)
    file = application_file(two / "a.csv", [row(p) for p in people])
    config = two / "wenzhou" / "region.toml"
    answer = jiexu("check", "--file", file, "--config", config, "--json")
    assert (answer.code, answer.json["passes"]) == (0, 2)
    assert jiexu("apply", file, "--config", config, "--json").json["lodged"] == 2


def test_a_long_file_goes_through_and_its_bad_rows_come_back(jiexu: Jiexu, two: Path) -> None:
    people = list(sample_people(7, "610100", MANY))
    rows = [row(person, number="123" if i in BAD else None) for i, person in enumerate(people)]
    file = application_file(two / "long.csv", rows)
    answer = jiexu("apply", file, "--config", two / "wenzhou" / "region.toml", "--json")
    assert answer.code == 1
    said = answer.json
    assert said["lodged"] + said["refused"] + said["turned_back"] == MANY - len(BAD)
    assert said["bad_rows"] == len(BAD)
    assert len(said["rows"]) == 20, "of a long file only the first problems are shown"
    rejected = Path(said["rejected_file"]).read_text(encoding="utf-8-sig").splitlines()[1:]
    assert len(rejected) == len(BAD) + said["turned_back"]
    assert sum(",123," in line for line in rejected) == len(BAD)
