"""转出地的步骤: answer, form (forms.py), money out. What each reads from the platform, does there, and issues."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from jiexu.case.event import Draft, Role
from jiexu.case.money import arrived_of, may_still_be_sent
from jiexu.journal.port import NewClaim
from jiexu.region.platform import Act, Debit, PayOut, Send
from jiexu.rules.facts import Scheme
from jiexu.service.agency import Agency
from jiexu.service.answering import answers, lodge_anew
from jiexu.service.unreported import act_key
from jiexu.service.work import Decision, ForClerk, Outcome, Work
from services.outbound.forms import forms

# After this many refusals by the bank a person looks before money is sent once more.
REFUSALS_BEFORE_A_CLERK = 2


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
                return forms(agency, works, answering=False)
            case "answer_form_query":
                return forms(agency, works, answering=True)
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
        key = act_key(work.case_id, claim.step, claim.n, spec)
        scheme = Scheme(work.application["from_scheme"])
        match spec["act"]:
            case "Debit":
                key = act_key(work.case_id, "debit", spec["version"], spec)
                return Debit(key, identity, scheme, Decimal(spec["level"]))
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

    def clerk_act(self, agency: Agency, work: Work, name: str, details: Mapping[str, Any]) -> Outcome:
        """Upload a form with the person's choice about the money; send or pay out an amount that the clerk names."""
        match name:
            case "upload":
                return forms(agency, [work], answering=work.case.view.form_query_open, choice=details["money"])[0]
            case "remit_amount":
                return remittance_decision(agency, work, "remit", Decimal(details["amount"]))
            case "pay_out_amount":
                return self._pay_out(work, Decimal(details["amount"]))
        return None

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

    def _pay_out(self, work: Work, amount: Decimal | None = None) -> Decision | None:
        view = work.case.view
        form = view.form
        if form is None:  # a clerk asks for it too early
            return None
        n = len(view.outbound.paid_out) + 1
        amount = form.amount - view.paid_out if amount is None else amount
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
