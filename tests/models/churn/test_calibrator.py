"""What is said is what happens: the map finds its two numbers, follows them, and never turns ranks over."""

from __future__ import annotations

from math import isfinite
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.calibrator import HALF_LIFE, SLOPES, Calibrator
from ebbtide.models.churn.quality import expected_calibration_error
from ebbtide.models.churn.scorer import sigmoid

LOGITS = st.floats(-40, 40)
OUTCOMES = st.lists(st.tuples(LOGITS, st.booleans()), max_size=200)


def world(seed: int, slope: float, intercept: float, count: int) -> list[tuple[float, bool]]:
    """What a model said, and what happened: it should have said ``slope · logit + intercept``."""
    random = Random(seed)
    logits = [random.gauss(-1.0, 1.5) for _ in range(count)]
    return [(logit, random.random() < sigmoid(slope * logit + intercept)) for logit in logits]


def learned(outcomes: list[tuple[float, bool]], calibrator: Calibrator | None = None) -> Calibrator:
    calibrator = calibrator or Calibrator()
    for logit, label in outcomes:
        calibrator.learn(logit, label)
    return calibrator


def error(calibrator: Calibrator, outcomes: list[tuple[float, bool]]) -> float:
    said = [sigmoid(calibrator.slope * logit + calibrator.intercept) for logit, _ in outcomes]
    found = expected_calibration_error([label for _, label in outcomes], said)
    assert found is not None
    return found


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, 0.4), (1.6, -0.5), (1.0, 1.5), (0.4, -1.0)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_finds_how_the_model_is_wrong(slope: float, intercept: float, seed: int) -> None:
    found = learned(world(seed, slope, intercept, 4 * HALF_LIFE))
    assert found.slope == pytest.approx(slope, abs=0.15)
    assert found.intercept == pytest.approx(intercept, abs=0.2)
    later = world(seed + 100, slope, intercept, 20_000)
    assert error(found, later) <= 0.02


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_follows_a_book_that_changes(seed: int) -> None:
    """Half the customers that were kept are lost: within the half-life the error falls to a third."""
    before, after = world(seed, 1.0, 0.0, 10_000), world(seed + 50, 0.8, 1.2, 20_000)
    found = learned(before)
    wrong = error(found, after)
    learned(after[: 2 * HALF_LIFE], found)
    assert error(found, after[2 * HALF_LIFE :]) < wrong / 3


def test_a_fixed_map_never_would() -> None:
    """What the test above holds against: the error is there to be found."""
    assert error(Calibrator(), world(51, 0.8, 1.2, 20_000)) > 0.1


def test_the_first_labels_of_a_small_book_move_it_little() -> None:
    found = learned([(-3.0, True), (-3.0, True), (2.0, False)])
    assert found.slope == pytest.approx(1.0, abs=0.3)
    assert found.intercept == pytest.approx(0.0, abs=0.1)


@given(OUTCOMES)
def test_it_stays_finite_and_increasing_whatever_is_learned(outcomes: list[tuple[float, bool]]) -> None:
    found = learned(outcomes)
    assert SLOPES[0] <= found.slope <= SLOPES[1]
    assert isfinite(found.intercept)
    assert all(map(isfinite, found.curvature))


@given(LOGITS, st.booleans(), st.integers(1, 3_000))
def test_one_outcome_for_ever_is_no_reason_to_blow_up(logit: float, label: bool, times: int) -> None:
    found = learned([(logit, label)] * times)
    assert SLOPES[0] <= found.slope <= SLOPES[1]
    assert isfinite(found.intercept)
    p = sigmoid(found.slope * logit + found.intercept)
    assert abs(p - label) <= abs(sigmoid(logit) - label) + 1e-12


def test_an_untaught_map_says_what_the_model_said() -> None:
    assert Calibrator() == Calibrator(1.0, 0.0, (0.0, 0.0, 0.0))
