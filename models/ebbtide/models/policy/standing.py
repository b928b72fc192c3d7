"""Where a customer stands (signals §4, §6)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import (
    Field,
    model_validator,
)

from ebbtide.models.policy.alerting import _in_order
from ebbtide.models.policy.base import Policy


class FreshnessPolicy(Policy):
    """How long a field of a class stays worth what it says (signals §6): its worth halves in so many days."""

    behaviour_days: float = Field(7.0, gt=0, description="What comes from events.")
    model_days: float = Field(7.0, gt=0, description="Scores and tiers.")
    people_days: float = Field(90.0, gt=0, description="Contacts and their roles, the owner.")
    sentiment_days: float = Field(90.0, gt=0, description="Surveys.")
    contract_days: float = Field(180.0, gt=0, description="Seats, plan, contract, renewal.")
    identity_days: float = Field(365.0, gt=0, description="Name, industry, region.")
    stale_below: float = Field(0.25, gt=0, lt=1, description="A field is stale below this freshness: 2 half-lives.")


class LifecyclePolicy(Policy):
    """Lifecycle [CRM]: acquisition, growth, maturity, decline, left. A drop is that of the group `baseline`."""

    core: Literal["auto", "query", "active_days"] = Field(
        "auto",
        description="What the first core value is: the first query, a number of active days, or (`auto`) the first "
        "query where the tenant is known to have queries, else whichever of the two comes first.",
    )
    core_active_days: int = Field(3, ge=1, description="Active days that count as first core value without a query.")
    stable_periods: int = Field(
        4, ge=2, description="Consecutive whole weeks of stable use that make maturity (longer for a slower cadence)."
    )
    stable_enter: float = Field(0.5, gt=0, description="Stable up to this coefficient of variation of weekly use.")
    stable_leave: float = Field(
        0.7, gt=0, description="A mature customer stays so up to this one: one idle week in four gives 0.58."
    )
    return_active_days: int = Field(2, ge=1, description="Active days after which one that left counts as back.")
    dwell_days: int = Field(14, ge=0, description="Days a state lasts at least, unless the customer leaves.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(stable_enter=self.stable_enter, stable_leave=self.stable_leave)
        return self


class RelationshipPolicy(Policy):
    """Relationship, low to high, from points [FX names what counts; the points are a convention, 100 at best]."""

    base: float = Field(50.0, description="Points of a customer of whom nothing is known: middle.")
    recent_days: int = Field(14, ge=1, description="A key person is active within this, or two own cadences if longer.")
    silent_days: int = Field(30, ge=1, description="A key person is silent after this, or four cadences if longer.")
    key_person: float = Field(15.0, ge=0, description="Points for an active key person; lost by a silent one.")
    admin: float = Field(5.0, ge=0, description="Points for an active admin; lost by a silent one.")
    touchpoint_days: int = Field(90, ge=1, description="How long a touchpoint counts.")
    touchpoint_points: dict[str, float] = Field(
        {"call": 3.0, "visit": 5.0, "training": 5.0, "kickoff": 3.0},
        description="Points for one touchpoint, by kind; other kinds, such as campaigns, give none.",
    )
    touchpoint_most: float = Field(15.0, ge=0, description="Most points for touchpoints.")
    survey_days: int = Field(180, ge=1, description="How long an answer counts.")
    nps: float = Field(10.0, ge=0, description="Points for an NPS of 100; lost at -100.")
    csat: float = Field(5.0, ge=0, description="Points for a mean CSAT of 5; lost at 1.")
    ticket_points: dict[str, float] = Field(
        {"low": 1.0, "normal": 2.0, "high": 5.0, "critical": 10.0},
        description="Points lost by an open ticket, by severity; an unknown severity is `normal`.",
    )
    ticket_old_days: int = Field(3, ge=0, description="A ticket open for longer loses twice.")
    ticket_most: float = Field(25.0, ge=0, description="Most points lost by tickets.")
    left_days: int = Field(90, ge=1, description="How long a key person who left counts.")
    key_person_left: float = Field(20.0, ge=0, description="Points lost by each key person who left.")
    left_most: float = Field(30.0, ge=0, description="Most points lost by key persons who left.")
    overdue: float = Field(5.0, ge=0, description="Points lost while an invoice is overdue.")
    overdue_late: float = Field(15.0, ge=0, description="Points lost while one is overdue for long.")
    overdue_late_days: int = Field(15, ge=0, description="Days after the due date from which that is long.")
    low_enter: float = Field(40.0, description="Low below this.")
    low_leave: float = Field(45.0, description="Low until above this.")
    high_leave: float = Field(70.0, description="High until below this.")
    high_enter: float = Field(75.0, description="High above this.")
    dwell_days: int = Field(14, ge=0, description="Days a level lasts at least, unless a key person leaves.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(recent_days=self.recent_days, silent_days=self.silent_days)
        _in_order(overdue=self.overdue, overdue_late=self.overdue_late)
        _in_order(
            low_enter=self.low_enter, low_leave=self.low_leave, high_leave=self.high_leave, high_enter=self.high_enter
        )
        if "normal" not in self.ticket_points:
            raise ValueError("ticket_points must name `normal`: what a ticket of unknown severity loses")
        return self


class HealthCellPolicy(Policy):
    """Nine cells, usage by relationship [FX]."""

    critical_steps: int = Field(2, ge=2, description="Cells down that are critical; fewer are urgent.")


class JourneyPolicy(Policy):
    """Journey of a customer [FX]: acquired, visited, signed, delivered, served, renewed, churned, won back."""

    visit_kinds: tuple[str, ...] = Field(("visit", "call"), description="Touchpoints before signing that are a visit.")
    delivery_kinds: tuple[str, ...] = Field(
        ("kickoff", "training"), description="Touchpoints after signing that are a delivery."
    )
    deliver_within_days: int = Field(
        30, ge=0, description="Core use counts as served after the delivery, or so long after signing without one."
    )
