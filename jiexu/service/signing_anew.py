"""Signing anew: events whose signature partners do not believe any more are signed again by their owner.

A key is judged by the time of recording. What was signed with a key that was given up since, and arrives only now, is
refused by the partner and belongs to nobody else to mend: the signature lies outside the event, so the owner signs
the same bytes under its present key. It does so before it sends such a bundle (for the first time or again), when its
directory or its key changes, and when a partner's notice asks for it. An event is signed once with a key: the newest
bundle that carries it says with which.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from jiexu.case.event import OWN_HAND, Hand, Party, Role
from jiexu.contract.bundle import open_bundle, sign_again
from jiexu.contract.models import NoticeAbout
from jiexu.journal.port import Reads, StoredBundle, Writes
from jiexu.region.directory.keystate import KeyState, key_state
from jiexu.service.agency import Agency
from jiexu.service.opening import OpenedNotice
from jiexu.service.wishes import note_wish

# An event that a partner asks for is sent to it once; what it says within this time may be about what was sent before.
# A partner that asks later has been sent it in vain: a person is told. (What has no receipt is sent again anyhow, at
# times of its own.)
ANSWER_TAKES = timedelta(minutes=10)
FORGOTTEN_AFTER = timedelta(days=2)  # without another word; sending again by itself is daily
# Before an event that waits for what comes before it, this many are looked at.
GAP = 256


def is_stale(agency: Agency, stored: StoredBundle) -> bool:
    """Whether a bundle of ours bears a signature that a partner would refuse by now."""
    if agency.signer.key_id.encode() in stored.bundle.skeleton:
        return False  # as nearly always; a look at the bytes costs next to nothing
    key_id = open_bundle(stored.bundle.skeleton).key_id
    return not agency.participants.key(agency.region, key_id, agency.clock()).usable


def usable_keys(agency: Agency) -> list[str]:
    """The keys of ours that partners believe now."""
    if agency.region not in agency.participants.regions:
        return []
    now = agency.clock()
    keys = agency.participants.entry(agency.region).keys
    return [key.key_id for key in keys if key_state(key, now) is KeyState.USABLE]


def sign_anew(agency: Agency, write: Writes, bundles: Sequence[StoredBundle]) -> int:
    """Append these bundles anew, signed with the key of today, for the relay to send once the ledger holds them.

    One of which another process has done so, or that bears today's key, is left out. Returns how many were signed.
    """
    done = 0
    for stored in bundles:
        newest = write.bundle_of(_first(stored))
        if newest is None or newest.position != stored.position:
            continue
        opened = open_bundle(stored.bundle.skeleton)
        if opened.key_id == agency.signer.key_id:
            continue
        write.append_bundle(replace(stored.bundle, skeleton=sign_again(opened, agency.signer)))
        done += 1
    if done:
        structlog.get_logger().info("signed_anew", bundles=done, key=agency.signer.key_id)
    return done


def _first(stored: StoredBundle) -> int:
    """The position of a bundle's first event that is here."""
    return next(position for position in stored.bundle.positions if position)


class Wishes:
    """Answers a notice's wish to have an event signed or sent again, by itself where that can be done."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self._answered: dict[int, datetime] = {}  # first event of a bundle → when a notice about it was answered
        self._heard: dict[int, datetime] = {}  # the same → when one came last

    def answer(self, write: Writes, notice: OpenedNotice) -> bool:
        """Whether the notice is dealt with: what it asks for is done, or need not be done any more."""
        about, wants = notice.payload.about, notice.payload.wants
        if about is None or wants not in ("sign_again", "send_again") or about.hand != OWN_HAND[self.role]:
            return False
        wanted = self._bundle(write, notice.issuer, about.case_id, about.seq)
        if wanted is None:
            self._not_ours(write, notice.issuer, about)
            return True
        again = [wanted] if wants == "sign_again" else [*self._before(write, notice.issuer, about), wanted]
        if write.receipt_got(about.case_id, OWN_HAND[self.role], about.seq) is not None:
            if wants == "sign_again":
                return True  # it has come in since
            # The partner may have lost what it gave its receipts for. Several cases can share a bundle, and not those
            # before it.
            again = [one for one in again if _first(one) not in self._answered]
        return all([self._send_again(write, notice.issuer, one, wants) for one in again])  # noqa: C419 - each of them

    def _not_ours(self, write: Writes, peer: Party, about: NoticeAbout) -> None:
        zh = (
            f"{peer} 收到一份以本方名义签署、本方日志中没有的事件；密钥可能外泄，或日志为旧副本。请核对，必要时吊销密钥"
        )
        en = (
            f"{peer} got an event signed in our name that is not in this journal: a key may be in other hands, or this "
            "is an old copy. Find out, then decide whether to revoke the key"
        )
        data = {"case_id": about.case_id, "hand": about.hand, "seq": about.seq, "from": str(peer)}
        write.raise_todo("alarm", "not_our_event", None, zh, en, json.dumps(data))

    def _send_again(self, write: Writes, peer: Party, stored: StoredBundle, wants: str) -> bool:
        """Have it signed anew or sent again, unless that was done a moment ago. False where it was done in vain."""
        position, now = _first(stored), write.now
        for gone in [p for p, at in self._heard.items() if now - at >= FORGOTTEN_AFTER]:
            del self._heard[gone], self._answered[gone]
        self._heard[position] = now
        if wants == "sign_again" and sign_anew(self.agency, write, [stored]):
            self._answered[position] = now
            return True
        if position in self._answered:
            return now - self._answered[position] < ANSWER_TAKES
        self._answered[position] = now
        note_wish(write, self.role, peer, position)
        return True

    def _before(self, read: Reads, peer: Party, about: NoticeAbout) -> list[StoredBundle]:
        """Bundles with the events before that one which have no receipt, the first first.

        All of them, where each has one: then the partner has lost what it gave its receipts for.
        """
        seqs = range(max(1, about.seq - GAP), about.seq)
        missing = [seq for seq in seqs if read.receipt_got(about.case_id, OWN_HAND[self.role], seq) is None]
        found: dict[int, StoredBundle] = {}
        for seq in missing or seqs:
            stored = self._bundle(read, peer, about.case_id, seq)
            if stored is not None:
                found[stored.position] = stored
        return list(found.values())

    def _bundle(self, read: Reads, peer: Party, case_id: str, seq: int) -> StoredBundle | None:
        """The newest bundle of ours to that partner with an event of our hand."""
        event = read.event_at(case_id, Hand(OWN_HAND[self.role]), seq)
        stored = None if event is None or event.arrival is not None else read.bundle_of(event.position)
        return stored if stored is not None and stored.bundle.destination == peer else None
