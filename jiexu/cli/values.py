"""Values as options take them: read strictly, refused in both languages, before a case is opened.

What stands here goes into signed events and stays for ever, so an identity number is refused in it (but for references,
which are a bank's). `--text` is the place for what concerns the person: it travels as a disclosure and can be erased.
"""

import re
import unicodedata
from typing import Any

import click


class BadValue(click.BadParameter):
    """A value that an option does not take: why, in both languages. The value is not said again."""

    def __init__(
        self, zh: str, en: str, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> None:
        super().__init__(en, ctx, param)
        self.zh, self.en = zh, en


class Plain(click.ParamType[str]):
    """One line of text as the contract takes it in the clear; `pattern` and its description make it stricter."""

    def __init__(
        self,
        name: str,
        longest: int,
        pattern: str = r"[^\x00-\x1f\x7f]+",
        zh: str = "",
        en: str = "",
        example: str = "…",
        digits: bool = False,
    ) -> None:
        self.name, self.example = name, example  # the example stands in the help text
        self._digits = digits  # long runs of digits are meant: a bank's reference looks like an identity number
        self._longest, self._pattern = longest, re.compile(pattern)
        self._zh, self._en = zh or f"应为一行文字，至多 {longest} 字", en or f"one line of 1 to {longest} characters"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it, full-width letters and digits narrowed as a Chinese keyboard may write them."""
        from jiexu.service.logs import has_identity_number

        text = unicodedata.normalize("NFKC", str(value)).strip()
        if not self._digits and has_identity_number(text):
            raise BadValue(
                "此项进入签名事件、不可删除，不得写证件号码；涉及个人的内容请写入 --text",
                "this is signed and kept for ever: no identity number here; personal matters belong into --text",
                param,
                ctx,
            )
        if not self._pattern.fullmatch(text) or len(text) > self._longest:
            raise BadValue(self._zh, self._en, param, ctx)
        return text


class Yuan(click.ParamType[str]):
    """An amount as the contract has it: yuan with at most two places, kept as text and never as a float."""

    name = "yuan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it; a wrong one is bad input."""
        text = str(value).strip()
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", text):
            raise BadValue("不是金额，请写作 1234.50", "not an amount: write 1234.50", param, ctx)
        return text


STAFF = Plain("工号", 64, zh="应为工号", en="a staff number")
OFFICE = Plain("代码", 64, zh="应为机构代码", en="the code of an office")
LINE = Plain("文字", 200)
REFERENCE = Plain("编号", 64, zh="应为编号，至多 64 字", en="a reference of up to 64 characters", digits=True)
KEY = Plain(
    "代码",
    64,
    r"[A-Za-z0-9][A-Za-z0-9._:/-]*",
    "应为代码（字母、数字、._:/-），如 form；说明写入 --text",
    "a code of letters, digits and ._:/-, such as form; say the rest in --text",
    "form",
)
CHECK = Plain(
    "代码",
    64,
    r"[A-Z]+-[0-9]+",
    "应为校验代码，如 OUT-01；全部代码见 jiexu rules checks",
    "a check's code, such as OUT-01",
    "OUT-01",
)
FIELD = Plain(
    "字段",
    200,
    r"[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|0|[1-9][0-9]*))*",
    "应为字段名，如 periods.0.months",
    "a field's name, such as periods.0.months",
    "periods.0.months",
)
SEQ = click.IntRange(min=1)
