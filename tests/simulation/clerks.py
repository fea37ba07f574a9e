"""What clerks do meanwhile: acts that a person may try in a case as its region knows it, sensible or not."""

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.case.money import credited_net, uncredited
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold, own_role
from jiexu.service.clerk import ActRefused, Clerk, Desk
from tests.simulation.people import corrected
from tests.simulation.process import PARTS

if TYPE_CHECKING:
    from tests.simulation.world import World

DESK = Desk("clerk-1", "clerk-2")
Offer = tuple[str, Mapping[str, Any]]


def offers(case: Case, role: Role) -> list[Offer]:
    """Acts that may be permitted now, and some that seldom are."""
    view = case.view
    found: list[Offer] = [("remind", {"about": "complete", "text": "请尽快"})]
    if view.lodger is role.other and not view.answered:
        found += [("answer", {}), ("reject", {"codes": ("OUT-03",)}), ("accept", {})]
    if role is Role.OUTBOUND:
        found += _outbound(case)
    else:
        found += _inbound(case)
    return found


def _outbound(case: Case) -> list[Offer]:
    view = case.view
    found: list[Offer] = []
    if view.form is None:
        found += [("withdraw", {"reason": "applicant_request"}), ("upload", {})]
    else:
        found += [
            ("propose_correction", {"fields": ("periods",)}),
            ("request_withdrawal", {"reason": "applicant_request"}),
            ("remit", {}),
        ]
    if view.form_query_open:
        found += [("upload", {}), ("explain_form", {"text": "已核对"})] * 2
    if view.balance_query_open:
        found += [("explain_balance", {"text": "已核对"})] * 3
    return found


def _inbound(case: Case) -> list[Offer]:
    view = case.view
    found: list[Offer] = []
    if not view.completed:
        found += [("withdraw", {"reason": "applicant_request"})]
    if view.form is not None:
        found += [("query_form", {"field": "periods", "code": "missing_months"}), ("complete", {}), ("complete", {})]
        found += [("query_balance", {"kind": "not_arrived"})]
    if view.form_query_open:
        found += [("close_form_query", {"reason": "sent_in_error"})]
    if view.balance_query_open:
        found += [("close_balance_query", {"reason": "sent_in_error"})]
    if view.completed:
        found += [("reverse", {"reason": "taken_over_in_error"}), ("credit", {})]
    for arrival in view.inbound.arrivals:
        left = uncredited(view.inbound, arrival.reference)
        if left > 0:
            details = {"reference": arrival.reference, "amount": str(left), "reason": "wrong_person"}
            found += [("return_amount", details), ("return_uncredited", {})]
        credited = credited_net(view.inbound, arrival.reference)
        if credited > 0:
            details = {"reference": arrival.reference, "amount": str(credited), "reason": "reversed"}
            found.append(("take_back", details))
    return found


def some_act(world: "World", code: str, random: Random, wanted: str = "") -> None:
    """A clerk of a region does something (`wanted`, where that can be tried) in one of its cases.

    The registry may have been put right before.
    """
    case = world.at_desk(code, lambda agency: _some_case(agency, random))
    role = own_role(case, code) if case is not None else None
    if case is None or role is None:
        return
    offered = offers(case, role)
    name, details = random.choice([one for one in offered if one[0] == wanted] or offered)
    if role is Role.OUTBOUND and random.random() < 0.4:
        mover = next((m for m in world.plan.movers if m.out == code), None)
        if mover is not None and corrected(world, mover, random.choice((0, 1, 1, 2, 2, 3))):
            world.tell(f"{code}: registry corrected for mover {mover.number}", "registry_corrected")
    act(world, code, case.case_id, name, details)


def _some_case(agency: Agency, random: Random) -> Case | None:
    with agency.journal.read() as read:
        rows = read.cases()
        if not rows:
            return None
    return case_of(agency, random.choice(rows).case_id)


def case_ids(agency: Agency) -> list[str]:
    """A region's cases."""
    with agency.journal.read() as read:
        return [row.case_id for row in read.cases()]


def case_of(agency: Agency, case_id: str) -> Case:
    """The case as a region's journal has it."""
    with agency.journal.read() as read:
        return fold(case_id, read.case_events(case_id))


def act(world: "World", code: str, case_id: str, name: str, details: Mapping[str, Any]) -> str:
    """One act; returns `done`, or why it was refused."""

    def do(agency: Agency) -> str:
        try:
            Clerk(agency, {role: part() for role, part in PARTS.items()}).act(case_id, name, DESK, **details)
        except ActRefused as refused:
            return refused.code
        return "done"

    outcome = world.at_desk(code, do) or "broken off"
    world.tell(f"{code}: clerk {name} in {case_id[-6:]}: {outcome}", "clerk_act" if outcome == "done" else "")
    return outcome
