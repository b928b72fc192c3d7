"""A CRM's token, with a login that counts."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from ebbtide.models.delivery.answer import Answer
from ebbtide.models.delivery.target import Request
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.settings import EndpointSettings
from ebbtide.streams.deliver.tokens import LoginError, Tokens

GIVEN: dict[str, Any] = {
    "url": "https://crm.example.com",
    "format": "fxiaoke",
    "properties": {"churn": "p_churn"},
    "login": {"url": "https://crm.example.com/token", "client_id": "a", "client_secret": "b", "permanent_code": "c"},
}


class _Logins:
    """Gives out a token for each login, or nothing but a refusal."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[Request] = []
        self._refuses = refuses

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        await asyncio.sleep(0)
        if self._refuses:
            return Answer(200, b'{"errorCode": 10006, "errorMessage": "the parameter appSecret is missing or illegal"}')
        return Answer(200, b'{"corpAccessToken": "t%d", "expiresIn": 7200, "errorCode": 0}' % len(self.asked))


def tokens(logins: _Logins) -> Tokens:
    return Tokens("crm", EndpointSettings.model_validate(GIVEN), cast(Client, logins))


async def test_many_requests_with_a_token_that_ended_log_in_once() -> None:
    """Fxiaoke allows ten logins a minute."""
    logins = _Logins()
    made = tokens(logins)
    assert await asyncio.gather(*(made.token() for _ in range(16))) == ["t1"] * 16
    for _ in range(16):
        made.refused("t1")
        assert await made.token() == "t2"
    assert len(logins.asked) == 2
    traces = {one.url.partition("?thirdTraceId=")[2] for one in logins.asked}
    assert {len(trace) for trace in traces} == {36}
    assert len(traces) == 2


async def test_a_login_that_is_refused_says_what_was_answered() -> None:
    with pytest.raises(LoginError, match="appSecret is missing or illegal"):
        await tokens(_Logins(refuses=True)).token()
