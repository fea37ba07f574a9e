"""Strict models of every record of the contract.

Generated from `schemas/` by `jiexu contract generate`; change the schemas, not this file.
"""

# ruff: noqa: E501
# fmt: off

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from jiexu.contract import constraints
from jiexu.contract.forms import (
    INT_MAX,
    LONG_MAX,
    Digest,
    Fingerprint,
    Hash,
    Instant,
    Loose,
    Record,
    Salt,
    Uuid,
)

Applicant = Literal["person", "employer", "agent"]
BalanceProblem = Literal["amount_differs", "not_arrived", "wrong_name", "other"]
BankRefusal = Literal["account_unknown", "name_differs", "account_closed", "other"]
Channel = Literal["window", "online", "employer"]
CheckOutcome = Literal["passed", "notice", "failed"]
ClaimEnd = Literal["event", "freed"]
ContinuityRule = Literal["none", "w1", "w2", "w3"]
ContributionKind = Literal["actual", "deemed"]
FormProblemCode = Literal["missing_months", "wrong_months", "wrong_identity", "wrong_amount", "wrong_scheme", "other"]
ForwardReason = Literal["wrong_region", "wrong_office"]
Hand = Literal["outbound", "inbound", "outbound_attested", "inbound_attested"]
MoneyOutcome = Literal["none", "transfer", "stays_usable", "pay_to_person", "pay_to_heirs"]
NoticeChannel = Literal["counter", "courier", "electronic"]
NoticeTo = Literal["person", "employer", "agent", "heirs"]
NoticeWant = Literal["nothing", "send_again", "upgrade", "sign_again", "tell_last"]
Payee = Literal["person", "heirs"]
Procedure = Literal["platform", "letter", "automatic", "account_only"]
QueryClosing = Literal["solved", "sent_in_error", "no_answer"]
ReturnReason = Literal["excess", "case_ended", "wrong_person", "reversed", "corrected", "other"]
ReturnSource = Literal["uncredited", "credited"]
ReversalReason = Literal["wrong_person", "taken_over_in_error", "other"]
Role = Literal["outbound", "inbound"]
Scheme = Literal["employee", "resident"]
Scope = Literal["full", "account"]
WithdrawalReason = Literal["applicant_request", "cover_resumed", "cover_lost", "died", "lodged_in_error", "other"]


class MoneyLine(Record):
    """一行有名称的金额。

    A named line of money.
    """

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]


class AccountStatement(Record):
    """个人账户结算。

    Settlement of the personal account.
    """

    balance: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
    interest: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)]
    unearned_allocation: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)]
    settled_claims: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)]
    other_lines: Annotated[tuple[MoneyLine, ...], Loose]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)]
    debited: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)]
    outcome: MoneyOutcome

    _rule = model_validator(mode="after")(constraints.apply)


class AgencyBlock(Record):
    """经办机构的名称和联系方式（机构信息，不是个人信息）。

    An agency and how to reach it (an office's data, not personal).
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    agency: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    address: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")] | None = None
    postcode: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    phone: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None


class Attestation(Record):
    """据纸质材料代录的记录。

    How an event was recorded from paper in the other side's name.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    recorded_by: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    released_by: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    released_at: Instant
    scan_digest: Hash
    paper_number: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")] | None = None

    _rule = model_validator(mode="after")(constraints.apply)


class BalanceAdvanced(Record):
    """转入方先行垫付。由转入方发出。

    Inbound advances the money. Issued by inbound.
    """

    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2, gt=0)]
    form_version: Annotated[int, Field(le=INT_MAX, ge=1)]


class BalanceArrived(Record):
    """资金到账，金额以银行为准。由转入方发出。

    Money arrived; the amount is the bank's. Issued by inbound.
    """

    reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
    bank_date: date
    serial: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


class BalanceCredited(Record):
    """资金已记入个人账户。由转入方发出。

    Money was credited to the account. Issued by inbound.
    """

    reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]


class BalanceExplained(Record):
    """对资金查询作出说明。由转出方发出。

    A query about the money is answered in words. Issued by outbound.
    """

    answers: Annotated[int, Field(le=INT_MAX, ge=1)]
    explanation: Digest | None = None


class BalancePaidOut(Record):
    """余额支付给本人或继承人。由转出方发出。

    The balance was paid to the person or the heirs. Issued by outbound.
    """

    to: Payee
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
    bank_reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    payee: Digest | None = None


class BalanceQueried(Record):
    """对资金提出查询。由转入方发出。

    The money is queried. Issued by inbound.
    """

    kind: BalanceProblem
    reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    expected: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)] | None = None
    found: Annotated[Decimal, Field(max_digits=14, decimal_places=2, ge=0)] | None = None
    explanation: Digest | None = None


class BalanceQueryClosed(Record):
    """撤回自己的资金查询。由转入方发出。

    The own query about the money is closed. Issued by inbound.
    """

    closes: Annotated[int, Field(le=INT_MAX, ge=1)]
    reason: QueryClosing
    explanation: Digest | None = None


class BalanceRemitted(Record):
    """个人账户资金已汇出。由转出方发出。

    Money of the account was sent. Issued by outbound.
    """

    reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
    answers: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None
    batch_reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    line: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None
    sent_on: date
    bank_account: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    payee: Digest | None = None


class BalanceReturned(Record):
    """资金退回转出方。由转入方发出。

    Money was sent back. Issued by inbound.
    """

    reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    return_reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
    source: ReturnSource
    reason: ReturnReason
    explanation: Digest | None = None


class Issuer(Record):
    """统筹区及其在本业务中的角色。

    A pooling region in a role.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    role: Role


class SchemaRef(Record):
    """所用的一个模式。

    One schema in use.
    """

    fingerprint: Fingerprint
    digest: Hash


class Disclosure(Record):
    """一个个人信息字段的值。

    The value of one personal field.
    """

    leaf: Annotated[int, Field(le=INT_MAX, ge=0)]
    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]*))*$")]
    salt: Salt
    value: str


class Bundle(Record):
    """一次交易发往一个信箱分区的事件，以一个签名封装。

    The events of one transaction for one mailbox partition, under one signature.
    """

    issuer: Issuer
    key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    suite: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    schemas: Annotated[tuple[SchemaRef, ...], Loose, Field(min_length=1)]
    leaves: Annotated[tuple[bytes | tuple[Literal["cn.jiexu.v1.Hash"], Hash], ...], Loose, Field(min_length=1), Field(max_length=256)]
    signature: bytes
    disclosures: Annotated[tuple[Disclosure, ...], Loose]


class CaseForwarded(Record):
    """业务应由他处办理。由未受理申请的一方发出。

    The case belongs elsewhere. Issued by the side that did not lodge.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    office: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    reason: ForwardReason
    explanation: Digest | None = None


class CertificateExplained(Record):
    """对参保凭证作出说明。由转出方发出。

    The query about the certificate is answered. Issued by outbound.
    """

    certificate: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    explanation: Digest | None = None


class CertificateQueried(Record):
    """对参保凭证提出查询。由转入方发出。

    The certificate is queried. Issued by inbound.
    """

    certificate: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    problem: Digest | None = None


class CheckResult(Record):
    """一项校验及其结果。

    One check and its outcome.
    """

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    outcome: CheckOutcome
    detail: Digest | None = None


class Continuity(Record):
    """待遇衔接的计算结果。

    The outcome of the continuity rules.
    """

    rule: ContinuityRule
    gap_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    wait_months: Annotated[int, Field(le=INT_MAX, ge=0)] | None = None
    wait_known: bool

    _rule = model_validator(mode="after")(constraints.apply)


class OverlapChoice(Record):
    """两地重复月份的选择。

    The choice made where both sides have the same months.
    """

    months: Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")], ...], Loose, Field(min_length=1)]
    kept: Role

    _rule = model_validator(mode="after")(constraints.apply)


class CompletionAmended(Record):
    """据新版本信息表更正办结。由转入方发出。

    The completion is amended to a later form. Issued by inbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    actual_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    deemed_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    recorded_as: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    continuity: Continuity
    overlap: OverlapChoice | None = None


class CompletionReversed(Record):
    """撤销办结。由转入方发出。

    The completion is reversed. Issued by inbound.
    """

    reason: ReversalReason
    explanation: Digest | None = None


class ContactLetterAmended(Record):
    """更正联系函。由转入方发出。

    The contact letter is amended. Issued by inbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    answers: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None
    letter_number: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    inbound: AgencyBlock
    bank_account: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None


class ContactLetterExplained(Record):
    """对联系函查询作出说明。由转入方发出。

    The query about the letter is answered in words. Issued by inbound.
    """

    answers: Annotated[int, Field(le=INT_MAX, ge=1)]
    explanation: Digest | None = None


class ContactLetterQueried(Record):
    """对联系函提出查询。由转出方发出。

    The contact letter is queried. Issued by outbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    problems: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")], ...], Loose, Field(min_length=1)]
    explanation: Digest | None = None


class ContactLetterQueryClosed(Record):
    """撤回自己的联系函查询。由转出方发出。

    The own query about the letter is closed. Issued by outbound.
    """

    closes: Annotated[int, Field(le=INT_MAX, ge=1)]
    reason: QueryClosing


class ContactLetterSent(Record):
    """发出联系函。由转入方发出。

    The contact letter is sent. Issued by inbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    answers: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None
    letter_number: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    inbound: AgencyBlock
    bank_account: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None


class CorrectionProposed(Record):
    """转出方发现自己的信息表有误，请转入方提出查询。由转出方发出。

    Outbound found an error of its own and asks for a query. Issued by outbound.
    """

    fields: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]*))*$")], ...], Loose, Field(min_length=1)]
    explanation: Digest | None = None


class EventRef(Record):
    """指向本业务的一个事件。

    Points to one event of this case.
    """

    hand: Hand
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]


class DisclosureRequested(Record):
    """请求补送个人信息的值。任一方发出。

    Values of personal fields are asked for. Issued by either side.
    """

    event: EventRef
    fields: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]*))*$")], ...], Loose, Field(min_length=1)]


class DisputeSettled(Record):
    """就有异议的代录事件达成一致，双方各发一份。任一方发出。

    Contested events are settled; stands in both hands alike. Issued by either side.
    """

    hand: Hand
    counts: Annotated[tuple[Annotated[int, Field(le=INT_MAX, ge=1)], ...], Loose]
    dropped: Annotated[tuple[Annotated[int, Field(le=INT_MAX, ge=1)], ...], Loose]

    _rule = model_validator(mode="after")(constraints.apply)


class Escalated(Record):
    """上报督办。任一方发出。

    The case is escalated. Issued by either side.
    """

    about: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    to: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    explanation: Digest | None = None


class Seen(Record):
    """作出决定时所见的对方最后一个事件。

    The last event of another hand that the decision had seen.
    """

    hand: Hand
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]
    hash: Hash


class Event(Record):
    """一个事件的信封：谁、何时、依据什么、第几个，以及事件体。

    The envelope of one event: who, when, resting on what, in which place, and the body.
    """

    event_id: Uuid
    case_id: Uuid
    issuer: Issuer
    attested: Attestation | None = None
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]
    prev_hash: Hash | None = None
    seen: Annotated[tuple[Seen, ...], Loose]
    occurred_at: Instant
    protocol: Hash
    ruleset: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    office: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    handled_by: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    reviewed_by: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")]
    body: bytes

    _rule = model_validator(mode="after")(constraints.apply)


class FormExplained(Record):
    """对信息表查询作出说明，不改信息表。由转出方发出。

    A query about the form is answered in words, the form stands. Issued by outbound.
    """

    answers: Annotated[int, Field(le=INT_MAX, ge=1)]
    explanation: Digest | None = None


class FormProblem(Record):
    """信息表的一处问题。

    One problem of the form.
    """

    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]*))*$")]
    code: FormProblemCode
    detail: Digest | None = None


class FormQueried(Record):
    """对信息表提出查询。由转入方发出。

    The form is queried. Issued by inbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    problems: Annotated[tuple[FormProblem, ...], Loose, Field(min_length=1)]
    proposal: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None


class FormQueryClosed(Record):
    """撤回自己的信息表查询。由转入方发出。

    The own query about the form is closed. Issued by inbound.
    """

    closes: Annotated[int, Field(le=INT_MAX, ge=1)]
    reason: QueryClosing
    explanation: Digest | None = None


class HandTakenOver(Record):
    """被代录的一方上线，接管自己的序列。由该方发出。

    The side whose events were recorded from paper takes over. Issued by that side.
    """

    hand: Hand
    seq: Annotated[int, Field(le=INT_MAX, ge=0)]
    hash: Hash | None = None
    contested: Annotated[tuple[Annotated[int, Field(le=INT_MAX, ge=1)], ...], Loose]

    _rule = model_validator(mode="after")(constraints.apply)


class PersonDigests(Record):
    """参保人身份信息（证件类型外均为摘要）。

    Who the person is; digests, except the document type.
    """

    name: Digest
    document_type: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    document_number: Digest
    sex: Digest | None = None
    birth_date: Digest | None = None
    phone: Digest | None = None
    person_number: Digest | None = None
    household: Digest | None = None


class Period(Record):
    """一段缴费时间。

    One stretch of contribution months.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    scheme: Scheme
    first_month: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    last_month: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    months: Annotated[int, Field(le=INT_MAX, ge=1)]
    kind: ContributionKind
    brought_in: bool

    _rule = model_validator(mode="after")(constraints.apply)


class Totals(Record):
    """缴费月数合计。

    Totals of the months.
    """

    actual_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    deemed_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    first_insured: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None
    account_opened_on: date | None = None


class InformationFormUploaded(Record):
    """上传《参保人员基本医疗保险信息表》；更正即新版本。由转出方发出。

    The information form is uploaded; a correction is a new version. Issued by outbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    answers: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None
    form_number: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    person: PersonDigests
    outbound: AgencyBlock
    inbound: AgencyBlock
    from_scheme: Scheme
    to_scheme: Scheme
    periods: Annotated[tuple[Period, ...], Loose]
    totals: Totals
    account: AccountStatement
    issued_on: date


class InformationProvided(Record):
    """答复补充信息。任一方发出。

    The information is given. Issued by either side.
    """

    answers: Annotated[int, Field(le=INT_MAX, ge=1)]
    answer: Digest | None = None


class InformationRequested(Record):
    """请求补充信息。任一方发出。

    More information is asked for. Issued by either side.
    """

    topic: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    question: Digest | None = None


class LedgerArrival(Record):
    """记录送达本统筹区信箱的位置和时间。

    Where and when a record reached this region's mailbox.
    """

    topic: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    partition: Annotated[int, Field(le=INT_MAX, ge=0)]
    offset: Annotated[int, Field(le=LONG_MAX, ge=0)]
    appended_at: Instant


class LedgerRecord(Record):
    """台账的一条记录。

    One record of a region's ledger.
    """

    position: Annotated[int, Field(le=LONG_MAX, ge=1)]
    recorded_at: Instant
    incarnation: Uuid
    kind: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    payload: bytes


class LedgerBatch(Record):
    """台账的一批记录。

    A batch of ledger records.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    records: Annotated[tuple[LedgerRecord, ...], Loose, Field(min_length=1)]


class LedgerBundle(Record):
    """入账的一个签名包，不含披露内容。

    One signed bundle as recorded, without disclosures.
    """

    skeleton: bytes
    issuer: Issuer
    positions: Annotated[tuple[Annotated[int, Field(le=LONG_MAX, ge=0)], ...], Loose]
    destination: Issuer | None = None
    partition: Annotated[int, Field(le=INT_MAX, ge=0)]
    arrival: LedgerArrival | None = None


class LedgerClaim(Record):
    """在本地平台办理之前锁定的一个步骤。

    A step pinned before it acts on the local platform.
    """

    case_id: Uuid
    hand: Hand
    step: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    n: Annotated[int, Field(le=INT_MAX, ge=1)]
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]
    seen: Annotated[tuple[Seen, ...], Loose]
    plan: str


class LedgerClaimBegun(Record):
    """开始在本地平台办理。

    Claims whose first act may have begun.
    """

    claims: Annotated[tuple[Annotated[int, Field(le=LONG_MAX, ge=1)], ...], Loose]


class LedgerClaimEnded(Record):
    """锁定结束。

    Claims that ended.
    """

    claims: Annotated[tuple[Annotated[int, Field(le=LONG_MAX, ge=1)], ...], Loose]
    how: ClaimEnd


class LedgerEvent(Record):
    """入账的一个事件。

    One event as recorded.
    """

    event: bytes
    void: bool
    arrival: LedgerArrival | None = None


class LedgerFact(Record):
    """自某一位置起成立的本统筹区事实，如新增日历、密钥吊销、披露内容删除。

    Something true of the region from a position on: calendar added, key revoked, value erased.
    """

    kind: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    data: str


class LedgerReceipt(Record):
    """入账的一个回执，给出的或收到的。

    One receipt as recorded, given or got.
    """

    given: bool
    peer: Issuer
    case_id: Uuid
    hand: Hand
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]
    hash: Hash
    arrival: LedgerArrival
    recorded_at: Instant
    own_last_seq: Annotated[int, Field(le=INT_MAX, ge=0)]
    batch: Annotated[int, Field(le=LONG_MAX, ge=1)] | None = None


class LedgerReceiptsSent(Record):
    """已发出的一批回执。

    A batch of receipts that went out.
    """

    peer: Issuer
    batch: Annotated[int, Field(le=LONG_MAX, ge=1)]
    positions: Annotated[tuple[Annotated[int, Field(le=LONG_MAX, ge=1)], ...], Loose]
    payload: bytes


class Notice(Record):
    """签署的一份通知。

    A signed notice.
    """

    issuer: Issuer
    key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    suite: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    schemas: Annotated[tuple[SchemaRef, ...], Loose, Field(min_length=1)]
    payload: bytes
    signature: bytes


class NoticeAbout(Record):
    """通知所指的事件。

    The event that a notice is about.
    """

    case_id: Uuid
    hand: Hand
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]


class NoticeGiven(Record):
    """已告知申请人。任一方发出。

    The applicant was told. Issued by either side.
    """

    about: EventRef
    channel: NoticeChannel
    given_at: Instant
    to: NoticeTo


class NoticePayload(Record):
    """一份通知的内容。

    What a notice says.
    """

    addressee: Issuer
    number: Annotated[int, Field(le=LONG_MAX, ge=1)]
    prev: Hash | None = None
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    text: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    topic: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    partition: Annotated[int, Field(le=INT_MAX, ge=0)]
    offset: Annotated[int, Field(le=LONG_MAX, ge=0)]
    digest: Hash
    about: NoticeAbout | None = None
    wants: NoticeWant

    _rule = model_validator(mode="after")(constraints.apply)


class Party(Record):
    """业务的一方：统筹区及承办机构。

    A party to the case: region and office.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    office: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None


class Reason(Record):
    """不予受理的一条理由。

    One reason for a refusal.
    """

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    text: Digest | None = None


class Receipt(Record):
    """对一个事件的回执。

    The receipt for one event.
    """

    case_id: Uuid
    hand: Hand
    seq: Annotated[int, Field(le=INT_MAX, ge=1)]
    hash: Hash
    topic: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    partition: Annotated[int, Field(le=INT_MAX, ge=0)]
    offset: Annotated[int, Field(le=LONG_MAX, ge=0)]
    appended_at: Instant
    recorded_at: Instant
    own_last_seq: Annotated[int, Field(le=INT_MAX, ge=0)]


class ReceiptBatch(Record):
    """签署的一批回执。

    A signed batch of receipts.
    """

    issuer: Issuer
    key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    suite: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    schemas: Annotated[tuple[SchemaRef, ...], Loose, Field(min_length=1)]
    payload: bytes
    signature: bytes


class ReceiptPayload(Record):
    """一批回执的内容。

    What a batch of receipts says.
    """

    addressee: Issuer
    number: Annotated[int, Field(le=LONG_MAX, ge=1)]
    prev: Hash | None = None
    receipts: Annotated[tuple[Receipt, ...], Loose, Field(min_length=1)]

    _rule = model_validator(mode="after")(constraints.apply)


class ReminderSent(Record):
    """催办。任一方发出。

    A reminder. Issued by either side.
    """

    about: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
    message: Digest | None = None


class RemittanceFailed(Record):
    """汇款被银行退回。由转出方发出。

    The bank refused the remittance. Issued by outbound.
    """

    reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    reason: BankRefusal
    bank_date: date


class ReturnArrived(Record):
    """退款到账。由转出方发出。

    A return arrived. Issued by outbound.
    """

    return_reference: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    amount: Annotated[Decimal, Field(max_digits=14, decimal_places=2)]
    bank_date: date
    serial: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


class TransferAccepted(Record):
    """受理转移。由未受理申请的一方发出；函件流程由转入方发出。

    The transfer is accepted. Issued by the side that did not lodge; in the letter procedure by inbound.
    """

    checks: Annotated[tuple[CheckResult, ...], Loose]
    overlap: OverlapChoice | None = None
    bank_account: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None


class TransferApplied(Record):
    """提出转移申请。由受理申请的一方发出。

    A transfer is applied for. Issued by the side that lodges.
    """

    procedure: Procedure
    scope: Scope
    outbound: Party
    inbound: Party
    from_scheme: Scheme
    to_scheme: Scheme
    applied_on: date
    channel: Channel
    applicant: Applicant
    applicant_name: Digest | None = None
    authority: Digest | None = None
    person: PersonDigests
    checks: Annotated[tuple[CheckResult, ...], Loose]
    overlap: OverlapChoice | None = None
    bank_account: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    forwarded_from: Uuid | None = None
    hops: Annotated[int, Field(le=INT_MAX, ge=0)]
    certificate: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None


class TransferCompleted(Record):
    """办结：转入方已接续关系。由转入方发出。

    Completed: inbound has taken the relation over. Issued by inbound.
    """

    version: Annotated[int, Field(le=INT_MAX, ge=1)]
    actual_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    deemed_months: Annotated[int, Field(le=INT_MAX, ge=0)]
    recorded_as: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    continuity: Continuity
    overlap: OverlapChoice | None = None


class TransferRejected(Record):
    """不予受理，列明全部理由。由作出决定的一方发出。

    The transfer is refused, with all reasons. Issued by the side that decides.
    """

    reasons: Annotated[tuple[Reason, ...], Loose, Field(min_length=1)]
    survivor: Uuid | None = None
    explanation: Digest | None = None


class TransferWithdrawn(Record):
    """撤回转移。任一方发出。

    The transfer is withdrawn. Issued by either side.
    """

    reason: WithdrawalReason
    answers: Annotated[int, Field(le=INT_MAX, ge=1)] | None = None
    explanation: Digest | None = None


class WithdrawalRequested(Record):
    """转出方请求撤回。由转出方发出。

    Outbound asks that the case be withdrawn. Issued by outbound.
    """

    reason: WithdrawalReason
    explanation: Digest | None = None

BODIES: dict[str, type[BaseModel]] = {
    "BalanceAdvanced": BalanceAdvanced,
    "BalanceArrived": BalanceArrived,
    "BalanceCredited": BalanceCredited,
    "BalanceExplained": BalanceExplained,
    "BalancePaidOut": BalancePaidOut,
    "BalanceQueried": BalanceQueried,
    "BalanceQueryClosed": BalanceQueryClosed,
    "BalanceRemitted": BalanceRemitted,
    "BalanceReturned": BalanceReturned,
    "CaseForwarded": CaseForwarded,
    "CertificateExplained": CertificateExplained,
    "CertificateQueried": CertificateQueried,
    "CompletionAmended": CompletionAmended,
    "CompletionReversed": CompletionReversed,
    "ContactLetterAmended": ContactLetterAmended,
    "ContactLetterExplained": ContactLetterExplained,
    "ContactLetterQueried": ContactLetterQueried,
    "ContactLetterQueryClosed": ContactLetterQueryClosed,
    "ContactLetterSent": ContactLetterSent,
    "CorrectionProposed": CorrectionProposed,
    "DisclosureRequested": DisclosureRequested,
    "DisputeSettled": DisputeSettled,
    "Escalated": Escalated,
    "FormExplained": FormExplained,
    "FormQueried": FormQueried,
    "FormQueryClosed": FormQueryClosed,
    "HandTakenOver": HandTakenOver,
    "InformationFormUploaded": InformationFormUploaded,
    "InformationProvided": InformationProvided,
    "InformationRequested": InformationRequested,
    "NoticeGiven": NoticeGiven,
    "ReminderSent": ReminderSent,
    "RemittanceFailed": RemittanceFailed,
    "ReturnArrived": ReturnArrived,
    "TransferAccepted": TransferAccepted,
    "TransferApplied": TransferApplied,
    "TransferCompleted": TransferCompleted,
    "TransferRejected": TransferRejected,
    "TransferWithdrawn": TransferWithdrawn,
    "WithdrawalRequested": WithdrawalRequested,
}
