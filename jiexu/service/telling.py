"""The telling details of an event: what a reader of the timeline wants to know of it, and no more."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from jiexu.case.event import Event
from jiexu.case.words import (
    APPLICANT,
    CHANNEL,
    CODE,
    CONTINUITY,
    EVENT,
    OUTCOME,
    ROLE,
    SCHEME,
    STEP,
    Word,
    word,
)
from jiexu.service.case_view import grounds_of
from jiexu.service.dossier import Dossier, region_name
from jiexu.service.money_view import Line, form_lines

# Where an event keeps what somebody wrote.
_TEXTS = ("explanation", "message", "question", "answer", "problem")


def details(dossier: Dossier, event: Event) -> tuple[Word, ...]:
    """What the event says, one short sentence each, Chinese beside English."""
    body = event.body
    told = [*_by_type(dossier, event, body)]
    for name in _TEXTS:
        # Grounds carry their own explanation.
        if name in body and event.type not in ("TransferWithdrawn", "CaseForwarded"):
            text = dossier.text(event.event_id, name, body[name])
            told += [_quoted(text)] if text else []
    return tuple(told)


def money(amount: Decimal) -> str:
    """An amount as people read it."""
    return f"{amount:,.2f}"


def _yuan(zh: str, en: str, amount: Decimal) -> Word:
    return Word(f"{zh} {money(amount)} 元", f"{en} {money(amount)} yuan")


def _quoted(text: Word) -> Word:
    return Word(f"“{text.zh}”", f"“{text.en}”")


def _reference(body: Mapping[str, Any]) -> Word:
    return Word(f"编号 {body['reference']}", f"reference {body['reference']}")


def _version(body: Mapping[str, Any]) -> Word:
    return Word(f"第 {body['version']} 版", f"version {body['version']}")


def _code(body: Mapping[str, Any], name: str = "reason") -> Word:
    return word(CODE, body[name])


def _by_type(dossier: Dossier, event: Event, body: Mapping[str, Any]) -> Iterator[Word]:
    match event.type:
        case "TransferApplied":
            start, end = word(SCHEME, body["from_scheme"]), word(SCHEME, body["to_scheme"])
            yield Word(f"{start.zh} → {end.zh}", f"{start.en} → {end.en}")
            who, how = word(APPLICANT, body["applicant"]), word(CHANNEL, body["channel"])
            yield Word(f"{who.zh}申请（{how.zh}）", f"by {who.en} ({how.en})")
            if body["forwarded_from"]:
                yield Word(f"转自案件 {body['forwarded_from']}", f"forwarded from case {body['forwarded_from']}")
        case "TransferAccepted":
            yield from _notices(body)
        case "TransferRejected" | "TransferWithdrawn" | "CaseForwarded":
            if event.type == "CaseForwarded":
                name = region_name(dossier.agency, body["region"])
                yield Word(f"应由{name.zh}办理", f"belongs to {name.en}")
            for ground in grounds_of(dossier, event):
                code = f"{ground.code} " if event.type == "TransferRejected" else ""
                yield Word(f"{code}{ground.word.zh}", f"{code}{ground.word.en}")
                if ground.text:
                    yield _quoted(ground.text)
        case "WithdrawalRequested" | "CompletionReversed" | "FormQueryClosed" | "BalanceQueryClosed":
            yield _code(body)
        case "InformationFormUploaded":
            yield from _form(event)
        case "CorrectionProposed":
            fields = ", ".join(body["fields"])
            yield Word(f"字段 {fields}", f"fields {fields}")
        case "FormQueried":
            yield _version(body)
            for index, one in enumerate(body["problems"]):
                said = word(CODE, one["code"])
                yield Word(f"{said.zh}（{one['field']}）", f"{said.en} ({one['field']})")
                text = dossier.text(event.event_id, f"problems.{index}.detail", one["detail"])
                if text:
                    yield _quoted(text)
        case "TransferCompleted" | "CompletionAmended":
            yield _version(body)
            actual, deemed = body["actual_months"], body["deemed_months"]
            yield Word(f"实际 {actual} 个月，视同 {deemed} 个月", f"{actual} months actual, {deemed} deemed")
            yield from _continuity(body["continuity"])
        case _:
            yield from _money(event, body)
            yield from _talk(event, body)


def _notices(body: Mapping[str, Any]) -> Iterator[Word]:
    codes = [one["code"] for one in body["checks"] if one["outcome"] == "notice"]
    if codes:
        yield Word(f"提示：{'、'.join(codes)}", f"notices: {', '.join(codes)}")
    if body["overlap"]:
        kept, months = word(ROLE, body["overlap"]["kept"]), len(body["overlap"]["months"])
        yield Word(f"重复 {months} 个月，保留{kept.zh}", f"{months} months on both sides, {kept.en} kept")


def _form(event: Event) -> Iterator[Word]:
    body = event.body
    yield _version(body)
    actual, deemed = body["totals"]["actual_months"], body["totals"]["deemed_months"]
    yield Word(f"实际 {actual} 个月，视同 {deemed} 个月", f"{actual} months actual, {deemed} deemed")
    *parts, total = form_lines(event)
    shown = [part for part in parts if part.amount or part.code in ("balance", "interest")]
    zh = " ".join(f"{_sign(part, index)}{part.word.zh} {money(abs(part.amount))}" for index, part in enumerate(shown))
    en = " ".join(f"{_sign(part, index)}{part.word.en} {money(abs(part.amount))}" for index, part in enumerate(shown))
    yield Word(f"{zh} = {money(total.amount)} 元", f"{en} = {money(total.amount)} yuan")
    outcome = word(OUTCOME, body["account"]["outcome"])
    yield Word(f"资金：{outcome.zh}", f"money: {outcome.en}")


def _sign(line: Line, index: int) -> str:
    if line.amount < 0:
        return "− "
    return "+ " if index else ""


def _continuity(found: Mapping[str, Any]) -> Iterator[Word]:
    rule, gap = word(CONTINUITY, found["rule"]), found["gap_months"]
    yield Word(f"{rule.zh}（间断 {gap} 个月）", f"{rule.en} (gap {gap} months)")
    if not found["wait_known"]:
        yield Word("等待期未知，请向转入地核实", "the waiting period is not known: ask the inbound region")
    elif found["wait_months"]:
        yield Word(f"等待期 {found['wait_months']} 个月", f"waiting period {found['wait_months']} months")


def _money(event: Event, body: Mapping[str, Any]) -> Iterator[Word]:
    match event.type:
        case "BalanceRemitted":
            yield _yuan("汇出", "sent", body["amount"])
            yield _reference(body)
        case "RemittanceFailed":
            yield _code(body)
            yield _reference(body)
        case "BalanceArrived":
            yield _yuan("到账", "arrived", body["amount"])
            yield Word(f"银行流水 {body['serial']}", f"bank serial {body['serial']}")
        case "BalanceCredited" | "BalanceAdvanced":
            yield _yuan("金额", "amount", body["amount"])
        case "BalanceReturned":
            yield _yuan("退回", "sent back", body["amount"])
            source, reason = _code(body, "source"), _code(body)
            yield Word(f"{source.zh}，{reason.zh}", f"{source.en}, {reason.en}")
            yield Word(f"退款编号 {body['return_reference']}", f"return reference {body['return_reference']}")
        case "ReturnArrived":
            yield _yuan("退款到账", "arrived back", body["amount"])
            yield Word(f"退款编号 {body['return_reference']}", f"return reference {body['return_reference']}")
        case "BalancePaidOut":
            to = word(APPLICANT, body["to"]) if body["to"] == "person" else word(CODE, body["to"])
            yield _yuan(f"支付给{to.zh}", f"paid to {to.en}", body["amount"])
        case "BalanceQueried":
            yield _code(body, "kind")
            if body["expected"] is not None and body["found"] is not None:
                expected, found = money(body["expected"]), money(body["found"])
                yield Word(f"应为 {expected}，实为 {found} 元", f"expected {expected}, found {found} yuan")
            if body["reference"]:
                yield _reference(body)


def _talk(event: Event, body: Mapping[str, Any]) -> Iterator[Word]:
    match event.type:
        case "ReminderSent" | "Escalated":
            about = word(STEP, body["about"])
            yield Word(f"事项：{about.zh}", f"about: {about.en}")
            if "to" in body:
                yield Word(f"报送 {body['to']}", f"to {body['to']}")
        case "InformationRequested":
            yield Word(body["topic"], body["topic"])
        case "DisclosureRequested":
            fields = ", ".join(body["fields"])
            yield Word(f"字段 {fields}", f"fields {fields}")
        case "NoticeGiven":
            how = word(CHANNEL, body["channel"])
            to = word(APPLICANT, body["to"]) if body["to"] != "heirs" else word(CODE, body["to"])
            yield Word(f"以{how.zh}告知{to.zh}", f"{to.en} told {how.en}")
        case "HandTakenOver" | "DisputeSettled":
            yield word(EVENT, event.type)


__all__ = ["details", "money"]
