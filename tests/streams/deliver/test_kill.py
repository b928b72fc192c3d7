"""`ebbtide deliver` killed at any moment, with a receiver that fails in every way: nothing lost, or out of order."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from ebbtide.schemas.deliveries import Delivery, DeliveryStatus
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.topics import create_topics
from support.deliveries import alert, deliver_settings, endpoint, ledger, publish, score
from support.receiver import SECRET, Fault, Received, Receiver

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))
"""How often it is killed; the long form is ten."""
CUSTOMERS, VERSIONS = 60, 8
TROUBLE = ("timeout", "slow body", "truncated", "half-open", "redirect", "429", "500", "503", "error code")


class Trouble:
    """Every so-many-th request fails, in turn in every way; after `mended` none does."""

    def __init__(self) -> None:
        self.draw = random.Random(7)
        self.mended = False

    def __call__(self, _: Received) -> Fault:
        if self.mended or self.draw.random() > 0.06:
            return ""
        return self.draw.choice(TROUBLE)


def process(directory: Path, bootstrap: str, group: str, settings: object) -> subprocess.Popen[bytes]:
    file = directory / "ebbtide.yml"
    file.write_text(json.dumps(settings))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
    env = kept | {"EBBTIDE_BROKER__URL": f"kafka://{bootstrap}", "EBBTIDE_WORKER__APP_ID": group}
    env["EBBTIDE_WORKER__SESSION_TIMEOUT_SECONDS"] = "6"  # the least that a broker takes
    return subprocess.Popen(
        [sys.executable, "-m", "ebbtide.streams.cli", "deliver", "--settings", str(file)],
        env=env | {"EBBTIDE_ADMIN__PORT": "0"},
        stdout=(directory / "out").open("ab"),
        stderr=subprocess.STDOUT,
    )


def complete(receiver: Receiver, names: set[tuple[str, str]], newest: int) -> bool:
    found = receiver.versions()
    return all(newest in found.get(name, ()) for name in names)


@pytest.mark.kafka
@pytest.mark.timeout(180 + 40 * ROUNDS)
async def test_killed_at_any_moment_it_loses_nothing(kafka: KafkaBroker, tmp_path: Path) -> None:
    tenant, draw = f"kill-{uuid4().hex[:8]}", random.Random(3)
    trouble = Trouble()
    with Receiver(script=trouble, verify=True, answer=b'{"code": 0}') as receiver:
        settings = deliver_settings(kafka.bootstrap, {"crm": endpoint(receiver.url, tenant)})
        await asyncio.to_thread(create_topics, settings)
        group = settings.worker.app_id
        given = {
            "url": receiver.url, "tenants": [tenant], "allow": ["127.0.0.1"], "allow_http": True,
            "secrets": [SECRET], "timeout_seconds": 0.5, "code_field": "code", "rate_per_second": 400,
            "topics": ["scores", "alerts"],
        }  # fmt: skip
        # Gaps that a test can wait for, some of them beyond what is kept in memory alone.
        given["retry_gaps_seconds"] = [0.1, 0.5, 1.5] * 3
        file = {"deliver": {"endpoints": {"crm": given}, "park_after_seconds": 0.4}}
        version, kills = 0, 0
        running = process(tmp_path, kafka.bootstrap, group, file)
        try:
            while version < VERSIONS * ROUNDS:
                version += 1
                customers = [f"c{number}" for number in range(CUSTOMERS)]
                await publish(settings, [score(tenant, one, version) for one in customers])
                await publish(settings, [alert(tenant, one, version) for one in customers])
                if version % VERSIONS == 0:
                    before = len(receiver.received)
                    # Somewhere in the middle of its work, whatever that is.
                    deadline = time.monotonic() + 20
                    wanted = draw.randint(20, 250)
                    while len(receiver.received) < before + wanted and time.monotonic() < deadline:  # noqa: ASYNC110
                        await asyncio.sleep(0.005)
                    running.send_signal(signal.SIGKILL)
                    await asyncio.to_thread(running.wait)
                    kills += 1
                    running = process(tmp_path, kafka.bootstrap, group, file)
            names = {(kind, customer) for kind in ("score", "alert") for customer in customers}
            deadline = time.monotonic() + 60 + 10 * ROUNDS  # each 429 asks for a second's pause
            while not complete(receiver, names, version):
                trouble.mended = len(receiver.taken()) > 0.9 * version * CUSTOMERS
                taken = {one.name for one in receiver.taken()}
                assert time.monotonic() < deadline, (
                    f"{len(taken)} in {len(receiver.received)} requests; {(tmp_path / 'out').read_text()[-3000:]}"
                )
                await asyncio.sleep(0.05)
            running.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.wait, 30) == 0
        finally:
            running.kill()
            running.wait()
        assert kills == ROUNDS
        told = await asyncio.to_thread(ledger, settings, tenant)
        judge(receiver, told, customers, version)
        print(f"\n{kills} kills, {len(receiver.received)} requests, {len(receiver.taken())} taken, "
              f"{Counter(one.fault for one in receiver.received if one.fault)}")  # fmt: skip


def judge(receiver: Receiver, told: list[Delivery], customers: list[str], newest: int) -> None:
    first, every = receiver.versions(first=True), receiver.versions()
    replaced = {
        (line.customer_id, line.version)
        for line in told
        if line.status is DeliveryStatus.COALESCED and line.kind == "score"
    }
    for customer in customers:
        assert first["alert", customer] == list(range(1, newest + 1)), f"alerts of {customer}: each, first in order"
        scores = first["score", customer]
        assert scores == sorted(scores), f"first deliveries of {customer} are in order"
        missing = set(range(1, newest + 1)) - set(scores)
        assert {(customer, version) for version in missing} <= replaced, (
            "what did not arrive was replaced by a newer one"
        )
        kept = 0
        for version in every["score", customer]:
            kept = max(kept, version)
        assert kept == newest, "who keeps the newest ends with the newest"
    ids: dict[tuple[str, str, int], str] = {}
    for one in receiver.received:
        assert ids.setdefault(one.name, one.headers["webhook-id"]) == one.headers["webhook-id"], (
            "a repeat has the same id"
        )
    assert len(set(ids.values())) == len(ids)
