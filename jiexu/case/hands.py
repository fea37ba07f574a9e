"""The state of one hand: what its issuer has done so far, folded from its own events alone.

An event touches its issuer's hand only, so a hand's state after its event `seq` is the same in every journal that
holds those events, in whatever order the other hand's arrived. States are immutable: a case keeps one per seq, so
that the view of any issuer at any moment can be looked up and need not be rebuilt.

Numbers called `…_seq`, and `accepted`, `proposed` and the like, are places in the hand (from 1), 0 where not done.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

from jiexu.case.event import Event, Role

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Form:
    """One version of the information form (信息表): its place, the amount that may move, and what becomes of it."""

    version: int
    seq: int
    amount: Decimal
    outcome: str

    @property
    def to_credit(self) -> Decimal:
        """What inbound is to credit: the amount where the outcome is `transfer`, else nothing."""
        return self.amount if self.outcome == "transfer" else ZERO


@dataclass(frozen=True, slots=True)
class Remittance:
    """Money that outbound sent. A void one had no right to be: it may fail, arrive and go back, never be credited."""

    reference: str
    amount: Decimal
    seq: int
    void: bool = False
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Arrived:
    """Money that inbound's bank booked for a reference. Arrivals of one reference add up."""

    reference: str
    serial: str
    amount: Decimal
    seq: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that inbound sent back, from what was not yet credited or taken back from the person's account."""

    return_reference: str
    reference: str
    amount: Decimal
    credited: bool
    seq: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An amount under a reference: credited, arrived back, or paid out."""

    reference: str
    amount: Decimal
    seq: int


@dataclass(frozen=True, slots=True)
class HandState:
    """What both roles can do: lodge, answer, end."""

    seq: int = 0
    lodged: int = 0
    refused_at_counter: int = 0
    accepted: int = 0
    rejected: int = 0
    forwarded: int = 0
    withdrawn: int = 0

    @property
    def ended(self) -> bool:
        """This hand holds an end of the relation track."""
        return bool(self.refused_at_counter or self.rejected or self.forwarded or self.withdrawn)


@dataclass(frozen=True, slots=True)
class OutboundHand(HandState):
    """转出地's hand."""

    forms: tuple[Form, ...] = ()
    form_answered: int = 0  # inbound's seq of the last FormQueried that was answered
    proposed: int = 0
    withdrawal_requested: int = 0
    balance_answered: int = 0  # inbound's seq of the last BalanceQueried that was answered
    balance_answer_seq: int = 0
    remittances: tuple[Remittance, ...] = ()
    return_arrivals: tuple[Moved, ...] = ()
    paid_out: tuple[Moved, ...] = ()

    def remittance(self, reference: str) -> Remittance | None:
        """The remittance of that reference, void or not."""
        return next((r for r in self.remittances if r.reference == reference), None)


@dataclass(frozen=True, slots=True)
class InboundHand(HandState):
    """转入地's hand."""

    completed_on: int = 0  # the form version that the completion stands on, 0 while not completed
    completed_seq: int = 0
    completed_seen: int = 0  # outbound's last seq that the completion rests on
    reversed: int = 0
    form_query: int = 0
    form_query_closed: bool = False
    proposal_answered: int = 0
    balance_query: int = 0
    balance_query_closed: bool = False
    arrivals: tuple[Arrived, ...] = ()
    credits: tuple[Moved, ...] = ()
    returns: tuple[Returned, ...] = ()


_FIELDS = {
    kind: (names := tuple(field.name for field in fields(kind)), attrgetter(*names))
    for kind in (OutboundHand, InboundHand)
}

AnyHand = OutboundHand | InboundHand
H = TypeVar("H", OutboundHand, InboundHand)


def first_state(role: Role) -> AnyHand:
    """The state of a hand without events."""
    return OutboundHand() if role is Role.OUTBOUND else InboundHand()


def evolve(hand: H, event: Event, void: bool) -> H:
    """The hand after its next event. A void event takes its place and has no effect, but for money that was sent."""
    changes: dict[str, Any] = {}
    if not void or _counts_as_sent(hand, event):
        changes = _outbound(hand, event, void) if isinstance(hand, OutboundHand) else _inbound(hand, event)
    return _changed(hand, seq=event.seq, **changes)


def _changed(hand: H, **changes: Any) -> H:
    """`dataclasses.replace`, which looks every field up anew, takes a third of a replay."""
    kind = type(hand)
    names, values = _FIELDS[kind]
    return kind(**{**dict(zip(names, values(hand), strict=True)), **changes})


def _counts_as_sent(hand: AnyHand, event: Event) -> bool:
    """Money is a fact: a void remittance with a new reference and an amount above zero was sent all the same."""
    return (
        event.type == "BalanceRemitted"
        and isinstance(hand, OutboundHand)
        and hand.remittance(event.body["reference"]) is None
        and event.body["amount"] > 0
    )


def _either(event: Event) -> dict[str, Any] | None:
    """Changes that both roles make alike; None where the type is not one of those."""
    match event.type:
        case "TransferApplied":
            return {"lodged": event.seq}
        case "TransferAccepted":
            return {"accepted": event.seq}
        case "CaseForwarded":
            return {"forwarded": event.seq}
        case "TransferWithdrawn":
            return {"withdrawn": event.seq}
    return None


def _rejection(hand: AnyHand, event: Event) -> dict[str, Any]:
    return {"refused_at_counter": event.seq} if hand.lodged else {"rejected": event.seq}


def _outbound(hand: OutboundHand, event: Event, void: bool) -> dict[str, Any]:
    body, seq = event.body, event.seq
    changes = _either(event)
    if changes is not None:
        return changes
    match event.type:
        case "TransferRejected":
            return _rejection(hand, event)
        case "WithdrawalRequested":
            return {"withdrawal_requested": seq}
        case "InformationFormUploaded":
            account = body["account"]
            form = Form(body["version"], seq, account["amount"], account["outcome"])
            return {"forms": (*hand.forms, form), "form_answered": body["answers"] or hand.form_answered}
        case "FormExplained":
            return {"form_answered": body["answers"]}
        case "CorrectionProposed":
            return {"proposed": seq}
        case "BalanceRemitted":
            sent = Remittance(body["reference"], body["amount"], seq, void)
            answered = _balance_answered(body["answers"], seq) if body["answers"] and not void else {}
            return {"remittances": (*hand.remittances, sent), **answered}
        case "BalanceExplained":
            return _balance_answered(body["answers"], seq)
        case "RemittanceFailed":
            remittances = tuple(
                replace(r, failed=seq) if r.reference == body["reference"] else r for r in hand.remittances
            )
            return {"remittances": remittances}
        case "ReturnArrived":
            moved = Moved(body["return_reference"], body["amount"], seq)
            return {"return_arrivals": (*hand.return_arrivals, moved)}
        case "BalancePaidOut":
            return {"paid_out": (*hand.paid_out, Moved(body["bank_reference"], body["amount"], seq))}
    return {}


def _balance_answered(question: int, seq: int) -> dict[str, Any]:
    return {"balance_answered": question, "balance_answer_seq": seq}


def _inbound(hand: InboundHand, event: Event) -> dict[str, Any]:
    body, seq = event.body, event.seq
    changes = _either(event)
    if changes is not None:
        return changes
    match event.type:
        case "TransferRejected":
            return _rejection(hand, event)
        case "FormQueried":
            return {
                "form_query": seq,
                "form_query_closed": False,
                "proposal_answered": body["proposal"] or hand.proposal_answered,
            }
        case "FormQueryClosed":
            return {"form_query_closed": True}
        case "TransferCompleted" | "CompletionAmended":
            seen = event.seen_seq_of(Role.OUTBOUND)
            return {"completed_on": body["version"], "completed_seq": seq, "completed_seen": seen}
        case "CompletionReversed":
            return {"completed_on": 0, "reversed": seq}
        case "BalanceArrived":
            arrived = Arrived(body["reference"], body["serial"], body["amount"], seq)
            return {"arrivals": (*hand.arrivals, arrived)}
        case "BalanceQueried":
            return {"balance_query": seq, "balance_query_closed": False}
        case "BalanceQueryClosed":
            return {"balance_query_closed": True}
        case "BalanceCredited":
            return {"credits": (*hand.credits, Moved(body["reference"], body["amount"], seq))}
        case "BalanceReturned":
            credited = body["source"] == "credited"
            returned = Returned(body["return_reference"], body["reference"], body["amount"], credited, seq)
            return {"returns": (*hand.returns, returned)}
    return {}
