"""The rule baseline: a churn logit by hand from silence in units of the customer's own cadence.

It scores from the first minute, when no label has matured, and is always scored beside the champion. The rule [CRM]
knows two numbers: a customer is asleep after 2 cadences of silence and has left after 7.5. With r = silence ÷ cadence,

    logit = INTERCEPT + SLOPE · ln(1 + r)

is fixed by two anchors taken from the tiers [KJ]: silent for 7.5 cadences is the edge of danger (p = 0.731, logit 1.0),
active just now is the edge of excellent (p = 0.054, logit -2.86). Asleep (r = 2) then lies at p = 0.29.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from ebbtide.models.churn.features import NAMES

ASLEEP_CADENCES = 2.0
LEFT_CADENCES = 7.5
DANGER_LOGIT = log(0.731 / 0.269)
EXCELLENT_LOGIT = log(0.054 / 0.946)

INTERCEPT = EXCELLENT_LOGIT
SLOPE = (DANGER_LOGIT - EXCELLENT_LOGIT) / log(1.0 + LEFT_CADENCES)

COEFFICIENTS: dict[str, float] = {"recency_per_cadence": SLOPE}
"""By feature, on the raw value: ``recency_per_cadence`` already is ln(1 + r)."""

_INDEXED = tuple((NAMES.index(name), slope) for name, slope in COEFFICIENTS.items())


def logit(features: Sequence[float]) -> float:
    """The rule's logit of a vector in the order of ``FEATURES``."""
    return INTERCEPT + sum(slope * features[index] for index, slope in _INDEXED)


def champion_weight(churned: int, stayed: int, handover: int) -> float:
    """The champion's share in the published logit, 0 (no labels of one kind) towards 1: n ÷ (n + ``handover``).

    ``n`` counts the rarer outcome among the matured labels: a thousand renewals without a churn teach nothing of churn.
    """
    n = min(churned, stayed)
    return n / (n + handover)
