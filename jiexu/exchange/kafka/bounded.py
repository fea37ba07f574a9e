"""An end for calls of the library that can outlive their own timeouts."""

import threading
from collections.abc import Callable
from typing import TypeVar

import kafka.errors as errors

T = TypeVar("T")


def bounded(call: Callable[[], T], seconds: float) -> T:
    """Run a call that can outlive its own timeout. Raises `errors.KafkaTimeoutError` after `seconds`.

    The call goes on in its thread; the caller gives up its client, which ends it.
    """
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:  # handed to the caller below
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True, name="kafka-call")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise errors.KafkaTimeoutError(f"no answer within {seconds:g} s")
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result
