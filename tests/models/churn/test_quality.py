"""Measures against values worked out by hand, and the running ones against the exact ones."""

from __future__ import annotations

from math import log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.prequential import AUC_BUCKETS, Prequential
from ebbtide.models.churn.quality import (
    auc,
    brier,
    expected_calibration_error,
    explained_share,
    log_loss,
    mean_log_loss,
    wilson,
)

OUTCOMES = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=60)


def test_auc_by_hand() -> None:
    assert auc([True, False], [0.9, 0.1]) == 1.0
    assert auc([True, False], [0.1, 0.9]) == 0.0
    assert auc([True, False], [0.5, 0.5]) == 0.5
    assert auc([True, False, True, False], [0.8, 0.8, 0.4, 0.2]) == (0.5 + 1 + 0 + 1) / 4
    assert auc([True], [0.3]) is None
    assert auc([], []) is None


@given(OUTCOMES)
def test_auc_is_the_share_of_pairs_in_order(outcomes: list[tuple[bool, float]]) -> None:
    up = [p for label, p in outcomes if label]
    down = [p for label, p in outcomes if not label]
    pairs = [(a > b) + (a == b) / 2 for a in up for b in down]
    exact = auc([label for label, _ in outcomes], [p for _, p in outcomes])
    assert exact == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


def test_losses_by_hand() -> None:
    assert brier([True, False], [0.8, 0.4]) == pytest.approx((0.04 + 0.16) / 2)
    assert mean_log_loss([True, False], [0.8, 0.4]) == pytest.approx(-(log(0.8) + log(0.6)) / 2)
    assert log_loss(True, 0.0) == pytest.approx(20.723, abs=1e-3)
    assert brier([], []) is None
    assert mean_log_loss([], []) is None


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    """81 of 263: the worked example of Newcombe 1998."""
    assert list(wilson(successes, trials)) == pytest.approx([low, high], abs=1e-4)


def test_the_calibration_error_by_hand() -> None:
    assert expected_calibration_error([], []) is None
    # One tenth: three said .15 on average, one of them happened; the last tenth: one said 1 that did not.
    labels, ps = [True, False, False, False], [0.1, 0.15, 0.199, 1.0]
    assert expected_calibration_error(labels, ps) == pytest.approx((1 - 0.449 + 1.0) / 4)
    # Being wrong to both sides within one tenth is no error of calibration.
    assert expected_calibration_error([True, False], [0.5, 0.5]) == 0.0


def test_the_explained_share_by_hand() -> None:
    """One of two churned, said with .8 and .2: a loss of -ln .8 each where the base rate costs ln 2."""
    assert explained_share([True, False], [0.8, 0.2]) == pytest.approx(1 - -log(0.8) / log(2))
    assert explained_share([True, False, False, False], [0.25] * 4) == pytest.approx(0.0)
    assert explained_share([True, False], [1.0, 0.0]) == 1.0
    assert explained_share([True, False], [0.2, 0.8]) == 0.0
    for labels in ([], [True], [False, False]):
        assert explained_share(labels, [0.5] * len(labels)) is None


@given(OUTCOMES)
def test_a_share_is_explained_of_what_is_not_all_alike(outcomes: list[tuple[bool, float]]) -> None:
    labels, ps = [label for label, _ in outcomes], [p for _, p in outcomes]
    share = explained_share(labels, ps)
    assert (share is None) == (len(set(labels)) < 2)
    assert share is None or 0.0 <= share <= 1.0


@given(OUTCOMES)
def test_the_running_measures_are_the_exact_ones(outcomes: list[tuple[bool, float]]) -> None:
    running = Prequential()
    for label, p in outcomes:
        # Every other slice is of customers that were active.
        running.add(p, label, active=int(p * AUC_BUCKETS) % 2 == 0)
    labels, ps = [label for label, _ in outcomes], [p for _, p in outcomes]
    report = running.report()
    assert report["examples"] == len(outcomes)
    assert report["churned"] == sum(labels)
    assert report["prequential_brier"] == (pytest.approx(brier(labels, ps)) if outcomes else None)
    assert report["prequential_log_loss"] == (pytest.approx(mean_log_loss(labels, ps)) if outcomes else None)
    assert report["recent_log_loss"] == (pytest.approx(mean_log_loss(labels, ps)) if outcomes else None)
    slices = [min(int(p * AUC_BUCKETS), AUC_BUCKETS - 1) for p in ps]
    error = expected_calibration_error(labels, [(at + 0.5) / AUC_BUCKETS for at in slices])
    assert report["prequential_calibration_error"] == (None if error is None else pytest.approx(error))
    sliced = auc(labels, slices)
    assert report["prequential_auc"] == (None if sliced is None else pytest.approx(sliced))
    active = [(label, at) for label, p, at in zip(labels, ps, slices, strict=True) if int(p * AUC_BUCKETS) % 2 == 0]
    sliced = auc([label for label, _ in active], [at for _, at in active])
    assert report["prequential_active_auc"] == (None if sliced is None else pytest.approx(sliced))
    assert report["active_examples"] == len(active)
    explained = report["prequential_explained_share"]
    if explained is None:
        assert len(set(labels)) < 2
    else:
        assert 0.0 <= explained <= 1.0
        rate = sum(labels) / len(labels)
        loss, base = mean_log_loss(labels, ps), mean_log_loss(labels, [rate] * len(labels))
        assert loss is not None
        assert base is not None
        assert explained == pytest.approx(max(0.0, 1 - loss / base))
    assert sum(report[f"{tier}_examples"] or 0 for tier in ("danger", "normal", "excellent")) == len(outcomes)
    assert msgspec.json.decode(msgspec.json.encode(running), type=Prequential) == running


def test_tiers_are_counted_apart() -> None:
    running = Prequential()
    for p, label in ((0.9, True), (0.8, False), (0.5, True), (0.054, False)):
        running.add(p, label, active=True)
    report = running.report()
    assert (report["danger_examples"], report["danger_churn_rate"]) == (2, 0.5)
    assert (report["normal_examples"], report["normal_churn_rate"]) == (1, 1.0)
    assert (report["excellent_examples"], report["excellent_churn_rate"]) == (1, 0.0)
    assert (report["danger_churn_low_95"], report["danger_churn_high_95"]) == wilson(1, 2)
    # Of few examples none is old yet.
    assert report["recent_danger_churn_rate"] == pytest.approx(0.5, abs=1e-3)
    assert report["recent_danger_churn_high_95"] == pytest.approx(wilson(1, 2)[1], abs=1e-3)


def test_a_tier_without_examples_has_no_churn_and_no_interval() -> None:
    report = Prequential().report()
    for name in ("excellent", "recent_excellent"):
        assert report[f"{name}_examples"] == 0
        assert {report[f"{name}_churn_{part}"] for part in ("rate", "low_95", "high_95")} == {None}


def test_a_tier_that_was_mended_is_forgotten() -> None:
    running = Prequential()
    for number in range(20_000):
        running.add(0.03, number % 4 == 0, active=True)
    wrong = running.report()
    assert (wrong["recent_excellent_churn_low_95"] or 0) > 0.054
    for number in range(20_000):
        running.add(0.03, number % 50 == 0, active=True)
    mended = running.report()
    assert (mended["excellent_churn_low_95"] or 0) > 0.054
    assert (mended["recent_excellent_churn_high_95"] or 1) < 0.054
    # However many there were, the interval is that of about 2,900.
    assert mended["recent_excellent_examples"] == pytest.approx(2_000 / log(2), rel=0.01)


def test_the_explained_share_of_a_model_by_hand() -> None:
    running = Prequential()
    for p, label in ((0.8, True), (0.2, False), (0.2, False), (0.2, False)):
        running.add(p, label, active=False)
    # -4 ln .8 against -(ln .25 + 3 ln .75): three fifths are explained.
    assert running.explained_share() == pytest.approx(1 - 0.8926 / 2.2493, abs=1e-4)
    for p in (1.0, 0.0):
        running.add(p, not round(p), active=False)
    assert running.explained_share() == 0.0


def test_the_recent_loss_forgets() -> None:
    running = Prequential()
    for _ in range(5_000):
        running.add(0.99, True, active=True)
    for _ in range(4_000):
        running.add(0.5, True, active=True)
    report = running.report()
    assert report["recent_log_loss"] == pytest.approx(0.75 * log(2) + 0.25 * -log(0.99), rel=0.01)
    assert report["prequential_log_loss"] == pytest.approx((4 * log(2) - 5 * log(0.99)) / 9)
