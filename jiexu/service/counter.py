"""The lodger's counter: an application becomes a case, refused at once with every reason, or is turned back.

Turned back are applications that can be no case at all: a number that is none, a region that does not exist, two
regions that are one, a side that is not online. They leave no trace but the answer, which says what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from jiexu.case.case import Case
from jiexu.case.event import Draft, Role
from jiexu.region.directory.problem import DirectoryError
from jiexu.rules.checks import Verdict, refusals, routes, unknowns
from jiexu.rules.facts import Application
from jiexu.rules.identity import normalised, valid_document
from jiexu.rules.ruleset import Ruleset, ruleset_for
from jiexu.service.agency import Agency
from jiexu.service.checking import Asked, check_results, judge, reasons
from jiexu.service.issue import Decided, Signing, issue
from jiexu.service.persons import person_key


@dataclass(frozen=True, slots=True)
class Lodging:
    """An application with what the counter adds. Regions may be given by any code that belongs to them."""

    application: Application
    channel: str = "window"
    office: str | None = None
    handled_by: str = "auto"
    forwarded_from: str | None = None
    hops: int = 0
    case_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """Why an application was turned back, with what to do."""

    code: str
    zh: str
    en: str
    todo_zh: str = ""
    todo_en: str = ""


@dataclass(frozen=True, slots=True)
class Lodged:
    """The counter's answer: `lodged`, `refused` (a case that ended at the counter), or `turned_back` (no case)."""

    outcome: str
    case_id: str | None
    grounds: tuple[Ground, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


def lodge(agency: Agency, lodgings: Sequence[Lodging]) -> list[Lodged]:
    """Take applications in, all that can be in one transaction. The answers stand in the order given.

    A second application of one person waits for the first: the checks must find that in the journal (BOTH-04, OUT-10).
    """
    answers: list[Lodged | None] = [None] * len(lodgings)
    asked: dict[Role, list[tuple[int, Lodging, Application]]] = {Role.OUTBOUND: [], Role.INBOUND: []}
    for index, lodging in enumerate(lodgings):
        settled = _settle(agency, lodging.application)
        if isinstance(settled, Ground):
            answers[index] = Lodged("turned_back", None, (settled,))
        else:
            role, application = settled
            asked[role].append((index, lodging, application))
    for role, group in asked.items():
        while group:
            seen: set[tuple[str, str]] = set()
            now: list[tuple[int, Lodging, Application]] = []
            later: list[tuple[int, Lodging, Application]] = []
            for item in group:
                who = item[2].identity
                person = (who.document_type, normalised(who.document_number))
                (later if person in seen else now).append(item)
                seen.add(person)
            _lodge(agency, role, now, answers)
            group = later
    return [answer for answer in answers if answer is not None]


def dry_run(agency: Agency, application: Application) -> Lodged:
    """The checks as the counter would make them; nothing is written."""
    settled = _settle(agency, application)
    if isinstance(settled, Ground):
        return Lodged("turned_back", None, (settled,))
    role, application = settled
    asked = Asked(application, _ruleset(agency, application, None), is_lodger=True)
    (verdicts,) = judge(agency, role, [asked]).verdicts
    stops = _stops(verdicts)
    outcome = "refused" if refusals(verdicts) else "turned_back" if stops else "lodged"  # as `lodge` has it
    return Lodged(outcome, None, stops, tuple(verdicts))


def _settle(agency: Agency, application: Application) -> tuple[Role, Application] | Ground:
    """The own role, and the application with its regions as pooling regions."""
    identity = application.identity
    if not valid_document(identity.document_type, identity.document_number):
        return Ground(
            "document_number",
            "证件号码的校验位不正确",
            "the document number's check digit is wrong",
            "核对证件后重新填写",
            "compare it with the document and enter it again",
        )
    try:
        outbound = agency.places.resolve(application.outbound).pooling_region.code
        inbound = agency.places.resolve(application.inbound).pooling_region.code
    except DirectoryError as error:
        problem = error.problem
        return Ground(problem.code, problem.zh, problem.en, problem.todo_zh, problem.todo_en)
    if outbound == inbound:
        return Ground(
            "BOTH-03",
            f"转出地与转入地同属一个统筹区（{outbound}），不需办理转移接续",
            f"both sides belong to one pooling region ({outbound}): nothing is transferred",
            "在本统筹区内办理参保信息变更即可，缴费年限自动累计",
            "have the insurance data changed within the region; the months add up by themselves",
        )
    if agency.region not in (outbound, inbound):
        return Ground(
            "not_ours",
            f"转出地 {outbound}、转入地 {inbound} 均不是本统筹区（{agency.region}）",
            f"neither {outbound} nor {inbound} is this region ({agency.region})",
            "请到转出地或转入地经办机构申请",
            "apply at the agency of either of the two regions",
        )
    role = Role.OUTBOUND if agency.region == outbound else Role.INBOUND
    values = {name: getattr(application, name) for name in Application.__slots__}
    return role, Application(**{**values, "outbound": outbound, "inbound": inbound})


def _ruleset(agency: Agency, application: Application, office: str | None) -> Ruleset:
    return ruleset_for(application.outbound, application.inbound, agency.today(), office)


def _stops(verdicts: Sequence[Verdict]) -> tuple[Ground, ...]:
    """What turns an application back without a case: another route, or something that a clerk must find out first."""
    return tuple(
        Ground(v.code, v.zh, v.en, v.cure.zh if v.cure else "", v.cure.en if v.cure else "")
        for v in (*routes(verdicts), *unknowns(verdicts))
    )


def _lodge(
    agency: Agency, role: Role, group: Sequence[tuple[int, Lodging, Application]], answers: list[Lodged | None]
) -> None:
    rulesets = [_ruleset(agency, application, lodging.office) for _, lodging, application in group]
    asked = [
        Asked(application, ruleset, is_lodger=True)
        for (_, _, application), ruleset in zip(group, rulesets, strict=True)
    ]
    judged, as_of = judge(agency, role, asked)
    decided: list[Decided] = []
    places: list[tuple[int, list[Verdict]]] = []
    for (index, lodging, application), ruleset, verdicts in zip(group, rulesets, judged, strict=True):
        stops = _stops(verdicts)
        if stops and not refusals(verdicts):
            answers[index] = Lodged("turned_back", None, stops, tuple(verdicts))
            continue
        applied = Draft("TransferApplied", application_body(agency, role, lodging, application, verdicts))
        refused = Draft("TransferRejected", {"reasons": reasons(verdicts), "survivor": None, "explanation": None})
        taken = Draft(
            "TransferRejected", {"reasons": [{"code": "OUT-10", "text": None}], "survivor": None, "explanation": None}
        )
        fails = bool(refusals(verdicts))
        who = application.identity
        decided.append(
            Decided(
                case=Case(lodging.case_id or agency.new_id()),
                role=role,
                position=0,
                ruleset=ruleset.id,
                drafts=(applied, refused) if fails else (applied,),
                signing=Signing(lodging.office or agency.config.office.code, lodging.handled_by),
                person_key=person_key(agency.index_key, who.document_type, who.document_number),
                row_as_of=as_of if role is Role.OUTBOUND and not fails else None,
                instead=(applied, taken),
                send=not fails,
            )
        )
        places.append((index, verdicts))
    issue(agency, decided)
    for (index, verdicts), one in zip(places, decided, strict=True):
        refused_now = one.case.view.status == "refused_at_counter"
        answers[index] = Lodged("refused" if refused_now else "lodged", one.case.case_id, (), tuple(verdicts))


def application_body(
    agency: Agency, role: Role, lodging: Lodging, application: Application, verdicts: Sequence[Verdict]
) -> dict[str, Any]:
    """The body of TransferApplied, personal values still in plain text."""
    account = agency.participants.bank_account(application.inbound, agency.today())
    who = application.identity
    overlap = [month for v in verdicts if v.code == "BOTH-05" for month in v.details]
    offices: dict[Role, str | None] = {role: lodging.office or agency.config.office.code, role.other: None}
    return {
        "procedure": application.procedure,
        "scope": application.scope,
        "outbound": {"region": application.outbound, "office": offices[Role.OUTBOUND]},
        "inbound": {"region": application.inbound, "office": offices[Role.INBOUND]},
        "from_scheme": application.from_scheme,
        "to_scheme": application.to_scheme,
        "applied_on": application.applied_on,
        "channel": lodging.channel,
        "applicant": application.applicant,
        "applicant_name": application.applicant_name,
        "authority": application.authority,
        "person": {
            "name": who.name,
            "document_type": who.document_type,
            "document_number": who.document_number,
            "sex": None,
            "birth_date": None,
            "phone": None,
            "person_number": None,
            "household": None,
        },
        "checks": check_results(verdicts),
        "overlap": None
        if application.overlap_kept is None or not overlap
        else {"months": overlap, "kept": application.overlap_kept},
        "bank_account": str(account.version) if account else None,
        "forwarded_from": lodging.forwarded_from,
        "hops": lodging.hops,
        "certificate": None,
    }


def anew_id(case_id: str) -> str:
    """The id of the case that is lodged anew after a forwarding: derived, so that lodging it twice is one case."""
    digest = bytearray(sha256(f"jiexu/anew/1|{case_id}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80  # UUID version 8, variant 10 (RFC 9562)
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()
