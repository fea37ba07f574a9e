"""Intake: what arrives in the mailbox becomes part of the journal, whole batches in one transaction.

A record is opened and its signature proved before the transaction begins; inside it, each event of a bundle is
placed by itself (placing.py). What cannot be placed yet is held, what cannot be placed at all is parked with its
signed bytes and its reason; neither stops anything else. The offset moves in the same transaction, and only from the
value that the batch began with: a second copy of a service cannot take a batch twice.
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from jiexu.case.event import OWN_HAND, Role
from jiexu.contract.bundle import open_bundle
from jiexu.contract.codec import open_event
from jiexu.contract.errors import ContractError
from jiexu.exchange.port import Record
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import Arrival, HeldEvent, Moved, ParkedRecord, Reads, ReceiptRow, Writes
from jiexu.service.agency import Agency
from jiexu.service.doubt import ANSWER, ask_who_writes, heard
from jiexu.service.last_known import note_question
from jiexu.service.notices import state_notice
from jiexu.service.opening import Opened, OpenedBundle, OpenedNotice, OpenedReceipts, Unplaceable, open_record
from jiexu.service.placing import Placing, Refusal, open_held, proof_of_held, unknown
from jiexu.service.refused import InTurn, Refused
from jiexu.service.signing_anew import Wishes

HELD_FOR = timedelta(days=7)  # then a person must look
# What may be placeable later by itself: when the directory, the schemas or the program have changed.
RETRIED_BY_ITSELF = (
    "key_unknown",
    "key_not_yet_valid",
    "unknown_schema",
    "unknown_suite",
    "suite_unavailable",
    "held_unknown",
)
# What waited too long for what comes before it, and is tried again once that is here. A person may have taken it back
# (取回): then its owner has a receipt from before the loss, and does not send it again.
GIVEN_UP = ("held_gap", "held_seen", "held_quota")
# What contradicts what stands here gets no receipt, so its owner sends it again every day: it is parked once.
SENT_AGAIN = ("other_content", "event_id_reused", "broken_link", "second_application", "third_region")


class Intake:
    """Takes records into one region's journal, for the service of one role."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self.topic = topic_name(agency.region, role.value)
        self.wishes = Wishes(agency, role)
        self.refused = Refused(agency, self.topic)
        self._waiting = InTurn(self.topic, RETRIED_BY_ITSELF)
        self._given_up = InTurn(self.topic, GIVEN_UP)
        self._tried: dict[int, str] = {}  # parked id → version of the directory under which it was tried

    def take(self, records: Sequence[Record], topic_id: str) -> int:
        """Take a batch. Raises Moved when another copy of this service has taken it; returns the number of records."""
        opened = [(record, open_record(self.agency, self.role, record)) for record in records]
        touched: set[str] = set()
        try:
            with self.agency.journal.write() as write:
                self._bundles(write, opened, touched)
                receipts = [content for _, content in opened if isinstance(content, OpenedReceipts)]
                self._receipts(write, receipts)
                for record, content in opened:
                    if isinstance(content, OpenedNotice | Unplaceable):
                        self._other(write, record, content)
                ask_who_writes(self.agency, write, [c.issuer for _, c in opened if not isinstance(c, Unplaceable)])
                self._advance(write, records, topic_id)
                self.agency.fault("intake.commit")
        except BaseException:
            self._forget(touched)
            raise
        return len(records)

    def retry(self, parked_id: int) -> Unplaceable | None:
        """Try a parked record again, whole or one event of a bundle; None when it was taken in (or is held now).

        Its row is settled in the same transaction. Otherwise says why it is still parked; nothing has changed then.
        Raises LookupError where no such record of this service's mailbox is parked.
        """
        with self.agency.journal.read() as read:
            row = read.parked_record(parked_id)
        if row is None or row.settled is not None or row.arrival.topic != self.topic:
            raise LookupError(f"no record {parked_id} is parked from {self.topic}")
        at = row.arrival
        record = Record(at.topic, at.partition, at.offset, at.appended_at, None, row.bytes)
        content = open_record(self.agency, self.role, record)
        if isinstance(content, Unplaceable):
            return None if self.refused.settle([row]) else content
        touched: set[str] = set()
        try:
            with self.agency.journal.write() as write:
                still = write.parked_record(parked_id)
                if still is None or still.settled is not None:
                    return None  # another process was first
                refusals, how = self._place_again(write, record, content, touched)
                if how is None:
                    return refusals[0].why
                self._park_refusals(write, record.value, at, refusals)
                write.settle_parked(parked_id, how)
                self.agency.fault("retry.commit")
        except BaseException:
            self._forget(touched)
            raise
        return None

    def retry_waiting(self) -> int:
        """Try again what waits for a change of directory, schemas or program, let go of what waited too long, and try
        that again once it can be placed.

        Returns how much was taken in or parked.
        """
        tried = self._retry_parked() + self._retry_held() + self._expire_held()
        return self.refused.turn() + tried + self._retry_given_up()

    # --- records

    def _bundles(self, write: Writes, opened: Sequence[tuple[Record, Opened]], touched: set[str]) -> None:
        """Place every leaf of the batch's bundles, each by itself, and park what cannot be placed."""
        bundles = [(arrival_of(record), one) for record, one in opened if isinstance(one, OpenedBundle)]
        placing = Placing(self.agency, self.role, write, touched)
        placing.expect([one for _, one in bundles])
        refused = []
        for arrival, one in bundles:
            placing.bundle(arrival, one)
            refused.append((arrival, placing.refusals[:]))
            placing.refusals.clear()
        placing.flush()
        for arrival, refusals in refused:
            self._park_refusals(write, b"", arrival, refusals)

    def _other(self, write: Writes, record: Record, content: OpenedNotice | Unplaceable) -> None:
        match content:
            case Unplaceable():
                self._park(write, arrival_of(record), record.value, content)
            case OpenedNotice():
                payload = content.payload
                if payload.code == ANSWER:
                    heard(write, content)
                    return
                if payload.wants == "tell_last":
                    note_question(write, self.role, content.issuer, record)
                if self.wishes.answer(write, content):
                    return
                write.raise_todo(
                    "alarm",
                    f"notice_{payload.code}",
                    None,
                    f"{content.issuer} 来函：{payload.text}",
                    f"{content.issuer} writes: {payload.text}",
                    content.told,
                )

    def _place_again(
        self, write: Writes, record: Record, content: Opened, touched: set[str]
    ) -> tuple[Sequence[Refusal], str | None]:
        """Place a parked record; how its row is settled, None where nothing of it could be placed."""
        if isinstance(content, OpenedReceipts):
            self._receipts(write, [content])
            return (), "taken_in"
        if not isinstance(content, OpenedBundle):
            self._other(write, record, content)
            return (), "taken_in"
        placing = Placing(self.agency, self.role, write, touched)
        placing.bundle(arrival_of(record), content)
        placing.flush()
        if placing.placed or not (placing.held or placing.refusals):
            return placing.refusals, "taken_in"
        return placing.refusals, "held" if placing.held else None

    def _park_refusals(self, write: Writes, whole: bytes, arrival: Arrival, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            if refusal.proof != whole:
                self._park(write, refusal.arrival or arrival, refusal.proof, refusal.why)

    def _park(self, write: Writes, arrival: Arrival, data: bytes, why: Unplaceable) -> None:
        if why.code in SENT_AGAIN and write.stands_parked(why.code, data):
            return
        parked = ParkedRecord(
            id=0,
            arrival=arrival,
            bytes=data,
            code=why.code,
            zh=f"{why.zh}；{why.advice.zh}",
            en=f"{why.en}; {why.advice.en}",
            sender=why.sender,
            parked_at=write.now,
        )
        write.park(parked)
        state_notice(self.agency, write, self.role, parked, why)

    def _advance(self, write: Writes, records: Sequence[Record], topic_id: str) -> None:
        spans: dict[int, tuple[int, int]] = {}
        for record in records:
            first, _ = spans.get(record.partition, (record.offset, 0))
            spans[record.partition] = (first, record.offset + 1)
        for partition, (first, next) in spans.items():
            stands = write.offset(topic_id, partition)
            if stands is not None and first < stands:
                raise Moved(f"offset of partition {partition} stands at {stands}, the batch begins at {first}")
            write.advance(topic_id, partition, stands, next)

    # --- what waits

    def _retry_parked(self) -> int:
        """Try some again, and the next ones as long as they come in."""
        return sum(iter(self._retry_next, 0))

    def _retry_next(self) -> int:
        with self.agency.journal.read() as read:
            waiting = self._waiting.next(read)
        version = self.agency.participants.version
        taken = 0
        for row in waiting:
            if _still_unknown(row):
                continue
            if self._tried.get(row.id) != version or row.code == "key_not_yet_valid":
                self._tried[row.id] = version
                taken += self.retry(row.id) is None
        return taken

    def _retry_given_up(self) -> int:
        """As long as some come in: what is placed lets the next ones be placed."""
        return sum(iter(self._retry_rested, 0))

    def _retry_rested(self) -> int:
        with self.agency.journal.read() as read:
            rows = self._given_up.next(read)
        taken = 0
        for row in rows:
            with self.agency.journal.read() as read:
                able = _rests_on_what_stands(read, row)
            if able:
                taken += self.retry(row.id) is None
        return taken

    def _retry_held(self) -> int:
        """Place held events whose reason has gone: after an upgrade, or when our own events came back."""
        with self.agency.journal.read() as read:
            cases = sorted({h.case_id for h in read.held() if h.arrival.topic == self.topic and h.reason != "gap"})
        return self.release(cases) if cases else 0

    def release(self, cases: Sequence[str]) -> int:
        """Place what is held in these cases and can be placed by now; returns how many events were."""
        touched: set[str] = set()
        try:
            with self.agency.journal.write() as write:
                placing = Placing(self.agency, self.role, write, touched)
                for case_id in cases:
                    placing.release(case_id)
                placing.flush()
                for refusal in placing.refusals:
                    assert refusal.arrival is not None, "held events keep where they arrived"
                    self._park(write, refusal.arrival, refusal.proof, refusal.why)
        except BaseException:
            self._forget(touched)
            raise
        return placing.placed

    def _expire_held(self) -> int:
        now = self.agency.clock()
        with self.agency.journal.read() as read:
            old = [h for h in read.held() if h.arrival.topic == self.topic and now - h.held_at >= HELD_FOR]
        if not old:
            return 0
        with self.agency.journal.write() as write:
            still = {h.id for h in write.held()}
            for held in old:
                if held.id in still:
                    write.unhold([held.id])
                    self._park(write, held.arrival, proof_of_held(held), _held_too_long(held))
        return len(old)

    # --- receipts

    def _receipts(self, write: Writes, batches: Sequence[OpenedReceipts]) -> None:
        """Take receipts for own events in; ones that do not fit what was sent are for a person to see."""
        receipts = [(one, receipt) for one in batches for receipt in one.payload.receipts]
        cases = self.agency.book.load(write, [receipt.case_id for _, receipt in receipts])
        hand = OWN_HAND[self.role]
        rows = []
        for opened, receipt in receipts:
            known = cases.get(receipt.case_id)
            partner = known.case.parties.get(self.role.other) if known else None
            ours = known.case.times.get((self.role, receipt.seq)) if known else None
            if receipt.hand != hand or (known and partner != opened.issuer):
                write.raise_todo(
                    "alarm",
                    "receipt_of_stranger",
                    receipt.case_id if known else None,
                    f"{opened.issuer} 对与其无关的事件出具了回执，未予采用",
                    f"{opened.issuer} gave a receipt for an event that is not for it; it does not count",
                    json.dumps({"hand": receipt.hand, "seq": receipt.seq, "case": receipt.case_id}),
                )
                continue
            # A case that is not here may have been lost with the journal, or may still come and must not fork then.
            if ours is None or ours.hand is not hand or ours.hash != receipt.hash:
                write.raise_todo(
                    "alarm",
                    "receipt_other_content",
                    receipt.case_id,
                    f"{opened.issuer} 的回执与本方第 {receipt.seq} 号事件不符；请核查日志是否为旧副本",
                    f"a receipt of {opened.issuer} is not for our event seq {receipt.seq}: old copy of the journal?",
                    json.dumps({"hand": receipt.hand, "seq": receipt.seq, "hash": receipt.hash.hex()}),
                )
                continue
            rows.append(
                ReceiptRow(
                    given=False,
                    peer=opened.issuer,
                    case_id=receipt.case_id,
                    hand=hand,
                    seq=receipt.seq,
                    hash=receipt.hash,
                    arrival=Arrival(receipt.topic, receipt.partition, receipt.offset, receipt.appended_at),
                    recorded_at=receipt.recorded_at,
                    own_last_seq=receipt.own_last_seq,
                    batch=opened.payload.number,
                )
            )
        if rows:
            write.append_receipts(rows)

    def _forget(self, touched: set[str]) -> None:
        for case_id in touched:
            self.agency.book.forget(case_id)


def arrival_of(record: Record) -> Arrival:
    """Where a record stood in the mailbox."""
    return Arrival(record.topic, record.partition, record.offset, record.append_time)


def _rests_on_what_stands(read: Reads, row: ParkedRecord) -> bool:
    """Whether an event that waited has what comes before it in its hand, and what it says to have seen."""
    try:
        events = [open_event(leaf.event).event for leaf in open_bundle(row.bytes).leaves if leaf.event is not None]
    except ContractError:
        return False
    for event in events:
        wanted = [(seen.hand, seen.seq, seen.hash) for seen in event.seen]
        if event.prev_hash is not None:
            wanted.append((event.hand, event.seq - 1, event.prev_hash))
        found = [read.event_at(event.case_id, hand, seq) for hand, seq, _ in wanted]
        if any(one is None or one.event.hash != hash for one, (_, _, hash) in zip(found, wanted, strict=True)):
            return False
    return bool(events)


def _still_unknown(row: ParkedRecord) -> bool:
    """Whether a record that was held for an upgrade too long would only be held again."""
    if row.code != "held_unknown":
        return False
    events = [leaf.event for leaf in open_bundle(row.bytes).leaves if leaf.event is not None]
    return any(unknown(open_event(event)) for event in events)


def _held_too_long(held: HeldEvent) -> Unplaceable:
    try:
        sender = str(open_held(held).signer)
    except ContractError:
        sender = ""
    days = HELD_FOR.days
    zh, en = {
        "gap": ("其前的事件未到", "what comes before it has not come"),
        "seen": ("所引用的本方事件不在本地", "it rests on events of ours that are not here"),
        "unknown": ("本版本不认识该类事件", "its kind is unknown to this version"),
    }[held.reason]
    return Unplaceable(
        f"held_{held.reason}",
        f"第 {held.seq} 号事件已等待 {days} 天：{zh}",
        f"event seq {held.seq} has waited for {days} days: {en}",
        sender,
    )
