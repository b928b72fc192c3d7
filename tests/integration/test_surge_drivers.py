"""Planted surges from end to end: what an alert names as the driver is what drove the activity."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from ebbtide.streams.replay import replay
from ebbtide.streams.settings import Settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


@pytest.mark.quality
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [21, 22])
def test_the_module_named_first_is_mostly_the_planted_one(tmp_path: Path, seed: int) -> None:
    """200 accounts, 160 days. In a surge all use grows, the planted module's most: by how much it was used before."""
    book, truth = tmp_path / "book.ndjson", tmp_path / "truth.ndjson"
    write(BookConfig(customers=200, days=160, seed=seed), book, truth, None)
    replay([str(book)], tmp_path / "out", Settings())
    planted: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(truth):
        planted[row.get("group_id", "")] += [one for one in row.get("episodes", ()) if one["type"] == "surge"]
    anchors = {
        row["customer_id"]: row["anchor"]["value"] for row in rows_of(tmp_path / "out" / "customer-records.ndjson")
    }
    named: list[tuple[str, list[str], int]] = []
    for alert in rows_of(tmp_path / "out" / "alerts.ndjson"):
        if (alert["type"], alert["state"]) != ("surge", "open"):
            continue
        at, evidence = alert["occurred_at"], alert["evidence"]
        for one in planted[anchors[alert["customer_id"]]]:
            if one["starts_at"] <= at <= one["ends_at"]:
                modules = [driver["module"] for driver in evidence["drivers"]]
                named.append((one["feature"], modules, len(evidence["look_alikes"])))
    first = sum(modules[:1] == [feature] for feature, modules, _ in named)
    any_of = sum(feature in modules for feature, modules, _ in named)
    alike = sum(count > 0 for *_, count in named)
    print(f"seed {seed}: of {len(named)} alerts on planted surges the module is named first in {first}, ", end="")
    print(f"at all in {any_of}; look-alikes in {alike}")
    assert len(named) >= 10
    assert first >= 0.7 * len(named)
    assert alike >= 0.7 * len(named)
