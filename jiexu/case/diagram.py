"""The state diagram of a case, drawn from the protocol table itself: whoever changes the table changes the picture.

The table is run in one view (nothing is under way), with small amounts and each kind of event a few times; every
event that changes the status becomes an arrow. What crosses on the way leads to no other status; of ends that crossed
the first of rejected, forwarded, withdrawn is shown.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from jiexu.case.event import OWN_HAND, Event, Party, Role, Seen
from jiexu.case.hands import OutboundHand, evolve
from jiexu.case.protocol import PLATFORM, Rule, failing_guards
from jiexu.case.view import View
from jiexu.case.words import STATUS

AMOUNT = Decimal("1.00")
OUTCOMES = ("transfer", "pay_to_person", "none")
AGAIN = 2  # forms, queries and completions of one case; what is done once more leads nowhere new
Body = dict[str, Any]


def transitions(rules: tuple[Rule, ...] = PLATFORM) -> dict[tuple[str, str], set[str]]:
    """Status → status, and the types of the events that lead there. `unknown` is before the application."""
    found: dict[tuple[str, str], set[str]] = {}
    todo, known = [View()], {_shape(View())}
    while todo:
        view = todo.pop()
        for role in Role:
            for rule in rules:
                if rule.who == "either":  # reminders and notices never change the status
                    continue
                for body in _bodies(view, rule.type):
                    if failing_guards(view, role, rule.type, body, rules) != ():
                        continue
                    after = _after(view, role, rule.type, body)
                    if after.status != view.status:
                        found.setdefault((view.status, after.status), set()).add(rule.type)
                    shape = _shape(after)
                    if shape not in known and len(after.outbound.forms) <= AGAIN:
                        known.add(shape)
                        todo.append(after)
    return found


def diagram(rules: tuple[Rule, ...] = PLATFORM) -> str:
    """A mermaid state diagram, ending with LF."""
    edges = transitions(rules)
    order = list(STATUS)
    names = sorted({status for edge in edges for status in edge if status != "unknown"}, key=order.index)
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{STATUS[name].zh} {STATUS[name].en}" as {name}' for name in names]
    for start, end in sorted(edges, key=lambda edge: (order.index(edge[0]), order.index(edge[1]))):
        origin = "[*]" if start == "unknown" else start
        lines.append(f"    {origin} --> {end} : {' / '.join(sorted(edges[start, end]))}")
    left = {start for start, _ in edges}
    lines += [f"    {name} --> [*]" for name in names if name not in left]
    return "\n".join(lines) + "\n"


def page() -> str:
    """`docs/protocol-diagram.md`: the diagram with what it leaves out."""
    return (
        "# The states of a case (业务状态)\n\n"
        "Drawn from the protocol table of the `platform` procedure (2021) by `jiexu/case/diagram.py`; a test holds\n"
        "both equal. Only events that change the status are shown: money changes it when nothing is left to credit,\n"
        "to pay out or to send back and the case is closed. Reminders and notices never change it. Of ends that\n"
        "crossed on the way, the first of rejected, forwarded, withdrawn is shown.\n\n"
        f"```mermaid\n{diagram()}```\n"
    )


def _after(view: View, role: Role, type: str, body: Body) -> View:
    """The view after one more event, seen by both sides at once."""
    own, other = view.hand(role), view.hand(role.other)
    seen = (Seen(OWN_HAND[role.other], other.seq, b""),)
    then = datetime(2021, 12, 1, tzinfo=UTC)
    event = Event(
        "", "", Party("", role), OWN_HAND[role], own.seq + 1, None, seen, then, b"", "", "", "", None, type, body, b""
    )
    if isinstance(own, OutboundHand):
        return View(evolve(own, event, void=False), view.inbound)
    return View(view.outbound, evolve(own, event, void=False))


def _bodies(view: View, type: str) -> Iterator[Body]:
    """Bodies worth trying: the latest version, the open question, the whole amount, each outcome."""
    latest = view.form.version if view.form else 0
    numbers: Mapping[str, Any] = {
        "answers": None,
        "proposal": view.outbound.proposed or None,
        "version": latest,
        "closes": view.inbound.balance_query if type.startswith("Balance") else view.inbound.form_query,
        "reference": "r1",
        "return_reference": "x1",
        "bank_reference": "p1",
        "serial": "s1",
        "amount": AMOUNT,
        "to": "person",
    }
    match type:
        case "InformationFormUploaded":
            for outcome in OUTCOMES:
                account = {"amount": AMOUNT, "outcome": outcome}
                answers = view.inbound.form_query if latest else None
                yield {"version": latest + 1, "answers": answers, "account": account}
        case "FormExplained":
            yield {"answers": view.inbound.form_query}
        case "BalanceExplained":
            yield {"answers": view.inbound.balance_query}
        case "BalanceReturned":
            for source in ("uncredited", "credited"):
                yield {**numbers, "source": source}
        case _:
            yield {**numbers}


def _shape(view: View) -> tuple[Any, ...]:
    """What of a view can matter for a status: two views of one shape need not both be followed."""
    outbound, inbound = view.outbound, view.inbound
    return (
        view.status,
        None if view.answered else view.lodger,
        view.accepted,
        tuple(form.outcome for form in outbound.forms),
        view.completed,
        view.up_to_date,
        bool(inbound.reversed),
        view.form_query_open,
        view.balance_query_open,
        tuple(bool(r.failed) for r in outbound.remittances),
        len(inbound.arrivals),
        len(inbound.credits),
        tuple(r.credited for r in inbound.returns),
        len(outbound.return_arrivals),
        len(outbound.paid_out),
    )
