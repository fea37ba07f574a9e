"""A backup brought back, and a region that was away for long: nothing is lost, and no place in a hand is used twice."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from jiexu.audit.rebuild import ledger_lines
from jiexu.case.event import Hand, Role
from jiexu.contract.bundle import open_bundle, pack
from jiexu.contract.codec import decode_event_trusted
from jiexu.contract.letters import open_notice
from jiexu.contract.records import record_kind
from jiexu.exchange.topics import topic_name
from jiexu.journal.backup import backup
from jiexu.journal.restoring import restore
from jiexu.service.startup import check_at_start

from .pair import IN, OUT, WENZHOU, XIAN, World
from .test_startup import lines_of, start, stop


@pytest.fixture(params=["pair", "pair_on_postgres"])
def world(request: pytest.FixtureRequest) -> World:
    """Both stores."""
    found: World = request.getfixturevalue(request.param)
    return found


def begin(world: World, code: str) -> None:
    """What both services do before their first turn."""
    for role in Role:
        world.services[code, role].begin(0.0)


def bring_back(world: World, code: str, file: Path) -> None:
    """What an operator does: stop, restore, start."""
    stop(world, code)
    placed = restore(file, world.journal_place(code), code, replace=True)
    assert placed.set_aside is not None
    start(world, code)


def sealed_by(world: World, code: str) -> dict[tuple[str, Hand, int], set[bytes]]:
    """What a region has ever signed, as the partners' mailboxes saw it: the hashes for each place in a hand."""
    found: dict[tuple[str, Hand, int], set[bytes]] = {}
    for other in world.codes:
        for role in Role if other != code else ():
            for record in world.mailbox(other, role):
                if record_kind(record.value) != "Bundle":
                    continue
                for leaf in open_bundle(record.value).leaves:
                    assert leaf.event is not None
                    event = decode_event_trusted(leaf.event)
                    found.setdefault((event.case_id, event.hand, event.seq), set()).add(event.hash)
    return found


def without_alarm(world: World, code: str, expected: Iterable[str] = ()) -> None:
    assert set(world.todo_codes(code)) <= {*expected}, world.todo_codes(code)
    assert world.parked(code) == []


def test_an_old_backup_of_a_live_journal_is_restored_and_no_place_is_used_twice(world: World, tmp_path: Path) -> None:
    first, second, third, fourth = world.moves(1, 2, 3, 4)
    ended = world.case_of(first)
    world.idle()
    under_way = world.case_of(second)
    world.turn()
    held = backup(world.journal_place(XIAN), XIAN, tmp_path / "backup.db")  # nobody was stopped for it
    after = [world.case_of(third), world.case_of(fourth, at=XIAN)]
    for _ in range(4):
        world.turn()
    before = lines_of(world, XIAN)
    assert len(before) > held.last_position + 10
    bring_back(world, XIAN, tmp_path / "backup.db")
    assert len(lines_of(world, XIAN)) == held.last_position
    begin(world, XIAN)
    # What the ledger held of the time between is back, line by line.
    again = lines_of(world, XIAN)
    ledger = list(ledger_lines(world.desks[XIAN].exchange, XIAN))
    assert again[: len(ledger)] == ledger
    assert ledger == before[: len(ledger)]
    with world.desks[XIAN].journal.read() as read:
        assert read.incarnation() not in {held.incarnation, before[-1].incarnation}
    world.idle()
    for case_id in (ended, under_way, *after):
        assert world.status(case_id) == "closed"
    world.agreed()
    world.books_fit()
    assert all(len(hashes) == 1 for hashes in sealed_by(world, XIAN).values())
    without_alarm(world, XIAN, ["old_copy"])
    without_alarm(world, WENZHOU, ["notice_old_copy"])
    assert list(ledger_lines(world.desks[XIAN].exchange, XIAN)) == lines_of(world, XIAN)


def test_a_restored_journal_that_the_ledger_does_not_outrun_goes_on_once_partners_have_answered(
    world: World, tmp_path: Path
) -> None:
    case_id = world.case_of(*world.moves(1))
    world.idle()
    backup(world.journal_place(XIAN), XIAN, tmp_path / "backup.db")
    bring_back(world, XIAN, tmp_path / "backup.db")
    begin(world, XIAN)
    next_id = world.case_of(*world.moves(2))
    world.idle()
    assert [world.status(one) for one in (case_id, next_id)] == ["closed", "closed"]
    world.agreed()
    without_alarm(world, XIAN)
    without_alarm(world, WENZHOU, ["notice_restored"])


def test_notices_go_on_in_their_chain_after_an_old_backup_was_restored(pair: World, tmp_path: Path) -> None:
    """A notice that bears a number which the partner knows with other bytes would be a fork of the chain."""
    pair.case_of(*pair.moves(1))
    pair.idle()
    bundle = open_bundle(next(r.value for r in pair.mailbox(XIAN, OUT) if record_kind(r.value) == "Bundle"))
    forged = pack(type(bundle)(bundle.header, bundle.leaves, bytes(64), bundle.disclosures))
    for turn in range(3):
        pair.post(XIAN, OUT, forged)
        pair.idle()
        if turn == 0:
            backup(pair.journal_place(XIAN), XIAN, tmp_path / "backup.db")
    exchange, topic = pair.desks[WENZHOU].exchange, topic_name(XIAN, "outbound")
    exchange.admin().delete_records(topic, exchange.end_offsets(topic))  # else the same ones would be stated again
    bring_back(pair, XIAN, tmp_path / "backup.db")
    begin(pair, XIAN)
    for _ in range(2):  # the first one finds the gap in the mailbox
        pair.post(XIAN, OUT, forged)
        pair.idle()
    sent = [open_notice(r.value) for r in pair.mailbox(WENZHOU, IN) if record_kind(r.value) == "Notice"]
    by_number: dict[int, set[bytes]] = {}
    for letter in sent:
        by_number.setdefault(letter.payload.number, set()).add(letter.hash)
    assert len(by_number) >= 4
    assert all(len(hashes) == 1 for hashes in by_number.values())
    assert sorted(by_number) == list(range(1, len(by_number) + 1))


def test_a_backup_older_than_what_the_mailbox_keeps_loses_nothing(pair: World, tmp_path: Path) -> None:
    """The offsets of the backup point to records that have expired since: they are in the ledger's lines."""
    first, second = pair.moves(1, 2)
    one = pair.case_of(first)
    pair.idle()
    backup(pair.journal_place(XIAN), XIAN, tmp_path / "backup.db")
    other = pair.case_of(second)
    pair.idle()
    stop(pair, XIAN)
    pair.clock.pass_by(days=40)
    mailboxes_expire(pair, XIAN)
    restore(tmp_path / "backup.db", pair.journal_place(XIAN), XIAN, replace=True)
    start(pair, XIAN)
    begin(pair, XIAN)
    pair.idle()
    assert [pair.status(case_id) for case_id in (one, other)] == ["closed", "closed"]
    pair.agreed()
    pair.books_fit()


def mailboxes_expire(world: World, code: str) -> None:
    """What the broker does by itself: records of more than thirty days ago go."""
    exchange = world.desks[WENZHOU].exchange
    exchange.housekeep()  # type: ignore[attr-defined]
    for role in Role:
        assert exchange.beginning_offsets(topic_name(code, role.value)) == exchange.end_offsets(
            topic_name(code, role.value)
        )


def test_a_region_that_was_off_for_longer_than_its_mailbox_keeps_records_loses_nothing(pair: World) -> None:
    """Cases of every stage stand when it goes; new ones come for it meanwhile; its mailbox is empty when it is back."""
    people = pair.moves(1, 2, 3, 4, 5)
    settled = pair.case_of(people[0])
    pair.idle()
    stages = []
    for who in people[1:4]:
        stages.append(pair.case_of(who))
        pair.turn()
    stop(pair, XIAN)
    late = pair.case_of(people[4])
    pair.idle()
    pair.stopped |= {(WENZHOU, role) for role in Role}  # else it would send again each day what has no receipt
    pair.clock.pass_by(days=40)
    mailboxes_expire(pair, XIAN)
    start(pair, XIAN)
    pair.stopped.clear()
    begin(pair, XIAN)
    pair.idle()
    assert "offset_expired" in pair.todo_codes(XIAN)
    for _ in range(3):  # what has no receipt comes again, and what follows from it
        pair.clock.pass_by(days=1, hours=1)
        pair.idle()
    for case_id in (settled, *stages, late):
        assert pair.status(case_id) == "closed", case_id
    pair.agreed()
    pair.books_fit()


def test_the_check_at_the_start_after_a_restore_can_die_and_be_begun_again(
    pair: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.case_of(*pair.moves(1))
    backup(pair.journal_place(XIAN), XIAN, tmp_path / "backup.db")
    pair.idle()
    bring_back(pair, XIAN, tmp_path / "backup.db")

    def died(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("jiexu.service.startup.derive_again", died)
        with pytest.raises(KeyboardInterrupt):
            check_at_start(pair.desks[XIAN])
    assert "old_copy" not in pair.todo_codes(XIAN)
    begin(pair, XIAN)
    assert "old_copy" in pair.todo_codes(XIAN)
    pair.idle()
    pair.agreed()
