"""Where what was signed last is in doubt, a case goes on once its partner has said what it knows of us."""

import json
from collections.abc import Sequence

import pytest

from jiexu.case.event import Hand, Party, Role
from jiexu.contract.letters import make_notice
from jiexu.exchange.topics import partition_of, topic_name
from jiexu.journal.port import Writes
from jiexu.journal.restoring import UNCHECKED
from jiexu.service import last_known
from jiexu.service.clerk import ActRefused
from jiexu.service.doubt import ANSWER, UNHEARD
from jiexu.service.lost_events import cases_with_lost_events
from jiexu.service.todos import clear

from .pair import IN, OUT, WENZHOU, XIAN, World
from .test_lost_events import begin, bring_back, lose_ledger, set_aside


def turns(world: World, count: int = 12) -> None:
    for _ in range(count):
        world.turn()


def forget(world: World, case_id: str) -> None:
    """西安 loses journal and ledger; what it signed in between lies in 温州's mailbox, and 温州 is off."""
    set_aside(world)
    world.stopped |= {(WENZHOU, role) for role in Role}
    world.act(XIAN, case_id, "withdraw", reason="applicant_request")
    turns(world)
    lose_ledger(world)
    bring_back(world)
    begin(world)


@pytest.fixture
def case_id(pair: World) -> str:
    """A case that both know, accepted, and whose form waits for a clerk; its events do not travel with letters."""
    pair.services[XIAN, OUT].agency.config = pair.configs[XIAN].model_copy(
        update={"steps": {"outbound": {"upload": "clerk"}}}
    )
    pair.configs[XIAN] = pair.services[XIAN, OUT].agency.config
    partitions = len(pair.desks[XIAN].exchange.end_offsets(topic_name(WENZHOU, "inbound")))
    numbers = iter(range(1, 30))
    found = pair.case_of(*pair.moves(next(numbers)))
    while partition_of(found, partitions) == 0:
        found = pair.case_of(*pair.moves(next(numbers)))
    pair.idle()
    assert pair.types(WENZHOU, found, Hand.OUTBOUND) == ["TransferAccepted"]
    return found


def automatic(world: World) -> None:
    """From the next start on everything is done by itself."""
    world.configs[XIAN] = world.configs[XIAN].model_copy(update={"steps": {}})


def test_nothing_is_issued_while_the_partner_that_knows_more_is_off(pair: World, case_id: str) -> None:
    automatic(pair)
    forget(pair, case_id)
    turns(pair)
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"], "no form, and nobody's money is sent"
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, case_id, "remind", about="complete", text="?")
    assert refused.value.code == "partner_unheard"
    (alarm,) = pair.todos(XIAN, UNHEARD)
    assert json.loads(alarm.data) == {"partner": f"{WENZHOU}.inbound"}

    pair.stopped.clear()
    pair.idle()
    assert pair.types(WENZHOU, case_id, Hand.OUTBOUND) == ["TransferAccepted", "TransferWithdrawn"]
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"]
    assert pair.todos(XIAN, UNHEARD) == []
    with pair.desks[XIAN].journal.read() as read:
        assert cases_with_lost_events(read) == {case_id}, "also of a case that has ended there"
    assert pair.parked(WENZHOU) == []
    other = pair.case_of(*pair.moves(50))
    pair.idle()
    assert pair.status(other) == "closed"


def test_what_lies_unread_in_the_mailbox_belongs_to_the_answer(pair: World, case_id: str) -> None:
    forget(pair, case_id)
    turns(pair)
    service = pair.services[WENZHOU, IN]
    consumer = service.consumer or service.open_consumer()
    service.consumer = consumer
    records = []
    while found := consumer.poll(100, 0.0):
        records += found
    by_partition: dict[int, list[object]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    assert set(by_partition) > {0}, "the question and what 西安 has forgotten lie in two partitions"
    service.intake.take(by_partition.pop(0), service.topic_id)  # type: ignore[arg-type]
    assert service.last_known.turn() == 0
    for rest in by_partition.values():
        service.intake.take(rest, service.topic_id)  # type: ignore[arg-type]
    assert service.last_known.turn() > 0
    pair.stopped.clear()
    pair.idle()
    with pair.desks[XIAN].journal.read() as read:
        assert cases_with_lost_events(read) == {case_id}


def test_a_question_that_was_lost_is_asked_again(pair: World, case_id: str) -> None:
    forget(pair, case_id)
    turns(pair)
    exchange, topic = pair.desks[XIAN].exchange, topic_name(WENZHOU, "inbound")
    exchange.admin().delete_records(topic, exchange.end_offsets(topic))
    pair.stopped.clear()
    pair.idle()
    assert len(pair.todos(XIAN, UNHEARD)) == 1
    pair.clock.pass_by(hours=2)
    pair.idle()
    assert pair.todos(XIAN, UNHEARD) == []


def test_a_person_who_has_spoken_with_the_partner_lets_its_cases_go_on(pair: World, case_id: str) -> None:
    automatic(pair)
    forget(pair, case_id)
    (alarm,) = pair.todos(XIAN, UNHEARD)
    with pair.desks[XIAN].journal.write() as write:
        clear(write, alarm, "D0117")
    turns(pair)
    assert pair.types(XIAN, case_id, Hand.OUTBOUND)[1] == "InformationFormUploaded"


def test_who_has_lost_every_case_asks_whoever_writes_next(pair: World) -> None:
    """Journal, ledger and mailboxes are gone. What its partner had receipts for comes without waiting for a week."""
    set_aside(pair)
    quiet, talking = (pair.case_of(who) for who in pair.moves(1, 2))
    pair.idle()
    lose_ledger(pair)
    exchange = pair.desks[XIAN].exchange
    for role in Role:
        topic = topic_name(XIAN, role.value)
        exchange.admin().delete_records(topic, exchange.end_offsets(topic))
    bring_back(pair)
    with pair.desks[XIAN].journal.write() as write:
        write.set_note(UNCHECKED, "1")  # as a rebuild leaves it
    begin(pair)
    pair.idle()
    assert pair.todos(XIAN, UNHEARD) == [], "there is no case here, so nobody to ask"
    pair.act(WENZHOU, talking, "remind", about="complete", text="?")
    pair.idle()
    with pair.desks[XIAN].journal.read() as read:
        held = {one.case_id for one in read.held()}
    assert held == {quiet, talking}, "the partner's last event in each case, though only one case had news"


def test_an_answer_to_what_was_not_asked_says_nothing(pair: World, case_id: str) -> None:
    forget(pair, case_id)
    answer = make_notice(
        pair.signer(WENZHOU),
        pair.desks[WENZHOU].party(IN),
        pair.desks[XIAN].party(OUT),
        number=1,
        prev=None,
        notice={
            "code": ANSWER,
            "text": "an older question",
            "topic": topic_name(WENZHOU, "inbound"),
            "partition": 0,
            "offset": 0,
            "digest": bytes(32),
            "about": None,
            "wants": "nothing",
        },
    )
    pair.post(XIAN, OUT, answer.bytes)
    turns(pair)
    assert len(pair.todos(XIAN, UNHEARD)) == 1


def test_an_answer_from_before_the_same_copy_was_put_back_a_second_time_says_nothing(pair: World, case_id: str) -> None:
    """It lies in the mailbox, is older than what was lost since, and is not taken for an answer to the new question."""
    set_aside(pair)
    lose_ledger(pair)
    bring_back(pair)
    begin(pair)
    pair.idle()
    assert pair.todos(XIAN, UNHEARD) == []
    pair.stopped |= {(WENZHOU, role) for role in Role}
    pair.act(XIAN, case_id, "withdraw", reason="applicant_request")
    turns(pair)
    lose_ledger(pair)
    bring_back(pair)
    begin(pair)
    turns(pair)
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, case_id, "remind", about="complete", text="?")
    assert refused.value.code == "partner_unheard"
    pair.stopped.clear()
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"]
    assert pair.types(WENZHOU, case_id, Hand.OUTBOUND) == ["TransferAccepted", "TransferWithdrawn"]
    with pair.desks[XIAN].journal.read() as read:
        assert cases_with_lost_events(read) == {case_id}


def test_what_the_partner_sent_and_was_lost_after_its_receipt_comes_again(pair: World, case_id: str) -> None:
    """The mailbox is gone as well; the partner has a receipt for each of its events, and would not send them again."""
    set_aside(pair)
    before = pair.types(XIAN, case_id, Hand.INBOUND)
    for _ in range(3):
        pair.act(WENZHOU, case_id, "remind", about="upload", text="?")
    pair.idle()
    stands = pair.types(WENZHOU, case_id, Hand.INBOUND)
    assert pair.types(XIAN, case_id, Hand.INBOUND) == stands == [*before, *["ReminderSent"] * 3]
    with pair.desks[WENZHOU].journal.read() as read:
        assert read.unreceipted() == []
    lose_ledger(pair)
    exchange = pair.desks[XIAN].exchange
    for role in Role:
        topic = topic_name(XIAN, role.value)
        exchange.admin().delete_records(topic, exchange.end_offsets(topic))
    bring_back(pair)
    begin(pair)
    assert pair.types(XIAN, case_id, Hand.INBOUND) == before
    pair.idle()
    with pair.desks[XIAN].journal.read() as read:
        assert {(held.seq, held.reason) for held in read.held(case_id)} >= {(len(stands), "gap")}
    pair.clock.pass_by(days=8)  # then it is asked for
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.INBOUND) == stands


def test_a_partner_is_told_in_transactions_of_some_cases_each(
    pair: World, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.case_of(*pair.moves(60))
    pair.idle()
    monkeypatch.setattr(last_known, "_CASES_AT_ONCE", 1)
    told: list[int] = []
    tell = last_known.tell_last

    def counted(write: Writes, role: Role, asker: Party, cases: Sequence[tuple[str, bool]]) -> int:
        told.append(len(cases))
        return tell(write, role, asker, cases)

    monkeypatch.setattr(last_known, "tell_last", counted)
    lose_ledger(pair)
    begin(pair)
    pair.idle()
    assert len(told) > 1
    assert set(told) == {1}
    assert pair.todos(XIAN, UNHEARD) == []
