"""A broker of its own: it has the declared topics under their own names, which others make with few partitions."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.topics import create_topics
from support.brokers import require_kafka_or_skip
from support.deliveries import deliver_settings


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    """Apache Kafka for the tests of one file."""
    require_kafka_or_skip()
    with KafkaBroker() as broker:
        yield broker


@pytest.fixture
def bootstrap(kafka: KafkaBroker) -> str:
    """Its address, with the declared topics."""
    create_topics(deliver_settings(kafka.bootstrap, {}))
    return kafka.bootstrap


@pytest.fixture
def tenant() -> str:
    """Nobody else's."""
    return f"t-{uuid4().hex[:8]}"
