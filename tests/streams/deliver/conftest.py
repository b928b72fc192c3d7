"""A broker of its own: it has the declared topics under their own names, which others make with few partitions."""

from collections.abc import Iterator

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    """Apache Kafka for the tests of one file."""
    require_kafka_or_skip()
    with KafkaBroker() as broker:
        yield broker
