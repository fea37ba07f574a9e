"""Keys from the first to the stolen one: a region asks, another person signs, every region installs."""

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from jiexu.contract.keys import load_key
from jiexu.contract.secret_files import write_private
from jiexu.region.directory.file import load_participants
from jiexu.service.config import load_config

from .conftest import Answer, Jiexu


@pytest.fixture
def xian(two: Path) -> Path:
    return two / "xian" / "region.toml"


@pytest.fixture
def keys(jiexu: Jiexu, xian: Path) -> Callable[..., Answer]:
    """`jiexu keys` in 西安."""
    return lambda *words: jiexu("keys", *words, "--config", xian)


def listed(jiexu: Jiexu, config: Path) -> list[dict[str, Any]]:
    answer = jiexu("keys", "list", "--config", config, "--json")
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = answer.json
    return found


def sign(jiexu: Jiexu, folder: Path, *requests: Path, more: tuple[str, ...] = ("--yes",)) -> Answer:
    """What the keeper of the directory does, at a desk of his own."""
    given = ("--directory", folder / "directory.json", "--root-key", folder / "root" / "root.pem")
    return jiexu("directory", "sign", *requests, *given, "--out", folder / "new.json", *more)


def soon(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def change(jiexu: Jiexu, folder: Path, *words: object) -> Answer:
    """A change of 西安's keys, all the way to every region's directory."""
    config, request = folder / "xian" / "region.toml", folder / "request.json"
    request.unlink(missing_ok=True)
    asked = jiexu("keys", *words, "--config", config, "--out", request, "--json")
    assert asked.code == 0, asked.err
    signed = sign(jiexu, folder, request)
    assert signed.code == 0, signed.err
    for name in ("xian", "wenzhou"):
        assert jiexu("directory", "install", folder / "new.json", "--config", folder / name / "region.toml").code == 0
    return asked


def test_a_rotation_travels_from_the_region_to_the_keeper_and_to_every_region(jiexu: Jiexu, two: Path) -> None:
    xian, wenzhou = (two / name / "region.toml" for name in ("xian", "wenzhou"))
    (first,) = listed(jiexu, xian)
    assert (first["state"], first["signs_now"], first["days_left"]) == ("usable", True, None)
    request = two / "request.json"
    asked = jiexu("keys", "rotate", "--config", xian, "--out", request)
    assert asked.code == 0, asked.err
    assert "jiexu directory sign" in asked.out
    old, new = listed(jiexu, xian)
    assert (new["state"], new["file"], new["signs_now"]) == ("unknown", True, False)
    assert (old["state"], old["days_left"]) == ("usable", None), "nothing is changed before it is signed"

    looked = sign(jiexu, two, request, more=("--dry-run",))
    assert looked.code == 0
    assert new["key_id"] in looked.out
    assert "!" not in looked.out, "the last key vouches for the new one"
    assert not (two / "new.json").exists()
    before = (two / "directory.json").read_bytes()
    assert sign(jiexu, two, request).code == 0
    assert (two / "directory.json").read_bytes() == before
    # Both regions of this test share one file; the first to install changes it.
    assert "（本区）" in jiexu("directory", "install", two / "new.json", "--config", xian, "--dry-run").out
    assert jiexu("directory", "install", two / "new.json", "--config", wenzhou).code == 0
    old, new = listed(jiexu, xian)
    assert (old["state"], old["signs_now"], old["days_left"]) == ("usable", True, 30)
    assert (new["state"], new["signs_now"], new["days_left"]) == ("not_yet_valid", False, None)
    shown = jiexu("region", "show", "--config", wenzhou, "--json").json["participants"]
    assert {row["region"]: row["keys"] for row in shown}["610100"] == [old["key_id"], new["key_id"]]


def test_after_the_overlap_the_new_key_alone_may_sign(jiexu: Jiexu, two: Path, xian: Path) -> None:
    change(jiexu, two, "rotate", "--from", soon(), "--overlap-days", "0", "--until", "2090-01-01")
    old, new = listed(jiexu, xian)
    assert (old["state"], old["days_left"]) == ("revoked", 0)
    assert (new["state"], new["signs_now"], new["suite"]) == ("usable", True, "ed25519-sha256")
    assert new["days_left"] > 10_000
    text = jiexu("keys", "list", "--config", xian).out
    assert f"* {new['key_id']}  可用" in text
    assert "已吊销" in text


def test_keys_of_both_suites_with_a_passphrase(jiexu: Jiexu, two: Path, xian: Path) -> None:
    write_private(two / "xian" / "passphrase", b"open sesame\n")
    xian.write_text(f'key_passphrase_file = "passphrase"\n{xian.read_text(encoding="utf-8")}', encoding="utf-8")
    made = jiexu("keys", "create", "--suite", "sm2-sm3", "--config", xian, "--json").json
    file = Path(made["file"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in file.read_bytes()
    assert load_key(file, "open sesame").public_key.hex() == made["public_key"]
    change(jiexu, two, "rotate", "--key", made["key_id"], "--from", soon())
    old, new = listed(jiexu, xian)
    assert (new["suite"], new["encrypted"], new["signs_now"]) == ("sm2-sm3", True, True)
    assert old["encrypted"] is False, "one that was made before stays as it is, and can be used"
    change(jiexu, two, "rotate", "--from", soon(), "--suite", "ed25519-sha256")
    assert [one["suite"] for one in listed(jiexu, xian)] == ["ed25519-sha256", "sm2-sm3", "ed25519-sha256"]
    participants = load_participants(two / "directory.json", load_config(xian).directory_root)
    assert participants.entry("610100").number == 3, "the SM2 key vouched for the last one and signed the entry"


def test_the_only_key_is_stolen_and_another_takes_its_place_on_the_roots_word(
    jiexu: Jiexu, two: Path, xian: Path
) -> None:
    (stolen,) = listed(jiexu, xian)
    since = soon(-3600)
    asked = change(jiexu, two, "revoke", stolen["key_id"], "--compromised-since", since, "--replace").json
    old, new = listed(jiexu, xian)
    assert (old["state"], new["state"], new["signs_now"]) == ("compromised", "usable", True)
    assert asked["signed_with"] == new["key_id"], "the stolen one signs nothing"
    (doubt,) = asked["doubts"]
    fingerprint = load_key(two / "xian" / "keys" / f"{new['key_id']}.pem").public_key
    assert doubt["en"].endswith(sha256(fingerprint).hexdigest())


def test_a_key_of_the_overlap_is_given_up_and_the_other_signs_the_request(jiexu: Jiexu, two: Path, xian: Path) -> None:
    change(jiexu, two, "rotate", "--from", soon())
    old, new = listed(jiexu, xian)
    asked = change(jiexu, two, "revoke", old["key_id"]).json
    assert (asked["signed_with"], asked["doubts"]) == (new["key_id"], [])
    assert [one["state"] for one in listed(jiexu, xian)] == ["revoked", "usable"]


def test_an_interrupted_rotation_is_taken_up_with_the_same_key(
    keys: Callable[..., Answer], jiexu: Jiexu, two: Path, xian: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise OSError(28, "No space left on device", "request.json")

    with monkeypatch.context() as broken:
        broken.setattr("jiexu.region.directory.request.save_request", dies)
        assert keys("rotate", "--out", two / "r.json").code != 0
    _, waiting = listed(jiexu, xian)
    assert keys("rotate", "--out", two / "r.json").code == 0
    assert [one["key_id"] for one in listed(jiexu, xian)][1:] == [waiting["key_id"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rotate", "--key", "0123456789abcdef"), "keys list"),
        (("rotate", "--from", "2020-01-01"), "must begin after"),
        (("rotate", "--from", "2030-01-01T00:00"), "08:00+08:00"),
        (("revoke", "0123456789abcdef"), "has no key"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(
    jiexu: Jiexu, two: Path, xian: Path, words: tuple[str, ...], said: str
) -> None:
    answer = jiexu("--lang", "en", "keys", *words, "--config", xian, "--out", two / "r.json")
    assert answer.code == 2
    assert said in answer.err
    assert not (two / "r.json").exists()


def test_without_the_last_key_the_way_on_is_named(jiexu: Jiexu, two: Path, xian: Path) -> None:
    (key,) = listed(jiexu, xian)
    (two / "xian" / "keys" / f"{key['key_id']}.pem").unlink()
    answer = jiexu("keys", "rotate", "--config", xian, "--out", two / "r.json")
    assert answer.code == 2
    assert f"jiexu keys revoke {key['key_id']} --replace" in answer.err
    change(jiexu, two, "revoke", key["key_id"], "--replace")
    assert [one["signs_now"] for one in listed(jiexu, xian)] == [False, True]


def test_a_request_is_never_written_over(keys: Callable[..., Answer], two: Path) -> None:
    (two / "r.json").write_text("mine")
    assert keys("rotate", "--out", two / "r.json").code == 2
    assert (two / "r.json").read_text() == "mine"


class TestTheKeeper:
    @pytest.fixture
    def request_file(self, jiexu: Jiexu, two: Path, xian: Path) -> Path:
        assert jiexu("keys", "rotate", "--config", xian, "--out", two / "r.json").code == 0
        return two / "r.json"

    def test_signs_nothing_unless_asked(self, jiexu: Jiexu, two: Path, request_file: Path) -> None:
        answer = sign(jiexu, two, request_file, more=())  # nobody answers the question
        assert answer.code != 0
        assert not (two / "new.json").exists()

    @pytest.mark.parametrize(
        ("tamper", "code"),
        [
            (lambda entry: entry.update(partitions=7), "DIR-12"),
            (lambda entry: entry.update(number=9), "DIR-12"),
            (lambda entry: entry["keys"][1].update(valid_from="2026-01-01T00:00:00Z"), "DIR-1"),
            (lambda entry: entry["keys"].pop(0), "DIR-1"),
            (lambda entry: entry.update(region="330300"), "DIR-1"),
            (lambda entry: entry.update(more=1), "DIR-17"),
        ],
    )
    def test_a_request_that_was_changed_on_the_way_is_refused(
        self, jiexu: Jiexu, two: Path, request_file: Path, tamper: Callable[[Any], object], code: str
    ) -> None:
        document = json.loads(request_file.read_text(encoding="utf-8"))
        tamper(document["entry"])
        request_file.write_text(json.dumps(document), encoding="utf-8")
        answer = sign(jiexu, two, request_file)
        assert answer.code == 2
        assert code in answer.err
        assert not (two / "new.json").exists()

    def test_another_key_is_not_the_root(self, jiexu: Jiexu, two: Path, request_file: Path) -> None:
        (other,) = (two / "wenzhou" / "keys").glob("*.pem")
        given = ("--directory", two / "directory.json", "--root-key", other, "--yes")
        assert jiexu("directory", "sign", request_file, *given).code == 2

    def test_a_root_key_that_others_can_read_is_refused(self, jiexu: Jiexu, two: Path, request_file: Path) -> None:
        os.chmod(two / "root" / "root.pem", 0o640)
        answer = sign(jiexu, two, request_file)
        assert answer.code == 2
        assert "0640" in answer.err

    def test_a_request_is_granted_once(self, jiexu: Jiexu, two: Path, request_file: Path) -> None:
        assert sign(jiexu, two, request_file).code == 0
        os.replace(two / "new.json", two / "directory.json")
        answer = sign(jiexu, two, request_file)
        assert answer.code == 2
        assert "DIR-13" in answer.err


class TestEachRegion:
    def test_installs_nothing_older(self, jiexu: Jiexu, two: Path, xian: Path) -> None:
        (two / "old.json").write_bytes((two / "directory.json").read_bytes())
        change(jiexu, two, "rotate")
        standing = (two / "directory.json").read_bytes()
        answer = jiexu("directory", "install", two / "old.json", "--config", xian)
        assert answer.code == 2
        assert "复活" in answer.err
        assert (two / "directory.json").read_bytes() == standing

    def test_installs_nothing_of_another_root(self, jiexu: Jiexu, two: Path, tmp_path: Path, xian: Path) -> None:
        other = tmp_path / "elsewhere"
        assert jiexu("region", "init", "成都", "--dir", other / "chengdu").code == 0
        assert jiexu("directory", "install", other / "directory.json", "--config", xian).code == 2

    def test_joins_without_the_root_key(self, jiexu: Jiexu, tmp_path: Path) -> None:
        root = jiexu("directory", "root", tmp_path / "keeper", "--json").json["directory_root"]
        assert jiexu("directory", "root", tmp_path / "keeper", "--json").json["directory_root"] == root
        made = jiexu("region", "init", "西安", "--dir", tmp_path / "xian", "--directory-root", root, "--json").json
        assert not (tmp_path / "directory.json").exists()
        assert not (tmp_path / "root").exists()
        given = ("--directory", tmp_path / "new.json", "--root-key", tmp_path / "keeper" / "root.pem", "--yes")
        assert jiexu("directory", "sign", made["request"], *given).code == 0
        assert jiexu("directory", "install", tmp_path / "new.json", "--config", made["config"]).code == 0
        (key,) = listed(jiexu, Path(made["config"]))
        assert key["signs_now"]

    @pytest.mark.parametrize("root", ["nonsense", "AAAA"])
    def test_joins_with_a_root_that_can_be_one(self, jiexu: Jiexu, tmp_path: Path, root: str) -> None:
        assert jiexu("region", "init", "西安", "--dir", tmp_path / "xian", "--directory-root", root).code == 2
        assert not (tmp_path / "xian").exists()

    def test_is_warned_by_the_doctor_before_its_key_ends(self, jiexu: Jiexu, two: Path, xian: Path) -> None:
        change(jiexu, two, "rotate", "--from", soon(), "--until", soon(20 * 86_400))
        found = jiexu("doctor", "--config", xian, "--json").json["findings"]
        findings = [one for one in found if one["probe"] == "keys"]
        assert [one["state"] for one in findings] == ["ok", "warn"]
        assert "jiexu keys rotate" in findings[1]["todo_en"]
