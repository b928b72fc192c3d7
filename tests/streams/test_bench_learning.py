"""The bench of learning measures what it says, on both sides."""

from __future__ import annotations

from ebbtide.streams.bench.learning import render, run


def test_it_tells_the_cost_of_learning_and_scoring_beside_bare_river() -> None:
    result = run(examples=40)
    for what in ("learn", "score"):
        assert result[f"{what}_ratio"] == result[f"{what}_us"] / result[f"river_{what}_us"] > 0
    shown = render(result).splitlines()
    assert shown[0].split() == ["µs", "an", "example", "ebbtide", "bare", "River", "ratio"]
    assert result["shadow_ratio"] == result["shadow_us"] / result["river_learn_us"] > 1
    assert [line.split()[0] for line in shown[1:4]] == ["learn", "score", "shadow"]
    assert shown[4].startswith("40 examples, the least of 5 rounds; load average ")
