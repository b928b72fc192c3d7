"""Health tiers of a churn probability. Enter and leave thresholds lie apart: a score at an edge does not flap."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.schemas.score import HealthTier


@dataclass(frozen=True)
class TierThresholds:
    """Probabilities. Entering [KJ]: danger 0.731, excellent 0.054 (renewal about 94.6 %); leaving is further back."""

    danger_above: float = 0.731
    danger_until_below: float = 0.68
    excellent_up_to: float = 0.054
    excellent_until_above: float = 0.08

    def __post_init__(self) -> None:
        edges = (self.excellent_up_to, self.excellent_until_above, self.danger_until_below, self.danger_above)
        if not 0.0 <= edges[0] <= edges[1] < edges[2] <= edges[3] <= 1.0:
            raise ValueError(
                "tier thresholds must satisfy 0 <= excellent_up_to <= excellent_until_above < danger_until_below <= "
                f"danger_above <= 1, not {edges}"
            )


DEFAULT = TierThresholds()

TIERS = {tier.value: tier for tier in HealthTier}
"""By value."""


def health_tier(p_churn: float, previous: HealthTier | None, thresholds: TierThresholds = DEFAULT) -> HealthTier:
    """The tier of ``p_churn`` for a customer that was in ``previous`` (None: never scored before)."""
    if p_churn > thresholds.danger_above:
        return HealthTier.DANGER
    if p_churn <= thresholds.excellent_up_to:
        return HealthTier.EXCELLENT
    if previous is HealthTier.DANGER and p_churn >= thresholds.danger_until_below:
        return HealthTier.DANGER
    if previous is HealthTier.EXCELLENT and p_churn <= thresholds.excellent_until_above:
        return HealthTier.EXCELLENT
    return HealthTier.NORMAL
