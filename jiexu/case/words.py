"""Every word that people read about a case, Chinese first: one table per kind, keyed by the contract's own names.

Views, the command line and printed pages take their words from here, so that a status or a step is called the same
everywhere. What a clock is called stands in the ruleset's data too; a test holds both to each other.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Word(NamedTuple):
    """One thing in two languages."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        """The text in `en`, or in Chinese."""
        return self.en if lang == "en" else self.zh


ROLE: Mapping[str, Word] = {
    "outbound": Word("转出地", "outbound"),
    "inbound": Word("转入地", "inbound"),
}

TRACK: Mapping[str, Word] = {
    "relation": Word("关系", "relation"),
    "money": Word("资金", "money"),
}

# View.status
STATUS: Mapping[str, Word] = {
    "unknown": Word("申请未到", "application not here yet"),
    "applied": Word("已申请", "applied"),
    "accepted": Word("已受理", "accepted"),
    "form_uploaded": Word("信息表已上传", "form uploaded"),
    "form_queried": Word("信息表询问中", "form queried"),
    "completed": Word("已办结", "completed"),
    "reversed": Word("办结已撤销", "completion reversed"),
    "closed": Word("已结案", "closed"),
    "refused_at_counter": Word("窗口不予受理", "refused at the counter"),
    "rejected": Word("不予受理", "rejected"),
    "forwarded": Word("已转办", "forwarded"),
    "withdrawn": Word("已撤回", "withdrawn"),
}

# What the money of a case is doing; `quiet`: nothing was due or sent yet.
MONEY_STATE: Mapping[str, Word] = {
    "quiet": Word("尚未开始", "not begun"),
    "no_money": Word("无资金划转", "no money moves"),
    "stays_usable": Word("余额留在转出地继续使用", "stays usable in the outbound region"),
    "to_send": Word("待划转", "to be sent"),
    "queried": Word("资金询问中", "queried"),
    "under_way": Word("已汇出，在途", "sent, under way"),
    "arrived": Word("已到账，待记入", "arrived, to be credited"),
    "excess": Word("有应退资金", "money to be sent back"),
    "to_pay_out": Word("待支付给本人或继承人", "to be paid out"),
    "paid_out": Word("已支付", "paid out"),
    "credited": Word("已记入个人账户", "credited"),
    "part_credited": Word("部分已记入", "credited in part"),
    "return_under_way": Word("退款在途", "return under way"),
    "to_return": Word("待退回转出地", "to be sent back to outbound"),
    "returned": Word("已退回转出地", "sent back"),
}

# For an employer, who sees progress and no more (domain.md §3a.6).
PROGRESS: Mapping[str, Word] = {
    "none": Word("无须办理", "nothing to do"),
    "pending": Word("尚未开始", "not begun"),
    "in_progress": Word("办理中", "in progress"),
    "done": Word("已完成", "done"),
}

MONEY: Mapping[str, Word] = {
    "sent": Word("汇出", "sent"),
    "credited": Word("已记入", "credited"),
    "under_way": Word("在途", "under way"),
    "returned": Word("已退", "returned"),
    "failed": Word("汇款失败", "failed"),
    "short": Word("短少", "short"),
}

OUTCOME: Mapping[str, Word] = {
    "none": Word("无须划转", "none"),
    "transfer": Word("划转至转入地", "transfer"),
    "stays_usable": Word("留在转出地继续使用", "stays usable outbound"),
    "pay_to_person": Word("支付给本人", "pay to the person"),
    "pay_to_heirs": Word("支付给继承人", "pay to the heirs"),
}

# Lines of the form's account, in the order in which they are added up (domain.md §2).
LINE: Mapping[str, Word] = {
    "balance": Word("个人账户余额", "balance"),
    "interest": Word("利息", "interest"),
    "unearned_allocation": Word("预划未到期部分", "unearned allocation"),
    "settled_claims": Word("已结算待扣费用", "settled claims"),
    "amount": Word("个人账户实际转出资金", "amount that moves"),
}

SCHEME: Mapping[str, Word] = {
    "employee": Word("职工医保", "employee scheme"),
    "resident": Word("居民医保", "resident scheme"),
}

PROCEDURE: Mapping[str, Word] = {
    "platform": Word("平台办理", "platform"),
    "letter": Word("函件办理", "by letter"),
    "automatic": Word("自动转移", "automatic"),
    "account_only": Word("仅转个人账户", "account only"),
}

APPLICANT: Mapping[str, Word] = {
    "person": Word("本人", "the person"),
    "employer": Word("用人单位", "the employer"),
    "agent": Word("代办人", "an agent"),
}

CHANNEL: Mapping[str, Word] = {
    "window": Word("窗口", "at a window"),
    "online": Word("网上", "online"),
    "employer": Word("单位", "through the employer"),
    "counter": Word("柜台", "at the counter"),
    "courier": Word("邮寄", "by courier"),
    "electronic": Word("电子方式", "electronically"),
}

# Event types: what was done, as a clerk would say it.
EVENT: Mapping[str, Word] = {
    "TransferApplied": Word("提出申请", "applied"),
    "TransferAccepted": Word("受理", "accepted"),
    "TransferRejected": Word("不予受理", "rejected"),
    "CaseForwarded": Word("转办", "forwarded"),
    "TransferWithdrawn": Word("撤回", "withdrawn"),
    "WithdrawalRequested": Word("请求撤回", "withdrawal requested"),
    "InformationFormUploaded": Word("上传信息表", "form uploaded"),
    "FormExplained": Word("说明信息表", "form explained"),
    "CorrectionProposed": Word("建议更正信息表", "correction proposed"),
    "FormQueried": Word("询问信息表", "form queried"),
    "FormQueryClosed": Word("结束信息表询问", "form query closed"),
    "TransferCompleted": Word("办结", "completed"),
    "CompletionAmended": Word("更正办结", "completion amended"),
    "CompletionReversed": Word("撤销办结", "completion reversed"),
    "BalanceRemitted": Word("汇出资金", "money remitted"),
    "RemittanceFailed": Word("汇款被银行退回", "remittance failed"),
    "BalanceArrived": Word("资金到账", "money arrived"),
    "BalanceQueried": Word("询问资金", "money queried"),
    "BalanceQueryClosed": Word("结束资金询问", "money query closed"),
    "BalanceExplained": Word("说明资金", "money explained"),
    "BalanceCredited": Word("记入个人账户", "money credited"),
    "BalanceReturned": Word("退回资金", "money sent back"),
    "ReturnArrived": Word("退款到账", "return arrived"),
    "BalancePaidOut": Word("支付给个人", "paid out"),
    "BalanceAdvanced": Word("先行垫付", "money advanced"),
    "ReminderSent": Word("催办", "reminder sent"),
    "InformationRequested": Word("请求补充信息", "information requested"),
    "InformationProvided": Word("补充信息", "information provided"),
    "DisclosureRequested": Word("请求补送个人信息", "personal values asked for"),
    "Escalated": Word("上报督办", "escalated"),
    "NoticeGiven": Word("已告知", "notice given"),
    "CertificateQueried": Word("询问参保凭证", "certificate queried"),
    "CertificateExplained": Word("说明参保凭证", "certificate explained"),
    "ContactLetterSent": Word("发出联系函", "contact letter sent"),
    "ContactLetterQueried": Word("询问联系函", "contact letter queried"),
    "ContactLetterQueryClosed": Word("结束联系函询问", "letter query closed"),
    "ContactLetterAmended": Word("更正联系函", "contact letter amended"),
    "ContactLetterExplained": Word("说明联系函", "contact letter explained"),
    "HandTakenOver": Word("接管代录记录", "attested hand taken over"),
    "DisputeSettled": Word("异议议定", "dispute settled"),
}

# Acts on the local platform (region/platform.py).
PLATFORM_ACT: Mapping[str, Word] = {
    "Hold": Word("暂停参保关系", "relation held"),
    "EndRelation": Word("终止参保关系", "relation ended"),
    "Reinstate": Word("恢复参保关系", "relation reinstated"),
    "Debit": Word("核减个人账户", "account debited"),
    "Send": Word("汇出资金", "money sent"),
    "Return": Word("退回资金", "money sent back"),
    "PayOut": Word("支付给个人", "paid out"),
    "RecordMonths": Word("记录缴费月数", "months recorded"),
    "UnrecordMonths": Word("撤销缴费月数", "months taken out"),
    "Credit": Word("记入个人账户", "money credited"),
    "TakeBack": Word("从个人账户收回", "credited money taken back"),
    "Advance": Word("先行垫付", "money advanced"),
}

# Steps of services, and the names under which claims are made (`return`, `reverse`).
STEP: Mapping[str, Word] = {
    "answer": Word("答复申请", "answer the application"),
    "lodge_anew": Word("向正确地区重新提交", "lodge anew"),
    "upload": Word("上传信息表", "upload the form"),
    "remit": Word("划转余额", "remit the balance"),
    "remit_difference": Word("补划差额", "send the difference"),
    "send_again": Word("重新划转", "send the money again"),
    "pay_out": Word("支付给个人", "pay out"),
    "book_failure": Word("登记汇款失败", "book a failed remittance"),
    "book_return": Word("登记退款到账", "book a return"),
    "answer_form_query": Word("答复信息表询问", "answer the form query"),
    "answer_balance_query": Word("答复资金询问", "answer the money query"),
    "complete": Word("办结", "complete"),
    "amend": Word("更正办结", "amend the completion"),
    "complete_again": Word("重新办结", "complete again"),
    "reverse": Word("撤销办结", "reverse the completion"),
    "credit": Word("记入个人账户", "credit the account"),
    "book": Word("登记银行流水", "book bank lines"),
    "book_arrival": Word("登记到账", "book an arrival"),
    "query_balance": Word("询问资金", "query the money"),
    "return": Word("退回资金", "send money back"),
    "return_uncredited": Word("退回未记入资金", "return uncredited money"),
    "return_excess": Word("退回多划资金", "return the excess"),
    "take_back": Word("收回已记入资金", "take credited money back"),
    "answer_withdrawal": Word("答复撤回请求", "answer the withdrawal request"),
    "answer_proposal": Word("处理更正建议", "take up the proposed correction"),
}

# Clocks of domain.md §6: what is due.
CLOCK: Mapping[str, Word] = {
    "answer": Word("答复申请", "application answered"),
    "form": Word("上传信息表", "form uploaded"),
    "remit": Word("划转个人账户余额", "money remitted"),
    "complete": Word("办结", "completed"),
    "contact_letter": Word("发出联系函", "contact letter sent"),
    "form_and_money": Word("寄送信息表并划转余额", "form and money sent"),
    "credit": Word("余额记入个人账户", "money credited"),
    "advance": Word("先行划转", "money advanced"),
    "settle": Word("地区间清算", "money settled between the regions"),
    "form_query_answer": Word("答复信息表疑问", "query about the form answered"),
    "balance_query_answer": Word("答复资金疑问", "query about the money answered"),
    "certificate_query_answer": Word("答复参保凭证疑问", "query about the certificate answered"),
    "letter_query_answer": Word("答复联系函疑问", "query about the contact letter answered"),
    "difference": Word("补划差额", "difference sent"),
    "return_ended": Word("退回已终结案件的资金", "money of an ended case returned"),
    "pay_out": Word("支付给本人或继承人", "pay-out to the person or the heirs"),
    "withdrawal_answer": Word("答复撤销请求", "withdrawal request answered"),
    "proposal_answer": Word("就更正建议提出疑问", "query opened on a proposed correction"),
    "lodge_anew": Word("转办后向正确地区重新提交", "new application after forwarding"),
    "arrival_booked": Word("到账登记或提出疑问", "arrival booked or queried"),
    "excess_returned": Word("退回多划资金", "excess returned"),
    "return_booked": Word("退款到账登记或提出未到账", "return booked or missed"),
    "amend": Word("按新版信息表更正办结", "completion amended"),
    "send_again": Word("重新划转", "money sent again"),
    "complete_again": Word("撤销办结后重新办结", "completed again after a reversal"),
}

# Enum values of event bodies (reasons, kinds, problem codes). One table: no value means two things.
CODE: Mapping[str, Word] = {
    "applicant_request": Word("申请人要求", "the applicant asks for it"),
    "cover_resumed": Word("转出地恢复参保", "cover resumed outbound"),
    "cover_lost": Word("转入地已不参保", "cover lost inbound"),
    "died": Word("参保人死亡", "the person died"),
    "lodged_in_error": Word("误报", "lodged in error"),
    "wrong_region": Word("不属本统筹区", "wrong region"),
    "wrong_office": Word("不属本机构", "wrong office"),
    "missing_months": Word("缺少月份", "months are missing"),
    "wrong_months": Word("月份有误", "months are wrong"),
    "wrong_identity": Word("身份信息不符", "identity differs"),
    "wrong_amount": Word("金额有误", "amount is wrong"),
    "wrong_scheme": Word("险种有误", "scheme is wrong"),
    "solved": Word("已另行解决", "solved otherwise"),
    "sent_in_error": Word("误发", "sent in error"),
    "no_answer": Word("未获答复", "no answer came"),
    "wrong_person": Word("非本人", "wrong person"),
    "taken_over_in_error": Word("误办结", "taken over in error"),
    "amount_differs": Word("金额不符", "amount differs"),
    "not_arrived": Word("未到账", "not arrived"),
    "wrong_name": Word("户名不符", "wrong name"),
    "account_unknown": Word("账户不存在", "account unknown"),
    "name_differs": Word("户名不符", "name differs"),
    "account_closed": Word("账户已销", "account closed"),
    "excess": Word("多划", "excess"),
    "case_ended": Word("案件已终结", "the case ended"),
    "reversed": Word("办结已撤销", "completion reversed"),
    "corrected": Word("信息表已更正", "form corrected"),
    "uncredited": Word("未记入的资金", "uncredited money"),
    "credited": Word("已记入的资金", "credited money"),
    "heirs": Word("继承人", "the heirs"),
    "other": Word("其他", "other"),
}

# Rules of continuity (domain.md §8).
CONTINUITY: Mapping[str, Word] = {
    "none": Word("待遇按转入地规定", "benefits by inbound's own rules"),
    "w1": Word("中断不超过 3 个月，可补缴，待遇连续", "gap of at most 3 months: may be paid, benefits continue"),
    "w2": Word("连续参保满 2 年，中断不超过 3 个月，可补缴", "two years unbroken, gap of at most 3 months"),
    "w3": Word("中断超过 3 个月，有等待期", "gap of more than 3 months: a waiting period"),
}

NOT_DISCLOSED = Word("已擦除/未披露", "erased or not disclosed")
NOT_YOURS = Word("不便告知", "not shown")


def word(table: Mapping[str, Word], key: str) -> Word:
    """The word for a key; a key that a later version wrote stands for itself in both languages."""
    return table.get(key) or Word(key, key)
