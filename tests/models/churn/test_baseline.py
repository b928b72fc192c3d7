"""The rule baseline and the handover to the champion."""

from __future__ import annotations

from math import log1p

import pytest

from ebbtide.models.churn.baseline import champion_weight, logit
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.populations import POPULATIONS
from ebbtide.models.churn.scorer import Scorer, sigmoid
from ebbtide.models.churn.tiers import health_tier
from ebbtide.schemas.score import HealthTier
from support.vectors import without_contract


def cold_start(cadences_of_silence: float) -> float:
    vector = without_contract(0.0)
    vector[NAMES.index("recency_per_cadence")] = log1p(cadences_of_silence)
    return Scorer.from_model(Learner().to_model(None, "acme")).score(vector).p


@pytest.mark.parametrize(
    ("cadences", "p_churn", "tier"),
    [
        (0.0, 0.054, HealthTier.NORMAL),
        (1.0, 0.1663, HealthTier.NORMAL),
        (2.0, 0.2931, HealthTier.NORMAL),
        (7.5, 0.731, HealthTier.NORMAL),
        (7.6, 0.7351, HealthTier.DANGER),
        (30.0, 0.9656, HealthTier.DANGER),
    ],
)
def test_silence_in_cadences(cadences: float, p_churn: float, tier: HealthTier) -> None:
    """Asleep after 2 cadences, left after 7.5, where danger begins."""
    p = cold_start(cadences)
    assert p == pytest.approx(p_churn, abs=5e-4)
    vector = without_contract(0.0)
    vector[NAMES.index("recency_per_cadence")] = log1p(cadences)
    assert sigmoid(logit(vector)) == pytest.approx(p, abs=1e-12)
    if cadences not in (0.0, 7.5):
        assert health_tier(p, None) is tier


def test_silence_is_the_only_reason_at_the_start() -> None:
    vector = without_contract(1.0)
    contributions = Scorer.from_model(Learner().to_model(None, "acme")).score(vector).contributions
    assert [name for name, part in zip(NAMES, contributions, strict=True) if part] == ["recency_per_cadence"]


@pytest.mark.parametrize("handover", [each.handover for each in POPULATIONS])
@pytest.mark.parametrize(
    ("churned", "stayed", "weight"),
    [(0, 0, 0.0), (0, 99, 0.0), (99, 0, 0.0), (1, 99, 0.5), (99, 1, 0.5), (9, 9, 0.9)],
)
def test_the_champion_earns_its_weight_by_labels_of_both_kinds(
    churned: int, stayed: int, weight: float, handover: int
) -> None:
    assert champion_weight(churned * handover, stayed * handover, handover) == weight


def test_the_blend_is_the_weighted_sum_of_both_logits() -> None:
    learner = Learner()
    for number in range(300):
        learner.learn([float((number + place) % 5) for place in range(len(NAMES))], number % 2 == 0, 0.5)
    learned = learner.to_model(None, "acme")
    model = learned.model_copy(update={"calibration_slope": 1.0, "calibration_intercept": 0.0})
    assert 0.0 < model.blend < 1.0
    vector = without_contract(2.5)

    def blended(blend: float) -> float:
        return Scorer(model.model_copy(update={"blend": blend})).score(vector).logit

    expected = model.blend * blended(1.0) + (1 - model.blend) * logit(vector)
    assert blended(model.blend) == pytest.approx(expected, abs=1e-9)
