"""A region's request and the root holder's answer: what is proved, what is left to letters, what is refused."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from directory_builders import FIRST, ROOT, ROOT_PUBLIC, WENZHOU, XIAN, at, entry, private, signed

from jiexu.contract.signing import Ed25519Signer, Signer, new_sm2_signer
from jiexu.region.directory.entries import DirectoryFile, RegionEntry
from jiexu.region.directory.keystate import KeyState
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.problem import DirectoryError
from jiexu.region.directory.request import changes, doubts, load_request, requested, save_request, sign_request
from jiexu.region.directory.rotation import revoked, rotated
from jiexu.region.directory.signing import UNSIGNED, entry_bytes, verify_entry

OLD = Ed25519Signer(FIRST)
OLD.key_id = "k1"  # as the builders name it
PUBLISHED = Participants.checked(ROOT_PUBLIC, DirectoryFile(entries=(signed(),)))
NOW = at(10)
LATER, END = NOW + timedelta(days=1), NOW + timedelta(days=31)


def second() -> Ed25519Signer:
    return Ed25519Signer(private(77))


def rotation(new: Signer | None = None, **times: object) -> RegionEntry:
    given = {"valid_from": LATER, "old_until": END, "now": NOW} | times
    return rotated(entry(), new or second(), OLD, **given)  # type: ignore[arg-type]


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(DirectoryError) as error:
        call(*arguments)  # type: ignore[operator]
    return error.value.problem.code


@pytest.mark.parametrize("make", [second, new_sm2_signer])
def test_a_rotation_is_granted_and_both_keys_may_sign_until_the_overlap_ends(make: object) -> None:
    new = make()  # type: ignore[operator]
    asked = requested(rotation(new), OLD)
    assert asked.entry.keys[-1].signed_by_root == UNSIGNED
    assert list(doubts(PUBLISHED, asked)) == []
    granted = sign_request(PUBLISHED, asked, ROOT)
    states = {
        when: [granted.key(WENZHOU, key_id, when).state for key_id in ("k1", new.key_id)]
        for when in (NOW, LATER, END - timedelta(seconds=1), END)
    }
    assert list(states.values()) == [
        [KeyState.USABLE, KeyState.NOT_YET_VALID],
        [KeyState.USABLE, KeyState.USABLE],
        [KeyState.USABLE, KeyState.USABLE],
        [KeyState.REVOKED, KeyState.USABLE],
    ]


def test_a_third_key_needs_nothing_of_the_first() -> None:
    new, third = second(), Ed25519Signer(private(78))
    granted = sign_request(PUBLISHED, requested(rotation(new), OLD), ROOT)
    after = rotated(
        granted.entry(WENZHOU),
        third,
        new,
        valid_from=END + timedelta(days=1),
        old_until=END + timedelta(days=2),
        now=END,
    )
    granted = sign_request(granted, requested(after, new), ROOT)
    assert [key.key_id for key in granted.entry(WENZHOU).keys] == ["k1", new.key_id, third.key_id]
    assert granted.entry(WENZHOU).keys[0].revoked_at == END, "what was published only moves earlier"


def test_the_region_signs_before_the_root_has_signed_the_key() -> None:
    asked = requested(rotation(), OLD)
    granted = sign_request(PUBLISHED, asked, ROOT)
    assert entry_bytes(granted.entry(WENZHOU)) == entry_bytes(asked.entry)
    verify_entry(granted.content.entries[0], ROOT_PUBLIC)


def test_a_keys_own_signatures_are_proved_all_the_same() -> None:
    granted = sign_request(PUBLISHED, requested(rotation(), OLD), ROOT).content.entries[0]
    for name in ("signed_by_root", "signed_by_previous"):
        keys = (granted.entry.keys[0], granted.entry.keys[1].model_copy(update={name: UNSIGNED}))
        forged = granted.model_copy(update={"entry": granted.entry.model_copy(update={"keys": keys})})
        assert code_of(verify_entry, forged, ROOT_PUBLIC) == "DIR-12"


def test_a_stolen_key_gives_way_to_one_that_the_root_alone_vouches_for() -> None:
    new = second()
    after = revoked(entry(), "k1", at=NOW, now=NOW, compromised_since=at(9), replacement=new)
    asked = requested(after, new)
    (doubt,) = doubts(PUBLISHED, asked)
    assert new.key_id in doubt[0]
    granted = sign_request(PUBLISHED, asked, ROOT)
    assert granted.key(WENZHOU, "k1", at(9)).state is KeyState.COMPROMISED
    assert granted.key(WENZHOU, new.key_id, NOW).usable


def test_a_stolen_key_signs_no_request() -> None:
    new = second()
    after = revoked(entry(), "k1", at=NOW, now=NOW, compromised_since=at(9), replacement=new)
    assert code_of(sign_request, PUBLISHED, requested(after, OLD), ROOT) == "DIR-14"


def test_a_key_that_may_still_sign_is_not_passed_over() -> None:
    """Else a thief of the request's way could bring in a key of his own on the root holder's word."""
    orphan = rotation().keys[-1].model_copy(update={"signed_by_previous": None})
    passed_over = rotation().model_copy(update={"keys": (*entry().keys, orphan)})
    asked = requested(passed_over, OLD)
    assert len(list(doubts(PUBLISHED, asked))) == 1
    assert code_of(sign_request, PUBLISHED, asked, ROOT) == "DIR-12"
    assert code_of(lambda: revoked(entry(), "k1", at=END, now=NOW, replacement=second())) == "DIR-17"


def test_a_region_without_any_key_can_still_have_the_last_one_revoked() -> None:
    asked = requested(revoked(entry(), "k1", at=NOW, now=NOW), None)
    assert [zh for zh, _ in doubts(PUBLISHED, asked)] == ["申请没有本区的签名：请经公文核实"]
    granted = sign_request(PUBLISHED, asked, ROOT)
    assert granted.key(WENZHOU, "k1", NOW).state is KeyState.REVOKED


def test_an_end_once_published_only_moves_earlier() -> None:
    first = sign_request(PUBLISHED, requested(rotation(), OLD), ROOT).entry(WENZHOU)
    sooner = revoked(first, "k1", at=LATER, now=LATER)
    later = revoked(first, "k1", at=END + timedelta(days=9), now=LATER)
    assert (sooner.keys[0].revoked_at, later.keys[0].revoked_at) == (LATER, END)


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid_from": at(1, 1) - timedelta(days=1)},
        {"old_until": LATER - timedelta(seconds=1)},
    ],
)
def test_times_that_do_not_follow_each_other_are_refused(wrong: dict[str, object]) -> None:
    assert code_of(lambda: rotation(**wrong)) == "DIR-17"


def test_what_changes_is_said_for_those_who_sign_and_install() -> None:
    new = second()
    said = [en for _, en in changes(entry(), rotation(new))]
    assert said == [
        f"key k1 is given up {END:%Y-%m-%d %H:%M} UTC",
        f"new key {new.key_id} (ed25519-sha256), from {LATER:%Y-%m-%d %H:%M} UTC",
    ]
    assert next(en for _, en in changes(None, entry())) == f"{WENZHOU} joins the directory"
    assert list(changes(entry(), entry())) == []
    assert [en for _, en in changes(entry(), entry(protocols=()))] == ["protocols is changed"]


def test_a_request_travels_as_a_file_that_holds_nothing_secret(tmp_path: Path) -> None:
    asked = requested(rotation(), OLD)
    save_request(asked, tmp_path / "r.json")
    assert load_request(tmp_path / "r.json") == asked
    assert code_of(load_request, tmp_path / "none.json") == "DIR-17"
    (tmp_path / "r.json").write_text("{}")
    assert code_of(load_request, tmp_path / "r.json") == "DIR-17"


def test_another_root_signs_nothing() -> None:
    assert code_of(sign_request, PUBLISHED, requested(rotation(), OLD), private(2)) == "DIR-17"


def test_where_sm2_is_not_installed_the_directory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    new = new_sm2_signer()
    granted = sign_request(PUBLISHED, requested(rotation(new), OLD), ROOT)
    after = revoked(granted.entry(WENZHOU), "k1", at=LATER, now=LATER)
    granted = sign_request(granted, requested(after, new), ROOT)
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    with pytest.raises(DirectoryError, match=r"jiexu\[sm\]"):
        Participants.checked(ROOT_PUBLIC, granted.content)


def test_entries_that_are_older_or_gone_are_named() -> None:
    newer = sign_request(PUBLISHED, requested(rotation(), OLD), ROOT)
    assert newer.older_entries(PUBLISHED) == (WENZHOU,)
    assert newer.older_entries(Participants.empty(ROOT_PUBLIC)) == (WENZHOU,)
    assert PUBLISHED.older_entries(newer) == ()
    assert newer.older_entries(newer) == ()
    assert XIAN not in newer.regions
