"""Kills, rebalances and outages under load: in the end everything is as if nothing had happened (design §3.4)."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from integration.conftest import SETTINGS, UNTIL
from support.brokers import eventually, require_kafka_or_skip
from support.comparison import assert_equal_to_replay
from support.live import Live, Worker, drain, live

KILLS = 10
PARTITIONS = 4
OUTAGE_SECONDS = 30


@contextmanager
def load(deployment: Live, book: Path, rate: int) -> Iterator[subprocess.Popen[bytes]]:
    """The book being sent in the background; finished and closed on leaving."""
    command = [sys.executable, "-m", "ebbtide.streams.cli", "send", str(book), "--rate", str(rate)]
    sender = subprocess.Popen([*command, "--until", UNTIL.isoformat()], env=deployment.environment)
    try:
        yield sender
        assert sender.wait(timeout=180) == 0
    finally:
        sender.kill()
        sender.wait()


def progress(worker: Worker) -> float:
    return worker.total("ebbtide_records_in_total")


def keeps(condition: Callable[[], bool], seconds: float) -> None:
    """Watch that a condition holds for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition()
        time.sleep(0.2)


@pytest.mark.kafka
@pytest.mark.timeout(420)
def test_ten_kills_at_random_moments_under_load(book: Path, replayed: Path, tmp_path: Path) -> None:
    require_kafka_or_skip()
    chance = random.Random(7)
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, PARTITIONS, **SETTINGS) as deployment:
        with load(deployment, book, rate=600):
            for _ in range(KILLS):
                worker = deployment.worker("worker")
                goal = chance.uniform(1, 4_000)
                eventually(lambda w=worker, g=goal: progress(w) >= g, "some work done", timeout=60)  # type: ignore[misc]
                worker.kill()
            worker = deployment.worker("worker")
        drain(deployment, UNTIL, timeout=180)
        assert worker.total("ebbtide_offset_gaps_total") == 0
        assert_equal_to_replay(deployment, replayed)


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_second_worker_joins_and_leaves_under_load(book: Path, replayed: Path, tmp_path: Path) -> None:
    require_kafka_or_skip()
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, PARTITIONS, **SETTINGS) as deployment:
        with load(deployment, book, rate=2_000):
            first = deployment.worker("first")
            eventually(lambda: progress(first) > 500, "the first worker works", timeout=60)
            second = deployment.worker("second")
            eventually(lambda: progress(second) > 500, "the second worker works", timeout=60)
            assert second.stop() == 0
            before = progress(first)
            eventually(lambda: progress(first) > before + 500, "the first worker goes on", timeout=60)
        drain(deployment, UNTIL)
        assert first.total("ebbtide_offset_gaps_total") == 0
        assert_equal_to_replay(deployment, replayed)


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_the_worker_waits_out_a_broker_that_is_away(book: Path, replayed: Path, tmp_path: Path) -> None:
    require_kafka_or_skip()
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, PARTITIONS, **SETTINGS) as deployment:
        with load(deployment, book, rate=2_000):
            worker = deployment.worker("worker")
            eventually(lambda: progress(worker) > 5_000, "the worker works", timeout=60)
            kafka.kill()
            keeps(lambda: worker.process.poll() is None, OUTAGE_SECONDS)
            kafka.start()
        drain(deployment, UNTIL, timeout=180)
        assert worker.total("ebbtide_offset_gaps_total") == 0
        assert_equal_to_replay(deployment, replayed)
