"""Records to deliver, and `ebbtide deliver` in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from prometheus_client import CollectorRegistry

from ebbtide.schemas.deliveries import Delivery
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.run import run_deliver
from ebbtide.streams.deliver.settings import DeliverSettings, EndpointSettings
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sender import started_producer
from ebbtide.streams.settings import BrokerSettings, Settings, WorkerSettings
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport import Output
from support.examples import examples
from support.receiver import SECRET

SCORE = json.loads(examples("Score")[0].read_bytes())
ALERT = json.loads(next(path for path in examples("Alert") if path.stem == "asleep-open").read_bytes())
RECORD = json.loads(next(path for path in examples("CustomerRecord") if path.stem == "account").read_bytes())


def score(tenant: str, customer: str, version: int, **changed: Any) -> Output:
    value = {**SCORE, "tenant": tenant, "customer_id": customer, "version": version, **changed}
    return Output(Topic.SCORES.topic_name, customer.encode(), json.dumps(value).encode())


def alert(tenant: str, customer: str | None, version: int, **changed: Any) -> Output:
    value = {**ALERT, "tenant": tenant, "customer_id": customer, "version": version, "deliver_at": None, **changed}
    return Output(Topic.ALERTS.topic_name, (customer or tenant).encode(), json.dumps(value).encode())


def record(tenant: str, customer: str, version: int, **changed: Any) -> Output:
    value = {**RECORD, "tenant": tenant, "customer_id": customer, "version": version, **changed}
    return Output(Topic.CUSTOMER_RECORDS.topic_name, customer.encode(), json.dumps(value).encode())


def endpoint(url: str, tenant: str, **changed: Any) -> EndpointSettings:
    """One of this machine that is told of one tenant, so that tests can share a broker."""
    given = {
        "url": url,
        "tenants": (tenant,),
        "allow": ("127.0.0.0/8",),
        "allow_http": True,
        "secrets": (SECRET,) if changed.get("format", "standard") == "standard" else (),
        "timeout_seconds": 1.0,
        **changed,
    }
    return EndpointSettings.model_validate(given)


def deliver_settings(bootstrap: str, endpoints: dict[str, EndpointSettings], **changed: Any) -> Settings:
    """Settings with consumer groups of their own."""
    return Settings.model_construct(
        broker=BrokerSettings(url=f"kafka://{bootstrap}"),
        worker=WorkerSettings(app_id=f"test-{uuid4().hex[:8]}"),
        deliver=DeliverSettings(endpoints=endpoints, **changed),
    )


@asynccontextmanager
async def delivering(settings: Settings, metrics: Metrics | None = None) -> AsyncIterator[Metrics]:
    """`ebbtide deliver` until the block ends."""
    stop, health = asyncio.Event(), SinkHealth()
    metrics = Metrics(CollectorRegistry()) if metrics is None else metrics
    task = asyncio.create_task(run_deliver(settings, (), metrics=metrics, stop=stop, health=health))
    try:
        yield metrics
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def publish(settings: Settings, outputs: Iterable[Output]) -> None:
    producer = await started_producer(settings)
    try:
        await producer.send_all(outputs)
    finally:
        await producer.stop()


def ledger(settings: Settings, tenant: str) -> list[Delivery]:
    """The lines of a tenant, in the order of each customer's."""
    lines = (Delivery.from_json(one.value) for one in read_topic(settings, Topic.DELIVERIES.topic_name))
    return [line for line in lines if line.tenant == tenant]


async def until(condition: Any, what: str, timeout: float = 20.0) -> None:
    """Let the loop turn until ``condition`` holds."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout
    while not condition():
        assert clock() < deadline, f"not within {timeout:g} s: {what}"
        await asyncio.sleep(0.02)
