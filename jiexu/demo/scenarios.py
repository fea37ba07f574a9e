"""The stories that a run contains besides the plain completed case: who, what happens, how it must end.

Each story is checked at the end: its cases must have exactly these outcomes, and these events must stand in them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from jiexu.demo.desk import Drama, Waiting
from jiexu.demo.people import in_trouble, missing_months, never_stopped
from jiexu.region.registry import Mishap, MishapKind

XIAN, WENZHOU, CHENGDU = "610100", "330300", "510100"
SHORT_BY = Decimal("88.00")

Script = Callable[[Drama], Waiting]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story. `prepare` names a preparation of the person (world.py); `lodged` the side or sides that lodge."""

    name: str
    zh: str
    en: str
    outbound: str
    inbound: str
    outcomes: tuple[str, ...]
    lodged: tuple[str, ...] = ("inbound",)
    prepare: str = "employee"
    script: Script | None = None
    mishap: Callable[[str], Mishap] | None = None
    events: tuple[str, ...] = ()

    def as_expected(self, statuses: list[str], types: Counter[str]) -> bool:
        """Whether the person's cases ended as the story says."""
        needed = Counter(self.events)
        return sorted(statuses) == sorted(self.outcomes) and all(types[t] >= n for t, n in needed.items())


def _form_in(d: Drama) -> Waiting:
    yield from d.lodged()
    yield d.seen("inbound", "InformationFormUploaded")


def corrected(d: Drama) -> Waiting:
    """Inbound misses months; outbound finds them and uploads version 2."""
    yield from _form_in(d)
    yield from d.does("inbound", "query_form", field="periods", code="missing_months", text="缺 2019 年以前的缴费记录")
    yield d.seen("outbound", "FormQueried")
    d.knows("outbound", missing_months(d.mover))
    yield from d.does("outbound", "upload")
    yield d.seen("inbound", "InformationFormUploaded", 2)
    yield from d.does("inbound", "complete")


def explained(d: Drama) -> Waiting:
    """Inbound asks, outbound explains, inbound completes on version 1."""
    yield from _form_in(d)
    yield from d.does("inbound", "query_form", field="periods", code="wrong_months", text="2021 年缴费是否连续")
    yield d.seen("outbound", "FormQueried")
    yield from d.does("outbound", "explain_form", text="当年缴费连续，已核对原始台账")
    yield d.seen("inbound", "FormExplained")
    yield from d.does("inbound", "complete")


def taken_back(d: Drama) -> Waiting:
    """Inbound asks in error and closes its own question."""
    yield from _form_in(d)
    yield from d.does("inbound", "query_form", field="person", code="wrong_identity", text="姓名用字")
    yield from d.does("inbound", "close_form_query", reason="sent_in_error", text="看错案件")
    yield from d.does("inbound", "complete")


def crossed(d: Drama) -> Waiting:
    """The person withdraws at inbound while outbound accepts."""
    yield from d.lodged()
    yield d.seen("outbound", "TransferApplied")
    yield from d.crossing()


def amended(d: Drama) -> Waiting:
    """Outbound finds missing months after completion, proposes a correction, inbound takes it up and amends."""
    yield from d.lodged()
    yield d.seen("outbound", "TransferCompleted")
    d.knows("outbound", missing_months(d.mover))
    yield from d.does("outbound", "propose_correction", fields=("periods",), text="补录一年缴费")
    yield d.seen("inbound", "CorrectionProposed")
    yield from d.does("inbound", "query_form", field="periods", code="missing_months", text="按更正建议询问")
    yield d.seen("outbound", "FormQueried")
    yield from d.does("outbound", "upload")


def returned(d: Drama) -> Waiting:
    """Inbound sends money back because of the payee's name; outbound sends it again."""
    yield from d.lodged()
    yield d.seen("inbound", "BalanceArrived")
    arrived = next(e for e in d.events("inbound") if e.type == "BalanceArrived").body
    details = {"reference": arrived["reference"], "amount": arrived["amount"], "reason": "other"}
    yield from d.does("inbound", "return_amount", text="户名不符", **details)
    yield d.seen("inbound", "BalanceArrived", 2)
    yield from d.does("inbound", "complete")


def early_money(d: Drama) -> Waiting:
    """The money is there before the clerk completes: it waits, and is credited after completion."""
    yield from d.lodged()
    yield d.seen("inbound", "BalanceArrived")
    yield from d.does("inbound", "complete")


def redone(d: Drama) -> Waiting:
    """A completion taken over in error is reversed, and done again."""
    yield from d.lodged()
    yield d.seen("inbound", "BalanceCredited")
    yield from d.does("inbound", "reverse", reason="taken_over_in_error", text="误并入他人档案")
    yield d.seen("outbound", "CompletionReversed")
    yield from d.does("inbound", "complete")


def reminded(d: Drama) -> Waiting:
    """Inbound reminds and asks for information; outbound provides it."""
    yield from _form_in(d)
    yield from d.does("inbound", "remind", about="remit", text="请尽快划转个人账户余额")
    yield from d.does("inbound", "request_information", topic="首次参保时间", text="请提供首次参保登记表")
    yield d.seen("outbound", "InformationRequested")
    asked = next(e for e in d.events("outbound") if e.type == "InformationRequested")
    yield from d.does("outbound", "provide_information", answers=asked.seq, text="2015 年 3 月首次参保")
    yield d.seen("inbound", "InformationProvided")
    yield from d.does("inbound", "complete")


def left_waiting(d: Drama) -> Waiting:
    """Inbound asks; outbound's clerk has not answered yet. The case waits for a person with a name and a date."""
    yield from _form_in(d)
    yield from d.does("inbound", "query_form", field="account", code="wrong_amount", text="利息金额与本人所见不符")
    yield d.seen("outbound", "FormQueried")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "refused_at_counter",
        "窗口即不予受理，一次告知多条原因",
        "refused at the counter for several reasons at once",
        XIAN,
        WENZHOU,
        ("refused_at_counter",),
        lodged=("outbound",),
        prepare="in_trouble",
    ),
    Scenario(
        "rejected",
        "对方不予受理：原单位未停保",
        "rejected by the other side: the cover was never stopped",
        XIAN,
        WENZHOU,
        ("rejected",),
        prepare="never_stopped",
    ),
    Scenario(
        "resident", "居民参保，没有资金", "resident case without money", WENZHOU, XIAN, ("closed",), prepare="resident"
    ),
    Scenario(
        "corrected",
        "信息表被询问，第 2 版更正后办结",
        "form queried, corrected by version 2, completed",
        XIAN,
        CHENGDU,
        ("closed",),
        script=corrected,
        events=("FormQueried", "InformationFormUploaded", "InformationFormUploaded", "TransferCompleted"),
    ),
    Scenario(
        "explained",
        "询问经说明后办结",
        "query answered by explanation",
        WENZHOU,
        CHENGDU,
        ("closed",),
        script=explained,
        events=("FormQueried", "FormExplained"),
    ),
    Scenario(
        "query_taken_back",
        "询问由转入地自行撤回",
        "query taken back",
        XIAN,
        CHENGDU,
        ("closed",),
        script=taken_back,
        events=("FormQueried", "FormQueryClosed"),
    ),
    Scenario(
        "crossed",
        "撤回与受理在途中交错",
        "withdrawn while the acceptance crosses it",
        CHENGDU,
        WENZHOU,
        ("withdrawn",),
        script=crossed,
        events=("TransferAccepted", "TransferWithdrawn"),
    ),
    Scenario(
        "amended",
        "办结后发现漏月，更正办结",
        "months found missing after completion, completion amended",
        XIAN,
        WENZHOU,
        ("closed",),
        script=amended,
        events=("CorrectionProposed", "TransferCompleted", "CompletionAmended"),
    ),
    Scenario(
        "short",
        "少到账，询问后补划差额",
        "less arrives than was sent, queried, difference remitted",
        XIAN,
        WENZHOU,
        ("closed",),
        mishap=lambda number: Mishap(MishapKind.SHORT, document_number=number, amount=SHORT_BY),
        events=("BalanceQueried", "BalanceRemitted", "BalanceRemitted"),
    ),
    Scenario(
        "bank_refused",
        "银行退汇后重新划款",
        "refused by the bank and sent again",
        CHENGDU,
        XIAN,
        ("closed",),
        mishap=lambda number: Mishap(MishapKind.REFUSE, document_number=number),
        events=("RemittanceFailed", "BalanceRemitted", "BalanceRemitted"),
    ),
    Scenario(
        "returned",
        "转入地退回款项，再次划款",
        "returned and sent again",
        WENZHOU,
        CHENGDU,
        ("closed",),
        script=returned,
        events=("BalanceReturned", "ReturnArrived", "BalanceRemitted", "BalanceRemitted"),
    ),
    Scenario(
        "money_first",
        "款项先于办结到账",
        "money that arrives before completion",
        XIAN,
        CHENGDU,
        ("closed",),
        script=early_money,
    ),
    Scenario(
        "redone",
        "办结撤销后重新办结",
        "completion reversed and redone",
        XIAN,
        WENZHOU,
        ("closed",),
        script=redone,
        events=("CompletionReversed", "TransferCompleted", "TransferCompleted"),
    ),
    Scenario(
        "twins",
        "同一人两地同时申请，只受理一件",
        "one person's two applications lodged on both sides at once",
        XIAN,
        WENZHOU,
        ("closed", "rejected"),
        lodged=("outbound", "inbound"),
    ),
    Scenario(
        "claimed_twice",
        "两地同时申请转入同一参保关系",
        "one relation claimed by two regions",
        XIAN,
        WENZHOU,
        ("closed", "rejected"),
        lodged=("inbound", "third"),
        prepare="claimed_twice",
    ),
    Scenario(
        "forwarded",
        "转出地有误，转办后重新申请",
        "a misrouted case forwarded and lodged anew",
        XIAN,
        CHENGDU,
        ("closed", "forwarded"),
        prepare="moved_on",
        events=("CaseForwarded",),
    ),
    Scenario(
        "reminded",
        "催办与信息补充",
        "a reminder and an information request",
        WENZHOU,
        CHENGDU,
        ("closed",),
        script=reminded,
        events=("ReminderSent", "InformationRequested", "InformationProvided"),
    ),
    Scenario(
        "waits_for_clerk",
        "等待经办人员答复",
        "a case that waits for a clerk",
        XIAN,
        CHENGDU,
        ("form_queried",),
        script=left_waiting,
        events=("FormQueried",),
    ),
)

PREPARED = {"in_trouble": in_trouble, "never_stopped": never_stopped}
