"""One request to an endpoint, to see whether it takes it. Nothing is written down, no cursor moves."""

from __future__ import annotations

from datetime import UTC, datetime

from ebbtide.models.delivery.message import Message, Position, read
from ebbtide.schemas.alert import Alert, AlertKind, AlertState, AlertType, Severity
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.exchange import Exchange, Exchanged
from ebbtide.streams.deliver.secrets import target_of
from ebbtide.streams.deliver.settings import EndpointSettings


async def attempt(name: str, endpoint: EndpointSettings, message: Message) -> Exchanged:
    """Send a record once. Raises ``SecretError`` where a secret cannot be used."""
    target = target_of(name, endpoint)
    async with Client(endpoint) as client:
        return await Exchange(name, endpoint, client).send([message], target)


def sample() -> Message:
    """An alert that says that it is a test, about nobody's customer."""
    now = datetime.now(UTC)
    alert = Alert(
        alert_id=f"test-{now:%Y%m%dT%H%M%S}",
        tenant="test",
        kind=AlertKind.OPS,
        type=AlertType.SOURCE_BLIND,
        customer_id=None,
        customer_name="Ebbtide",
        state=AlertState.OPEN,
        severity=Severity.INFO,
        occurred_at=now,
        version=int(now.timestamp()),
        evidence={"test": True},
        contributions=[],
        p_churn=None,
        reasons_en=["a test by `ebbtide deliveries test`; nothing is to be done"],
        reasons_zh=["`ebbtide deliveries test` 发送的测试消息,无需处理"],
        play="none",
        owner=None,
        route="ops",
        at_stake=None,
    )
    source = Position(Topic.ALERTS.topic_name, 0, 0)
    return read(source, "test", alert.to_json(), round(now.timestamp() * 1000))
