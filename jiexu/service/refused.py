"""Parked records of which everything has come in by another record since: they are settled by themselves.

What its sender has no receipt for it signs anew or sends again, so what was refused for its signature, or waited too
long for what comes before it, stands here in the end, and nobody has to look at it any more.
"""

from collections.abc import Sequence

from jiexu.case.event import Hand
from jiexu.contract.bundle import open_bundle
from jiexu.contract.codec import open_event
from jiexu.contract.errors import ContractError
from jiexu.contract.letters import open_receipts
from jiexu.contract.records import record_kind
from jiexu.journal.port import ParkedRecord, Reads
from jiexu.service.agency import Agency

CODES = (
    *("key_expired", "key_revoked", "key_compromised", "bad_signature", "bad_key"),
    *("held_gap", "held_seen", "held_quota"),
)
AT_ONCE = 100  # of each code; others can send many, and each may be a whole bundle


class InTurn:
    """A mailbox's parked records of some codes, some at a time, all in turn."""

    def __init__(self, topic: str, codes: Sequence[str]) -> None:
        self.topic = topic
        self.codes = codes
        self._looked_at: dict[str, int] = {}  # code → the last one that was looked at

    def next(self, read: Reads) -> list[ParkedRecord]:
        """The next of them, AT_ONCE of each code at most."""
        found: list[ParkedRecord] = []
        for code in self.codes if read.parked(limit=1) else ():
            some = read.parked(code=code, after=self._looked_at.get(code, 0), limit=AT_ONCE)
            self._looked_at[code] = some[-1].id if len(some) == AT_ONCE else 0
            found += [row for row in some if row.arrival.topic == self.topic]
        return found


class Refused:
    """Settles them for one mailbox. Until then they block nothing, and they are kept as they came."""

    def __init__(self, agency: Agency, topic: str) -> None:
        self.agency = agency
        self._some = InTurn(topic, CODES)

    def turn(self) -> int:
        """Look at the next of them; returns how many were settled."""
        with self.agency.journal.read() as read:
            found = self._some.next(read)
        return self.settle(found) if found else 0

    def settle(self, rows: Sequence[ParkedRecord]) -> int:
        """Settle those of which everything stands here by now; returns how many."""
        with self.agency.journal.read() as read:
            done = [row.id for row in rows if all_stands(read, row.bytes)]
        if done:
            with self.agency.journal.write() as write:
                for parked_id in done:
                    write.settle_parked(parked_id, "came_again")
        return len(done)


def all_stands(read: Reads, data: bytes) -> bool:
    """Whether every event of a bundle, or receipt of a batch, stands in the journal with the very bytes."""
    try:
        kind = record_kind(data)
        if kind == "Bundle":
            events = [open_event(leaf.event).event for leaf in open_bundle(data).leaves if leaf.event is not None]
            found = [(one.hash, read.event_at(one.case_id, one.hand, one.seq)) for one in events]
            return bool(found) and all(stored is not None and stored.event.hash == h for h, stored in found)
        if kind == "ReceiptBatch":
            receipts = open_receipts(data).payload.receipts
            got = [(one.hash, read.receipt_got(one.case_id, Hand(one.hand), one.seq)) for one in receipts]
            return bool(got) and all(row is not None and row.hash == h for h, row in got)
    except ContractError:
        pass
    return False
