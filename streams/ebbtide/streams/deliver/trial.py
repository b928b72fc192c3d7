"""One request to an endpoint, to see whether it takes it. Nothing is written down, no cursor moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from ebbtide.models.delivery.answer import Answer, Verdict, unauthorised
from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.models.delivery.message import Message, Position, read
from ebbtide.schemas.alert import Alert, AlertKind, AlertState, AlertType, Severity
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.secrets import target_of
from ebbtide.streams.deliver.settings import EndpointSettings
from ebbtide.streams.deliver.tokens import LoginError, Tokens


@dataclass(frozen=True, slots=True)
class Trial:
    """What was sent where, what was answered, and what that means."""

    url: str
    body: bytes
    answer: Answer
    verdict: Verdict
    seconds: float


async def attempt(name: str, endpoint: EndpointSettings, message: Message) -> Trial:
    """Send a record once. Raises ``SecretError`` where a secret cannot be used."""
    spec, began = FORMATS[endpoint.format], time.monotonic()
    async with Client(endpoint) as client:
        try:
            token = await Tokens(name, endpoint, client).token() if spec.crm else ""
        except LoginError as error:
            return Trial("", b"", Answer(None), unauthorised(str(error)), time.monotonic() - began)
        target = target_of(name, endpoint, token)
        request = spec.ask([message], target, time.time_ns() // 1_000_000)
        answer = await client.ask(request)
    (verdict,) = spec.judge(answer, [message], target)
    return Trial(request.url, request.body, answer, verdict, time.monotonic() - began)


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
