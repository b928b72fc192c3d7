"""The baseline: an aiohttp handler that sends each body to Kafka as it is, and answers when it is acknowledged.

python -m ebbtide.streams.bench.http.bare PORT BOOTSTRAP TOPIC
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web
from aiokafka import AIOKafkaProducer


async def serve(port: int, bootstrap: str, topic: str) -> None:
    """Run until it is killed."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()

    async def handle(request: web.Request) -> web.Response:
        await producer.send_and_wait(topic, await request.read())
        return web.json_response({"success": True})

    application = web.Application()
    application.router.add_post("/v1/batch", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as run:
        run.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
