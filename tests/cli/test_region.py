"""Setting up a region: what is made, what is never made over, and what is said when a part of it fails."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jiexu.cli.main import main
from jiexu.cli.region import find_region, region_named
from jiexu.exchange.embedded import EmbeddedExchange
from jiexu.region.directory.load import load_directory
from jiexu.service.config import load_config

from .conftest import Jiexu


def test_a_region_is_made_by_name_or_code_and_joins_one_directory(jiexu: Jiexu, two: Path) -> None:
    answer = jiexu("region", "show", "--config", two / "xian" / "region.toml", "--json").json
    assert answer["region"] == "610100"
    assert {row["region"]: row["own"] for row in answer["participants"]} == {"610100": True, "330300": False}


def test_keys_are_for_their_owner_alone(two: Path) -> None:
    secrets = [*(two / "xian" / "keys").iterdir(), two / "root" / "root.pem"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in secrets)


def test_the_topics_stand_and_what_comes_next_is_printed(jiexu: Jiexu, tmp_path: Path) -> None:
    answer = jiexu("region", "init", "西安", "--dir", tmp_path / "xian", "--partitions", "3")
    assert answer.code == 0
    for command in ("jiexu registry import", "jiexu outbound", "jiexu inbound", "jiexu doctor"):
        assert command in answer.out
    exchange = EmbeddedExchange(tmp_path / "exchange.db")
    state = exchange.admin().describe(["jiexu.610100.outbound"])["jiexu.610100.outbound"]
    exchange.close()
    assert state.partitions == 3


def test_without_topics_the_command_that_makes_them_is_printed_and_works(jiexu: Jiexu, tmp_path: Path) -> None:
    answer = jiexu("region", "init", "西安", "--dir", tmp_path / "xian", "--no-topics")
    (command,) = [line.split() for line in answer.out.splitlines() if "topics create" in line]
    assert jiexu(*command[1:]).code == 0


def test_a_region_stands_once(jiexu: Jiexu, two: Path) -> None:
    before = (two / "xian" / "region.toml").read_bytes()
    answer = jiexu("region", "init", "西安", "--dir", two / "xian", "--json")
    assert answer.code == 2
    assert answer.json["error"]["zh"]
    assert (two / "xian" / "region.toml").read_bytes() == before


def test_a_given_root_key_signs_and_a_wrong_one_is_refused(jiexu: Jiexu, two: Path, tmp_path: Path) -> None:
    folder = tmp_path / "chengdu"
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no key", encoding="utf-8")
    assert jiexu("region", "init", "成都", "--dir", folder, "--root-key", wrong).code == 2
    assert not folder.exists()
    assert jiexu("region", "init", "成都", "--dir", folder, "--root-key", two / "root" / "root.pem").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("西安", "--kafka", "nowhere"), "kafka_address"),
        (("西安", "--kafka", "127.0.0.1:1", "--exchange", "e.db"), "exchange"),
        (("没有这个地方",), "region_unknown"),
        (("西",), "region_ambiguous"),
        (("999999",), "DIR-02"),
    ],
)
def test_bad_input_makes_nothing(jiexu: Jiexu, tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    answer = jiexu("region", "init", *words, "--dir", tmp_path / "new", "--json")
    assert answer.code == 2
    assert answer.json["error"]["code"] == code
    assert not (tmp_path / "new").exists()


def test_a_name_that_a_region_bears_goes_before_places_that_contain_it() -> None:
    places = load_directory()
    assert find_region("温州", places).code == "330300"
    assert find_region("瓯海", places).code == "330300"
    assert len(region_named(places, "西")) > 1


def test_where_the_exchange_is_unreachable_the_region_stands_and_the_command_for_later_is_named(
    jiexu: Jiexu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jiexu.exchange.port import ExchangeUnavailable

    def unavailable(*_: object) -> None:
        raise ExchangeUnavailable("没有应答。", "No answer.")

    monkeypatch.setattr("jiexu.exchange.topics.create", unavailable)
    answer = jiexu("region", "init", "西安", "--dir", tmp_path / "xian", "--kafka", "127.0.0.1:1")
    assert answer.code == 3
    assert "jiexu topics create --kafka 127.0.0.1:1 --region 610100" in answer.err
    assert (tmp_path / "xian" / "region.toml").exists()


@pytest.mark.parametrize("died_in", ["_write_whole", "sign_entry", "save_participants", "open_journal", "_config_text"])
def test_what_died_on_the_way_is_taken_up_with_the_same_keys(
    jiexu: Jiexu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Died

    folder = tmp_path / "xian"
    with monkeypatch.context() as patch:
        patch.setattr(f"jiexu.service.setup.{died_in}", die)
        with pytest.raises(Died):
            main(["region", "init", "西安", "--dir", str(folder)])
    (key,) = (folder / "keys").glob("*.pem")
    before = key.read_bytes()
    assert jiexu("region", "init", "西安", "--dir", folder).code == 0
    assert [file.read_bytes() for file in (folder / "keys").glob("*.pem")] == [before]
    assert jiexu("doctor", "--config", folder / "region.toml", "--json").json["sound"]


def test_the_journal_can_be_a_database_whose_password_stands_in_a_file(
    jiexu: Jiexu, tmp_path: Path, new_schema: Callable[[], str]
) -> None:
    secret = tmp_path / "secrets" / "journal"
    secret.parent.mkdir()
    secret.write_text("no matter, the server trusts us\n", encoding="utf-8")
    secret.chmod(0o600)
    words = ("--journal", new_schema(), "--journal-password-file", secret)
    assert jiexu("region", "init", "西安", "--dir", tmp_path / "xian", *words).code == 0
    assert not (tmp_path / "xian" / "journal.db").exists()
    config = load_config(tmp_path / "xian" / "region.toml", {})
    assert config.journal == words[1]
    assert config.path(config.journal_password_file or "").samefile(secret)
    assert jiexu("doctor", "--config", tmp_path / "xian" / "region.toml", "--json").json["sound"]
    secret.chmod(0o644)
    assert "0644" in jiexu("doctor", "--config", tmp_path / "xian" / "region.toml").out


def test_a_password_without_a_database_is_refused(jiexu: Jiexu, tmp_path: Path) -> None:
    for words, code in (
        (("--journal", "journal.db"), "journal_address"),
        (("--journal-password-file", tmp_path), "journal_password_file"),
        (("--journal", "postgresql://u@h/d", "--journal-password-file", tmp_path / "no"), "journal_password_file"),
    ):
        answer = jiexu("region", "init", "西安", "--dir", tmp_path / "new", *words, "--json")
        assert (answer.code, answer.json["error"]["code"]) == (2, code)
    assert not (tmp_path / "new").exists()
