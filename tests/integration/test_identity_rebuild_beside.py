"""A switch of a great tenant on a live worker: the loop turns meanwhile, and a crash in its midst costs nothing."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import IdentityAssignment, IdentityRebuild
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.codec import TICK_KEY, evidence
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport import Output
from support.brokers import eventually, require_kafka_or_skip
from support.identity_shard import Told, note, rebuild
from support.identity_topics import DAY, seen, send
from support.live import Live, Worker, live

IDENTIFIERS = 60_000
AGENTS = ("--agents", "identity,intake")
PENDING = "ebbtide_identity_pending_generation"
LAG = "ebbtide_consumer_lag_records"
LINKS = Topic.IDENTITY_LINKS.topic_name
NARROW = IdentityPolicy()
WIDE = IdentityPolicy(limits={**NARROW.limits, IdentifierType.USER_ID: 3})


def households() -> Iterator[Output]:
    """Links of people with two browsers, of which they share one with their neighbour: WIDE makes one of the two.

    Time passed them already, so each counts when it is read.
    """
    tick = Tick(source="profiles/0", watermark=DAY + timedelta(days=2), arrived_ms=0)
    yield Output(LINKS, TICK_KEY, tick.to_json(), 0)
    for person in range(IDENTIFIERS // 5 * 2):
        for browser in (f"anonymous_id/shared-{person // 2}", f"anonymous_id/{person}"):
            yield Output(LINKS, b"t", seen(f"user_id/{person}", browser, tenant="t").to_json())


def switch(deployment: Live, number: int, policy: IdentityPolicy) -> None:
    made = rebuild(number, policy)
    send(settings(deployment), Output(LINKS, b"t", made.to_json()))


def settings(deployment: Live) -> Settings:
    return Settings(broker=BrokerSettings(url=deployment.bootstrap))


def switched(deployment: Live) -> set[int]:
    """Generations whose audit row was published."""
    rows = deployment.published(Topic.IDENTITY_AUDIT)
    return {row["generation"] for row in rows if row["kind"] == "generation"}


def answers(worker: Worker) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/healthz", timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def asked_all_the_time(worker: Worker) -> Iterator[list[float]]:
    """Seconds that each answer of `/healthz` took: it comes from the worker's event loop."""
    seconds: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            began = time.monotonic()
            assert answers(worker)
            seconds.append(time.monotonic() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seconds
    finally:
        over.set()
        thread.join()


def told(deployment: Live) -> Told:
    """The newest assignments that were published."""
    newest: Told = {}
    for record in read_topic(settings(deployment), Topic.IDENTITY_ASSIGNMENTS.topic_name):
        if record.key != TICK_KEY:
            one = IdentityAssignment.from_json(record.value)
            key = one.tenant, one.identifier.key
            if key not in newest or (one.epoch, one.effective_ms) > (newest[key].epoch, newest[key].effective_ms):
                newest[key] = one
    return newest


def undisturbed(deployment: Live) -> Told:
    """What a shard tells that reads the same log and never ends."""
    newest: Told = {}
    shard = IdentityShard(0, frozenset({"profiles/0"}), NARROW, ())
    for record in read_topic(settings(deployment), LINKS):
        found = evidence(record)
        shard.apply(record.offset, found, now_ms=None)
        if isinstance(found, IdentityRebuild):
            note(newest, shard.flush())
    return newest


def in_hand(worker: Worker, generation: int) -> bool:
    return f"switching tenant t to generation {generation}" in worker.log.read_text()


def idle(worker: Worker) -> bool:
    return worker.ready() and worker.total(LAG, f'topic="{LINKS}"') == 0


@pytest.mark.kafka
@pytest.mark.timeout(420)
def test_a_great_tenant_is_switched_while_the_loop_turns_and_after_a_kill_by_the_next_worker(tmp_path: Path) -> None:
    require_kafka_or_skip()
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 1) as deployment:
        send(settings(deployment), *households())
        first = deployment.worker("first", *AGENTS)
        eventually(lambda: first.total("ebbtide_identity_identifiers") == IDENTIFIERS, "all is read", timeout=120)
        eventually(lambda: idle(first), "all is written", timeout=60)

        with asked_all_the_time(first) as seconds:
            taken = first.total("ebbtide_records_in_total", 'topic="raw-behavior"')
            began = time.monotonic()
            switch(deployment, 2, WIDE)
            eventually(lambda: in_hand(first, 2), "the switch is in hand")
            send(settings(deployment), Output("raw-behavior", b"u", b'{"type":"track"}'))
            eventually(
                lambda: first.total("ebbtide_records_in_total", 'topic="raw-behavior"') > taken, "other agents work"
            )
            assert first.total(PENDING) == 0, "the other agent worked after the switch, not during it"
            eventually(lambda: first.total(PENDING) == 1, "the tenant is clustered anew", timeout=120)
            took = time.monotonic() - began
        assert max(seconds) < took / 2, f"the loop stood for {max(seconds):.2f} s of {took:.2f} s"
        eventually(lambda: idle(first), "the switch is written", timeout=60)
        assert switched(deployment) == {1, 2}

        switch(deployment, 3, NARROW)
        eventually(lambda: in_hand(first, 3), "the switch back is in hand")
        first.kill()
        assert switched(deployment) == {1, 2}, "killed in the midst of it, before anything was told"
        second = deployment.worker("second", *AGENTS)
        eventually(lambda: 3 in switched(deployment), "the second worker switches back", timeout=120)
        eventually(lambda: idle(second), "the switch back is written", timeout=60)
        assert second.stop() == 0
        moved = told(deployment)
        assert len(moved) > IDENTIFIERS // 2
        assert moved == undisturbed(deployment)
