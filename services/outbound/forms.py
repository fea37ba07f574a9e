"""信息表: where its money goes, what it states, and what keeps it from going out."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from jiexu.case.event import Draft, Event, Role
from jiexu.case.hands import ZERO
from jiexu.region.platform import FormFacts
from jiexu.rules.facts import Scheme
from jiexu.rules.layers import MoneyOutcome
from jiexu.rules.money import money_outcome
from jiexu.service.agency import Agency
from jiexu.service.answering import moved_by_another
from jiexu.service.work import Decision, ForClerk, Outcome, Work

# Money of these outcomes leaves the person's account; where it stays usable the account keeps it.
_LEAVES_THE_ACCOUNT = ("transfer", "pay_to_person", "pay_to_heirs")


def forms(agency: Agency, works: Sequence[Work], answering: bool, choice: str | None = None) -> list[Outcome]:
    """The form as the platform states it now: version 1, or the answer to a query where it has changed.

    `choice` is what the person wants with the money (`transfer`, `pay_to_person`), where the rules leave a choice:
    without one the case waits for it.
    """
    cases = [
        (work.case_id, who, Scheme(work.application["from_scheme"]))
        for work in works
        if (who := work.identity) is not None
    ]
    facts = dict(zip([c[0] for c in cases], agency.platform.form_facts(cases, agency.today()), strict=True))
    step = "answer_form_query" if answering else "upload"
    moved = moved_by_another(agency, [work for work in works if work.case.view.form is None])
    outcomes: list[Outcome] = []
    for work in works:
        if stop := moved.get(work.case_id):
            zh = f"该参保关系已由另一案件转出或正在转出：{stop.code} {stop.zh}。请核对，本案应撤回"
            en = f"another case moves this relation, or has moved it: {stop.code} {stop.en}. Withdraw this one"
            outcomes.append(ForClerk(step, "moved_by_another", zh, en))
        else:
            outcomes.append(_form(agency, work, step, facts.get(work.case_id), choice))
    return outcomes


def _form(agency: Agency, work: Work, step: str, facts: FormFacts | None, choice: str | None) -> Outcome:
    if facts is None:
        return ForClerk(
            step, "person_unknown", "登记库中查无此人，无法生成信息表", "the registry does not know the person: no form"
        )
    if facts.account is not None and facts.account.amount < 0:  # it was checked before acceptance (OUT-03)
        return ForClerk(
            step, "account_overdrawn", "个人账户已透支，请先结清", "the account is overdrawn: settle that first"
        )
    if facts.held_by is not None and not _known(agency, facts.held_by):
        zh = f"平台显示该参保关系由案件 {facts.held_by} 占用，而本地日志没有该案件：日志可能有缺，请与对方核对、取回"
        en = f"by the platform case {facts.held_by} holds the relation, and this journal lacks it: find what is lost"
        return ForClerk(step, "held_by_unknown", zh, en)
    outcome = outcome_of(agency, work, facts, choice)
    if outcome is None:
        zh = "规则允许本人选择转移或一次性发还个人账户余额，请询问本人（--money）"
        en = "the rules let the person choose between transfer and pay-out: ask, and say --money"
        return ForClerk(step, "money_choice", zh, en)
    if choice == "pay_to_person" != outcome:
        zh, en = "规则不允许本案将余额发还本人", "the rules do not let the money be paid to the person here"
        return ForClerk(step, "no_choice", zh, en)
    body = form_body(agency, work, facts, outcome)
    latest = latest_form(work)
    if step == "answer_form_query" and latest is not None and _same_content(latest.body, body):
        return ForClerk(step, "nothing_changed", "登记数据未变，请说明或更正", "the registry has not changed: explain")
    return form_decision(step, body, has_account=facts.account is not None)


def _known(agency: Agency, case_id: str) -> bool:
    """Whether the journal has a case. One that ended is let go of on the platform a moment later."""
    with agency.journal.read() as read:
        return bool(read.heads([case_id]))


def latest_form(work: Work) -> Event | None:
    """The event that holds the latest form."""
    form = work.case.view.form
    return None if form is None else work.case.event(Role.OUTBOUND, form.seq)


def form_decision(step: str, body: dict[str, Any], has_account: bool) -> Decision:
    """Issue a form once the person's account is debited to the form's level; without an account there is no act."""
    version, level = body["version"], body["account"]["debited"]
    if not has_account:
        return Decision(step, (Draft("InformationFormUploaded", body),), n=version)
    return Decision(
        step,
        (Draft("InformationFormUploaded", body),),
        ({"act": "Debit", "level": str(level), "version": version},),
        version,
    )


def outcome_of(agency: Agency, work: Work, facts: FormFacts, choice: str | None = None) -> MoneyOutcome | None:
    """Where the form's money goes (domain.md §2). None where the person chooses, and has not, nor for a form before."""
    form = work.case.view.form
    if choice is None and form is not None and form.outcome in ("transfer", "pay_to_person"):
        choice = form.outcome
    inbound, today = work.partner, agency.today()

    def outcome(chosen: Literal["pay_to_person"] | None) -> MoneyOutcome:
        return money_outcome(
            work.ruleset,
            from_scheme=Scheme(work.application["from_scheme"]),
            to_scheme=Scheme(work.application["to_scheme"]),
            amount=facts.account.amount if facts.account else ZERO,
            inbound_has_account=work.application["to_scheme"] == "employee",
            inbound_has_outpatient_pooling=agency.participants.has_outpatient_pooling(inbound, today),
            choice=chosen,
        )

    moved, paid = outcome(None), outcome("pay_to_person")
    if moved != paid and choice is None:
        return None
    return paid if choice == "pay_to_person" else moved


def form_body(agency: Agency, work: Work, facts: FormFacts, outcome: MoneyOutcome) -> dict[str, Any]:
    """The next version of the form, personal values still in plain text (domain.md §7)."""
    application, view, office = work.application, work.case.view, agency.config.office
    account = facts.account
    amount = account.amount if account else ZERO
    person = facts.identity
    version = view.form.version + 1 if view.form else 1
    return {
        "version": version,
        "answers": view.inbound.form_query if view.form_query_open else None,
        "form_number": f"{agency.region}-{work.case_id}-{version}",
        "person": {
            "name": person.name,
            "document_type": person.document_type,
            "document_number": person.document_number,
            "sex": facts.sex,
            "birth_date": facts.birth_date.isoformat() if facts.birth_date else None,
            "phone": None,
            "person_number": facts.person_number,
            "household": None,
        },
        "outbound": {
            "region": agency.region,
            "agency": office.name,
            "address": office.address,
            "postcode": office.postcode,
            "phone": office.phone,
        },
        "inbound": {
            "region": work.partner,
            "agency": agency.places.pooling_region(work.partner).name,
            "address": None,
            "postcode": None,
            "phone": None,
        },
        "from_scheme": application["from_scheme"],
        "to_scheme": application["to_scheme"],
        "periods": [
            {
                "region": row.region,
                "scheme": row.scheme,
                "first_month": row.first_month,
                "last_month": row.last_month,
                "months": row.months,
                "kind": row.kind,
                "brought_in": row.brought_in,
            }
            for row in facts.rows
        ],
        "totals": {
            "actual_months": sum(row.months for row in facts.rows if row.kind == "actual"),
            "deemed_months": sum(row.months for row in facts.rows if row.kind == "deemed"),
            "first_insured": facts.first_insured,
            "account_opened_on": account.opened_on if account else None,
        },
        "account": {
            "balance": account.balance if account else ZERO,
            "interest": account.interest if account else ZERO,
            "unearned_allocation": account.unearned_allocation if account else ZERO,
            "settled_claims": account.settled_claims if account else ZERO,
            "other_lines": [{"name": name, "amount": line} for name, line in (account.other_lines if account else ())],
            "amount": amount,
            "debited": amount if outcome in _LEAVES_THE_ACCOUNT else ZERO,
            "outcome": outcome,
        },
        "issued_on": agency.today(),
    }


def _same_content(stands: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether two versions state the same months and money; digests and dates differ anyway."""
    return all(list(stands[k]) == list(now[k]) if k == "periods" else stands[k] == now[k] for k in _CONTENT)


_CONTENT = ("periods", "totals", "account")
