"""What a cell of a CSV file may say: one function a kind of value, raising RowRefused with the column's name.

An empty cell gives None where the function's name begins with `maybe`; elsewhere it is refused as `cell_empty`.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from jiexu.region.csvfile import RowRefused
from jiexu.rules.facts import Identity, RelationStatus, Scheme
from jiexu.rules.identity import RESIDENT_CARD, masked_number, normalised, valid_document

T = TypeVar("T")

Cells = Mapping[str, str]

# decimal(14,2) of the contract.
_MOST_YUAN = Decimal("999999999999.99")

_MONTH = re.compile(r"(\d{4})[-/.年]?(\d{1,2})月?")
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_SCIENTIFIC = re.compile(r"[\d.]+E\+?\d+")

SCHEMES: Mapping[str, Scheme] = {
    "employee": Scheme.EMPLOYEE,
    "310": Scheme.EMPLOYEE,
    "职工": Scheme.EMPLOYEE,
    "职工医保": Scheme.EMPLOYEE,
    "城镇职工": Scheme.EMPLOYEE,
    "职工基本医疗保险": Scheme.EMPLOYEE,
    "resident": Scheme.RESIDENT,
    "390": Scheme.RESIDENT,
    "居民": Scheme.RESIDENT,
    "居民医保": Scheme.RESIDENT,
    "城乡居民": Scheme.RESIDENT,
    "城乡居民基本医疗保险": Scheme.RESIDENT,
}

STATUSES: Mapping[str, RelationStatus] = {
    "active": RelationStatus.ACTIVE,
    "1": RelationStatus.ACTIVE,
    "正常参保": RelationStatus.ACTIVE,
    "参保": RelationStatus.ACTIVE,
    "suspended": RelationStatus.SUSPENDED,
    "2": RelationStatus.SUSPENDED,
    "暂停参保": RelationStatus.SUSPENDED,
    "暂停": RelationStatus.SUSPENDED,
    "ended": RelationStatus.ENDED,
    "3": RelationStatus.ENDED,
    "终止参保": RelationStatus.ENDED,
    "终止": RelationStatus.ENDED,
}

_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("是", "有", "yes", "y", "true", "1"), True),
    **dict.fromkeys(("否", "无", "no", "n", "false", "0"), False),
}


def text(row: Cells, column: str, most: int = 100) -> str:
    """Free text of at most that many characters."""
    cell = unicodedata.normalize("NFC", row[column])
    if not cell:
        raise RowRefused("cell_empty", column, "不能为空。请填写。", "The cell is empty. Fill it in.")
    if len(cell) > most:
        raise RowRefused(
            "cell_long", column, f"超过 {most} 个字符。请缩短。", f"More than {most} characters. Shorten it."
        )
    return cell


def maybe_text(row: Cells, column: str, most: int = 100) -> str | None:
    """Free text, or None."""
    return text(row, column, most) if row[column] else None


def choice(row: Cells, column: str, values: Mapping[str, T], default: str | None = None) -> T:
    """One of the words, compared without case and width. `default` is the word that an empty cell stands for."""
    cell = unicodedata.normalize("NFKC", row[column] or default or "").casefold()
    if cell not in values:
        words = "、".join(values)
        raise RowRefused(
            "choice_unknown", column, f"不是可用的值。可用：{words}。", f"Not one of the values: {', '.join(values)}."
        )
    return values[cell]


def maybe_flag(row: Cells, column: str) -> bool | None:
    """是 or 否; None where the cell does not say."""
    return choice(row, column, _FLAGS) if row[column] else None


def month(row: Cells, column: str) -> str:
    """A month, written 2024-03, 202403, 2024/3 or 2024年3月, as `YYYY-MM`."""
    found = _MONTH.fullmatch(_narrow(row[column]))
    if found is None or not 1 <= int(found[2]) <= 12 or int(found[1]) < 1900:
        raise RowRefused("month_bad", column, "不是有效的月份。请写成 2024-03。", "Not a month. Write it as 2024-03.")
    return f"{found[1]}-{int(found[2]):02d}"


def maybe_month(row: Cells, column: str) -> str | None:
    """A month, or None."""
    return month(row, column) if row[column] else None


def day(row: Cells, column: str) -> date:
    """A day, written 2024-03-05, 20240305, 2024/3/5 or 2024年3月5日."""
    found = _DAY.fullmatch(_narrow(row[column]))
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise RowRefused(
            "date_bad", column, "不是有效的日期。请写成 2024-03-05。", "Not a date. Write it as 2024-03-05."
        ) from None


def maybe_day(row: Cells, column: str) -> date | None:
    """A day, or None."""
    return day(row, column) if row[column] else None


def signed_money(row: Cells, column: str) -> Decimal:
    """An amount in yuan with at most two decimals, of either sign; an empty cell is 0.00."""
    cell = _narrow(row[column]).replace(",", "").removeprefix("¥").removesuffix("元")
    return amount(cell or "0", column)


def amount(cell: str, column: str) -> Decimal:
    """The amount that a text states, in yuan with two decimals."""
    try:
        # Decimal by itself takes NaN, 1E5 and underscores.
        if not re.fullmatch(r"[-+]?\d+(\.\d{1,2})?", cell, re.ASCII):
            raise InvalidOperation
        value = Decimal(cell).quantize(Decimal("0.01"))
        if abs(value) > _MOST_YUAN:
            raise InvalidOperation
    except InvalidOperation:
        raise RowRefused(
            "amount_bad",
            column,
            "不是有效的金额。请写成以元为单位、至多两位小数的数。",
            "Not an amount. Write yuan with at most two decimals.",
        ) from None
    return value


def money(row: Cells, column: str) -> Decimal:
    """An amount that is not negative, in yuan; an empty cell is 0.00."""
    value = signed_money(row, column)
    if value < 0:
        raise RowRefused("amount_negative", column, "金额不能为负。请更正。", "The amount is negative. Correct it.")
    return value


def maybe_whole(row: Cells, column: str, least: int, most: int) -> int | None:
    """A whole number within the bounds, or None."""
    cell = _narrow(row[column])
    if not cell:
        return None
    if not re.fullmatch(r"\d{1,9}", cell, re.ASCII) or not least <= int(cell) <= most:
        raise RowRefused(
            "number_bad", column, f"应为 {least} 至 {most} 的整数。", f"Must be a whole number from {least} to {most}."
        )
    return int(cell)


def region(row: Cells, column: str) -> str:
    """A region code of six digits."""
    cell = _narrow(row[column])
    if not re.fullmatch(r"\d{6}", cell, re.ASCII):
        raise RowRefused(
            "region_bad", column, "不是六位统筹区代码。请更正。", "Not a region code of six digits. Correct it."
        )
    return cell


def identity(row: Cells, name: str, document_type: str, document_number: str) -> Identity:
    """Who somebody is, from three columns. An empty type is 01, whose checksum is looked at."""
    kind = _narrow(row[document_type]) or RESIDENT_CARD
    if kind.isdigit():
        kind = kind.zfill(2)  # spreadsheets drop the 0 of 01
    number = normalised(text(row, document_number))
    if _SCIENTIFIC.fullmatch(number):
        raise RowRefused(
            "number_rounded",
            document_number,
            "号码被表格软件改成了科学计数，末几位已丢失。请把该列设为文本后重新填写。",
            "A spreadsheet has turned the number into 6.1E+17 and lost its end. Make the column text, fill it in anew.",
        )
    if not valid_document(kind, number):
        raise RowRefused(
            "document_number_bad",
            document_number,
            f"{masked_number(number)} 不是有效的证件号码（位数、出生日期或校验码不符）。请核对证件。",
            f"{masked_number(number)} is no valid number (length, birth date or check character). Check the document.",
        )
    return Identity(text(row, name), kind, number)


def _narrow(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell).split())
