"""The bench of webhooks measures what it says, on both sides."""

from __future__ import annotations

import pytest

from ebbtide.streams.bench.webhook import render, run
from support.brokers import require_kafka_or_skip


@pytest.mark.kafka
def test_it_tells_deliveries_beside_a_bare_loop_and_beside_a_dead_endpoint() -> None:
    require_kafka_or_skip()
    result = run(records=300, pace=60, seconds=1.0, rounds=1)
    assert result["ratio"] == result["per_s"] / result["bare_per_s"] > 0
    assert result["p99_ratio"] == result["beside_p99_s"] / result["alone_p99_s"] > 0
    assert 0 < result["alone_p50_s"] <= result["alone_p99_s"]
    shown = render(result).splitlines()
    assert shown[0].split() == ["deliveries/s", "ebbtide", "bare", "loop", "ratio"]
    assert [line.split()[0] for line in shown[3:5]] == ["p50", "p99"]
    assert shown[5].startswith("300 alerts of as many customers, 32 requests at a time; 60 a second for the times")
