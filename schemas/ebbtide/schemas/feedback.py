"""What people tell of customers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ebbtide.schemas.base import Contract, Text, UtcDatetime


class Outcome(StrEnum):
    """What became of a customer's contract."""

    CHURNED = "churned"
    RENEWED = "renewed"
    EXPANDED = "expanded"
    DOWNGRADED = "downgraded"
    WON_BACK = "won_back"


class OutcomeReason(StrEnum):
    """Why it came so, as in ``renewal.closed``."""

    NATURAL = "natural"
    PRODUCT = "product"
    NOT_TARGET = "not_target"
    OTHER = "other"


class Feedback(Contract):
    """What somebody, ``by``, says of a customer. Topic ``feedback``, keyed by customer id.

    ``outcome`` is what became of its contract at ``occurred_at``; it counts for labels as if the CRM had told it, from
    the first grid instant after ``recorded_at`` on. Of one ``feedback_id`` the first counts.
    """

    tenant: Text
    feedback_id: Annotated[str, Field(min_length=1, max_length=64)]
    customer_id: Text
    occurred_at: UtcDatetime
    recorded_at: UtcDatetime
    by: Text
    action: Literal["outcome"]
    outcome: Outcome
    reason: OutcomeReason | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _has_happened(self) -> Self:
        if self.occurred_at > self.recorded_at:
            raise ValueError("occurred_at lies after recorded_at: an outcome is told once it has happened")
        return self
