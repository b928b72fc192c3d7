"""Brokers for tests: one real Apache Kafka for the session, topics nobody else uses, patience without fixed sleeps.

@pytest.mark.kafka
def test_something(kafka: KafkaBroker) -> None:
    topic = unique_topic("events")
    create_topics(kafka.bootstrap, {topic: 4})
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from ebbtide.streams.brokers.broker import BrokerUnavailableError
from ebbtide.streams.brokers.kafka import KafkaBroker, require_kafka


def require_kafka_or_skip() -> None:
    """Skip where Java or Maven is absent; in CI (environment variable CI) that is a failure, never a green hole."""
    try:
        require_kafka()
    except BrokerUnavailableError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must run the tests on a real Apache Kafka: {error}", pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """A real Apache Kafka, started by the first test that asks and shared by all. Kill or stop one of your own."""
    require_kafka_or_skip()
    with KafkaBroker() as broker:
        yield broker


def unique_topic(prefix: str = "test") -> str:
    """A topic name that no other test uses; topics stay until the session's broker ends."""
    return f"{prefix}-{uuid4().hex[:12]}"


def create_topics(
    bootstrap: str, partitions: Mapping[str, int], *, config: Mapping[str, str] | None = None, timeout: float = 20.0
) -> None:
    """Create each topic with its partition count and wait until every partition has a leader.

    `config` are topic settings for all of them, for example {"cleanup.policy": "compact"}.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        topics = [NewTopic(name, count, 1, topic_configs=dict(config or {})) for name, count in partitions.items()]
        admin.create_topics(topics)
        admin.wait_for_topics(list(partitions), timeout_ms=int(timeout * 1000))
    finally:
        admin.close()


def eventually(condition: Callable[[], bool], what: str, *, timeout: float = 20.0) -> None:
    """Poll until `condition` holds; fail with `what` was awaited after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout:g} s: {what}")
        time.sleep(0.02)
