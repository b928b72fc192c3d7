"""Calibration online: the logit is stretched and shifted until what is said is what happens (Platt 1999).

    calibrated = slope · logit + intercept

River has no calibrator. Of the usual maps this is the one that keeps a sum of contributions a sum: a slope stretches
every one of them. Isotonic maps and bins do not, and beta calibration is no sum in the logit either.

The two numbers follow labels by Newton steps on the log loss, one example at a time. Curvature of old examples fades,
so that the map follows a book that changes; a fixed one stands for examples that confirm the identity map, so that the
first labels of a small book move it little. It learns from what the model says *before* it learns the example itself.
"""

from __future__ import annotations

import msgspec

from ebbtide.models.churn.scorer import sigmoid

HALF_LIFE = 2_000
"""Examples after which an old one weighs half: as in the recent loss, so that both tell of the same stretch."""

CONFIRMED = 25.0
"""Curvature of the identity map: that of a hundred examples at p = ½."""

SLOPES = (0.2, 5.0)
"""The map stays increasing and finite, whatever is learned: ranks stay what they were."""

_FADE = 0.5 ** (1.0 / HALF_LIFE)


class Calibrator(msgspec.Struct):
    """The map and what it rests on; plain numbers, which go through JSON unchanged.

    ``curvature`` is the faded Hessian of the log loss: slope by slope, slope by intercept, intercept by intercept.
    """

    slope: float = 1.0
    intercept: float = 0.0
    curvature: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def learn(self, logit: float, label: bool) -> float:
        """Learn the outcome (True: churned) of what the model said, not calibrated, in nats.

        Returns the probability that was said of it by what had been learned before.
        """
        p = sigmoid(self.slope * logit + self.intercept)
        steep, cross, flat = (_FADE * part for part in self.curvature)
        weight = p * (1.0 - p)
        steep += weight * logit * logit
        cross += weight * logit
        flat += weight
        self.curvature = (steep, cross, flat)
        miss = label - p
        steep += CONFIRMED
        flat += CONFIRMED
        determinant = steep * flat - cross * cross
        slope = self.slope + miss * (flat * logit - cross) / determinant
        self.intercept += miss * (steep - cross * logit) / determinant
        self.slope = min(max(slope, SLOPES[0]), SLOPES[1])
        return p
