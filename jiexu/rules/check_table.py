"""The checks before acceptance as one table (domain.md §5): who is asked what, on whose authority, with which effect.

Descriptions only; how a check is judged stands in `judgements.py`, under the same code. Codes are stable: they stand
in events of past cases and are never used for another check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from jiexu.case.event import Role


class Side(StrEnum):
    """Whose check it is: the lodger's, one region's own, either region's, or the lodger's counter's."""

    LODGER = "lodger"
    OUT = "out"
    IN = "in"
    BOTH = "both"
    COUNTER = "counter"


class Desk(StrEnum):
    """Where a check is judged: at the counter that lodges, or at the side that answers."""

    COUNTER = "counter"
    ANSWER = "answer"


class Strength(StrEnum):
    """What carries the check. National and ours are always on; practice and local ones are switched per region."""

    NATIONAL = "national"
    PRACTICE = "practice"
    LOCAL = "local"
    OURS = "ours"

    @property
    def switchable(self) -> bool:
        """True where an overlay may switch it."""
        return self in (Strength.PRACTICE, Strength.LOCAL)


class Effect(StrEnum):
    """What a check that is not met does to the application."""

    REFUSE = "refuse"
    NOTICE = "notice"
    ROUTE = "route"


class Curer(StrEnum):
    """Who can put it right."""

    PERSON = "person"
    EMPLOYER = "employer"
    OUTBOUND_AGENCY = "outbound_agency"
    INBOUND_AGENCY = "inbound_agency"


PROCEDURES = ("platform", "letter", "automatic", "account_only")


@dataclass(frozen=True, slots=True)
class Cure:
    """Who can put it right (the first named first) and how."""

    by: tuple[Curer, ...]
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `zh`/`en` say what must hold, `fails_zh`/`fails_en` what is told where it does not.

    `private` marks grounds that an employer is not shown (health, money; domain.md §3a.6).
    """

    code: str
    side: Side
    strength: Strength
    source: str
    zh: str
    en: str
    fails_zh: str
    fails_en: str
    cure: Cure
    effects: Mapping[str, Effect]
    desks: frozenset[Desk] = field(default_factory=lambda: frozenset(Desk))
    private: bool = False

    @property
    def role(self) -> Role | None:
        """The only role that can judge it, None where either can."""
        return {Side.OUT: Role.OUTBOUND, Side.IN: Role.INBOUND}.get(self.side)

    def effect(self, procedure: str) -> Effect:
        """The effect in a procedure; KeyError for a procedure that does not exist."""
        return self.effects[procedure]


def _effects(default: Effect = Effect.REFUSE, **exceptions: Effect) -> Mapping[str, Effect]:
    return MappingProxyType({procedure: exceptions.get(procedure, default) for procedure in PROCEDURES})


REFUSE = _effects()
# In-province transfers run without audits (domain.md §3c): what is only practice or local must not stop them.
NO_AUDIT = _effects(automatic=Effect.NOTICE)
# The 2016 rules let outbound tell arrears and remind, and no more (art. 4).
ARREARS = _effects(letter=Effect.NOTICE, automatic=Effect.NOTICE)
ROUTE = _effects(Effect.ROUTE)

_COUNTER = frozenset({Desk.COUNTER})
_ANSWER = frozenset({Desk.ANSWER})

_P, _E = Curer.PERSON, Curer.EMPLOYER
_O, _I = Curer.OUTBOUND_AGENCY, Curer.INBOUND_AGENCY

_TABLE = (
    Check(
        "APP-01",
        Side.LODGER,
        Strength.NATIONAL,
        "S0, S2",
        "申请人是参保人本人、现为其参保的转入地单位（或最后为其参保的转出地单位），或有授权的代办人",
        "the applicant is the person, the employer that insures the person (inbound now, outbound last), "
        "or an agent with a named authority",
        "申请人不是参保人本人、为其参保的单位或有授权的代办人",
        "the applicant is neither the person, nor the insuring employer, nor an authorised agent",
        Cure(
            (_P, _E),
            "由本人申请；单位请在为其参保的地区申请；代办请填写代办人姓名并提供授权委托书",
            "apply in person; an employer applies where it insures the person; an agent names a written authority",
        ),
        REFUSE,
        _COUNTER,
    ),
    Check(
        "APP-02",
        Side.LODGER,
        Strength.NATIONAL,
        "S0",
        "居民和灵活就业人员由本人申请，单位不得代为申请",
        "residents and flexible workers apply themselves; no employer applies for them",
        "居民或灵活就业人员的转移不能由单位申请",
        "no employer may apply for a resident or a flexible worker",
        Cure((_P,), "请由参保人本人（或其授权的代办人）申请", "the person applies, or an agent of the person's"),
        REFUSE,
        _COUNTER,
    ),
    Check(
        "OUT-01",
        Side.OUT,
        Strength.NATIONAL,
        "S0; S3",
        "转出地参保关系已中止（居民转居民不作要求）",
        "the outbound relation is no longer active (not asked of resident to resident)",
        "转出地参保关系仍在正常参保状态，尚未停保",
        "the outbound relation is still active",
        Cure(
            (_E, _P),
            "请原单位在转出地办理停保（减员）；灵活就业和居民由本人办理停保",
            "the former employer stops the cover outbound; flexible workers and residents stop it themselves",
        ),
        REFUSE,
    ),
    Check(
        "OUT-02",
        Side.OUT,
        Strength.PRACTICE,
        "P",
        "转出地存在该险种的参保关系，且未终止",
        "a relation of that scheme exists outbound and has not ended",
        "转出地没有该险种的参保关系",
        "there is no relation of that scheme outbound",
        Cure(
            (_O, _P),
            "请核对险种和转出地；如关系终止有误，由转出地经办机构恢复后再申请",
            "check scheme and outbound region; a relation ended in error is restored by the outbound agency",
        ),
        REFUSE,
    ),
    Check(
        "OUT-03",
        Side.OUT,
        Strength.PRACTICE,
        "P; S2 art. 54(6)",
        "个人账户余额不为负数（透支须先结清）",
        "the account balance is not negative (an overdraft is settled first)",
        "个人账户有透支，须先结清",
        "the personal account is overdrawn and must be settled first",
        Cure(
            (_P, _O),
            "请本人到转出地经办机构结清透支的医疗费",
            "the person settles the overdraft at the outbound agency",
        ),
        REFUSE,
        private=True,
    ),
    Check(
        "OUT-04",
        Side.OUT,
        Strength.PRACTICE,
        "P",
        "不在住院期间",
        "the person is not in hospital",
        "参保人在转出地有未结束的住院",
        "the person has an unfinished hospital stay outbound",
        Cure((_P,), "出院并结算后再申请", "apply after discharge and settlement"),
        NO_AUDIT,
        private=True,
    ),
    Check(
        "OUT-05",
        Side.OUT,
        Strength.PRACTICE,
        "P; S2 art. 4",
        "转出地没有欠费",
        "no unpaid contributions outbound",
        "转出地有欠费月份，请及时补缴",
        "there are unpaid months outbound; please pay them",
        Cure(
            (_E, _P),
            "请原单位（灵活就业和居民由本人）补缴欠费",
            "the former employer pays the arrears (flexible workers and residents themselves)",
        ),
        ARREARS,
    ),
    Check(
        "OUT-06",
        Side.OUT,
        Strength.PRACTICE,
        "P",
        "没有尚未办结的转入本地的业务",
        "no unfinished transfer into the outbound region",
        "有一笔转入转出地的业务尚未办结",
        "a transfer into the outbound region is not finished",
        Cure((_O,), "由转出地经办机构先办结或撤销该业务", "the outbound agency finishes or withdraws that one first"),
        NO_AUDIT,
    ),
    Check(
        "OUT-07",
        Side.OUT,
        Strength.NATIONAL,
        "P",
        "未办理医保退休（退休人员不在转移接续范围内）",
        "the person is not retired (retired people are outside the 2021 measures)",
        "参保人在转出地已享受退休人员医保待遇，不办理转移接续",
        "the person is retired outbound; a retired person's relation does not move",
        Cure(
            (_O,),
            "退休人员请办理异地就医备案；如退休登记有误，由转出地经办机构更正",
            "a retired person registers for care elsewhere; a wrong entry is corrected by the outbound agency",
        ),
        REFUSE,
    ),
    Check(
        "OUT-08",
        Side.OUT,
        Strength.LOCAL,
        "P (厦门)",
        "已解除个人账户家庭共济",
        "family sharing of the account is dissolved",
        "个人账户家庭共济尚未解除",
        "family sharing of the account is still in place",
        Cure((_P,), "请本人解除家庭共济后再申请", "the person dissolves family sharing, then applies"),
        NO_AUDIT,
        private=True,
    ),
    Check(
        "OUT-09",
        Side.OUT,
        Strength.LOCAL,
        "P (宁夏)",
        "医疗费用已结清",
        "treatment costs are settled",
        "有医疗费用尚未结清",
        "treatment costs are not settled",
        Cure((_P, _O), "请结清医疗费用后再申请", "settle the treatment costs, then apply"),
        NO_AUDIT,
        private=True,
    ),
    Check(
        "OUT-10",
        Side.OUT,
        Strength.NATIONAL,
        "S0 (不得重复参保); protocol.md",
        "该参保人该险种在转出地没有其他在办的转移",
        "no other case moves this person's relation of that scheme",
        "该参保人该险种已有另一笔转移在办",
        "another case is moving this person's relation of that scheme",
        Cure(
            (_P, _O),
            "请先查看在办的那一笔：继续办理，或撤销并待资金退回后再申请",
            "see the case under way first: go on with it, or withdraw it and apply again once its money is back",
        ),
        REFUSE,
    ),
    Check(
        "IN-01",
        Side.IN,
        Strength.NATIONAL,
        "S0; S3",
        "已按规定在转入地参加拟转入的险种",
        "enrolled inbound in the target scheme as required",
        "在转入地尚未参加拟转入的险种",
        "not enrolled inbound in the target scheme",
        Cure(
            (_E, _P),
            "请现单位在转入地办理参保；灵活就业和居民由本人参保缴费",
            "the present employer enrols the person inbound; flexible workers and residents enrol themselves",
        ),
        REFUSE,
    ),
    Check(
        "IN-02",
        Side.IN,
        Strength.LOCAL,
        "P (南京, 大连)",
        "转入地当月费款已足额到账",
        "the current month is paid in full inbound",
        "转入地当月费款尚未足额到账",
        "the current month is not paid in full inbound",
        Cure((_E, _P), "请缴清当月医保费后再申请", "pay the current month, then apply"),
        NO_AUDIT,
    ),
    Check(
        "IN-03",
        Side.IN,
        Strength.NATIONAL,
        'S0; S3 ("as a rule")',
        "居民转居民：转入地参加的是下一年度的居民医保",
        "resident to resident: the inbound cover is for a later coverage year",
        "居民医保当年度内原则上不办理转移，转入地参保年度与转出地相同",
        "resident cover does not move within one coverage year, as a rule; both covers are for the same year",
        Cure(
            (_P,),
            "请在转入地参加下一年度居民医保后再申请，当年度仍在转出地享受待遇",
            "join next year's resident scheme inbound, then apply; this year's cover stays outbound",
        ),
        REFUSE,
    ),
    Check(
        "IN-04",
        Side.IN,
        Strength.LOCAL,
        "P",
        "没有尚未办结的从转入地转出的业务",
        "no unfinished transfer out of the inbound region",
        "有一笔从转入地转出的业务尚未办结",
        "a transfer out of the inbound region is not finished",
        Cure((_I,), "由转入地经办机构先办结或撤销该业务", "the inbound agency finishes or withdraws that one first"),
        NO_AUDIT,
    ),
    Check(
        "IN-05",
        Side.IN,
        Strength.LOCAL,
        "P (深圳, 大连)",
        "未达到法定退休年龄",
        "below legal retirement age",
        "参保人已达到法定退休年龄",
        "the person has reached legal retirement age",
        Cure(
            (_I, _P),
            "请向转入地经办机构咨询达到退休年龄后的办理方式",
            "ask the inbound agency what applies after retirement age",
        ),
        NO_AUDIT,
    ),
    Check(
        "BOTH-01",
        Side.BOTH,
        Strength.PRACTICE,
        "P",
        "两地登记的姓名、证件类型和证件号码一致",
        "name, document type and number agree on both sides",
        "两地登记的姓名、证件类型或证件号码不一致",
        "name, document type or number differ between the two sides",
        Cure(
            (_P, _O, _I),
            "请本人持有效证件到登记有误的一方更正；同一人有多个人员编号的，由经办机构合并",
            "the person corrects the wrong record with a valid document; the agency merges several person numbers",
        ),
        REFUSE,
        _ANSWER,
    ),
    Check(
        "BOTH-02",
        Side.BOTH,
        Strength.NATIONAL,
        "S0; S1; S3",
        "两地均已开通线上转移接续业务",
        "both regions are online for this business",
        "有一方尚未开通线上转移接续业务",
        "one of the regions is not online for this business",
        Cure(
            (_P,),
            "请选择：等待该地开通（开通时提醒您），或改走联系函（纸质）办理",
            "choose: wait (you are reminded when the region comes online), or go by letter",
        ),
        ROUTE,
        _COUNTER,
    ),
    Check(
        "BOTH-03",
        Side.BOTH,
        Strength.NATIONAL,
        "S1",
        "转出地与转入地属于不同的统筹区",
        "the two regions are different pooling regions",
        "转出地与转入地属于同一统筹区，不需要办理转移接续",
        "both regions are one pooling region: nothing has to be transferred",
        Cure(
            (_E, _P),
            "不需要转移：原单位办理暂停缴费，新单位办理恢复缴费即可；灵活就业和居民由本人变更",
            "no transfer is needed: the former employer suspends payment and the new one resumes it; "
            "flexible workers and residents change it themselves",
        ),
        REFUSE,
        _COUNTER,
    ),
    Check(
        "BOTH-04",
        Side.COUNTER,
        Strength.OURS,
        "ours",
        "本地没有同一人、同一转出险种、同样两地的在办或已办结转移",
        "no open or completed case here for the same person, from-scheme and pair of regions",
        "同一人、同一转出险种、同样两地已有一笔转移",
        "there is a case already for the same person, from-scheme and pair of regions",
        Cure(
            (_P, _O, _I),
            "在办的请继续办理；已办结的如有差错，请在原案件上更正",
            "go on with the open case; a completed one with an error is corrected in that case",
        ),
        REFUSE,
        _COUNTER,
    ),
    Check(
        "BOTH-05",
        Side.BOTH,
        Strength.NATIONAL,
        "S0 (不得重复参保和重复享受待遇)",
        "两地没有重复参保的月份；有的，已由本人选定保留哪一方",
        "no month is active on both sides, or the person has chosen which side counts",
        "两地有重复参保的月份",
        "some months are active on both sides",
        Cure(
            (_P,),
            "请本人选择重复月份保留转出地还是转入地的缴费记录",
            "the person chooses whether the outbound or the inbound record of those months counts",
        ),
        _effects(Effect.NOTICE),
    ),
)

CHECKS: Mapping[str, Check] = MappingProxyType({check.code: check for check in _TABLE})
"""Every check by its code, in the order in which verdicts are reported."""
