"""The exchange over Apache Kafka. The library kafka-python is used here and nowhere else."""

from jiexu.exchange.kafka.admin import KafkaAdmin
from jiexu.exchange.kafka.consumer import KafkaConsumer
from jiexu.exchange.kafka.exchange import KafkaExchange
from jiexu.exchange.kafka.producer import KafkaProducer
from jiexu.exchange.settings import KafkaSettings

__all__ = ["KafkaAdmin", "KafkaConsumer", "KafkaExchange", "KafkaProducer", "KafkaSettings"]
