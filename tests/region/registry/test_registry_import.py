"""`jiexu registry import` and `export`: good rows go in, wrong ones come back, twice is once."""

import json
from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jiexu.region.registry import Bank, SqliteRegistry
from jiexu.region.registry.cli import registry
from jiexu.rules.facts import Identity, Scheme
from tests.region.platform_contract import ON, ActKey
from tests.region.registry.world import NUMBER, OUT, Clock

WHO = Identity("林晓", "01", NUMBER)

FILES = {
    "persons": f"人员编号,姓名,证件类型,证件号码,在院,已退休\nP1,林晓,1,{NUMBER.lower()},否,否\nP2,JOHN,03,E123,,\n",
    "relations": "人员编号,险种,参保状态,单位,缴费至\nP1,310,2,U1,202112\n",
    "employers": "单位编号,单位名称\nU1,某某公司\n",
    "periods": "人员编号,险种,起始年月,终止年月,统筹区\nP1,职工,2020年1月,2021/12,\nP1,居民,201901,201912,610100\n",
    "accounts": '人员编号,余额,利息,其他项目\nP1,"1,000.00",3.21,补记=-0.21\n',
    "arrears": "人员编号,欠费年月\nP1,202201\n",
    "bank_lines": "类型,汇款编号,金额,入账日期,流水号\n到账,R9,500,2026-01-05,S1\n",
}


def write(directory: Path, encoding: str = "utf-8", **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / f"{name}.csv").write_bytes(content.encode(encoding))
    return directory


def call(*arguments: object) -> Result:
    return CliRunner().invoke(registry, [str(argument) for argument in arguments])


def opened(tmp_path: Path) -> SqliteRegistry:
    return SqliteRegistry(tmp_path / "r.db", OUT, Bank(tmp_path / "bank.db"), Clock())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_the_files_say_is_what_the_registry_states(tmp_path: Path, encoding: str) -> None:
    files = write(tmp_path / "in", encoding, **FILES)
    result = call("import", "--registry", tmp_path / "r.db", files, "--json")
    assert result.exit_code == 0, result.output
    assert [file["good"] for file in json.loads(result.stdout)["files"]] == [2, 1, 1, 2, 1, 1, 1]
    platform = opened(tmp_path)
    (facts,) = platform.facts([WHO], Scheme.EMPLOYEE, ON)
    assert facts.identities == (WHO,)
    assert (facts.balance, facts.arrears, facts.in_hospital) == (Decimal("1000.00"), ("2022-01",), False)
    assert facts.family_sharing is None
    assert facts.relations[0].employer == "某某公司"
    assert facts.active_months[-1] == "2021-12"
    assert "2019-01" not in facts.active_months
    (form,) = platform.form_facts([("c", WHO, Scheme.EMPLOYEE)], ON)
    assert form is not None
    assert form.account is not None
    assert form.account.amount == Decimal("1003.00")
    assert (form.sex, str(form.birth_date), form.first_insured) == ("female", "1988-05-12", "2019-01")
    assert [(row.region, row.brought_in, row.months) for row in form.rows] == [("610100", True, 12), (OUT, False, 24)]
    assert [line.reference for line in platform.bank_lines(0)] == ["R9"]


def test_importing_again_changes_nothing_even_after_a_case_has_acted(tmp_path: Path) -> None:
    from jiexu.region.platform import Debit, EndRelation

    files = write(tmp_path / "in", **FILES)
    for _ in range(2):
        assert call("import", "--registry", tmp_path / "r.db", files).exit_code == 0
    platform = opened(tmp_path)
    platform.perform(
        [
            Debit(ActKey("c", "debit", "1"), WHO, Scheme.EMPLOYEE, Decimal("600.00")),
            EndRelation(ActKey("c", "end", "1"), WHO, Scheme.EMPLOYEE, "610100"),
        ]
    )
    before = platform.facts([WHO], Scheme.EMPLOYEE, ON)
    assert call("import", "--registry", tmp_path / "r.db", files).exit_code == 0
    assert platform.facts([WHO], Scheme.EMPLOYEE, ON) == before
    assert before[0].relations[0].ended_to == "610100"
    write(files, accounts="人员编号,余额,利息\nP1,900,3.00\n")
    assert call("import", "--registry", tmp_path / "r.db", files).exit_code == 0
    assert platform.facts([WHO], Scheme.EMPLOYEE, ON)[0].balance == Decimal("303.00")
    assert platform.unbalanced() == []


def test_wrong_rows_come_back_with_line_and_reason_and_a_masked_number(tmp_path: Path) -> None:
    wrong = NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")
    files = write(
        tmp_path / "in",
        persons=f"人员编号,姓名,证件号码\nP1,林晓,{NUMBER}\nP2,错号,{wrong}\nP3,科学,6.10E+17\n",
        relations="人员编号,险种,参保状态\nP2,职工,正常参保\nP1,养老,正常参保\n",
        periods="人员编号,险种,起始年月,终止年月,月数\nP1,职工,2020-13,2021-01,1\nP1,职工,2020-02,2020-01,1\n"
        "P1,职工,2020-01,2020-03,4\nP1,职工,2020-01,2020-03,-1\n",
        accounts="人员编号,余额,利息\nP1,1.005,0\nP1,-20.00,0\nP1,1,-1\n",
    )
    result = call("import", "--registry", tmp_path / "r.db", files, "--json")
    assert result.exit_code == 1
    counts = {Path(f["file"]).stem: (f["good"], f["rejected"]) for f in json.loads(result.stdout)["files"]}
    assert counts == {"persons": (1, 2), "relations": (0, 2), "periods": (0, 4), "accounts": (1, 2)}
    codes = {
        name: [line.split(",") for line in (files / f"{name}.rejected.csv").read_text("utf-8-sig").splitlines()[1:]]
        for name in counts
    }
    assert [(row[3], row[4]) for row in codes["persons"]] == [("3", "document_number_bad"), ("4", "number_rounded")]
    assert [row[4] for row in codes["relations"]] == ["person_unknown", "choice_unknown"]
    assert [row[6] for row in codes["periods"]] == ["month_bad", "months_backwards", "number_bad", "number_bad"]
    assert [row[4] for row in codes["accounts"]] == ["amount_bad", "amount_negative"]
    assert wrong not in "".join(codes["persons"][0][5:])


def test_a_missing_column_refuses_everything_before_a_row_is_written(tmp_path: Path) -> None:
    files = write(tmp_path / "in", persons=FILES["persons"], accounts="人员编号\nP1\n")
    result = call("import", "--registry", tmp_path / "r.db", files)
    assert result.exit_code == 2
    assert "[column_missing] accounts.csv:1" in result.output
    assert "余额" in result.output
    assert opened(tmp_path).facts([WHO], Scheme.EMPLOYEE, ON)[0].identities == ()


@pytest.mark.parametrize(("given", "code"), [("people.csv", "file_unknown"), ("persons.csv", "file_missing")])
def test_a_file_that_is_not_known_or_not_there_is_refused(tmp_path: Path, given: str, code: str) -> None:
    result = call("import", "--registry", tmp_path / "r.db", tmp_path / given, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["refused"]["code"] == code


def test_export_then_import_into_an_empty_registry_gives_the_same_files(tmp_path: Path) -> None:
    files = write(tmp_path / "in", **FILES)
    assert call("import", "--registry", tmp_path / "r.db", files).exit_code == 0
    assert call("export", "--registry", tmp_path / "r.db", tmp_path / "a").exit_code == 0
    assert call("import", "--registry", tmp_path / "s.db", tmp_path / "a").exit_code == 0
    assert call("export", "--registry", tmp_path / "s.db", tmp_path / "b").exit_code == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(f"{name}.csv" for name in FILES)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_line_known_from_a_statement_is_not_booked_again_from_the_bank(tmp_path: Path) -> None:
    from tests.region.platform_contract import Acts, done
    from tests.region.registry.world import IN, RegistryWorld

    world = RegistryWorld(tmp_path)
    done(world.outbound, Acts(world).send())
    serial = world.bank.lines(IN, 0, world.clock())[0].line.serial
    statement = f"kind,reference,amount,bank_date,serial\narrived,R1,1000.00,2026-03-02,{serial}\n"
    files = write(tmp_path / "in", bank_lines=statement)
    assert call("import", "--registry", tmp_path / f"{IN}.db", files).exit_code == 0
    assert [line.reference for line in world.inbound.bank_lines(0)] == ["R1"]
    assert world.inbound.books()["arrived"] == Decimal("1000.00")


def test_help_lists_every_column_and_english_alone_when_asked_for(tmp_path: Path) -> None:
    shown = call("import", "--help").output
    for column in ("person_number*", "证件号码", "other_lines", "bank_lines.csv"):
        assert column in shown

    @click.group()
    @click.option("--lang")
    def root(lang: str) -> None:
        """Root."""

    root.add_command(registry)
    result = CliRunner().invoke(
        root, ["--lang", "en", "registry", "sample", "--registry", str(tmp_path / "r.db"), "--region", "610100"]
    )
    assert result.output == "10 invented people put in.\n"


def test_a_file_that_is_no_registry_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "r.db").write_text("no database, only text that is long enough to be looked at", encoding="utf-8")
    result = call("import", "--registry", tmp_path / "r.db", write(tmp_path / "in", **FILES))
    assert result.exit_code == 2
    assert "registry_unreadable" in result.output
