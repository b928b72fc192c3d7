"""A simulated book from end to end: what the scores say is what happens."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ebbtide.models.churn.quality import explained_share
from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.replay import replay
from ebbtide.streams.settings import Settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write
from support.second_book import joined

MOST_ERROR = 0.03
MOST_LABELS = 500


@pytest.mark.quality
@pytest.mark.timeout(600)
def test_once_it_was_taught_a_model_says_what_happens(tmp_path: Path) -> None:
    """Sixteen months, 400 accounts. Without calibration the error is .044."""
    book = tmp_path / "book.ndjson"
    write(BookConfig.sized(customers=400, days=480, events=200_000, seed=11), book, None, None)
    replay([str(book)], tmp_path / "out", Settings())
    prequential = evaluate(tmp_path / "out")["prequential"]
    taught = prequential["quality"]["taught"]
    assert taught["customers"] > 10_000
    assert taught["calibration_error"] <= MOST_ERROR
    # Those in danger churn at three times the rate of all.
    danger = prequential["tiers"][0]
    assert danger["churn_rate"] >= 3 * prequential["quality"]["all"]["churn_rate"]


@pytest.mark.quality
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [11, 13])
def test_when_the_customer_base_changes_it_is_told_at_once_and_learned_without_hands(tmp_path: Path, seed: int) -> None:
    """Eleven months of 300 accounts; then 300 others join them, which are used a tenth as much and leave often."""
    book = BookConfig.sized(customers=300, days=600, events=150_000, seed=seed)
    other = BookConfig(customers=300, days=600, intensity=0.08, churn_scale=3.0, seed=seed + 100)
    log = joined(book, other, 330, tmp_path / "log.ndjson")
    replay([str(log)], tmp_path / "out", Settings())
    joined_at = book.at(330)
    events = [json.loads(line) for line in (tmp_path / "out" / "model-events.ndjson").open()]
    shifts = [event for event in events if event["kind"] == "input_shift"]
    # At no instant before, and at the first after.
    alarm_at = datetime.fromisoformat(shifts[0]["occurred_at"])
    assert joined_at < alarm_at <= joined_at + timedelta(days=7)
    assert {event["by"] for event in events} == {"guard"}
    rows = [json.loads(line) for line in (tmp_path / "out" / "training-examples.ndjson").open()]
    observed = [(datetime.fromisoformat(row["observed_at"]), row) for row in rows]
    assert sum(joined_at < at <= alarm_at for at, _ in observed) <= MOST_LABELS
    # The labels of the others come a horizon later.
    first = [row for at, row in observed if joined_at < at <= joined_at + timedelta(days=56)]
    later = [row for at, row in observed if at > max(at for at, _ in observed) - timedelta(days=56)]
    before, after = (explained_share(*judged(part)) for part in (first, later))
    print(f"seed {seed}: explained {before:.3f} in the first eight weeks, {after:.3f} in the last")
    assert before is not None
    assert after is not None
    assert after > 1.15 * before


def judged(rows: list[dict[str, Any]]) -> tuple[list[bool], list[float]]:
    return [row["label"] for row in rows], [row["p_churn"] for row in rows]
