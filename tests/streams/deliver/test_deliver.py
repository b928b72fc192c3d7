"""`ebbtide deliver` with a real Kafka and receivers that misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from standardwebhooks.webhooks import Webhook

from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.schemas.deliveries import DeliveryReason, DeliveryStatus
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli import root
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.deliver.secrets import Watched
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport import Output
from support.deliveries import (
    alert,
    deliver_settings,
    delivering,
    endpoint,
    ledger,
    publish,
    record,
    score,
    until,
)  # fmt: skip
from support.receiver import SECRET, Fault, Received, Receiver

pytestmark = pytest.mark.kafka
STATUS = DeliveryStatus


def first(times: int, fault: Fault) -> Callable[[Received], Fault]:
    """So many requests fail, and none after them."""
    left = [times]

    def script(_: Received) -> Fault:
        left[0] -= 1
        return fault if left[0] >= 0 else ""

    return script


async def told(settings: Any, tenant: str) -> list[tuple[str | None, str, int, STATUS, DeliveryReason | None]]:
    lines = await asyncio.to_thread(ledger, settings, tenant)
    return [(line.customer_id, line.kind, line.version, line.status, line.reason) for line in lines]


async def test_what_is_wanted_arrives_signed_once_and_is_written_down(bootstrap: str, tenant: str) -> None:
    with Receiver(verify=True) as receiver:
        settings = deliver_settings(bootstrap, {"crm": endpoint(receiver.url, tenant)})
        gone = Output(
            Topic.CUSTOMER_RECORDS.topic_name, b"c9", None,
            headers=((TENANT_HEADER, tenant.encode()), (VERSION_HEADER, b"4")),
        )  # fmt: skip
        unreadable = Output(Topic.SCORES.topic_name, b"c9", b"not JSON")
        await publish(
            settings,
            [
                score(tenant, "c1", 1), alert(tenant, "c1", 1), record(tenant, "c1", 1), alert(tenant, None, 1),
                alert(tenant, "c1", 2, suppressed={"reason": "budget"}), gone, unreadable,
                score("somebody-else", "c1", 7), alert(tenant, "c2", 1, deliver_at="2025-01-01T00:00:00Z"),
            ],
        )  # fmt: skip
        async with delivering(settings) as metrics:
            await until(lambda: len(receiver.taken()) >= 6, "all that is wanted")
        expected = {
            ("score", "c1", 1),
            ("alert", "c1", 1),
            ("customer_record", "c1", 1),
            ("alert", None, 1),
            ("alert", "c2", 1),
            ("customer_record", "c9", 4),
        }
        assert sorted(map(str, (one.name for one in receiver.taken()))) == sorted(map(str, expected))
        assert receiver.taken()[0].json.keys() == {"type", "timestamp", "data"}
        async with delivering(settings):
            await asyncio.sleep(1.0)
        assert len(receiver.received) == 6, "what was delivered is not delivered again"
    lines = await told(settings, tenant)
    assert len(lines) == 6
    assert {line[3] for line in lines} == {STATUS.DELIVERED}
    skips = metrics.delivery_skipped.labels("crm", "suppressed")._value.get()
    assert skips == 1
    assert metrics.delivery_failures.labels("crm", "unreadable")._value.get() >= 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("timeout", DeliveryReason.TIMEOUT),
        ("slow body", DeliveryReason.TIMEOUT),
        ("truncated", DeliveryReason.TRUNCATED),
        ("half-open", DeliveryReason.CONNECTION),
        ("redirect", DeliveryReason.REDIRECTED),
        ("429", DeliveryReason.RATE_LIMITED),
        ("500", DeliveryReason.HTTP_STATUS),
        ("401", DeliveryReason.UNAUTHORISED),
        ("error code", DeliveryReason.ERROR_CODE),
    ],
)
async def test_whatever_goes_wrong_is_tried_again(
    bootstrap: str, tenant: str, fault: Fault, reason: DeliveryReason
) -> None:
    with Receiver(script=first(1, fault)) as receiver:
        given = endpoint(
            receiver.url, tenant, retry_gaps_seconds=(0.2,), timeout_seconds=0.6, code_field="code", begin="newest"
        )
        settings = deliver_settings(bootstrap, {"crm": given})
        async with delivering(settings) as metrics:
            await until(lambda: _owns(metrics), "partitions")
            await publish(settings, [alert(tenant, "c1", 1), alert(tenant, "c1", 2)])
            await until(lambda: len(receiver.taken()) == 2, "both")
        assert receiver.versions() == {("alert", "c1"): [1, 2]}, "the second waits for the first"
        assert len({one.headers["webhook-id"] for one in receiver.received}) == 2
    assert (await told(settings, tenant))[0] == ("c1", "alert", 1, STATUS.RETRYING, reason)


def _owns(metrics: Metrics) -> bool:
    """Whether it has looked at its partitions: only then is there a lag to show."""
    return any(sample.name == "ebbtide_delivery_lag_records" for family in metrics.registry.collect()
               for sample in family.samples)  # fmt: skip


async def test_a_record_that_never_goes_is_parked_then_dead_and_delays_no_other(bootstrap: str, tenant: str) -> None:
    def script(one: Received) -> Fault:
        return "400" if one.name == ("alert", "bad", 1) else ""

    with Receiver(script=script) as receiver:
        given = endpoint(receiver.url, tenant, retry_gaps_seconds=(0.1, 2.0))
        settings = deliver_settings(bootstrap, {"crm": given}, park_after_seconds=0.5)
        bad = [alert(tenant, "bad", version) for version in (1, 2)]
        await publish(settings, [*bad, *(alert(tenant, f"c{number}", 1) for number in range(50))])
        async with delivering(settings) as metrics:
            await until(lambda: len(receiver.taken()) == 50, "all others")
            await until(lambda: metrics.delivery_parked_records.labels("crm")._value.get() == 2, "both are parked")
        assert ("alert", "bad") not in receiver.versions(), "the second waits behind the first, parked too"
        before = len(receiver.received)
        async with delivering(settings):
            # Restarted: nothing but what was parked is sent again, with its attempts remembered.
            await until(
                lambda: receiver.versions().get(("alert", "bad")) == [2], "the second, after the first is given up"
            )
        assert [one.name for one in receiver.received[before:]] == [("alert", "bad", 1), ("alert", "bad", 2)]
        lines = [line for line in await told(settings, tenant) if line[0] == "bad"]
        assert [(line[2], line[3]) for line in lines] == [
            (1, STATUS.RETRYING), (1, STATUS.RETRYING), (1, STATUS.PARKED), (2, STATUS.PARKED), (1, STATUS.DEAD),
            (2, STATUS.DELIVERED),
        ]  # fmt: skip
        await _replays(settings, tenant, receiver)


async def _replays(settings: Any, tenant: str, receiver: Receiver) -> None:
    """What is dead goes again when somebody asks, in turn; what was parked leaves nothing behind."""
    left = {}
    for one in await asyncio.to_thread(lambda: list(read_topic(settings, Topic.PARKED_DELIVERIES.topic_name))):
        left[one.key] = one.value
    assert not [value for value in left.values() if value is not None and tenant.encode() in value]
    receiver.script = lambda _: ""
    env = {
        "EBBTIDE_BROKER__URL": settings.broker.url,
        "EBBTIDE_WORKER__APP_ID": settings.worker.app_id,
        "EBBTIDE_DELIVER__ENDPOINTS": json.dumps(
            {"crm": {"url": receiver.url, "allow": ["127.0.0.1"], "allow_http": True, "secrets": [SECRET]}}
        ),
    }
    run = partial(CliRunner().invoke, root, env=env, catch_exceptions=False)
    listed = await asyncio.to_thread(
        run, ["deliveries", "list", "--customer", "bad", "--status", "dead", "--json", "--endpoint", "crm"]
    )
    (dead,) = [line for line in json.loads(listed.output) if line["tenant"] == tenant]
    assert (dead["version"], dead["reason"], dead["attempt"]) == (1, "exhausted", 3)
    since = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    replayed = await asyncio.to_thread(
        run, ["deliveries", "replay", "--endpoint", "crm", "--customer", "bad", "--since", since]
    )
    assert "1 sent again to crm, for 1 deliveries" in replayed.output
    async with delivering(settings):
        await until(lambda: receiver.versions()["alert", "bad"] == [2, 1], "the dead one")
    tried = await asyncio.to_thread(run, ["deliveries", "test", "crm", "--json"])
    assert tried.exit_code == 0
    assert json.loads(tried.output)["outcome"] == "delivered"
    assert receiver.received[-1].json["data"]["tenant"] == "test"
    receiver.script = lambda _: "500"
    refused = await asyncio.to_thread(CliRunner().invoke, root, ["deliveries", "test", "crm"], env=env)
    assert isinstance(refused.exception, EbbtideError)
    assert "crm did not take it: http_status 500 oops" in str(refused.exception)


async def test_the_end_of_quiet_hours_is_waited_for(bootstrap: str, tenant: str) -> None:
    with Receiver() as receiver:
        settings = deliver_settings(bootstrap, {"crm": endpoint(receiver.url, tenant)}, park_after_seconds=0.5)
        due = datetime.now(UTC) + timedelta(seconds=4)
        await publish(settings, [alert(tenant, "c1", 1, deliver_at=due.isoformat()), score(tenant, "c1", 5)])
        async with delivering(settings):
            await until(lambda: receiver.versions() == {("score", "c1"): [5]}, "the score does not wait")
            await asyncio.sleep(0.6)
        async with delivering(settings):
            await until(lambda: ("alert", "c1") in receiver.versions(), "the alert")
        assert datetime.now(UTC) >= due
    lines = await told(settings, tenant)
    assert ("c1", "alert", 1, STATUS.PARKED, DeliveryReason.QUIET_HOURS) in lines
    assert lines[-1] == ("c1", "alert", 1, STATUS.DELIVERED, None)


async def test_a_dead_endpoint_is_left_alone_and_goes_on_where_it_was(bootstrap: str, tenant: str) -> None:
    with Receiver(script=lambda _: "503") as receiver:
        settings = deliver_settings(bootstrap, {"crm": endpoint(receiver.url, tenant, concurrency=2)})
        await publish(settings, [alert(tenant, f"c{number}", 1) for number in range(40)])
        async with delivering(settings) as metrics:
            state = metrics.delivery_endpoint_state
            await until(lambda: state.labels("crm", "open")._value.get() == 1, "it is left alone")
            await publish(settings, [score(tenant, "c1", version) for version in range(1, 6)])
            asked = len(receiver.received)
            assert asked <= 8
            await asyncio.sleep(1.5)
            assert len(receiver.received) <= asked + 1
            receiver.script = lambda _: ""
            await until(lambda: len(receiver.taken()) == 41, "everything, once it works", 30)
        assert receiver.versions()["score", "c1"] == [5], "the newest alone"


async def test_a_dead_endpoint_delays_no_other(bootstrap: str, tenant: str) -> None:
    """The bound of the bench is 1.2; a shared machine adds what it likes, but far less than a request that hangs."""
    with Receiver() as healthy, Receiver(script=lambda _: "timeout") as dead:
        given = {"healthy": endpoint(healthy.url, tenant, begin="newest")}
        alone = await _slowest(bootstrap, tenant, healthy, given)
        given["dead"] = endpoint(dead.url, tenant, begin="newest", timeout_seconds=3.0)
        beside = await _slowest(bootstrap, tenant, healthy, given)
        assert dead.received
    assert beside <= 1.2 * alone + 0.5


async def _slowest(bootstrap: str, tenant: str, healthy: Receiver, given: dict[str, Any]) -> float:
    """Seconds until the last of some alerts, each published alone, had arrived."""
    settings, delays = deliver_settings(bootstrap, given), []
    async with delivering(settings) as metrics:
        await until(lambda: _owns(metrics), "partitions")
        await asyncio.sleep(1.0)
        for number in range(40):
            before, began = len(healthy.received), asyncio.get_running_loop().time()
            await publish(settings, [alert(tenant, f"{len(given)}-{number}", 1)])
            await until(lambda before=before: len(healthy.received) > before, "the next")
            delays.append(asyncio.get_running_loop().time() - began)
    return max(delays)


async def test_an_answer_that_nobody_thought_of_is_a_failure_like_others(
    bootstrap: str, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, left = FORMATS["standard"], [1, 1]

    def judge(*given: Any) -> Any:
        if left:
            left.pop()
            raise TypeError("a surprise")
        return spec.judge(*given)

    def ask(messages: Any, *rest: Any) -> Any:
        if messages[0].key == "c2":
            raise KeyError("cannot be put into words")
        return spec.ask(messages, *rest)

    monkeypatch.setitem(FORMATS, "standard", replace(spec, judge=judge, ask=ask))
    with Receiver() as receiver:
        given = endpoint(receiver.url, tenant, retry_gaps_seconds=(0.2, 0.2))
        settings = deliver_settings(bootstrap, {"crm": given})
        await publish(settings, [alert(tenant, "c1", 1), alert(tenant, "c2", 1)])
        async with delivering(settings):
            await until(lambda: len(receiver.received) == 3, "the third attempt")
    lines = await told(settings, tenant)
    assert ("c1", "alert", 1, STATUS.DELIVERED, None) in lines
    assert ("c1", "alert", 1, STATUS.RETRYING, DeliveryReason.ERROR_CODE) in lines
    assert ("c2", "alert", 1, STATUS.DEAD, DeliveryReason.REJECTED) in lines


async def test_an_address_behind_the_firewall_is_not_connected_to(bootstrap: str, tenant: str) -> None:
    with Receiver() as receiver:
        given = {
            "named": endpoint(receiver.url.replace("127.0.0.1", "localhost"), tenant, allow=()),
            "literal": endpoint(receiver.url, tenant, allow=("10.0.0.0/8",)),
            "mapped": endpoint(receiver.url.replace("127.0.0.1", "[::ffff:127.0.0.1]"), tenant, allow=()),
        }
        settings = deliver_settings(bootstrap, given)
        await publish(settings, [alert(tenant, "c1", 1)])
        async with delivering(settings) as metrics:
            failures = metrics.delivery_failures
            for name in given:
                await until(lambda name=name: failures.labels(name, "blocked_address")._value.get() > 0, name)
        assert receiver.received == []


async def test_secrets_are_rotated_without_a_restart(
    bootstrap: str, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebbtide.streams.deliver.shift.WATCH_S", 0.2)
    old, new = SECRET, "whsec_" + "b" * 43 + "="
    files = (tmp_path / "new", tmp_path / "old")
    files[0].write_text(old + "\n")
    files[1].write_text(old + "\n")
    with Receiver() as receiver:
        given = endpoint(receiver.url, tenant, secrets=(), secret_files=files)
        assert not Watched(given).changed()
        settings = deliver_settings(bootstrap, {"crm": given})
        await publish(settings, [alert(tenant, "c1", 1)])
        async with delivering(settings):
            await until(lambda: len(receiver.taken()) == 1, "the first")
            files[0].write_text("too short")
            await asyncio.sleep(0.6)
            files[0].write_text(new)
            await asyncio.sleep(1.0)
            await publish(settings, [alert(tenant, "c1", 2)])
            await until(lambda: len(receiver.taken()) == 2, "the second")
    one, two = receiver.taken()
    Webhook(old).verify(one.body, dict(one.headers))
    for secret in (old, new):
        Webhook(secret).verify(two.body, dict(two.headers))


async def test_a_batch_with_verdicts_and_a_token_that_ends(bootstrap: str, tenant: str) -> None:
    """HubSpot: upserts in batches, one record refused, and a login anew after 401."""
    logins: list[int] = []

    def script(one: Received) -> Fault:
        if one.path == "/token":
            logins.append(1)
            return ""
        return "401" if one.headers["authorization"] == "Bearer token1" else ""

    with Receiver(script=script) as receiver:

        async def take(request: Any) -> Any:
            from aiohttp import web  # noqa: PLC0415

            body = receiver.received[-1]
            if body.path == "/token":
                return web.json_response({"access_token": f"token{len(logins)}", "expires_in": 3600})
            ids = [one["id"] for one in body.json["inputs"]]
            errors = (
                [{"category": "VALIDATION_ERROR", "message": "bad", "context": {"ids": ["c3"]}}] if "c3" in ids else []
            )
            return web.json_response({"status": "COMPLETE", "errors": errors, "numErrors": len(errors),
                                      "results": [{"properties": {"ebbtide_id": one}} for one in ids if one != "c3"]},
                                     status=207 if errors else 200)  # fmt: skip

        receiver._take = take  # type: ignore[method-assign]
        given = endpoint(
            receiver.url,
            tenant,
            format="hubspot",
            id_field="ebbtide_id",
            properties={"churn": "p_churn"},
            retry_gaps_seconds=(0.2, 0.2),
            login={"url": f"{receiver.url}/token", "client_id": "a", "client_secret": "b"},
        )
        settings = deliver_settings(bootstrap, {"crm": given})
        await publish(settings, [record(tenant, f"c{number}", version) for version in (1, 2) for number in range(6)])
        async with delivering(settings):
            await until(lambda: len(_finals(settings, tenant)) == 12, "all are settled")
        assert len(logins) == 2
        batches = [len(one.json["inputs"]) for one in receiver.taken() if one.path != "/token"]
        assert max(batches) > 1
    states = {(line.customer_id, line.version): line.status for line in _finals(settings, tenant)}
    assert states["c3", 2] is STATUS.DEAD
    assert all(states[f"c{number}", 2] is STATUS.DELIVERED for number in (0, 1, 2, 4, 5))
    assert all(states[f"c{number}", 1] is STATUS.COALESCED for number in range(6)), "only the newest goes"


def _finals(settings: Any, tenant: str) -> list[Any]:
    final = {STATUS.DELIVERED, STATUS.DEAD, STATUS.COALESCED}
    return [line for line in ledger(settings, tenant) if line.status in final]


async def test_a_chat_gets_digests_beyond_its_limit(bootstrap: str, tenant: str) -> None:
    with Receiver(answer=b'{"errcode": 0}') as receiver:
        given = endpoint(receiver.url, tenant, format="wecom", rate_per_second=2.0, burst=2)
        settings = deliver_settings(bootstrap, {"chat": given})
        names = [f"客户{number}" for number in range(30)]
        await publish(settings, [alert(tenant, f"c{n}", 1, customer_name=name) for n, name in enumerate(names)])
        async with delivering(settings):
            await until(lambda: all(name in _said(receiver) for name in names), "all are told")
        assert len(receiver.taken()) <= 4
        assert "条动态" in _said(receiver)
        gaps = [after.at - before.at for before, after in pairwise(receiver.taken()[1:])]
        assert all(gap > 0.3 for gap in gaps)


def _said(receiver: Receiver) -> str:
    return "\n".join(one.json["markdown"]["content"] for one in receiver.taken())


async def test_two_share_an_endpoint_and_hand_over_without_loss(bootstrap: str, tenant: str) -> None:
    with Receiver() as receiver:
        given = endpoint(receiver.url, tenant, rate_per_second=60, burst=10)
        settings = deliver_settings(bootstrap, {"crm": given})
        customers = [f"c{number}" for number in range(30)]
        async with delivering(settings):
            await publish(settings, [alert(tenant, one, version) for version in range(1, 4) for one in customers])
            await until(lambda: len(receiver.taken()) > 20, "some")
            async with delivering(settings):
                await publish(settings, [alert(tenant, one, version) for version in range(4, 7) for one in customers])
                await until(lambda: len(receiver.taken()) > 120, "more")
            await until(lambda: _complete(receiver, customers, 6), "all", 40)
        assert all(receiver.versions(first=True)["alert", one] == list(range(1, 7)) for one in customers)


def _complete(receiver: Receiver, customers: list[str], newest: int) -> bool:
    found = receiver.versions()
    return all(newest in found.get(("alert", one), ()) for one in customers)


async def test_memory_is_bounded_while_nothing_goes_out(bootstrap: str, tenant: str) -> None:
    with Receiver(script=lambda _: "503") as receiver:
        given = endpoint(receiver.url, tenant, rate_per_second=2_000, burst=2_000)
        settings = deliver_settings(bootstrap, {"crm": given}, max_waiting=100)
        await publish(settings, [alert(tenant, f"c{number}", 1) for number in range(2_500)])
        async with delivering(settings) as metrics:
            waits = metrics.delivery_waiting_records.labels("crm")._value
            await until(lambda: waits.get() >= 100, "it is full")
            await asyncio.sleep(1.2)
            assert waits.get() <= 100 + 2 * 500, "no more than what was fetched by then"
            receiver.script = lambda _: ""
            await until(lambda: len(receiver.taken()) >= 2_500, "everything, once it works", 60)
