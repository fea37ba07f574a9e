"""What a region may publish, how it is signed, and what the services read from it."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from directory_builders import (
    FIRST,
    ROOT,
    ROOT_PUBLIC,
    SECOND,
    WENZHOU,
    XIAN,
    account,
    at,
    entry,
    key,
    private,
    signed,
)
from pydantic import ValidationError

from jiexu.region.directory.entries import DirectoryFile, Promise, RegionEntry, SignedEntry
from jiexu.region.directory.file import load_participants, save_participants
from jiexu.region.directory.keystate import KeyState
from jiexu.region.directory.load import load_directory
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.problem import DirectoryError
from jiexu.region.directory.signing import (
    canonical,
    entry_bytes,
    key_bytes,
    new_key,
    public_text,
    sign_entry,
    verify_entry,
)

ONE_SECOND = timedelta(seconds=1)


def directory_of(of: RegionEntry | None = None) -> Participants:
    return Participants.checked(ROOT_PUBLIC, DirectoryFile(entries=(signed(of),)))


def problem_of(action: Any, *arguments: Any) -> str:
    with pytest.raises(DirectoryError) as error:
        action(*arguments)
    return error.value.problem.code


# Keys


def test_a_key_is_judged_by_the_instant_asked_for():
    key_1 = key(valid_to=None, revoked_at=at(1, 9))
    known = Participants(ROOT_PUBLIC, DirectoryFile(entries=(signed(entry(keys=(key_1,))),)))

    assert known.key(WENZHOU, "k1", at(1, 1) - ONE_SECOND).state is KeyState.NOT_YET_VALID
    assert known.key(WENZHOU, "k1", at(1, 1)).usable
    assert known.key(WENZHOU, "k1", at(1, 9) - ONE_SECOND).usable
    assert known.key(WENZHOU, "k1", at(1, 9)).state is KeyState.REVOKED


def test_a_key_expires_at_its_end():
    made = new_key(WENZHOU, "k1", FIRST, valid_from=at(1, 1), valid_to=at(1, 5), previous=None, root=ROOT)
    known = directory_of(entry(keys=(made,)))

    assert known.key(WENZHOU, "k1", at(1, 5) - ONE_SECOND).usable
    assert known.key(WENZHOU, "k1", at(1, 5)).state is KeyState.EXPIRED


def test_a_stolen_key_is_not_believed_since_the_theft_even_if_revoked_later():
    stolen = key(compromised_since=at(1, 4), revoked_at=at(10, 4))
    known = directory_of(entry(keys=(stolen,)))

    assert known.key(WENZHOU, "k1", at(1, 4) - ONE_SECOND).usable
    assert known.key(WENZHOU, "k1", at(1, 4)).state is KeyState.COMPROMISED
    assert known.key(WENZHOU, "k1", at(10, 4)).state is KeyState.COMPROMISED


def test_an_unknown_key_and_an_unknown_region_are_unknown():
    known = directory_of()

    assert known.key(WENZHOU, "k9", at(1)).state is KeyState.UNKNOWN
    assert known.key(XIAN, "k1", at(1)).state is KeyState.UNKNOWN
    assert known.key(XIAN, "k1", at(1)).zh == "610100的密钥k1目录中没有"


def test_an_instant_without_a_time_zone_is_no_instant():
    with pytest.raises(ValueError, match="time zone"):
        directory_of().key(WENZHOU, "k1", datetime(2026, 3, 1))  # noqa: DTZ001 - this is what is refused


def test_a_new_key_is_vouched_for_by_the_one_before_it():
    known = directory_of(entry(keys=(key(1), key(2))))

    assert known.key(WENZHOU, "k2", at(2, 6)).usable


def test_a_new_key_that_nobody_vouches_for_is_refused():
    orphan = new_key(WENZHOU, "k2", SECOND, valid_from=at(1, 6), previous=None, root=ROOT)
    stranger = new_key(WENZHOU, "k2", SECOND, valid_from=at(1, 6), previous=private(99), root=ROOT)

    assert problem_of(directory_of, entry(keys=(key(1), orphan))) == "DIR-12"
    assert problem_of(directory_of, entry(keys=(key(1), stranger))) == "DIR-12"


def test_after_a_theft_the_root_alone_brings_in_the_next_key():
    stolen = key(1, compromised_since=at(1, 5))
    fresh = new_key(WENZHOU, "k2", SECOND, valid_from=at(1, 6), previous=None, root=ROOT)
    published = entry(keys=(stolen, fresh), signed_at=at(2, 6))

    verify_entry(sign_entry(published, root=ROOT, region=("k2", SECOND)), ROOT_PUBLIC)


def test_a_key_of_another_region_cannot_be_carried_over():
    assert problem_of(directory_of, entry(region=XIAN)) == "DIR-12"


# Signatures


def test_a_tampered_entry_is_refused():
    honest = signed()
    mine = account(account_number="6666666666")
    for tampered in (
        honest.entry.model_copy(update={"accounts": (mine,)}),
        honest.entry.model_copy(update={"partitions": 12}),
        honest.entry.model_copy(update={"number": 2}),
        honest.entry.model_copy(update={"protocols": ("cd" * 32,)}),
    ):
        assert problem_of(verify_entry, honest.model_copy(update={"entry": tampered}), ROOT_PUBLIC) == "DIR-12"


def test_the_root_alone_cannot_change_a_regions_account():
    forged = sign_entry(entry(accounts=(account(account_number="6666666666"),)), root=ROOT, region=("k1", private(99)))
    silent = sign_entry(entry(), root=ROOT, region=None)

    assert problem_of(verify_entry, forged, ROOT_PUBLIC) == "DIR-12"
    assert problem_of(verify_entry, silent, ROOT_PUBLIC) == "DIR-14"


def test_a_region_alone_cannot_change_its_entry_either():
    assert problem_of(verify_entry, sign_entry(entry(), root=FIRST, region=("k1", FIRST)), ROOT_PUBLIC) == "DIR-12"


def test_an_entry_is_signed_with_a_key_that_was_usable_then():
    revoked = entry(keys=(key(1, revoked_at=at(1)), key(2)), signed_at=at(2, 6))

    assert problem_of(verify_entry, sign_entry(revoked, root=ROOT, region=("k1", FIRST)), ROOT_PUBLIC) == "DIR-14"
    assert problem_of(verify_entry, sign_entry(entry(), root=ROOT, region=("k7", FIRST)), ROOT_PUBLIC) == "DIR-14"


def test_a_region_without_a_usable_key_is_spoken_for_by_the_root():
    """Its only key was stolen: the revocation must get out."""
    verify_entry(sign_entry(entry(keys=(key(compromised_since=at(1)),)), root=ROOT, region=None), ROOT_PUBLIC)


def test_a_directory_under_another_root_is_refused():
    assert problem_of(Participants.checked, public_text(private(2)), DirectoryFile(entries=(signed(),))) == "DIR-12"


def test_the_signed_bytes_name_what_they_are_and_give_each_part_its_length():
    message = key_bytes(WENZHOU, "k1", "ed25519-sha256", bytes(32), at(1, 1), None)

    assert message.hex() == (
        "00000011" + b"jiexu/directory/1".hex() + "00000003" + b"key".hex() + "00000006" + b"330300".hex()
        + "00000002" + b"k1".hex() + "0000000e" + b"ed25519-sha256".hex() + "00000020" + "00" * 32
        + "00000014" + b"2026-01-01T09:00:00Z".hex() + "00000000"
    )  # fmt: skip
    assert entry_bytes(entry()).startswith(bytes.fromhex("00000011") + b"jiexu/directory/1" + bytes.fromhex("00000005"))


def test_an_instant_is_signed_the_same_whatever_zone_it_was_written_in():
    beijing = timezone(timedelta(hours=8))

    assert canonical(entry(signed_at=at(2).astimezone(beijing))) == canonical(entry())
    assert entry(signed_at=at(2).astimezone(beijing)).signed_at.tzinfo == UTC


# What may be published


@pytest.mark.parametrize(
    "changes",
    [
        {"approved_by": "张三"},
        {"valid_from": date(2026, 3, 2)},
        {"version": 0},
        {"bank_code": "abc"},
        {"account_name": "e\u0301"},
        {"valid_from": "2026-03-03"},
        {"surprise": 1},
    ],
)
def test_an_account_needs_two_people_a_night_and_strict_values(changes: dict[str, Any]):
    with pytest.raises(ValidationError):
        account(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"partitions": 0},
        {"partitions": True},
        {"partitions": 6.0},
        {"region": "33030"},
        {"keys": ()},
        {"keys": (key(1), key(1))},
        {"keys": (key(2), key(1))},
        {"accounts": (account(2),)},
        {"protocols": ("AB" * 32,)},
        {"signed_at": datetime(2026, 3, 2)},  # noqa: DTZ001 - this is what is refused
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(changes: dict[str, Any]):
    with pytest.raises(ValidationError):
        entry(**changes)


# What the services ask


def test_a_new_account_takes_effect_the_day_after_its_approval():
    second = account(2, approved_on=date(2026, 5, 6), valid_from=date(2026, 5, 7), account_number="1903000000000002")
    known = directory_of(entry(accounts=(account(), second)))

    assert known.bank_account(WENZHOU, date(2026, 3, 2)) is None
    assert known.bank_account(WENZHOU, date(2026, 3, 3)) == account()
    assert known.bank_account(WENZHOU, date(2026, 5, 6)) == account()
    assert known.bank_account(WENZHOU, date(2026, 5, 7)) == second


def test_a_case_finds_the_account_that_it_cites_by_version():
    known = directory_of()

    assert known.bank_account_version(WENZHOU, 1) == account()
    assert known.bank_account_version(WENZHOU, 2) is None
    assert known.bank_account(WENZHOU, date(2026, 4, 1), office="另一经办机构") is None


def test_a_region_is_online_for_a_procedure_from_its_first_day():
    known = directory_of()

    assert not known.is_online(WENZHOU, "platform", date(2026, 3, 31))
    assert known.is_online(WENZHOU, "platform", date(2026, 4, 1))
    assert not known.is_online(WENZHOU, "automatic", date(2026, 4, 1))
    assert not known.is_online(XIAN, "platform", date(2026, 4, 1))
    assert known.online_from(WENZHOU, "platform", date(2026, 3, 1)) == date(2026, 4, 1)
    assert known.online_from(XIAN, "platform", date(2026, 3, 1)) is None


def test_the_office_that_promises_five_days_is_bound_by_five_and_the_others_by_ten():
    known = directory_of()

    assert known.promised_days(WENZHOU, "letter", "completed", "330304", date(2026, 3, 1)) == 5
    assert known.promised_days(WENZHOU, "letter", "completed", "330302", date(2026, 3, 1)) == 10
    assert known.promised_days(WENZHOU, "letter", "completed", None, date(2026, 3, 1)) == 10
    assert known.promised_days(WENZHOU, "platform", "completed", "330304", date(2026, 3, 1)) is None
    assert known.promised_days(WENZHOU, "letter", "completed", "330304", date(2025, 12, 31)) is None


def test_of_two_promises_by_one_office_the_later_counts():
    promises = tuple(
        Promise(procedure="platform", step="completed", office=None, days=days, valid_from=date(2026, month, 1))
        for days, month in ((3, 1), (4, 5))
    )
    known = directory_of(entry(promises=promises))

    assert known.promised_days(WENZHOU, "platform", "completed", None, date(2026, 4, 30)) == 3
    assert known.promised_days(WENZHOU, "platform", "completed", None, date(2026, 5, 1)) == 4


def test_a_region_has_outpatient_pooling_unless_it_says_otherwise_for_the_day():
    known = directory_of()

    assert not known.has_outpatient_pooling(WENZHOU, date(2021, 12, 31))
    assert known.has_outpatient_pooling(WENZHOU, date(2022, 1, 1))
    assert known.has_outpatient_pooling(XIAN, date(2021, 1, 1))


def test_partitions_and_protocols_are_the_regions_own():
    known = directory_of()

    assert known.partitions(WENZHOU) == 6
    assert known.accepts_protocol(WENZHOU, "ab" * 32)
    assert not known.accepts_protocol(WENZHOU, "cd" * 32)
    assert problem_of(known.partitions, XIAN) == "DIR-15"


# From one entry to the next


def follow(**changes: Any) -> SignedEntry:
    return signed(entry(number=2, signed_at=at(20), **changes))


def test_the_next_entry_adds_an_account_and_a_key():
    second = account(2, approved_on=date(2026, 3, 20), valid_from=date(2026, 3, 21))
    known = directory_of().with_entry(follow(accounts=(account(), second), keys=(key(1), key(2))))

    assert known.bank_account(WENZHOU, date(2026, 3, 21)) == second
    assert known.entry(WENZHOU).number == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"partitions": 12},
        {"accounts": ()},
        {"accounts": (account(account_number="6666666666"),)},
        {"accounts": (account(), account(2, approved_on=date(2026, 3, 10), valid_from=date(2026, 3, 20)))},
        {"keys": (new_key(WENZHOU, "k1", FIRST, valid_from=at(1, 2), previous=None, root=ROOT),)},
    ],
)
def test_what_was_published_is_added_to_and_never_rewritten(changes: dict[str, Any]):
    assert problem_of(directory_of().with_entry, follow(**changes)) == "DIR-13"


def test_an_older_entry_cannot_come_back():
    known = directory_of().with_entry(follow())

    assert problem_of(known.with_entry, signed()) == "DIR-13"
    assert problem_of(known.with_entry, signed(entry(number=4, signed_at=at(21)))) == "DIR-13"


def test_a_revocation_cannot_be_taken_back():
    revoked = follow(keys=(key(1, revoked_at=at(25)), key(2)))
    known = directory_of().with_entry(revoked)
    third = entry(number=3, signed_at=at(21), keys=(key(1), key(2)))

    assert problem_of(known.with_entry, signed(third)) == "DIR-13"


def test_a_first_entry_makes_a_region_take_part():
    nobody = Participants.empty(ROOT_PUBLIC)

    assert nobody.regions == ()
    assert nobody.with_entry(signed()).regions == (WENZHOU,)


# The file


def test_a_directory_survives_its_file(tmp_path: Path):
    path = tmp_path / "directory.json"
    save_participants(directory_of(), path)

    known = load_participants(path, ROOT_PUBLIC, load_directory())

    assert known == directory_of()
    assert known.version == directory_of().version
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_content_gives_the_same_bytes_and_version(tmp_path: Path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    save_participants(directory_of(), one)
    save_participants(load_participants(one, ROOT_PUBLIC), two)

    assert one.read_bytes() == two.read_bytes()
    assert directory_of().version != directory_of().with_entry(follow()).version
    assert len(directory_of().version) == 16


def test_a_file_that_was_edited_is_refused(tmp_path: Path):
    path = tmp_path / "directory.json"
    save_participants(directory_of(), path)
    path.write_text(path.read_text("utf-8").replace("1903000000000001", "6666666666666666"), "utf-8")

    assert problem_of(load_participants, path, ROOT_PUBLIC) == "DIR-12"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "jiexu/directory/2", "entries": []}', '{"surprise": 1}'])
def test_a_file_that_is_no_directory_is_a_clear_error(tmp_path: Path, text: str):
    path = tmp_path / "directory.json"
    path.write_text(text, "utf-8")

    assert problem_of(load_participants, path, ROOT_PUBLIC) == "DIR-11"
    assert problem_of(load_participants, tmp_path / "missing.json", ROOT_PUBLIC) == "DIR-11"


def test_an_entry_must_be_of_a_pooling_region(tmp_path: Path):
    made = new_key("330304", "k1", FIRST, valid_from=at(1, 1), previous=None, root=ROOT)
    path = tmp_path / "directory.json"
    save_participants(directory_of(entry(region="330304", keys=(made,))), path)

    assert problem_of(load_participants, path, ROOT_PUBLIC, load_directory()) == "DIR-11"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "directory.json"
    save_participants(directory_of(), path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save_participants(directory_of().with_entry(follow()), path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
