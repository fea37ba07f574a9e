"""What the registry refuses, by code: what happened and what to do, in Chinese and English."""

from jiexu.region.platform import Refused

_TEXTS: dict[str, tuple[str, str]] = {
    "key_reused": (
        "同一办理键（{step}/{n}）已用于内容不同的操作，本次未执行。请核对该案件的办理记录后再试。",
        "The key {step}/{n} names an act with other content; nothing was done. Check the case's record of acts.",
    ),
    "amount_invalid": (
        "金额无效：应为大于零、精确到分的数。请更正金额。",
        "The amount is not valid: it must be above zero, in whole cents. Correct the amount.",
    ),
    "person_unknown": (
        "本统筹区没有此人（{who}）。请核对证件类型和号码，或先办理参保登记。",
        "This region has no such person ({who}). Check document type and number, or enrol the person first.",
    ),
    "case_of_another_person": (
        "本案件此前的操作属于另一人，与 {who} 不符。请核对身份信息。",
        "Earlier acts of this case were for another person than {who}. Check the identity.",
    ),
    "relation_unknown": (
        "{who} 在本统筹区没有该险种的参保关系。请核对险种。",
        "{who} has no relation of this scheme in this region. Check the scheme.",
    ),
    "relation_ended": (
        "{who} 的该险种参保关系已终止（去向：{where}）。请核对是否已办理转出。",
        "The relation of {who} has ended already (went to {where}). Check whether it was transferred before.",
    ),
    "held_by_other": (
        "{who} 的参保关系正由另一案件占用。请先办结或撤销那一案件。",
        "Another case holds the relation of {who}. Complete or withdraw that case first.",
    ),
    "no_account_in_scheme": (
        "居民医保没有个人账户，不能记入、扣减或退回。请核对险种。",
        "The resident scheme has no personal account to credit or debit. Check the scheme.",
    ),
    "account_unknown": (
        "{who} 在本统筹区没有个人账户。请核对身份和险种。",
        "{who} has no personal account in this region. Check identity and scheme.",
    ),
    "level_above_account": (
        "拟转出 {asked} 元，超过可转出的 {found} 元。请按最新账户重新出具信息表。",
        "{asked} yuan were asked for, {found} may move. Make the form anew from the present account.",
    ),
    "level_below_paid_out": (
        "拟转出金额 {asked} 元低于已支付给本人的 {found} 元。请先追回支付款。",
        "The level {asked} yuan is below the {found} yuan paid out to the person. Recover the pay-out first.",
    ),
    "paid_out_above_level": (
        "拟支付后合计 {asked} 元，超过账户为本案件划出的 {found} 元。请核对支付金额。",
        "Pay-outs would come to {asked} yuan, the account gave {found} to this case. Check the amount.",
    ),
    "reference_used": (
        "汇款编号 {reference} 已用过。请换用新的编号。",
        "The reference {reference} is used already. Take a new one.",
    ),
    "not_own_region": (
        "汇出地与汇入地有误：应由 {own} 汇往另一统筹区。请核对统筹区代码。",
        "The money must go from {own} to another region. Check the region codes.",
    ),
    "above_arrived": (
        "汇款 {reference} 到账可用 {found} 元，拟使用 {asked} 元。请核对到账金额。",
        "Of remittance {reference}, {found} yuan have arrived and are free, {asked} were asked for. Check the arrival.",
    ),
    "return_under_way": (
        "退款 {reference} 已汇出且未被银行拒绝，不能再次汇出。请等待银行结果。",
        "The return {reference} is under way and was not refused by the bank. Wait for the bank.",
    ),
    "above_credited": (
        "汇款 {reference} 已记入可退回 {found} 元，拟退回 {asked} 元。请核对退回金额。",
        "Of remittance {reference}, {found} yuan stand credited, {asked} were to be taken back. Check the amount.",
    ),
    "balance_insufficient": (
        "个人账户余额 {found} 元，不足以退回 {asked} 元。请与本人协商后再办。",
        "The account holds {found} yuan, not the {asked} to be taken back. Settle with the person first.",
    ),
    "months_invalid": (
        "缴费时段有误（{first} 至 {last}，{months} 个月）。请核对信息表。",
        "A stretch of months is wrong ({first} to {last}, {months} months). Check the form.",
    ),
}

CODES = frozenset(_TEXTS)


class ActRefused(Exception):
    """Raised inside an act; its savepoint is rolled back and the caller gets the `Refused` value."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.refused = refusal(code, **values)


def refusal(code: str, **values: object) -> Refused:
    """The refusal of that code with its blanks filled; persons must be passed masked."""
    zh, en = _TEXTS[code]
    return Refused(code, zh.format(**values), en.format(**values))
