"""Taking back (取回): events of ours that only a partner has, out of the evidence file that it made of the case.

The file bears our own signature over each of them. What is missing of our hand is appended as it was, byte for byte, as
far as what it rests on stands here; it is signed anew and goes out as any event does, so that the partner's receipts
come again. The partner's own events are never taken from the file: when they arrived is evidence of its own, and they
come through the mailbox. One transaction takes all that it can; what it cannot keeps the case waiting (lost_events.py),
and doing it again later takes the rest.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from jiexu.audit.evidence_check import EvidenceReport, ProvedEvent, verify_file
from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Event, Party, Role
from jiexu.contract.codec import body_schema
from jiexu.exchange.topics import partition_of
from jiexu.journal.port import Fact, NewEvent, Todo, Writes
from jiexu.region.directory.keystate import KeyState
from jiexu.service.agency import Agency
from jiexu.service.doubt import ask_after_loss
from jiexu.service.intake import Intake
from jiexu.service.issue import Signed, own_bundles
from jiexu.service.lost_events import ALARMS
from jiexu.service.moves import moved_by_others
from jiexu.service.placing import Placing, rows_of, unknown

FACT = "taken_back"
"""A fact of the journal: who took back what, out of which file."""


class TakeBackRefused(Exception):
    """A file that nothing is taken from: a code, what is in the way, and what to do."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came of one file. Events are named `hand seq`, personal values `hand seq field`.

    `missing` are events of ours in the file that are still not here, and `waits_for` the partner's event that the first
    of them rests on, or its application where the case is not here at all. `withheld` are personal values of our events
    that neither the file nor this journal has; `alarms` how many about lost events of this case were cleared, and how
    many still stand.
    """

    case_id: str
    exported_by: str
    taken: tuple[str, ...] = ()
    values: int = 0
    missing: tuple[str, ...] = ()
    waits_for: str = ""
    withheld: tuple[str, ...] = ()
    alarms_cleared: int = 0
    alarms_left: int = 0

    @property
    def complete(self) -> bool:
        """Nothing of ours is missing, and the case waits for nobody on account of it."""
        return not self.missing and not self.waits_for and not self.alarms_left


def take_back(agency: Agency, file: Path, by: str) -> TakenBack:
    """Take back what one evidence file has of our hand; `by` is the staff number of who does so.

    Doing it again changes nothing. Raises TakeBackRefused `not_sound`, `foreign_case`, `other_content`, `upgrade`,
    `key_compromised`; EvidenceError where the file is none; OSError. Nothing was taken then.
    """
    report = verify_file(file, agency.participants)
    role = _own_role(agency, file, report)
    digest = sha256(file.read_bytes()).hexdigest()
    done = TakenBack(report.contents.case_id, report.contents.region)
    while True:
        touched: set[str] = set()
        try:
            with agency.journal.write() as write:
                now = TakingBack(agency, role, write, touched, report).take(by, digest)
        except BaseException:
            for case_id in touched:
                agency.book.forget(case_id)
            raise
        cleared = done.alarms_cleared + now.alarms_cleared
        done = replace(now, taken=done.taken + now.taken, values=done.values + now.values, alarms_cleared=cleared)
        # What was held for want of these events can be placed now, and others of ours may rest on it.
        if not now.taken or not Intake(agency, role).release([done.case_id]):
            return done


def _own_role(agency: Agency, file: Path, report: EvidenceReport) -> Role:
    """Our role in the file's case. Raises TakeBackRefused."""
    if not report.sound:
        some = "; ".join(report.problems[:3])
        zh = f"{file} 未通过核验（{some}）；请对方重新导出"
        raise TakeBackRefused("not_sound", zh, f"{file} does not hold ({some}): have the partner export it again")
    applied = next(one.event for one in report.events if one.event.type == "TransferApplied" and not one.void)
    role = next((role for role in Role if applied.body[role.value]["region"] == agency.region), None)
    if role is None:
        zh, en = f"{file} 不是本区的案件", f"{file} is about a case in which this region has no part"
        raise TakeBackRefused("foreign_case", zh, en)
    return role


class TakingBack(Placing):
    """One transaction over one file."""

    def __init__(self, agency: Agency, role: Role, write: Writes, touched: set[str], report: EvidenceReport) -> None:
        super().__init__(agency, role, write, touched)
        self.case_id, self.exporter = report.contents.case_id, report.contents.region
        self.events = report.events
        self.given = 0  # personal values that were put in
        self.own = sorted((p for p in self.events if p.event.hand is OWN_HAND[role]), key=lambda p: p.event.seq)

    def take(self, by: str, file: str) -> TakenBack:
        """Append what can be appended, and see whether the case still waits."""
        write = self.write
        self._hold_against()
        taken = self._append_missing()
        for proved in self.own:
            self._give_values(proved)
        self.flush()
        missing = [proved.event for proved in self.own if self._event_at(proved.event) is None]
        absent = self._case(self.case_id) is None
        if taken or missing or absent:
            self._ask()
        if taken:
            self._tell_of_others()
        cleared, left = self._settle_alarms(missing)
        if taken or self.given or cleared:
            about = {"case": self.case_id, "by": by, "from": self.exporter, "file": file, "events": _places(taken)}
            write.append_fact(Fact(FACT, json.dumps(about, sort_keys=True, separators=(",", ":"))))
        return TakenBack(
            case_id=self.case_id,
            exported_by=self.exporter,
            taken=_places(taken),
            values=self.given,
            missing=_places(missing),
            waits_for=self._waits_for(missing[0]) if missing else f"{OWN_HAND[self.role.other]} 1" if absent else "",
            withheld=self._withheld(),
            alarms_cleared=cleared,
            alarms_left=left,
        )

    def _hold_against(self) -> None:
        """Nothing is taken where the file contradicts what stands here, or what it has cannot be believed."""
        participants, now = self.agency.participants, self.agency.clock()
        for proved in self.events:
            event, stands = proved.event, self._event_at(proved.event)
            where = f"{event.hand} {event.seq}"
            if stands is not None and stands.hash != event.hash:
                zh = f"{where} 在本地有不同内容：两份都由 {event.issuer} 签署，不能取回，请与对方核对"
                en = f"{where} stands here with other content, and {event.issuer} has signed both: settle it by hand"
                raise TakeBackRefused("other_content", zh, en)
            if stands is not None or event.hand is not OWN_HAND[self.role]:
                continue
            if unknown(proved.opened):
                zh, en = (
                    f"{where}（{event.type}）本版本不认识，请升级",
                    f"{where} ({event.type}) is unknown here: upgrade",
                )
                raise TakeBackRefused("upgrade", zh, en)
            # When it was signed is the exporter's word alone, and who stole the key can sign what he likes.
            if participants.key(self.agency.region, proved.key_id, now).state is KeyState.COMPROMISED:
                zh = f"{where} 由已泄露的密钥 {proved.key_id} 签署，真伪不能由文件断定，请与对方核对"
                en = f"{where} is signed with {proved.key_id}, a compromised key: the file alone proves nothing"
                raise TakeBackRefused("key_compromised", zh, en)

    def _append_missing(self) -> list[Event]:
        """Append the next events of our hand, up to the first that rests on what is not here."""
        taken: list[Event] = []
        signed: list[Signed] = []
        for proved in self.own:
            event = proved.event
            if self._event_at(event) is not None:
                continue
            if self._must_wait(proved.opened) is not None:
                break
            case = self._case(self.case_id)
            why = self._refusal(proved.opened, event.issuer, seq_used=False) if case is not None else None
            if why is not None:
                raise TakeBackRefused(why.code, why.zh, why.en)
            if not taken:
                self._end_claim(event)  # a line of its own: before the first event has its place
            if case is None:
                case = self._cases[self.case_id] = Case(self.case_id)
            self.touched.add(self.case_id)
            position = self._add(NewEvent(proved.data, event, case.take(event)))
            self._values += rows_of(event, proved.disclosures)
            self.given += len(proved.disclosures)
            self._changed.setdefault(self.case_id, None)
            self._person_known(event, proved.disclosures)
            signed.append(Signed(position, (event.hash, proved.data[2:10], body_schema(proved.data))))
            taken.append(event)
        if taken:
            self._sign(signed)
        return taken

    def _sign(self, signed: Sequence[Signed]) -> None:
        """Sign with the key in force now: the one of then may be so no more, and a receiver judges by its own time."""
        case = self._case(self.case_id)
        assert case is not None, "events were added to it"
        partner = case.parties[self.role.other]
        partition = partition_of(self.case_id, self.agency.participants.partitions(partner.region))
        sent = case.view.status != "refused_at_counter"
        self._bundles += own_bundles(self.agency, self.role, partner if sent else None, partition, signed)
        self.flush()

    def _end_claim(self, event: Event) -> None:
        """The claim that stands at this place ends: by its event, or freed, since another event could only take the
        place after it had been freed, none of its acts having taken effect."""
        write = self.write
        for stored in write.open_claims([self.case_id]):
            if stored.claim.hand is not event.hand:
                continue
            by_event = json.loads(stored.claim.plan)["event_id"] == event.event_id
            write.end_claims([stored.position], "event" if by_event else "freed")
            for todo in write.todos(kind="failed"):
                if todo.case_id == self.case_id and json.loads(todo.data).get("step") == stored.claim.step:
                    write.clear_todo(todo.id)

    def _give_values(self, proved: ProvedEvent) -> None:
        """Personal values of an event of ours that the file has and this journal lacks."""
        event = proved.event
        stored = self.write.event_at(event.case_id, event.hand, event.seq)
        if stored is not None:
            self.given += self._add_missing(stored, proved.disclosures)

    def _tell_of_others(self) -> None:
        """The person may have applied anew meanwhile, and the relation be moved by that case."""
        row = self.write.case_row(self.case_id)
        if row is None or row.role is not Role.OUTBOUND or not row.person_key:
            return
        for other in moved_by_others(self.write, row.person_key, row.from_scheme, self.case_id):
            zh = f"本案已取回，但该参保人同一险种正由或已由案件 {other.case_id} 转出；请人工处理"
            en = f"the case was taken back, but {other.case_id} moves the relation, or has: a clerk must decide"
            self.write.raise_todo("alarm", "reopened_without_row", self.case_id, zh, en)

    def _withheld(self) -> tuple[str, ...]:
        """Personal values of our events that nobody has given; what was erased here is not among them."""
        have = {(row.event_id, row.field) for row in self.write.disclosures([self.case_id])}
        return tuple(
            f"{proved.event.hand} {proved.event.seq} {field}"
            for proved in self.own
            for field in proved.withheld
            if (proved.event.event_id, field) not in have
        )

    def _ask(self) -> None:
        """Ask the partner what it knows of us, where it was not asked since the loss: it sends its own anew as well."""
        applied = next(p.event for p in self.events if p.event.type == "TransferApplied" and not p.void)
        partner = Party(applied.body[self.role.other.value]["region"], self.role.other)
        ask_after_loss(self.agency, self.write, partner)

    def _waits_for(self, event: Event) -> str:
        """What the partner has still to send before this event can stand here."""
        case = self._case(self.case_id)
        if case is None:
            return f"{OWN_HAND[self.role.other]} 1"
        return next(f"{one.hand} {one.seq}" for one in event.seen if (one.hand.role, one.seq) not in case.times)

    # --- whether the case still waits

    def _settle_alarms(self, missing: Sequence[Event]) -> tuple[int, int]:
        """Clear the alarms of which all is here now, and see to it that one stands while something is missing.

        Returns how many were cleared, and how many stand.
        """
        write = self.write
        if missing:
            last = missing[-1]
            zh = f"对方的证据文件载有本方第 {last.seq} 号事件，本地尚缺；对方事件补到后请再次取回"
            en = f"a partner's evidence has our event seq {last.seq}, which is not here: take back again after its own"
            data = {"type": last.type, "hand": last.hand, "seq": last.seq, "hash": last.hash.hex()}
            write.raise_todo("alarm", "seen_unknown", self.case_id, zh, en, json.dumps(data))
        alarms = [one for code in ALARMS for one in write.todos(kind="alarm", code=code) if one.case_id == self.case_id]
        over = [] if missing else [todo for todo in alarms if self._is_over(todo)]
        for todo in over:
            write.clear_todo(todo.id)
        if over and self._case(self.case_id) is not None:
            write.put_on_agenda([self.case_id])
        return len(over), len(alarms) - len(over)

    def _is_over(self, todo: Todo) -> bool:
        """Whether the event that the alarm names stands here, or rests on nothing but what the file has of us."""
        named = json.loads(todo.data)
        if "hash" not in named:
            return False
        place = named["hand"], named["seq"], bytes.fromhex(named["hash"])
        known = [(p.event.hand.value, p.event.seq, p.event.hash) for p in self.events]
        case = self._case(self.case_id)
        known += [(e.hand.value, e.seq, e.hash) for e in case.times.values()] if case else []
        return place in known


def _places(events: Sequence[Event]) -> tuple[str, ...]:
    return tuple(f"{event.hand} {event.seq}" for event in events)
