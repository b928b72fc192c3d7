"""What is predicted, learned and published."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import (
    Field,
    model_validator,
)

from ebbtide.models.policy.alerting import _in_order
from ebbtide.models.policy.base import Policy


class LabelPolicy(Policy):
    """What churn means (design §9)."""

    kind: Literal["auto", "contract", "inactivity"] = Field(
        "auto", description="By the renewal, by inactivity, or (`auto`) by the contract where there is one."
    )
    horizon_days: int = Field(90, ge=1, description="How far ahead churn is foretold; labels mature after it.")
    excluded_reasons: tuple[Literal["natural", "product", "not_target", "other"], ...] = Field(
        ("not_target",),
        description="Churn for these reasons of `renewal.closed` teaches nothing: no use of the product could tell.",
    )
    correction_days: int = Field(
        28, ge=0, description="So long after a label was due late news still corrects it; 0: never."
    )


class LearnerPolicy(Policy):
    """How the models of a tenant are watched, challenged and replaced."""

    drift_error: float = Field(
        0.002, gt=0, lt=1, description="ADWIN's chance of a false alarm about the loss of what was published."
    )
    shift_enter: float = Field(
        0.25, gt=0, description="The inputs have shifted when a feature's population stability index passes this."
    )
    shift_leave: float = Field(0.1, gt=0, description="They have settled when all features' are below this again.")
    promote_error: float = Field(
        0.001, gt=0, lt=1, description="Chance of ever promoting a challenger that foretells no better."
    )
    promote_labels: int = Field(100, ge=1, description="Outcomes judged before a challenger may be promoted.")
    kept_models: int = Field(8, ge=1, description="Newest champions that may be rolled back to.")
    shadow_examples: int = Field(
        16,
        ge=0,
        description="Examples of one observation instant that the challengers in shadow (trees and forests) learn; 0 "
        "is none. One costs about half a millisecond.",
    )

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(shift_leave=self.shift_leave, shift_enter=self.shift_enter)
        return self


class ObservationPolicy(Policy):
    """The fixed event-time grid on which customers are observed."""

    every_days: int = Field(7, ge=1, description="Days between observations; the grid counts from a Monday.")


class ScorePolicy(Policy):
    """When a score is published, and where the tiers lie [KJ]."""

    min_change: float = Field(0.05, ge=0, description="A score is published when p_churn moved by this, or its tier.")
    danger_enter: float = Field(0.731, description="Danger above this probability.")
    danger_leave: float = Field(0.68, description="Danger lasts until below this.")
    excellent_enter: float = Field(0.054, description="Excellent up to this probability.")
    excellent_leave: float = Field(0.08, description="Excellent lasts until above this.")
