"""A simulated book from end to end: what the scores say is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.replay import replay
from ebbtide.streams.settings import Settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write

MOST_ERROR = 0.03


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
