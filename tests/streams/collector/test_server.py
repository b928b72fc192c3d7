"""The door over HTTP: every answer, what it depends on, and that nothing is answered for nothing."""

from __future__ import annotations

import asyncio
import gzip
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from ebbtide.models.policy import IntakePolicy
from ebbtide.streams.collector.server import Collector
from ebbtide.streams.collector.settings import CollectorSettings
from ebbtide.streams.collector.store import Store
from ebbtide.streams.metrics import Metrics
from support.scripted_producer import ScriptedProducer, until

NOW_MS = 1_795_455_000_000
LOGIN = {"type": "track", "event": "login", "userId": "u1"}


class Door:
    """A collector that listens, with its store, its producer and its metrics."""

    def __init__(
        self,
        client: TestClient[web.Request, web.Application],
        store: Store,
        producer: ScriptedProducer,
        metrics: Metrics,
    ) -> None:
        self.client, self.store, self.producer, self.metrics = client, store, producer, metrics

    async def post(self, path: str, body: Any, **options: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.client.post(path, data=data, **options) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    def stored(self) -> list[dict[str, Any]]:
        return [orjson.loads(output.value or b"") for output in self.producer.acknowledged]


Open = Callable[..., Awaitable[Door]]


@pytest.fixture
async def open_door() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Door:
            chosen = CollectorSettings(**({"acknowledge_seconds": 0.5} | settings))
            metrics, producer = Metrics(CollectorRegistry()), ScriptedProducer()
            store = Store(lambda: producer, patience=chosen.acknowledge_seconds, metrics=metrics)
            store.start()
            stack.push_async_callback(store.stop)
            stack.callback(producer.answers.set)
            collector = Collector(chosen, IntakePolicy(), "default", store, metrics, now_ms=lambda: NOW_MS)
            server = TestServer(collector.application())
            client = TestClient(server)
            await server.start_server(auto_decompress=False)
            await client.start_server()
            stack.push_async_callback(client.close)
            await until(lambda: store.fault() is None)
            return Door(client, store, producer, metrics)

        yield make


async def test_every_path_of_segment_takes_its_call(open_door: Open) -> None:
    door = await open_door()
    calls = {
        "track": {"event": "x", "userId": "u"},
        "identify": {"userId": "u"},
        "group": {"userId": "u", "groupId": "g"},
        "page": {"userId": "u"},
        "screen": {"userId": "u"},
        "alias": {"userId": "u", "previousId": "a"},
    }
    for verb, call in calls.items():
        for path in (f"/v1/{verb}", f"/v1/{verb[0]}", f"/v1/{verb}/"):
            status, said, _ = await door.post(path, call, headers={"Content-Type": "text/plain"})
            assert (status, said) == (200, {"success": True, "accepted": 1, "ignored": {}}), path
    assert [record["type"] for record in door.stored()] == [verb for verb in calls for _ in range(3)]


async def test_packed_batches_of_every_format(open_door: Open) -> None:
    door = await open_door()
    packed = {"Content-Encoding": "gzip"}
    status, _, _ = await door.post("/v1/batch", gzip.compress(orjson.dumps({"batch": [LOGIN] * 3})), headers=packed)
    assert status == 200
    body = {"api_key": "k", "batch": [{"event": "x", "distinct_id": "u", "uuid": "m"}]}
    status, _, _ = await door.post("/batch/", gzip.compress(orjson.dumps(body)), headers=packed)
    assert status == 200
    event = {"type": "track", "event": "x", "distinct_id": "d", "time": NOW_MS, "properties": {}}
    form = urlencode({"data_list": b64encode(gzip.compress(orjson.dumps([event, event]))).decode(), "gzip": 1})
    status, said, _ = await door.post("/sa?project=default", form.encode())
    assert status == 200
    assert said["accepted"] == 2
    assert len({record["messageId"] for record in door.stored()[-2:]}) == 1, "the same event twice is one event"
    assert len(door.stored()) == 6


async def test_an_answer_waits_for_the_broker(open_door: Open) -> None:
    door = await open_door(acknowledge_seconds=30)
    door.producer.answers.clear()
    waiting = asyncio.create_task(door.post("/v1/track", LOGIN))
    await until(lambda: door.producer.groups)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    door.producer.answers.set()
    status, _, _ = await waiting
    assert status == 200


@pytest.mark.parametrize("silent", [True, False])
async def test_without_the_broker_it_is_503_and_nothing_is_accepted(open_door: Open, silent: bool) -> None:
    door = await open_door(retry_after_seconds=7)
    if silent:
        door.producer.answers.clear()
    else:
        door.producer.fault = KafkaError("away")
    for _ in range(3):
        status, said, headers = await door.post("/v1/track", LOGIN)
        assert (status, said["code"], headers["Retry-After"]) == (503, "not_stored", "7")
    assert door.stored() == []
    assert door.metrics.collector_requests.labels("segment", "not_stored")._value.get() == 3
    door.producer.fault = None
    door.producer.answers.set()
    await until(lambda: door.store.fault() is None)
    assert (await door.post("/v1/track", {**LOGIN, "messageId": "again"}))[0] == 200
    assert door.stored()[-1]["messageId"] == "again"


async def test_of_a_batch_the_good_ones_are_stored_and_the_bad_ones_are_named(open_door: Open) -> None:
    door = await open_door()
    bad = {"type": "trak"}
    status, said, _ = await door.post("/v1/batch", {"batch": [LOGIN, bad, "x", *[bad] * 40]})
    assert status == 400
    assert said["code"] == "unknown_type"
    assert said["message"].startswith("event 1: Input tag 'trak'")
    assert said["accepted"] == 1
    assert said["refused"]["count"] == 42
    assert [one["index"] for one in said["refused"]["events"][:2]] == [1, 2]
    assert len(said["refused"]["events"]) == 20
    assert len(door.stored()) == 1


async def test_sensors_clients_are_told_200_if_anything_was_good_for_they_repeat_the_rest_for_ever(
    open_door: Open,
) -> None:
    door = await open_door()
    good = {"type": "track", "event": "x", "distinct_id": "d", "time": NOW_MS, "properties": {}}
    bad = {**good, "event": "x" * 300}

    def form(*events: Any) -> bytes:
        return urlencode({"data_list": b64encode(orjson.dumps(events)).decode()}).encode()

    status, said, _ = await door.post("/sa", form(good, bad))
    assert status == 200
    assert said["refused"]["count"] == 1
    assert len(door.stored()) == 2, "the bad one too: intake makes a dead letter of it"
    status, said, _ = await door.post("/sa", form(bad, bad))
    assert (status, said["code"]) == (400, "invalid")
    assert len(door.stored()) == 2


@pytest.mark.parametrize(
    ("path", "body", "headers", "expected"),
    [
        ("/v1/batch", b"{", {}, (400, "not_json")),
        ("/v1/batch", b"\xff", {}, (400, "not_utf8")),
        ("/v1/batch", {"batch": {}}, {}, (400, "invalid")),
        ("/v1/batch", [LOGIN], {}, (400, "invalid")),
        ("/v1/track", [LOGIN], {}, (400, "invalid")),
        ("/v1/track", {"event": "x"}, {}, (400, "missing_identifier")),
        ("/v1/track", {**LOGIN, "timestamp": "2031-01-01T00:00:00Z"}, {}, (400, "clock_ahead")),
        ("/v1/track", {**LOGIN, "timestamp": "2001-01-01T00:00:00Z"}, {}, (400, "clock_behind")),
        ("/v1/track", {**LOGIN, "properties": {"a": "x" * 40_000}}, {}, (400, "too_large")),
        ("/v1/batch", {"batch": [{**LOGIN, "properties": {"a": "x" * 600_000}}]}, {}, (413, "batch_too_large")),
        ("/v1/batch", {"batch": [], "pad": "x" * 5_000_000}, {}, (413, "batch_too_large")),
        ("/v1/track", {"pad": "x" * 600_000}, {}, (413, "batch_too_large")),
        ("/v1/batch", {"batch": [1] * 5_001}, {}, (413, "batch_too_large")),
        ("/v1/track", b"\x1f\x8b", {"Content-Encoding": "gzip"}, (400, "bad_encoding")),
        ("/v1/track", LOGIN, {"Content-Encoding": "br"}, (415, "unsupported_encoding")),
        ("/batch/", {"batch": 3}, {}, (400, "invalid")),
        ("/batch/", 3, {}, (400, "invalid")),
        ("/sa", b"gzip=1", {}, (400, "invalid")),
        ("/v1/crm", {"type": "track"}, {}, (400, "unknown_type")),
        ("/v1/crm", [{"type": "watermark.advanced", "to": "2020-01-01T00:00:00Z"}], {}, (400, "invalid")),
        ("/v1/feedback", {"action": "ack"}, {}, (400, "invalid")),
        ("/nowhere", {}, {}, (404, "no_such_endpoint")),
    ],
)  # fmt: skip
async def test_each_fault_has_its_answer(
    open_door: Open, path: str, body: Any, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    door = await open_door()
    status, said, _ = await door.post(path, body, headers=headers)
    assert (status, said["code"]) == expected
    assert said["message"]
    assert said["success"] is False
    assert door.stored() == []
    assert door.metrics.collector_in_flight_bytes._value.get() == 0


async def test_a_batch_of_rudderstack_may_be_larger(open_door: Open) -> None:
    door = await open_door()
    events = [{**LOGIN, "channel": "server", "messageId": str(n), "properties": {"a": "x" * 30_000}} for n in range(60)]
    status, said, _ = await door.post("/v1/batch", {"batch": events})
    assert (status, said["accepted"]) == (200, 60)


async def test_other_methods_are_told_so(open_door: Open) -> None:
    door = await open_door()
    async with door.client.get("/v1/track") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert (await answer.json())["code"] == "no_such_endpoint"


async def test_keys_decide_who_may_send_what(open_door: Open) -> None:
    door = await open_door(write_keys={"t1": ("write",)}, secret_keys={"t2": ("secret",)})

    def basic(key: str) -> dict[str, Any]:
        return {"headers": {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}}

    fact = {
        "type": "account.upserted", "id": "f", "occurred_at": "2026-11-01T00:00:00Z", "source": "crm",
        "ids": {"group_id": "g"}, "data": {"name": "G"},
    }  # fmt: skip
    answer = {"customer_id": "c", "by": "kim", "action": "ack", "alert_type": "sudden_drop"}
    cases: list[tuple[str, Any, dict[str, Any], int]] = [
        ("/v1/track", LOGIN, {}, 401),
        ("/v1/track", LOGIN, basic("other"), 401),
        ("/v1/track", LOGIN, basic("write"), 200),
        ("/v1/track", LOGIN, basic("secret"), 200),
        ("/v1/track", {**LOGIN, "writeKey": "write"}, {}, 200),
        ("/v1/batch", {"batch": [LOGIN], "writeKey": "write"}, {}, 200),
        ("/v1/batch", {"batch": [{**LOGIN, "writeKey": "write"}]}, {}, 200),
        ("/v1/batch", {"batch": [LOGIN], "writeKey": "other"}, {}, 401),
        ("/batch/", {"batch": [{"event": "x", "distinct_id": "u"}], "api_key": "write"}, {}, 200),
        ("/v1/track", {**LOGIN, "tenant": "t9"}, basic("write"), 400),
        ("/v1/crm", fact, basic("write"), 403),
        ("/v1/crm", fact, basic("secret"), 200),
        ("/v1/batch", {"batch": [fact]}, basic("write"), 400),
        ("/v1/feedback", answer, basic("write"), 403),
        ("/v1/feedback", answer, basic("secret"), 200),
        ("/v1/feedback", answer, {}, 401),
    ]
    for path, body, options, expected in cases:
        status, said, _ = await door.post(path, body, **options)
        assert status == expected, (path, body, said)
    assert [record["tenant"] for record in door.stored()] == ["t1", "t2", "t1", "t1", "t1", "t1", "t2", "t2"]
    assert not any("writeKey" in record for record in door.stored())


async def test_a_key_has_its_rate_and_others_have_theirs(open_door: Open) -> None:
    door = await open_door(write_keys={"a": ("one", "two")}, events_per_second=10, burst_seconds=1)
    batch = {"batch": [{**LOGIN, "messageId": str(n)} for n in range(25)]}
    assert (await door.post("/v1/batch", {**batch, "writeKey": "one"}))[0] == 200
    status, said, headers = await door.post("/v1/batch", {**batch, "writeKey": "one"})
    assert (status, said["code"]) == (429, "rate_limited")
    assert int(headers["Retry-After"]) in (1, 2)
    assert (await door.post("/v1/batch", {**batch, "writeKey": "two"}))[0] == 200


async def test_more_than_there_is_room_for_is_503(open_door: Open) -> None:
    door = await open_door(max_in_flight_bytes=1 << 20, acknowledge_seconds=30)
    door.producer.answers.clear()
    note = {**LOGIN, "channel": "server", "properties": {"a": "x" * 30_000}}
    body = {"batch": [{**note, "messageId": str(n)} for n in range(20)]}
    first = asyncio.create_task(door.post("/v1/batch", body))
    await until(lambda: door.producer.groups)
    status, said, headers = await door.post("/v1/batch", body)
    assert (status, said["code"], headers["Retry-After"]) == (503, "overloaded", "5")
    door.producer.answers.set()
    assert (await first)[0] == 200
    assert (await door.post("/v1/batch", body))[0] == 200
    assert door.metrics.collector_in_flight_bytes._value.get() == 0


async def test_a_body_that_does_not_come_is_408_and_one_that_breaks_off_is_nothing(open_door: Open) -> None:
    door = await open_door(read_seconds=1)
    port = door.client.port
    for packet in (
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(packet)
        said = await asyncio.wait_for(reader.readline(), 5)
        assert said.split()[1] in (b"408", b"400"), packet
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    assert door.metrics.collector_in_flight_bytes._value.get() == 0
    assert (await door.post("/v1/track", LOGIN))[0] == 200
    assert door.metrics.collector_requests.labels("none", "internal")._value.get() == 0


@pytest.mark.parametrize(
    ("allowed", "origin", "shown"),
    [(["*"], "https://a.example", True), (["https://a.example"], "https://a.example", True),
     (["https://a.example"], "https://b.example", False)],
)  # fmt: skip
async def test_browsers_of_allowed_origins_may_ask(
    open_door: Open, allowed: list[str], origin: str, shown: bool
) -> None:
    door = await open_door(allowed_origins=allowed)
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with door.client.options("/v1/t", headers=asked) as answer:
        assert answer.status == 204
        assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is shown
        assert (answer.headers.get("Access-Control-Allow-Headers") == "authorization") is shown
    for body in (LOGIN, b"{"):
        _, _, headers = await door.post("/v1/t", body, headers={"Origin": origin})
        assert (headers.get("Access-Control-Allow-Origin") == origin) is shown
    async with door.client.options("/v1/crm", headers=asked) as answer:
        assert answer.status == 405


async def test_feedback_has_ids_to_refer_to(open_door: Open) -> None:
    door = await open_door()
    answer = {"customer_id": "c", "by": "kim", "action": "ack", "alert_type": "sudden_drop"}
    status, said, _ = await door.post("/v1/feedback", [answer, {**answer, "feedback_id": "mine"}])
    assert status == 200
    assert said["feedback_ids"][1] == "mine"
    assert [record["feedback_id"] for record in door.stored()] == said["feedback_ids"]
    assert {output.topic for output in door.producer.acknowledged} == {"feedback"}
    assert {output.key for output in door.producer.acknowledged} == {b"c"}


async def test_a_bug_is_told_as_one_and_to_be_sent_again(open_door: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    door = await open_door()
    monkeypatch.setattr("ebbtide.streams.collector.server.told", lambda *_, **__: 1 / 0)
    status, said, _ = await door.post("/v1/track", LOGIN)
    assert (status, said["code"]) == (500, "internal")


async def test_many_at_a_time_all_count(open_door: Open) -> None:
    door = await open_door()
    async with ClientSession() as session:

        async def send(n: int) -> int:
            body = orjson.dumps({**LOGIN, "messageId": str(n)})
            async with session.post(door.client.make_url("/v1/track"), data=body) as answer:
                return answer.status

        assert set(await asyncio.gather(*map(send, range(300)))) == {200}
    assert {record["messageId"] for record in door.stored()} == {str(n) for n in range(300)}
