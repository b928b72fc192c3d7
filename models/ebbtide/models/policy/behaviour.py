"""What is told of a customer's activity (signals §2 to §4, §7)."""

from __future__ import annotations

from typing import Self

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from ebbtide.models.policy.alerting import _in_order
from ebbtide.models.policy.base import Policy


class CadencePolicy(Policy):
    """Own rhythm and silence [CRM]: with one order per two days, 4 days is asleep, 15 days is left."""

    prior_days: float = Field(7.0, gt=0, description="Cadence until enough gaps are seen.")
    min_gaps: int = Field(5, ge=1, description="Gaps between active days needed to trust the own median.")
    max_gaps: int = Field(50, ge=5, description="Newest gaps that count.")
    weekend_rate: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Business days count where a day of the weekend is active less than this many times as often as a "
        "workday; with 0 where none ever is.",
    )
    asleep_gaps: float = Field(2.0, gt=0, description="Asleep when silent for this many cadences.")
    left_gaps: float = Field(7.5, gt=0, description="Left when silent for this many cadences.")
    min_asleep_days: float = Field(3.0, gt=0, description="Never asleep earlier than this.")


class BaselinePolicy(Policy):
    """Sudden drop and surge against the own past (signals §7)."""

    weeks: int = Field(8, ge=2, description="Comparable weeks whose median is the baseline.")
    min_weeks: int = Field(4, ge=1, description="Weeks of history needed before anything fires.")
    min_actions: int = Field(20, ge=1, description="Baseline actions per window needed.")
    drop_enter: float = Field(0.5, description="Drop opens below this share of the baseline.")
    drop_leave: float = Field(0.7, description="Drop resolves above this share.")
    surge_enter: float = Field(2.0, description="Surge opens above this share of the baseline.")
    surge_leave: float = Field(1.5, description="Surge resolves below this share.")


class DropPolicy(Policy):
    """Which decline of activity is a sudden drop: what is hardly chance, day after day (signals §7)."""

    evidence: float = Field(
        5.0,
        gt=0,
        description="A drop opens where the days since some day are e to the power of this times likelier for a "
        "customer that does a share of its usual than for one that does what it did: 150 times with 5.",
    )
    shares: tuple[float, ...] = Field(
        (0.5, 0.35, 0.2, 0.05),
        min_length=1,
        description="The shares of the usual that are thought of, each as likely as another.",
    )
    longest_days: int = Field(28, ge=7, le=42, description="Longest time over which a decline is added up, days.")
    habit_lag_weeks: int = Field(
        2,
        ge=0,
        le=4,
        description="The newest weeks teach no habit, so that a slow decline does not become what is usual; where "
        "there are no older ones they do.",
    )
    people_power: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Of a customer that does less fewer people come, by this power of the share; the rest is less done "
        "by each.",
    )
    people_wander: float = Field(
        0.1, ge=0, description="Variance of the usual number of people itself, over its square: no two weeks are alike."
    )
    actions_shape: float = Field(
        1.0, gt=0, description="Shape of the actions of a person's active day: the less, the more uneven they are."
    )

    @field_validator("shares")
    @classmethod
    def _are_less(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < share < 1 for share in shares):
            raise ValueError(f"shares must lie between 0 and 1, not {list(shares)}")
        return shares


class SurgePolicy(Policy):
    """Which activity over twice the usual is a surge: that beyond the customer's own noise (signals §7)."""

    strength: float = Field(
        1.9, gt=0, description="A surge opens where it is so many of the customer's own standard deviations."
    )
    people_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Weight of the excess in days of people against that in actions: the people who are there may do "
        "much more.",
    )
    actions_noise: float = Field(4.0, gt=0, description="Variance of a window's actions over their usual number.")
    actions_wander: float = Field(0.4, ge=0, description="Share by which the usual number of actions wanders.")
    people_noise: float = Field(1.4, gt=0, description="Variance of a window's days of people over their usual number.")
    people_wander: float = Field(0.2, ge=0, description="Share by which the usual number of days of people wanders.")
    noise_weeks: int = Field(
        4, ge=0, description="Comparable weeks that the two variances count as, against the customer's own spread."
    )


class AdoptionPolicy(Policy):
    """How widely and how deeply the product is used (signals §3)."""

    modules: tuple[str, ...] = Field(
        (), description="Feature modules on sale; empty takes those that the customer base is seen to use."
    )
    high_value: tuple[str, ...] = Field(
        (), description="Modules that a customer should use, the most valuable first [SA]; empty means all modules."
    )
    month_days: int = Field(28, ge=7, description="Window of breadth, depth, stickiness, penetration and top features.")
    utilised_actions: int = Field(10_000, ge=1, description="Core actions from which a customer is utilised [SA].")
    utilised_days: int = Field(60, ge=1, description="Window of utilisation [SA].")
    utilised_leave: float = Field(
        0.9, gt=0, le=1, description="Utilised lasts until below this share of the core actions needed."
    )
    retention_weeks: int = Field(8, ge=2, le=9, description="Whole weeks over which feature retention is counted.")
    slope_weeks: int = Field(8, ge=3, le=9, description="Newest whole weeks that a slope is fitted to.")
    slope_min_weeks: int = Field(4, ge=3, le=9, description="Whole weeks of history needed for a slope.")
    unused_days: int = Field(63, ge=1, le=63, description="A module counts as unused after this many days without use.")
    top: int = Field(5, ge=1, description="Most features, pages and interests that a record names.")


class CampaignPolicy(Policy):
    """What a campaign brought is no health [FX]."""

    days: int = Field(7, ge=1, description="Activity up to this many days after a campaign's day may come from it.")
    longest_days: int = Field(
        28, ge=1, description="Campaigns on end are one for so many days; what lasts longer is the new usual."
    )
    comparable_days: int = Field(8, ge=1, description="Active days before the campaign whose median is usual.")
    usual_days: int = Field(56, ge=7, description="Days before the campaign that tell how often a day is active.")


class RetentionPhasePolicy(Policy):
    """Phases of retention since first use [SA]; the method names the phases, the days are a convention."""

    selection_from_days: int = Field(14, ge=1, description="Oscillation lasts until this many days since first use.")
    stable_from_days: int = Field(56, ge=1, description="Selection lasts until this many days since first use.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(selection_from_days=self.selection_from_days, stable_from_days=self.stable_from_days)
        return self


class ActivityGroupPolicy(Policy):
    """Activity groups [SA]: high, normal, at risk by the model, lost."""

    risk_enter: float = Field(0.5, ge=0, le=1, description="At risk above this probability of churn, or in danger.")
    risk_leave: float = Field(0.4, ge=0, le=1, description="At risk until below this probability.")
    dwell_days: int = Field(7, ge=0, description="Days a group lasts at least, unless the customer is lost.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(risk_leave=self.risk_leave, risk_enter=self.risk_enter)
        return self


class UsagePolicy(Policy):
    """Usage, low to high: against the own segment, and never low merely for being small [FX]."""

    window_days: int = Field(28, ge=7, description="Least window, days; at least two own cadences, in whole weeks.")
    baseline_windows: int = Field(3, ge=1, description="Windows before it whose median is the own baseline.")
    margin: float = Field(
        0.1, ge=0, lt=1, description="Share by which a segment's edge must be passed again to leave low or high."
    )
    keeps_enter: float = Field(0.9, ge=0, description="One that is low stops being so from this share of its baseline.")
    keeps_leave: float = Field(0.7, ge=0, description="One that is not low stays so from this share of its baseline.")
    own_low_enter: float = Field(0.7, ge=0, description="Without a segment: low below this share of the own baseline.")
    own_low_leave: float = Field(0.85, ge=0, description="Without a segment: low until above this share.")
    own_high_leave: float = Field(1.15, ge=0, description="Without a segment: high until below this share.")
    own_high_enter: float = Field(1.3, ge=0, description="Without a segment: high above this share.")
    dwell_days: int = Field(14, ge=0, description="Days a level lasts at least.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(keeps_leave=self.keeps_leave, keeps_enter=self.keeps_enter)
        _in_order(
            own_low_enter=self.own_low_enter,
            own_low_leave=self.own_low_leave,
            own_high_leave=self.own_high_leave,
            own_high_enter=self.own_high_enter,
        )
        return self
