"""What tails the journal: the ledger, the relay, receipts, sending again; and partners or an exchange that fail."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from jiexu.case.event import Hand, Role
from jiexu.contract import models
from jiexu.contract.letters import open_receipts
from jiexu.contract.records import decode_record, record_kind
from jiexu.exchange.port import ExchangeUnavailable, Outgoing
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import JournalUnavailable
from jiexu.rules.facts import RelationStatus, Scheme
from jiexu.service.followers import LEDGER_WAITS
from jiexu.service.ledger_end import LEDGER_CURSOR
from tests.service.pair import CHENGDU, IN, OUT, WENZHOU, XIAN, World
from tests.service.test_clerk import refused


class Failing:
    """A producer that does not reach some topics."""

    def __init__(self, producer: Any, fails: Callable[[str], bool] = lambda topic: True) -> None:
        self.producer = producer
        self.fails = fails

    def send(self, records: Sequence[Outgoing]) -> list[tuple[int, datetime | None]]:
        if any(self.fails(record.topic) for record in records):
            raise ExchangeUnavailable("交换平台不可达", "the exchange is unreachable")
        sent: list[tuple[int, datetime | None]] = self.producer.send(records)
        return sent

    def close(self) -> None:
        self.producer.close()


def unreachable(world: World, *keys: Any, fails: Callable[[str], bool] = lambda topic: True) -> list[Failing]:
    """Let these processes not reach some topics (by default none of them)."""
    agencies = [world.agencies[key] if isinstance(key, tuple) else world.desks[key] for key in keys]
    failing = [Failing(agency.producer, fails) for agency in agencies]
    for agency, producer in zip(agencies, failing, strict=True):
        agency._producer = producer
    return failing


def ledger(world: World, code: str) -> list[tuple[int, str]]:
    """(position, kind) of everything that a region's ledger holds, in the order written."""
    lines = []
    for record in world.desks[code].exchange.read(topic_name(code, "ledger"), None):
        batch = models.LedgerBatch.model_validate(decode_record(record.value, "LedgerBatch"))
        lines += [(line.position, line.kind) for line in batch.records]
    return lines


# --- the ledger


def test_the_ledger_holds_every_line_without_gaps(pair: World) -> None:
    pair.case_of(pair.moves(1)[0])
    pair.idle()
    for code in (XIAN, WENZHOU):
        with pair.desks[code].journal.read() as read:
            last = read.last_position()
        assert sorted({position for position, _ in ledger(pair, code)}) == list(range(1, last + 1))


def test_while_the_ledger_is_unreachable_nothing_is_claimed_and_nothing_is_written_again_and_again(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    failing = unreachable(pair, (XIAN, OUT), (XIAN, IN), XIAN)
    for _ in range(10):
        pair.turn()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"], "what needs no act goes on, unsent"
    assert pair.mailbox(WENZHOU, IN) == []
    with pair.desks[XIAN].journal.read() as read:
        position = read.last_position()
        assert read.open_claims() == []
        assert read.note(LEDGER_WAITS)
        assert not any(line.kind.startswith("claim") for line in read.log(0, 999))
    for _ in range(10):
        pair.turn()
    with pair.desks[XIAN].journal.read() as read:
        assert read.last_position() == position
    assert pair.registry_level(XIAN) == Decimal("0.00")
    assert refused(pair, XIAN, case_id, "upload").code == "ledger_unreachable"
    for producer in failing:
        producer.fails = lambda topic: False
    pair.idle()
    assert pair.status(case_id) == "closed"
    with pair.desks[XIAN].journal.read() as read:
        assert read.note(LEDGER_WAITS) == ""
    pair.agreed()
    pair.books_fit()


def test_no_event_and_no_receipt_is_sent_before_the_ledger_holds_it(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    unreachable(pair, (XIAN, OUT), (XIAN, IN), fails=lambda topic: topic.endswith(".ledger"))
    for _ in range(10):
        pair.turn()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"]
    assert pair.mailbox(WENZHOU, IN) == []
    with pair.desks[XIAN].journal.read() as read:
        assert read.cursor(LEDGER_CURSOR) == 0


def test_a_ledger_that_is_missing_is_an_alarm_and_stops_no_intake(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    pair.desks[XIAN].exchange.admin().delete(topic_name(XIAN, "ledger"))
    for _ in range(10):
        pair.turn()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"]
    assert "exchange.topic_missing" in pair.todo_codes(XIAN)


# --- partners that fail


def test_a_partner_whose_mailbox_is_unreachable_keeps_nobody_else_waiting(three: World) -> None:
    first, second = three.moves(1, 2)
    three.joins(second, CHENGDU)
    waits = three.case_of(first)
    goes_on = three.case_of(second, at=CHENGDU, into=CHENGDU)
    mailbox = topic_name(WENZHOU, "inbound")
    (failing,) = unreachable(three, (XIAN, OUT), fails=lambda topic: topic == mailbox)
    three.idle()
    assert three.status(goes_on, XIAN, CHENGDU) == "closed"
    assert three.case(WENZHOU, waits).view.status == "applied"
    failing.fails = lambda topic: False
    three.idle()
    assert three.status(waits, XIAN, WENZHOU) == "closed"
    three.agreed(XIAN, WENZHOU)


def test_a_partner_whose_topic_is_missing_is_an_alarm_and_keeps_nobody_else_waiting(three: World) -> None:
    first, second = three.moves(1, 2)
    three.joins(second, CHENGDU)
    waits = three.case_of(first)
    goes_on = three.case_of(second, at=CHENGDU, into=CHENGDU)
    for _ in range(2):
        three.turn()
    three.kill(WENZHOU, IN)
    three.desks[XIAN].exchange.admin().delete(topic_name(WENZHOU, "inbound"))
    three.idle()
    assert three.status(goes_on, XIAN, CHENGDU) == "closed"
    assert three.todo_codes(XIAN).count("exchange.topic_missing") == 1
    assert three.case(XIAN, waits).view.live
    three.clock.pass_by(days=2)
    three.idle()


# --- sending again


def test_an_event_without_a_receipt_is_sent_again_after_an_hour_then_daily(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    pair.stopped |= {(XIAN, OUT), (XIAN, IN)}
    pair.idle()
    assert len(pair.mailbox(XIAN, OUT)) == 1
    pair.clock.pass_by(minutes=59)
    pair.idle()
    assert len(pair.mailbox(XIAN, OUT)) == 1
    pair.clock.pass_by(minutes=1)
    pair.idle()
    assert len(pair.mailbox(XIAN, OUT)) == 2
    pair.clock.pass_by(hours=23)
    pair.idle()
    assert len(pair.mailbox(XIAN, OUT)) == 2
    pair.clock.pass_by(hours=1)
    pair.idle()
    assert len(pair.mailbox(XIAN, OUT)) == 3
    pair.stopped.clear()
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.INBOUND).count("TransferApplied") == 1
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_what_a_mailbox_lost_is_sent_again_from_the_journal(pair: World) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    pair.stopped |= {(XIAN, OUT), (XIAN, IN)}
    pair.idle()
    ends = pair.desks[XIAN].exchange.end_offsets(topic_name(XIAN, "outbound"))
    pair.desks[XIAN].exchange.admin().delete_records(topic_name(XIAN, "outbound"), ends)
    pair.stopped.clear()
    pair.idle()
    assert pair.case(XIAN, case_id).application is None
    pair.clock.pass_by(hours=1)
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_records_that_expired_unread_are_an_alarm_and_reading_goes_on(pair: World) -> None:
    (who,) = pair.moves(1)
    topic = topic_name(XIAN, "outbound")
    partitions = range(pair.desks[XIAN].participants.partitions(XIAN))
    pair.desks[XIAN].producer.send([Outgoing(topic, partition, None, b"?") for partition in partitions])
    pair.idle()
    pair.kill(XIAN, OUT)
    case_id = pair.case_of(who)
    pair.idle()
    pair.desks[XIAN].exchange.admin().delete_records(topic, pair.desks[XIAN].exchange.end_offsets(topic))
    pair.start(XIAN, OUT)
    pair.clock.pass_by(hours=2)
    pair.idle()
    assert "offset_expired" in pair.todo_codes(XIAN)
    assert pair.status(case_id) == "closed", "the partner had no receipt, and sent again"
    pair.agreed()


def test_receipts_to_one_party_are_numbered_and_chained(pair: World) -> None:
    pair.case_of(pair.moves(1)[0])
    pair.idle()
    letters = [open_receipts(r.value) for r in pair.mailbox(XIAN, OUT) if record_kind(r.value) == "ReceiptBatch"]
    assert [letter.payload.number for letter in letters] == list(range(1, len(letters) + 1))
    assert [letter.payload.prev for letter in letters] == [None, *(letter.hash for letter in letters[:-1])]


def test_the_chain_of_receipts_goes_on_after_the_journal_was_rebuilt(pair: World) -> None:
    first, second = pair.moves(1, 2)
    pair.case_of(first)
    pair.idle()
    with pair.desks[WENZHOU].journal.write() as write:
        write.rebuild()
        write.set_note("receipts:inbound:610100.outbound", "[0, null]")
        write.set_note("peers:inbound", "[]")
    case_id = pair.case_of(second)
    pair.idle()
    assert pair.status(case_id) == "closed"
    letters = [open_receipts(r.value) for r in pair.mailbox(XIAN, OUT) if record_kind(r.value) == "ReceiptBatch"]
    assert [letter.payload.number for letter in letters] == list(range(1, len(letters) + 1))


def test_two_copies_of_a_service_do_everything_once(pair: World) -> None:
    cases = [pair.case_of(who) for who in pair.moves(1, 2, 3)]
    first = pair.services.pop((XIAN, OUT)), pair.agencies.pop((XIAN, OUT))
    pair.start(XIAN, OUT)
    for _ in range(120):
        first[0]._due.clear()
        worked = first[0].turn(0.0) + pair.turn()
        pair.clock.pass_by(seconds=1)
        if not worked and all(pair.case(XIAN, c).view.status == "closed" for c in cases):
            break
    pair.idle()
    assert [pair.status(case_id) for case_id in cases] == ["closed"] * 3
    first[0].close()
    first[1].close()
    pair.agreed()
    pair.books_fit()


def test_what_is_parked_is_written_to_the_topic_of_dead_letters_once(pair: World) -> None:
    pair.post(WENZHOU, Role.INBOUND, b"no Avro at all")
    pair.idle()
    exchange = pair.desks[WENZHOU].exchange
    letters = [(r.key, r.value) for r in exchange.read(f"jiexu.{WENZHOU}.deadletter", None)]
    assert letters == [(b"not_avro", b"no Avro at all")]


def test_what_follows_on_the_platform_waits_for_the_persons_values_and_is_done_when_they_come(pair: World) -> None:
    (who,) = pair.moves(9)
    case_id = pair.case_of(who)
    desk = pair.desks[XIAN]
    consequences = pair.services[XIAN, Role.OUTBOUND].consequences
    held_back = consequences.turn
    consequences.turn = lambda: 0  # type: ignore[method-assign]
    pair.idle()
    with desk.journal.read() as read:
        rows = read.disclosures([case_id])
    with sqlite3.connect(pair.folder / XIAN / "journal.db") as db:
        db.execute("DELETE FROM disclosures")
    consequences.turn = held_back  # type: ignore[method-assign]
    pair.idle()
    (facts,) = desk.platform.facts([who], Scheme.EMPLOYEE, pair.clock().date())
    assert [relation.status for relation in facts.relations] == [RelationStatus.SUSPENDED]
    with desk.journal.write() as write:
        write.disclose(rows)
    pair.idle()
    (facts,) = desk.platform.facts([who], Scheme.EMPLOYEE, pair.clock().date())
    assert [relation.status for relation in facts.relations] == [RelationStatus.ENDED]


def test_a_journal_whose_disk_is_full_loses_nothing_and_goes_on_once_there_is_room(pair: World) -> None:
    people = pair.moves(*range(1, 9))
    cases = [pair.case_of(who) for who in people]
    journal: Any = pair.agencies[WENZHOU, IN].journal
    with journal.write() as write:
        ((pages,),) = write._sql.rows("PRAGMA page_count")
        write._sql.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalUnavailable):
        pair.idle()
    pair.restart(WENZHOU, IN)  # with a connection of its own, which knows no such limit
    pair.idle()
    assert [pair.status(case_id) for case_id in cases] == ["closed"] * len(cases)
    pair.agreed()
    pair.books_fit()
