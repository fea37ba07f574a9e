"""The command line as its users meet it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jiexu.service.logs import mask

from .conftest import Jiexu
from .people import HEADER, application_file, movers, row


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    code = "import sys, jiexu.cli.main as m; m.cli.get_help(__import__('click').Context(m.cli)); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "kafka", "sqlite3", "cryptography", "rich"} & set(loaded)


def test_directory_and_calendar_answer_as_promised(jiexu: Jiexu) -> None:
    found = jiexu("directory", "find", "瓯海", "--json").json
    assert "330300" in json.dumps(found)
    due = jiexu("calendar", "due", "--start", "2026-02-10", "--days", "10", "--json").json
    assert set(due) == {"due", "provisional", "calendar"}
    assert (due["due"], due["provisional"]) == ("2026-03-02", False)


def test_an_unknown_command_is_bad_input(jiexu: Jiexu) -> None:
    assert jiexu("nothing-such").code == 2


def test_a_missing_configuration_says_how_to_make_one(jiexu: Jiexu, tmp_path: Path) -> None:
    answer = jiexu("worklist", "--config", tmp_path / "none.toml")
    assert answer.code == 2
    assert "region init" in answer.err


def test_a_defect_shows_one_sentence_and_no_traceback(jiexu: Jiexu, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jiexu.service.views.worklist", lambda *_: 1 / 0)
    answer = jiexu("worklist", "--config", two / "xian" / "region.toml")
    assert answer.code == 70
    assert "ZeroDivisionError" in answer.err
    assert "Traceback" not in answer.err


def test_a_region_is_never_set_up_twice_in_one_folder(jiexu: Jiexu, two: Path) -> None:
    assert jiexu("region", "init", "西安", "--dir", two / "xian").code == 2


def test_doctor_finds_a_sound_region_sound_and_says_what_is_wrong_with_another(jiexu: Jiexu, two: Path) -> None:
    config = two / "xian" / "region.toml"
    assert jiexu("doctor", "--config", config, "--json").json["sound"]
    (key,) = (two / "xian" / "keys").glob("*.pem")
    key.chmod(0o644)
    answer = jiexu("doctor", "--config", config, "--json")
    assert answer.code == 1
    assert any(f["probe"] == "keys" and f["state"] == "bad" for f in answer.json["findings"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_application_files_are_read_in_the_encodings_that_windows_write(jiexu: Jiexu, two: Path, encoding: str) -> None:
    people = movers(two, 3)
    file = application_file(two / "申请.csv", [row(p) for p in people], encoding)
    answer = jiexu("apply", file, "--config", two / "wenzhou" / "region.toml", "--json")
    assert answer.code == 0
    assert (answer.json["lodged"], answer.json["bad_rows"]) == (3, 0)


def test_a_file_without_a_needed_column_is_refused_as_a_whole(jiexu: Jiexu, two: Path) -> None:
    file = application_file(two / "a.csv", ["王一,西安"], header="姓名,转出地")
    answer = jiexu("apply", file, "--config", two / "xian" / "region.toml", "--json")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "column_missing"


def test_bad_rows_come_back_with_the_reason_and_the_good_ones_go_through(jiexu: Jiexu, two: Path) -> None:
    people = movers(two, 4)
    wrong = people[1].identity.document_number[:-1] + ("1" if people[1].identity.document_number[-1] != "1" else "2")
    rows = [row(people[0]), row(people[1], wrong), row(people[2], into="无此地"), row(people[3], into="西安")]
    file = application_file(two / "a.csv", rows)
    answer = jiexu("apply", file, "--config", two / "xian" / "region.toml", "--json")
    assert answer.code == 1
    assert answer.json["lodged"] == 1
    rejected = (two / "a.rejected.csv").read_text(encoding="utf-8-sig")
    assert all(code in rejected for code in ("document_number_bad", "region_unknown", "BOTH-03"))
    assert "医保" in rejected or "变更" in rejected  # what to do instead of a transfer within one region


def test_the_same_file_twice_lodges_nobody_twice(jiexu: Jiexu, two: Path) -> None:
    people = movers(two, 3)
    file = application_file(two / "a.csv", [row(p) for p in people] + [row(people[0])])
    config = two / "wenzhou" / "region.toml"
    first = jiexu("apply", file, "--config", config, "--json").json
    assert (first["lodged"], first["refused"]) == (3, 1)
    again = jiexu("apply", file, "--config", config, "--json").json
    assert (again["lodged"], again["refused"]) == (0, 4)
    assert again["rows"][0]["grounds"][0]["code"] == "BOTH-04"


def test_a_hundred_thousand_rows_with_three_bad_ones(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    # A region that is not this one's business turns each back at once: what is tried is the file, not the checks.
    rows = [row(person, out="510100", into="510500")] * 100_000
    for line in (7, 50_000, 99_999):
        rows[line] = row(person, number="610100199001010000")
    file = application_file(two / "a.csv", rows)
    answer = jiexu("apply", file, "--config", two / "xian" / "region.toml", "--json")
    assert (answer.json["turned_back"], answer.json["bad_rows"]) == (99_997, 3)
    with (two / "a.rejected.csv").open(encoding="utf-8-sig") as lines:
        bad = [line for line in lines if "document_number_bad" in line]
    assert len(bad) == 3


def test_the_dry_run_tells_every_ground_and_writes_nothing(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    who = person.identity
    config = two / "xian" / "region.toml"
    words = ("--name", who.name, "--document-number", who.document_number, "--outbound", "温州", "--inbound", "西安")
    answer = jiexu("check", *words, "--config", config, "--json")
    assert answer.code == 1
    assert {g["code"] for g in answer.json["grounds"]} >= {"IN-01"}
    assert all(g["zh"] and g["todo_zh"] for g in answer.json["grounds"])
    assert jiexu("status", "--person", f"01:{who.document_number}", "--config", config).code == 1  # no case


def test_a_case_is_shown_acted_on_and_never_shows_the_number(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    number = person.identity.document_number
    config = two / "wenzhou" / "region.toml"
    file = application_file(two / "a.csv", [row(person)])
    case = jiexu("apply", file, "--config", config, "--json").json["rows"][0]["case"]
    said = [
        jiexu("status", case[:12], "--config", config),
        jiexu("status", "--person", number, "--config", config),
        jiexu("timeline", case[:12], "--config", config),
        jiexu("worklist", "--config", config),
        jiexu("events", case, "--config", config),
        jiexu("sent", "--config", config),
        jiexu("todo", "list", "--config", config),
    ]
    assert [answer.code for answer in said] == [0] * len(said)
    assert all(number not in answer.out + answer.err for answer in said)
    alone = jiexu("withdraw", case, "--by", "D1", "--reason", "applicant_request", "--config", config)
    assert alone.code == 1
    assert "复核" in alone.err
    early = jiexu("complete", case, "--by", "D1", "--reviewed-by", "D2", "--config", config)
    assert early.code != 0
    done = jiexu(
        "withdraw", case, "--by", "D1", "--reviewed-by", "D2", "--reason", "applicant_request", "--config", config
    )
    assert done.code == 0
    assert "撤回" in done.out
    late = jiexu("remind", "ffffffff", "--by", "D1", "--reviewed-by", "D2", "--about", "form", "--config", config)
    assert late.code == 1
    english = jiexu("--lang", "en", "status", case, "--config", config)
    assert "withdrawn" in english.out


def test_an_act_that_the_protocol_forbids_names_the_conditions(jiexu: Jiexu, two: Path) -> None:
    (person,) = movers(two, 1)
    config = two / "wenzhou" / "region.toml"
    case = jiexu("apply", application_file(two / "a.csv", [row(person)]), "--config", config, "--json").json
    words = ("--by", "D1", "--reviewed-by", "D2", "--code", "missing_months", "--config", config)
    answer = jiexu("query-form", case["rows"][0]["case"], *words)
    assert answer.code == 1
    assert "须满足" in answer.err


@pytest.mark.parametrize("role", ["outbound", "inbound"])
def test_a_service_logs_json_and_ends_well_on_sigterm(two: Path, role: str) -> None:
    command = [sys.executable, "-m", "jiexu.cli.main", role, "--config", str(two / "xian" / "region.toml")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "checked":
            process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert lines[-1]["event"] == "stopped"
    assert all(line["region"] == "610100" for line in lines)


def test_logs_mask_identity_numbers_and_leave_case_ids_alone() -> None:
    assert mask("查 61010019900101001X 号") == "查 6101**********001X 号"
    assert mask("01a20cf2ee29722ea950a326b98074c0") == "01a20cf2ee29722ea950a326b98074c0"
    assert mask("610100900101001") == "6101*******1001"


def test_the_header_of_the_test_is_the_one_that_help_names(jiexu: Jiexu) -> None:
    text = jiexu("apply", "--help").out
    assert all(name in text for name in HEADER.split(","))
