"""A customer's state changed: what journeys, playbooks and reports are driven by."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from ebbtide.schemas.base import Contract, Text, UtcDatetime


class StateName(StrEnum):
    """States that a customer is in (signals §§3-6, 8)."""

    LIFECYCLE = "lifecycle"
    ACTIVITY_GROUP = "activity_group"
    JOURNEY = "journey"
    USAGE = "usage"
    RELATIONSHIP = "relationship"
    HEALTH_CELL = "health_cell"
    UTILISED = "utilised"
    LOYALTY = "loyalty"
    RFM = "rfm"
    QUADRANT = "quadrant"
    PARETO = "pareto"
    LEAD_PRIORITY = "lead_priority"


class StateChange(Contract):
    """Topic ``state-changes``, keyed by customer id. ``version`` only grows; ``old`` is null for the first state,
    ``new`` where it has none any more.

    ``reason`` and ``evidence`` are those of the rule that moved it.
    """

    tenant: Text
    customer_id: Text
    version: int
    occurred_at: UtcDatetime
    state: StateName
    old: str | None
    new: str | None
    reason: str
    evidence: dict[str, Any] = Field(default_factory=dict)
