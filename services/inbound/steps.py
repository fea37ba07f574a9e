"""转入地的步骤: answer, take the relation over, match and credit the money, send back what is not due."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from jiexu.case.event import Draft, Event, Role
from jiexu.case.hands import ZERO
from jiexu.case.money import arrived_of, credited_net, uncredited
from jiexu.case.steps import completing_step
from jiexu.journal.port import NewClaim
from jiexu.region.platform import (
    Act,
    BankLine,
    Credit,
    MonthRow,
    RecordMonths,
    Return,
    TakeBack,
    UnrecordMonths,
)
from jiexu.rules.continuity import continuity
from jiexu.rules.facts import PersonFacts, Scheme
from jiexu.rules.months import Kind, Period
from jiexu.service.agency import Agency
from jiexu.service.answering import answers, lodge_anew
from jiexu.service.unreported import act_key
from jiexu.service.work import Decision, ForClerk, Outcome, Work

_COMPLETING = {"complete": "TransferCompleted", "complete_again": "TransferCompleted", "amend": "CompletionAmended"}


class InboundPart:
    """What the loops of the inbound service add for this role."""

    role = Role.INBOUND

    def decide(self, agency: Agency, step: str, works: Sequence[Work]) -> Sequence[Outcome]:
        """The decision of one step in each of these cases."""
        match step:
            case "answer":
                return answers(agency, self.role, works)
            case "lodge_anew":
                return lodge_anew(agency, works)
            case "complete" | "amend" | "complete_again":
                return completions(agency, works, step)
            case "credit":
                return [_credit(work) for work in works]
            case "return_uncredited" | "return_excess":
                return [_return_uncredited(work) for work in works]
            case "take_back":
                return [_take_back(work) for work in works]
        return [None for _ in works]

    def act(self, agency: Agency, work: Work, claim: NewClaim, spec: Mapping[str, Any]) -> Act:
        """The act that a claim's specification means."""
        key = act_key(work.case_id, claim.step, claim.n, spec)
        if spec["act"] == "Return":
            return Return(
                key=key,
                return_reference=spec["return_reference"],
                reference=spec["reference"],
                amount=Decimal(spec["amount"]),
                from_region=agency.region,
                to_region=work.partner,
            )
        identity = work.identity
        if identity is None:
            raise LookupError(f"{work.case_id}: the person's identity is not disclosed here")
        scheme = Scheme(work.application["to_scheme"])
        match spec["act"]:
            case "RecordMonths":
                return RecordMonths(key, identity, scheme, month_rows(form_event(work, spec["version"])))
            case "UnrecordMonths":
                return UnrecordMonths(key, identity, scheme)
            case "Credit":
                return Credit(key, identity, scheme, spec["reference"], Decimal(spec["amount"]))
            case "TakeBack":
                return TakeBack(key, identity, scheme, spec["reference"], Decimal(spec["amount"]))
        raise LookupError(f"{spec['act']}: no act of the inbound side")

    def clerk_act(self, agency: Agency, work: Work, name: str, details: Mapping[str, Any]) -> Outcome:
        """Complete with the choice of months, undo a completion; credit an amount, send one back, credited or not."""
        match name:
            case "complete":
                step = completing_step(work.case.view)
                return completions(agency, [work], step, kept=details["kept"])[0]
            case "reverse":
                body = {"reason": details["reason"], "explanation": details.get("text")}
                n = work.times("CompletionReversed") + 1
                return Decision("reverse", (Draft("CompletionReversed", body),), ({"act": "UnrecordMonths"},), n)
            case "credit_amount":
                return credit_decision(work, details["reference"], Decimal(details["amount"]))
            case "return_amount":
                amount = Decimal(details["amount"])
                return return_decision(work, details["reference"], amount, "uncredited", details["reason"])
            case "take_back":
                reference, amount = details["reference"], Decimal(details["amount"])
                act = {"act": "TakeBack", "reference": reference, "amount": str(amount)}
                return return_decision(work, reference, amount, "credited", details["reason"], (act,))
        return None

    def booked(self, agency: Agency, works: Sequence[Work]) -> Sequence[tuple[Draft, ...]]:
        """Arrivals that the bank's book has and the hand has not, with the query where the amount differs."""
        wanted = [[r.reference for r in work.case.view.outbound.remittances] for work in works]
        references = [reference for group in wanted for reference in group]
        lines = agency.platform.lines_of(references) if references else {}
        own = _first_uses(agency, works, wanted, lines)
        querying = agency.config.mode(self.role, "query_balance") == "auto"
        booked = []
        for work, group in zip(works, wanted, strict=True):
            view = work.case.view
            serials = {a.serial for a in view.inbound.arrivals}
            drafts = []
            for reference in group:
                found = own.get((work.case_id, reference), ())
                new = [x for x in found if x.kind == "arrived" and x.serial not in serials]
                drafts += [
                    Draft(
                        "BalanceArrived",
                        {"reference": reference, "amount": x.amount, "bank_date": x.bank_date, "serial": x.serial},
                    )
                    for x in new
                ]
                remittance = view.outbound.remittance(reference)
                assert remittance is not None, "the references are those of the hand"
                total = (arrived_of(view.inbound, reference) or ZERO) + sum((x.amount for x in new), ZERO)
                asks = new and total != remittance.amount and not remittance.void and querying
                if asks and not view.balance_query_open and (view.live or view.completed):
                    drafts.append(_amount_differs(reference, remittance.amount, total))
            booked.append(tuple(drafts))
        return booked


def _first_uses(
    agency: Agency,
    works: Sequence[Work],
    wanted: Sequence[Sequence[str]],
    lines: Mapping[str, Sequence[BankLine]],
) -> dict[tuple[str, str], Sequence[BankLine]]:
    """The bank's lines by case and reference. Where two cases name one reference, the money is the first one's."""
    found: dict[tuple[str, str], Sequence[BankLine]] = {}
    if not lines:
        return found
    with agency.journal.read() as read:
        for work, group in zip(works, wanted, strict=True):
            for reference in group:
                if reference in lines and read.case_of_reference("remittance", reference) == work.case_id:
                    found[work.case_id, reference] = lines[reference]
    return found


def _amount_differs(reference: str, expected: Decimal, found: Decimal) -> Draft:
    return Draft(
        "BalanceQueried",
        {
            "kind": "amount_differs",
            "reference": reference,
            "expected": expected,
            "found": found,
            "explanation": None,
        },
    )


# --- the relation


def form_event(work: Work, version: int) -> Event:
    """The event that holds a version of the form."""
    seq = next(form.seq for form in work.case.view.outbound.forms if form.version == version)
    return work.case.event(Role.OUTBOUND, seq)


def month_rows(form: Event) -> list[MonthRow]:
    """The form's periods as the platform records them."""
    return [
        MonthRow(
            region=row["region"],
            scheme=Scheme(row["scheme"]),
            first_month=row["first_month"],
            last_month=row["last_month"],
            months=row["months"],
            kind=row["kind"],
            brought_in=row["brought_in"],
        )
        for row in form.body["periods"]
    ]


def completions(agency: Agency, works: Sequence[Work], step: str, kept: str | None = None) -> list[Outcome]:
    """Take the relation over on the latest form: record its months, work out continuity (domain.md §8).

    Where months were paid on both sides the person chooses whose count (BOTH-05): in the application, or `kept`
    (`outbound` or `inbound`) as the clerk was told; without a choice the case waits for it.
    """
    known = [(work, who) for work in works if work.case.view.form and (who := work.identity) is not None]
    facts: dict[str, PersonFacts] = {}
    for scheme in Scheme:
        group = [(work, who) for work, who in known if work.application["to_scheme"] == scheme]
        found = agency.platform.facts([who for _, who in group], scheme, agency.today()) if group else []
        facts.update({work.case_id: fact for (work, _), fact in zip(group, found, strict=True)})
    outcomes: list[Outcome] = []
    for work in works:
        form = work.case.view.form
        if form is None:  # a clerk asks for it too early
            outcomes.append(None)
            continue
        if work.case_id not in facts:
            zh, en = "缺少身份信息，无法记入", "the identity is not disclosed: nothing can be recorded"
            outcomes.append(ForClerk(step, "identity_missing", zh, en))
            continue
        rows = month_rows(form_event(work, form.version))
        doubled = _doubled(rows, facts[work.case_id])
        stated = work.application["overlap"]
        choice = kept or (stated["kept"] if stated else None)
        if doubled and choice is None:
            zh = f"两地有 {len(doubled)} 个月重复参保，请本人选择（BOTH-05）"
            en = f"{len(doubled)} months were paid on both sides: the person chooses (BOTH-05)"
            outcomes.append(ForClerk(step, "BOTH-05", zh, en))
            continue
        overlap = {"months": sorted(doubled), "kept": choice} if doubled else None
        body = {
            "overlap": overlap,
            "version": form.version,
            "actual_months": sum(row.months for row in rows if row.kind == "actual"),
            "deemed_months": sum(row.months for row in rows if row.kind == "deemed"),
            "recorded_as": work.ruleset.switches(Role.INBOUND).recorded_as,
            "continuity": continuity_body(work, rows, facts[work.case_id], agency.today()),
        }
        n = work.times("TransferCompleted", "CompletionAmended") + 1
        act = {"act": "RecordMonths", "version": form.version}
        outcomes.append(Decision("complete", (Draft(_COMPLETING[step], body),), (act,), n))
    return outcomes


def _doubled(rows: Sequence[MonthRow], facts: PersonFacts) -> set[str]:
    """Months that the form states and that were paid here too."""
    here = set(facts.active_months or ())
    return {month for month in here if any(row.first_month <= month <= row.last_month for row in rows)}


def continuity_body(work: Work, rows: Sequence[MonthRow], facts: PersonFacts, today: date) -> dict[str, Any]:
    """Which rule of continuity fits, as the completion states it."""
    last = max((row.last_month for row in rows), default="")
    paid_here = sorted(month for month in facts.active_months or () if month > last)
    resumed = paid_here[0] if paid_here else f"{today:%Y-%m}"
    periods = [Period(row.region, row.scheme, row.first_month, row.last_month, Kind(row.kind)) for row in rows]
    found = continuity(
        periods,
        resumed,
        Scheme(work.application["from_scheme"]),
        Scheme(work.application["to_scheme"]),
        status_change=work.application["from_scheme"] != work.application["to_scheme"],
        w3_months=work.ruleset.w3_months,
    )
    return {
        "rule": found.rule.value,
        "gap_months": found.gap_months or 0,
        "wait_months": found.wait_months if found.wait_known else None,
        "wait_known": found.wait_known,
    }


# --- money


def _idle(work: Work) -> list[tuple[str, Decimal]]:
    """References with money that is neither credited nor returned, in the order it came."""
    inbound = work.case.view.inbound
    references = dict.fromkeys(a.reference for a in inbound.arrivals)
    return [(ref, left) for ref in references if (left := uncredited(inbound, ref)) > 0]


def _credit(work: Work) -> Outcome:
    view = work.case.view
    form = view.form
    if form is None:  # a clerk asks for it too early
        return None
    room = form.amount - credited_net(view.inbound)
    for reference, left in _idle(work):
        remittance = view.outbound.remittance(reference)
        if remittance is not None and not remittance.void:
            return credit_decision(work, reference, min(left, room))
    return None


def credit_decision(work: Work, reference: str, amount: Decimal) -> Decision:
    """Credit arrived money of a remittance to the person's account."""
    n = work.times("BalanceCredited") + 1
    act = {"act": "Credit", "reference": reference, "amount": str(amount)}
    return Decision("credit", (Draft("BalanceCredited", {"reference": reference, "amount": amount}),), (act,), n)


def return_decision(
    work: Work,
    reference: str,
    amount: Decimal,
    source: str,
    reason: str,
    before: Sequence[Mapping[str, Any]] = (),
) -> Decision:
    """Send money back under a new return reference, after the acts that free it (taking it back)."""
    n = work.times("BalanceReturned") + 1
    return_reference = f"{work.case_id}T{n}"
    body = {
        "reference": reference,
        "return_reference": return_reference,
        "amount": amount,
        "source": source,
        "reason": reason,
        "explanation": None,
    }
    act = {"act": "Return", "reference": reference, "return_reference": return_reference, "amount": str(amount)}
    return Decision("return", (Draft("BalanceReturned", body),), (*map(dict, before), act), n)


def _return_uncredited(work: Work) -> Outcome:
    ended = work.case.view.ended
    for reference, left in _idle(work):
        return return_decision(work, reference, left, "uncredited", "case_ended" if ended else "excess")
    return None


def _take_back(work: Work) -> Outcome:
    """What is credited and no longer due goes back out of the person's account, then to outbound."""
    view = work.case.view
    form = view.form
    reversed_now = bool(view.inbound.reversed) and not view.completed
    over = credited_net(view.inbound) - (ZERO if view.ended or reversed_now or form is None else form.amount)
    for reference in dict.fromkeys(c.reference for c in view.inbound.credits):
        amount = min(over, credited_net(view.inbound, reference))
        if amount > 0:
            reason = "case_ended" if view.ended else "reversed" if reversed_now else "corrected"
            act = {"act": "TakeBack", "reference": reference, "amount": str(amount)}
            return return_decision(work, reference, amount, "credited", reason, (act,))
    return None
