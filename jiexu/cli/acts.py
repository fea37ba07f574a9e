"""The clerk's acts, generated from one table so that they all read alike: `jiexu accept CASE --by … --reviewed-by …`.

Money, dates and questions that an act needs and does not name are filled in from the case (service/clerk.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import case_id_of, opened_to_write, with_config, with_json
from jiexu.cli.region import find_region
from jiexu.cli.texts import language, print_json, say
from jiexu.cli.values import CHECK, FIELD, KEY, LINE, OFFICE, REFERENCE, SEQ, STAFF, Plain, Yuan

_WITHDRAWAL = click.Choice(["applicant_request", "cover_resumed", "cover_lost", "died", "lodged_in_error", "other"])
_CLOSING = click.Choice(["solved", "sent_in_error", "no_answer"])
_PROBLEM = click.Choice(["missing_months", "wrong_months", "wrong_identity", "wrong_amount", "wrong_scheme", "other"])
_BALANCE = click.Choice(["amount_differs", "not_arrived", "wrong_name", "other"])
_RETURN = click.Choice(["excess", "case_ended", "wrong_person", "reversed", "corrected", "other"])
_REVERSAL = click.Choice(["wrong_person", "taken_over_in_error", "other"])

Option = Callable[[Any], Any]
_TEXT = click.option("--text", help="说明（个人信息，不进入签名事件）what is said about it.")
_NEEDED_TEXT = click.option("--text", required=True, help="说明 what is said about it.")


def _reason(choices: click.Choice[str]) -> Option:
    return click.option("--reason", type=choices, required=True, help="原因 the reason.")


def _about(what: str) -> Option:
    return click.option("--about", type=KEY, required=True, help=what)


_ANEW = click.option(
    "--anew",
    is_flag=True,
    default=None,
    help="平台已办而案件无记载的，按现状重新办理 set anew what the platform did and no event reports.",
)
_AMOUNT = click.option("--amount", type=Yuan(), required=True, help="金额（元）amount in yuan.")
_REFERENCE = click.option("--reference", type=REFERENCE, required=True, help="划款编号 the remittance's reference.")


@dataclass(frozen=True, slots=True)
class Act:
    """One act: the clerk's name for it (service/clerk.py), what it does, its options."""

    act: str
    zh: str
    en: str
    options: tuple[Option, ...] = ()


ACTS: dict[str, Act] = {
    "answer": Act("answer", "按校验结果答复申请", "Answer as the checks say."),
    "accept": Act(
        "accept",
        "受理：平台未能说明的由经办人员认定；校验不通过的不能受理",
        "Accept: you say what the platform cannot; what the checks refuse stays out.",
    ),
    "reject": Act(
        "reject",
        "不予受理，列明全部原因",
        "Reject, with every ground.",
        (
            click.option(
                "--code", "codes", type=CHECK, multiple=True, required=True, help="校验代码，可多个 check codes."
            ),
            _TEXT,
        ),
    ),
    "forward": Act(
        "forward",
        "转办到正确的统筹区",
        "Forward to the right region.",
        (click.option("--region", required=True, help="统筹区代码或名称 code or name."), _TEXT),
    ),
    "withdraw": Act("withdraw", "撤回", "Withdraw.", (_reason(_WITHDRAWAL), _TEXT)),
    "request-withdrawal": Act(
        "request_withdrawal", "信息表上传后请求撤回", "Ask inbound to withdraw.", (_reason(_WITHDRAWAL), _TEXT)
    ),
    "upload": Act(
        "upload",
        "上传信息表，或以新版答复询问",
        "Upload the form, or its next version as an answer.",
        (
            click.option(
                "--money", type=click.Choice(["transfer", "pay_to_person"]), help="规则允许选择时，本人的选择."
            ),
            _ANEW,
        ),
    ),
    "explain-form": Act("explain_form", "说明信息表，答复询问", "Explain the form.", (_NEEDED_TEXT,)),
    "propose-correction": Act(
        "propose_correction",
        "发现本方错误，建议更正",
        "Propose a correction of one's own form.",
        (
            click.option("--field", "fields", type=FIELD, multiple=True, required=True, help="字段，可多个 fields."),
            _TEXT,
        ),
    ),
    "query-form": Act(
        "query_form",
        "询问信息表",
        "Ask about the form.",
        (
            click.option("--field", type=FIELD, default="periods", show_default=True, help="字段 the field."),
            click.option("--code", type=_PROBLEM, required=True, help="问题 what is wrong."),
            _TEXT,
        ),
    ),
    "close-form-query": Act(
        "close_form_query", "结束本方的信息表询问", "Close the own query.", (_reason(_CLOSING), _TEXT)
    ),
    "complete": Act(
        "complete",
        "办结；有新版则更正办结",
        "Complete, or amend on a later version.",
        (
            click.option(
                "--kept", type=click.Choice(["outbound", "inbound"]), help="重复参保月份，本人选择保留哪一方."
            ),
            _ANEW,
        ),
    ),
    "reverse": Act("reverse", "撤销办结", "Reverse the completion.", (_reason(_REVERSAL), _TEXT)),
    "remit": Act("remit", "划转余额或差额", "Remit what is due."),
    "remit-amount": Act("remit_amount", "划转指定金额", "Remit an amount.", (_AMOUNT,)),
    "query-balance": Act(
        "query_balance",
        "询问资金",
        "Ask about the money.",
        (
            click.option("--kind", type=_BALANCE, required=True, help="问题 what is wrong."),
            click.option("--reference", type=REFERENCE, help="划款编号 the reference."),
            click.option("--expected", type=Yuan(), help="应为（元）expected."),
            click.option("--found", type=Yuan(), help="实为（元）found."),
            _TEXT,
        ),
    ),
    "close-balance-query": Act(
        "close_balance_query", "结束本方的资金询问", "Close the own query.", (_reason(_CLOSING), _TEXT)
    ),
    "explain-balance": Act("explain_balance", "说明资金", "Explain the money.", (_NEEDED_TEXT,)),
    "credit": Act("credit", "记入个人账户", "Credit what arrived."),
    "credit-amount": Act("credit_amount", "记入指定金额", "Credit an amount.", (_REFERENCE, _AMOUNT)),
    "return": Act(
        "return_amount",
        "退回未记入的资金",
        "Send uncredited money back.",
        (_REFERENCE, _AMOUNT, _reason(_RETURN), _TEXT),
    ),
    "take-back": Act(
        "take_back",
        "收回已记入的资金并退回",
        "Take credited money back and return it.",
        (_REFERENCE, _AMOUNT, _reason(_RETURN), _TEXT),
    ),
    "pay-out": Act("pay_out", "支付给本人或继承人", "Pay the person or the heirs."),
    "pay-out-amount": Act("pay_out_amount", "支付指定金额", "Pay out an amount.", (_AMOUNT,)),
    "remind": Act("remind", "催办", "Remind.", (_about("催办的环节 the step that is due."), _TEXT)),
    "request-information": Act(
        "request_information",
        "请求补充信息",
        "Ask for information.",
        (click.option("--topic", type=LINE, required=True, help="事项 topic."), _TEXT),
    ),
    "provide-information": Act(
        "provide_information",
        "补充信息",
        "Provide information.",
        (
            click.option("--answers", type=SEQ, required=True, help="所答复的请求的序号 seq of the request."),
            _NEEDED_TEXT,
        ),
    ),
    "escalate": Act(
        "escalate",
        "上报督办",
        "Escalate.",
        (
            _about("事项 what it is about."),
            click.option("--to", type=LINE, required=True, help="上报给谁 to whom."),
            _TEXT,
        ),
    ),
    "notify": Act(
        "notify",
        "登记已告知申请人",
        "Record that the applicant was told.",
        (
            click.option("--hand", type=click.Choice(["outbound", "inbound"]), required=True, help="所告知事件的一方."),
            click.option("--seq", type=SEQ, required=True, help="所告知事件的序号 seq of the event told."),
            click.option("--channel", type=click.Choice(["counter", "courier", "electronic"]), required=True),
            click.option("--to", type=click.Choice(["person", "employer", "agent", "heirs"]), default="person"),
        ),
    ),
}


@click.group(
    help="""经办与复核的各项办理。每一项都要两人：--by 经办、--reviewed-by 复核。

    The clerk's acts; each needs two people. `act` may be left out: `jiexu accept CASE …`.
    """
)
def act() -> None:
    """The group; see its help."""


def _command(name: str, spec: Act) -> click.Command:
    def run(
        case: str,
        by: str,
        reviewed_by: str | None,
        office: str | None,
        config_file: Path,
        as_json: bool,
        **details: Any,
    ) -> None:
        _act(spec, case, by, reviewed_by, office, config_file, as_json, details)

    decorated: Any = run
    for option in reversed(spec.options):
        decorated = option(decorated)
    decorated = with_json(with_config(decorated))
    decorated = click.option("--office", type=OFFICE, help="经办机构代码 code of the office.")(decorated)
    decorated = click.option("--reviewed-by", type=STAFF, help="复核人工号 staff number of the reviewer.")(decorated)
    decorated = click.option("--by", type=STAFF, required=True, help="经办人工号 staff number of the handler.")(
        decorated
    )
    decorated = click.argument("case")(decorated)
    command: click.Command = click.command(name=name)(decorated)
    example = f"jiexu {name} CASE --by D0117 --reviewed-by D0232{_needed(command)}"
    command.help = f"{spec.zh}。\n\n{spec.en}\n\n\b\n例 Example:  {example}\n接下来 Next:   jiexu timeline CASE\n"
    return command


def _needed(command: click.Command) -> str:
    """The options that this act cannot do without, as an example writes them."""
    words = ""
    for param in command.params:
        if isinstance(param, click.Option) and param.required and param.name != "by":
            value = "…"
            match param.type:
                case click.Choice(choices=choices):
                    value = choices[0]
                case Plain(example=example):
                    value = example
                case Yuan():
                    value = "1234.50"
                case click.types.IntParamType():
                    value = "2"
            words += f" {param.opts[0]} {value}"
    return words


def _act(
    spec: Act,
    case: str,
    by: str,
    reviewed_by: str | None,
    office: str | None,
    config_file: Path,
    as_json: bool,
    details: dict[str, Any],
) -> None:
    from jiexu.case.event import Role
    from jiexu.case.words import EVENT, word
    from jiexu.rules.check_table import CHECKS
    from jiexu.service.clerk import ActRefused, Clerk, Desk
    from services.inbound import InboundPart
    from services.outbound import OutboundPart

    given = {name: value for name, value in details.items() if value is not None}
    if spec.act == "notify":
        given["given_at"] = datetime.now(UTC)
    with opened_to_write(config_file) as agency:
        if "region" in given:
            given["region"] = find_region(given["region"], agency.places).code
        if unknown := [code for code in given.get("codes", ()) if code not in CHECKS]:
            raise Failure(
                "unknown_check",
                f"没有校验 {'、'.join(unknown)}，全部代码见 jiexu rules checks",
                f"there is no check {', '.join(unknown)}: see jiexu rules checks",
            )
        clerk = Clerk(agency, {Role.OUTBOUND: OutboundPart(), Role.INBOUND: InboundPart()})
        try:
            events = clerk.act(case_id_of(agency, case), spec.act, Desk(by, reviewed_by, office), **given)
        except ActRefused as why:
            exit_code = 3 if why.code == "ledger_unreachable" else NO
            raise Failure(why.code, why.zh, why.en, exit_code) from None
    if as_json:
        print_json([{"type": e.type, "hand": e.hand, "seq": e.seq, "event_id": e.event_id} for e in events])
        return
    for event in events:
        words = word(EVENT, event.type).in_(language())
        click.echo(say(f"已办：{words}（第 {event.seq} 号）", f"done: {words} (seq {event.seq})"))


for _name, _spec in ACTS.items():
    act.add_command(_command(_name, _spec))
