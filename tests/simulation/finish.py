"""The clerks finish what waits for them: a case that nobody can bring to its end would wait for ever."""

from typing import TYPE_CHECKING, Any

from jiexu.case.hands import ZERO
from jiexu.case.money import credited_net, may_still_be_sent
from jiexu.service.agency import Agency
from jiexu.service.lost_events import ALARMS
from jiexu.service.todos import clear
from jiexu.service.worklist import WorkItem, worklist
from tests.simulation import clerks, people

if TYPE_CHECKING:
    from tests.simulation.world import World

ROUNDS = 8

# What a clerk does about a step; several are tried in turn.
ACTS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "answer": (("accept", {}), ("answer", {})),
    "upload": (("upload", {}),),
    "answer_form_query": (("explain_form", {"text": "已核对"}),),
    "answer_balance_query": (("explain_balance", {"text": "已核对"}), ("remit", {})),
    "answer_withdrawal": (("complete", {}),),
    "answer_proposal": (("query_form", {"field": "periods", "code": "missing_months"}),),
    "complete": (("complete", {}),),
    "complete_again": (("complete", {}),),
    "amend": (("complete", {}),),
    "credit": (("credit", {}),),
    "remit": (("remit", {}),),
    "remit_difference": (("remit", {}),),
    "return_uncredited": (("return_uncredited", {}),),
    "return_excess": (("return_uncredited", {}),),
}

# What a clerk does instead, once an act was refused for this.
INSTEAD: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    # The registry knows of a return whose order and event were lost: the same act again, under the same key, tells it.
    ("credit", "above_arrived"): ("return_uncredited", {}),
    ("upload", "moved_by_another"): ("withdraw", {"reason": "lodged_in_error"}),
    # What the registry set under a claim that was lost, before it was put right.
    ("upload", "key_reused"): ("upload", {"anew": True}),
    ("complete", "key_reused"): ("complete", {"anew": True}),
}

# Money that moved without an event is told as it moved: what moves it, and the act that names how much.
TOLD = {"Send": "remit_amount", "Credit": "credit_amount", "PayOut": "pay_out_amount"}


def finish(world: "World") -> list[str]:
    """Let clerks act until no case is left that waits for one; returns the cases that cannot be brought to an end."""
    left: list[str] = []
    for mover in world.plan.movers:
        people.corrected(world, mover, 1)
    for _ in range(ROUNDS):
        left = []
        cleared = 0
        for code in world.plan.codes:
            cleared += world.at_desk(code, _clear) or 0
            for item in world.at_desk(code, worklist) or ():
                if item.ours or item.clock is None:
                    left.append(f"{code}: {item.case_id} {item.status}: {item.step} ({item.reason_code})")
                    _do(world, code, item)
        if left or cleared:
            world.wait(3700)
            world.settle()
        if not left or world.violations:
            return []
    return left


def _clear(agency: Agency) -> int:
    """What failed and what was an alarm is settled: it may go on. Returns how much there was."""
    with agency.journal.read() as read:
        waits = [t for t in read.todos() if t.case_id is not None and (t.kind == "failed" or t.code in ALARMS)]
    if waits:
        with agency.journal.write() as write:
            for todo in waits:
                clear(write, todo, "D0117")
    return len(waits)


def _do(world: "World", code: str, item: WorkItem) -> None:
    for name, details in (*ACTS.get(item.step or "", ()), *_with_amounts(world, code, item)):
        outcome = clerks.act(world, code, item.case_id, name, details)
        others = [INSTEAD[name, outcome]] if (name, outcome) in INSTEAD else []
        if outcome == "key_reused":
            others += _as_it_moved(world, code, item.case_id)
        if outcome == "done" or any(clerks.act(world, code, item.case_id, *other) == "done" for other in others):
            return


def _as_it_moved(world: "World", code: str, case_id: str) -> list[tuple[str, dict[str, Any]]]:
    done = world.at_desk(code, lambda agency: agency.platform.acts_of(case_id)) or []
    return [
        (TOLD[one.act], {"amount": one.value["amount"], "reference": one.value.get("reference")})
        for one in reversed(done)
        if one.act in TOLD
    ]


def _with_amounts(world: "World", code: str, item: WorkItem) -> list[tuple[str, dict[str, Any]]]:
    """Acts that name how much."""
    if item.step not in ("send_again", "take_back"):
        return []
    case = world.at_desk(code, lambda agency: clerks.case_of(agency, item.case_id))
    if case is None:
        return []
    view = case.view
    if item.step == "send_again":
        return [("remit_amount", {"amount": str(may_still_be_sent(view.outbound, view.inbound))})]
    over = credited_net(view.inbound) - (view.form.to_credit if view.form and view.live else ZERO)
    references = dict.fromkeys(credit.reference for credit in view.inbound.credits)
    amounts = {reference: min(over, credited_net(view.inbound, reference)) for reference in references}
    return [
        ("take_back", {"reference": reference, "amount": str(amount), "reason": "corrected"})
        for reference, amount in amounts.items()
        if amount > 0
    ]
