"""The people at the desks: scripts that wait for something to be seen in a journal and then act, as clerks do.

A script is a generator. It yields what it waits for; the run asks again every moment. Chengdu's agency lets no
application be answered and no case be completed without a clerk, so two of its clerks work through those in bulk.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jiexu.case.event import Event, Role
from jiexu.case.steps import next_steps
from jiexu.demo.people import Mover
from jiexu.region.registry import SqliteRegistry
from jiexu.region.registry.records import Row
from jiexu.service.agency import Agency
from jiexu.service.clerk import ActRefused, Clerk, Desk
from jiexu.service.issue import Signing, issue, issue_within
from jiexu.service.persons import person_key
from jiexu.service.steps import Steps
from jiexu.service.work import Decision, RolePart, load_works
from services.inbound.steps import InboundPart
from services.outbound.steps import OutboundPart

Waiting = Generator[Callable[[], bool], None, None]
HANDLER, REVIEWER = "D0117", "D0232"
# An act that came at a bad moment is tried again; anything else is a defect of the script.
_AGAIN = ("moved", "hand_blocked", "ledger_unreachable")


def parts() -> dict[Role, RolePart]:
    """Both roles' parts, as the services have them."""
    return {Role.OUTBOUND: OutboundPart(), Role.INBOUND: InboundPart()}


@dataclass
class Office:
    """One region's agency as the run's clerks open it."""

    agency: Agency
    clerk: Clerk = field(init=False)

    def __post_init__(self) -> None:
        self.clerk = Clerk(self.agency, parts())

    @property
    def registry(self) -> SqliteRegistry:
        """The region's registry, to change what it knows."""
        assert isinstance(self.agency.platform, SqliteRegistry)
        return self.agency.platform

    def cases_of(self, mover: Mover) -> list[str]:
        """The person's cases in this region, oldest first."""
        who = mover.person.identity
        key = person_key(self.agency.index_key, who.document_type, who.document_number)
        with self.agency.journal.read() as read:
            return [row.case_id for row in sorted(read.cases(person_key=key), key=lambda r: r.opened_at)]


@dataclass
class Drama:
    """One person's story: the case, both offices, and what their clerks do and wait for."""

    mover: Mover
    offices: Mapping[str, Office]
    lodged_at: str
    case_id: str = ""

    def office(self, side: str) -> Office:
        """The office of a side, `outbound` or `inbound`."""
        return self.offices[self.mover.outbound if side == "outbound" else self.mover.inbound]

    def lodged(self) -> Waiting:
        """Wait until the person's case stands in the journal where it was lodged."""
        while not self.case_id:
            cases = self.offices[self.lodged_at].cases_of(self.mover)
            if cases:
                self.case_id = cases[-1]
            else:
                yield lambda: bool(self.offices[self.lodged_at].cases_of(self.mover))

    def events(self, side: str) -> list[Event]:
        """The case's events as a side has them now."""
        agency = self.office(side).agency
        with agency.journal.read() as read:
            return [stored.event for stored in read.case_events(self.case_id)]

    def seen(self, side: str, type: str, times: int = 1) -> Callable[[], bool]:
        """A side has that many events of a type."""
        return lambda: sum(event.type == type for event in self.events(side)) >= times

    def does(self, side: str, act: str, **details: Any) -> Waiting:
        """A clerk of a side does something; at a bad moment again in a moment."""
        while True:
            try:
                self.office(side).clerk.act(self.case_id, act, Desk(HANDLER, REVIEWER), **details)
                return
            except ActRefused as why:
                if why.code not in _AGAIN:
                    raise
                yield lambda: True

    def knows(self, side: str, rows: list[Row]) -> None:
        """A side's registry is put right."""
        self.office(side).registry.put(rows)

    def crossing(self) -> Waiting:
        """Inbound withdraws while outbound accepts: neither has seen the other's act.

        Outbound's acceptance is decided first and its journal held while inbound withdraws, so that the withdrawal
        cannot come in before the acceptance stands: on the way the two events cross, every time.
        """
        outbound = self.office("outbound")
        steps = Steps(outbound.agency, outbound.clerk.parts[Role.OUTBOUND], lambda _: True)
        with outbound.agency.journal.read() as read:
            work = load_works(outbound.agency, Role.OUTBOUND, read, [self.case_id])[self.case_id]
        (decision,) = outbound.clerk.parts[Role.OUTBOUND].decide(outbound.agency, "answer", [work])
        assert isinstance(decision, Decision), "the person fulfils the conditions"
        accepted = steps.decided(work, signed(outbound.agency, decision))
        with outbound.agency.journal.write() as write:
            yield from self.does("inbound", "withdraw", reason="applicant_request", text="本人暂不办理")
            issue_within(outbound.agency, write, [accepted])


def signed(agency: Agency, decision: Decision) -> Decision:
    """A decision that two people stand behind."""
    signing = Signing(agency.config.office.code, HANDLER, REVIEWER)
    return Decision(
        decision.step,
        decision.drafts,
        decision.acts,
        decision.n,
        decision.row_as_of,
        decision.instead,
        decision.ruleset,
        signing,
    )


class BulkDesk:
    """Clerks who work through a step in bulk: every case of it that no script has taken up."""

    def __init__(self, office: Office, role: Role, step: str, status: str) -> None:
        self.office, self.role, self.step, self.status = office, role, step, status
        self.steps = Steps(office.agency, office.clerk.parts[role], office.clerk.ledger.holds)

    def work(self, spared: set[str], limit: int = 200) -> int:
        """One round; returns the number of cases done."""
        agency = self.office.agency
        with agency.journal.read() as read:
            rows = read.cases(role=self.role, status=self.status, open=True)
            ids = [row.case_id for row in rows if row.case_id not in spared][:limit]
            works = list(load_works(agency, self.role, read, ids).values())
            blocked = {claim.claim.case_id for claim in read.open_claims(ids)}
        works = [w for w in works if w.case_id not in blocked and self.step in next_steps(self.role, w.case.view)]
        outcomes = self.steps.part.decide(agency, self.step, works) if works else []
        decided = [
            (work, signed(agency, outcome))
            for work, outcome in zip(works, outcomes, strict=True)
            if isinstance(outcome, Decision)
        ]
        acting = [(work, d) for work, d in decided if d.acts]
        issue(agency, [self.steps.decided(work, d) for work, d in decided if not d.acts])
        self.steps.claims.perform(self.steps.claims.pin(acting))
        return len(decided)
