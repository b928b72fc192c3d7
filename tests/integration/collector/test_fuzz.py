"""Garbage: random bytes, broken gzip, torn JSON, odd heads. No answer is 500, and memory stays where it was.

CI runs five rounds of it; `EBBTIDE_FUZZ_SECONDS=1800 pytest tests/integration/collector/test_fuzz.py -s` for long.
"""

from __future__ import annotations

import asyncio
import gzip
import os
from base64 import b64encode
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.collector.endpoints import ENDPOINTS
from support.collecting import CollectorProcess, collecting
from support.goldens import GOLDEN

SECONDS = float(os.environ.get("EBBTIDE_FUZZ_SECONDS", "0"))
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300 + SECONDS)]
SENDERS = 8
EACH, ROUNDS, MOST_ROUNDS = 250, 5, 20
"""Requests of a sender in a round, and rounds at least. The first one brings the process to its size.

After one round in a hundred or so the allocator holds 7 MiB more for a while: then more are run. What leaks grows.
"""
GROWTH_BYTES = 6 << 20
LEAST_OBJECT_BYTES = 16
"""No object of Python's is smaller: in a long run a leak of one a request shows, what the allocator keeps does not."""
VALUES: list[Any] = [
    None, True, 0, -1, 2**63, 10**30, 1e308, float("nan"), "", " ", "null", "x" * 5_000, "\u0000", "💥", [], {}, [[]],
    {"a": {"b": []}}, "2026-01-01", "9999-12-31T23:59:59Z", -62_135_596_800_001, "watermark.advanced", "deal.won",
]  # fmt: skip


def seeds() -> list[Any]:
    """What the SDKs really send."""
    found: list[Any] = []
    for path in sorted((GOLDEN / "collector").glob("*.json")):
        found += orjson.loads(path.read_bytes())
    event = {"type": "track", "event": "x", "distinct_id": "d", "time": 1_795_454_000_000, "properties": {"a": 1}}
    hog = {"event": "$identify", "distinct_id": "u", "properties": {"$anon_distinct_id": "a"}, "uuid": "m"}
    fact = {
        "type": "deal.won",
        "id": "d",
        "occurred_at": "2026-01-01T00:00:00Z",
        "source": "crm",
        "ids": {},
        "data": {},
    }
    answer = {"customer_id": "c", "by": "kim", "action": "ack", "alert_type": "sudden_drop"}
    part = {"type": "track_id_unbind", "identities": {"$identity_login_id": "u", "$identity_email": "e@x.example"}}
    unbind = {"type": "track_id_unbind", "time": 1_780_000_000_000, "identities": {"$identity_mobile": "187"}}
    return [*found, event, hog, fact, answer, part, unbind]


def mutated(value: Any, rng: Random) -> Any:
    """The value with something in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(list(value))
        roll = rng.random()
        if roll < 0.2:
            return {key: each for key, each in value.items() if key != name}
        if roll < 0.3:
            return {**value, rng.choice(["tenant", "sentAt", "timestamp", "identities", "batch", "$set", "x" * 300]):
                    rng.choice(VALUES)}  # fmt: skip
        return {**value, name: mutated(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], mutated(value[at], rng), *value[at + 1 :]]
    return rng.choice(VALUES)


def dumped(value: Any) -> bytes:
    import json  # noqa: PLC0415  (unlike orjson it writes NaN and huge numbers)

    return json.dumps(value, default=str).encode()


def request(rng: Random, known: list[Any]) -> tuple[str, bytes, dict[str, str]]:
    """Path, body and headers of one request."""
    path = rng.choice([*ENDPOINTS, "/v1/batch", "/batch/", "/sa", "/v1/" + "x" * rng.randrange(40)])
    event = rng.choice(known)
    for _ in range(rng.randrange(4)):
        event = mutated(event, rng)
    batch = {"batch": [event] * rng.choice([0, 1, 3, 30]), "sentAt": rng.choice(["2026-11-23T17:00:00Z", *VALUES])}
    body = dumped(batch if path in ("/v1/batch", "/batch/", "/batch", "/v1/b") else event)
    roll, headers = rng.random(), dict[str, str]()
    if roll < 0.1:
        body = rng.randbytes(rng.randrange(2_000))
    elif roll < 0.2:
        body = body[: rng.randrange(len(body) + 1)]
    elif roll < 0.25:
        body = b"[" * rng.randrange(100_000)
    if path == "/sa" and rng.random() < 0.9:
        packed = gzip.compress(body, 1)
        packed = packed[: rng.randrange(len(packed))] if rng.random() < 0.3 else packed
        body = urlencode({rng.choice(["data", "data_list"]): b64encode(packed).decode()}).encode()
    if rng.random() < 0.4:
        headers["Content-Encoding"] = rng.choice(["gzip", "gzip", "gzip", "deflate", "br", "x" * 50, "identity"])
        if rng.random() < 0.8:
            body = gzip.compress(body, 1)
        if rng.random() < 0.5:
            body = body[: rng.randrange(len(body) + 1)]
        if rng.random() < 0.02:
            body = gzip.compress(b"0" * 30_000_000, 1)
    if rng.random() < 0.2:
        headers["Authorization"] = rng.choice(["Basic x", "Basic /w==", "Bearer " + "k" * 5_000, "x", "Basic a2V5Og=="])
    if rng.random() < 0.1:
        headers["Origin"] = rng.choice(["null", "https://a.example", "x" * 100])
    return path, body, headers


async def send_garbage(collector: CollectorProcess, seed: int, requests: int, statuses: Counter[int]) -> None:
    """Garbage over HTTP, and now and then over a bare connection."""
    rng, known = Random(seed), seeds()
    async with ClientSession(timeout=ClientTimeout(total=30)) as session:
        for _ in range(requests):
            if rng.random() < 0.05:
                await _torn(collector.port, rng)
                continue
            path, body, headers = request(rng, known)
            method = rng.choice(["POST"] * 20 + ["GET", "OPTIONS", "PUT"])
            try:
                async with session.request(method, collector.url + path, data=body, headers=headers) as answer:
                    said = await answer.read()
                    statuses[answer.status] += 1
                    assert answer.status != 500, (path, headers, body[:2_000], said)
                    if method == "POST":
                        assert isinstance(orjson.loads(said), dict)
            except ClientError:
                statuses[0] += 1  # it hung up on a body that was too large


async def _torn(port: int, rng: Random) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % rng.randrange(100_000)
    writer.write(rng.choice([rng.randbytes(200), head, head + rng.randbytes(rng.randrange(5_000)), head[:30]]))
    try:
        await asyncio.wait_for(writer.drain(), 2)
        writer.close()
        await writer.wait_closed()
    except (OSError, TimeoutError):
        pass
    _ = reader


def flat(resident: list[int], requests: int) -> bool:
    """Whether memory did not grow from the first round to the last."""
    return resident[-1] - resident[0] < max(GROWTH_BYTES, LEAST_OBJECT_BYTES * requests)


async def test_garbage_is_answered_and_forgotten(broker: KafkaBroker, tmp_path: Path) -> None:
    settings = {"EVENTS_PER_SECOND": "1000000"}
    with collecting(broker.bootstrap, tmp_path, **settings) as collector:
        statuses: Counter[int] = Counter()
        clock = asyncio.get_running_loop().time
        until = clock() + SECONDS
        resident: list[int] = []
        while (
            len(resident) < ROUNDS
            or clock() < until
            or (len(resident) < MOST_ROUNDS and not flat(resident, statuses.total()))
        ):
            seed = 1 + len(resident) * SENDERS
            await asyncio.gather(*(send_garbage(collector, seed + n, EACH, statuses) for n in range(SENDERS)))
            resident.append(collector.resident_bytes())
        samples = {(name, labels): value for name, labels, value in collector.admin.samples()}
        grown = " ".join(f"{held / (1 << 20):.1f}" for held in resident)
        print(f"\n{statuses.total()} requests, answers {dict(sorted(statuses.items()))}, resident MiB: {grown}")
        assert not statuses[500]
        assert not any("internal" in labels for _, labels in samples)
        assert samples["ebbtide_collector_in_flight_bytes", ""] == 0
        assert statuses[200] > 100
        assert statuses[400] > 100
        assert flat(resident, statuses.total()), grown
        # And it still works.
        async with (
            ClientSession() as session,
            session.post(f"{collector.url}/v1/track", json={"event": "x", "userId": "u"}) as answer,
        ):
            assert answer.status == 200
        assert await asyncio.to_thread(collector.stop) == 0
