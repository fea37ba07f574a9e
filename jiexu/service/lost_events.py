"""Events of ours that a partner knows and this journal has not: how it is found out, and what waits for it.

A journal whose ledger is lost too cannot know what the region has signed; only the partners can. They are asked
(startup.py), and answer with receipts for the last event of ours that they hold, as they would for one that comes
again. A receipt or a `seen` that names what is not here, or other bytes than those that are, raises an alarm in that
case. While it stands nothing is issued there and no act begun: the next event would use a place of the hand twice,
and the partner could never take it in. A person settles it with the partner and clears the alarm.
"""

from jiexu.case.event import OWN_HAND, Party, Role
from jiexu.journal.port import Reads, ReceiptRow, Writes

# What intake raises where a partner knows more of our hand than we do, or other bytes.
ALARMS = ("seen_unknown", "receipt_other_content")


def cases_with_lost_events(read: Reads) -> set[str]:
    """Cases in which such an alarm stands."""
    return {todo.case_id for code in ALARMS for todo in read.todos(kind="alarm", code=code) if todo.case_id is not None}


def tell_last(write: Writes, role: Role, asker: Party) -> int:
    """Give a receipt again for the last event of the asker in every open case with it; returns how many.

    It says what the first one said: when that event arrived and was recorded; repeating it starts no clock again.
    """
    hand = OWN_HAND[asker.role]
    with_asker = [row.case_id for row in write.cases(role=role, open=True) if row.partner == asker.region]
    rows = []
    for case_id, head in write.heads(with_asker).items():
        seq, hash = head.hands.get(hand, (0, b""))
        last = write.event_at(case_id, hand, seq) if seq else None
        if last is None or last.arrival is None:
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
