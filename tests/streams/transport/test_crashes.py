"""Exact totals, whatever happens to the workers or the broker. The workers are processes, the broker is Apache
Kafka.
"""

import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import eventually, kafka, require_kafka_or_skip
from support.counting import CountingRun, CountingWorker

__all__ = ["kafka"]

pytestmark = pytest.mark.kafka

OUTAGE_SECONDS = 30.0


@pytest.fixture
def run(kafka: KafkaBroker, tmp_path: Path) -> Iterator[CountingRun]:
    run = CountingRun(kafka.bootstrap, tmp_path)
    yield run
    run.close()


def back(worker: CountingWorker, rebalances: int) -> bool:
    """Whether a worker has its partitions again after more than so many rebalances."""
    return worker.counters["rebalances"] > rebalances and len(worker.partitions) == 2


def test_killed_workers_lose_nothing_and_count_nothing_twice(run: CountingRun) -> None:
    worker = run.worker("a")
    worker.wait_ready()
    run.feed(4000)
    for _ in range(3):
        before = worker.counters["flushes"]
        moment = random.randrange(3, 30)
        eventually(lambda: worker.counters["flushes"] > before + moment, "the worker is at work")  # noqa: B023
        worker.kill()
        worker = run.worker("a")
        worker.wait_ready()
    run.finish()
    run.check_books()
    assert worker.terminate() == 0


def test_workers_that_join_and_leave_under_load_lose_nothing(run: CountingRun) -> None:
    # Stretched: the moment at the end of a rebalance in which Faust loses records takes half a second.
    first = run.worker("a", "--stretched")
    first.wait_ready()
    run.feed(8000)
    eventually(lambda: first.counters["flushes"] > 3, "the first is at work")
    second = run.worker("b", "--stretched")
    second.wait_ready(2)
    eventually(lambda: second.counters["flushes"] > 5 and len(first.partitions) == 2, "both are at work")
    assert sorted(first.partitions + second.partitions) == [0, 1, 2, 3]
    assert second.terminate() == 0
    first.wait_ready(4)
    at = first.counters["flushes"]
    eventually(lambda: first.counters["flushes"] > at + 5, "the first is alone at work")
    run.finish()
    run.check_books()
    assert first.terminate() == 0


def test_without_the_covers_records_that_are_read_while_a_rebalance_ends_are_lost(run: CountingRun) -> None:
    # The control: Faust as it is (#596) does not pass the test above.
    worker = run.worker("a", "--stretched", "--uncovered")
    worker.wait_ready()
    run.feed(8000)
    eventually(lambda: worker.counters["flushes"] > 3, "the worker is at work")
    run.worker("b", "--stretched", "--uncovered").wait_ready(2)
    worker.wait_ready(2)
    with pytest.raises(pytest.fail.Exception, match="all input committed"):
        run.finish(timeout=5.0)
    assert run.never_delivered() > 0


def test_a_restart_recovers_only_the_tail_of_the_changelog(run: CountingRun) -> None:
    worker = run.worker("a")
    run.send(20_000)
    run.finish()
    assert worker.terminate() == 0
    again = run.worker("a")
    again.wait_ready()
    assert again.counters["recovered_records"] == 0
    run.check_books()
    assert again.terminate() == 0
    # A worker without files reads all of it.
    elsewhere = run.worker("elsewhere")
    elsewhere.wait_ready()
    assert elsewhere.counters["recovered_records"] == sum(run.ends(f"{run.app_id}-counts-changelog").values())
    run.send(1000)
    run.finish()
    run.check_books()


def test_a_bug_in_an_agent_ends_the_worker_and_the_record_is_read_again(run: CountingRun) -> None:
    run.send(4000)
    worker = run.worker("a", "--fail-at", "700")
    assert worker.process.wait(60) == 1
    assert "a bug at offset 700" in worker.tail()
    assert max(run.committed().values()) <= 700
    repaired = run.worker("a")
    run.finish()
    run.check_books()
    assert repaired.facts["log_level"] >= logging.INFO


def test_a_worker_that_freezes_comes_back_and_spoils_nothing(run: CountingRun) -> None:
    frozen, other = run.worker("a"), run.worker("b")
    frozen.wait_ready(2)
    other.wait_ready(2)
    run.feed(4000)
    eventually(lambda: frozen.counters["flushes"] > 10, "both are at work")
    seen = frozen.counters["rebalances"]
    frozen.freeze()
    other.wait_ready(4)
    eventually(lambda: other.counters["flushes"] > 50, "the other has all")
    frozen.thaw()
    # It ends itself if it had batches in hand, else it joins again.
    eventually(lambda: not frozen.alive or back(frozen, seen), "the frozen one has noticed")
    run.finish()
    run.check_books()


@pytest.mark.parametrize("step", ["writes", "request"])
def test_a_worker_that_freezes_while_it_writes_state_spoils_nothing(run: CountingRun, step: str) -> None:
    # Everything that could be asked was asked before it froze. What it then writes comes after what the next owner of
    # its partitions wrote, and that is the end of the feed: nothing that comes by chance repairs it.
    frozen, other = run.worker("a", "--freeze-before", step), run.worker("b")
    frozen.wait_ready(2)
    other.wait_ready(2)
    run.feed(4000)
    eventually(lambda: frozen.frozen, "it froze")
    seen = frozen.counters["rebalances"]
    other.wait_ready(4)
    at = other.counters["flushes"]
    eventually(lambda: other.counters["flushes"] > at + 20, "the other has all")
    run.finish()
    frozen.thaw()
    eventually(lambda: not frozen.alive or back(frozen, seen), "the frozen one has noticed")
    run.send(20)
    run.finish()
    run.check_books()
    assert (other.counters["foreign_records"] > 0) is (step == "request")
    # Nor has it kept on its own disk what is not so.
    if not frozen.alive:
        frozen = run.worker("a")
        frozen.wait_ready(2)
    other.kill()
    frozen.wait_ready(4)
    run.send(2000)
    run.finish()
    run.check_books()


def test_a_broker_away_for_thirty_seconds_is_waited_for(tmp_path: Path) -> None:
    require_kafka_or_skip()
    with KafkaBroker(tmp_path / "kafka") as broker:
        run = CountingRun(broker.bootstrap, tmp_path)
        try:
            worker = run.worker("a")
            worker.wait_ready()
            run.feed(2000)
            eventually(lambda: worker.counters["flushes"] > 10, "the worker is at work")
            broker.kill()
            back_at = time.monotonic() + OUTAGE_SECONDS
            eventually(lambda: time.monotonic() > back_at or not worker.alive, "the outage", timeout=60)
            assert worker.alive, worker.tail()
            broker.start()
            run.finish()
            run.check_books()
            assert worker.alive, worker.tail()
        finally:
            run.close()
