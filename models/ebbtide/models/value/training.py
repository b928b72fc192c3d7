"""Training effect: difference in differences of weekly use, with interval [KJ].

                        trained customers     untrained customers
    trained feature           a                       b              a - b: against untrained customers
    untrained features        c                       d              (a - c) - (b - d): against both

a, b, c, d are mean changes of weekly use from the weeks before a training to those after it. a - c, against untrained
features, needs no untrained customers, but takes what all customers do more of for an effect.

Method: trained customers are compared with those untrained in the same weeks, training by training. The standard error
has two parts. Of the trained: one observation per customer and feature, its change less the untrained mean of its
weeks; the variance of these, differences between trainings included, over their number. Of the untrained: the standard
errors of the means subtracted, weighted as the trained are, added as if fully correlated, since the same untrained
customers stand beside many weeks. The interval is Student's t with one degree of freedom less than there are trained
ones. What one customer does with several features it was trained in is taken as independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt

from ebbtide.models.churn.quality import Z_95
from ebbtide.models.policy import TrainingPolicy
from ebbtide.models.value.attendance import UNIT, UNTRAINED, Changes, Group
from ebbtide.models.value.moments import NONE, Moments


@dataclass(frozen=True, slots=True)
class Effect:
    """Uses per week that training added, standard error, 95 % interval, trained observations, and the least number of
    untrained customers that one of them was compared with (0 where it was compared with features alone)."""

    uses: float
    error: float
    low: float
    high: float
    trained: int
    untrained: int

    @property
    def proven(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.low <= 0.0 <= self.high


@dataclass(frozen=True, slots=True)
class TrainingEffect:
    """The effect three ways; None where there are too few customers to tell."""

    against_customers: Effect | None
    against_features: Effect | None
    against_both: Effect | None


def training_effect(
    groups: Mapping[Group, Changes],
    policy: TrainingPolicy,
    *,
    module: str | None = None,
    trainer: str | None = None,
) -> TrainingEffect:
    """Effect of all trainings, or of those of a module, or by a trainer, or both."""
    chosen = {
        group: changes
        for group, changes in groups.items()
        if module in (None, group.module) and (group.trainer == UNTRAINED or trainer in (None, group.trainer))
    }
    return TrainingEffect(
        _against_untrained(chosen, lambda changes: changes.own, policy),
        _alone(chosen, policy),
        _against_untrained(chosen, lambda changes: changes.relative, policy),
    )


def _against_untrained(
    groups: Mapping[Group, Changes], part: Callable[[Changes], Moments], policy: TrainingPolicy
) -> Effect | None:
    n, total, squares, error, least = 0, 0.0, 0.0, 0.0, 0
    for group in sorted(groups):
        trained, beside = part(groups[group]), _untrained(groups, group, part)
        if group.trainer == UNTRAINED or beside.n < policy.min_untrained or not trained.n:
            continue
        base = beside.mean
        n += trained.n
        total += trained.total - trained.n * base
        squares += trained.squares - 2 * base * trained.total + trained.n * base * base
        error += trained.n * sqrt(beside.variance / beside.n)
        least = min(least or beside.n, beside.n)
    if n < policy.min_trained:
        return None
    mean = total / n
    variance = max(0.0, squares - n * mean * mean) / (n - 1)
    return _effect(mean, sqrt(variance / n + (error / n) ** 2), n, least)


def _untrained(groups: Mapping[Group, Changes], group: Group, part: Callable[[Changes], Moments]) -> Moments:
    return part(groups.get(Group(group.week, group.module, UNTRAINED), Changes()))


def _alone(groups: Mapping[Group, Changes], policy: TrainingPolicy) -> Effect | None:
    trained = NONE
    for group, changes in groups.items():
        if group.trainer != UNTRAINED:
            trained += changes.relative
    if trained.n < policy.min_trained:
        return None
    return _effect(trained.mean, sqrt(trained.variance / trained.n), trained.n, 0)


def _effect(mean: float, error: float, n: int, untrained: int) -> Effect:
    half = student_95(n - 1) * error
    return Effect(mean / UNIT, error / UNIT, (mean - half) / UNIT, (mean + half) / UNIT, n, untrained)


def student_95(degrees: int) -> float:
    """Two-sided 95 % of Student's t: the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5), from 2 degrees of
    freedom within 1 %, from 5 within 0.02 %."""
    z = Z_95
    return (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * degrees**4)
    )
