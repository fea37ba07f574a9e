"""Logs: one JSON object a line on standard error, identity numbers masked wherever they stand."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# 18 characters of a resident card, or the 15 digits of an old one, not inside a longer run (a case id is hex).
_NUMBER = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{3})\d{7,10}(\d{3}[\dXx])(?![0-9A-Za-z])")


def mask(text: str) -> str:
    """The text with everything that looks like an identity number blanked in the middle."""
    return _NUMBER.sub(lambda m: f"{m[1]}{'*' * (len(m[0]) - 8)}{m[2]}", text)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def mask_numbers(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: nothing that is logged shows an identity number."""
    return {key: _masked(value) for key, value in entry.items()}


def configure_logs(level: int = logging.INFO) -> None:
    """JSON lines on standard error, with time and level."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_numbers,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
