"""What a partner asks after a loss: the last event of its own that we have, in each case with it.

It is answered with receipts, and with a notice after the last of them, once the mailbox has been read as far as it
reached when we were asked: what the partner sent before it lost its memory may lie there, in another partition. Nor is
it answered while events of the partner are held here: a receipt would say that they have their place.

Our own last event of each case goes out again with it. It may have a receipt: who has lost not only his own events but
ours too, and his mailbox, sees a gap before it then, and asks for what is missing.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from jiexu.case.event import OWN_HAND, Party, Role
from jiexu.exchange.port import Record
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import Reads, ReceiptRow, Writes
from jiexu.service.agency import Agency
from jiexu.service.doubt import ANSWER
from jiexu.service.notices import Concerned, answer_question
from jiexu.service.wishes import note_wish, relay_cursor

# A case that ended here may be open in an old copy of the partner's journal; older copies than this are not thought of.
ENDED_WITHIN = timedelta(days=400)
_ROWS_AT_ONCE = 5_000
_CASES_AT_ONCE = 500
_LOOK_AGAIN = timedelta(minutes=1)


def note_question(write: Writes, role: Role, asker: Party, record: Record) -> None:
    """Note that a partner asks; it is answered soon."""
    concerned = [record.topic, record.partition, record.offset, sha256(record.value).hexdigest()]
    questions = [one for one in _questions(write, role) if one["concerned"] != concerned]
    write.set_note(_note(role), json.dumps([*questions, {"asker": asker.region, "concerned": concerned}]))


class LastKnown:
    """Answers what partners ask of one role."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self.topic = topic_name(agency.region, role.value)
        self._ends: dict[int, int] = {}
        self._looked: tuple[datetime, list[str]] | None = None  # when the ends were asked for, and for which questions

    def turn(self) -> int:
        """Answer what can be answered by now; returns how much was done. Raises what the exchange raises."""
        with self.agency.journal.read() as read:
            questions = _questions(read, self.role)
            if not questions or not self._mailbox_read(read, questions):
                return 0
            # What we hold of the asker may still get its place, and would then stand beside what it has issued anew.
            held = {one.issuer for one in read.held() if one.arrival.topic == self.topic}
            questions = [one for one in questions if "told" in one or one["asker"] not in held]
            stated = {peer.region for one in questions for peer in read.peers_to_receipt(self.role, one.get("told", 0))}
        told = sum([self._tell(Party(one["asker"], self.role.other)) for one in questions if "told" not in one])
        with self.agency.journal.write() as write:
            left = []
            for one in _questions(write, self.role):
                asker = Party(one["asker"], self.role.other)
                if "told" not in one:
                    if one in questions:
                        told += 1
                        one["told"] = write.last_position()
                    left.append(one)
                elif one in questions and asker.region not in stated:
                    topic, partition, offset, digest = one["concerned"]
                    concerned = Concerned(topic, partition, offset, bytes.fromhex(digest))
                    answer_question(self.agency, write, self.role, asker, ANSWER, concerned)
                    told += 1
                else:
                    left.append(one)
            write.set_note(_note(self.role), json.dumps(left))
        return told

    def _tell(self, asker: Party) -> int:
        """Tell of every case, some at a time: other writers of the region have their turns in between."""
        agency, role = self.agency, self.role
        with agency.journal.read() as read:
            cases = _cases_with(read, role, asker)
        told = 0
        for start in range(0, len(cases), _CASES_AT_ONCE):
            part = cases[start : start + _CASES_AT_ONCE]
            with agency.journal.write() as write:
                told += tell_last(write, role, asker, part)
                note_wish(write, role, asker, *_own_last(write, role, asker, [case_id for case_id, _ in part]))
        return told

    def _mailbox_read(self, read: Reads, questions: list[dict[str, Any]]) -> bool:
        """Whether everything was taken in that lay in the mailbox when we first looked at these questions."""
        agency, topic = self.agency, self.topic
        now, known = agency.clock(), [one["concerned"][3] for one in questions]
        if self._looked is None or self._looked[1] != known or now - self._looked[0] >= _LOOK_AGAIN:
            starts = agency.exchange.beginning_offsets(topic)
            ends = agency.exchange.end_offsets(topic)
            self._ends = {partition: end for partition, end in ends.items() if end > starts.get(partition, 0)}
            self._looked = now, known
        topic_id = agency.exchange.topic_id(topic)
        return all((read.offset(topic_id, partition) or 0) >= end for partition, end in self._ends.items())


def tell_last(write: Writes, role: Role, asker: Party, cases: Sequence[tuple[str, bool]]) -> int:
    """Give a receipt again for the last event of the asker in these cases (id, whether open); returns how many.

    It says what the first one said: when that event arrived and was recorded; repeating it starts no clock again.
    """
    hand = OWN_HAND[asker.role]
    rows = []
    heads = write.heads([case_id for case_id, _ in cases])
    for case_id, is_open in cases:
        head = heads[case_id]
        seq, hash = head.hands.get(hand, (0, b""))
        last = write.event_at(case_id, hand, seq) if seq else None
        if last is None or last.arrival is None or not (is_open or last.recorded_at >= write.now - ENDED_WITHIN):
            continue
        rows.append(
            ReceiptRow(
                given=True,
                peer=asker,
                case_id=case_id,
                hand=hand,
                seq=seq,
                hash=hash,
                arrival=last.arrival,
                recorded_at=last.recorded_at,
                own_last_seq=head.hands.get(OWN_HAND[role], (0, b""))[0],
            )
        )
    if rows:
        write.append_receipts(rows)
    return len(rows)


def _cases_with(read: Reads, role: Role, partner: Party) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    after = ""
    while page := read.cases(role=role, after_case=after, limit=_ROWS_AT_ONCE):
        found += [(row.case_id, row.open) for row in page if row.partner == partner.region]
        after = page[-1].case_id
    return found


def _own_last(write: Writes, role: Role, peer: Party, case_ids: Sequence[str]) -> list[int]:
    """Positions of the own hand's last events in these cases, of those that were sent to that partner lately."""
    hand, sent = OWN_HAND[role], write.cursor(relay_cursor(role, peer))
    lasts = {case_id: head.hands[hand][0] for case_id, head in write.heads(case_ids).items() if hand in head.hands}
    found = [write.event_at(case_id, hand, seq) for case_id, seq in lasts.items()]
    since = write.now - ENDED_WITHIN
    stored = [write.bundle_of(event.position) for event in found if event is not None and event.recorded_at >= since]
    return [
        next(position for position in one.bundle.positions if position)
        for one in stored
        if one is not None and one.bundle.destination == peer and one.position <= sent
    ]


def _questions(read: Reads, role: Role) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(read.note(_note(role)) or "[]")
    return found


def _note(role: Role) -> str:
    return f"asked_for_last:{role}"
