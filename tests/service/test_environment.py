"""A region's settings from the environment: what goes before the file, whose they are, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from jiexu.service.config import Config, ConfigError, load_config

FILE = """
region = "610100"
directory_root = "root"
[office]
code = "610100"
name = "西安市医疗保障经办机构"
[exchange.kafka]
bootstrap = "127.0.0.1:9092"
[platform]
registry = "registry.db"
bank = "bank.db"
[steps.outbound]
upload = "clerk"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "region.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def loaded(file: Path, **variables: str) -> Config:
    return load_config(file, {"JIEXU_CONFIG": str(file), "PATH": "/bin", **variables})


def refusal(file: Path, environ: Mapping[str, str]) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        load_config(file, environ)
    return refused.value


def test_a_variable_goes_before_the_file_and_leaves_what_it_does_not_name(file: Path) -> None:
    config = loaded(
        file,
        JIEXU_JOURNAL="other.db",
        JIEXU_BATCH="64",
        JIEXU_EXCHANGE__KAFKA__BOOTSTRAP="kafka:9092",
        JIEXU_EXCHANGE__KAFKA__SSL_CHECK_HOSTNAME="true",
        JIEXU_EXCHANGE__KAFKA__REQUEST_TIMEOUT="2.5",
        JIEXU_STEPS__OUTBOUND__ANSWER="clerk",
        JIEXU_OFFICE__PHONE="02900000000",
    )
    assert (config.journal, config.batch, config.office.phone) == ("other.db", 64, "02900000000")
    assert config.office.name == "西安市医疗保障经办机构"
    assert config.exchange.kafka is not None
    assert (config.exchange.kafka.bootstrap, config.exchange.kafka.request_timeout) == ("kafka:9092", 2.5)
    assert (config.mode("outbound", "answer"), config.mode("outbound", "upload")) == ("clerk", "clerk")


def test_without_a_file_the_environment_alone_makes_a_region(tmp_path: Path) -> None:
    file = tmp_path / "region.toml"
    everything = {
        "JIEXU_REGION": "610100",
        "JIEXU_DIRECTORY_ROOT": "root",
        "JIEXU_OFFICE__CODE": "610100",
        "JIEXU_OFFICE__NAME": "西安",
        "JIEXU_EXCHANGE__EMBEDDED": "exchange.db",
        "JIEXU_PLATFORM__REGISTRY": "registry.db",
        "JIEXU_PLATFORM__BANK": "bank.db",
    }
    assert loaded(file, **everything).path("journal.db") == tmp_path / "journal.db"
    del everything["JIEXU_REGION"]
    assert "jiexu region init" in refusal(file, {"JIEXU_CONFIG": str(file), **everything}).en


def test_variables_speak_for_the_region_of_JIEXU_CONFIG_and_for_no_other(file: Path, tmp_path: Path) -> None:
    (tmp_path / "partner").mkdir()
    partner = tmp_path / "partner" / "region.toml"
    partner.write_text(FILE, encoding="utf-8")
    environ = {"JIEXU_CONFIG": str(tmp_path / "partner" / ".." / "region.toml"), "JIEXU_JOURNAL": "own.db"}
    assert load_config(file, environ).journal == "own.db"
    assert load_config(partner, environ).journal == "journal.db"


def test_variables_that_are_nobodys_are_refused(file: Path) -> None:
    refused = refusal(file, {"JIEXU_JOURNAL": "own.db"})
    assert "JIEXU_JOURNAL" in refused.zh
    assert "JIEXU_CONFIG" in refused.zh
    assert load_config(file, {"JIEXU_LANG": "en", "JIEXU_TEST_KAFKA": "x:1", "JIEXUN": "x"}).region == "610100"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("JIEXU_JOURNALS", "x", "is JIEXU_JOURNAL meant?"),
        ("JIEXU_EXCHANGE_KAFKA_BOOTSTRAP", "x:1", "is JIEXU_EXCHANGE__KAFKA__BOOTSTRAP meant?"),
        ("JIEXU_EXCHANGE__KAFKA__BOOTSTRAP__PORT", "1", "no setting"),
        ("JIEXU_FOLDER", "/", "no setting"),
        ("JIEXU_XYZ", "1", "JIEXU_XYZ is no setting"),
        ("JIEXU_EXCHANGE__KAFKA", "x:1", "is a table"),
        ("JIEXU_STEPS__OUTBOUND", "clerk", "is a table"),
        ("JIEXU_JOURNAL", "", "is empty"),
        ("JIEXU_BATCH", "many", "'many' cannot be used"),
        ("JIEXU_EXCHANGE__KAFKA__SECURITY", "NONE", "'NONE' cannot be used"),
        ("JIEXU_BATCH", "0", "batch: "),
        ("JIEXU_REGION", "西安", "region: "),
        ("JIEXU_STEPS__OUTBOUND__UPLAOD", "clerk", "steps.outbound.uplaod: no such step"),
        ("JIEXU_EXCHANGE__EMBEDDED", "exchange.db", "exactly one of embedded and kafka"),
    ],
)
def test_what_is_no_setting_or_has_no_such_value_is_refused_by_name(
    file: Path, name: str, value: str, said: str
) -> None:
    refused = refusal(file, {"JIEXU_CONFIG": str(file), name: value})
    assert name in refused.zh
    assert name in refused.en
    assert said in refused.en


def test_every_wrong_variable_is_named_at_once(file: Path) -> None:
    refused = refusal(file, {"JIEXU_CONFIG": str(file), "JIEXU_JURNAL": "x", "JIEXU_BATCH": "x"})
    assert "JIEXU_JURNAL" in refused.en
    assert "JIEXU_BATCH" in refused.en


def test_a_secret_in_the_environment_is_refused_without_being_shown(file: Path) -> None:
    name = "JIEXU_EXCHANGE__KAFKA__SASL_PASSWORD"
    refused = refusal(file, {"JIEXU_CONFIG": str(file), name: "hunter2"})
    assert f"is {name}_FILE meant?" in refused.en
    assert "hunter2" not in refused.zh + refused.en
