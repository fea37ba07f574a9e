"""What both roles do with somebody else's application, and with a case that was forwarded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from jiexu.case.event import Draft, Party, Role
from jiexu.journal.port import Reads
from jiexu.region.directory.problem import DirectoryError
from jiexu.rules.checks import Outcome as CheckOutcome
from jiexu.rules.checks import Verdict, refusals, unknowns
from jiexu.rules.facts import Application, Identity, Scheme
from jiexu.rules.ruleset import ruleset_for
from jiexu.service.agency import Agency
from jiexu.service.checking import Asked, check_results, judge, reasons
from jiexu.service.counter import Lodging, anew_id, lodge
from jiexu.service.doubt import hear_first
from jiexu.service.lost_events import cases_with_lost_events
from jiexu.service.moves import moved_by_others
from jiexu.service.persons import person_key
from jiexu.service.work import Decision, ForClerk, Outcome, Work

UNHEARD_RETRY = timedelta(minutes=10)
MAX_HOPS = 2  # domain.md §10: a misrouted case is lodged anew at most twice


def application_of(work: Work, identity: Identity) -> Application:
    """The application that a case began with, as the checks want it."""
    body = work.application
    overlap = body["overlap"]
    return Application(
        identity=identity,
        outbound=body["outbound"]["region"],
        inbound=body["inbound"]["region"],
        from_scheme=Scheme(body["from_scheme"]),
        to_scheme=Scheme(body["to_scheme"]),
        applied_on=body["applied_on"],
        applicant=body["applicant"],
        applicant_name="·" if body["applicant_name"] else None,
        authority="·" if body["authority"] else None,
        procedure=body["procedure"],
        scope=body["scope"],
        overlap_kept=Role(overlap["kept"]) if overlap else None,
    )


def answers(agency: Agency, role: Role, works: Sequence[Work]) -> list[Outcome]:
    """Accept, reject with every ground, forward, or wait for a clerk. Outbound accepts only with the person's row."""
    judged = _judged(agency, role, works)
    return [
        _answer(agency, role, work, judged[work.case_id])
        if work.case_id in judged
        else ForClerk(
            "answer",
            "identity_missing",
            "缺少身份信息，无法核验；已请对方补送",
            "the identity was not disclosed; the other side is asked for it",
        )
        for work in works
    ]


def accepted_by_clerk(agency: Agency, role: Role, work: Work, overlap: object) -> Outcome:
    """A clerk accepts: says what nobody else could say of the person, but sets no ground of refusal aside."""
    judged = _judged(agency, role, [work]).get(work.case_id)
    if judged is None:
        zh, en = "缺少身份信息，尚不能受理；已请对方补送", "the identity is not disclosed yet: nothing can be accepted"
        return ForClerk("accept", "identity_missing", zh, en)
    refused = refusals(judged.verdicts)
    if refused:
        zh, en = ("；".join(f"{v.code} {v.zh}" for v in refused), "; ".join(f"{v.code} {v.en}" for v in refused))
        return ForClerk(
            "accept",
            "grounds_stand",
            f"不符合受理条件：{zh}。登记有误的先更正登记，否则不予受理",
            f"grounds of refusal stand: {en}. Where the registry is wrong put that right first, else reject",
        )
    return _acceptance(agency, role, "accept", judged, overlap)


def moved_by_another(agency: Agency, works: Sequence[Work]) -> dict[str, Verdict]:
    """Accepted cases whose relation another case moves, or has moved, and the check that says so (OUT-02, OUT-10).

    So with one that was lost with the journal and taken back after the person had applied anew, and was accepted.
    """
    named = [(work, who) for work in works if (who := work.identity) is not None]
    with agency.journal.read() as read:
        doubtful = [work for work, who in named if _has_another(agency, read, work, who)]
    stops: dict[str, Verdict] = {}
    for case_id, judged in _judged(agency, Role.OUTBOUND, doubtful).items() if doubtful else ():
        stop = next((v for v in refusals(judged.verdicts) if v.code in ("OUT-02", "OUT-10")), None)
        if stop is not None:
            stops[case_id] = stop
    return stops


def _has_another(agency: Agency, read: Reads, work: Work, who: Identity) -> bool:
    key = person_key(agency.index_key, who.document_type, who.document_number)
    scheme = work.application["from_scheme"]
    holder = read.row_holder(key, scheme)
    return holder not in (None, work.case_id) or bool(moved_by_others(read, key, scheme, work.case_id))


class _Judged(NamedTuple):
    ruleset: str
    verdicts: Sequence[Verdict]
    as_of: int


def _judged(agency: Agency, role: Role, works: Sequence[Work]) -> dict[str, _Judged]:
    """What the checks say of each case whose person is known here."""
    known = [(work, who) for work in works if (who := work.identity) is not None]
    asked = []
    for work, who in known:
        application = application_of(work, who)
        ruleset = ruleset_for(application.outbound, application.inbound, agency.today())
        asked.append(Asked(application, ruleset, is_lodger=False, case_id=work.case_id, other_identity=who))
    verdicts, as_of = judge(agency, role, asked)
    return {
        work.case_id: _Judged(one.ruleset.id, found, as_of)
        for (work, _), one, found in zip(known, asked, verdicts, strict=True)
    }


def _answer(agency: Agency, role: Role, work: Work, judged: _Judged) -> Outcome:
    verdicts = judged.verdicts
    refused = refusals(verdicts)
    elsewhere = _moved_to(agency, work, refused)
    if elsewhere is not None and work.application["hops"] < MAX_HOPS:
        forward: dict[str, object] = {
            "region": elsewhere,
            "office": None,
            "reason": "wrong_region",
            "explanation": None,
        }
        return Decision("answer", (Draft("CaseForwarded", forward),))
    if refused:
        return Decision("answer", (_rejection(verdicts),))
    open_points = unknowns(verdicts)
    if open_points:
        codes = "、".join(v.code for v in open_points)
        return ForClerk("answer", "not_established", f"未能核实：{codes}", f"not established: {codes}")
    return _acceptance(agency, role, "answer", judged, None)


def _acceptance(agency: Agency, role: Role, step: str, judged: _Judged, overlap: object) -> Decision:
    account = agency.participants.bank_account(agency.region, agency.today()) if role is Role.INBOUND else None
    body: dict[str, object] = {
        "checks": check_results(judged.verdicts, established=True),
        "overlap": overlap,
        "bank_account": str(account.version) if account else None,
    }
    taken = replace_code(_rejection(()), "OUT-10")
    return Decision(
        step,
        (Draft("TransferAccepted", body),),
        row_as_of=judged.as_of if role is Role.OUTBOUND else None,
        instead=(taken,),
        ruleset=judged.ruleset,
    )


def _moved_to(agency: Agency, work: Work, refused: Sequence[Verdict]) -> str | None:
    """The region that a relation went to, where that is the only ground: the case was lodged at the wrong one.

    Not where it went to the case's other side already, by another case: nothing is left to lodge there.
    """
    grounds = [v for v in refused if v.outcome is CheckOutcome.FAILED]
    if len(grounds) == 1 and grounds[0].code == "OUT-02":
        region = grounds[0].refers_to
        if region not in (None, agency.region, work.partner) and region in agency.participants.regions:
            return region
    return None


def _rejection(verdicts: Sequence[Verdict]) -> Draft:
    survivor = next((v.refers_to for v in refusals(verdicts) if v.code == "OUT-10"), None)
    return Draft("TransferRejected", {"reasons": reasons(verdicts), "survivor": survivor, "explanation": None})


def replace_code(draft: Draft, code: str) -> Draft:
    """A rejection with one ground."""
    return replace(draft, body={**draft.body, "reasons": [{"code": code, "text": None}]})


def _pooling_region(agency: Agency, code: str) -> str:
    """The pooling region of a code that a partner named, perhaps a county's; the counter turns back what is none."""
    try:
        return agency.places.resolve(code).pooling_region.code
    except DirectoryError:
        return code


def lodge_anew(agency: Agency, works: Sequence[Work]) -> list[Outcome]:
    """The lodger lodges a forwarded case anew at the named region, linked, the date of application kept."""
    outcomes: list[Outcome] = []
    for work in works:
        if work.case.view.hand(work.role).withdrawn:  # crossed with the forwarding: the applicant has stepped back
            outcomes.append(None)
            continue
        who = work.identity
        role = work.role.other
        forwarded = work.case.event(role, work.case.view.hand(role).forwarded).body
        region = _pooling_region(agency, forwarded["region"])
        new_id = anew_id(work.case_id)
        with agency.journal.read() as read:
            if read.heads([new_id]):
                outcomes.append(None)
                continue
            lost = new_id in cases_with_lost_events(read)
        # The id is derived: the case may have been lodged once, and been lost with the journal since.
        if lost or hear_first(agency, Party(region, role)):
            with agency.journal.write() as write:
                write.put_on_agenda([work.case_id], write.now + UNHEARD_RETRY)
            outcomes.append(None)
            continue
        if who is None or work.application["hops"] >= MAX_HOPS:
            outcomes.append(
                ForClerk(
                    "lodge_anew", "too_many_hops", "已转办两次，请人工处理", "forwarded twice: a clerk must decide"
                )
            )
            continue
        before = application_of(work, who)
        outbound = role is Role.OUTBOUND
        application = replace(before, outbound=region) if outbound else replace(before, inbound=region)
        lodging = Lodging(
            application,
            channel=work.application["channel"],
            forwarded_from=work.case_id,
            hops=work.application["hops"] + 1,
            case_id=new_id,
        )
        (answer,) = lodge(agency, [lodging])
        if answer.outcome == "turned_back":
            ground = answer.grounds[0]
            outcomes.append(ForClerk("lodge_anew", ground.code, ground.zh, ground.en))
        else:
            outcomes.append(None)
    return outcomes
