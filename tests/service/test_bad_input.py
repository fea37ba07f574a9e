"""Whatever comes into a mailbox: it is refused, parked, held or void, with a reason, and nothing else stops."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from jiexu.case.event import Hand, Party, Role, Seen
from jiexu.contract import models, records, schema_files
from jiexu.contract.bundle import MAX_LEAVES, Bundle, Leaf, open_bundle, pack, withhold
from jiexu.contract.codec import SealedEvent, body_schema, leaf_hash
from jiexu.contract.disclosure import Disclosure
from jiexu.contract.errors import ContractError
from jiexu.contract.keys import create_key
from jiexu.contract.letters import make_receipts, open_notice
from jiexu.contract.records import encode_record, record_kind
from jiexu.contract.signed import EVENTS, Header, header_values, message, refs_of
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import Moved, ParkedRecord
from jiexu.region.directory.load import load_directory
from jiexu.region.directory.signing import new_key
from jiexu.region.platform import ActKey, Done, Send
from jiexu.service.clerk import ActRefused
from jiexu.service.intake import Intake
from jiexu.service.setup import create_root, init_region
from tests.service.pair import AMOUNT, CHENGDU, IN, OUT, START, WENZHOU, XIAN, Died, World, person

UNKNOWN_FINGERPRINT = bytes.fromhex("c301") + b"\x01" * 8


def remind(**about: Any) -> dict[str, Any]:
    """A body that anybody may issue at any time."""
    return {"about": "upload", "message": None} | about


def reject() -> dict[str, Any]:
    return {"reasons": [{"code": "OUT-04", "text": None}], "survivor": None, "explanation": None}


def silent(world: World, code: str, role: Role) -> None:
    """A region whose service stands still, so that the test can speak in its name."""
    world.stopped.add((code, role))


def lodged(world: World, number: int = 1) -> str:
    """A case that Wenzhou lodged and Xi'an has accepted; Wenzhou's service then stands still."""
    (who,) = world.moves(number)
    case_id = world.case_of(who)
    silent(world, WENZHOU, IN)
    service = world.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()
    for _ in range(8):
        world.turn()
    return case_id


def only_parked(world: World, code: str) -> ParkedRecord:
    (row,) = world.parked(code)
    assert row.zh
    assert row.en
    return row


def goes_on(world: World) -> None:
    """Another case runs to its end meanwhile."""
    world.stopped.clear()
    (who,) = world.moves(77)
    case_id = world.case_of(who)
    world.idle()
    assert world.status(case_id) == "closed"


def notices(world: World, code: str, role: Role) -> list[models.NoticePayload]:
    """The notices that lie in a mailbox."""
    values = [record.value for record in world.mailbox(code, role)]
    return [open_notice(value).payload for value in values if known_kind(value) == "Notice"]


def known_kind(value: bytes) -> str:
    try:
        return record_kind(value)
    except ContractError:
        return ""


# --- records


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "not_avro"),
        (b"hello", "not_avro"),
        (b"\xc3\x01\x00", "truncated"),
        (UNKNOWN_FINGERPRINT + b"body", "unknown_schema"),
    ],
)
def test_bytes_that_are_no_record_are_parked_and_nothing_stops(pair: World, value: bytes, code: str) -> None:
    pair.post(XIAN, OUT, value)
    pair.turn()
    row = only_parked(pair, XIAN)
    assert (row.code, row.bytes, row.sender) == (code, value, "")
    goes_on(pair)


def test_a_bundle_with_bytes_at_its_end_is_parked_with_its_sender_and_a_notice(pair: World) -> None:
    case_id = lodged(pair)
    good = pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind()))
    pair.post(XIAN, OUT, good + b"\x00", case_id)
    pair.turn()
    row = only_parked(pair, XIAN)
    assert row.code == "trailing_bytes"
    goes_on(pair)


def test_a_record_cut_short_is_parked(pair: World) -> None:
    case_id = lodged(pair)
    good = pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind()))
    pair.post(XIAN, OUT, good[:-3], case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == "truncated"


def test_an_event_outside_a_bundle_is_parked(pair: World) -> None:
    case_id = lodged(pair)
    sealed, _ = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    pair.post(XIAN, OUT, sealed.bytes, case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == "wrong_schema"


def test_a_sender_that_has_no_business_in_this_mailbox_is_parked(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who, at=XIAN)
    sealed = pair.seal(WENZHOU, OUT, "0" * 32, "ReminderSent", remind())
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, OUT, sealed))
    pair.idle()
    assert only_parked(pair, XIAN).code == "wrong_sender"
    assert notices(pair, WENZHOU, IN) == []
    assert pair.status(case_id) == "closed"


def test_a_bad_signature_is_parked_and_its_sender_asked_to_sign_again(pair: World) -> None:
    case_id = lodged(pair)
    good = pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind()))
    pair.post(XIAN, OUT, damaged_signature(good), case_id)
    pair.turn()
    pair.turn()
    row = only_parked(pair, XIAN)
    assert (row.code, row.sender) == ("bad_signature", "330300.inbound")
    (notice,) = notices(pair, WENZHOU, IN)
    assert (notice.code, notice.wants, notice.number) == ("bad_signature", "sign_again", 1)
    pair.stopped.clear()
    pair.idle()
    assert pair.todo_codes(WENZHOU) == ["not_our_event"], "its journal knows nothing of what came in its name"
    assert pair.parked(WENZHOU) == []


def test_notices_to_one_party_are_numbered_and_chained(pair: World) -> None:
    case_id = lodged(pair)
    good = pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind()))
    for _ in range(3):
        pair.post(XIAN, OUT, damaged_signature(good), case_id)
        pair.turn()
        pair.turn()
    values = [r.value for r in pair.mailbox(WENZHOU, IN) if known_kind(r.value) == "Notice"]
    letters = [open_notice(value) for value in values]
    assert [letter.payload.number for letter in letters] == [1, 2, 3]
    assert [letter.payload.prev for letter in letters] == [None, letters[0].hash, letters[1].hash]


def damaged_signature(bundle: bytes) -> bytes:
    """The same bundle with one bit of its signature turned."""
    opened = open_bundle(bundle)
    wrong = bytes([opened.signature[0] ^ 1]) + opened.signature[1:]
    return pack(type(opened)(opened.header, opened.leaves, wrong, opened.disclosures))


def test_a_notice_that_cannot_be_believed_is_not_answered_by_a_notice(pair: World) -> None:
    case_id = lodged(pair)
    good = pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind()))
    pair.post(XIAN, OUT, damaged_signature(good), case_id)
    pair.turn()
    pair.turn()
    (record,) = [r for r in pair.mailbox(WENZHOU, IN) if known_kind(r.value) == "Notice"]
    pair.stopped.clear()
    pair.post(WENZHOU, IN, record.value[:-1] + bytes([record.value[-1] ^ 1]))
    before = len(pair.mailbox(XIAN, OUT))
    pair.idle()
    sent = [known_kind(r.value) for r in pair.mailbox(XIAN, OUT)[before:]]
    assert "Notice" not in sent


def test_an_unknown_key_is_parked_and_taken_in_by_itself_once_the_directory_has_it(pair: World) -> None:
    case_id = lodged(pair)
    signer, _ = create_key(pair.folder / "new-keys")
    reminder = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, reminder, signer=signer), case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == "key_unknown"
    publish(pair, signer, valid_from=pair.clock() - timedelta(minutes=1))
    pair.turn()
    assert pair.parked(XIAN) == []
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied", "ReminderSent"]
    with pair.desks[XIAN].journal.read() as read:
        assert [row.settled for row in read.parked(settled=True)] == ["taken_in"]


def publish(world: World, *signers: Any, **valid: Any) -> None:
    """Wenzhou publishes more keys, each vouched for by the one before."""
    root = create_root(world.folder / "root")
    keys = world.desks[WENZHOU].participants.entry(WENZHOU).keys
    previous = world.signer(WENZHOU)._key
    for signer in signers:
        keys = (*keys, new_key(WENZHOU, signer.key_id, signer._key, previous=previous, root=root, **valid))
        previous = signer._key
    world.change_entry(WENZHOU, keys=keys)


@pytest.mark.parametrize(
    ("valid", "passed", "code"),
    [
        ({"valid_from": START + timedelta(hours=1)}, timedelta(0), "key_not_yet_valid"),
        ({"valid_from": START, "valid_to": START + timedelta(hours=1)}, timedelta(hours=2), "key_expired"),
    ],
)
def test_a_key_out_of_its_time_is_parked(pair: World, valid: dict[str, Any], passed: timedelta, code: str) -> None:
    case_id = lodged(pair)
    signer, _ = create_key(pair.folder / "new-keys")
    publish(pair, signer, **valid)
    pair.clock.now += passed
    pair.turn()
    reminder = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, reminder, signer=signer), case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == code


def test_a_key_is_judged_by_the_time_of_recording_and_may_become_valid(pair: World) -> None:
    case_id = lodged(pair)
    signer, _ = create_key(pair.folder / "new-keys")
    publish(pair, signer, valid_from=START + timedelta(hours=1))
    pair.turn()
    reminder = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, reminder, signer=signer), case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == "key_not_yet_valid"
    pair.clock.pass_by(hours=2)
    pair.turn()
    assert pair.parked(XIAN) == []


def test_a_revoked_key_is_parked_whatever_time_the_event_states(pair: World) -> None:
    case_id = lodged(pair)
    reminder = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), occurred_at=pair.clock() - timedelta(days=1))
    entry = pair.desks[WENZHOU].participants.entry(WENZHOU)
    (key,) = entry.keys
    pair.change_entry(WENZHOU, keys=(key.model_copy(update={"revoked_at": pair.clock()}),))
    pair.clock.pass_by(minutes=1)
    pair.turn()
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, reminder), case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == "key_revoked"


def test_a_region_that_is_in_no_directory_is_parked(pair: World) -> None:
    pair_of_keys, _ = create_key(pair.folder / "stranger")
    application = application_body(CHENGDU, XIAN)
    sealed = stranger_event(pair, CHENGDU, application)
    other = pair.desks[XIAN]
    without = type(other.participants)(
        other.participants.root,
        type(other.participants.content)(
            entries=tuple(e for e in other.participants.content.entries if e.entry.region != CHENGDU)
        ),
    )
    pair.stopped = set(pair.services)
    pair.agencies[XIAN, OUT].participants = without
    intake = pair.services[XIAN, OUT].intake
    pair.post(XIAN, OUT, pair.bundle(CHENGDU, IN, sealed, signer=pair_of_keys))
    records = pair.mailbox(XIAN, OUT)
    intake.take(records, pair.services[XIAN, OUT].topic_id)
    assert only_parked(pair, XIAN).code == "key_unknown"


def stranger_event(world: World, code: str, body: dict[str, Any]) -> tuple[SealedEvent, tuple[Disclosure, ...]]:
    """An application in a region's name, though it may have no services here."""
    world.desks.setdefault(code, world.desks[WENZHOU])
    return world.seal(code, IN, world.desks[XIAN].new_id(), "TransferApplied", body, issuer=Party(code, IN))


def application_body(inbound: str, outbound: str, **changes: Any) -> dict[str, Any]:
    """An application as the contract wants it, personal values in plain text."""
    who = person(1)
    body: dict[str, Any] = {
        "procedure": "platform",
        "scope": "full",
        "outbound": {"region": outbound, "office": None},
        "inbound": {"region": inbound, "office": None},
        "from_scheme": "employee",
        "to_scheme": "employee",
        "applied_on": START.date(),
        "channel": "window",
        "applicant": "person",
        "applicant_name": None,
        "authority": None,
        "person": {
            "name": who.name,
            "document_type": "01",
            "document_number": who.document_number,
            "sex": None,
            "birth_date": None,
            "phone": None,
            "person_number": None,
            "household": None,
        },
        "checks": [],
        "overlap": None,
        "bank_account": None,
        "forwarded_from": None,
        "hops": 0,
        "certificate": None,
    }
    return body | changes


def test_more_leaves_than_a_bundle_may_hold_are_parked(pair: World) -> None:
    case_id = lodged(pair)
    opened = open_bundle(pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())))
    leaf = opened.leaves[0].event
    assert leaf is not None
    values = {
        **header_values(opened.header),
        "issuer": models.Issuer(region=WENZHOU, role="inbound"),
        "schemas": tuple(models.SchemaRef(fingerprint=r.fingerprint, digest=r.digest) for r in opened.schemas),
        "leaves": (leaf,) * (MAX_LEAVES + 1),
        "signature": opened.signature,
        "disclosures": (),
    }
    pair.post(XIAN, OUT, encode_record("Bundle", models.Bundle.model_construct(**values)), case_id)
    pair.turn()
    row = only_parked(pair, XIAN)
    assert (row.code, row.sender) == ("invalid", "330300.inbound")


def test_a_parked_record_can_be_tried_again_by_hand(pair: World) -> None:
    case_id = lodged(pair)
    signer, _ = create_key(pair.folder / "new-keys")
    reminder = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, reminder, signer=signer), case_id)
    pair.turn()
    row = only_parked(pair, XIAN)
    intake = pair.services[XIAN, OUT].intake
    why = intake.retry(row.id)
    assert why is not None
    assert why.code == "key_unknown"
    assert len(pair.parked(XIAN)) == 1
    publish(pair, signer, valid_from=pair.clock() - timedelta(minutes=1))
    pair.services[XIAN, OUT].upkeep._read_directory()
    assert intake.retry(row.id) is None
    assert pair.parked(XIAN) == []
    with pytest.raises(LookupError):
        intake.retry(row.id)


@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
def test_many_parked_records_are_tried_again_some_at_a_time_and_none_is_left(
    pair: World, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("jiexu.service.refused.AT_ONCE", at_once)
    signer, _ = create_key(pair.folder / "new-keys")
    cases = [pair.case_of(who) for who in pair.moves(1, 2, 3, 4, 5)]
    pair.idle()
    pair.post(XIAN, OUT, b"no record")
    for case_id in cases:
        reminder = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
        pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, reminder, signer=signer), case_id)
    pair.turn()
    assert len(pair.parked(XIAN)) == 6
    asked: list[int] = []
    intake = pair.services[XIAN, OUT].intake
    retry = intake.retry
    monkeypatch.setattr(intake, "retry", lambda parked_id: (asked.append(parked_id), retry(parked_id))[1])
    for _ in range(8):
        intake.retry_waiting()
    assert len(asked) == 5, "while nothing changes each is tried once"
    publish(pair, signer, valid_from=pair.clock() - timedelta(minutes=1))
    pair.services[XIAN, OUT].upkeep._read_directory()
    for _ in range(8):
        intake.retry_waiting()
    assert [row.code for row in pair.parked(XIAN)] == ["not_avro"]
    assert len(asked) == 10


@pytest.mark.parametrize("point", ["intake.commit", "retry.commit", "notices.sent", "before_commit", "after_commit"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_death_while_a_record_is_parked_told_and_tried_again_changes_nothing(
    pair: World, point: str, nth: int
) -> None:
    case_id = lodged(pair)
    signers = [create_key(pair.folder / "new-keys")[0] for _ in range(2)]
    fault = pair.faults[XIAN, OUT]
    fault.name, fault.nth = point, nth
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    for event, signer in zip((second, third), signers, strict=True):
        pair.post(XIAN, OUT, pair.bundle(WENZHOU, IN, event, signer=signer), case_id)
        for _ in range(3):
            turn_of_xian(pair)
    assert [row.code for row in pair.parked(XIAN)] == ["key_unknown", "key_unknown"]
    publish(pair, *signers, valid_from=pair.clock() - timedelta(minutes=1))
    for _ in range(4):
        turn_of_xian(pair)
    assert fault.struck
    assert pair.parked(XIAN) == []
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied", "ReminderSent", "ReminderSent"]
    assert [n.number for n in notices(pair, WENZHOU, IN)][-1] == 2
    for _ in range(2):
        pair.services[WENZHOU, IN].take_in(0.0)
    assert pair.todo_codes(WENZHOU).count("notice_key_unknown") == 2, "a notice sent twice is one"


def turn_of_xian(world: World) -> None:
    """One turn of Xi'an's outbound service, started again where it dies."""
    service = world.services[XIAN, OUT]
    service._due.clear()
    try:
        service.turn(0.0)
    except Died:
        world.restart(XIAN, OUT)


# --- events


def sent_in(world: World, case_id: str, *events: tuple[SealedEvent, Any], by: str = WENZHOU) -> None:
    """Put a bundle of these into Xi'an's mailbox and take it in."""
    world.post(XIAN, OUT, world.bundle(by, IN, *events), case_id)
    world.turn()


def test_a_broken_hash_link_is_parked_with_its_signed_bundle_as_proof(pair: World) -> None:
    case_id = lodged(pair)
    broken = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), prev_hash=b"\x07" * 32)
    sent_in(pair, case_id, broken)
    row = only_parked(pair, XIAN)
    assert row.code == "broken_link"
    proof = open_bundle(row.bytes)
    assert [leaf.hash for leaf in proof.leaves] == [broken[0].hash]
    assert "broken_link" in pair.todo_codes(XIAN)
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied"]


def test_a_gap_in_the_hand_is_held_back_and_released_in_order(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(
        WENZHOU, IN, case_id, "InformationRequested", {"topic": "t", "question": None}, seq=3, prev_hash=second[0].hash
    )
    fourth = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=4, prev_hash=third[0].hash)
    sent_in(pair, case_id, fourth)
    sent_in(pair, case_id, third)
    with pair.desks[XIAN].journal.read() as read:
        assert [(h.seq, h.reason) for h in read.held(case_id)] == [(3, "gap"), (4, "gap")]
    sent_in(pair, case_id, second)
    assert pair.types(XIAN, case_id, Hand.INBOUND) == [
        "TransferApplied",
        "ReminderSent",
        "InformationRequested",
        "ReminderSent",
    ]
    with pair.desks[XIAN].journal.read() as read:
        assert read.held() == []
        for stored in read.case_events(case_id):
            if stored.event.hand is Hand.INBOUND:
                bundle = read.bundle_of(stored.position)
                assert bundle is not None
                leaves = open_bundle(bundle.bundle.skeleton).leaves
                at = list(bundle.bundle.positions).index(stored.position)
                assert leaves[at].hash == stored.event.hash


def test_a_released_event_stands_at_its_own_leaf_of_its_bundle(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    fourth = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=4, prev_hash=third[0].hash)
    sent_in(pair, case_id, third, fourth)
    sent_in(pair, case_id, second)
    with pair.desks[XIAN].journal.read() as read:
        stored = read.event_at(case_id, Hand.INBOUND, 4)
        assert stored is not None
        bundle = read.bundle_of(stored.position)
        assert bundle is not None
        assert list(bundle.bundle.positions) == [0, stored.position]


def test_the_same_place_with_other_content_is_an_alarm_and_both_are_kept(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    other = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(about="remit"))
    sent_in(pair, case_id, second)
    sent_in(pair, case_id, other)
    row = only_parked(pair, XIAN)
    assert row.code == "other_content"
    assert open_bundle(row.bytes).leaves[0].event == other[0].bytes
    with pair.desks[XIAN].journal.read() as read:
        stands = read.event_at(case_id, Hand.INBOUND, 2)
        assert stands is not None
        assert stands.bytes == second[0].bytes
    assert "other_content" in pair.todo_codes(XIAN)


def test_what_contradicts_and_is_sent_again_is_parked_once_until_it_is_settled(pair: World) -> None:
    case_id = lodged(pair)
    first = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    other = pair.bundle(WENZHOU, IN, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(about="remit")))
    sent_in(pair, case_id, first)
    for _ in range(3):
        pair.post(XIAN, OUT, other, case_id)
        pair.turn()
    row = only_parked(pair, XIAN)
    assert row.code == "other_content"
    with pair.desks[XIAN].journal.read() as read:
        assert len(read.facts("notice")) == 1, "its owner is told once"
    with pair.desks[XIAN].journal.write() as write:
        write.settle_parked(row.id, "discarded")
    pair.post(XIAN, OUT, other, case_id)
    pair.turn()
    assert only_parked(pair, XIAN).id != row.id, "what a person has settled and comes again is news"


def test_two_contents_that_wait_for_one_place_are_settled_when_the_gap_closes(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    other = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(about="remit"), seq=3, prev_hash=second[0].hash)
    sent_in(pair, case_id, third)
    sent_in(pair, case_id, other)
    sent_in(pair, case_id, second)
    with pair.desks[XIAN].journal.read() as read:
        assert read.held() == []
    assert only_parked(pair, XIAN).code == "other_content"
    assert len(pair.types(XIAN, case_id, Hand.INBOUND)) == 3


def test_an_event_id_used_again_is_parked_with_an_alarm(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(
        WENZHOU,
        IN,
        case_id,
        "ReminderSent",
        remind(),
        seq=3,
        prev_hash=second[0].hash,
        event_id=second[0].event.event_id,
    )
    sent_in(pair, case_id, second, third)
    assert only_parked(pair, XIAN).code == "event_id_reused"
    assert "event_id_reused" in pair.todo_codes(XIAN)
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied", "ReminderSent"]


def test_an_event_that_its_issuer_had_no_right_to_is_void_in_both_journals_and_receipted(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who, at=XIAN)
    pair.misissue(XIAN, case_id, "TransferAccepted", {"checks": [], "overlap": None, "bank_account": None})
    pair.idle()
    with pair.desks[WENZHOU].journal.read() as read:
        stored = read.event_at(case_id, Hand.OUTBOUND, 2)
    assert stored is not None
    assert stored.void
    assert "void" in pair.todo_codes(WENZHOU)
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_an_event_of_a_third_region_is_parked(three: World) -> None:
    case_id = lodged(three)
    sealed = three.seal(CHENGDU, IN, case_id, "ReminderSent", remind())
    sent_in(three, case_id, sealed, by=CHENGDU)
    assert only_parked(three, XIAN).code == "third_region"
    assert "third_region" in three.todo_codes(XIAN)


def test_an_event_passed_on_by_a_third_region_gets_no_receipt_from_us(three: World) -> None:
    case_id = lodged(three)
    sealed, values = three.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    sent_in(three, case_id, (sealed, values))
    with three.desks[XIAN].journal.read() as read:
        before = len(read.case_receipts([case_id]))
    sent_in(three, case_id, (sealed, ()), by=CHENGDU)
    assert only_parked(three, XIAN).code == "wrong_issuer"
    with three.desks[XIAN].journal.read() as read:
        assert len(read.case_receipts([case_id])) == before


def test_an_application_that_names_other_regions_is_parked(three: World) -> None:
    case_id = three.desks[XIAN].new_id()
    silent(three, WENZHOU, IN)
    body = application_body(WENZHOU, CHENGDU)
    sent_in(three, case_id, three.seal(WENZHOU, IN, case_id, "TransferApplied", body))
    assert only_parked(three, XIAN).code == "third_region"


def test_a_replayed_application_repeats_the_receipt_and_doubles_nothing(pair: World) -> None:
    case_id = lodged(pair)
    (first,) = [r.value for r in pair.mailbox(XIAN, OUT) if known_kind(r.value) == "Bundle"]
    with pair.desks[XIAN].journal.read() as read:
        bundles, receipts = len(read.bundles(0, None, 99)), len(read.case_receipts([case_id]))
    pair.post(XIAN, OUT, first, case_id)
    pair.turn()
    with pair.desks[XIAN].journal.read() as read:
        assert len(read.bundles(0, None, 99)) == bundles
        assert len(read.case_receipts([case_id])) == receipts + 1
        assert len(read.cases()) == 1
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied"]
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


def remitted(reference: str, amount: Decimal) -> dict[str, Any]:
    return {
        "reference": reference,
        "amount": amount,
        "answers": None,
        "batch_reference": None,
        "line": None,
        "sent_on": START.date(),
        "bank_account": None,
        "payee": None,
    }


def test_money_beyond_what_is_due_is_void_counts_as_sent_and_comes_back_uncredited(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    send_at_the_bank(pair, case_id, who, "EXTRA-1", "50.00")
    pair.misissue(XIAN, case_id, "BalanceRemitted", remitted("EXTRA-1", Decimal("50.00")))
    pair.idle()
    assert pair.status(case_id) == "closed"
    view = pair.case(XIAN, case_id).view
    assert [(r.reference, r.amount, r.credited) for r in view.inbound.returns] == [("EXTRA-1", Decimal("50.00"), False)]
    assert [m.amount for m in view.outbound.return_arrivals] == [Decimal("50.00")]
    assert sum(c.amount for c in view.inbound.credits) == AMOUNT
    pair.agreed()
    pair.books_fit()


def send_at_the_bank(world: World, case_id: str, who: Any, reference: str, amount: str) -> None:
    """Xi'an's money goes out under a reference, outside every step."""
    act = Send(
        ActKey(case_id, "by-hand", reference),
        reference,
        Decimal(amount),
        XIAN,
        WENZHOU,
        None,
        who.name,
        who.document_number,
    )
    (done,) = world.desks[XIAN].platform.perform([act])
    assert isinstance(done, Done)


def test_a_payment_reference_used_twice_in_a_case_is_void_and_without_effect(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.misissue(XIAN, case_id, "BalanceRemitted", remitted(f"{case_id}R1", Decimal("1.00")))
    pair.idle()
    view = pair.case(WENZHOU, case_id).view
    assert [r.amount for r in view.outbound.remittances] == [AMOUNT]
    assert "void" in pair.todo_codes(WENZHOU)
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_a_payment_reference_of_another_case_is_an_alarm_and_its_money_counts_once(pair: World) -> None:
    first, second = pair.moves(1, 2)
    one = pair.case_of(first)
    pair.idle()
    other = pair.case_of(second)
    pair.stopped.add((XIAN, OUT))
    pair.services[WENZHOU, IN].turn(0.0)
    pair.stopped.clear()
    while "InformationFormUploaded" not in pair.types(XIAN, other, Hand.OUTBOUND):
        pair.turn()
    pair.misissue(XIAN, other, "BalanceRemitted", remitted(f"{one}R1", AMOUNT))
    pair.idle()
    assert "reference_reused" in pair.todo_codes(WENZHOU)
    assert pair.case(WENZHOU, other).view.inbound.arrivals == ()
    assert [a.amount for a in pair.case(WENZHOU, one).view.inbound.arrivals] == [AMOUNT]
    pair.agreed()


def test_an_event_of_the_future_is_taken_in_and_flagged(pair: World) -> None:
    case_id = lodged(pair)
    early = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), occurred_at=pair.clock() + timedelta(days=2))
    sent_in(pair, case_id, early)
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied", "ReminderSent"]
    assert "future_time" in pair.todo_codes(XIAN)


def test_an_unknown_event_type_waits_with_its_case_for_an_upgrade_and_others_go_on(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, other = pair.moves(1, 2)
    case_id = pair.case_of(waiting)
    pair.act(WENZHOU, case_id, "remind", about="answer")
    hide = Hidden(monkeypatch, "ReminderSent")
    going_on = pair.case_of(other, at=XIAN)
    pair.idle()
    with pair.desks[XIAN].journal.read() as read:
        assert [(h.seq, h.reason) for h in read.held(case_id)] == [(2, "unknown")]
    assert "upgrade" in pair.todo_codes(XIAN)
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == [], "nothing is done by itself in the case that waits"
    assert pair.status(going_on) == "closed"
    hide.undo()
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.INBOUND)[:2] == ["TransferApplied", "ReminderSent"]
    assert pair.status(case_id) == "closed"
    pair.agreed()


class Hidden:
    """A program that was made before an event type was published."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        store = schema_files.schema_store()
        gone = {mark for mark, published in store.by_fingerprint.items() if published.name == name}
        self._store = store
        self._gone = {mark: store.by_fingerprint[mark] for mark in gone}
        self._readers = {mark: records._readers.pop(mark) for mark in gone if mark in records._readers}
        for mark in gone:
            monkeypatch.delitem(store.by_fingerprint, mark)  # type: ignore[arg-type]
        self.undo = monkeypatch.undo


def test_an_unknown_protocol_and_another_procedure_wait_for_an_upgrade(pair: World) -> None:
    silent(pair, WENZHOU, IN)
    for number, (body, changes) in enumerate(
        [
            (application_body(WENZHOU, XIAN), {"protocol": b"\x05" * 32}),
            (application_body(WENZHOU, XIAN, procedure="account_only", scope="account"), {}),
        ],
        start=1,
    ):
        case_id = pair.desks[XIAN].new_id()
        sent_in(pair, case_id, pair.seal(WENZHOU, IN, case_id, "TransferApplied", body, **changes))
        with pair.desks[XIAN].journal.read() as read:
            assert len(read.held(reason="unknown")) == number
            assert read.heads([case_id]) == {}
    assert pair.todo_codes(XIAN) == ["upgrade", "upgrade"]


def attested_by(code: str) -> dict[str, Any]:
    return {
        "region": code,
        "recorded_by": "clerk-1",
        "released_by": "clerk-2",
        "released_at": START,
        "scan_digest": b"\x03" * 32,
        "paper_number": None,
    }


def test_an_event_of_an_attested_hand_is_held(pair: World) -> None:
    case_id = lodged(pair)
    sealed = pair.seal(
        WENZHOU,
        IN,
        case_id,
        "ReminderSent",
        remind(),
        issuer=Party(XIAN, OUT),
        hand=Hand.OUTBOUND_ATTESTED,
        seq=1,
        prev_hash=None,
        seen=(),
        attested=attested_by(WENZHOU),
    )
    sent_in(pair, case_id, sealed)
    with pair.desks[XIAN].journal.read() as read:
        assert [(h.hand, h.reason) for h in read.held(case_id)] == [(Hand.OUTBOUND_ATTESTED, "unknown")]
    goes_on_held(pair)


def goes_on_held(world: World) -> None:
    """Another case runs to its end while one waits."""
    other = world.case_of(world.moves(66)[0])
    world.stopped.clear()
    world.idle()
    assert world.status(other) == "closed"


@pytest.mark.parametrize("digest", ["beyond", "other"])
def test_seen_that_we_never_issued_is_held_with_an_alarm(pair: World, digest: str) -> None:
    case_id = lodged(pair)
    last = pair.case(XIAN, case_id).last[Hand.OUTBOUND]
    seen = (
        Seen(Hand.OUTBOUND, last.seq + 1, b"\x09" * 32)
        if digest == "beyond"
        else Seen(Hand.OUTBOUND, last.seq, b"\x09" * 32)
    )
    sent_in(pair, case_id, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seen=(seen,)))
    with pair.desks[XIAN].journal.read() as read:
        assert [(h.seq, h.reason) for h in read.held(case_id)] == [(2, "seen")]
    assert "seen_unknown" in pair.todo_codes(XIAN)
    goes_on_held(pair)


def test_a_first_event_that_has_seen_something_is_held(pair: World) -> None:
    silent(pair, WENZHOU, IN)
    case_id = pair.desks[XIAN].new_id()
    seen = (Seen(Hand.OUTBOUND, 3, b"\x09" * 32),)
    sent_in(
        pair, case_id, pair.seal(WENZHOU, IN, case_id, "TransferApplied", application_body(WENZHOU, XIAN), seen=seen)
    )
    with pair.desks[XIAN].journal.read() as read:
        assert [h.reason for h in read.held(case_id)] == ["seen"]
    goes_on_held(pair)


def test_a_leaf_given_as_hash_only_is_not_delivered_and_gets_no_receipt(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    whole = pair.bundle(WENZHOU, IN, second, third)
    with pair.desks[XIAN].journal.read() as read:
        before = len(read.case_receipts([case_id]))
    pair.post(XIAN, OUT, withhold(open_bundle(whole), {0}), case_id)
    pair.turn()
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied", "ReminderSent"]
    with pair.desks[XIAN].journal.read() as read:
        assert len([r for r in read.case_receipts([case_id])[before:] if r.given]) == 1
    pair.post(XIAN, OUT, whole, case_id)
    pair.turn()
    assert len(pair.types(XIAN, case_id, Hand.INBOUND)) == 3


def test_more_waiting_events_than_a_region_may_have_are_parked(pair: World) -> None:
    case_id = lodged(pair)
    agency = pair.agencies[XIAN, OUT]
    agency.config = agency.config.model_copy(update={"held_quota": 2})
    for seq in (5, 6, 7):
        sent_in(
            pair, case_id, pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=seq, prev_hash=b"\x01" * 32)
        )
    with pair.desks[XIAN].journal.read() as read:
        assert len(read.held()) == 2
    assert only_parked(pair, XIAN).code == "held_quota"


def test_an_event_held_longer_than_seven_days_is_parked_and_can_be_tried_again(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    sent_in(pair, case_id, third)
    pair.clock.pass_by(days=6, hours=23)
    pair.turn()
    assert pair.parked(XIAN) == []
    pair.clock.pass_by(hours=2)
    pair.turn()
    pair.turn()
    row = only_parked(pair, XIAN)
    assert row.code == "held_gap"
    assert [n.wants for n in notices(pair, WENZHOU, IN)] == ["send_again"]
    sent_in(pair, case_id, second)
    assert pair.services[XIAN, OUT].intake.retry(row.id) is None
    assert len(pair.types(XIAN, case_id, Hand.INBOUND)) == 3


def test_what_was_held_too_long_comes_in_by_itself_once_what_it_waited_for_is_here(pair: World) -> None:
    case_id = lodged(pair)
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    sent_in(pair, case_id, third)
    pair.clock.pass_by(days=8)
    pair.turn()
    row = only_parked(pair, XIAN)
    assert row.code == "held_gap"
    sent_in(pair, case_id, second)
    pair.clock.pass_by(minutes=1)
    pair.turn()
    assert pair.parked(XIAN) == []
    with pair.desks[XIAN].journal.read() as read:
        assert [one.settled for one in read.parked(settled=True)] == ["taken_in"]
    assert len(pair.types(XIAN, case_id, Hand.INBOUND)) == 3
    goes_on_held(pair)


def test_what_was_over_the_quota_is_settled_once_it_has_come_again(pair: World) -> None:
    case_id = lodged(pair)
    agency = pair.agencies[XIAN, OUT]
    agency.config = agency.config.model_copy(update={"held_quota": 1})
    second = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    third = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=3, prev_hash=second[0].hash)
    fourth = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind(), seq=4, prev_hash=third[0].hash)
    for early in (third, fourth):
        sent_in(pair, case_id, early)
    assert only_parked(pair, XIAN).code == "held_quota"
    for again in (second, fourth):
        sent_in(pair, case_id, again)
    pair.turn()
    assert pair.parked(XIAN) == []


def test_a_leaf_that_cannot_be_read_is_parked_and_its_neighbours_are_taken_in(pair: World) -> None:
    case_id = lodged(pair)
    second, _ = pair.seal(WENZHOU, IN, case_id, "ReminderSent", remind())
    data = signed_leaves(pair, second.bytes + b"\x00", second.bytes)
    pair.post(XIAN, OUT, data, case_id)
    pair.turn()
    assert only_parked(pair, XIAN).code == "trailing_bytes"
    assert pair.types(XIAN, case_id, Hand.INBOUND) == ["TransferApplied", "ReminderSent"]


def signed_leaves(world: World, *events: bytes) -> bytes:
    """A bundle that its issuer signed over whatever bytes."""
    signer = world.signer(WENZHOU)
    leaves = tuple(Leaf(leaf_hash(event), event) for event in events)
    used = {events[-1][2:10], body_schema(events[-1])}
    header = Header(Party(WENZHOU, IN), signer.key_id, signer.suite, refs_of(used))
    signature = signer.sign(message(EVENTS, header, [leaf.hash for leaf in leaves]))
    return pack(Bundle(header, leaves, signature, ()))


# --- personal values


def test_values_that_do_not_fit_are_not_kept_and_the_right_ones_asked_for(pair: World) -> None:
    (who,) = pair.moves(1)
    silent(pair, WENZHOU, IN)
    case_id = pair.case_of(who)
    service = pair.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()
    (record,) = pair.mailbox(XIAN, OUT)
    opened = open_bundle(record.value)
    changed = tuple(
        Disclosure(d.leaf, d.field, d.salt, "别人") if d.field == "person.name" else d for d in opened.disclosures
    )
    intake = pair.services[XIAN, OUT].intake
    forged = type(record)(
        record.topic,
        record.partition,
        record.offset,
        record.append_time,
        None,
        pack(type(opened)(opened.header, opened.leaves, opened.signature, changed)),
    )
    intake.take([forged], pair.services[XIAN, OUT].topic_id)
    assert "disclosure" in pair.todo_codes(XIAN)
    with pair.desks[XIAN].journal.read() as read:
        assert "person.name" not in {row.field for row in read.disclosures([case_id])}
    pair.stopped.clear()
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND)[0] == "DisclosureRequested"
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_values_that_are_missing_are_asked_for_once_and_sent_again_by_the_partner(pair: World) -> None:
    (who,) = pair.moves(1)
    silent(pair, WENZHOU, IN)
    case_id = pair.case_of(who)
    service = pair.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()
    (record,) = pair.mailbox(XIAN, OUT)
    opened = open_bundle(record.value)
    bare = type(record)(
        record.topic,
        record.partition,
        record.offset,
        record.append_time,
        None,
        pack(type(opened)(opened.header, opened.leaves, opened.signature, ())),
    )
    pair.services[XIAN, OUT].intake.take([bare], pair.services[XIAN, OUT].topic_id)
    for _ in range(4):
        pair.turn()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["DisclosureRequested"], "the event counts, the answer waits"
    with pair.desks[XIAN].journal.read() as read:
        row = read.case_row(case_id)
        assert row is not None
        assert row.person_key == ""
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, case_id, "accept")
    assert refused.value.code == "identity_missing", "nobody is accepted whom nobody knows"
    pair.stopped.clear()
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND).count("DisclosureRequested") == 1
    assert pair.status(case_id) == "closed"
    assert pair.todo_codes(XIAN) == []
    pair.agreed()
    pair.books_fit()


def test_an_identity_number_with_a_wrong_check_digit_is_refused_with_a_reason(pair: World) -> None:
    silent(pair, WENZHOU, IN)
    case_id = pair.desks[XIAN].new_id()
    body = application_body(WENZHOU, XIAN)
    number = body["person"]["document_number"]
    body["person"]["document_number"] = number[:-1] + ("0" if number[-1] != "0" else "1")
    sent_in(pair, case_id, pair.seal(WENZHOU, IN, case_id, "TransferApplied", body))
    for _ in range(4):
        pair.turn()
    case = pair.case(XIAN, case_id)
    assert case.view.status == "rejected"
    assert case.event(OUT, 1).body["reasons"]


# --- receipts


def receipt(world: World, case_id: str, by: str, hash: bytes, number: int) -> bytes:
    last = {"seq": 1, "hash": hash}
    one = {
        "case_id": case_id,
        "hand": "outbound",
        **last,
        "topic": topic_name(by, "inbound"),
        "partition": 0,
        "offset": 0,
        "appended_at": world.clock(),
        "recorded_at": world.clock(),
        "own_last_seq": 1,
    }
    return make_receipts(
        world.signer(by),
        Party(by, IN),
        Party(XIAN, OUT),
        number=number,
        prev=None if number == 1 else b"\x01" * 32,
        receipts=[one],
    ).bytes


def unreceipted(world: World) -> int:
    with world.desks[XIAN].journal.read() as read:
        return len(read.unreceipted(OUT))


def test_a_receipt_for_other_content_is_an_alarm_and_frees_nothing(pair: World) -> None:
    case_id = lodged(pair)
    waiting = unreceipted(pair)
    assert waiting > 0
    pair.post(XIAN, OUT, receipt(pair, case_id, WENZHOU, b"\x08" * 32, 2))
    pair.turn()
    assert "receipt_other_content" in pair.todo_codes(XIAN)
    assert unreceipted(pair) == waiting


def test_a_receipt_of_a_region_that_is_no_party_frees_nothing(three: World) -> None:
    case_id = lodged(three)
    waiting = unreceipted(three)
    ours = three.case(XIAN, case_id).event(OUT, 1)
    three.post(XIAN, OUT, receipt(three, case_id, CHENGDU, ours.hash, 1))
    three.turn()
    assert "receipt_of_stranger" in three.todo_codes(XIAN)
    assert unreceipted(three) == waiting


# --- copies


def test_a_second_copy_of_a_service_takes_no_batch_twice(pair: World) -> None:
    (who,) = pair.moves(1)
    silent(pair, XIAN, OUT)
    case_id = pair.case_of(who)
    pair.turn()
    records = pair.mailbox(XIAN, OUT)
    zombie = pair._open(XIAN, "zombie")
    first = pair.services[XIAN, OUT]
    first.intake.take(records, first.topic_id)
    with pytest.raises(Moved):
        Intake(zombie, OUT).take(records, first.topic_id)
    zombie.close()
    with pair.desks[XIAN].journal.read() as read:
        assert len([r for r in read.case_receipts([case_id]) if r.given]) == 1
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


# --- the directory


@pytest.mark.parametrize("hour", [2, 17])  # 17:00 UTC is the next day in Beijing
def test_a_running_service_reads_a_directory_that_has_changed(pair: World, hour: int) -> None:
    init_region(
        pair.folder / "320100",
        load_directory().pooling_region("320100"),
        directory=pair.folder / "directory.json",
        root=create_root(pair.folder / "root"),
        exchange={"embedded": str(pair.folder / "exchange.db")},
        bank=pair.folder / "bank.db",
        now=START.replace(hour=hour),
    )
    pair.turn()
    assert "320100" in pair.agencies[XIAN, OUT].participants.regions


def test_a_directory_whose_signatures_do_not_hold_is_not_used(pair: World) -> None:
    file = pair.folder / "directory.json"
    before = pair.agencies[XIAN, OUT].participants
    file.write_text(file.read_text(encoding="utf-8").replace('"partitions": 6', '"partitions": 7'), encoding="utf-8")
    pair.turn()
    assert pair.agencies[XIAN, OUT].participants is before
    assert "directory_unusable" in pair.todo_codes(XIAN)
    goes_on(pair)
