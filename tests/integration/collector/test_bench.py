"""`ebbtide bench collector`, in short: it finds every event, and prints how long answers take."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest
from click.testing import CliRunner

from ebbtide.streams.bench import collector
from ebbtide.streams.bench.http.wrk import Figures
from ebbtide.streams.cli.bench import command
from support.brokers import require_kafka_or_skip
from support.sdk_environments import unavailable


def figures(**others: float) -> Figures:
    values = {"requests": 100, "seconds": 1.0, "not_200": 0, "broken": 0, "max_ms": 9.0}
    times = dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "p999_ms"), 2.0)
    return Figures(**(values | times | others))  # type: ignore[arg-type]


@pytest.mark.kafka
def test_it_loses_nothing_and_says_how_long_it_takes() -> None:
    require_kafka_or_skip()
    if shutil.which("wrk") is None:
        unavailable("no wrk; deploy/system-packages.txt has it")
    result = collector.run(seconds=3, rate=200)
    assert collector.fault(result) is None
    assert result["events"]["lost"] == 0
    assert result["events"]["stored_twice"] == 0
    assert result["events"]["answered"] > 3_000
    assert result["ratio"]["p99_ms"] > 0
    shown = collector.render(result)
    print("\n" + shown)
    assert "p99, ms" in shown


@pytest.mark.parametrize(
    ("ours", "stored", "fault"),
    [
        ({}, 1_000, None),
        ({}, 1_640, None),
        ({}, 999, "1 events were answered and are not stored"),
        ({}, 1_641, "641 events are stored whose requests had no answer"),
        ({"not_200": 1}, 1_000, "1 answers were not 200"),
        ({"broken": 2}, 1_000, "2 did not come"),
    ],
)
def test_what_must_not_be(ours: dict[str, float], stored: int, fault: str | None) -> None:
    counted = Counter({b"run-0-%d-1" % n: 1 for n in range(stored)})
    found = collector.fault(collector._result(figures(**ours), figures(), counted, 1_000))
    assert (found is None) == (fault is None)
    assert fault is None or fault in str(found)


def test_seconds_are_for_those_that_run_for_some() -> None:
    done = CliRunner().invoke(command, ["state", "--seconds", "3"])
    assert done.exit_code == 2
    assert "--seconds is for latency and collector" in done.output
