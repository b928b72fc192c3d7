"""A CRM's access token: fixed, or got by logging in and got anew before it ends."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson

from ebbtide.models.delivery.target import Request
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.secrets import read_secret
from ebbtide.streams.deliver.settings import EndpointSettings, LoginSettings
from ebbtide.streams.errors import EbbtideError

EARLY_S = 120.0
"""A token is got anew so long before it ends."""
LASTS_S = 3_600.0
"""Where nobody says how long it lasts."""


class LoginError(EbbtideError):
    """No token was given out; the message has the beginning of the answer."""


class Tokens:
    """The token of one endpoint."""

    def __init__(self, name: str, settings: EndpointSettings, client: Client) -> None:
        self._name = name
        self._settings = settings
        self._client = client
        self._token = ""
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """The token to use now; empty where the endpoint needs none. Raises ``LoginError`` or ``SecretError``."""
        settings = self._settings
        if settings.token is not None:
            return settings.token.get_secret_value()
        if settings.token_file is not None:
            return read_secret(self._name, "token_file", settings.token_file)
        if settings.login is None:
            return ""
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if now >= self._until:
                self._token, lasts_s = await self._log_in(settings.login)
                self._until = now + max(1.0, lasts_s - EARLY_S)
            return self._token

    def refused(self, token: str) -> None:
        """The endpoint did not take this one: the next is new. Requests that were out with it ask for one login, not
        for one each; Fxiaoke allows ten a minute."""
        if token == self._token:
            self._until = 0.0

    async def _log_in(self, login: LoginSettings) -> tuple[str, float]:
        secret = _secret(self._name, login, "client_secret")
        request = self._fxiaoke(login, secret) if self._settings.format == "fxiaoke" else _oauth(login, secret)
        answer = await self._client.ask(request)
        body = answer.json()
        found: dict[str, Any] = body if isinstance(body, dict) else {}
        token = found.get("access_token") or found.get("corpAccessToken")
        if answer.status != 200 or not isinstance(token, str) or not token:
            raise LoginError(f"endpoint {self._name}: login: {answer.status or ''} {answer.text()}")
        lasts = found.get("expires_in", found.get("expiresIn", LASTS_S))
        return token, float(lasts) if isinstance(lasts, int | float) else LASTS_S

    def _fxiaoke(self, login: LoginSettings, secret: str) -> Request:
        code = _secret(self._name, login, "permanent_code")
        body = {"appId": login.client_id, "appSecret": secret, "permanentCode": code}
        url = f"{login.url}{'&' if '?' in login.url else '?'}thirdTraceId={uuid4()}"
        return Request("POST", url, {"Content-Type": "application/json"}, orjson.dumps(body))


def _oauth(login: LoginSettings, secret: str) -> Request:
    form = {"grant_type": "client_credentials", "client_id": login.client_id, "client_secret": secret}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Request("POST", login.url, headers, urlencode(form).encode())


def _secret(name: str, login: LoginSettings, which: str) -> str:
    given, path = getattr(login, which), getattr(login, f"{which}_file")
    if given is not None:
        return str(given.get_secret_value())
    return "" if path is None else read_secret(name, f"login.{which}_file", path)
