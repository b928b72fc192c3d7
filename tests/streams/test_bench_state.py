"""The bench of bounded state measures what it says."""

from __future__ import annotations

from ebbtide.streams.bench.state import render, run


def test_state_of_accounts_after_so_many_days() -> None:
    result = run(days=(14, 30), customers=12)
    simulated, busy = result["simulated"], result["busy"]
    assert [(row["account"], row["days"]) for row in busy] == [("busy", 14), ("busy", 30)]
    assert {row["people"] for row in simulated} <= set(range(18, 23))
    assert len(simulated) >= 2
    for row in [*simulated, *busy]:
        assert row["bytes"] < row["plain_bytes"] / 3
        assert row["bytes"] <= 6_000
        assert row["profiles"] > row["people"] / 2
    # Twenty people, and the account itself.
    assert busy[1]["profiles"] == 21
    assert busy[1]["events"] > busy[0]["events"] > 0
    table = render(result)
    assert table.splitlines()[0].split()[:3] == ["account", "days", "people"]
    assert len(table.splitlines()) == 2 + len(simulated) + len(busy)
