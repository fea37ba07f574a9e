"""Logs: one JSON object a line on standard error, identity numbers masked wherever they stand."""

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from jiexu.rules.identity import masked_number

# 18 characters of a resident card, the 15 digits of an old one, and what lies between (bank cards). Not a part of a
# longer run of hexadecimal digits, which is an id or a hash.
_NUMBER = re.compile(r"(?<![0-9A-Fa-f])(\d{4})\d{7,10}(\d{3}[\dXx])(?![0-9A-Fa-f])")

# Passports (E12345678, EA1234567) and the permits of Hong Kong and Macao (H12345678, H1234567801), standing alone.
_DOCUMENT = re.compile(r"(?<![0-9A-Za-z])(?:[EGDSP][A-Z]?\d{7,8}|[HM]\d{8}(?:\d\d)?)(?![0-9A-Za-z])")


SELDOM_SECONDS = 60.0
SELDOM_KINDS = 1_000
"""Kinds of messages that are remembered: libraries have some dozen, and one that puts values into them has no end."""


def mask(text: str) -> str:
    """The text with everything that looks like the number of an identity document blanked in the middle."""
    text = _NUMBER.sub(lambda m: f"{m[1]}{'*' * (len(m[0]) - 8)}{m[2]}", text)
    return _DOCUMENT.sub(lambda m: masked_number(m[0]), text)


def has_identity_number(text: str) -> bool:
    """Whether something in it looks like a resident's identity number."""
    return _NUMBER.search(text) is not None


def _masked(value: Any) -> Any:
    match value:
        case bool() | None | float():
            return value
        case int():
            shown = mask(str(value))
            return shown if "*" in shown else value
        case dict():
            return {_masked(key): _masked(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(item) for item in value]
    return mask(str(value))  # whatever else would be shown by its text


def mask_numbers(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: nothing that is logged shows an identity number."""
    return {str(_masked(key)): _masked(value) for key, value in entry.items()}


class Seldom(logging.Filter):
    """Lets the same message of a library through once a minute, with how often it was said meanwhile.

    While a broker is away kafka-python says so fifteen times a second; the service says it itself, with what to do.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is shown. A message is known by its text before values are put in."""
        key, now = (record.name, str(record.msg)), self._clock()
        at, kept_back = self._said.get(key, (-SELDOM_SECONDS, 0))
        if now - at < SELDOM_SECONDS:
            self._said[key] = (at, kept_back + 1)
            return False
        if len(self._said) >= SELDOM_KINDS:
            self._said.clear()
        self._said[key] = (now, 0)
        if kept_back:
            record.msg, record.args = f"{record.getMessage()} (and {kept_back} times since the last)", ()
        return True


def configure_logs(level: int = logging.INFO, **bound: str) -> None:
    """JSON lines on standard error with time, level and `bound` (region, role); other libraries' warnings too."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    shown: list[Any] = [
        structlog.processors.format_exc_info,
        mask_numbers,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.contextvars.bind_contextvars(**bound)
    structlog.configure(
        processors=[*shared, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    handler.addFilter(Seldom())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
