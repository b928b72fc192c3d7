"""One request over the wire, and its answer, whatever happens."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from ebbtide.models.delivery.answer import Answer
from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.models.delivery.target import Request
from ebbtide.schemas.deliveries import DeliveryReason
from ebbtide.streams.admin import installed_version
from ebbtide.streams.deliver.guard import BLOCKED, AddressGuard
from ebbtide.streams.deliver.settings import EndpointSettings

CONNECT_S = 5.0
KEEP_ALIVE_S = 4.0
"""Shorter than what servers keep: who sends on a connection that is being closed learns nothing of the request."""
MOST_OF_ONE, MOST_OF_MANY = 64 << 10, 4 << 20
"""Bytes of an answer that are read: of one record, and of a batch with a verdict for each."""


class Client:
    """HTTP to one endpoint, with connections of its own: a dead one takes none from others."""

    def __init__(self, settings: EndpointSettings) -> None:
        guard = AddressGuard(settings.allow)
        context: ssl.SSLContext | bool = True
        if settings.ca_file is not None:
            context = ssl.create_default_context(cafile=settings.ca_file)
        connector = aiohttp.TCPConnector(
            limit=settings.concurrency,
            resolver=guard,
            socket_factory=guard.socket,
            ttl_dns_cache=30,
            keepalive_timeout=KEEP_ALIVE_S,
            ssl=context,
        )
        self._most = MOST_OF_MANY if FORMATS[settings.format].crm else MOST_OF_ONE
        self._timeout_s = settings.timeout_seconds
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=settings.timeout_seconds, sock_connect=min(CONNECT_S, settings.timeout_seconds)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": f"Ebbtide/{installed_version()}", "Accept-Encoding": "identity"},
        )

    async def ask(self, request: Request) -> Answer:
        """The answer, read to its end or to what is read of it at most. Does not raise."""
        status = None
        try:
            async with self._session.request(
                request.method,
                _encoded(request.url),
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
            ) as response:
                status = response.status
                body = await self._read(response)
                return Answer(status, body, _retry_after_s(response.headers.get("Retry-After")))
        except TimeoutError:
            return Answer(status, fault=DeliveryReason.TIMEOUT, detail=f"no whole answer within {self._timeout_s:g} s")
        except aiohttp.ClientPayloadError as error:
            return Answer(status, fault=DeliveryReason.TRUNCATED, detail=f"the answer broke off: {error}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            blocked = BLOCKED in str(error)
            reason = DeliveryReason.BLOCKED_ADDRESS if blocked else DeliveryReason.CONNECTION
            return Answer(status, fault=reason, detail=str(error) or repr(error))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        while piece := await response.content.read(self._most - len(body)):
            body += piece
            if len(body) >= self._most:
                response.close()  # the rest is not waited for
                break
        return bytes(body)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _encoded(url: str) -> URL:
    return URL(url, encoded=True)


def _retry_after_s(value: str | None) -> float | None:
    """Seconds, whether it names those or a date; None where it is neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
