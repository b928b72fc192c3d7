"""The health of a customer as alerts see it: not that of one day (signals §6).

A score that stands at the edge of the excellent tier leaves it every few weeks: at a holiday, in a slow week. A
renewal, or a favour to ask for, goes by the weeks before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ebbtide.models.policy import ScorePolicy
from ebbtide.schemas.score import HealthTier


class Health(NamedTuple):
    """The tier of the score (None: never scored), and whether it is excellent, or is not, for some time.

    ``excellent``: it is, and was at all of the newest predictions. ``weak``: it is not, and was not at any of them; or
    it is in danger. Both may be false: then nothing is to change. ``taught``: the score is of a model that has learned.
    """

    tier: HealthTier | None
    excellent: bool
    weak: bool
    taught: bool = False


def health(
    tier: HealthTier | None, predictions: Sequence[float], policy: ScorePolicy, *, taught: bool = False
) -> Health:
    """Health by the tier, and by the probabilities of churn at the newest observation instants. Without any the tier
    alone tells."""
    if tier is not HealthTier.EXCELLENT:
        lasts = tier is HealthTier.DANGER or min(predictions, default=1.0) > policy.excellent_enter
        return Health(tier, excellent=False, weak=lasts, taught=taught)
    return Health(tier, excellent=max(predictions, default=0.0) <= policy.excellent_leave, weak=False, taught=taught)
