"""Signatures proved again from one journal alone: whoever touches bytes, signatures or values is found."""

import sqlite3
from datetime import timedelta

import pytest

from jiexu.audit.verify import verify_journal
from jiexu.contract.codec import decode_event_trusted
from jiexu.region.directory.file import load_participants
from jiexu.region.directory.participants import Participants
from tests.service.pair import WENZHOU, XIAN, World


def directory(world: World) -> Participants:
    return load_participants(world.folder / "directory.json", world.configs[XIAN].directory_root)


def problems(world: World, code: str) -> list[str]:
    return verify_journal(world.desks[code].journal, directory(world))


@pytest.fixture
def moved(pair: World) -> World:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.status(case_id, XIAN, WENZHOU) == "closed"
    return pair


def touch(world: World, kind: str, was: bytes, becomes: bytes) -> None:
    assert len(was) == len(becomes)
    with sqlite3.connect(world.folder / XIAN / "journal.db") as db:
        rows = db.execute("SELECT position, payload FROM log WHERE kind = ?", (kind,)).fetchall()
        found = [(position, payload) for position, payload in rows if was in payload]
        assert found
        position, payload = found[-1]
        db.execute("UPDATE log SET payload = ? WHERE position = ?", (payload.replace(was, becomes), position))


def some_payload(world: World, kind: str, nth: int = -1) -> bytes:
    with sqlite3.connect(world.folder / XIAN / "journal.db") as db:
        rows = db.execute("SELECT payload FROM log WHERE kind = ? ORDER BY position", (kind,)).fetchall()
    return bytes(rows[nth][0])


def test_every_signature_of_both_hands_holds_in_either_journal(moved: World) -> None:
    assert [problems(moved, code) for code in (XIAN, WENZHOU)] == [[], []]


def test_a_changed_event_is_not_the_one_that_was_signed(moved: World) -> None:
    touch(moved, "event", b"R1", b"R7")
    assert any("not the one that was signed" in problem for problem in problems(moved, XIAN))


def test_a_changed_signature_is_wrong_and_its_events_have_none(moved: World) -> None:
    # The end of a skeleton is signature and an empty list of disclosures.
    with moved.desks[XIAN].journal.read() as read:
        skeleton = read.bundles(0, None, 10)[-1].bundle.skeleton
    end = skeleton[-20:]
    touch(moved, "bundle", end, bytes([end[0] ^ 1]) + end[1:])
    found = problems(moved, XIAN)
    assert any("bad_signature" in problem for problem in found)
    assert any("no signature over it is here" in problem for problem in found)


def test_an_event_that_nobody_signed_is_named(moved: World) -> None:
    with sqlite3.connect(moved.folder / XIAN / "journal.db") as db:
        db.execute("UPDATE log SET kind = 'fact' WHERE position = (SELECT min(bundle) FROM leaves)")
    found = problems(moved, XIAN)
    assert any("inbound 1: no signature over it is here" in problem for problem in found)


def test_a_changed_personal_value_does_not_fit_its_digest(moved: World) -> None:
    with sqlite3.connect(moved.folder / XIAN / "journal.db") as db:
        db.execute("UPDATE disclosures SET value = '他人' WHERE field = 'person.name'")
    found = problems(moved, XIAN)
    assert any("the value of person.name: digest_differs" in problem for problem in found)


def test_an_erased_value_is_no_problem(moved: World) -> None:
    with sqlite3.connect(moved.folder / XIAN / "journal.db") as db:
        db.execute("UPDATE disclosures SET value = NULL, salt = NULL")
    assert problems(moved, XIAN) == []


def test_a_key_that_was_stolen_before_the_recording_proves_nothing(moved: World) -> None:
    entry = directory(moved).entry(WENZHOU)
    now = moved.clock()
    stolen = entry.keys[-1].model_copy(update={"compromised_since": now - timedelta(hours=1), "revoked_at": now})
    moved.change_entry(WENZHOU, keys=(*entry.keys[:-1], stolen))
    found = problems(moved, XIAN)
    assert found
    assert all("may be in other hands" in problem and " inbound " in problem for problem in found)


def test_a_key_revoked_later_still_proves_what_was_recorded_before(moved: World) -> None:
    entry = directory(moved).entry(WENZHOU)
    moved.clock.pass_by(hours=1)
    revoked = entry.keys[-1].model_copy(update={"revoked_at": moved.clock()})
    moved.change_entry(WENZHOU, keys=(*entry.keys[:-1], revoked))
    assert problems(moved, XIAN) == []


def test_receipts_that_were_changed_are_found(moved: World) -> None:
    payload = some_payload(moved, "receipts_sent")
    end = payload[-20:]
    touch(moved, "receipts_sent", end, end[:-1] + bytes([end[-1] ^ 1]))
    assert problems(moved, XIAN)


def test_what_is_verified_are_the_bytes_that_replay_reads(moved: World) -> None:
    with moved.desks[XIAN].journal.read() as read:
        assert all(decode_event_trusted(stored.bytes) == stored.event for stored in read.events())
