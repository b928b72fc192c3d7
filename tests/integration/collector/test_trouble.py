"""Nothing accepted and lost: the collector and the broker are killed, and every event that was answered is there."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import orjson
import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout
from aiokafka.partitioner import DefaultPartitioner

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.brokers.ports import accepts
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.topic_reader import read_topic
from support.brokers import eventually
from support.collecting import PARTITIONS, CollectorProcess, collecting, raw_records

pytestmark = pytest.mark.kafka
ROUNDS = int(os.environ.get("EBBTIDE_COLLECTOR_ROUNDS", "1"))
"""Kills of each kind."""
CLIENTS = 8


class Clients:
    """Clients that send each batch until it is answered with 200, as SDKs do."""

    def __init__(self, url: str, tenant: str) -> None:
        self.url, self.tenant = url, tenant
        self.answered: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.over = False

    async def run(self, number: int) -> None:
        async with ClientSession(timeout=ClientTimeout(total=30)) as session:
            sent = 0
            while not self.over:
                ids = [f"{number}-{sent}-{n}" for n in range(10)]
                sent += 1
                events = [
                    {"type": "track", "event": "x", "userId": f"u{number}", "messageId": i, "tenant": self.tenant}
                    for i in ids
                ]
                await self._send(session, orjson.dumps({"batch": events}))
                self.answered.update(ids)

    async def _send(self, session: ClientSession, body: bytes) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                async with session.post(f"{self.url}/v1/batch", data=body) as answer:
                    said = await answer.json()
                    self.statuses[answer.status] += 1
                    self.slowest = max(self.slowest, clock() - began)
                    if answer.status == 200:
                        assert said["accepted"] == 10
                        return
                    assert answer.status == 503, said
                    assert "Retry-After" in answer.headers
            except (ClientError, OSError):
                self.statuses[0] += 1
            await asyncio.sleep(0.1)


async def test_kills_lose_nothing_that_was_answered(broker: KafkaBroker, tmp_path: Path) -> None:
    patience = 2.0
    with collecting(broker.bootstrap, tmp_path, ACKNOWLEDGE_SECONDS=str(patience)) as collector:
        clients = Clients(collector.url, "trouble")
        tasks = [asyncio.create_task(clients.run(number)) for number in range(CLIENTS)]

        async def answered(status: int, times: int) -> None:
            """Wait until the clients were answered so often more; 0 is a connection that was refused or torn."""
            until = clients.statuses[status] + times
            await asyncio.to_thread(
                eventually, lambda: clients.statuses[status] >= until, f"{times} answers {status}", timeout=60
            )

        for _ in range(ROUNDS):
            await answered(200, 50)
            await asyncio.to_thread(collector.kill)
            await answered(0, CLIENTS)
            await asyncio.to_thread(collector.start)
            await answered(200, 50)
            await asyncio.to_thread(broker.kill)
            # Of each client one request that waited as long as it may, and one that was refused at once.
            await answered(503, 2 * CLIENTS)
            assert await asyncio.to_thread(collector.reasons)
            await asyncio.to_thread(broker.start)
            await asyncio.to_thread(eventually, collector.ready, "the broker is met again", timeout=60)
        clients.over = True
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        assert await asyncio.to_thread(collector.stop) == 0
    stored = Counter(record["messageId"] for record in raw_records(broker.bootstrap, "trouble"))
    assert len(clients.answered) > 500
    assert clients.answered <= stored.keys()
    # An answer is not waited for longer than the setting, whatever the broker does.
    assert clients.slowest < patience + 3
    # What is there twice was sent twice: after a kill, or a silence of the broker.
    failed = clients.statuses[0] + clients.statuses[503]
    assert sum(stored.values()) - len(stored) <= 10 * failed
    print(f"\n{len(clients.answered)} answered, {stored.total()} stored, answers {dict(clients.statuses)}")


async def test_it_starts_without_a_broker_says_so_and_holds_little(tmp_path: Path) -> None:
    collector = CollectorProcess("127.0.0.1:1", tmp_path)
    collector.start(wait=False)
    try:
        await asyncio.to_thread(eventually, lambda: accepts(collector.port), "it listens", timeout=30)
        before = collector.resident_bytes()
        events = [{"type": "track", "event": "x", "userId": "u", "properties": {"a": "x" * 20_000}}] * 20
        body = orjson.dumps({"batch": events})
        async with ClientSession() as session:

            async def send() -> tuple[int, str]:
                async with session.post(f"{collector.url}/v1/batch", data=body) as answer:
                    return answer.status, answer.headers.get("Retry-After", "")

            for _ in range(20):
                assert set(await asyncio.gather(*(send() for _ in range(50)))) == {(503, "5")}
        assert collector.resident_bytes() - before < 60 << 20
        (reason,) = await asyncio.to_thread(collector.reasons)
        assert reason
        assert await asyncio.to_thread(collector.stop) == 0
    finally:
        if collector.process.poll() is None:
            collector.kill()


async def test_records_lie_where_a_producer_on_kafka_would_put_them(broker: KafkaBroker, tmp_path: Path) -> None:
    with collecting(broker.bootstrap, tmp_path) as collector:
        async with ClientSession() as session:
            for n in range(40):
                event = {"event": "x", "userId": f"user-{n}", "tenant": "places"}
                async with session.post(f"{collector.url}/v1/track", json=event) as answer:
                    assert answer.status == 200
    settings = Settings(broker=BrokerSettings(url=broker.bootstrap))
    records = [
        record
        for record in read_topic(settings, Topic.RAW_BEHAVIOR.topic_name)
        if orjson.loads(record.value).get("tenant") == "places"
    ]
    assert len(records) == 40
    partitions = list(range(PARTITIONS))
    assert {record.partition for record in records} == set(partitions)
    for record in records:
        assert record.partition == DefaultPartitioner()(record.key, partitions, partitions)
