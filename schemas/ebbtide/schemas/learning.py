"""What the learner reads and writes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from ebbtide.schemas.base import Contract, Text, UtcDatetime


class TrainingExample(Contract):
    """A frozen prediction with its matured label. Topic ``training-examples``, keyed by customer id.

    ``matured_at`` is when the label was due; of a correction, the grid instant that found it. An observation that had
    no label when it was due, and one that late news gave another, is told again: ``revision`` counts its labels from 0,
    the greatest holds. ``previous_label`` is the one before, null where there was none; a null ``label`` withdraws it.

    ``attributes`` are the vendor's own facts of the customer that the prediction could use, by name.
    """

    tenant: Text
    customer_id: Text
    observed_at: UtcDatetime
    matured_at: UtcDatetime
    horizon_days: int
    features: dict[str, float]
    attributes: dict[str, bool | float | str] = Field(default_factory=dict)
    p_churn: float
    model_version: str
    label: bool | None
    label_reason: str
    revision: int = Field(default=0, ge=0)
    previous_label: bool | None = None


class InputCounts(Contract):
    """What the model was asked at an observation instant, on topic ``training-examples``: how many of a partition's
    customers have which value of the features that are watched.

    ``features`` are by name, then by the number of the bin; how wide a bin is goes by the feature.
    """

    tenant: Text
    instant: UtcDatetime
    source: Text
    customers: int
    features: dict[str, dict[int, int]]


class ModelAction(StrEnum):
    """What may be decided about models by hand."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class ModelOperation(Contract):
    """A decision about models by hand, on topic ``training-examples``. ``by`` and ``reason`` go into the audit."""

    operation_id: Text
    tenant: Text
    action: ModelAction
    model_version: Text
    decided_at: UtcDatetime
    by: Text
    reason: str = ""


class ModelEventKind(StrEnum):
    """What may happen to a tenant's models."""

    LOSS_DRIFT = "loss_drift"
    INPUT_SHIFT = "input_shift"
    INPUT_SETTLED = "input_settled"
    CHALLENGER_STARTED = "challenger_started"
    CHALLENGER_RETIRED = "challenger_retired"
    CHALLENGER_BETTER = "challenger_better"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    RESTARTED = "restarted"


class ModelEvent(Contract):
    """Topic ``model-events``, keyed by tenant: the audit of a tenant's models.

    ``sequence`` only grows, by tenant. ``model_version`` is the champion after it; ``other_version`` the model that the
    event is about where that is another. ``by`` is ``guard`` for what Ebbtide decided itself. ``operation_id`` names
    the decision by hand that it answers.
    """

    tenant: Text
    event_id: Text
    sequence: int
    occurred_at: UtcDatetime
    kind: ModelEventKind
    model_version: str
    other_version: str | None = None
    by: Text
    operation_id: str | None = None
    reason: str
    evidence: dict[str, float | str] = Field(default_factory=dict)


class ModelRole(StrEnum):
    """What a model does."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    BASELINE = "baseline"


class CheckVector(Contract):
    """A question with its answer: a reader that gets another answer must not use the model."""

    features: dict[str, float]
    attributes: dict[str, bool | float | str] = Field(default_factory=dict)
    logit: float


class AttributeWeights(Contract):
    """What a model goes by in an attribute of the vendor's own.

    With ``z = (sign(x) ln(1 + |x|) - mean) / scale`` (0 where the scale is 0) cut to ±3, the champion's part of a
    number is ``coefficient * z + bins[floor(2z) + 6]``, that of a text ``categories[x]`` or, of one that is not among
    them, that of ``(other)``; a boolean is the text ``true`` or ``false``. ``center`` is the mean weight of bins and
    categories over the examples that told the attribute: the part of a customer who does not tell it, or a value of a
    kind that the model never saw.
    """

    coefficient: float
    mean: float
    scale: float
    bins: dict[str, float]
    categories: dict[str, float]
    center: float


class Weights(Contract):
    """What a model goes by in one population of customers.

    With ``z = (x - means[f]) / scales[f]`` (0 where the scale is 0) cut to ±3, the champion's part of feature ``f`` is
    ``coefficients[f] * z + bins[f][floor(2z) + 6]``; the baseline's part is ``baseline[f] * x`` on the raw value. The
    logit is ``blend`` parts champion and ``1 - blend`` parts baseline, intercepts included; published is
    ``calibration_slope`` times that plus ``calibration_intercept``. A feature without a coefficient adds nothing.

    To the champion's logit comes its part of every one of ``attributes``.

    ``centers[f]`` is the champion's mean bin weight over what it has learned from. Readers move it, and the baseline's
    part of the mean, from the feature to the intercept: a contribution then compares with the average customer. They do
    the same with the centers of attributes: one that is not told adds nothing. The logit is the same. ``state`` is what
    the learner needs to go on.
    """

    intercept: float
    coefficients: dict[str, float]
    means: dict[str, float]
    scales: dict[str, float]
    bins: dict[str, dict[str, float]] = Field(default_factory=dict)
    centers: dict[str, float] = Field(default_factory=dict)
    blend: float = 1.0
    calibration_slope: float = Field(default=1.0, gt=0.0)
    calibration_intercept: float = 0.0
    baseline_intercept: float = 0.0
    baseline: dict[str, float] = Field(default_factory=dict)
    attributes: dict[str, AttributeWeights] = Field(default_factory=dict)
    state: dict[str, Any] | None = None


class Model(Weights):
    """A model as numbers, never pickle. Topic ``models``: one copy to every partition.

    Customers under a contract whose end is known, those whose feature ``contract_days`` is above 0, are scored by
    ``under_contract``; all others by the model's own weights.

    Scores use a champion from the instant ``in_force_from`` on; null is ``trained_through``. They differ where an older
    model was taken back.
    """

    tenant: Text
    model_version: Text
    role: ModelRole
    trained_through: UtcDatetime | None
    in_force_from: UtcDatetime | None = None
    examples: int
    under_contract: Weights
    metrics: dict[str, float | None]
    checks: list[CheckVector]
