"""The bench of webhooks measures what it says, on both sides."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from ebbtide.streams.bench import webhook
from ebbtide.streams.bench.webhook import render, run
from ebbtide.streams.cli import root
from ebbtide.streams.errors import EbbtideError
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


@pytest.mark.parametrize(("ratio", "code"), [(0.98, 0), (1.2, 0), (1.21, 1), (4.0, 1)])
def test_it_ends_with_1_where_a_dead_endpoint_delays_another(
    ratio: float, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: dict[str, Any] = {"p99_ratio": ratio, "load_average": 0.5}
    monkeypatch.setattr(webhook, "run", lambda **_: measured)
    monkeypatch.setattr(webhook, "render", lambda _: "measured")
    result = CliRunner().invoke(root, ["bench", "webhook"])
    assert result.exit_code == code
    assert isinstance(result.exception, EbbtideError if code else type(None))
    assert (f"took {ratio:.2f} times as long" in str(result.exception)) == bool(code)
