"""A request to an endpoint, its answer, and what that means."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ebbtide.models.delivery.answer import Answer, Blame, Outcome, Verdict, error_code, rejected, unauthorised
from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.target import Request, Target
from ebbtide.schemas.deliveries import DeliveryReason
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.secrets import SecretError
from ebbtide.streams.deliver.settings import EndpointSettings
from ebbtide.streams.deliver.tokens import LoginError, Tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """``request`` is None where none could be made; ``verdicts`` has one for each message."""

    request: Request | None
    answer: Answer
    verdicts: list[Verdict]
    seconds: float


class Exchange:
    """With one endpoint."""

    def __init__(self, name: str, endpoint: EndpointSettings, client: Client) -> None:
        self._name = name
        self._most_bytes = endpoint.max_body_bytes
        self._format = FORMATS[endpoint.format]
        self._client = client
        self._tokens = Tokens(name, endpoint, client)

    async def send(self, messages: Sequence[Message], target: Target) -> Exchanged:
        """Send them in one request. Does not raise."""
        began = time.monotonic()
        try:
            target = replace(target, token=await self._tokens.token()) if self._format.crm else target
            asked = self._request(messages, target)
        except (LoginError, SecretError) as error:
            asked = unauthorised(str(error))
        if isinstance(asked, Verdict):
            return Exchanged(None, Answer(None), [asked] * len(messages), time.monotonic() - began)
        answer = await self._client.ask(asked)
        verdicts = self._judged(answer, messages, target)
        if any(verdict.reason is DeliveryReason.UNAUTHORISED for verdict in verdicts):
            self._tokens.refused(target.token)
        return Exchanged(asked, answer, verdicts, time.monotonic() - began)

    def _request(self, messages: Sequence[Message], target: Target) -> Request | Verdict:
        """The request, or why there can be none."""
        try:
            request = self._format.ask(messages, target, time.time_ns() // 1_000_000)
        except Exception as error:  # a record that cannot be put into words must hold up no other
            log.exception("%s: no request can be made of %s", self._name, messages[0].source)
            verdict = rejected(f"no request can be made of it: {error!r}")
        else:
            if len(request.body) <= self._most_bytes:
                return request
            said = f"{len(request.body)} bytes, more than max_body_bytes"
            verdict = Verdict(Outcome.REJECTED, DeliveryReason.TOO_LARGE, said, Blame.RECORD)
        if len(messages) == 1:
            return verdict
        # One of several is at fault: each is tried alone.
        return Verdict(Outcome.FAILED, verdict.reason, verdict.detail, Blame.REQUEST)

    def _judged(self, answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
        try:
            return self._format.judge(answer, messages, target)
        except Exception:  # an answer that nobody thought of must hold up nothing for ever
            log.exception("%s: cannot make sense of an answer: %s", self._name, answer.text())
            return [error_code(f"an answer of no known kind: {answer.text()}")] * len(messages)
