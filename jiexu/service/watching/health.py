"""Is the process alive, and is it ready: the two questions that whoever runs it asks, with reasons in two languages."""

from dataclasses import dataclass
from typing import Any

from jiexu.service.watching.looks import Seen
from jiexu.service.watching.pulse import Pulse

LEDGER_BEHIND_SECONDS = 60.0
"""A ledger behind by more than this keeps acts waiting, so the service is not ready; a batch takes a second."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the answer is no, and what to do."""

    code: str
    zh: str
    en: str
    todo_zh: str
    todo_en: str


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to one question."""

    well: bool
    reasons: tuple[Reason, ...]

    def document(self) -> dict[str, Any]:
        """As plain values."""
        reasons = [{name: getattr(reason, name) for name in Reason.__slots__} for reason in self.reasons]
        return {"ok": self.well, "reasons": reasons}


@dataclass(frozen=True, slots=True)
class Known:
    """What an answer rests on."""

    pulse: Pulse
    watchdog_seconds: float
    journal: Seen
    exchange: Seen
    ledger_waits: str  # since when nothing reaches the ledger, "" while it is reached
    ledger_age: float


def alive(pulse: Pulse, watchdog_seconds: float) -> Health:
    """Whether the loop has given a sign of life within the time after which the watchdog would end the process."""
    still = pulse.still()
    if still <= watchdog_seconds:
        return Health(True, ())
    return Health(False, (_stuck(still),))


def ready(known: Known) -> Health:
    """Whether the service does its work: checked at its start, journal and exchange there, ledger not behind."""
    pulse = known.pulse
    found: list[Reason] = []
    if pulse.still() > known.watchdog_seconds:
        found.append(_stuck(pulse.still()))
    if not pulse.checked:
        found.append(
            Reason(
                "start_check",
                "启动检查尚未完成（账本、信箱）",
                "the check at start is not done (ledger, mailbox)",
                "等待；若不前进，看日志与下列原因",
                "wait; if it does not end, read the log and the reasons below",
            )
        )
    if not known.journal.ok:
        found.append(
            Reason(
                "journal",
                f"日志不可读：{known.journal.zh}",
                f"the journal cannot be read: {known.journal.en}",
                "看磁盘或数据库：jiexu doctor",
                "look at the disk or the database: jiexu doctor",
            )
        )
    if not known.exchange.ok:
        found.append(
            Reason(
                "exchange",
                f"交换不可达：{known.exchange.zh}",
                f"the exchange is not reached: {known.exchange.en}",
                "看 Kafka 与网络：jiexu doctor",
                "look at Kafka and the network: jiexu doctor",
            )
        )
    elif pulse.away is not None:
        zh, en = pulse.away
        found.append(
            Reason("waits", f"循环在等待：{zh}", f"the loop waits: {en}", "会自动重试", "it is tried again by itself")
        )
    if known.ledger_waits or known.ledger_age > LEDGER_BEHIND_SECONDS:
        since = known.ledger_waits
        zh = f"账本自 {since} 起不可写" if since else f"账本落后 {known.ledger_age:.0f} 秒"
        en = f"nothing reaches the ledger since {since}" if since else f"the ledger is {known.ledger_age:.0f} s behind"
        todo = ("看账本主题：jiexu topics check", "look at the ledger's topic: jiexu topics check")
        found.append(Reason("ledger", f"{zh}；涉及资金的步骤在等", f"{en}; acts that move money wait", *todo))
    return Health(not found, tuple(found))


def _stuck(seconds: float) -> Reason:
    return Reason(
        "stuck",
        f"循环已 {seconds:.0f} 秒没有动静",
        f"the loop has given no sign of life for {seconds:.0f} s",
        "看门狗会结束进程，由 systemd 或容器重新启动；多次发生则看日志 stuck",
        "the watchdog ends the process and its supervisor starts it again; if it repeats, read the log (stuck)",
    )
