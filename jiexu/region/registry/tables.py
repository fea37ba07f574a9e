"""The CSV files of a registry: their columns, how a row is read, and how it is written out again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from jiexu.region import cells
from jiexu.region.cells import Cells
from jiexu.region.csvfile import Column, RowRefused
from jiexu.region.registry import months
from jiexu.region.registry.records import (
    AccountRow,
    ArrearsRow,
    BankLineRow,
    EmployerRow,
    PeriodRow,
    PersonRow,
    RelationRow,
    Row,
)
from jiexu.rules.facts import RelationStatus
from jiexu.rules.identity import RESIDENT_CARD, birth_date, sex

_KINDS = {
    "employed": "employed",
    "单位职工": "employed",
    "flexible": "flexible",
    "灵活就业": "flexible",
    "resident": "resident",
    "居民": "resident",
}
_PAID = {
    "actual": "actual",
    "实际缴费": "actual",
    "实缴": "actual",
    "deemed": "deemed",
    "视同缴费": "deemed",
    "视同": "deemed",
}
_SEXES = {"male": "male", "男": "male", "1": "male", "female": "female", "女": "female", "2": "female"}
_LINES = {
    "arrived": "arrived",
    "到账": "arrived",
    "refused": "refused",
    "退汇": "refused",
    "returned": "returned",
    "退款到账": "returned",
    "return_refused": "return_refused",
    "退款退汇": "return_refused",
}


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One kind of file. `select` gives the columns in order, for export; `zh` and `en` explain the file."""

    name: str
    columns: Mapping[str, Column]
    parse: Callable[[Cells], Row]
    select: str
    zh: str
    en: str


def _optional(*aliases: str) -> Column:
    return Column(aliases, required=False)


def _person(row: Cells) -> Row:
    who = cells.identity(row, "name", "document_type", "document_number")
    card = who.document_type == RESIDENT_CARD
    stated_sex = cells.choice(row, "sex", _SEXES) if row["sex"] else None
    return PersonRow(
        person_number=cells.text(row, "person_number", 30),
        name=who.name,
        document_type=who.document_type,
        document_number=who.document_number,
        sex=stated_sex or (sex(who.document_number) if card else None),
        birth_date=cells.maybe_day(row, "birth_date") or (birth_date(who.document_number) if card else None),
        phone=cells.maybe_text(row, "phone", 30),
        retired=cells.maybe_flag(row, "retired"),
        of_retirement_age=cells.maybe_flag(row, "of_retirement_age"),
        in_hospital=cells.maybe_flag(row, "in_hospital"),
        family_sharing=cells.maybe_flag(row, "family_sharing"),
        unsettled_costs=cells.maybe_flag(row, "unsettled_costs"),
        unfinished_transfer_in=cells.maybe_flag(row, "unfinished_transfer_in"),
        unfinished_transfer_out=cells.maybe_flag(row, "unfinished_transfer_out"),
    )


def _employer(row: Cells) -> Row:
    return EmployerRow(cells.text(row, "code", 30), cells.text(row, "name"))


def _relation(row: Cells) -> Row:
    scheme = cells.choice(row, "scheme", cells.SCHEMES)
    status = cells.choice(row, "status", cells.STATUSES)
    return RelationRow(
        person_number=cells.text(row, "person_number", 30),
        scheme=scheme,
        status=status,
        kind=cells.choice(row, "kind", _KINDS, default="resident" if scheme == "resident" else "employed"),
        employer=cells.maybe_text(row, "employer"),
        coverage_year=cells.maybe_whole(row, "coverage_year", 1998, 2100),
        paid_through=cells.maybe_month(row, "paid_through"),
        ended_to=cells.region(row, "ended_to") if row["ended_to"] and status is RelationStatus.ENDED else None,
    )


def _period(row: Cells) -> Row:
    first, last = cells.month(row, "first_month"), cells.month(row, "last_month")
    most = months.span(first, last)
    if most < 1:
        raise RowRefused(
            "months_backwards",
            "last_month",
            "止月早于起月。请更正。",
            "The last month is before the first. Correct it.",
        )
    return PeriodRow(
        person_number=cells.text(row, "person_number", 30),
        region=cells.region(row, "region") if row["region"] else "",
        scheme=cells.choice(row, "scheme", cells.SCHEMES),
        first_month=first,
        kind=cells.choice(row, "kind", _PAID, default="actual"),
        last_month=last,
        months=cells.maybe_whole(row, "months", 1, most) or most,
    )


def _account(row: Cells) -> Row:
    return AccountRow(
        person_number=cells.text(row, "person_number", 30),
        balance=cells.signed_money(row, "balance"),
        interest=cells.money(row, "interest"),
        unearned_allocation=cells.money(row, "unearned_allocation"),
        settled_claims=cells.money(row, "settled_claims"),
        other_lines=_other_lines(row),
        opened_on=cells.maybe_day(row, "opened_on"),
    )


def _other_lines(row: Cells) -> tuple[tuple[str, Decimal], ...]:
    """Named lines written `name=amount;name=amount`."""
    found = []
    for part in row["other_lines"].replace("；", ";").split(";"):
        if not part.strip():
            continue
        name, equals, value = part.replace("＝", "=").rpartition("=")
        if not equals or not name.strip():
            raise RowRefused(
                "lines_bad",
                "other_lines",
                "应写成“名称=金额;名称=金额”。请更正。",
                "Write it as name=amount;name=amount.",
            )
        found.append((name.strip(), cells.amount(value.strip(), "other_lines")))
    return tuple(found)


def _arrears(row: Cells) -> Row:
    return ArrearsRow(
        person_number=cells.text(row, "person_number", 30),
        scheme=cells.choice(row, "scheme", cells.SCHEMES, default="employee"),
        month=cells.month(row, "month"),
        amount=cells.money(row, "amount") if row["amount"] else None,
    )


def _bank_line(row: Cells) -> Row:
    value = cells.money(row, "amount")
    if not value:
        raise RowRefused(
            "amount_zero", "amount", "金额应大于零。请更正。", "The amount must be above zero. Correct it."
        )
    return BankLineRow(
        kind=cells.choice(row, "kind", _LINES),
        reference=cells.text(row, "reference"),
        amount=value,
        bank_date=cells.day(row, "bank_date"),
        serial=cells.text(row, "serial"),
        reason=cells.maybe_text(row, "reason"),
        for_reference=cells.maybe_text(row, "for_reference"),
    )


_NUMBER = Column(("人员编号",))
_SCHEME = Column(("险种", "险种类型"))

# In the order in which they are read: persons before what belongs to them.
TABLES: tuple[TableSpec, ...] = (
    TableSpec(
        "persons",
        {
            "person_number": _NUMBER,
            "name": Column(("姓名",)),
            "document_type": _optional("证件类型"),
            "document_number": Column(("证件号码", "社会保障号", "身份证号")),
            "sex": _optional("性别"),
            "birth_date": _optional("出生日期"),
            "phone": _optional("电话", "手机号"),
            "retired": _optional("已退休"),
            "of_retirement_age": _optional("已达退休年龄"),
            "in_hospital": _optional("在院"),
            "family_sharing": _optional("家庭共济"),
            "unsettled_costs": _optional("费用未结清"),
            "unfinished_transfer_in": _optional("有未完成转入"),
            "unfinished_transfer_out": _optional("有未完成转出"),
        },
        _person,
        "SELECT person_number, name, document_type, document_number, sex, birth_date, phone,"
        " retired, of_retirement_age, in_hospital, family_sharing, unsettled_costs, unfinished_transfer_in,"
        " unfinished_transfer_out FROM persons",
        "人员；是/否列留空表示未知，证件类型留空为 01",
        "people; yes/no columns left empty mean unknown, an empty document type is 01",
    ),
    TableSpec(
        "employers",
        {"code": Column(("单位编号",)), "name": Column(("单位名称",))},
        _employer,
        "SELECT code, name FROM employers",
        "单位",
        "employers",
    ),
    TableSpec(
        "relations",
        {
            "person_number": _NUMBER,
            "scheme": _SCHEME,
            "status": Column(("参保状态",)),
            "kind": _optional("参保身份", "人员类别"),
            "employer": _optional("单位", "参保单位"),
            "coverage_year": _optional("参保年度"),
            "paid_through": _optional("缴费至"),
            "ended_to": _optional("转往统筹区"),
        },
        _relation,
        "SELECT person_number, scheme, status, kind, employer, coverage_year, paid_through, ended_to FROM relations",
        "参保关系；险种 职工/居民（310/390），状态 正常参保/暂停参保/终止参保（1/2/3）",
        "relations; scheme employee/resident (310/390), status active/suspended/ended (1/2/3)",
    ),
    TableSpec(
        "periods",
        {
            "person_number": _NUMBER,
            "region": _optional("统筹区", "统筹区代码"),
            "scheme": _SCHEME,
            "first_month": Column(("起始年月", "开始年月")),
            "last_month": Column(("终止年月", "截止年月")),
            "months": _optional("月数"),
            "kind": _optional("缴费类型"),
        },
        _period,
        "SELECT person_number, region, scheme, first_month, last_month, months, kind FROM periods",
        "缴费时段；统筹区留空为本区，月数留空为整段，缴费类型 实际缴费/视同缴费",
        "stretches of months; empty region: this one, empty months: the whole stretch, kind actual/deemed",
    ),
    TableSpec(
        "accounts",
        {
            "person_number": _NUMBER,
            "balance": Column(("余额", "个人账户余额")),
            "interest": _optional("利息"),
            "unearned_allocation": _optional("未到期划入"),
            "settled_claims": _optional("已结算费用"),
            "other_lines": _optional("其他项目"),
            "opened_on": _optional("开户日期"),
            "balance_now": _optional(),
        },
        _account,
        "SELECT person_number, imported, interest, unearned_allocation, settled_claims, other_lines, opened_on, balance"
        " FROM accounts",
        "个人账户，金额为元；余额可为负（透支），不含本系统案件的划出和记入；其他项目写成 名称=金额;名称=金额",
        "personal accounts in yuan; the balance may be negative (overdraft) and leaves out what cases moved;"
        " other_lines: name=amount;name=amount; balance_now is written by export only",
    ),
    TableSpec(
        "arrears",
        {
            "person_number": _NUMBER,
            "scheme": _optional(*_SCHEME.aliases),
            "month": Column(("欠费年月",)),
            "amount": _optional("欠费金额"),
        },
        _arrears,
        "SELECT person_number, scheme, month, amount FROM arrears",
        "欠费月份",
        "months not paid",
    ),
    TableSpec(
        "bank_lines",
        {
            "kind": Column(("类型",)),
            "reference": Column(("汇款编号",)),
            "amount": Column(("金额",)),
            "bank_date": Column(("入账日期",)),
            "serial": Column(("银行流水号", "流水号")),
            "reason": _optional("原因"),
            "for_reference": _optional("原汇款编号"),
        },
        _bank_line,
        "SELECT kind, reference, amount, bank_date, serial, reason, for_reference FROM bank_lines ORDER BY number",
        "银行流水；类型 到账/退汇/退款到账/退款退汇",
        "the bank statement; kind arrived/refused/returned/return_refused",
    ),
)

# Columns kept in cents, and those kept as 0 and 1.
MONEY = frozenset(("balance", "interest", "unearned_allocation", "settled_claims", "amount", "balance_now"))
FLAGS = frozenset(
    (
        "retired",
        "of_retirement_age",
        "in_hospital",
        "family_sharing",
        "unsettled_costs",
        "unfinished_transfer_in",
        "unfinished_transfer_out",
    )
)
