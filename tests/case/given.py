"""Given, when, then: cases built by hand, event by event, with the two agencies' journals apart.

    story = Story().out("TransferApplied").deliver().inb("TransferAccepted").deliver()

`out` and `inb` issue an event in the issuer's own journal, which has what was delivered to it and no more; `deliver`
takes in what is under way, in its order. Bodies are short: what is left out is filled with an honest value.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from jiexu.case.case import Case
from jiexu.case.event import OWN_HAND, Draft, Event, Party, Role, Seen
from jiexu.case.protocol import Guard, failing_guards
from jiexu.case.published import protocol_digest
from jiexu.case.view import View

CASE_ID = "0" * 31 + "1"
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
REGIONS = {Role.OUTBOUND: "330100", Role.INBOUND: "610100"}


def yuan(amount: "Decimal | int | str") -> Decimal:
    """An amount with its two places."""
    return Decimal(amount).quantize(Decimal("0.01"))


def body_of(type: str, given: Mapping[str, Any], view: View) -> dict[str, Any]:
    """The parts of a body that the protocol looks at: those given, the rest as an honest issuer would have it."""
    form, asked, asked_money = view.form, view.inbound.form_query or None, view.inbound.balance_query or None
    latest = form.version if form else 0
    honest: dict[str, dict[str, Any]] = {
        "TransferApplied": {role.value: {"region": region} for role, region in REGIONS.items()},
        "InformationFormUploaded": {
            "version": latest + 1,
            "answers": asked if form else None,
            "account": {"amount": yuan(given.get("amount", 100)), "outcome": given.get("outcome", "transfer")},
        },
        "FormExplained": {"answers": asked or 99},
        "FormQueried": {"version": latest, "proposal": view.outbound.proposed or None},
        "FormQueryClosed": {"closes": asked or 99},
        "TransferCompleted": {"version": latest},
        "CompletionAmended": {"version": latest},
        "BalanceRemitted": {"reference": "r1", "amount": yuan(100), "answers": None},
        "RemittanceFailed": {"reference": "r1"},
        "BalanceArrived": {"reference": "r1", "amount": yuan(100), "serial": f"s{len(view.inbound.arrivals) + 1}"},
        "BalanceQueryClosed": {"closes": asked_money or 99},
        "BalanceExplained": {"answers": asked_money or 99},
        "BalanceCredited": {"reference": "r1", "amount": yuan(100)},
        "BalanceReturned": {
            "reference": "r1",
            "return_reference": f"x{len(view.inbound.returns) + 1}",
            "amount": yuan(100),
            "source": "uncredited",
        },
        "ReturnArrived": {"return_reference": "x1", "amount": yuan(100)},
        "BalancePaidOut": {
            "to": "person",
            "amount": yuan(100),
            "bank_reference": f"p{len(view.outbound.paid_out) + 1}",
        },
    }
    body = honest.get(type, {})
    if type == "InformationFormUploaded":
        given = {key: value for key, value in given.items() if key not in ("amount", "outcome")}
    money = {key: yuan(value) for key, value in given.items() if key == "amount"}
    return {**body, **given, **money}


@dataclass
class Story:
    """Two journals of one case, and what is under way between them."""

    journals: dict[Role, Case] = field(default_factory=lambda: {role: Case(CASE_ID) for role in Role})
    under_way: dict[Role, list[Event]] = field(default_factory=lambda: {role: [] for role in Role})
    events: list[Event] = field(default_factory=list)
    number: int = 0

    def out(self, type: str, **given: Any) -> "Story":
        """Outbound issues an event, whether it has a right to it or not."""
        return self.issue(Role.OUTBOUND, type, given)

    def inb(self, type: str, **given: Any) -> "Story":
        """Inbound issues an event, whether it has a right to it or not."""
        return self.issue(Role.INBOUND, type, given)

    def issue(self, role: Role, type: str, given: Mapping[str, Any], seen: tuple[Seen, ...] | None = None) -> "Story":
        """An event in its issuer's journal, under way to the other side."""
        case = self.journals[role]
        event = self.event(role, Draft(type, body_of(type, given, case.view)), seen)
        case.take(event)
        self.under_way[role.other].append(event)
        self.events.append(event)
        return self

    def event(self, role: Role, draft: Draft, seen: tuple[Seen, ...] | None = None) -> Event:
        """The draft as the next event of a role's hand."""
        self.number += 1
        case = self.journals[role]
        hand = OWN_HAND[role]
        last = case.last.get(hand)
        return Event(
            event_id=f"{self.number:032x}",
            case_id=CASE_ID,
            issuer=Party(REGIONS[role], role),
            hand=hand,
            seq=case.view.hand(role).seq + 1,
            prev_hash=last.hash if last else None,
            seen=case.seen_by(role) if seen is None else seen,
            occurred_at=START + timedelta(minutes=self.number),
            protocol=protocol_digest(),
            ruleset="national-2021",
            office=REGIONS[role],
            handled_by="1001",
            reviewed_by="1002",
            type=draft.type,
            body=draft.body,
            hash=hashlib.sha256(self.number.to_bytes(4, "big")).digest(),
        )

    def deliver(self, to: Role | None = None, count: int | None = None) -> "Story":
        """What is under way arrives (at one side only, or only the first so many events)."""
        for role in Role if to is None else (to,):
            arriving = self.under_way[role][:count]
            self.under_way[role] = self.under_way[role][len(arriving) :]
            for event in arriving:
                self.journals[role].take(event)
        return self

    def view(self, role: Role) -> View:
        """The case in a side's journal."""
        return self.journals[role].view

    @property
    def known(self) -> View:
        """The case when both sides have everything: then their views are one."""
        assert self.view(Role.OUTBOUND) == self.view(Role.INBOUND), "something is still under way"
        return self.view(Role.OUTBOUND)

    @property
    def voids(self) -> list[str]:
        """Types of the events that are void, in the order of issue."""
        void = self.journals[Role.OUTBOUND].voids | self.journals[Role.INBOUND].voids
        return [event.type for event in self.events if event.event_id in void]

    def refusal(self, role: Role, type: str, **given: Any) -> set[str] | None:
        """Names of the guards that forbid an event to a role in its own view; empty where it is permitted."""
        view = self.view(role)
        failing = failing_guards(view, role, type, body_of(type, given, view))
        return None if failing is None else {guard.name for guard in failing}

    def guards(self, role: Role, type: str, **given: Any) -> tuple[Guard, ...] | None:
        """The same as the guards themselves."""
        view = self.view(role)
        return failing_guards(view, role, type, body_of(type, given, view))


def applied(lodger: Role = Role.OUTBOUND) -> Story:
    """An application that both sides have."""
    return Story().issue(lodger, "TransferApplied", {}).deliver()


def accepted(lodger: Role = Role.OUTBOUND) -> Story:
    """An accepted case."""
    return applied(lodger).issue(lodger.other, "TransferAccepted", {}).deliver()


def uploaded(amount: int = 100, outcome: str = "transfer", lodger: Role = Role.OUTBOUND) -> Story:
    """A case with its form."""
    return accepted(lodger).out("InformationFormUploaded", amount=amount, outcome=outcome).deliver()


def completed(amount: int = 100, outcome: str = "transfer") -> Story:
    """A case 办结, its money not yet sent."""
    return uploaded(amount, outcome).inb("TransferCompleted").deliver()


def remitted() -> Story:
    """A completed case with its money on the way."""
    return completed().out("BalanceRemitted").deliver()


def arrived() -> Story:
    """A completed case with its money at inbound's bank."""
    return remitted().inb("BalanceArrived").deliver()


def credited() -> Story:
    """A closed case."""
    return arrived().inb("BalanceCredited").deliver()
