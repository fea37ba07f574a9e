"""The part of the configuration that says where the exchange is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from jiexu.exchange.kafka.settings import KafkaSettings
from jiexu.exchange.port import Clock, Exchange, utc_now


class ExchangeSettings(BaseModel):
    """Exactly one of `embedded` (the path of a file on this machine) and `kafka`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    embedded: str | None = None
    kafka: KafkaSettings | None = None

    @model_validator(mode="after")
    def _one(self) -> "ExchangeSettings":
        if (self.embedded is None) == (self.kafka is None):
            raise ValueError("embedded 与 kafka 须且只能给出一个 / give exactly one of embedded and kafka")
        return self


def open_exchange(settings: ExchangeSettings, clock: Clock = utc_now) -> Exchange:
    """Open it. Raises `ExchangeUnavailable`, `ExchangeRefused` where the embedded file cannot be used."""
    if settings.kafka is not None:
        from jiexu.exchange.kafka import KafkaExchange  # here: its library takes a while to import

        return KafkaExchange(settings.kafka, clock)
    from jiexu.exchange.embedded import EmbeddedExchange

    return EmbeddedExchange(Path(settings.embedded or "").expanduser(), clock)
