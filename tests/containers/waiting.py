"""Waiting for what other processes do."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180
"""How long anything may take that ends by itself; a machine whose cores are busy takes ten times the usual."""


def eventually(what: str, look: Callable[[], bool]) -> None:
    """Look until it is so. AssertionError with `what` where it is not within PATIENCE_SECONDS."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < until, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.5)
