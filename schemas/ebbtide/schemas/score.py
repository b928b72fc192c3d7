"""A customer's churn score with its exact reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import ConfigDict

from ebbtide.schemas.base import Contract, Text, UtcDatetime


class HealthTier(StrEnum):
    """Tiers of p_churn [KJ]: danger > 0.731, excellent <= 0.054 (renewal about 94.6 %)."""

    DANGER = "danger"
    NORMAL = "normal"
    EXCELLENT = "excellent"


# Two dozen of these go with every score: as slotted dataclasses they cost a fifth of a model instance.
@dataclass(slots=True)
class Contribution:
    """One feature's part of the logit, or that of ``attributes.<name>``, whose value may be a text."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    feature: str
    value: float | str
    contribution: float


class Calibration(Contract):
    """Probability before and after calibration; ``after`` is what is published."""

    before: float
    after: float


@dataclass(slots=True)
class FeatureDelta:
    """One feature's part of a change of the logit."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    feature: str
    contribution: float


class ScoreChange(Contract):
    """Difference to an earlier version; the contributions (``(model)`` stands for the intercept) add up to it."""

    from_version: int
    contributions: list[FeatureDelta]


class Score(Contract):
    """Topic ``scores``, keyed by customer id. ``intercept + sum(contributions) == logit`` within 1e-9."""

    tenant: Text
    customer_id: Text
    version: int
    occurred_at: UtcDatetime
    p_churn: float | None
    tier: HealthTier | None
    model_version: str
    intercept: float
    contributions: list[Contribution]
    logit: float | None
    calibration: Calibration | None
    change: ScoreChange | None = None
    cannot_score_reason: str | None = None
