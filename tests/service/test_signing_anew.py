"""Keys change while cases run: what was signed before and arrives after is signed anew by its owner, by itself."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jiexu.audit.verify import verify_journal
from jiexu.case.event import Hand, Party, Role
from jiexu.contract.bundle import make_bundle, open_bundle
from jiexu.contract.codec import open_event
from jiexu.contract.keys import create_key
from jiexu.contract.letters import make_notice, open_receipts
from jiexu.contract.signing import ED25519, SM2, Signer
from jiexu.region.directory.file import load_participants, save_participants
from jiexu.region.directory.request import requested, sign_request
from jiexu.region.directory.rotation import revoked, rotated
from jiexu.service.setup import load_root
from jiexu.service.wiring import load_signer
from tests.service.pair import IN, OUT, WENZHOU, XIAN, World
from tests.service.test_bad_input import known_kind, notices, remind

DAY = timedelta(days=1)


def change_keys(world: World, code: str, change: Any, signer: Signer | None) -> None:
    """Region and root holder change an entry, by the request that travels between them."""
    file, root = world.folder / "directory.json", world.configs[code].directory_root
    participants = load_participants(file, root)
    request = requested(change(participants.entry(code)), signer)
    granted = sign_request(participants, request, load_root(world.folder / "root" / "root.pem"))
    save_participants(granted, file)


def own_key(world: World, code: str, number: int = -1) -> Signer:
    """One of the keys that the directory has of a region, from its file."""
    entry = load_participants(world.folder / "directory.json", world.configs[code].directory_root).entry(code)
    return load_signer(world.configs[code], entry.keys[number].key_id)


def rotate(
    world: World, code: str, *, begins: timedelta = timedelta(0), overlap: timedelta = DAY, suite: str = ED25519
) -> Signer:
    """A new key joins after `begins`, and the old one is given up `overlap` later."""
    world.clock.pass_by(seconds=1)  # entries follow each other in time
    old, (new, _) = own_key(world, code), create_key(world.folder / code / "keys", suite)
    start = world.clock() + begins
    change_keys(
        world,
        code,
        lambda entry: rotated(entry, new, old, valid_from=start, old_until=start + overlap, now=world.clock()),
        old,
    )
    return new


def revoke(world: World, code: str, key: Signer, by: Signer | None, since: datetime | None = None) -> None:
    """A key is given up now."""
    world.clock.pass_by(seconds=1)
    now = world.clock()
    change_keys(world, code, lambda entry: revoked(entry, key.key_id, at=now, now=now, compromised_since=since), by)


def keys_in(world: World, code: str, role: Role) -> list[str]:
    """The keys that signed the bundles in a mailbox, in the order in which they lie there."""
    values = [record.value for record in world.mailbox(code, role)]
    return [open_bundle(value).key_id for value in values if known_kind(value) == "Bundle"]


def unread(world: World, number: int = 1) -> str:
    """A case that Wenzhou has lodged and sent, and Xi'an has not read yet."""
    (who,) = world.moves(number)
    case_id = world.case_of(who)
    world.stopped = {(XIAN, OUT), (XIAN, IN)}
    world.idle()
    return case_id


def test_what_a_revoked_key_signed_is_refused_signed_anew_by_its_owner_and_the_case_goes_on(pair: World) -> None:
    case_id = unread(pair)
    old = own_key(pair, WENZHOU)
    new = rotate(pair, WENZHOU)
    revoke(pair, WENZHOU, old, by=new)
    pair.stopped = {(WENZHOU, OUT), (WENZHOU, IN)}  # the owner has not looked yet: its partner finds it first
    pair.idle()
    (row,) = pair.parked(XIAN)
    assert row.code == "key_revoked"
    (notice,) = notices(pair, WENZHOU, IN)
    assert (notice.code, notice.wants) == ("key_revoked", "sign_again")
    assert notice.about is not None
    assert (notice.about.case_id, notice.about.hand, notice.about.seq) == (case_id, Hand.INBOUND, 1)

    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert keys_in(pair, XIAN, OUT)[:2] == [old.key_id, new.key_id]
    assert set(keys_in(pair, XIAN, OUT)[1:]) == {new.key_id}
    assert pair.parked(XIAN) == []
    with pair.desks[XIAN].journal.read() as read:
        assert [one.settled for one in read.parked(settled=True)] == ["came_again"]
    assert pair.todos(WENZHOU) == [], "nobody had to do anything"
    pair.agreed()


def test_a_key_that_expires_on_the_way_is_the_same(pair: World) -> None:
    case_id = unread(pair)
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU, overlap=DAY)
    pair.clock.pass_by(days=2)  # the overlap is over
    pair.stopped = {(WENZHOU, OUT), (WENZHOU, IN)}
    pair.idle()
    assert [row.code for row in pair.parked(XIAN)] == ["key_revoked"]
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert keys_in(pair, XIAN, OUT)[:2] == [old.key_id, new.key_id]


def test_both_keys_may_sign_while_they_overlap(pair: World) -> None:
    case_id = unread(pair)
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU)
    pair.clock.pass_by(hours=12)
    pair.stopped.clear()
    pair.idle()
    assert pair.parked(XIAN) == []
    assert pair.status(case_id) == "closed"
    assert keys_in(pair, XIAN, OUT)[0] == old.key_id
    assert keys_in(pair, XIAN, OUT)[-1] == new.key_id
    pair.agreed()


def test_a_running_service_takes_up_its_new_key_when_its_time_has_come(pair: World) -> None:
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU, begins=DAY)
    agency = pair.agencies[WENZHOU, IN]
    pair.idle()
    assert agency.signer.key_id == old.key_id
    pair.clock.pass_by(days=1)
    pair.idle()
    assert agency.signer.key_id == new.key_id
    assert "no_signing_key" not in pair.todo_codes(WENZHOU)


@pytest.mark.parametrize("by_the_relay", [True, False])
def test_what_was_not_received_is_signed_anew_before_it_is_sent_again(pair: World, by_the_relay: bool) -> None:
    """The relay had it waiting, the partner's mailbox being away; or it was sent, and no receipt came."""
    (who,) = pair.moves(1)
    service = pair.services[WENZHOU, IN]
    if by_the_relay:
        case_id = pair.case_of(who)
        pair.stopped = set(pair.services)
        service.ledger.turn()
    else:
        case_id = unread(pair)
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU)
    pair.clock.pass_by(days=2)
    sent = len(pair.mailbox(XIAN, OUT))
    pair.stopped = {(XIAN, OUT), (XIAN, IN)}
    pair.idle()
    (again,) = pair.mailbox(XIAN, OUT)[sent:]
    assert open_bundle(again.value).key_id == new.key_id
    with pair.desks[WENZHOU].journal.read() as read:
        stored = read.bundles(0, None, 100)
    assert [open_bundle(one.bundle.skeleton).key_id for one in stored] == [old.key_id, new.key_id]
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"


def test_an_event_is_signed_once_with_a_key_however_often_it_is_asked_for(pair: World) -> None:
    case_id = unread(pair)
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU)
    revoke(pair, WENZHOU, old, by=new)
    (first,) = pair.mailbox(XIAN, OUT)
    for _ in range(5):  # as if it had been sent over and over
        pair.post(XIAN, OUT, first.value, case_id)
    pair.stopped = {(WENZHOU, OUT), (WENZHOU, IN)}
    pair.idle()
    assert len(notices(pair, WENZHOU, IN)) == 6
    pair.stopped.clear()
    pair.idle()
    assert keys_in(pair, XIAN, OUT).count(old.key_id) == 6
    with pair.desks[WENZHOU].journal.read() as read:
        (application,) = read.event_bytes([read.event_at(case_id, Hand.INBOUND, 1).position])  # type: ignore[union-attr]
        carried = [one for one in read.bundles(0, None, 1000) if application in one.bundle.positions]
    assert len(carried) == 2, "the old signature and the new one"
    assert pair.parked(XIAN) == []
    assert pair.todos(WENZHOU) == []
    pair.agreed()


def test_a_partner_that_goes_on_refusing_gets_it_a_few_times_and_then_a_person_is_told(pair: World) -> None:
    """Its directory is ahead of ours, or its clock is wrong: signing anew cannot help."""
    case_id = unread(pair)
    key = own_key(pair, WENZHOU)
    for role in (OUT, IN):  # 西安 alone believes that the key is revoked
        agency = pair.agencies[XIAN, role]
        entries = agency.participants.content.entries
        ended = {"revoked_at": pair.clock()}
        wrong = [
            one.model_copy(
                update={
                    "entry": one.entry.model_copy(
                        update={"keys": (one.entry.keys[0].model_copy(update=ended),), "number": 9}
                    )
                }
            )
            if one.entry.region == WENZHOU
            else one
            for one in entries
        ]
        content = agency.participants.content.model_copy(update={"entries": tuple(wrong)})
        agency.participants = type(agency.participants)(agency.participants.root, content)
    pair.stopped.clear()
    pair.idle()
    assert keys_in(pair, XIAN, OUT) == [key.key_id] * 2, "sent again at once, once"
    assert pair.todos(WENZHOU) == []
    for hours in (1, 24, 24):
        pair.clock.pass_by(hours=hours)
        pair.idle()
    assert keys_in(pair, XIAN, OUT) == [key.key_id] * 5, "after an hour, then daily"
    assert pair.todo_codes(WENZHOU) == ["notice_key_revoked"]
    assert pair.case(XIAN, case_id).last == {}


def test_an_event_that_is_not_ours_is_an_alarm(pair: World) -> None:
    """Who holds a stolen key signs in our name; a partner that refuses it tells us."""
    case_id = unread(pair)
    pair.stopped.clear()
    pair.idle()
    pair.stopped = {(WENZHOU, OUT), (WENZHOU, IN)}
    stolen, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU)
    revoke(pair, WENZHOU, stolen, by=new, since=pair.clock() - timedelta(hours=1))
    forged = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, forged, signer=stolen), case_id)
    pair.idle()
    (row,) = pair.parked(XIAN)
    assert row.code == "key_compromised"
    pair.stopped.clear()
    pair.idle()
    assert pair.todo_codes(WENZHOU) == ["not_our_event"]
    assert [row.code for row in pair.parked(XIAN)] == ["key_compromised"], "it is kept as proof"


def test_a_region_whose_only_key_was_stolen_goes_on_with_one_that_the_root_brings_in(pair: World) -> None:
    case_id = unread(pair)
    stolen = own_key(pair, WENZHOU)
    (new, _), now = create_key(pair.folder / WENZHOU / "keys"), pair.clock()
    change_keys(
        pair,
        WENZHOU,
        lambda entry: revoked(entry, stolen.key_id, at=now, now=now, compromised_since=now, replacement=new),
        new,
    )
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert own_key(pair, WENZHOU).key_id == new.key_id
    assert pair.parked(XIAN) == []


def test_a_region_without_a_key_waits_and_goes_on_when_it_has_one(pair: World) -> None:
    case_id = unread(pair)
    revoke(pair, WENZHOU, own_key(pair, WENZHOU), by=None)
    pair.stopped.clear()
    pair.idle()
    assert pair.todo_codes(WENZHOU).count("no_signing_key") == 1
    assert {row.code for row in pair.parked(XIAN)} == {"key_revoked"}
    (new, _), now = create_key(pair.folder / WENZHOU / "keys"), pair.clock()
    old = own_key(pair, WENZHOU, 0)
    pair.clock.pass_by(minutes=1)
    change_keys(
        pair,
        WENZHOU,
        lambda entry: revoked(entry, old.key_id, at=now, now=pair.clock(), replacement=new),
        new,
    )
    pair.clock.pass_by(minutes=11)
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.parked(XIAN) == []


def test_receipts_under_an_old_key_come_again_with_the_event(pair: World) -> None:
    """The receipt is parked as the bundle would be; its event is sent again, and is receipted anew."""
    case_id = unread(pair)
    pair.stopped = {(WENZHOU, OUT), (WENZHOU, IN)}
    pair.idle()  # 西安 takes it in and gives its receipt, which nobody reads yet
    letters = [r.value for r in pair.mailbox(WENZHOU, IN) if known_kind(r.value) == "ReceiptBatch"]
    old, new = own_key(pair, XIAN), rotate(pair, XIAN)
    assert {open_receipts(value).header.key_id for value in letters} == {old.key_id}
    revoke(pair, XIAN, old, by=new)
    pair.stopped.clear()
    pair.idle()
    assert "key_revoked" in {row.code for row in pair.parked(WENZHOU)}
    pair.clock.pass_by(hours=25)
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.parked(WENZHOU) == []
    pair.agreed()


def test_a_case_runs_over_to_sm2_and_each_side_proves_the_other(pair: World) -> None:
    case_id = unread(pair)
    new = rotate(pair, WENZHOU, suite=SM2)
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    values = [r.value for r in pair.mailbox(XIAN, OUT) if known_kind(r.value) == "Bundle"]
    assert {open_bundle(value).suite for value in values} == {ED25519, SM2}
    assert new.suite == SM2
    pair.agreed()


def test_an_older_directory_is_not_taken_back(pair: World) -> None:
    file = pair.folder / "directory.json"
    before = file.read_bytes()
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU)
    revoke(pair, WENZHOU, old, by=new)
    pair.idle()
    version = pair.agencies[XIAN, OUT].participants.version
    file.write_bytes(before)
    pair.idle()
    assert pair.agencies[XIAN, OUT].participants.version == version
    assert "directory_unusable" in pair.todo_codes(XIAN)


def test_a_new_key_that_cannot_be_read_is_told_of_and_the_old_one_signs_on(pair: World) -> None:
    old, new = own_key(pair, WENZHOU), rotate(pair, WENZHOU)
    file: Path = pair.folder / WENZHOU / "keys" / f"{new.key_id}.pem"
    file.chmod(0o644)
    pair.idle()
    assert pair.agencies[WENZHOU, IN].signer.key_id == old.key_id
    assert "signing_key_unusable" in pair.todo_codes(WENZHOU)
    file.chmod(0o600)
    pair.idle()
    assert pair.agencies[WENZHOU, IN].signer.key_id == new.key_id


def test_a_bundle_that_two_processes_sign_anew_is_signed_once(pair: World) -> None:
    case_id = unread(pair)
    rotate(pair, WENZHOU)
    pair.clock.pass_by(days=2)
    first = pair.services[WENZHOU, IN]
    second = pair.start(WENZHOU, IN)  # a zombie beside it
    for service in (first, second, first, second):
        service.upkeep.turn()
        service.resend.turn()
    with pair.desks[WENZHOU].journal.read() as read:
        assert len(read.bundles(0, None, 100)) == 2
    first.close()
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"


def test_make_bundle_is_the_contracts_own(pair: World) -> None:
    """A leaf signed anew is byte for byte the leaf that was signed first: the signature alone is another."""
    case_id = unread(pair)
    new = rotate(pair, WENZHOU)
    pair.clock.pass_by(days=2)
    pair.idle()
    first, again = [open_bundle(r.value) for r in pair.mailbox(XIAN, OUT) if known_kind(r.value) == "Bundle"]
    assert [leaf.event for leaf in first.leaves] == [leaf.event for leaf in again.leaves]
    assert first.disclosures == again.disclosures
    events = [leaf.event for leaf in again.leaves if leaf.event is not None]
    made = open_bundle(make_bundle(new, again.issuer, events))
    assert made.schemas == again.schemas
    assert made.signature == again.signature  # Ed25519 signs the same bytes the same way
    assert pair.case(XIAN, case_id).last == {}


def test_both_signatures_are_proved_by_the_audit(pair: World) -> None:
    case_id = unread(pair)
    rotate(pair, WENZHOU, suite=SM2)
    pair.clock.pass_by(days=2)
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    for code in (WENZHOU, XIAN):
        assert verify_journal(pair.desks[code].journal, pair.agencies[code, IN].participants) == []


def test_nothing_signed_anew_is_sent_before_the_ledger_holds_it(pair: World) -> None:
    unread(pair)
    new = rotate(pair, WENZHOU)
    pair.clock.pass_by(days=2)
    service = pair.services[WENZHOU, IN]
    service.upkeep.turn()
    sent = len(pair.mailbox(XIAN, OUT))
    for _ in range(3):  # signs anew, and would send what is due
        service.resend.turn()
        service.relay.turn()
    assert len(pair.mailbox(XIAN, OUT)) == sent
    service.ledger.turn()
    service.relay.turn()
    assert keys_in(pair, XIAN, OUT)[sent:] == [new.key_id]


def test_what_a_gap_waits_for_is_sent_again_at_once_when_it_is_asked_for(pair: World) -> None:
    case_id = unread(pair)
    pair.stopped.clear()
    pair.idle()
    for message in ("one", "two"):
        pair.act(WENZHOU, case_id, "remind", about="upload", message=message)
    pair.stopped = {(XIAN, OUT), (XIAN, IN)}
    pair.idle()
    with pair.desks[WENZHOU].journal.read() as read:
        waiting = sorted(one.seq for one in read.unreceipted(IN))
    assert len(waiting) == 2
    before = len(pair.mailbox(XIAN, OUT))
    about = {"case_id": case_id, "hand": Hand.INBOUND, "seq": waiting[-1]}
    asked = {"code": "held_gap", "text": "a gap", "topic": "t", "partition": 0, "offset": 0, "digest": bytes(32)}
    letter = make_notice(
        pair.signer(XIAN),
        Party(XIAN, OUT),
        Party(WENZHOU, IN),
        number=1,
        prev=None,
        notice={**asked, "about": about, "wants": "send_again"},
    )
    for _ in range(3):  # asked three times, sent once
        pair.post(WENZHOU, IN, letter.bytes)
        pair.idle()
    values = [record.value for record in pair.mailbox(XIAN, OUT)[before:]]
    events = [open_event(leaf.event).event for v in values for leaf in open_bundle(v).leaves if leaf.event]
    assert sorted(event.seq for event in events) == waiting
    assert pair.todos(WENZHOU) == []
    pair.stopped.clear()
    pair.idle()
    pair.agreed()
