"""What the calendar refuses, as a value: a code, a sentence for the clerk in two languages, and what to do."""


class CalendarError(ValueError):
    """A question or a file that the calendar cannot take.

    `code` is stable (CAL-01 …); `zh` and `en` each say what is wrong, where, and what to do about it.
    """

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code, zh, en)
        self.code = code
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        return f"[{self.code}] {self.zh}\n{self.en}"
