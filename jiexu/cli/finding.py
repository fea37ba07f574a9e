"""What `jiexu doctor` says: one finding per thing looked at, with what is wrong and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from jiexu.cli import errors

if TYPE_CHECKING:
    from jiexu.service.config import Config


class State(StrEnum):
    """How a thing stands. `unreachable`: nothing is known to be wrong with it, it could not be asked."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    AWAY = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found, and what to do about it."""

    probe: str
    state: State
    zh: str
    en: str
    todo_zh: str = ""
    todo_en: str = ""

    def document(self) -> dict[str, str]:
        """For machines."""
        return asdict(self)


# A probe looks at one part at a moment, and yields findings one by one: what it found before it failed still counts.
Probe = Callable[["Config", datetime], Iterator[Finding]]


def failed(probe: str, error: Exception) -> Finding:
    """A probe that could not be finished is a finding too, in the words in which a command would tell the error."""
    from jiexu.service.logs import mask

    told = errors.sentence(error)
    if told is None:
        text = mask(f"{type(error).__name__}: {error}")
        zh, en = "报告此错误；设 JIEXU_DEBUG=1 重试可见详情", "report it; JIEXU_DEBUG=1 shows where it comes from"
        return Finding(probe, State.BAD, f"检查时出错：{text}", f"the check itself failed: {text}", zh, en)
    state = State.AWAY if told.exit_code == errors.UNREACHABLE else State.BAD
    return Finding(probe, state, mask(told.zh), mask(told.en))
