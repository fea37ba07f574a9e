"""The exchange without a server: one durable SQLite file, several processes at once."""

from jiexu.exchange.embedded.admin import EmbeddedAdmin
from jiexu.exchange.embedded.consumer import EmbeddedConsumer
from jiexu.exchange.embedded.exchange import EmbeddedExchange
from jiexu.exchange.embedded.producer import EmbeddedProducer

__all__ = ["EmbeddedAdmin", "EmbeddedConsumer", "EmbeddedExchange", "EmbeddedProducer"]
