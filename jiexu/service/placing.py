"""Placing: where each event of a proved bundle goes, by itself, within the transaction of its batch.

An event with valid parties, signature and links is always appended, void if its issuer had no right to it. One that
cannot be placed yet is held; one that contradicts what stands is refused, and its signed bytes are kept as proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Event, Party, Role
from jiexu.contract.bundle import Leaf, open_bundle, pack, withhold
from jiexu.contract.codec import OpenedEvent, leaf_hash, open_event
from jiexu.contract.disclosure import Disclosure, check_disclosures
from jiexu.journal.port import Arrival, DisclosureRow, HeldEvent, NewBundle, NewEvent, StoredEvent, Writes
from jiexu.service.agency import Agency
from jiexu.service.in_hand import REFERENCES, InHand
from jiexu.service.issue import PROTOCOL
from jiexu.service.opening import OpenedBundle, OpenedLeaf, Unplaceable
from jiexu.service.personal import note_late
from jiexu.service.persons import identity_from, person_key
from jiexu.service.wishes import note_wish

# A partner's clock may run ahead of ours a little; beyond this it is flagged. No reason to refuse: the event is taken
# in, or two journals would differ by a clock.
CLOCK_TOLERANCE = timedelta(minutes=5)
# Todo items that say no more once the values are there.
_CLEARED_BY_VALUES = ("identity_missing",)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that cannot be placed: why, and a bundle with it alone given, whose signature still proves it.

    `arrival` is set where it had been held, and came with another record than the one in hand.
    """

    why: Unplaceable
    proof: bytes
    arrival: Arrival | None = None


class Placing(InHand):
    """Places events in one transaction. What it counts and refuses is for whoever began the transaction."""

    def __init__(self, agency: Agency, role: Role, write: Writes, touched: set[str]) -> None:
        super().__init__(agency, role, write)
        self.touched = touched
        self.refusals: list[Refusal] = []
        self.placed = 0
        self.held = 0

    def bundle(self, arrival: Arrival, opened: OpenedBundle) -> None:
        """Place every leaf, then record the bundle over what was placed."""
        before = self._appended
        # A leaf that was given as a hash only is not delivered and gets no receipt: position 0.
        positions = [0] * len(opened.bundle.leaves)
        for leaf in opened.leaves:
            positions[leaf.leaf] = self._leaf(arrival, leaf, opened)
        came_before = self._appended == before and self._stands(positions, opened.skeleton)
        if any(positions) and not came_before:
            issuer = opened.bundle.issuer
            self._bundles.append(NewBundle(opened.skeleton, issuer, positions, None, arrival.partition, arrival))

    def release(self, case_id: str) -> None:
        """Place what was held in a case and can be placed now, in order."""
        write = self.write
        self._load([case_id])
        while case_id in self._waiting:
            case = self._case(case_id)
            for held in write.held(case_id):
                last = case.last.get(held.hand) if case else None
                next_seq = last.seq + 1 if last else 1
                if held.seq > next_seq:
                    continue
                opened = open_held(held)
                reason = self._must_wait(opened) if held.seq == next_seq else None
                if reason is None:
                    break
                if reason != held.reason:
                    write.hold(replace(held, reason=reason))
                    self._flag_held(opened.event, reason)
            else:
                return
            write.unhold([held.id])
            self._place_held(held, opened)

    def _place_held(self, held: HeldEvent, opened: OpenedEvent) -> None:
        event = opened.event
        known = self._event_at(event)
        if known is not None and known.hash == event.hash:
            self._give_receipt(event, held.arrival)
            return
        why = self._refusal(opened, opened.signer, known is not None)
        if why is not None:
            self._refuse(why, proof_of_held(held), event, held.arrival)
            return
        values = [Disclosure(0, d.field, d.salt, d.value) for d in held.disclosures if d.salt and d.value is not None]
        position = self._append(held.arrival, held.bytes, event, values)
        positions = [position if leaf.hash == held.hash else 0 for leaf in open_bundle(held.skeleton).leaves]
        self._bundles.append(
            NewBundle(held.skeleton, opened.signer, positions, None, held.arrival.partition, held.arrival)
        )

    def _stands(self, positions: Sequence[int], skeleton: bytes) -> bool:
        """Whether all of it came before in this very bundle: sent again, it adds nothing."""
        self.flush()
        stored = [self.write.bundle_of(position) for position in positions if position]
        return all(one is not None and one.bundle.skeleton == skeleton for one in stored)

    # --- one event

    def _leaf(self, arrival: Arrival, leaf: OpenedLeaf, bundle: OpenedBundle) -> int:
        """Place one event; returns its position, 0 where it was held or refused."""
        opened, signer = leaf.content, bundle.bundle.issuer
        if isinstance(opened, Unplaceable):
            self.refusals.append(Refusal(opened, withhold(bundle.bundle, {leaf.leaf})))
            return 0
        event = opened.event
        known = self._event_at(event)
        if known is not None and known.hash == event.hash and opened.signer == signer:
            return self._known(event, leaf.values, arrival)
        why_not = self._refusal(opened, signer, known is not None)
        if why_not is not None:
            self._refuse(why_not, withhold(bundle.bundle, {leaf.leaf}), event, None)
            return 0
        reason = self._must_wait(opened)
        if reason is not None:
            self._hold(arrival, leaf, opened, bundle, reason)
            return 0
        position = self._append(arrival, leaf.data, event, leaf.values)
        self.release(event.case_id)
        return position

    def _known(self, event: Event, values: Sequence[Disclosure], arrival: Arrival) -> int:
        """An event that stands already: add what was missing, repeat the receipt. Returns its position."""
        self.flush()  # it may have come a moment ago in this batch
        stored = self.write.event_at(event.case_id, event.hand, event.seq)
        assert stored is not None, "it stands in the case"
        self.placed += 1
        checked = check_disclosures(event, values)
        self._add_missing(stored, checked.accepted)
        self._flag_values(event, checked.problems)
        self._give_receipt(event, arrival)
        return stored.position

    def _add_missing(self, stored: StoredEvent, values: Sequence[Disclosure]) -> int:
        """Personal values of an event that stands, those that were missing; returns how many."""
        write, event = self.write, stored.event
        have = {(row.event_id, row.field) for row in write.disclosures([event.case_id])}
        new = [one for one in values if (event.event_id, one.field) not in have]
        if new:
            self._values += rows_of(event, new)
            note_late(write, stored.position)
            self._changed.setdefault(event.case_id, None)
            self._person_known(event, values)
            write.put_on_agenda([event.case_id])
            for todo in write.todos(kind="failed"):
                if todo.case_id == event.case_id and todo.code in _CLEARED_BY_VALUES:
                    write.clear_todo(todo.id)
        return len(new)

    def _refusal(self, opened: OpenedEvent, signer: Party, seq_used: bool) -> Unplaceable | None:
        """Why an event can never be placed here, or None."""
        event, sender = opened.event, str(signer)

        def refused(code: str, zh: str, en: str) -> Unplaceable:
            return Unplaceable(code, zh, en, sender, alarm=True)

        if opened.signer != signer:
            return refused("wrong_issuer", "事件不是签名方的事件", "the event is not its signer's own")
        case = self._case(event.case_id)
        if case is not None:
            parties = case.parties
            if parties.get(event.issuer.role) != event.issuer or parties.get(signer.role) != signer:
                return refused("third_region", f"{signer} 不是本案的一方", f"{signer} is no party of this case")
        if seq_used:
            zh = f"第 {event.seq} 号事件已有不同内容；两份都已保留作证"
            return refused(
                "other_content", zh, f"event seq {event.seq} stands here with other content; both are kept as proof"
            )
        self._look_for([event.event_id])
        if event.event_id in self._used:
            return refused("event_id_reused", "该事件编号已被另一事件使用", "another event bears this event id")
        if case is None:
            return self._refused_application(opened, sender)
        if event.type == "TransferApplied" and event.issuer.role is not case.view.lodger:
            return refused("second_application", "本案已由另一方申请", "the other side has lodged this case")
        last = case.last.get(event.hand)
        follows = last is None or event.seq != last.seq + 1 or event.prev_hash == last.hash
        if not follows or (event.seq == 1) is (event.prev_hash is not None):
            zh, en = (
                f"第 {event.seq} 号事件不接上一事件",
                f"event seq {event.seq} does not follow the hand's previous one",
            )
            return refused("broken_link", zh, en)
        return None

    def _refused_application(self, opened: OpenedEvent, sender: str) -> Unplaceable | None:
        event = opened.event
        if event.type != "TransferApplied" or event.seq != 1 or not opened.known:
            return None  # its application may still come, or is not understood yet: held
        body = event.body
        named = {role: Party(body[role.value]["region"], role) for role in Role}
        if named[self.role].region != self.agency.region or named[self.role.other] != opened.signer:
            region = self.agency.region
            zh, en = (
                f"申请不涉及本地区（{region}）的这一职能",
                f"the application does not name {region} as {self.role} and its sender as the other side",
            )
            return Unplaceable("third_region", zh, en, sender, alarm=True)
        if self.agency.places.same_pooling_region(named[Role.OUTBOUND].region, named[Role.INBOUND].region):
            zh, en = "同一统筹区内不需转移", "both sides are one pooling region"
            return Unplaceable("same_pooling_region", zh, en, sender, alarm=True)
        return None

    def _must_wait(self, opened: OpenedEvent) -> str | None:
        """Why an event waits: `unknown` to this version; a `gap` before it; `seen` rests on what is not here."""
        event = opened.event
        if unknown(opened):
            return "unknown"
        case = self._case(event.case_id)
        if case is None:
            if event.seq > 1:
                return "gap"
            if event.seen:
                return "seen"  # the answer to an application of ours: lost with a journal and its ledger
            return None if event.type == "TransferApplied" else "gap"
        last = case.last.get(event.hand)
        if event.seq > (last.seq if last else 0) + 1:
            return "gap"
        for seen in event.seen:
            ours = case.times.get((seen.hand.role, seen.seq))
            if ours is None or ours.hand is not seen.hand or ours.hash != seen.hash:
                return "seen"
        return None

    def _refuse(self, why: Unplaceable, proof: bytes, event: Event, arrival: Arrival | None) -> None:
        self.refusals.append(Refusal(why, proof, arrival))
        if why.alarm:
            self._alarm(why.code, event, f"{why.zh}；{why.advice.zh}", f"{why.en}; {why.advice.en}")

    def _hold(self, arrival: Arrival, leaf: OpenedLeaf, opened: OpenedEvent, bundle: OpenedBundle, reason: str) -> None:
        write, event = self.write, opened.event
        issuer = opened.signer.region
        waits = any((h.hand, h.seq, h.hash) == (event.hand, event.seq, event.hash) for h in write.held(event.case_id))
        if not waits and write.held_count(issuer) >= self.agency.config.held_quota:
            zh, en = "该地区等待中的事件已达上限", "that region has too many events waiting"
            why = Unplaceable("held_quota", zh, en, str(opened.signer), alarm=True)
            self._refuse(why, withhold(bundle.bundle, {leaf.leaf}), event, None)
            return
        self.held += 1
        self._waiting.add(event.case_id)
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
                bytes=leaf.data,
                disclosures=rows_of(event, leaf.values),
                arrival=arrival,
                held_at=write.now,
            )
        )
        self._flag_held(event, reason)

    def _flag_held(self, event: Event, reason: str) -> None:
        if reason == "unknown":
            zh = f"收到本版本不认识的事件（{event.type}）；本案等待，请升级程序"
            en = f"an event of a kind unknown to this version ({event.type}): the case waits, upgrade jiexu"
            self._alarm("upgrade", event, zh, en)
        # Where a whole case is lost the partner's own events before this one are too: it is asked for those (`gap`).
        lost = self._case(event.case_id) is None and any(seen.hand is OWN_HAND[self.role] for seen in event.seen)
        if reason == "seen" or (reason == "gap" and lost):
            zh = "对方引用了本地没有的本方事件；请核查日志是否为旧副本"
            en = "the partner has seen events of ours that are not here: this journal may be an old copy"
            self._alarm("seen_unknown", event, zh, en, lost=True)

    def _append(self, arrival: Arrival, data: bytes, event: Event, values: Sequence[Disclosure]) -> int:
        case = self._case(event.case_id)
        if case is None:
            case = self._cases[event.case_id] = Case(event.case_id)
        self.touched.add(event.case_id)
        void = case.take(event)
        position = self._add(NewEvent(data, event, void, arrival))
        self.placed += 1
        checked = check_disclosures(event, values)
        self._values += rows_of(event, checked.accepted)
        self._changed.setdefault(event.case_id, None)
        self._person_known(event, checked.accepted)
        self._give_receipt(event, arrival)
        self._flag(event, void)
        self._flag_values(event, checked.problems)
        if not void:
            self._answer_wish(case, event)
        return position

    def _person_known(self, event: Event, values: Sequence[Disclosure]) -> None:
        """Whether the person of an application has become known: the case is indexed by the person from now on."""
        case = self._case(event.case_id)
        if case is None or case.application is None or case.application.event_id != event.event_id:
            return
        found = {(event.event_id, one.field): one.value for one in values}
        who = identity_from(event.body["person"]["document_type"], event.event_id, found)
        if who is not None:
            key = person_key(self.agency.index_key, who.document_type, who.document_number)
            self._changed[event.case_id] = key

    def _answer_wish(self, case: Case, event: Event) -> None:
        """The partner asks for values of an event of ours: its bundle is sent again (followers.Relay)."""
        if event.type != "DisclosureRequested":
            return
        wanted = event.body["event"]
        # Own events were in the journal before this batch.
        ours = self.write.event_at(event.case_id, OWN_HAND[self.role], wanted["seq"])
        if wanted["hand"] == OWN_HAND[self.role] and ours is not None:
            note_wish(self.write, self.role, case.parties[self.role.other], ours.position)

    # --- what a person should know

    def _flag(self, event: Event, void: bool) -> None:
        if void:
            zh = f"对方无权作出 {event.type}（第 {event.seq} 号），已收录为无效事件"
            self._alarm("void", event, zh, f"the partner had no right to {event.type} (seq {event.seq}); it is void")
        if event.occurred_at > self.write.now + CLOCK_TOLERANCE:
            zh, en = (
                "事件时间在未来，已照常收录；请核对双方时钟",
                "the event's time lies in the future; compare the clocks",
            )
            self._alarm("future_time", event, zh, en)
        if event.type in REFERENCES:
            self._money.append(event)

    def _flag_values(self, event: Event, problems: Sequence[tuple[str, str]]) -> None:
        if problems:
            fields = "、".join(field for field, _ in problems)
            zh, en = f"随附的个人信息与摘要不符：{fields}", f"personal values do not fit their digests: {fields}"
            self._alarm("disclosure", event, zh, en)


def unknown(opened: OpenedEvent) -> bool:
    """Whether this version does not know what the event means: type, hand, protocol or procedure."""
    event = opened.event
    if not opened.known or event.hand.attested or event.protocol != PROTOCOL:
        return True
    return event.type == "TransferApplied" and event.body["procedure"] != "platform"


def open_held(held: HeldEvent) -> OpenedEvent:
    """A held event as this version reads it. Raises ContractError where it cannot any more."""
    return open_event(held.bytes)


def proof_of_held(held: HeldEvent) -> bytes:
    """A bundle with the held event alone given, and its values."""
    bundle = open_bundle(held.skeleton)
    leaves = tuple(Leaf(leaf.hash, held.bytes) if leaf.hash == held.hash else leaf for leaf in bundle.leaves)
    at = [leaf.hash for leaf in leaves].index(leaf_hash(held.bytes))
    values = tuple(Disclosure(at, d.field, d.salt, d.value) for d in held.disclosures if d.salt and d.value is not None)
    return pack(replace(bundle, leaves=leaves, disclosures=values))


def rows_of(event: Event, values: Sequence[Disclosure]) -> list[DisclosureRow]:
    """The rows in which an event's personal values are kept."""
    return [DisclosureRow(event.case_id, event.event_id, one.field, one.salt, one.value) for one in values]
