"""One broker with the declared topics, for all tests of the collector; each test is a tenant of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip
from support.collecting import PARTITIONS
from support.live import command


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A real Apache Kafka with our topics. Who kills it, starts it again."""
    require_kafka_or_skip()
    home: Path = tmp_path_factory.mktemp("broker")
    with KafkaBroker(home) as kafka:
        command(
            "topics",
            "create",
            EBBTIDE_BROKER__URL=f"kafka://{kafka.bootstrap}",
            EBBTIDE_BROKER__PARTITIONS=str(PARTITIONS),
        )
        yield kafka
