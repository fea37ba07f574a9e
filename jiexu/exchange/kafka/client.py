"""What all clients of kafka-python have in common here: making them, bounding their calls, reading
their errors.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import kafka.errors as errors

from jiexu.exchange.kafka.bounded import bounded
from jiexu.exchange.kafka.defects import stop_half_made
from jiexu.exchange.kafka.login import hint, login_options, refused_login, speaks_tls, try_login
from jiexu.exchange.port import ExchangeError, ExchangeRefused, ExchangeUnavailable, NotAllowed
from jiexu.exchange.settings import KafkaSettings

_SAID = re.compile(r"error_message=['\"](.+?)['\"](?:,|\))")

_REFUSALS = (
    errors.SecurityDisabledError,
    errors.UnsupportedVersionError,
    errors.KafkaConfigurationError,
    errors.InvalidTopicError,
    errors.InvalidPartitionsError,
    errors.InvalidReplicationFactorError,
    errors.InvalidConfigurationError,
    errors.PolicyViolationError,
)


def make(kind: type[Any], settings: KafkaSettings, options: Mapping[str, Any], demanded: Mapping[str, Any]) -> Any:
    """Make a client that has logged in, and refuse one that changed a setting that matters.

    The library gives way in silence where settings disagree (acks=1 turns idempotence off), and its
    defaults change between releases: what is demanded is read back. Raises `LoginRefused`, and what the library
    raises.
    """
    common = settings.client_options() | login_options(settings)
    if settings.security != "PLAINTEXT":
        try_login(settings, common)
    client: Any = object.__new__(kind)
    try:
        client.__init__(**common, **options, **demanded)
    except BaseException as error:
        stop_half_made(client)
        if isinstance(error, errors.KafkaTimeoutError) and (refused := speaks_tls(settings)) is not None:
            raise refused from error
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
    name = f"{type(error).__name__}: "
    what = name + (said[1] if said else str(error).removeprefix(name)[:200])
    refused = refused_login(error, settings)
    if refused is not None:
        return refused
    if isinstance(error, errors.AuthorizationError) or "AuthorizationFailedError" in what:
        return not_allowed(settings, _forbidden(what))
    if isinstance(error, _REFUSALS):
        return ExchangeRefused(
            f"Kafka（{settings.bootstrap}）拒绝了请求：{what}。请检查权限、登录设置和参数。",
            f"Kafka ({settings.bootstrap}) refused: {what}. Check rights, login settings and parameters.",
        )
    return unavailable(settings, what + hint(error))


def not_allowed(settings: KafkaSettings, what: str) -> NotAllowed:
    """No ACL allows it: who was refused what, and the way to the rule that is missing."""
    who = settings.sasl_username or settings.ssl_cert_file or "ANONYMOUS"
    return NotAllowed(
        f"Kafka（{settings.bootstrap}）不允许 {who} 这样做：{what}。请管理员核对授权：jiexu topics acls --check，"
        "缺少的用 --apply 补上。",
        f"Kafka ({settings.bootstrap}) does not allow {who} to do this: {what}. Ask the administrator to check the "
        "ACLs: jiexu topics acls --check, and to add what is missing with --apply.",
    )


def _forbidden(what: str) -> str:
    """`topic jiexu.…`, out of `TopicAuthorizationFailedError: [Error 29] …: {'jiexu.…'}`."""
    kind = next((k for k in ("Topic", "Group", "Cluster", "TransactionalId") if f"{k}Authorization" in what), "")
    names = re.findall(r"[\w*-]+(?:\.[\w*-]+)+", what)
    return " ".join([kind.lower(), *names]).strip() or what


def unavailable(settings: KafkaSettings, what: str) -> ExchangeUnavailable:
    """Kafka did not answer."""
    return ExchangeUnavailable(
        f"Kafka（{settings.bootstrap}）没有应答（{what}）。将自动重试；如持续出现，请检查网络和 Kafka 是否运行。",
        f"Kafka ({settings.bootstrap}) does not answer ({what}). It is tried again; if this lasts, check the "
        "network and whether Kafka runs.",
    )


def close_quietly(client: Any, **options: Any) -> None:
    """Close a client that may be broken; its own failure to say goodbye matters to nobody."""
    with suppress(Exception):
        bounded(lambda: client.close(**options), 5.0)
