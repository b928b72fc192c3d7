"""The declared topics against the broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from ebbtide.schemas.topics import Topic
from ebbtide.streams.app import partition_counts
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.reach import ANSWER_S, require_broker, unanswered
from ebbtide.streams.settings import Settings


@dataclass(frozen=True, slots=True)
class TopicState:
    """A declared topic and how it lies on the broker; ``faults`` is empty where both agree."""

    name: str
    declared_partitions: int
    partitions: int | None
    faults: tuple[str, ...]


@contextmanager
def admin_client(settings: Settings) -> Iterator[Any]:
    """A client for topics. Raises ``EbbtideError`` where the broker cannot be reached."""
    require_broker(settings)
    try:
        client = KafkaAdminClient(**client_settings(settings), bootstrap_timeout_ms=int(ANSWER_S * 1000))
    except KafkaError as error:
        raise unanswered(settings, error) from None
    try:
        yield client
    finally:
        client.close()


def create_topics(settings: Settings) -> list[str]:
    """Create what is missing; return its names. Existing topics are left as they are."""
    counts = partition_counts(settings)
    with admin_client(settings) as admin:
        existing = set(admin.list_topics())
        missing = [topic for topic in Topic if topic.topic_name not in existing]
        new = [
            NewTopic(
                topic.topic_name,
                counts[topic.topic_name],
                settings.broker.replication_factor,
                topic_configs=topic.spec.config(),
            )
            for topic in missing
        ]
        if new:
            try:
                admin.create_topics(new)
            except TopicAlreadyExistsError:
                pass  # Somebody else was quicker; what they made is checked by `topics check`.
            except KafkaError as error:
                raise EbbtideError(f"the broker refused to create topics: {error}") from None
            admin.wait_for_topics([topic.topic_name for topic in missing], timeout_ms=30_000)
    return [topic.topic_name for topic in missing]


def check_topics(settings: Settings) -> list[TopicState]:
    """Compare every declared topic with the broker's."""
    counts = partition_counts(settings)
    names = [topic.topic_name for topic in Topic]
    with admin_client(settings) as admin:
        existing = set(admin.list_topics())
        present = [name for name in names if name in existing]
        described = {row["name"]: row for row in admin.describe_topics(present)} if present else {}
        configs = _configs(admin, present)
    states = []
    for topic in Topic:
        name = topic.topic_name
        if name not in described:
            states.append(TopicState(name, counts[name], None, ("missing; run `ebbtide topics create`",)))
            continue
        partitions = len(described[name]["partitions"])
        faults = []
        if partitions != counts[name]:
            faults.append(f"{partitions} partitions, declared {counts[name]}")
        for key, value in topic.spec.config().items():
            actual = configs.get(name, {}).get(key)
            if actual is not None and actual != value:
                faults.append(f"{key} is {actual}, declared {value}")
        states.append(TopicState(name, counts[name], partitions, tuple(faults)))
    return states


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    topics: dict[str, Any] = found.get("topic", found) if isinstance(found, dict) else {}
    return {
        name: {key: str(entry["value"] if isinstance(entry, dict) else entry) for key, entry in values.items()}
        for name, values in topics.items()
    }
