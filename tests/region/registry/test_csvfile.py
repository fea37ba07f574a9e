"""Reading CSV as offices have it: encodings, headers, wrong rows."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from jiexu.region.csvfile import Column, FileRefused, RowRefused, read_table, rejected_path

COLUMNS = {"name": ("姓名",), "number": ("号码", "编号"), "note": Column(("备注",), required=False)}


def parse(row: Mapping[str, str]) -> tuple[str, int]:
    if not row["number"].isdigit():
        raise RowRefused("number_bad", "number", "不是数字", "not a number")
    return row["name"], int(row["number"])


def read(path: Path) -> tuple[list[tuple[str, int]], list[tuple[int, str]]]:
    table = read_table(path, COLUMNS, parse)
    good = [row.value for row in table.good]
    return good, [(bad.line, bad.problem.code) for bad in table.bad]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_office_encodings_are_told_apart(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(newline.join(["姓名,编号", "张三,1", "𠮷野,2"]).encode(encoding))
    assert read(path) == ([("张三", 1), ("𠮷野", 2)], [])


def test_a_character_split_between_two_reads_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("姓名,编号\n" + "张,1\n" * 200_000, encoding="utf-8")
    assert len(read(path)[0]) == 200_000


def test_headers_are_compared_without_case_blanks_and_width(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(" ＮＡＭＥ ,编 号,别的\n张三,1,x\n", encoding="utf-8")
    assert read(path) == ([("张三", 1)], [])


def test_a_wrong_row_comes_back_and_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,number\n张三,1\n李四,x\n"王五,3\n赵六\n\n,,\n钱七,5,6\n孙八,7\n', encoding="utf-8")
    good, bad = read(path)
    assert good == [("张三", 1), ("孙八", 7)]
    assert bad == [(3, "number_bad"), (4, "quote_open"), (5, "cells_wrong"), (8, "cells_wrong")]


def test_rejected_rows_can_be_corrected_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("姓名,编号\n张三,x\n".encode("gb18030"))
    table = read_table(path, COLUMNS, parse)
    assert list(table.good) == []
    target = table.write_rejected()
    assert target == rejected_path(path) == tmp_path / "a.rejected.csv"
    target.write_text(target.read_text(encoding="utf-8-sig").replace("张三,x", "张三,1"), encoding="utf-8")
    assert read(target) == ([("张三", 1)], [])


def test_an_old_list_of_rejected_rows_goes_when_all_are_good(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rejected_path(path).write_text("old", encoding="utf-8")
    path.write_text("name,number\n张三,1\n", encoding="utf-8")
    table = read_table(path, COLUMNS, parse)
    list(table.good)
    assert table.write_rejected() is None
    assert not rejected_path(path).exists()


def test_what_spreadsheets_put_round_numbers_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,number\n张三,"=""12"""\n\u3000李四 ,\'13\n', encoding="utf-8")
    assert read(path)[0] == [("张三", 12), ("李四", 13)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n\n", "file_empty"),
        ("姓名\n张三\n".encode(), "column_missing"),
        ("姓名,name,编号\n".encode(), "column_twice"),
        (b"PK\x03\x04...", "not_csv"),
        ("姓名,编号\n".encode("utf-16"), "not_csv"),
        (b"name,number\n\xff\xff\xff\n", "encoding_unknown"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole_with_what_to_do(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        read_table(path, COLUMNS, parse)
    assert refused.value.code == code
    assert "a.csv" in refused.value.where
    assert refused.value.zh
    assert refused.value.en


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="file_missing"):
        read_table(tmp_path / "none.csv", COLUMNS, parse)


def test_progress_ends_at_the_number_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,number\n" + "张,1\n" * 4_500, encoding="utf-8")
    told: list[tuple[int, int]] = []
    list(read_table(path, COLUMNS, parse, progress=lambda done, lines: told.append((done, lines))).good)
    assert told == [(2000, 4501), (4000, 4501), (4501, 4501)]
