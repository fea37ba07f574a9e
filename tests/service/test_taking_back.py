"""Events of ours that only a partner has any more come back out of its evidence file, and the case goes on."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jiexu.audit.compare import compare_all
from jiexu.audit.evidence import export_case
from jiexu.audit.evidence_file import EvidenceError
from jiexu.audit.rebuild import rebuild
from jiexu.audit.replay import replay_journal
from jiexu.audit.verify import verify_journal
from jiexu.case.event import Hand, Role
from jiexu.exchange.topics import topic_name
from jiexu.region.directory.file import load_participants
from jiexu.region.platform import ActKey, Done, Reinstate
from jiexu.rules.facts import Scheme
from jiexu.service.clerk import ActRefused
from jiexu.service.lost_events import ALARMS
from jiexu.service.steps import Turned
from jiexu.service.taking_back import FACT, TakeBackRefused, TakenBack, take_back
from jiexu.service.wiring import current_signer
from tests.audit.test_evidence import replaced, rewritten

from .pair import AMOUNT, CHENGDU, IN, OUT, WENZHOU, XIAN, Died, Fault, World, person
from .test_lost_events import accepted, begin, bring_back, lose_ledger, set_aside
from .test_signing_anew import keys_in, own_key, revoke, rotate
from .test_startup import remove_journal, start, stop


def evidence(world: World, case_id: str, at: str = WENZHOU, withhold: tuple[str, ...] = ()) -> Path:
    """The file that the partner makes."""
    file = world.folder / f"{at}-{len(list(world.folder.glob('*.zip')))}.zip"
    export_case(world.desks[at].journal, case_id, file, exported_at=world.clock(), withhold=withhold)
    return file


def take(world: World, file: Path, at: str = XIAN) -> TakenBack:
    return take_back(world.desks[at], file, "D0117")


def waits(world: World, case_id: str, code: str = XIAN) -> bool:
    return any(todo.case_id == case_id for todo in world.todos(code) if todo.code in ALARMS)


def seqs(world: World, case_id: str, hand: Hand = Hand.OUTBOUND, code: str = XIAN) -> int:
    return len(world.types(code, case_id, hand))


def all_agrees(world: World) -> None:
    """Both journals and both books say the same, and every signature holds."""
    world.agreed()
    world.books_fit()
    report = compare_all({code: replay_journal(world.desks[code].journal) for code in (XIAN, WENZHOU)})
    assert (report.lost, report.doubled, list(report.differences)) == (0, 0, [])
    for code in (XIAN, WENZHOU):
        assert list(verify_journal(world.desks[code].journal, world.desks[code].participants)) == []


def lose(world: World, carry: Callable[[str], None]) -> str:
    """A case that 西安 has accepted by its journal, and in truth has carried on."""
    case_id = accepted(world)
    set_aside(world)
    carry(case_id)
    lose_ledger(world)
    bring_back(world)
    return case_id


@pytest.fixture
def lost(pair: World) -> str:
    return lose(pair, lambda _: pair.idle())


def test_money_that_was_sent_and_forgotten_comes_back_and_is_sent_once(pair: World, lost: str) -> None:
    begin(pair)
    pair.idle()
    assert waits(pair, lost)
    done = take(pair, evidence(pair, lost))
    assert done.taken == ("outbound 2", "outbound 3")
    assert pair.types(XIAN, lost, Hand.OUTBOUND)[-1] == "BalanceRemitted"
    assert (done.missing, done.withheld, done.alarms_left) == ((), (), 0)
    assert done.alarms_cleared > 0
    assert done.complete
    pair.idle()
    assert pair.status(lost) == "closed"
    assert pair.desks[XIAN].platform.books()["sent"] == AMOUNT
    assert not waits(pair, lost)
    all_agrees(pair)


def test_what_was_given_up_meanwhile_comes_in_by_itself_after_a_late_taking_back(pair: World, lost: str) -> None:
    """The file came after more than a week: what rests on it is parked, and its owner has receipts from before."""
    begin(pair)
    pair.idle()
    for _ in range(2):
        pair.clock.pass_by(days=8)
        pair.idle()
    codes = {row.code for row in pair.parked(XIAN)}
    assert codes
    assert codes <= {"held_seen", "held_gap"}
    file = evidence(pair, lost)
    assert take(pair, file).missing, "the money rests on the partner's completion, which is parked"
    pair.clock.pass_by(minutes=1)
    pair.idle()
    assert take(pair, file).complete
    pair.clock.pass_by(minutes=1)
    pair.idle()
    assert pair.status(lost) == "closed"
    assert pair.parked(XIAN) == []
    all_agrees(pair)


# --- what is refused


@pytest.fixture
def refused(pair: World) -> Callable[[Path], str]:
    """Take back, see that nothing changes, and give the code of the refusal."""

    def code(file: Path) -> str:
        with pair.desks[XIAN].journal.read() as read:
            before = read.last_position(), len(read.todos())
        with pytest.raises(TakeBackRefused) as why:
            take(pair, file)
        assert why.value.zh
        assert why.value.en
        with pair.desks[XIAN].journal.read() as read:
            assert (read.last_position(), len(read.todos())) == before
        return why.value.code

    return code


def test_a_place_that_was_used_again_meanwhile_is_not_settled_by_a_file(
    pair: World, lost: str, refused: Callable[[Path], str]
) -> None:
    begin(pair)
    other = pair.misissue(XIAN, lost, "ReminderSent", {"about": "complete", "message": None}, send=False)
    assert refused(evidence(pair, lost)) == "other_content"
    assert pair.case(XIAN, lost).last[Hand.OUTBOUND].hash == other.hash


def test_a_file_that_somebody_changed_is_refused(pair: World, lost: str, refused: Callable[[Path], str]) -> None:
    begin(pair)
    money = pair.case(WENZHOU, lost).event(OUT, 3).body["reference"]
    assert refused(rewritten(evidence(pair, lost), replaced(money.encode(), money[::-1].encode()))) == "not_sound"


def test_a_case_of_others_is_refused(pair: World, lost: str, refused: Callable[[Path], str]) -> None:
    begin(pair)
    file = evidence(pair, lost)
    config = pair.configs[XIAN].model_copy(update={"region": CHENGDU})
    agency = replace(pair.desks[XIAN], config=config)
    with pytest.raises(TakeBackRefused) as why:
        take_back(agency, file, "D0117")
    assert why.value.code == "foreign_case"


def test_what_a_stolen_key_may_have_signed_is_refused(pair: World, lost: str, refused: Callable[[Path], str]) -> None:
    begin(pair)
    file = evidence(pair, lost)
    stolen = own_key(pair, XIAN)
    new = rotate(pair, XIAN)
    revoke(pair, XIAN, stolen, new, since=pair.clock())
    read_directory(pair, XIAN)
    assert refused(file) == "key_compromised"


def read_directory(world: World, code: str) -> None:
    """A clerk's command begins with the directory and the key of now."""
    agency = world.desks[code]
    agency.participants = load_participants(world.folder / "directory.json", world.configs[code].directory_root)
    agency.signer = current_signer(world.configs[code], agency.participants, world.clock())


def test_what_comes_back_is_signed_with_the_key_of_now(pair: World, lost: str) -> None:
    begin(pair)
    pair.idle()
    new = rotate(pair, XIAN)
    pair.clock.pass_by(days=2)
    read_directory(pair, XIAN)
    assert take(pair, evidence(pair, lost)).complete
    pair.idle()
    assert pair.status(lost) == "closed"
    assert keys_in(pair, WENZHOU, IN)[-1] == new.key_id
    assert pair.parked(WENZHOU) == []
    pair.agreed()


def test_a_file_that_is_none_is_refused(pair: World) -> None:
    file = pair.folder / "x.zip"
    file.write_bytes(b"x")
    with pytest.raises(EvidenceError):
        take(pair, file)


# --- what is told


def test_it_is_told_who_took_back_what(pair: World, lost: str) -> None:
    begin(pair)
    take(pair, evidence(pair, lost))
    with pair.desks[XIAN].journal.read() as read:
        facts = [json.loads(fact.data) for fact in read.facts(FACT)]
    assert {(said["case"], said["by"], said["from"]) for said in facts} == {(lost, "D0117", WENZHOU)}
    assert [name for said in facts for name in said["events"]] == ["outbound 2", "outbound 3"]


def test_doing_it_again_changes_nothing(pair: World, lost: str) -> None:
    begin(pair)
    file = evidence(pair, lost)
    take(pair, file)
    with pair.desks[XIAN].journal.read() as read:
        before = read.last_position()
    again = take(pair, file)
    assert (again.taken, again.values, again.alarms_cleared, again.complete) == ((), 0, 0, True)
    with pair.desks[XIAN].journal.read() as read:
        assert read.last_position() == before


# --- what stands in the way, and goes


def test_personal_values_that_the_file_withholds_are_named_and_come_with_another_file(pair: World) -> None:
    """西安's own counter lodged the case: only its own application says whom it is about."""
    set_aside(pair)
    case_id = pair.case_of(*pair.moves(1), at=XIAN)
    while "TransferAccepted" not in pair.types(WENZHOU, case_id, Hand.INBOUND):
        pair.turn()
    lose_ledger(pair)
    bring_back(pair)
    begin(pair)
    done = take(pair, evidence(pair, case_id, withhold=("person",)))
    assert done.taken[0] == "outbound 1"
    assert {"outbound 1 person.name", "outbound 1 person.document_number"} <= {*done.withheld}
    with pair.desks[XIAN].journal.read() as read:
        row = read.case_row(case_id)
        assert row is not None
        assert row.person_key == ""
    done = take(pair, evidence(pair, case_id))
    assert (done.taken, done.withheld) == ((), ())
    assert done.values > 0
    with pair.desks[XIAN].journal.read() as read:
        row = read.case_row(case_id)
        assert row is not None
        assert read.row_holder(row.person_key, row.from_scheme) == case_id
    pair.idle()
    assert waits(pair, case_id), "the partner had not yet read our form when it made the file"
    done = take(pair, evidence(pair, case_id))
    assert (done.taken, done.complete) == (("outbound 2",), True)
    pair.idle()
    assert pair.status(case_id) == "closed"
    all_agrees(pair)


def applied_again(three: World) -> tuple[str, str]:
    """A case that 西安 has lost after it was accepted, and the one for which the person has applied since."""
    (who,) = three.moves(1)
    three.joins(who, CHENGDU)
    set_aside(three)
    case_id = three.case_of(who, at=XIAN)
    while "TransferAccepted" not in three.types(WENZHOU, case_id, Hand.INBOUND):
        three.turn()
    lose_ledger(three)
    bring_back(three)
    begin(three)
    again = three.case_of(who, at=CHENGDU, into=CHENGDU)
    return case_id, again


def test_a_person_who_applied_again_meanwhile_is_shown_to_a_clerk_and_money_goes_once(three: World) -> None:
    case_id, again = applied_again(three)
    while "TransferAccepted" not in three.types(XIAN, again, Hand.OUTBOUND):
        three.turn()
    assert take(three, evidence(three, case_id)).taken
    (alarm,) = three.todos(XIAN, "reopened_without_row")
    assert alarm.case_id == case_id
    assert again in alarm.zh
    three.idle()
    books = three.desks[XIAN].platform.books()
    assert (books["debited"], books["sent"]) == (AMOUNT, AMOUNT)
    assert three.types(XIAN, again, Hand.OUTBOUND) == ["TransferAccepted"], "the months go once too"
    assert "moved_by_another" in three.todo_codes(XIAN)
    with pytest.raises(ActRefused) as refused:
        three.act(XIAN, again, "upload")
    assert refused.value.code == "moved_by_another"
    three.act(XIAN, again, "withdraw", reason="lodged_in_error")
    three.idle()
    assert three.status(case_id) == "closed"
    assert three.status(again, XIAN, CHENGDU) == "withdrawn"


def test_a_person_whose_relation_has_left_meanwhile_is_shown_to_a_clerk_when_the_lost_case_is_taken_back(
    three: World,
) -> None:
    case_id, again = applied_again(three)
    three.idle()
    assert three.status(again, XIAN, CHENGDU) == "accepted"
    assert "held_by_unknown" in three.todo_codes(XIAN), "the platform names the case that was lost"
    release = Reinstate(ActKey(case_id, "release", "by hand"), person(1), Scheme.EMPLOYEE)
    (let_go,) = three.desks[XIAN].platform.perform([release])
    assert isinstance(let_go, Done), "somebody lets go of it all the same"
    three.act(XIAN, again, "upload")
    three.idle()
    assert three.status(again, XIAN, CHENGDU) == "closed"
    assert take(three, evidence(three, case_id)).taken
    (alarm,) = three.todos(XIAN, "reopened_without_row")
    assert (alarm.case_id, again in alarm.zh) == (case_id, True)


def pin(world: World, case_id: str) -> None:
    """西安 pins the step of its form and does nothing more."""
    service = world.services[XIAN, OUT]
    perform = service.steps.claims.perform
    service.steps.claims.perform = lambda pinned: []  # type: ignore[method-assign]
    with world.desks[XIAN].journal.write() as write:
        write.put_on_agenda([case_id])
    service._step()
    service.steps.claims.perform = perform  # type: ignore[method-assign]
    with world.desks[XIAN].journal.read() as read:
        assert len(read.open_claims([case_id])) == 1


def test_a_claim_that_stood_open_ends_by_the_event_that_came_of_it(pair: World) -> None:
    case_id = accepted(pair)
    pin(pair, case_id)
    set_aside(pair)
    pair.idle()
    assert pair.status(case_id) == "closed"
    lose_ledger(pair)
    bring_back(pair)
    begin(pair)
    done = take(pair, evidence(pair, case_id))
    assert done.complete
    with pair.desks[XIAN].journal.read() as read:
        assert read.open_claims([case_id]) == []
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.desks[XIAN].platform.books()["sent"] == AMOUNT
    all_agrees(pair)


def test_a_claim_in_whose_place_another_event_was_issued_had_been_freed(pair: World) -> None:
    case_id = accepted(pair)
    pin(pair, case_id)
    set_aside(pair)
    with pair.desks[XIAN].journal.write() as write:
        (claim,) = write.open_claims([case_id])
        write.end_claims([claim.position], "freed")
    pair.act(XIAN, case_id, "withdraw", reason="applicant_request")
    pair.idle()
    ended = pair.status(case_id)
    lose_ledger(pair)
    bring_back(pair)
    begin(pair)
    assert take(pair, evidence(pair, case_id)).complete
    with pair.desks[XIAN].journal.read() as read:
        assert read.open_claims([case_id]) == []
    pair.idle()
    assert pair.status(case_id) == ended
    assert pair.desks[XIAN].platform.books()["sent"] == 0
    all_agrees(pair)


def test_ours_that_rest_on_what_the_partner_has_still_to_send_wait_for_it(pair: World) -> None:
    case_id = lose(pair, lambda _: pair.idle())
    agency, service = pair.desks[XIAN], pair.services[XIAN, OUT]
    with agency.journal.write() as write:  # what came meanwhile has expired in the mailbox
        for partition, end in agency.exchange.end_offsets(service.topic).items():
            stands = write.offset(service.topic_id, partition)
            if end > (stands or 0):
                write.advance(service.topic_id, partition, stands, end)
    file = evidence(pair, case_id)
    done = take(pair, file)
    assert (done.taken, done.missing, done.waits_for) == (("outbound 2",), ("outbound 3",), "inbound 2")
    assert done.withheld == (), "the file has the values of what waits"
    assert not done.complete
    assert waits(pair, case_id), "no step may use the place of what is missing"
    begin(pair)
    for _ in range(12):
        pair.idle()
        pair.clock.pass_by(days=1)
    done = take(pair, file)
    assert (done.taken, done.complete) == (("outbound 3",), True)
    pair.idle()
    assert pair.status(case_id) == "closed"
    all_agrees(pair)


def test_an_alarm_about_more_than_the_file_has_keeps_standing(pair: World, lost: str) -> None:
    """The file was made before the partner had the last event of ours."""
    begin(pair)
    file = evidence(pair, lost)
    with pair.desks[XIAN].journal.write() as write:
        named = json.dumps({"hand": "outbound", "seq": 4, "hash": "00" * 32})
        write.raise_todo("alarm", "receipt_other_content", lost, "x", "x", named)
    done = take(pair, file)
    assert (done.missing, done.alarms_left, done.complete) == ((), 1, False)
    assert waits(pair, lost)


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_command_that_dies_on_the_way_is_done_again(pair: World, lost: str, point: str, nth: int) -> None:
    begin(pair)
    file = evidence(pair, lost)
    pair.desks[XIAN].close()
    pair.desks[XIAN] = pair._open(XIAN, "desk", Fault(point, nth))
    with suppress(Died):
        take(pair, file)
    pair.idle()
    pair.desks[XIAN].close()
    pair.desks[XIAN] = pair._open(XIAN, "desk")
    assert take(pair, file).complete
    pair.idle()
    assert pair.status(lost) == "closed"
    all_agrees(pair)


def test_services_at_work_in_the_case_and_a_command_do_not_disturb_each_other(pair: World, lost: str) -> None:
    """The services know the case from before; what came back is news to them."""
    begin(pair)
    pair.idle()
    file = evidence(pair, lost)
    pair.turn()
    take(pair, file)
    pair.turn()
    assert take(pair, file).taken == ()
    pair.idle()
    assert pair.status(lost) == "closed"
    all_agrees(pair)


# --- nothing is left at all


def take_all(pair: World, files: list[Path]) -> None:
    """Take back from all files while the partner sends its own events again; in the end nothing is missing."""
    for _ in range(12):
        for file in files:
            take(pair, file)
        pair.idle()
        pair.clock.pass_by(days=2)
    assert all(take(pair, file).complete for file in files)
    pair.idle()


@pytest.mark.parametrize("at", [XIAN, WENZHOU])
@pytest.mark.parametrize("expired", [False, True])
def test_a_region_that_lost_all_takes_its_cases_back_from_its_partners(pair: World, at: str, expired: bool) -> None:
    """Journal and ledger are gone, there is no backup; the keys, and the local platform, are there."""
    cases = [pair.case_of(who, at=at) for who in pair.moves(1, 2)]
    pair.idle()
    assert [pair.status(case_id) for case_id in cases] == ["closed"] * 2
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    lose_ledger(pair)
    if expired:
        expire_mailbox(pair)
    assert rebuild(pair.folder / XIAN / "journal.db", XIAN, pair.desks[WENZHOU].exchange).lines == 0
    start(pair, XIAN)
    files = [evidence(pair, case_id) for case_id in cases]
    begin(pair)
    if at == XIAN and not expired:  # what the partner sent rests on applications of ours that are not here
        assert all(waits(pair, case_id) for case_id in cases)
    take_all(pair, files)
    assert [pair.status(case_id) for case_id in cases] == ["closed"] * 2
    assert pair.desks[XIAN].platform.books()["sent"] == 2 * AMOUNT
    all_agrees(pair)


def test_cases_that_shared_the_partners_last_bundle_come_back_with_what_was_before_it(pair: World) -> None:
    """Each was lodged by itself, and all were credited at once: what is sent again for one is not all of another."""
    count = pair.desks[XIAN].participants.partitions(XIAN)
    cases = [pair.case_of(who) for who in pair.moves(*range(1, count + 2))]  # more than partitions: some share one
    pair.idle()
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    lose_ledger(pair)
    expire_mailbox(pair)
    rebuild(pair.folder / XIAN / "journal.db", XIAN, pair.desks[WENZHOU].exchange)
    start(pair, XIAN)
    files = [evidence(pair, case_id) for case_id in cases]
    begin(pair)
    take_all(pair, files)
    all_agrees(pair)


def test_an_application_that_was_not_answered_is_asked_for_when_all_is_lost(pair: World) -> None:
    pair.services[XIAN, OUT].steps.turn = lambda limit: Turned()  # type: ignore[method-assign]
    case_id = pair.case_of(*pair.moves(1))
    pair.idle()
    stop(pair, XIAN)
    remove_journal(pair, XIAN)
    lose_ledger(pair)
    expire_mailbox(pair)
    rebuild(pair.folder / XIAN / "journal.db", XIAN, pair.desks[WENZHOU].exchange)
    start(pair, XIAN)
    begin(pair)
    pair.idle()
    with pair.desks[WENZHOU].journal.read() as read:
        assert read.unreceipted() == []
    assert pair.types(XIAN, case_id, Hand.INBOUND) == []
    done = take(pair, evidence(pair, case_id))
    assert (done.taken, done.missing, done.waits_for, done.complete) == ((), (), "inbound 1", False)
    pair.idle()
    assert pair.status(case_id) == "closed"
    all_agrees(pair)


def expire_mailbox(world: World) -> None:
    """西安's mailboxes are emptied, as after thirty days."""
    admin = world.desks[WENZHOU].exchange.admin()
    for role in Role:
        topic = topic_name(XIAN, role.value)
        admin.delete_records(topic, world.desks[WENZHOU].exchange.end_offsets(topic))
    admin.close()
