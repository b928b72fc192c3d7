"""The admin port of a service: `/metrics`, `/healthz`, `/readyz`, `/version`. Loopback unless told otherwise.

It shares the event loop of the service, so an answer of `/healthz` proves that the loop turns.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from ebbtide.streams.metrics import Metrics

log = logging.getLogger(__name__)

Reasons = Callable[[], Sequence[str]]
"""Says why a service is not ready (or not healthy), one sentence each; none when it is. Must return at once."""


class AdminPortError(Exception):
    """The admin port could not be opened; the message says what to do."""


def installed_version() -> str:
    """Version of the installed distribution; `unknown` when it runs from a bare source tree."""
    try:
        return version("ebbtide")
    except PackageNotFoundError:
        return "unknown"


def _no_reasons() -> Sequence[str]:
    return ()


class AdminServer:
    """HTTP server for operators and probes. Start and stop it in the loop of the service that it tells about."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        not_ready: Reasons,
        unhealthy: Reasons = _no_reasons,
        service: str = "ebbtide",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """`port=0` takes a free one; `start` returns it. `unhealthy` should list only what a restart would mend."""
        self._metrics = metrics
        self._not_ready = not_ready
        self._unhealthy = unhealthy
        self._service = service
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen, and return the port. Raises AdminPortError when another program has it."""
        self._metrics.built(installed_version())
        runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise AdminPortError(
                f"admin port {self._port} on {self._host} cannot be opened ({error.strerror}): "
                "stop the program that listens there, or choose another port"
            ) from error
        self._runner = runner
        port = int(runner.addresses[0][1])
        log.info("admin server listens on http://%s:%d", self._host, port)
        return port

    async def stop(self) -> None:
        """Close the port. Does nothing when it is not open."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get("/metrics", self._answer_metrics),
                web.get("/healthz", _check("ok", "unhealthy", self._unhealthy)),
                web.get("/readyz", _check("ready", "not_ready", self._not_ready)),
                web.get("/version", self._answer_version),
            ]
        )
        return application

    async def _answer_metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._metrics.registry), headers={"Content-Type": content_type})

    async def _answer_version(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"service": self._service, "version": installed_version(), "python": platform.python_version()}
        )


def _check(good: str, bad: str, reasons: Reasons) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        try:
            found = list(reasons())
        except Exception as error:  # a probe that fails must say so, and 500 says nothing
            log.exception("a probe failed")
            found = [f"the check itself failed: {error!r}"]
        return web.json_response({"status": bad if found else good, "reasons": found}, status=503 if found else 200)

    return answer
