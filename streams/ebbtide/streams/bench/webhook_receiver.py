"""The receiver of `ebbtide bench webhook`, a process of its own: `/hook` takes all, `/dead` never answers."""

from __future__ import annotations

import asyncio
import sys
import time

import orjson
from aiohttp import web


class Counter:
    """When each delivery came, and how long after its version was told."""

    def __init__(self) -> None:
        self._at: list[float] = []
        self._delays_s: list[float] = []

    async def take(self, request: web.Request) -> web.Response:
        """Count one; a body with ``sent_at`` in its evidence says when it was published."""
        body = await request.read()
        now = time.time()
        self._at.append(now)
        evidence = orjson.loads(body)["data"].get("evidence", {})
        if "sent_at" in evidence:
            self._delays_s.append(now - evidence["sent_at"])
        return web.Response(status=204)

    async def tell(self, _: web.Request) -> web.Response:
        """What came since the last time this was asked."""
        at, delays_s = self._at, self._delays_s
        self._at, self._delays_s = [], []
        return web.json_response({"at": at, "delays_s": delays_s})

    async def count(self, _: web.Request) -> web.Response:
        """How many came since."""
        return web.json_response(len(self._at))


async def _never(_: web.Request) -> web.Response:
    await asyncio.sleep(3_600)
    return web.Response()


def main(port: int) -> None:
    """Serve until killed."""
    counter = Counter()
    application = web.Application()
    application.add_routes(
        [
            web.post("/hook", counter.take),
            web.post("/dead", _never),
            web.get("/tell", counter.tell),
            web.get("/count", counter.count),
        ]
    )
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
