"""The protocol table: who may issue which event when, in the issuer's view. Nothing else knows the process.

The table draws the diagram in the docs, judges events on the way out and on the way in, is explored exhaustively in a
test, and is published as `schemas/protocol/<n>.json`, whose digest every case names. Guards are judged by the
receiver, the replay and the auditor alike (J); `asserted` lists what only the issuer can know (A).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jiexu.case.event import Role
from jiexu.case.hands import ZERO
from jiexu.case.money import (
    arrived_of,
    credited_gross,
    credited_net,
    may_still_be_sent,
    returned_of,
)
from jiexu.case.view import PAID_OUT, View

Body = Mapping[str, Any]
Test = Callable[[View, Role, Body], bool]


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition: a stable name, what it says, and the test (view, issuer's role, body)."""

    name: str
    zh: str
    en: str
    test: Test


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: an event type, who issues it, the guards that must hold, what the issuer asserts."""

    type: str
    who: str  # lodger | answerer | outbound | inbound | either
    guards: tuple[Guard, ...]
    asserted: tuple[str, ...] = ()

    def issued_by(self, view: View, role: Role) -> bool:
        """Whether that role is the one this line speaks of."""
        match self.who:
            case "lodger":
                return view.lodger in (None, role)
            case "answerer":
                return view.lodger is role.other
            case "either":
                return True
        return self.who == role


def _answers(body: Body, question: int) -> bool:
    return bool(body["answers"] == question)


def _unanswered_balance_query(v: View, _: Role, b: Body) -> bool:
    return b["answers"] is None or bool(v.balance_query_open and _answers(b, v.inbound.balance_query))


def _rightful(v: View, reference: str) -> bool:
    remittance = v.outbound.remittance(reference)
    return remittance is not None and not remittance.void


def _of_reference(v: View, reference: str) -> Decimal:
    """Credited, what was taken back still in, and returned uncredited: what is used up of what arrived."""
    return credited_gross(v.inbound, reference) + returned_of(v.inbound, False, reference)


def _within_arrived(v: View, _: Role, b: Body) -> bool:
    if b.get("source") == "credited":
        return True
    used = _of_reference(v, b["reference"]) + b["amount"]
    return bool(used <= (arrived_of(v.inbound, b["reference"]) or ZERO))


def _within_form(v: View, _: Role, b: Body) -> bool:
    form = v.form
    return form is not None and bool(credited_net(v.inbound) + b["amount"] <= form.to_credit)


def _within_taken_back(v: View, _: Role, b: Body) -> bool:
    return b["source"] == "uncredited" or bool(b["amount"] <= credited_net(v.inbound, b["reference"]))


def _over_the_form(v: View, _: Role, b: Body) -> bool:
    reversed_now = v.inbound.reversed and not v.completed
    if b["source"] == "uncredited" or reversed_now:
        return True
    return bool(b["amount"] <= credited_net(v.inbound) - (v.form.to_credit if v.form else ZERO))


def _return_amount(v: View, reference: str) -> Decimal | None:
    return next((r.amount for r in v.inbound.returns if r.return_reference == reference), None)


FIRST = Guard(
    "first",
    "是本案的第一个事件",
    "the first event of the case",
    lambda v, r, b: v.lodger is None and v.hand(r).seq == 0 and v.hand(r.other).seq == 0,
)
SECOND = Guard(
    "second",
    "紧接本方申请，未见对方任何事件",
    "directly after the own application, nothing of the other side seen",
    lambda v, r, b: bool(v.hand(r).lodged) and v.hand(r).seq == 1 and v.hand(r.other).seq == 0,
)
APPLIED = Guard("applied", "已有申请", "an application stands", lambda v, r, b: v.lodger is not None)
LIVE = Guard("live", "未被拒绝、转办或撤回", "not rejected, forwarded or withdrawn", lambda v, r, b: v.live)
UNANSWERED = Guard("unanswered", "尚未答复", "not answered yet", lambda v, r, b: not v.answered)
ACCEPTED = Guard("accepted", "已受理", "accepted", lambda v, r, b: v.accepted)
OWN_PART = Guard(
    "own_part",
    "本方曾申请或受理",
    "own application or acceptance made",
    lambda v, r, b: bool(v.hand(r).lodged or v.hand(r).accepted),
)
NO_FORM = Guard("no_form", "信息表尚未上传", "no form uploaded", lambda v, r, b: v.form is None)
FORM = Guard("form", "信息表已上传", "a form uploaded", lambda v, r, b: v.form is not None)
FIRST_VERSION = Guard(
    "first_version",
    "为第 1 版且不答复任何问题",
    "version 1, and answers nothing",
    lambda v, r, b: b["version"] == 1 and b["answers"] is None,
)
NEXT_VERSION = Guard(
    "next_version",
    "为下一版",
    "the next version",
    lambda v, r, b: v.form is not None and b["version"] == v.form.version + 1,
)
FORM_QUERY_OPEN = Guard(
    "form_query_open", "有未结的信息表询问", "a form query is open", lambda v, r, b: v.form_query_open
)
ANSWERS_FORM_QUERY = Guard(
    "answers_form_query",
    "答复该询问",
    "answers that query",
    lambda v, r, b: _answers(b, v.inbound.form_query),
)
NO_FORM_QUERY = Guard(
    "no_form_query", "没有未结的信息表询问", "no form query is open", lambda v, r, b: not v.form_query_open
)
CLOSES_FORM_QUERY = Guard(
    "closes_form_query",
    "结束该询问",
    "closes that query",
    lambda v, r, b: bool(b["closes"] == v.inbound.form_query),
)
LATEST_VERSION = Guard(
    "latest_version",
    "依据所收最新版",
    "on the latest version received",
    lambda v, r, b: v.form is not None and b["version"] == v.form.version,
)
COMPLETED = Guard("completed", "已办结", "completed", lambda v, r, b: v.completed)
NOT_COMPLETED = Guard("not_completed", "未办结", "not completed", lambda v, r, b: not v.completed)
NOT_UP_TO_DATE = Guard(
    "not_up_to_date", "办结所依据的版本已旧", "completed on an earlier version", lambda v, r, b: not v.up_to_date
)
TRANSFER = Guard(
    "transfer",
    "信息表载明资金划转",
    "the form's outcome is `transfer`",
    lambda v, r, b: v.form is not None and v.form.outcome == "transfer",
)
NEW_REFERENCE = Guard(
    "new_reference",
    "划款编号在本案未用过",
    "the reference is new in the case",
    lambda v, r, b: v.outbound.remittance(b["reference"]) is None,
)
WITHIN_DUE = Guard(
    "within_due",
    "不超过尚应划转的金额",
    "no more than may still be sent",
    lambda v, r, b: bool(b["amount"] <= may_still_be_sent(v.outbound, v.inbound)),
)
ANSWERS_BALANCE_QUERY = Guard(
    "answers_balance_query",
    "如答复资金询问，则为未结的那一个",
    "if it answers a balance query, the open one",
    _unanswered_balance_query,
)
OWN_REMITTANCE = Guard(
    "own_remittance",
    "本方划过该笔款且未报失败",
    "an own remittance, not failed yet",
    lambda v, r, b: (sent := v.outbound.remittance(b["reference"])) is not None and not sent.failed,
)
NO_ARRIVAL = Guard(
    "no_arrival",
    "未见到账",
    "no arrival on record",
    lambda v, r, b: arrived_of(v.inbound, b["reference"]) is None,
)
REMITTED = Guard(
    "remitted",
    "已收到该笔划款通知",
    "that remittance received",
    lambda v, r, b: v.outbound.remittance(b["reference"]) is not None,
)
NEW_SERIAL = Guard(
    "new_serial",
    "银行流水号在本案未用过",
    "the serial is new in the case",
    lambda v, r, b: all(a.serial != b["serial"] for a in v.inbound.arrivals),
)
LIVE_OR_COMPLETED = Guard(
    "live_or_completed", "在办或已办结", "live or completed", lambda v, r, b: v.live or v.completed
)
FORM_OR_REMITTANCE = Guard(
    "form_or_remittance",
    "已收到信息表或划款通知",
    "a form or remittance received",
    lambda v, r, b: v.form is not None or bool(v.outbound.remittances),
)
NO_BALANCE_QUERY = Guard(
    "no_balance_query", "没有未结的资金询问", "no balance query is open", lambda v, r, b: not v.balance_query_open
)
BALANCE_QUERY_OPEN = Guard(
    "balance_query_open", "有未结的资金询问", "a balance query is open", lambda v, r, b: v.balance_query_open
)
ANSWERS_OPEN_BALANCE_QUERY = Guard(
    "answers_open_balance_query",
    "答复该询问",
    "answers that query",
    lambda v, r, b: _answers(b, v.inbound.balance_query),
)
CLOSES_BALANCE_QUERY = Guard(
    "closes_balance_query",
    "结束该询问",
    "closes that query",
    lambda v, r, b: bool(b["closes"] == v.inbound.balance_query),
)
RIGHTFUL = Guard(
    "rightful", "该笔划款有效", "the remittance was rightful", lambda v, r, b: _rightful(v, b["reference"])
)
WITHIN_ARRIVED = Guard(
    "within_arrived", "不超过该笔到账余额", "within what arrived and is not used up", _within_arrived
)
WITHIN_FORM = Guard(
    "within_form",
    "记入总额不超过最新信息表应划转的金额",
    "credited in all within what the latest form transfers",
    _within_form,
)
WITHIN_TAKEN_BACK = Guard(
    "within_taken_back", "不超过该笔已记入金额", "within what is credited of that reference", _within_taken_back
)
OVER_THE_FORM = Guard(
    "over_the_form",
    "收回已记入的，仅限超出信息表的部分或办结已撤销",
    "taken back only what is over the form, or after a reversal",
    _over_the_form,
)
NEW_RETURN = Guard(
    "new_return",
    "退款编号未用过",
    "the return reference is new",
    lambda v, r, b: _return_amount(v, b["return_reference"]) is None,
)
RETURNED = Guard(
    "returned",
    "已收到该笔退款通知",
    "that return received",
    lambda v, r, b: _return_amount(v, b["return_reference"]) is not None,
)
NOT_ARRIVED_BACK = Guard(
    "not_arrived_back",
    "该笔退款尚未到账",
    "not arrived yet",
    lambda v, r, b: all(m.reference != b["return_reference"] for m in v.outbound.return_arrivals),
)
PAYS_OUT = Guard(
    "pays_out",
    "信息表载明支付给个人或继承人",
    "the form's outcome pays the person or the heirs",
    lambda v, r, b: v.form is not None and v.form.outcome in PAID_OUT and v.form.outcome == f"pay_to_{b['to']}",
)
NEW_BANK_REFERENCE = Guard(
    "new_bank_reference",
    "支付编号未用过",
    "the bank reference is new",
    lambda v, r, b: all(m.reference != b["bank_reference"] for m in v.outbound.paid_out),
)
WITHIN_PAY_OUT = Guard(
    "within_pay_out",
    "不超过应支付金额",
    "within the part to be paid out",
    lambda v, r, b: v.form is not None and v.paid_out + b["amount"] <= v.form.amount,
)
POSITIVE = Guard("positive", "金额大于零", "the amount is above zero", lambda v, r, b: b["amount"] > 0)

PLATFORM: tuple[Rule, ...] = (
    Rule("TransferApplied", "lodger", (FIRST,), ("passed the lodger's checks: own journal",)),
    Rule("TransferRejected", "lodger", (SECOND,), ("same transaction as the application: own journal",)),
    Rule(
        "TransferAccepted", "answerer", (LIVE, UNANSWERED), ("passed the checks; outbound holds the row: own journal",)
    ),
    Rule("TransferRejected", "answerer", (LIVE, UNANSWERED), ("all failing checks are listed: nobody",)),
    Rule("CaseForwarded", "answerer", (LIVE, UNANSWERED), ("the named region is the right one: nobody",)),
    Rule("TransferWithdrawn", "outbound", (LIVE, OWN_PART, NO_FORM)),
    Rule("TransferWithdrawn", "inbound", (LIVE, OWN_PART, NOT_COMPLETED)),
    Rule("WithdrawalRequested", "outbound", (LIVE, FORM, NOT_COMPLETED)),
    Rule(
        "InformationFormUploaded",
        "outbound",
        (LIVE, ACCEPTED, NO_FORM, FIRST_VERSION),
        ("the account was debited as stated: registry",),
    ),
    Rule(
        "InformationFormUploaded",
        "outbound",
        (FORM_QUERY_OPEN, ANSWERS_FORM_QUERY, NEXT_VERSION),
        ("the account was debited as stated: registry",),
    ),
    Rule("FormExplained", "outbound", (FORM_QUERY_OPEN, ANSWERS_FORM_QUERY)),
    Rule("CorrectionProposed", "outbound", (LIVE, FORM, NO_FORM_QUERY)),
    Rule("FormQueried", "inbound", (LIVE, LATEST_VERSION, NO_FORM_QUERY)),
    Rule("FormQueryClosed", "inbound", (FORM_QUERY_OPEN, CLOSES_FORM_QUERY)),
    Rule(
        "TransferCompleted",
        "inbound",
        (LIVE, NOT_COMPLETED, LATEST_VERSION, NO_FORM_QUERY),
        ("the months were recorded: registry",),
    ),
    Rule(
        "CompletionAmended",
        "inbound",
        (COMPLETED, NOT_UP_TO_DATE, LATEST_VERSION, NO_FORM_QUERY),
        ("the months were recorded: registry",),
    ),
    Rule(
        "CompletionReversed",
        "inbound",
        (COMPLETED,),
        ("at most 30 days after completion: own journal", "what was credited can go back whole: registry"),
    ),
    Rule(
        "BalanceRemitted",
        "outbound",
        (LIVE, TRANSFER, POSITIVE, NEW_REFERENCE, WITHIN_DUE, ANSWERS_BALANCE_QUERY),
        ("the reference is new in the region: own journal", "the money was sent: bank line"),
    ),
    Rule("RemittanceFailed", "outbound", (OWN_REMITTANCE, NO_ARRIVAL), ("the bank refused it: bank line",)),
    Rule(
        "BalanceArrived",
        "inbound",
        (REMITTED, POSITIVE, NEW_SERIAL),
        ("the serial is new in the region: own journal", "the money arrived: bank line"),
    ),
    Rule("BalanceQueried", "inbound", (LIVE_OR_COMPLETED, FORM_OR_REMITTANCE, NO_BALANCE_QUERY)),
    Rule("BalanceQueryClosed", "inbound", (BALANCE_QUERY_OPEN, CLOSES_BALANCE_QUERY)),
    Rule("BalanceExplained", "outbound", (BALANCE_QUERY_OPEN, ANSWERS_OPEN_BALANCE_QUERY)),
    Rule(
        "BalanceCredited",
        "inbound",
        (COMPLETED, NO_BALANCE_QUERY, RIGHTFUL, POSITIVE, WITHIN_ARRIVED, WITHIN_FORM),
        ("the account was credited: registry",),
    ),
    Rule(
        "BalanceReturned",
        "inbound",
        (POSITIVE, NEW_RETURN, WITHIN_ARRIVED, WITHIN_TAKEN_BACK, OVER_THE_FORM),
        ("the money was sent back: bank line",),
    ),
    Rule("ReturnArrived", "outbound", (RETURNED, POSITIVE, NOT_ARRIVED_BACK), ("the money arrived: bank line",)),
    Rule(
        "BalancePaidOut",
        "outbound",
        (COMPLETED, PAYS_OUT, POSITIVE, NEW_BANK_REFERENCE, WITHIN_PAY_OUT),
        ("the money was paid: bank line",),
    ),
    *(
        Rule(name, "either", (APPLIED,))
        for name in (
            "ReminderSent",
            "InformationRequested",
            "InformationProvided",
            "DisclosureRequested",
            "Escalated",
            "NoticeGiven",
        )
    ),
)

PROTOCOLS: Mapping[str, tuple[Rule, ...]] = {"platform": PLATFORM}


def failing_guards(
    view: View, role: Role, type: str, body: Body, rules: tuple[Rule, ...] = PLATFORM
) -> tuple[Guard, ...] | None:
    """The guards that forbid this event to this role in this view: `()` when it is permitted.

    Where several lines of the table could permit it, the nearest one speaks. None when no line gives this type to
    this role at all.
    """
    nearest: tuple[Guard, ...] | None = None
    for rule in rules:
        if rule.type != type or not rule.issued_by(view, role):
            continue
        failing = tuple(guard for guard in rule.guards if not guard.test(view, role, body))
        if not failing:
            return ()
        if nearest is None or len(failing) < len(nearest):
            nearest = failing
    return nearest
