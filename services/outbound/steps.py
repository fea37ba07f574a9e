"""转出地的步骤: answer, form, money out. What each reads from the platform, does there, and issues."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from jiexu.case.event import Draft, Event, Role
from jiexu.case.hands import ZERO
from jiexu.case.money import arrived_of, may_still_be_sent
from jiexu.journal.port import NewClaim
from jiexu.region.platform import Act, ActKey, Debit, FormFacts, PayOut, Send
from jiexu.rules.facts import Scheme
from jiexu.rules.money import money_outcome
from jiexu.service.agency import Agency
from jiexu.service.answering import answers, lodge_anew, moved_by_another
from jiexu.service.work import Decision, ForClerk, Outcome, Work

# After this many refusals by the bank a person looks before money is sent once more.
REFUSALS_BEFORE_A_CLERK = 2
# Money of these outcomes leaves the person's account; where it stays usable the account keeps it.
_LEAVES_THE_ACCOUNT = ("transfer", "pay_to_person", "pay_to_heirs")


class OutboundPart:
    """What the loops of the outbound service add for this role."""

    role = Role.OUTBOUND

    def decide(self, agency: Agency, step: str, works: Sequence[Work]) -> Sequence[Outcome]:
        """The decision of one step in each of these cases."""
        match step:
            case "answer":
                return answers(agency, self.role, works)
            case "lodge_anew":
                return lodge_anew(agency, works)
            case "upload":
                return self._forms(agency, works, answering=False)
            case "answer_form_query":
                return self._forms(agency, works, answering=True)
            case "remit" | "remit_difference" | "send_again":
                return [self._remittance(agency, work, step) for work in works]
            case "pay_out":
                return [self._pay_out(work) for work in works]
        return [None for _ in works]

    def act(self, agency: Agency, work: Work, claim: NewClaim, spec: Mapping[str, Any]) -> Act:
        """The act that a claim's specification means."""
        identity = work.identity
        if identity is None:
            raise LookupError(f"{work.case_id}: the person's identity is not disclosed here")
        key = ActKey(work.case_id, claim.step, str(claim.n))
        scheme = Scheme(work.application["from_scheme"])
        match spec["act"]:
            case "Debit":
                return Debit(
                    ActKey(work.case_id, "debit", str(spec["version"])), identity, scheme, Decimal(spec["level"])
                )
            case "Send":
                return Send(
                    key=key,
                    reference=spec["reference"],
                    amount=Decimal(spec["amount"]),
                    from_region=agency.region,
                    to_region=work.partner,
                    bank_account=spec["bank_account"],
                    payee=identity.name,
                    document_number=identity.document_number,
                )
            case "PayOut":
                return PayOut(key, spec["bank_reference"], Decimal(spec["amount"]), identity.name)
        raise LookupError(f"{spec['act']}: no act of the outbound side")

    def booked(self, agency: Agency, works: Sequence[Work]) -> Sequence[tuple[Draft, ...]]:
        """Refused remittances and returns that came back, as the bank's book has them."""
        wanted: list[list[str]] = []
        for work in works:
            view = work.case.view
            back = {m.reference for m in view.outbound.return_arrivals}
            sent = [
                r.reference
                for r in view.outbound.remittances
                if not r.failed and arrived_of(view.inbound, r.reference) is None
            ]
            due = [r.return_reference for r in view.inbound.returns if r.return_reference not in back]
            wanted.append(sent + due)
        references = [reference for group in wanted for reference in group]
        lines = agency.platform.lines_of(references) if references else {}
        booked = []
        for group in wanted:
            drafts = []
            for reference in group:
                line = next((x for x in lines.get(reference, ()) if x.kind in ("refused", "returned")), None)
                if line is None:
                    continue
                if line.kind == "refused":
                    reason = line.reason if line.reason in _REFUSALS else "other"
                    body = {"reference": reference, "reason": reason, "bank_date": line.bank_date}
                    drafts.append(Draft("RemittanceFailed", body))
                else:
                    body = {
                        "return_reference": reference,
                        "amount": line.amount,
                        "bank_date": line.bank_date,
                        "serial": line.serial,
                    }
                    drafts.append(Draft("ReturnArrived", body))
            booked.append(tuple(drafts))
        return booked

    def clerk_act(self, agency: Agency, work: Work, name: str, details: Mapping[str, Any]) -> Decision | None:
        """Send an amount that the clerk names."""
        if name == "remit_amount":
            return remittance_decision(agency, work, "remit", Decimal(details["amount"]))
        return None

    # --- the information form

    def _forms(self, agency: Agency, works: Sequence[Work], answering: bool) -> list[Outcome]:
        """The form as the platform states it now: version 1, or the answer to a query where it has changed."""
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
            if work.case_id in moved:
                stop = moved[work.case_id]
                zh = f"该参保关系已由另一案件转出或正在转出：{stop.code} {stop.zh}。请核对，本案应撤回"
                en = f"another case moves this relation, or has moved it: {stop.code} {stop.en}. Withdraw this one"
                outcomes.append(ForClerk(step, "moved_by_another", zh, en))
                continue
            found = facts.get(work.case_id)
            if found is None:
                zh, en = "登记库中查无此人，无法生成信息表", "the registry does not know the person: no form"
                outcomes.append(ForClerk(step, "person_unknown", zh, en))
                continue
            if found.account is not None and found.account.amount < 0:  # it was checked before acceptance (OUT-03)
                zh, en = "个人账户已透支，请先结清", "the account is overdrawn: settle that first"
                outcomes.append(ForClerk(step, "account_overdrawn", zh, en))
                continue
            body = form_body(agency, work, found)
            latest = latest_form(work)
            if answering and latest is not None and _same_content(latest.body, body):
                outcomes.append(
                    ForClerk(
                        step, "nothing_changed", "登记数据未变，请说明或更正", "the registry has not changed: explain"
                    )
                )
                continue
            outcomes.append(form_decision(step, body, has_account=found.account is not None))
        return outcomes

    # --- money

    def _remittance(self, agency: Agency, work: Work, step: str) -> Outcome:
        view = work.case.view
        amount = may_still_be_sent(view.outbound, view.inbound)
        refusals = sum(1 for r in view.outbound.remittances if r.failed)
        if step == "send_again" and refusals >= REFUSALS_BEFORE_A_CLERK:
            zh, en = (
                f"银行已拒付 {refusals} 次，请核对收款账户",
                f"the bank refused {refusals} times: check the account",
            )
            return ForClerk(step, "refused_again", zh, en)
        return remittance_decision(agency, work, step, amount)

    def _pay_out(self, work: Work) -> Outcome:
        view = work.case.view
        form = view.form
        assert form is not None, "pay_out is a step only where a form says so"
        n = len(view.outbound.paid_out) + 1
        amount = form.amount - view.paid_out
        reference = f"{work.case_id}P{n}"
        body = {
            "to": form.outcome.removeprefix("pay_to_"),
            "amount": amount,
            "bank_reference": reference,
            "payee": work.identity.name if work.identity else None,
        }
        act = {"act": "PayOut", "bank_reference": reference, "amount": str(amount)}
        return Decision("pay_out", (Draft("BalancePaidOut", body),), (act,), n)


_REFUSALS = ("account_unknown", "name_differs", "account_closed", "other")


def remittance_decision(agency: Agency, work: Work, step: str, amount: Decimal) -> Decision:
    """Send an amount under a new reference; where a balance query is open, the remittance answers it."""
    view = work.case.view
    n = len(view.outbound.remittances) + 1
    reference = f"{work.case_id}R{n}"
    body = work.application
    account = agency.participants.bank_account(work.partner, agency.today())
    version = str(account.version) if account else body["bank_account"]
    return Decision(
        step,
        (
            Draft(
                "BalanceRemitted",
                {
                    "reference": reference,
                    "amount": amount,
                    "answers": view.inbound.balance_query if view.balance_query_open else None,
                    "batch_reference": None,
                    "line": None,
                    "sent_on": agency.today(),
                    "bank_account": version,
                    "payee": work.identity.name if work.identity else None,
                },
            ),
        ),
        ({"act": "Send", "reference": reference, "amount": str(amount), "bank_account": version},),
        n,
    )


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


def form_body(agency: Agency, work: Work, facts: FormFacts) -> dict[str, Any]:
    """The next version of the form, personal values still in plain text (domain.md §7)."""
    application, view, office = work.application, work.case.view, agency.config.office
    account = facts.account
    amount = account.amount if account else ZERO
    outcome = money_outcome(
        work.ruleset,
        from_scheme=Scheme(application["from_scheme"]),
        to_scheme=Scheme(application["to_scheme"]),
        amount=amount,
        inbound_has_account=application["to_scheme"] == "employee",
        inbound_has_outpatient_pooling=agency.participants.has_outpatient_pooling(work.partner, agency.today()),
    )
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
