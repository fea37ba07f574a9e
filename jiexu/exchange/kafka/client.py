"""What all clients of kafka-python have in common here: making them, bounding their calls, reading
their errors.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import kafka.errors as errors

from jiexu.exchange.kafka.defects import stop_half_made
from jiexu.exchange.port import ExchangeError, ExchangeRefused, ExchangeUnavailable
from jiexu.exchange.settings import KafkaSettings

T = TypeVar("T")

_SAID = re.compile(r"error_message=['\"](.+?)['\"](?:,|\))")

_REFUSALS = (
    errors.AuthorizationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.SecurityDisabledError,
    errors.UnsupportedVersionError,
    errors.KafkaConfigurationError,
    errors.InvalidTopicError,
    errors.InvalidPartitionsError,
    errors.InvalidReplicationFactorError,
    errors.InvalidConfigurationError,
    errors.PolicyViolationError,
)


def make(kind: type[Any], options: Mapping[str, Any], demanded: Mapping[str, Any]) -> Any:
    """Make a client, and refuse one that changed a setting that matters.

    The library gives way in silence where settings disagree (acks=1 turns idempotence off), and its
    defaults change between releases: what is demanded is read back.
    """
    client: Any = object.__new__(kind)
    try:
        client.__init__(**options, **demanded)
    except BaseException:
        stop_half_made(client)
        raise
    changed = {name: client.config[name] for name, value in demanded.items() if client.config[name] != value}
    if changed:
        client.close()
        raise RuntimeError(f"kafka-python changed settings that matter: {changed}")
    return client


@contextmanager
def readable_errors(settings: KafkaSettings) -> Iterator[None]:
    """Turn the library's errors into the port's."""
    try:
        yield
    except (errors.IllegalStateError, errors.IllegalArgumentError):
        raise  # a defect of ours; waiting would not mend it
    except (errors.KafkaError, OSError) as error:
        raise readable(error, settings) from error


def readable(error: Exception, settings: KafkaSettings) -> ExchangeError:
    """The port's error for one of the library's: refused where Kafka said no, else unavailable."""
    # The library's message holds the whole request and answer; what a person can use is the broker's
    # sentence.
    said = _SAID.search(str(error))
    what = f"{type(error).__name__}: {said[1] if said else str(error)[:200]}"
    if isinstance(error, _REFUSALS):
        return ExchangeRefused(
            f"Kafka（{settings.bootstrap}）拒绝了请求：{what}。请检查权限、登录设置和参数。",
            f"Kafka ({settings.bootstrap}) refused: {what}. Check rights, login settings and parameters.",
        )
    return unavailable(settings, what)


def unavailable(settings: KafkaSettings, what: str) -> ExchangeUnavailable:
    """Kafka did not answer."""
    return ExchangeUnavailable(
        f"Kafka（{settings.bootstrap}）没有应答（{what}）。将自动重试；如持续出现，请检查网络和 Kafka 是否运行。",
        f"Kafka ({settings.bootstrap}) does not answer ({what}). It is tried again; if this lasts, check the "
        "network and whether Kafka runs.",
    )


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


def close_quietly(client: Any, **options: Any) -> None:
    """Close a client that may be broken; its own failure to say goodbye matters to nobody."""
    with suppress(Exception):
        bounded(lambda: client.close(**options), 5.0)
