"""The topics of identity on a real broker, written as the worker writes them, and `ebbtide identity` run on them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import EvidenceClass, IdentityAudit, IdentityLink, IdentityOperation, OperationKind
from ebbtide.schemas.profile_state import Tick
from ebbtide.streams import identity_log
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import identity as cli
from ebbtide.streams.codec import TICK_KEY, Evidence, evidence
from ebbtide.streams.identity_log import new_operation
from ebbtide.streams.sender import started_producer
from ebbtide.streams.settings import Settings, load_settings
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport import Output
from support.brokers import create_topics, unique_topic

DAY = datetime(2025, 1, 6, 9, tzinfo=UTC)
PARTITIONS = 4


def named(key: str) -> Identifier:
    kind, _, value = key.partition("/")
    return Identifier(IdentifierType(kind), value)


def seen(
    a: str, b: str, evidence: EvidenceClass = EvidenceClass.IDENTIFIED, *, minute: int = 0, tenant: str = "default"
) -> IdentityLink:
    at = DAY + timedelta(minutes=minute)
    return IdentityLink(tenant, named(a), named(b), evidence, at, f"m-{minute}")


def decided(kind: OperationKind, a: str, b: str | None = None, *, minute: int = 0) -> IdentityOperation:
    other = None if b is None else named(b)
    now = DAY + timedelta(minutes=minute)
    return new_operation(kind, named(a), other, tenant="default", actor="jo", reason="so", now=now)


def run(*arguments: str, answer: str | None = None) -> Result:
    """`ebbtide identity` with these arguments; ``answer`` is what somebody types."""
    return CliRunner().invoke(cli.command, list(arguments), input=answer)


def good(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def line_with(text: str, words: str) -> str:
    (line,) = [line for line in text.splitlines() if words in line]
    return line


def fresh_topics(kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a log and an audit of their own."""
    topic, audit = unique_topic("identity-links"), unique_topic("identity-audit")
    create_topics(kafka.bootstrap, {topic: PARTITIONS, audit: PARTITIONS})
    monkeypatch.setattr(identity_log, "TOPIC", topic)
    monkeypatch.setattr(identity_log, "AUDIT_TOPIC", audit)
    monkeypatch.setenv("EBBTIDE_BROKER__URL", f"kafka://{kafka.bootstrap}")
    return load_settings()


def write(settings: Settings, *records: Evidence) -> None:
    """As the worker does: keyed by tenant; and the ticks that lie between."""
    tick = Tick(source="profiles/0", watermark=DAY, arrived_ms=0).to_json()
    outputs = [Output(identity_log.TOPIC, record.tenant.encode(), record.to_json()) for record in records]
    send(settings, *outputs, *(Output(identity_log.TOPIC, TICK_KEY, tick, p) for p in range(PARTITIONS)))


def send(settings: Settings, *outputs: Output) -> None:
    async def all_of_them() -> None:
        producer = await started_producer(settings)
        try:
            await producer.send_all(outputs)
        finally:
            await producer.stop()

    asyncio.run(all_of_them())


def operations(settings: Settings) -> list[tuple[int, IdentityOperation]]:
    """Partition and record of every decision in the log."""
    return [
        (record.partition, IdentityOperation.from_json(record.value))
        for record in read_topic(settings, identity_log.TOPIC)
        if record.key != TICK_KEY and b"operation_id" in record.value
    ]


def worked(settings: Settings, policy: IdentityPolicy) -> list[IdentityShard]:
    """All partitions of the log as a worker with these settings has read them; its audit is in its topic."""
    shards = [IdentityShard(partition, frozenset({"profiles/0"}), policy, ()) for partition in range(PARTITIONS)]
    for record in read_topic(settings, identity_log.TOPIC):
        shards[record.partition].apply(record.offset, evidence(record), now_ms=None)
    end = Tick(source="profiles/0", watermark=DAY + timedelta(days=2), arrived_ms=0)
    for shard in shards:
        shard.apply(shard.applied + 1, end, now_ms=None)
    rows = [output.record for shard in shards for output in shard.flush().outputs]
    send(settings, *(_audit(row) for row in rows if isinstance(row, IdentityAudit)))
    return shards


def _audit(row: IdentityAudit) -> Output:
    return Output(identity_log.AUDIT_TOPIC, row.tenant.encode(), row.to_json())
