"""The fields that this package computes, declared once for the field dictionary."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.models.standing.activity_group import STRATEGIES


@dataclass(frozen=True, slots=True)
class Declared:
    """One field: its name, what it says, its unit or values, the window it looks at, and whose idea it is."""

    name: str
    meaning: str
    unit: str
    window: str
    source: str


_STATE = "state, daily"
_WEEKLY = "state, weekly"

DECLARED: tuple[Declared, ...] = (
    Declared(
        "lifecycle",
        "Left: silent for 7.5 cadences. Decline: asleep, or under half of the own usual. Acquisition: before the first "
        "core value. Maturity: even use for four whole weeks. Growth: all else.",
        "acquisition, growth, maturity, decline, left",
        _STATE,
        "CRM",
    ),
    Declared("lifecycle_since", "Day since which the lifecycle state holds.", "UTC day", _STATE, "CRM"),
    Declared(
        "weekly_variation",
        "Coefficient of variation of events by week; by longer periods where the own cadence is longer.",
        "ratio",
        "4 whole weeks",
        "CRM",
    ),
    Declared("first_core_day", "Day of the first core value: the first query.", "UTC day", "lifetime", "CRM"),
    Declared(
        "retention_phase", "Phase by the time since first use.", "oscillation, selection, stable", "lifetime", "SA"
    ),
    Declared(
        "activity_group",
        "Lost: left, or not renewed. At risk: by the model. High: top third of the segment, or mature and not low in "
        "usage. Normal: all else.",
        "high, normal, at_risk, lost",
        _STATE,
        "SA",
    ),
    Declared(
        "strategy",
        "What to do with the activity group: "
        + "; ".join(f"{one.code} {one.aim} ({group.value})" for group, one in STRATEGIES.items())
        + ".",
        "code A to D",
        _STATE,
        "SA",
    ),
    Declared(
        "usage_per_week",
        "Events of people per week, per licensed seat where seats are known.",
        "events a week",
        "28 days, or two own cadences in whole weeks",
        "FX",
    ),
    Declared(
        "usage_own_ratio",
        "Events of the usage window over the median of the three windows before it.",
        "ratio",
        "usage window and three before it",
        "FX",
    ),
    Declared(
        "usage_level",
        "Usage against the thirds of the own segment; never low while the own baseline is kept.",
        "low, middle, high",
        _WEEKLY,
        "FX",
    ),
    Declared(
        "relationship_score",
        "Points for key persons, admins, touchpoints and surveys, less those for tickets, people who left and overdue "
        "invoices; 50 is nothing known.",
        "points, at most 100",
        "90 days; surveys 180 days",
        "FX",
    ),
    Declared("relationship_parts", "Points by part; they add up to the score.", "points by name", "as the score", "FX"),
    Declared("relationship_level", "Level of the relationship score.", "low, middle, high", _WEEKLY, "FX"),
    Declared("health_cell", "Usage and relationship level, as in `low-high`.", "nine cells", _WEEKLY, "FX"),
    Declared(
        "journey_stage",
        "How far the customer has come, by its facts.",
        "acquired, visited, signed, delivered, served, renewed, expanded, churned, won_back",
        "lifetime",
        "FX",
    ),
    Declared("journey_since", "Day on which the stage began.", "UTC day", "lifetime", "FX"),
    Declared("journey_dwell_days", "Days in the stage.", "days", "lifetime", "FX"),
    Declared("open_tickets", "Tickets opened and not closed.", "count", "lifetime", "FX"),
    Declared("nps", "Net promoter score of the latest answer of each person.", "-1 to 1", "180 days", "FX"),
    Declared("csat", "Mean of the latest CSAT answer of each person.", "1 to 5", "180 days", "FX"),
    Declared("overdue_invoices", "Invoices reported overdue and not paid.", "count", "lifetime", "FX"),
    Declared(
        "overdue_days", "Days since the due date of the invoice that is overdue longest.", "days", "lifetime", "FX"
    ),
    Declared("not_renewed_since", "Day on which the contract ended and none followed.", "UTC day", "lifetime", "SA"),
)
