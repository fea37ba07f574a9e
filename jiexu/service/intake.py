"""Intake: what arrives in the mailbox becomes part of the journal, whole batches in one transaction.

A record is opened and its signature proved before the transaction begins; inside it, each event of a bundle is
placed by itself. An event with valid parties, signature and links is always appended, void if its issuer had no
right to it. What cannot be placed yet is held, what cannot be placed at all is parked with its bytes and its reason;
neither stops anything else. The offset moves in the same transaction, and only from the value that the batch began
with: a second copy of a service cannot take a batch twice.
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Event, Hand, Party, Role
from jiexu.contract.codec import OpenedEvent, open_event
from jiexu.contract.disclosure import Disclosure, check_disclosures
from jiexu.contract.errors import ContractError
from jiexu.exchange.port import Record
from jiexu.journal.port import (
    Arrival,
    DisclosureRow,
    HeldEvent,
    Moved,
    NewBundle,
    NewEvent,
    ParkedRecord,
    ReceiptRow,
    Writes,
)
from jiexu.service.agency import Agency
from jiexu.service.changes import note_change
from jiexu.service.issue import PROTOCOL
from jiexu.service.opening import OpenedBundle, OpenedNotice, OpenedReceipts, Unplaceable, open_record
from jiexu.service.persons import identity_from, person_key

# A partner's clock may run ahead of ours a little; beyond this it is flagged. No reason to refuse: the event is taken
# in, or two journals would differ by a clock.
CLOCK_TOLERANCE = timedelta(minutes=5)


class Intake:
    """Takes records into one region's journal, for the service of one role."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role

    def take(self, records: Sequence[Record], topic_id: str) -> int:
        """Take a batch. Raises Moved when another copy of this service has taken it; returns the number of records."""
        opened = [(record, open_record(self.agency, self.role, record)) for record in records]
        touched: set[str] = set()
        try:
            with self.agency.journal.write() as write:
                for record, content in opened:
                    self._record(write, record, content, touched)
                self._advance(write, records, topic_id)
                self.agency.fault("intake.commit")
        except BaseException:
            for case_id in touched:
                self.agency.book.forget(case_id)
            raise
        return len(records)

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

    def _record(
        self,
        write: Writes,
        record: Record,
        content: "OpenedBundle | OpenedReceipts | OpenedNotice | Unplaceable",
        touched: set[str],
    ) -> None:
        match content:
            case Unplaceable():
                self._park(write, record, record.value, content)
            case OpenedBundle():
                self.bundle(write, arrival_of(record), content, touched)
            case OpenedReceipts():
                self._receipts(write, record, content)
            case OpenedNotice():
                payload = content.payload
                write.raise_todo(
                    "alarm",
                    f"notice_{payload.code}",
                    None,
                    f"{content.issuer} 来函：{payload.text}",
                    f"{content.issuer} writes: {payload.text}",
                    json.dumps({"from": str(content.issuer), "number": payload.number, "wants": payload.wants}),
                )

    def _park(self, write: Writes, record: Record, data: bytes, why: Unplaceable) -> None:
        write.park(
            ParkedRecord(
                id=0,
                arrival=arrival_of(record),
                bytes=data,
                code=why.code,
                zh=why.zh,
                en=why.en,
                sender=why.sender,
                parked_at=write.now,
            )
        )

    # --- bundles

    def bundle(self, write: Writes, arrival: Arrival, opened: OpenedBundle, touched: set[str]) -> None:
        """Place every leaf of a proved bundle, each by itself, then record the bundle over what was placed."""
        positions: list[int] = []
        for leaf, data in enumerate(opened.events):
            positions.append(0)
            if data is None:  # given as a hash only: not delivered, gets no receipt
                continue
            values = opened.bundle.disclosures_of(leaf)
            try:
                event = open_event(data)
            except ContractError as error:
                why = Unplaceable(error.code, error.zh, error.en, str(opened.bundle.issuer))
                self._park_leaf(write, arrival, data, why)
                continue
            positions[leaf] = self._leaf(write, arrival, data, event, values, opened, touched)
        if any(positions):
            write.append_bundle(
                NewBundle(opened.skeleton, opened.bundle.issuer, positions, None, arrival.partition, arrival)
            )

    def _park_leaf(self, write: Writes, arrival: Arrival, data: bytes, why: Unplaceable) -> None:
        write.park(ParkedRecord(0, arrival, data, why.code, why.zh, why.en, why.sender, write.now))

    def _leaf(
        self,
        write: Writes,
        arrival: Arrival,
        data: bytes,
        opened: OpenedEvent,
        values: Sequence[Disclosure],
        bundle: OpenedBundle,
        touched: set[str],
    ) -> int:
        """Place one event; returns its position, 0 where it was held or parked."""
        event = opened.event
        known = write.event_at(event.case_id, event.hand, event.seq)
        if known is not None and known.event.hash == event.hash:
            write.disclose(_rows(event, values))
            self._give_receipt(write, event, arrival)
            return known.position
        why = self._refusal(write, opened, bundle.bundle.issuer, known is not None)
        if why is not None:
            self._park_leaf(write, arrival, data, why)
            if why.alarm:
                self._alarm(write, why.code, event, why.zh, why.en)
            return 0
        reason = self._must_wait(write, opened)
        if reason is not None:
            self._hold(write, arrival, data, event, values, bundle, reason)
            return 0
        position = self._append(write, arrival, data, event, values, touched)
        self._release(write, event, touched)
        return position

    def _refusal(self, write: Writes, opened: OpenedEvent, signer: Party, seq_used: bool) -> Unplaceable | None:
        """Why an event can never be placed here, or None."""
        event, sender = opened.event, str(signer)
        if opened.signer != signer:
            return Unplaceable(
                "wrong_issuer", "事件不是签名方的事件", "the event is not its signer's own", sender, alarm=True
            )
        if seq_used or write.event_by_id(event.event_id) is not None:
            return Unplaceable(
                "other_content",
                f"第 {event.seq} 号事件已有不同内容；两份都已保留作证",
                f"event seq {event.seq} stands here with other content; both are kept as proof",
                sender,
                alarm=True,
            )
        case = self._case(write, event.case_id)
        if case is None:
            return self._refused_application(event, sender)
        party = case.parties.get(event.issuer.role)
        if party != event.issuer:
            return Unplaceable(
                "third_region",
                f"{event.issuer} 不是本案的一方",
                f"{event.issuer} is no party of this case",
                sender,
                alarm=True,
            )
        if event.type == "TransferApplied" and event.issuer.role is not case.view.lodger:
            return Unplaceable(
                "second_application",
                "本案已由另一方申请",
                "the other side has lodged this case",
                sender,
                alarm=True,
            )
        last = case.last.get(event.hand)
        if last is not None and event.seq == last.seq + 1 and event.prev_hash != last.hash:
            return Unplaceable(
                "broken_link",
                f"第 {event.seq} 号事件不接上一事件",
                f"event seq {event.seq} does not follow the hand's previous event",
                sender,
                alarm=True,
            )
        if event.seq == 1 and event.prev_hash is not None:
            return Unplaceable(
                "broken_link", "首个事件不应有前序", "a first event names a previous one", sender, alarm=True
            )
        return None

    def _refused_application(self, event: Event, sender: str) -> Unplaceable | None:
        if event.type != "TransferApplied" or event.seq != 1:
            return None  # its application may still come: held
        body = event.body
        named = {role: Party(body[role.value]["region"], role) for role in Role}
        if named[self.role].region != self.agency.region or named[self.role.other] != event.issuer:
            return Unplaceable(
                "third_region",
                f"申请不涉及本地区（{self.agency.region}）的这一职能",
                f"the application does not name {self.agency.region} as {self.role}",
                sender,
                alarm=True,
            )
        if self.agency.places.same_pooling_region(named[Role.OUTBOUND].region, named[Role.INBOUND].region):
            return Unplaceable(
                "same_pooling_region", "同一统筹区内不需转移", "both sides are one pooling region", sender, alarm=True
            )
        return None

    def _must_wait(self, write: Writes, opened: OpenedEvent) -> str | None:
        """Why an event waits: `unknown` type, procedure or protocol; `gap`; `seen` beyond what we hold."""
        event = opened.event
        case = self._case(write, event.case_id)
        if not opened.known or event.hand.attested:
            return "unknown"
        if event.type == "TransferApplied" and (event.protocol != PROTOCOL or event.body["procedure"] != "platform"):
            return "unknown"
        if case is None:
            return None if event.type == "TransferApplied" and event.seq == 1 else "gap"
        last = case.last.get(event.hand)
        if event.seq > (last.seq if last else 0) + 1:
            return "gap"
        if write.held(event.case_id, "unknown"):  # the case waits for an upgrade, in order
            return "unknown"
        for seen in event.seen:
            ours = write.event_at(event.case_id, seen.hand, seen.seq)
            if ours is None or ours.event.hash != seen.hash:
                return "seen"
        return None

    def _hold(
        self,
        write: Writes,
        arrival: Arrival,
        data: bytes,
        event: Event,
        values: Sequence[Disclosure],
        bundle: OpenedBundle,
        reason: str,
    ) -> None:
        issuer = event.issuer.region
        if write.held_count(issuer) >= self.agency.config.held_quota:
            why = Unplaceable(
                "held_quota",
                "该地区等待中的事件已达上限",
                "that region has too many events waiting",
                str(event.issuer),
            )
            self._park_leaf(write, arrival, data, why)
            return
        if any((h.hand, h.seq, h.hash) == (event.hand, event.seq, event.hash) for h in write.held(event.case_id)):
            return
        write.hold(
            HeldEvent(
                id=0,
                case_id=event.case_id,
                hand=event.hand,
                seq=event.seq,
                hash=event.hash,
                issuer=issuer,
                reason=reason,
                skeleton=bundle.skeleton,
                bytes=data,
                disclosures=_rows(event, values),
                arrival=arrival,
                held_at=write.now,
            )
        )
        if reason == "unknown":
            self._alarm(
                write,
                "upgrade",
                event,
                f"收到本版本不认识的事件（{event.type}）；本案等待，请升级程序",
                f"an event of a kind unknown to this version ({event.type}): the case waits, upgrade jiexu",
            )
        if reason == "seen":
            self._alarm(
                write,
                "seen_unknown",
                event,
                "对方引用了本地没有的本方事件；请核查日志是否为旧副本",
                "the partner has seen events of ours that are not here: this journal may be an old copy",
            )

    def _append(
        self,
        write: Writes,
        arrival: Arrival,
        data: bytes,
        event: Event,
        values: Sequence[Disclosure],
        touched: set[str],
    ) -> int:
        case = self._case(write, event.case_id) or Case(event.case_id)
        touched.add(event.case_id)
        void = case.take(event)
        (position,) = write.append([NewEvent(data, event, void, arrival)])
        self.agency.book.keep(case, position)
        checked = check_disclosures(event, values)
        write.disclose(_rows(event, checked.accepted))
        key = self._person_key(event, checked.accepted) if event.type == "TransferApplied" else None
        note_change(write, self.agency.region, case, position, key)
        if key and self.role is Role.OUTBOUND and write.row_holder(key, event.body["from_scheme"]) is None:
            write.take_row(key, event.body["from_scheme"], event.case_id)
        self._give_receipt(write, event, arrival)
        self._flag(write, event, void, checked.problems)
        return position

    def _flag(self, write: Writes, event: Event, void: bool, problems: Sequence[tuple[str, str]]) -> None:
        if void:
            self._alarm(
                write,
                "void",
                event,
                f"对方无权作出 {event.type}（第 {event.seq} 号），已收录为无效事件",
                f"the partner had no right to {event.type} (seq {event.seq}); it stands as void",
            )
        if event.occurred_at > write.now + CLOCK_TOLERANCE:
            self._alarm(
                write,
                "future_time",
                event,
                "事件时间在未来，已照常收录；请核对双方时钟",
                "the event's time lies in the future; it was taken in, compare the clocks",
            )
        if problems:
            fields = "、".join(field for field, _ in problems)
            self._alarm(
                write,
                "disclosure",
                event,
                f"随附的个人信息与摘要不符：{fields}",
                f"personal values do not fit their digests: {fields}",
            )

    def _person_key(self, event: Event, values: Sequence[Disclosure]) -> str | None:
        found = {(event.event_id, one.field): one.value for one in values}
        who = identity_from(event.body["person"]["document_type"], event.event_id, found)
        return person_key(self.agency.index_key, who.document_type, who.document_number) if who else None

    def _release(self, write: Writes, event: Event, touched: set[str]) -> None:
        """After an event was placed, place those of its case that waited for it, in order."""
        while True:
            case = self._case(write, event.case_id)
            assert case is not None, "an event of the case has just been placed"
            ready = None
            for held in write.held(event.case_id):
                last = case.last.get(held.hand)
                if held.reason != "unknown" and held.seq == (last.seq if last else 0) + 1:
                    opened = open_event(held.bytes)
                    if self._must_wait(write, opened) is None:
                        ready = held, opened
                        break
            if ready is None:
                return
            held, opened = ready
            write.unhold([held.id])
            why = self._refusal(write, opened, opened.signer, False)
            if why is not None:
                self._park_leaf(write, held.arrival, held.bytes, why)
                self._alarm(write, why.code, opened.event, why.zh, why.en)
                continue
            values = [
                Disclosure(0, d.field, d.salt, d.value) for d in held.disclosures if d.salt and d.value is not None
            ]
            position = self._append(write, held.arrival, held.bytes, opened.event, values, touched)
            write.append_bundle(
                NewBundle(held.skeleton, opened.signer, [position], None, held.arrival.partition, held.arrival)
            )

    # --- receipts

    def _give_receipt(self, write: Writes, event: Event, arrival: Arrival) -> None:
        case = self._case(write, event.case_id)
        own = case.last.get(OWN_HAND[self.role]) if case else None
        write.append_receipts(
            [
                ReceiptRow(
                    given=True,
                    peer=event.issuer,
                    case_id=event.case_id,
                    hand=event.hand,
                    seq=event.seq,
                    hash=event.hash,
                    arrival=arrival,
                    recorded_at=write.now,
                    own_last_seq=own.seq if own else 0,
                )
            ]
        )

    def _receipts(self, write: Writes, record: Record, opened: OpenedReceipts) -> None:
        rows = []
        for receipt in opened.payload.receipts:
            ours = write.event_at(receipt.case_id, Hand(receipt.hand), receipt.seq)
            if ours is None or ours.event.hash != receipt.hash:
                write.raise_todo(
                    "alarm",
                    "receipt_other_content",
                    receipt.case_id,
                    f"{opened.issuer} 的回执与本方第 {receipt.seq} 号事件不符；请核查日志是否为旧副本",
                    f"a receipt of {opened.issuer} is not for our event seq {receipt.seq}: old copy of the journal?",
                )
                continue
            rows.append(
                ReceiptRow(
                    given=False,
                    peer=opened.issuer,
                    case_id=receipt.case_id,
                    hand=ours.event.hand,
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

    # --- what both share

    def _case(self, write: Writes, case_id: str) -> Case | None:
        known = self.agency.book.load(write, [case_id]).get(case_id)
        return known.case if known else None

    def _alarm(self, write: Writes, code: str, event: Event, zh: str, en: str) -> None:
        data = json.dumps({"type": event.type, "hand": event.hand, "seq": event.seq, "hash": event.hash.hex()})
        write.raise_todo("alarm", code, event.case_id, zh, en, data)


def arrival_of(record: Record) -> Arrival:
    """Where a record stood in the mailbox."""
    return Arrival(record.topic, record.partition, record.offset, record.append_time)


def _rows(event: Event, values: Sequence[Disclosure]) -> list[DisclosureRow]:
    return [DisclosureRow(event.case_id, event.event_id, one.field, one.salt, one.value) for one in values]
