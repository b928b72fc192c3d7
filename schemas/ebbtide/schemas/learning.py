"""What the learner reads and writes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from ebbtide.schemas.base import Contract, Text, UtcDatetime


class TrainingExample(Contract):
    """A frozen prediction with its matured label. Topic ``training-examples``, keyed by tenant."""

    tenant: Text
    customer_id: Text
    observed_at: UtcDatetime
    matured_at: UtcDatetime
    horizon_days: int
    features: dict[str, float]
    p_churn: float
    model_version: str
    label: bool
    label_reason: str


class ModelRole(StrEnum):
    """What a model does."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    BASELINE = "baseline"


class CheckVector(Contract):
    """A question with its answer: a reader that gets another answer must not use the model."""

    features: dict[str, float]
    logit: float


class Model(Contract):
    """A model as numbers, never pickle. Topic ``models``: one copy to every partition.

    ``coefficients`` apply to the raw feature values after ``(x - means[f]) / scales[f]``; ``state`` is what the
    learner needs to go on.
    """

    tenant: Text
    model_version: Text
    role: ModelRole
    trained_through: UtcDatetime | None
    examples: int
    intercept: float
    coefficients: dict[str, float]
    means: dict[str, float]
    scales: dict[str, float]
    bins: dict[str, dict[str, float]] = Field(default_factory=dict)
    blend: float = 1.0
    metrics: dict[str, float | None]
    checks: list[CheckVector]
    state: dict[str, Any] | None = None
