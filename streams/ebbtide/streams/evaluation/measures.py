"""How good predictions were: of everybody, of active customers, of each tier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ebbtide.models.churn.quality import (
    auc,
    brier,
    expected_calibration_error,
    explained_share,
    mean_log_loss,
    wilson,
)
from ebbtide.schemas.score import HealthTier
from ebbtide.streams.evaluation.predictions import Frozen, Judged

TAUGHT_LABELS = 2_000
"""Labels after which predictions are judged apart: what a model is worth once it has been taught."""

MEASURES = (
    "customers",
    "churned",
    "churn_rate",
    "mean_p_churn",
    "auc",
    "log_loss",
    "explained_share",
    "brier",
    "calibration_error",
)
"""In the order in which they are shown."""


def quality(judged: Sequence[Judged]) -> dict[str, Any]:
    """The :data:`MEASURES` by name; None where too little is known."""
    labels = [churned for _, churned, _ in judged]
    ps = [prediction.p_churn for prediction, _, _ in judged]
    return {
        "customers": len(judged),
        "churned": sum(labels),
        "churn_rate": sum(labels) / len(labels) if labels else None,
        "mean_p_churn": sum(ps) / len(ps) if ps else None,
        "auc": auc(labels, ps),
        "log_loss": mean_log_loss(labels, ps),
        "explained_share": explained_share(labels, ps),
        "brier": brier(labels, ps),
        "calibration_error": expected_calibration_error(labels, ps),
    }


def by_activity(judged: Sequence[Judged], active_days: int) -> dict[str, dict[str, Any]]:
    """Quality over ``all``, and over who was ``active`` in the last days."""
    active = [row for row in judged if row.recency_days is not None and row.recency_days <= active_days]
    return {"all": quality(judged), "active": quality(active)}


def by_tier(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """What was said and what happened in each health tier, with the 95 % interval of the churn rate."""
    tiers = []
    for tier in HealthTier:
        rows = [(prediction.p_churn, churned) for prediction, churned, _ in judged if prediction.tier == tier]
        churners = sum(churned for _, churned in rows)
        low, high = wilson(churners, len(rows))
        tiers.append(
            {
                "tier": tier.value,
                "customers": len(rows),
                "churned": churners,
                "churn_rate": churners / len(rows) if rows else None,
                "low_95": low,
                "high_95": high,
                "mean_p_churn": sum(p for p, _ in rows) / len(rows) if rows else None,
            }
        )
    return tiers


def prequential(examples: Sequence[Frozen], active_days: int) -> dict[str, Any] | None:
    """Measures over frozen predictions; ``taught`` are those made once :data:`TAUGHT_LABELS` labels were known."""
    if not examples:
        return None
    judged = [example.judged for example in examples]
    found = by_activity(judged, active_days)
    if len(examples) >= TAUGHT_LABELS:
        taught_at = sorted(example.matured_at for example in examples)[TAUGHT_LABELS - 1]
        found["taught"] = quality([example.judged for example in examples if example.observed_at >= taught_at])
    return {"quality": found, "tiers": by_tier(judged)}
