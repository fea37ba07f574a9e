"""Opening the exchange that the settings name."""

from pathlib import Path

from jiexu.exchange.port import Clock, Exchange, utc_now
from jiexu.exchange.settings import ExchangeSettings


def open_exchange(settings: ExchangeSettings, clock: Clock = utc_now) -> Exchange:
    """Open it. Raises `ExchangeUnavailable`, `ExchangeRefused` where the embedded file cannot be used."""
    if settings.kafka is not None:
        from jiexu.exchange.kafka import KafkaExchange  # here: its library takes a while to import

        return KafkaExchange(settings.kafka, clock)
    from jiexu.exchange.embedded import EmbeddedExchange

    return EmbeddedExchange(Path(settings.embedded or "").expanduser(), clock)
