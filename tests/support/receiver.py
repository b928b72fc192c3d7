"""A receiver of webhooks that misbehaves as it is told, on a free port of this machine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
Fault = str
"""One of those in `FAULTS`."""


@dataclass(frozen=True)
class Received:
    """A request that came in whole; ``fault`` is what it was answered with, empty where it was taken."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes
    fault: Fault

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def name(self) -> tuple[str, str, int]:
        """Type, customer and version of a standard webhook."""
        body = self.json
        data = body["data"]
        return body["type"].partition(".")[0], data["customer_id"], data["version"]


Script = Callable[[Received], Fault]
"""What to do with a request, by what is known of it before it is answered."""


def fine(_: Received) -> Fault:
    """Everything is taken."""
    return ""


@dataclass
class Receiver:
    """A server in a thread of its own. ``script`` may be changed at any time."""

    script: Script = fine
    answer: bytes = b""
    verify: bool = False
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def taken(self) -> list[Received]:
        """What was answered well."""
        return [one for one in list(self.received) if not one.fault]

    def versions(self, *, first: bool = False) -> dict[tuple[str, str], list[int]]:
        """Versions taken, by type and customer, as they arrived; each once where only the ``first`` counts."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for one in self.taken():
            kind, customer, version = one.name
            if not (first and version in found[kind, customer]):
                found[kind, customer].append(version)
        return dict(found)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run(ready))
        self._loop.close()

    async def _run(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        application = web.Application(client_max_size=32 << 20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = int(runner.addresses[0][1])
        ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.verify:
            Webhook(SECRET).verify(body, headers)
        one = Received(time.monotonic(), request.path_qs, headers, body, "")
        fault = self.script(one)
        self.received.append(Received(one.at, one.path, one.headers, one.body, fault))
        return await (FAULTS[fault](request) if fault else self._take(request))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.answer) if self.answer else web.Response(status=204)


async def _slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def _dripping(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "10000"})
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(300):
            await response.write(b".")
            await asyncio.sleep(0.1)
    return response


async def _truncated(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "10000"})
    await response.prepare(request)
    await response.write(b'{"code": 0')
    assert request.transport is not None
    request.transport.close()
    return response


async def _reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _redirect(_: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})


def _status(status: int, body: bytes = b"", **headers: str) -> Callable[[web.Request], Any]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return answer


FAULTS: dict[Fault, Callable[[web.Request], Any]] = {
    "timeout": _slow,
    "slow body": _dripping,
    "truncated": _truncated,
    "half-open": _reset,
    "redirect": _redirect,
    "429": _status(429, Retry_After="1"),
    "500": _status(500, b"oops"),
    "503": _status(503),
    "400": _status(400, b"bad record"),
    "401": _status(401),
    "404": _status(404),
    "410": _status(410),
    "error code": _status(200, b'{"code": 500, "msg": "busy"}'),
}
