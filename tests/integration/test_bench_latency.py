"""`ebbtide bench latency` on a real broker, with a small book and little time; and what it leaves when it is ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ebbtide.streams.bench.latency import render, run
from support.brokers import eventually, require_kafka_or_skip
from support.program import Program

SMALL: dict[str, Any] = {"seconds": 3.0, "customers": 20, "past_days": 3, "intensity": 1.0, "burst": 400}


@pytest.mark.kafka
def test_every_probe_is_answered_and_its_time_told_beside_a_bare_round_trip() -> None:
    require_kafka_or_skip()
    result = run(**SMALL)
    assert result["probes"] == {"sent": 64 + 60, "lost": 0, "repeated": 0, "suppressed": result["probes"]["suppressed"]}
    assert result["load"]["events_per_second"] == pytest.approx(result["maximum"]["events_per_second"] / 2, rel=0.2)
    latency, bare, legs = result["latency"], result["round_trip"], result["legs"]
    assert latency["count"] == bare["count"] == 60
    assert latency["p50_ms"] <= latency["p90_ms"] <= latency["p99_ms"] <= latency["p99_9_ms"] <= latency["max_ms"]
    # Nothing gets through three stages quicker than through the broker alone, and no step takes longer than all.
    assert result["ratio"]["p50"] == pytest.approx(latency["p50_ms"] / bare["p50_ms"], rel=0.1)
    assert result["ratio"]["p50"] > 1
    assert all(0 <= legs[name]["p50_ms"] <= latency["max_ms"] for name in ("intake", "profiles", "customers", "read"))
    assert "124 probes, 0 lost" in render(result)


@pytest.mark.kafka
@pytest.mark.parametrize(("ended_by", "code", "said"), [("interrupt", 130, "stopped"), ("kill", 1, "was killed by")])
def test_it_leaves_nothing_when_it_is_interrupted_or_its_worker_dies(
    ended_by: str, code: int, said: str, tmp_path: Path
) -> None:
    require_kafka_or_skip()
    with Program(["bench", "latency", "--seconds", "5"], tmp_path, terminal=True) as bench:
        bench.says("feeding the past")
        if ended_by == "interrupt":
            bench.signal(signal.SIGINT)
        else:
            eventually(lambda: bool(bench.offspring("worker")), "the worker runs")
            for pid in bench.offspring("worker"):
                os.kill(pid, signal.SIGKILL)
        assert bench.ends() == code, bench.text
        assert said in bench.text
        assert "Traceback" not in bench.text
        bench.left_nothing(within=5.0)
