"""The HTTP server: takes a body in, asks what it is and whether it is good, has it stored, and only then answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from time import perf_counter

import orjson
from aiohttp import ClientError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from ebbtide.models.policy import IntakePolicy
from ebbtide.streams.collector.answers import Answer, RequestError, error_answer, told
from ebbtide.streams.collector.bodies import too_large, unpacked
from ebbtide.streams.collector.endpoints import ENDPOINTS, Body, Endpoint
from ebbtide.streams.collector.items import Arrival
from ebbtide.streams.collector.judge import Judge, Judged
from ebbtide.streams.collector.keys import Access, KeyRing, key_of_head
from ebbtide.streams.collector.rate import Bucket, Rate, taken
from ebbtide.streams.collector.room import Room
from ebbtide.streams.collector.settings import CollectorSettings
from ebbtide.streams.collector.store import Store, StoreUnavailableError
from ebbtide.streams.metrics import Metrics

log = logging.getLogger(__name__)

BREATH = 500
"""Events of a body after which others have their turn."""
_PREFLIGHT_S = 86_400


class Collector:
    """The door's shell. ``now_ms`` is the wall clock, epoch milliseconds."""

    def __init__(
        self,
        settings: CollectorSettings,
        policy: IntakePolicy,
        tenant: str,
        store: Store,
        metrics: Metrics,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self._settings, self._tenant, self._store, self._metrics, self._now_ms = (
            settings, tenant, store, metrics, now_ms,
        )  # fmt: skip
        self._keys = KeyRing(settings)
        self._judge = Judge(policy, tenant)
        self._rate = Rate(settings.events_per_second, settings.burst_seconds)
        self._buckets: dict[str, Bucket] = {}
        self._room = Room(settings.max_in_flight_bytes)
        # One body at a time is taken apart: as Python objects it takes ten times the room.
        self._apart = asyncio.Lock()

    def application(self) -> web.Application:
        """The routes; for a runner with ``auto_decompress=False``."""
        application = web.Application(middlewares=[self._always_json])
        for path, endpoint in ENDPOINTS.items():
            for each in (path, f"{path}/"):
                application.router.add_post(each, self._handler(endpoint))
                if not endpoint.secret:
                    application.router.add_options(each, self._preflight)
        return application

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began = perf_counter()
            try:
                answer = await self._answer(request, endpoint)
            except RequestError as error:
                answer = error.answer
            self._metrics.collector_requests.labels(endpoint.name, answer.reason).inc()
            self._metrics.collector_request_seconds.labels(endpoint.name).observe(perf_counter() - began)
            headers = dict(answer.headers) if endpoint.secret else {**answer.headers, **self._cors(request)}
            return _json(answer, headers)

        return handle

    async def _answer(self, request: web.Request, endpoint: Endpoint) -> Answer:
        arrival_ms = self._now_ms()
        key = key_of_head(request.headers, request.query)
        if key is not None:
            self._access(key)
        packed = await self._taken_in(request, endpoint.most(self._settings))
        size = len(packed)
        try:
            body = unpacked(packed, request.headers.get(hdrs.CONTENT_ENCODING, ""), endpoint.most(self._settings))
            if body is not packed:
                self._take_room(len(body))
                size += len(body)
            del packed
            async with self._apart:
                judged = await self._judged(body, endpoint, key, arrival_ms)
            del body
            if endpoint.lenient and len(judged.refused) < judged.events:
                judged.keep_refused()
            try:
                await self._store.put(judged.outputs)
            except StoreUnavailableError as error:
                raise RequestError(
                    503, "not_stored", f"{error}; send it again", retry_after=self._settings.retry_after_seconds
                ) from None
        finally:
            self._give_back(size)
        self._count(endpoint, judged)
        return told(judged, lenient=endpoint.lenient)

    async def _taken_in(self, request: web.Request, most: int) -> bytes:
        """The bytes of the body, for which there is room. Raises ``RequestError``."""
        if (fault := self._store.fault()) is not None:
            raise RequestError(503, "not_stored", fault, retry_after=self._settings.retry_after_seconds)
        if request.content_length is not None and request.content_length > most:
            raise too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.read_seconds):
                async for chunk in request.content.iter_any():
                    self._take_room(len(chunk))
                    body += chunk
                    if len(body) > most:
                        raise too_large(most)
        except BaseException as error:
            self._give_back(len(body))
            if isinstance(error, TimeoutError):
                message = f"the body did not come within {self._settings.read_seconds:g} s"
                raise RequestError(408, "too_slow", message) from None
            if isinstance(error, ClientError | HttpProcessingError | ConnectionError | web.RequestPayloadError):
                raise RequestError(400, "bad_body", "the body ends early, or is not framed as HTTP has it") from None
            raise
        return bytes(body)

    def _take_room(self, size: int) -> None:
        if not self._room.take(size):
            message = "too much is in hand already; send it again"
            raise RequestError(503, "overloaded", message, retry_after=self._settings.retry_after_seconds)
        self._metrics.collector_in_flight_bytes.set(self._room.taken)

    def _give_back(self, size: int) -> None:
        self._room.give_back(size)
        self._metrics.collector_in_flight_bytes.set(self._room.taken)

    async def _judged(self, body: bytes, endpoint: Endpoint, key: str | None, arrival_ms: int) -> Judged:
        found = endpoint.read(body, self._settings)
        access = self._access(key if key is not None else found.key)
        if endpoint.secret and not access.secret:
            raise RequestError(403, "secret_key_needed", "this key may be in browsers; use one of the secret keys")
        self._take_from_rate(access, found)
        items = found.items(Arrival(arrival_ms, access.tenant, access.secret, self._tenant))
        judged = Judged()
        while part := list(islice(items, BREATH)):
            self._judge.judge(part, arrival_ms, judged)
            if judged.events < found.events:
                await asyncio.sleep(0)
        return judged

    def _access(self, key: str | None) -> Access:
        access = self._keys.access(key)
        if access is None:
            message = "no write key was sent" if key is None else "no such write key"
            raise RequestError(401, "unauthorised", f"{message}; see EBBTIDE_COLLECTOR__WRITE_KEYS")
        return access

    def _take_from_rate(self, access: Access, body: Body) -> None:
        most = self._settings.max_batch_events
        if body.events > most:
            raise RequestError(413, "batch_too_large", f"{body.events} events; at most {most} are taken in one body")
        now = asyncio.get_running_loop().time()
        self._buckets[access.name], wait = taken(self._rate, self._buckets.get(access.name), body.events, now=now)
        if wait:
            message = f"more than {self._rate.events_per_second:g} events a second; wait {wait} s"
            raise RequestError(429, "rate_limited", message, retry_after=wait)

    def _count(self, endpoint: Endpoint, judged: Judged) -> None:
        metrics = self._metrics
        metrics.collector_accepted.labels(endpoint.name).inc(judged.accepted)
        for reason, count in judged.ignored.items():
            metrics.collector_ignored.labels(endpoint.name, reason).inc(count)
        for one in judged.refused:
            metrics.collector_refused.labels(endpoint.name, one.reason).inc()

    def _cors(self, request: web.Request) -> dict[str, str]:
        origin = request.headers.get(hdrs.ORIGIN)
        allowed = self._settings.allowed_origins
        if origin is None or not ("*" in allowed or origin in allowed):
            return {}
        # Beacons ask with credentials, and then the star is not taken; there are no cookies here to protect.
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After",
            "Vary": "Origin",
        }

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        headers = self._cors(request)
        if headers:
            headers |= {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ""),
                "Access-Control-Max-Age": str(_PREFLIGHT_S),
            }
        return web.Response(status=204, headers=headers)

    @web.middleware
    async def _always_json(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            message = f"{error.reason}: {request.method} {request.path[:200]}; see the guide on sending with an SDK"
            self._metrics.collector_requests.labels("none", "no_such_endpoint").inc()
            headers = {"Allow": "POST"} if error.status == 405 else {}
            return _json(error_answer(error.status, "no_such_endpoint", message), {**headers, **self._cors(request)})
        except Exception:
            log.exception("%s failed: a bug", request.path)
            self._metrics.collector_requests.labels("none", "internal").inc()
            answer = error_answer(500, "internal", "the collector failed; its log says more. Send it again")
            return _json(answer, self._cors(request))


def _json(answer: Answer, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=answer.status, body=orjson.dumps(answer.body), headers=headers, content_type="application/json"
    )
