"""The port to a region's journal: its legal record, shared by its two services and by clerks' commands.

Everything that has a **position** is a line of one log: events, bundles, receipts, facts, claims and their ends.
Positions are gapless and in commit order; a line never changes. All tables that a rebuild must give back are a
function of the log (`absorb`), so the ledger topic, which carries the log's lines, is enough to rebuild them.
Outside the log stand what a rebuild need not or must not give: disclosures, held and parked records, offsets,
cursors, leases, notes, todo, what was sent when, and who owns a claim. Two tables outside it are the service's to
give back, since only a fold of the case tells them: the read model of cases (`put_case`; dropped by `rebuild`) and
the unique rows of open_moves (`take_row`; kept by `rebuild`, emptied by `clear_rows`). To that end `rebuild` puts
every case on the agenda, and `absorb` the cases of the lines that it took in.

One `write()` is one transaction: all of it is durable when the block ends, or none of it is. Within a block nothing
else writes to the journal, so what is read there still holds when it commits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from jiexu.case.event import Event, Hand, Party, Role, Seen
from jiexu.journal.tally_port import Tallying


class SeqTaken(Exception):
    """A place in a hand is used, or blocked by an open claim: decide again on what stands there now."""

    def __init__(self, case_id: str, hand: Hand, seq: int) -> None:
        super().__init__(f"{case_id} {hand} seq {seq} is taken")
        self.case_id, self.hand, self.seq = case_id, hand, seq


class JournalError(Exception):
    """A journal that cannot be used: `code` for programs, a sentence in Chinese and in English for people.

    Codes: `missing`, `not_a_journal`, `other_region`, `newer_version`, `older_version`, `moved`, `busy`; of a database
    also `bad_address`, `no_driver`, `no_password`, `not_durable`, `journal_unreachable`; of who copies or upgrades one
    also `in_use`, `exists`, `damaged`, `not_a_backup`, `not_written`.
    """

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {zh} {en}")
        self.code, self.zh, self.en = code, zh, en


class JournalUnavailable(JournalError):
    """The journal's database does not answer, or the connection to it was lost: wait, and begin with what it holds.

    Where a write block ends with it, the block may or may not have been committed.
    """

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("journal_unreachable", zh, en)


class JournalBusy(JournalUnavailable):
    """Another process holds the journal and does not let go, as one that is paused within a write: `busy`.

    A service waits, as for a database that is away; a command ends, and nothing of it was done.
    """

    def __init__(self, seconds: int) -> None:
        zh = f"日志被另一进程占用超过 {seconds} 秒。"
        super().__init__(zh, f"Another process has held the journal for more than {seconds} s.")
        self.code = "busy"


class EventIdTaken(Exception):
    """An event of this id stands in the journal already, be it in another place: intake asks `event_by_id` first."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"event id {event_id} is taken")
        self.event_id = event_id


class Moved(Exception):
    """An offset or cursor stands elsewhere than its mover believed: another process has taken that batch."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where and when a record reached this region's mailbox: the exchange's own append time, aware UTC."""

    topic: str
    partition: int
    offset: int
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append: its stored bytes, what they decode to, and how it was judged.

    `arrival` is None for what this region wrote itself, events that it attested for another included; that is how
    the journal tells own from received.
    """

    bytes: bytes
    event: Event
    void: bool = False
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it stands in the journal."""

    position: int
    recorded_at: datetime
    bytes: bytes
    event: Event
    void: bool
    arrival: Arrival | None


class IndexedEvent(NamedTuple):
    """What the journal's index says of an event, without reading the event: for who follows the journal's tail."""

    position: int
    case_id: str
    hand: Hand
    seq: int
    event_id: str
    type: str
    void: bool
    own: bool


@dataclass(frozen=True, slots=True)
class CaseHead:
    """The last event of a case in this journal: its position, and the last (seq, hash) of each hand.

    Receipts and claims have positions too, but do not move it: it says when the fold of the case is out of date.
    """

    position: int
    hands: Mapping[Hand, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """The read model of a case: what lists and look-ups need. Rebuilt from events at any time.

    `person_key` is the keyed index (HMAC) of the document number under the region's own key; "" while unknown.
    """

    case_id: str
    role: Role
    partner: str
    person_key: str
    from_scheme: str
    to_scheme: str
    status: str
    open: bool
    position: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class NewBundle:
    """A bundle, without disclosures and with its leaves as hashes; `positions` are its leaves' events in order,
    0 for a leaf that was given as hash only.

    `destination` is the partner party for own bundles (None: not sent, e.g. refused at the counter); `partition` the
    mailbox partition. For received ones `arrival` says where it stood.
    """

    skeleton: bytes
    issuer: Party
    positions: Sequence[int]
    destination: Party | None
    partition: int
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """A bundle as it stands in the journal."""

    position: int
    bundle: NewBundle


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """A personal value beside its event; `salt` and `value` are None once erased."""

    case_id: str
    event_id: str
    field: str
    salt: bytes | None
    value: str | None


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One receipt, given (by us) or got (from the partner) in a case; times aware UTC.

    `batch` is the number of the ReceiptBatch that carries it, None for a given one that has not been sent yet.
    """

    given: bool
    peer: Party
    case_id: str
    hand: Hand
    seq: int
    hash: bytes
    arrival: Arrival
    recorded_at: datetime
    own_last_seq: int
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A step that acts on the local platform, pinned before it acts (docs/architecture.md, A step that acts).

    `seq` is the reserved place in the hand; `n` how often the step stands in the hand plus one; `seen` what the
    decision rests on; `plan` the decided draft and its acts as canonical JSON text, so that a repeat does the same.
    """

    case_id: str
    hand: Hand
    step: str
    n: int
    seq: int
    seen: Sequence[Seen]
    plan: str


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """A claim that stands open: it blocks its hand until its event is appended or it is freed."""

    position: int
    recorded_at: datetime
    claim: NewClaim
    begun: bool
    owner: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """An event that waits: for a gap to close (`gap`), for our own bytes (`seen`), for an upgrade (`unknown`)."""

    id: int
    case_id: str
    hand: Hand
    seq: int
    hash: bytes
    issuer: str
    reason: str
    skeleton: bytes
    bytes: bytes
    disclosures: Sequence[DisclosureRow]
    arrival: Arrival
    held_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that could not be placed: raw bytes and reason. `sender` as far as it is known."""

    id: int
    arrival: Arrival
    bytes: bytes
    code: str
    zh: str
    en: str
    sender: str
    parked_at: datetime
    settled: str | None = None  # how it ended: `taken_in`, `dropped by …`


@dataclass(frozen=True, slots=True)
class Todo:
    """Something that waits for a person: an alarm, or an item that failed by itself. Cleared, never deleted."""

    id: int
    kind: str  # alarm | failed
    code: str
    case_id: str | None
    zh: str
    en: str
    data: str
    raised_at: datetime
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreceipted:
    """An own event that was sent, or is to be sent, and has no receipt yet."""

    position: int
    case_id: str
    hand: Hand
    seq: int
    type: str
    destination: Party
    recorded_at: datetime
    last_sent_at: datetime | None
    times: int


class LogLine(NamedTuple):
    """One line of the log, as the ledger carries it."""

    position: int
    recorded_at: datetime
    incarnation: str
    kind: str  # event | bundle | receipt | receipts_sent | fact | claim | claim_begun | claim_ended
    payload: bytes


@dataclass(frozen=True, slots=True)
class Fact:
    """Something true of the region from a position on: calendar added, directory changed, ruleset installed, key
    revoked, value erased. `data` is canonical JSON text."""

    kind: str
    data: str
    position: int = 0
    recorded_at: datetime | None = field(default=None)


class Reads(Tallying, Protocol):
    """What can be asked, inside a write block (then it holds until commit) or outside (a snapshot of now)."""

    def heads(self, case_ids: Iterable[str]) -> dict[str, CaseHead]: ...
    def positions(self, case_ids: Iterable[str]) -> dict[str, int]:
        """The positions of the cases' last events: `heads` without the hands."""

    def case_events(self, case_id: str) -> list[StoredEvent]: ...
    def cases_events(self, case_ids: Sequence[str]) -> dict[str, list[StoredEvent]]: ...
    def event_at(self, case_id: str, hand: Hand, seq: int) -> StoredEvent | None: ...
    def event_by_id(self, event_id: str) -> StoredEvent | None: ...
    def events(self, after: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """Events after a position, in the order of the log, read on demand: use them up within the block."""

    def index(self, after: int, limit: int) -> list[IndexedEvent]:
        """What the index says of the events after a position, in the order of the log."""

    def last_position(self) -> int: ...
    def incarnation(self) -> str: ...

    def case_row(self, case_id: str) -> CaseRow | None: ...
    def case_rows(self, case_ids: Sequence[str]) -> dict[str, CaseRow]: ...
    def cases(
        self,
        *,
        role: Role | None = None,
        person_key: str | None = None,
        open: bool | None = None,
        status: str | None = None,
        after_case: str = "",
        limit: int | None = None,
    ) -> list[CaseRow]: ...
    def agenda(self, role: Role, now: datetime, limit: int) -> list[tuple[str, int]]:
        """Cases of that role that changed since they were looked at, or whose time has come, oldest first: (case id,
        position of the change). The position is for `settle_agenda`; it may lie beyond the case's last event, as
        freed claims and `put_on_agenda` change a case too.

        Where more wait than `limit`: those that have waited longest, a quarter, and the rest of those that began first.
        """

    def disclosures(self, case_ids: Sequence[str]) -> list[DisclosureRow]: ...
    def disclosures_at(self, positions: Iterable[int]) -> list[DisclosureRow]:
        """The personal values of the events at these positions."""

    def disclosures_claimed(self, positions: Iterable[int]) -> list[DisclosureRow]:
        """The personal values of the events that claims at these positions have planned and that do not stand yet."""

    def disclosures_of(self, case_ids: Sequence[str], type: str) -> list[DisclosureRow]:
        """The personal values of these cases' events of one type."""

    def bundles(
        self, after: int, destination: Party | None, limit: int, issuer_role: Role | None = None
    ) -> list[StoredBundle]:
        """Bundles after a position: those to one destination; own and received ones alike where it is None."""

    def bundle_of(self, event_position: int) -> StoredBundle | None:
        """The bundle that carries an event (the newest, where it was signed again)."""

    def destinations(self, role: Role) -> list[Party]:
        """Partners to which this role's hand has bundles."""

    def receipt_got(self, case_id: str, hand: Hand, seq: int) -> ReceiptRow | None:
        """The first receipt got for an event, of those that bear its hash."""

    def case_receipts(self, case_ids: Sequence[str]) -> list[ReceiptRow]:
        """All receipts of these cases, given and got, in the order of the log."""

    def receipt_batches(self, after: int, peer: Party, limit: int) -> list[tuple[int, bytes]]:
        """Receipt batches stated for a peer after a position: (position, the signed record), ascending."""

    def events_at(self, positions: Iterable[int]) -> dict[int, StoredEvent]:
        """The events at these positions; positions without an event are left out."""

    def event_bytes(self, positions: Iterable[int]) -> dict[int, tuple[str, bytes]]:
        """Event id and the event's own bytes at these positions, not decoded."""

    def known_event_ids(self, event_ids: Sequence[str]) -> set[str]:
        """Those of the ids that events here bear."""

    def receipts_to_give(self, peer: Party, up_to_event: int, limit: int) -> list[tuple[int, ReceiptRow]]:
        """Receipts for `peer` that have no batch yet, with their log positions, of lines at or before
        `up_to_event`."""

    def peers_to_receipt(self, role: Role, up_to_event: int) -> set[Party]:
        """Partners for whom receipts of `role` have no batch yet, of lines at or before `up_to_event`."""

    def last_receipts_sent(self, peer: Party) -> tuple[int, bytes] | None:
        """Number and signed record of the last batch of receipts to that party, None before the first: the end of
        its chain, from the log, so it is right after a rebuild too."""

    def unreceipted(self, role: Role | None = None, limit: int | None = None) -> list[Unreceipted]: ...
    def open_claims(self, case_ids: Sequence[str] | None = None) -> list[StoredClaim]: ...
    def row_holder(self, person_key: str, scheme: str) -> str | None: ...
    def rows_held(self, case_ids: Sequence[str]) -> set[str]:
        """Those of the cases that hold a unique row of open_moves."""

    def case_of_reference(self, kind: str, reference: str) -> str | None:
        """Case of a payment reference; kind `remittance` or `return`. The first where several regions used it."""

    def cases_of_reference(self, kind: str, reference: str) -> list[str]:
        """All cases in which that reference was used, the first use first."""

    def offset(self, topic_id: str, partition: int) -> int | None: ...
    def cursor(self, name: str) -> int: ...
    def held(self, case_id: str | None = None, reason: str | None = None) -> list[HeldEvent]: ...
    def held_cases(self, case_ids: Sequence[str]) -> set[str]:
        """Those of the cases in which events wait."""

    def held_count(self, issuer: str) -> int: ...
    def parked(
        self, *, settled: bool = False, code: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[ParkedRecord]:
        """Parked records by id: those that wait, or that are settled; `limit` of them after an id."""

    def parked_record(self, id: int) -> ParkedRecord | None: ...
    def stands_parked(self, code: str, data: bytes) -> bool:
        """Whether a record of these very bytes is parked for this reason and waits."""

    def todos(self, *, cleared: bool = False, kind: str | None = None, code: str | None = None) -> list[Todo]: ...
    def facts(self, kind: str | None = None) -> list[Fact]: ...
    def log(self, after: int, limit: int) -> list[LogLine]: ...
    def note(self, name: str) -> str | None:
        """A small durable value outside the log (numbers and hashes of chains, last start, …)."""


class Writes(Reads, Protocol):
    """What can be changed in one transaction."""

    now: datetime  # recorded_at of this transaction: max(clock, last recorded_at)

    def append(self, events: Sequence[NewEvent]) -> list[int]:
        """Append events, each the next of its hand. Raises SeqTaken when the place is used, EventIdTaken when an
        event of that id stands already, ValueError at a gap; nothing is written then, and the block can go on.

        Where an open claim blocks the hand, only its reserved place is open, and the claim must end in the same
        block: `end_claims(…, 'event')`, before or after. That is checked when the block ends, which raises SeqTaken
        and keeps nothing: who is not the claim's owner asks `open_claims` first.
        Puts each case on the agenda and adds payment references of BalanceRemitted and BalanceReturned.
        """

    def append_bundle(self, bundle: NewBundle) -> int:
        """Append a bundle after its events; with a destination its own events become unreceipted, unless they have
        their receipt already (signed again)."""

    def append_bundles(self, bundles: Sequence[NewBundle]) -> list[int]:
        """Append many at once."""

    def put_case(self, row: CaseRow) -> None:
        """Put the read model of a case; a row of a lower position than what stands there changes nothing."""

    def put_cases(self, rows: Sequence[CaseRow]) -> None:
        """Put many at once."""

    def settle_agenda(self, looked_at: Sequence[tuple[str, int]]) -> None:
        """Take cases off the agenda, each only if it has not changed since that position. A time that is still to
        come (`put_on_agenda`) stays."""

    def put_on_agenda(self, case_ids: Sequence[str], not_before: datetime | None = None) -> None:
        """Put cases on the agenda, now or not before a time, which replaces an earlier time. KeyError for a case
        without events."""

    def disclose(self, rows: Sequence[DisclosureRow]) -> None:
        """Store personal values; a row without salt and value erases, and what is erased stays so."""

    def append_receipts(self, rows: Sequence[ReceiptRow]) -> list[int]:
        """Append receipts, given or got; a got one frees its unreceipted row if the hash is that of the event."""

    def receipts_sent(self, positions: Sequence[int], peer: Party, batch: int, payload: bytes) -> int:
        """State that these given receipts went out in that batch; `payload` is the signed record.

        Raises Moved where `batch` is not the next to that party, or a receipt is not one that waits for it.
        """

    def append_fact(self, fact: Fact) -> int: ...

    def claim(self, claims: Sequence[NewClaim], owner: str, lease_until: datetime) -> list[int]:
        """Pin steps before they act. Raises SeqTaken where the hand has moved on or has an open claim."""

    def begin_claims(self, positions: Sequence[int]) -> int:
        """State that acts of these claims may begin. Raises SeqTaken where one does not stand open any more."""

    def end_claims(self, positions: Sequence[int], how: str) -> int:
        """End claims: `event` (their event is appended in this transaction) or `freed` (no act took effect; the case
        goes on the agenda). Raises SeqTaken where one does not stand open any more."""

    def take_up_claims(self, positions: Sequence[int], owner: str, lease_until: datetime) -> None: ...
    def take_row(self, person_key: str, scheme: str, case_id: str) -> str:
        """Take the unique row of open_moves; returns its holder: `case_id` when taken (or held already), else the
        survivor."""

    def free_row(self, case_id: str) -> None: ...
    def clear_rows(self) -> None:
        """Free all rows: before the service takes them again, in the order of the log, from the folded cases."""

    def advance(self, topic_id: str, partition: int, expected: int | None, next: int) -> None:
        """Move an intake offset from the value that the batch began with; raises Moved otherwise."""

    def move_cursor(self, name: str, expected: int, to: int) -> None: ...
    def lease(self, name: str, owner: str, until: datetime) -> bool:
        """Take or renew a lease; False while another owner holds it. Efficiency only: correctness never rests on it."""

    def sent(self, positions: Sequence[int]) -> None:
        """Note that events were handed to the exchange now (times + 1)."""

    def hold(self, held: HeldEvent) -> int:
        """Hold an event; returns its id. One of the same place and hash that waits already is not doubled: it takes
        the new reason, and disclosures where it had none."""

    def unhold(self, ids: Sequence[int]) -> None: ...
    def park(self, record: ParkedRecord) -> int: ...
    def settle_parked(self, id: int, how: str) -> None: ...
    def raise_todo(self, kind: str, code: str, case_id: str | None, zh: str, en: str, data: str = "{}") -> int:
        """Raise an alarm or a failed item; the same (kind, code, case, data) that stands uncleared is not doubled."""

    def clear_todo(self, id: int) -> None: ...
    def set_note(self, name: str, value: str) -> None: ...

    def absorb(self, lines: Sequence[LogLine]) -> int:
        """Take in log lines from the ledger, byte for byte, at their own positions. Lines that stand already must be
        equal (else JournalConflict); positions may not be left out (ValueError). Returns how many were new.

        Claims that stand open then count as begun: their own "begun" may be among what was lost."""

    def renew_incarnation(self) -> str:
        """A new incarnation, at a restore; open claims count as begun, as in `absorb`."""

    def rebuild(self) -> None:
        """Drop every table that is a function of the log, and the read model of cases, and build the former again."""


class JournalConflict(Exception):
    """Two different lines for one position: two journals have lived under one name. Stop, and ask a person.

    Made with one sentence, or with a Chinese and an English one joined by ` / `.
    """

    @property
    def zh(self) -> str:
        """The sentence for a Chinese reader, and what to do."""
        said = str(self).partition(" / ")[0]
        return f"同一统筹区有过两本日志，内容不一致：{said}。请停止本区全部服务，按 docs/operations.md 处理"

    @property
    def en(self) -> str:
        """The same in English."""
        chinese, _, said = str(self).partition(" / ")
        todo = "Stop all services of the region; docs/operations.md says how to go on (Two live journals)"
        return f"two journals have lived under one name: {said or chinese}. {todo}"


class Journal(Protocol):
    """One region's journal."""

    region: str

    def read(self) -> AbstractContextManager[Reads]: ...
    def write(self) -> AbstractContextManager[Writes]: ...
    def close(self) -> None: ...
