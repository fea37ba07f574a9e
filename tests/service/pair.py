"""Regions in one process: real journals, registries and bank on files, one embedded exchange, a clock turned by hand.

A `World` has one agency per region and role, as separate processes would, and a desk per region for clerks. Nothing
runs by itself: `turn` gives every service one turn, `idle` turns until nothing is left to do.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jiexu.calendar import load as load_calendar
from jiexu.case.case import Case
from jiexu.case.document import state_hash
from jiexu.case.event import OWN_HAND, Draft, Event, Hand, Party, Role, Seen
from jiexu.contract.bundle import make_bundle, open_bundle, withhold
from jiexu.contract.codec import SealedEvent, seal_event
from jiexu.contract.disclosure import Disclosure, conceal
from jiexu.exchange.embedded import EmbeddedExchange
from jiexu.exchange.port import Outgoing, Record
from jiexu.exchange.topics import create, partition_of, region_topics, topic_name
from jiexu.journal.opening import open_journal
from jiexu.journal.port import JournalUnavailable, NewBundle, NewEvent, ParkedRecord, Todo
from jiexu.region.directory.file import load_participants, save_participants
from jiexu.region.directory.load import load_directory
from jiexu.region.directory.signing import sign_entry
from jiexu.region.registry import AccountRow, Bank, Mishap, PeriodRow, PersonRow, RelationRow, SqliteRegistry
from jiexu.rules.facts import Application, Identity, RelationStatus, Scheme
from jiexu.rules.identity import check_character
from jiexu.service.agency import Agency
from jiexu.service.answering import Lodging
from jiexu.service.casebook import fold, own_role
from jiexu.service.changes import Change, note_change
from jiexu.service.clerk import Clerk, Desk
from jiexu.service.config import Config, load_config
from jiexu.service.counter import Lodged, lodge
from jiexu.service.issue import PROTOCOL, disclosure_rows
from jiexu.service.loop import Service
from jiexu.service.setup import create_root, init_region, load_root
from jiexu.service.wiring import current_signer, read_index_key
from jiexu.service.work import RolePart
from services.inbound.steps import InboundPart
from services.outbound.steps import OutboundPart

XIAN, WENZHOU, CHENGDU = "610100", "330300", "510100"
OUT, IN = Role.OUTBOUND, Role.INBOUND
START = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Beijing
PARTS: Mapping[Role, Callable[[], RolePart]] = {OUT: OutboundPart, IN: InboundPart}
DESK = Desk("clerk-1", "clerk-2")
BALANCE, INTEREST = Decimal("1000.00"), Decimal("12.34")
AMOUNT = BALANCE + INTEREST


class Died(BaseException):
    """The process ends here: nothing in the product may catch this."""


@dataclass
class Clock:
    """The present time, moved by hand."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **units: float) -> None:
        """Let so many minutes, hours, days go by."""
        self.now += timedelta(**units)


@dataclass
class Fault:
    """Ends the process when a named point is reached the nth time."""

    name: str = ""
    nth: int = 1
    reached: int = 0
    struck: bool = False

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.reached += 1
            if self.reached == self.nth:
                self.struck = True
                raise Died(f"{name} {self.nth}")


def person(number: int) -> Identity:
    """An invented person with a right check character."""
    first = f"61010019900101{number:03d}"
    return Identity(f"测试{'甲乙丙丁戊己庚辛壬癸'[number % 10]}", "01", first + check_character(first))


@dataclass
class World:
    """Some regions that exchange cases."""

    folder: Path
    codes: Sequence[str]
    clock: Clock = field(default_factory=Clock)
    faults: dict[tuple[str, Role], Fault] = field(default_factory=dict)
    agencies: dict[tuple[str, Role], Agency] = field(default_factory=dict)
    services: dict[tuple[str, Role], Service] = field(default_factory=dict)
    desks: dict[str, Agency] = field(default_factory=dict)
    stopped: set[tuple[str, Role]] = field(default_factory=set)
    stores: Mapping[str, str] = field(default_factory=dict)  # databases of regions whose journal is in no file
    opened: int = 0

    def __post_init__(self) -> None:
        self.configs = {code: load_config(self.folder / code / "region.toml") for code in self.codes}
        self.bank = Bank(self.folder / "bank.db")
        for code in self.codes:
            self.desks[code] = self._open(code, f"{code}.desk")
            for role in Role:
                self.start(code, role)

    # --- processes

    def _open(self, code: str, owner: str, fault: Fault | None = None, journal: Path | str | None = None) -> Agency:
        config, folder = self.configs[code], self.folder / code
        hook = fault or Fault()
        participants = load_participants(self.folder / "directory.json", config.directory_root)
        return Agency(
            config=config,
            journal=open_journal(journal or self.journal_place(code), code, self.clock, fault=hook),
            exchange=EmbeddedExchange(self.folder / "exchange.db", self.clock),
            platform=SqliteRegistry(folder / "registry.db", code, Bank(self.folder / "bank.db"), self.clock),
            participants=participants,
            places=load_directory(),
            calendar=load_calendar(None),
            signer=current_signer(config, participants, self.clock()),
            index_key=read_index_key(config),
            clock=self.clock,
            fault=hook,
            owner=owner,
        )

    def journal_place(self, code: str) -> Path | str:
        """Where a region's journal is."""
        return self.stores.get(code) or self.folder / code / "journal.db"

    def start(self, code: str, role: Role, config: Config | None = None, journal: Path | str | None = None) -> Service:
        """Open a service's process, anew where it ran; `journal` is another way to its journal."""
        if config is not None:
            self.configs[code] = config
        self.opened += 1
        self.faults[code, role] = Fault()
        agency = self._open(code, f"{code}.{role}.{self.opened}", self.faults[code, role], journal)
        self.agencies[code, role] = agency
        self.services[code, role] = Service(agency, PARTS[role]())
        return self.services[code, role]

    def kill(self, code: str, role: Role) -> None:
        """End a process as a crash does, after which its leases run out."""
        service = self.services.pop((code, role))
        service.close()
        self.agencies.pop((code, role)).close()

    def restart(self, code: str, role: Role) -> Service:
        """End a process and start it from what is on disk."""
        self.kill(code, role)
        self.clock.pass_by(minutes=2)
        return self.start(code, role)

    def close(self) -> None:
        """Close everything."""
        for key in list(self.services):
            self.kill(*key)
        for desk in self.desks.values():
            desk.close()
        self.bank.close()

    def turn(self) -> int:
        """One turn of every service that runs."""
        worked = 0
        for key, service in list(self.services.items()):
            if key not in self.stopped:
                service._due.clear()  # what looks at clocks has its turn too
                worked += service.turn(0.0)
        return worked

    def turn_surviving(self) -> int:
        """One turn of every service; one that dies is started from disk again."""
        worked = 0
        for key, service in list(self.services.items()):
            service._due.clear()
            try:
                worked += service.turn(0.0)
            except Died:
                self.restart(*key)
                worked += 1
            except JournalUnavailable:  # as `Service.run` does
                service.forget()
                service.begin(0.0)
                worked += 1
        return worked

    def idle(self, turns: int = 200, surviving: bool = False) -> None:
        """Turn until nothing is left to do."""
        quiet = 0
        for _ in range(turns):
            worked = self.turn_surviving() if surviving else self.turn()
            quiet = 0 if worked else quiet + 1
            if quiet == 2:
                return
        raise AssertionError(f"not idle after {turns} turns")

    # --- people and cases

    def leaves(self, who: Identity, code: str = XIAN, **changes: Any) -> None:
        """Somebody whose employee relation in a region is suspended, with paid months and an account."""
        number = f"L{who.document_number[-6:]}"
        relation = {"status": RelationStatus.SUSPENDED, "paid_through": "2026-01"} | changes
        balance = relation.pop("balance", BALANCE)
        flags = {name: relation.pop(name) for name in ("in_hospital", "retired") if name in relation}
        self.desks[code].platform.put(  # type: ignore[attr-defined]
            [
                person_row(number, who, **flags),
                RelationRow(number, Scheme.EMPLOYEE, **relation),
                PeriodRow(number, "", Scheme.EMPLOYEE, "2024-02", "actual", "2026-01", 24),
                AccountRow(number, balance, INTEREST, opened_on=date(2024, 2, 1)),
            ]
        )

    def joins(self, who: Identity, code: str = WENZHOU) -> None:
        """Somebody enrolled in a region's employee scheme."""
        number = f"J{who.document_number[-6:]}"
        self.desks[code].platform.put(  # type: ignore[attr-defined]
            [
                person_row(number, who),
                RelationRow(number, Scheme.EMPLOYEE, RelationStatus.ACTIVE, paid_through="2026-03"),
                PeriodRow(number, "", Scheme.EMPLOYEE, "2026-03", "actual", "2026-03", 1),
            ]
        )

    def moves(self, *numbers: int, out: str = XIAN, into: str = WENZHOU) -> list[Identity]:
        """People who left one region and joined another."""
        people = [person(number) for number in numbers]
        for who in people:
            self.leaves(who, out)
            self.joins(who, into)
        return people

    def apply(self, who: Identity, at: str = WENZHOU, out: str = XIAN, into: str = WENZHOU, **more: Any) -> Lodged:
        """Apply at a region's counter."""
        application = Application(who, out, into, Scheme.EMPLOYEE, Scheme.EMPLOYEE, self.clock().date(), **more)
        (answer,) = lodge(self.desks[at], [Lodging(application)])
        return answer

    def case_of(self, who: Identity, **where: Any) -> str:
        """Apply, and give the case's id."""
        answer = self.apply(who, **where)
        assert answer.outcome == "lodged", answer
        assert answer.case_id is not None
        return answer.case_id

    def park_for_unknown_sender(self) -> None:
        """What 温州's inbound service has issued is parked at 西安, whose directory does not know the sender then."""
        service = self.services[XIAN, OUT]
        known = service.agency.participants
        service.agency.participants = type(known).empty(self.configs[XIAN].directory_root)
        self.services[WENZHOU, IN].ledger.turn()
        self.services[WENZHOU, IN].relay.turn()
        service.take_in(0.0)
        service.agency.participants = known

    def act(self, at: str, case_id: str, name: str, /, **details: Any) -> list[Event]:
        """A clerk's act."""
        return Clerk(self.desks[at], {role: part() for role, part in PARTS.items()}).act(case_id, name, DESK, **details)

    def mishap(self, kind: Any, who: Identity, **more: Any) -> None:
        """Let the bank do something wrong with a person's transfer."""
        self.bank.add_mishap(Mishap(kind, document_number=who.document_number, **more))

    # --- what stands where

    def case(self, code: str, case_id: str) -> Case:
        """The case as that region's journal has it, folded from disk."""
        with self.desks[code].journal.read() as read:
            return fold(case_id, read.case_events(case_id))

    def status(self, case_id: str, *codes: str) -> str:
        """The status, the same in all of these regions (by default both of the pair)."""
        found = {self.case(code, case_id).view.status for code in codes or self.codes[:2]}
        assert len(found) == 1, found
        return found.pop()

    def types(self, code: str, case_id: str, hand: Hand) -> list[str]:
        """The event types of a hand, in order."""
        with self.desks[code].journal.read() as read:
            return [stored.event.type for stored in read.case_events(case_id) if stored.event.hand is hand]

    def todos(self, code: str, code_of: str | None = None) -> list[Todo]:
        """What waits for a person."""
        with self.desks[code].journal.read() as read:
            return [todo for todo in read.todos() if code_of in (None, todo.code)]

    def todo_codes(self, code: str) -> list[str]:
        """The codes of what waits for a person."""
        return [todo.code for todo in self.todos(code)]

    def parked(self, code: str) -> list[ParkedRecord]:
        """What is parked."""
        with self.desks[code].journal.read() as read:
            return read.parked()

    def registry_level(self, code: str) -> Decimal:
        """What accounts have given to cases in a region."""
        return self.desks[code].platform.books()["debited"]

    def agreed(self, out: str = XIAN, into: str = WENZHOU) -> None:
        """Both journals hold the same cases with the same state, and nothing that was sent is without receipt."""
        documents = []
        for code in (out, into):
            with self.desks[code].journal.read() as read:
                assert read.unreceipted() == []
                assert read.open_claims() == []
                assert read.held() == []
                found = {}
                for row in read.cases():
                    case = fold(row.case_id, read.case_events(row.case_id))
                    assert row.status == case.view.status, "the list shows the state of the fold"
                    parties = {party.region for party in case.parties.values()}
                    if parties == {out, into} and row.status != "refused_at_counter":
                        found[row.case_id] = state_hash(case)
                documents.append(found)
        assert documents[0] == documents[1]

    def books_fit(self, out: str = XIAN, into: str = WENZHOU) -> None:
        """What the events say of money is what the registries' and the bank's books say."""
        words = ("sent", "failed", "arrived", "credited", "returned", "return_arrived", "paid_out")
        for code, role in ((out, OUT), (into, IN)):
            stated = dict.fromkeys(words, Decimal("0.00"))
            with self.desks[code].journal.read() as read:
                for row in read.cases(role=role):
                    view = fold(row.case_id, read.case_events(row.case_id)).view
                    if role is OUT:
                        stated["sent"] += sum(r.amount for r in view.outbound.remittances)
                        stated["failed"] += sum(r.amount for r in view.outbound.remittances if r.failed)
                        stated["return_arrived"] += sum(m.amount for m in view.outbound.return_arrivals)
                        stated["paid_out"] += view.paid_out
                    else:
                        stated["arrived"] += sum(a.amount for a in view.inbound.arrivals)
                        stated["credited"] += sum(c.amount for c in view.inbound.credits)
                        stated["returned"] += sum(r.amount for r in view.inbound.returns)
            books = self.desks[code].platform.books()
            assert {word: books[word] for word in words} == stated, code
            assert self.desks[code].platform.unbalanced() == []  # type: ignore[attr-defined]

    # --- what others may send

    def signer(self, code: str) -> Any:
        """A region's own key, for records that its software would never send."""
        return self.desks[code].signer

    def seal(
        self, code: str, role: Role, case_id: str, type: str, body: Mapping[str, Any], **changes: Any
    ) -> tuple[SealedEvent, tuple[Disclosure, ...]]:
        """An event of a region's hand, sealed by the contract's own code, next of what the other side holds."""
        agency = self.desks[code]
        holder = self.partner_of(code, case_id)
        case = self.case(holder, case_id) if holder else Case(case_id)
        hand = OWN_HAND[role]
        last = case.last.get(hand)
        event_id = changes.pop("event_id", None) or agency.new_id()
        concealed, values = conceal(case_id, event_id, type, body, agency.salt)
        values_of_event: dict[str, Any] = {
            "event_id": event_id,
            "case_id": case_id,
            "issuer": Party(code, role),
            "hand": hand,
            "seq": last.seq + 1 if last else 1,
            "prev_hash": last.hash if last else None,
            "seen": case.seen_by(role),
            "occurred_at": self.clock(),
            "protocol": PROTOCOL,
            "ruleset": case.application.ruleset if case.application else "ours-2026",
            "office": code,
            "handled_by": "clerk-9",
            "reviewed_by": None,
            "type": type,
            "body": concealed,
        }
        return seal_event(**(values_of_event | changes)), values

    def partner_of(self, code: str, case_id: str) -> str | None:
        """Another region whose journal holds the case."""
        for other in self.codes:
            if other != code:
                with self.desks[other].journal.read() as read:
                    if read.heads([case_id]):
                        return other
        return None

    def bundle(
        self, code: str, role: Role, *sealed: tuple[SealedEvent, Sequence[Disclosure]], signer: Any = None
    ) -> bytes:
        """A bundle of such events, signed with the region's own key."""
        disclosures = [value.at(leaf) for leaf, (_, values) in enumerate(sealed) for value in values]
        return make_bundle(
            signer or self.signer(code), Party(code, role), [event.bytes for event, _ in sealed], disclosures
        )

    def post(self, to: str, role: Role, value: bytes, case_id: str | None = None) -> None:
        """Put bytes into a mailbox."""
        partition = partition_of(case_id, self.desks[to].participants.partitions(to)) if case_id else 0
        self.desks[to].producer.send([Outgoing(topic_name(to, role.value), partition, None, value)])

    def misissue(self, code: str, case_id: str, type: str, body: Mapping[str, Any], send: bool = True) -> Event:
        """A region's software issues what its table does not permit: recorded in its own journal, sent as usual."""
        agency = self.desks[code]
        case = self.case(code, case_id)
        role = own_role(case, code)
        assert role is not None
        hand, partner = OWN_HAND[role], case.parties[role.other]
        last = case.last[hand]
        event_id = agency.new_id()
        concealed, values = conceal(case_id, event_id, type, body, agency.salt)
        assert case.application is not None
        sealed = seal_event(
            event_id=event_id,
            case_id=case_id,
            issuer=Party(code, role),
            hand=hand,
            seq=last.seq + 1,
            prev_hash=last.hash,
            seen=case.seen_by(role),
            occurred_at=self.clock(),
            protocol=PROTOCOL,
            ruleset=case.application.ruleset,
            office=code,
            handled_by="clerk-9",
            reviewed_by=None,
            type=type,
            body=concealed,
        )
        void = case.take(sealed.event)
        partition = partition_of(case_id, agency.participants.partitions(partner.region))
        data = make_bundle(agency.signer, Party(code, role), [sealed.bytes])
        with agency.journal.write() as write:
            (position,) = write.append([NewEvent(sealed.bytes, sealed.event, void)])
            write.disclose(disclosure_rows(sealed, values))
            write.append_bundle(
                NewBundle(
                    withhold(open_bundle(data), ()),
                    Party(code, role),
                    [position],
                    partner if send else None,
                    partition,
                )
            )
            note_change(write, code, Change(case, position))
        return sealed.event

    def mailbox(self, code: str, role: Role) -> list[Record]:
        """Everything that was ever put into a mailbox."""
        return list(self.desks[code].exchange.read(topic_name(code, role.value), None))

    def change_entry(self, code: str, **changes: Any) -> None:
        """Let a region publish a new entry in the directory; services know it when they have read it."""
        file, root_text = self.folder / "directory.json", self.configs[code].directory_root
        participants = load_participants(file, root_text)
        entry = participants.entry(code)
        new = entry.model_copy(update={"number": entry.number + 1, "signed_at": self.clock()} | changes)
        root = load_root(self.folder / "root" / "root.pem")
        usable = participants.key(code, self.signer(code).key_id, self.clock()).usable
        still = any(key.key_id == self.signer(code).key_id and key.revoked_at is None for key in new.keys)
        own = (self.signer(code).key_id, self.signer(code)._key) if usable and still else None
        save_participants(participants.with_entry(sign_entry(new, root=root, region=own)), file)


def person_row(number: str, who: Identity, **flags: Any) -> PersonRow:
    """A person with nothing standing in the way of a transfer."""
    known: dict[str, Any] = {
        "retired": False,
        "of_retirement_age": False,
        "in_hospital": False,
        "family_sharing": False,
        "unsettled_costs": False,
        "unfinished_transfer_in": False,
        "unfinished_transfer_out": False,
    }
    return PersonRow(number, who.name, who.document_type, who.document_number, **(known | flags))


def build(folder: Path, codes: Iterable[str], steps: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Make the regions' folders, the directory and the topics."""
    places = load_directory()
    root = create_root(folder / "root")
    exchange = EmbeddedExchange(folder / "exchange.db")
    for code in codes:
        init_region(
            folder / code,
            places.pooling_region(code),
            directory=folder / "directory.json",
            root=root,
            exchange={"embedded": str(folder / "exchange.db")},
            bank=folder / "bank.db",
            steps=steps,
            now=START - timedelta(days=3),
        )
        admin = exchange.admin()
        create(admin, region_topics(code))
        admin.close()
    exchange.close()


@pytest.fixture(scope="session")
def regions_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three regions as they were set up; every test works on a copy."""
    folder = tmp_path_factory.mktemp("regions")
    build(folder, (XIAN, WENZHOU, CHENGDU))
    return folder


@pytest.fixture
def pair(regions_on_disk: Path, tmp_path: Path) -> Iterator[World]:
    """西安 and 温州, each with both services."""
    yield from _world(regions_on_disk, tmp_path, (XIAN, WENZHOU))


@pytest.fixture
def pair_on_postgres(regions_on_disk: Path, tmp_path: Path, new_schema: Callable[[], str]) -> Iterator[World]:
    """西安 and 温州, with their journals in PostgreSQL."""
    yield from _world(regions_on_disk, tmp_path, (XIAN, WENZHOU), new_schema)


@pytest.fixture
def three(regions_on_disk: Path, tmp_path: Path) -> Iterator[World]:
    """西安, 温州 and 成都."""
    yield from _world(regions_on_disk, tmp_path, (XIAN, WENZHOU, CHENGDU))


def _world(
    source: Path, tmp_path: Path, codes: Sequence[str], database: Callable[[], str] | None = None
) -> Iterator[World]:
    folder = tmp_path / "regions"
    shutil.copytree(source, folder)
    stores = {}
    if database is not None:
        stores = {code: database() for code in codes}
        for code, url in stores.items():
            open_journal(url, code, create=True).close()
    world = World(folder, codes, stores=stores)
    try:
        yield world
    finally:
        world.close()


def draft(type: str, **body: Any) -> Draft:
    """A draft, for reading."""
    return Draft(type, body)


__all__ = ["Case", "Died", "Draft", "Fault", "Seen", "World", "pair", "pair_on_postgres", "three"]
