"""What compares customers."""

from __future__ import annotations

from pydantic import (
    Field,
)

from ebbtide.models.policy.base import Policy


class FleetPolicy(Policy):
    """All customers of a tenant together: what a customer is compared with."""

    segment_trait: str = Field(
        "service_tier", min_length=1, description="The trait whose value, in lower case, is a customer's segment."
    )
    min_segment: int = Field(
        20,
        ge=1,
        description="Customers that a segment needs; those of a smaller one are compared with everybody. While "
        "everybody is fewer, usage is compared with the customer's own past.",
    )
    max_segments: int = Field(50, ge=0, description="Most segments that are told, the greatest.")
    accuracy: float = Field(0.01, ge=0.001, le=0.1, description="Greatest relative error of a quantile.")
    pareto_share: float = Field(0.8, gt=0, lt=1, description="Share of all value that the Pareto set makes [CRM].")
    spend_days: int = Field(365, ge=1, description="Newest days whose channel spend counts [FX].")


class LookAlikePolicy(Policy):
    """Customers like one that surged, who do not use what drove it (signals §7)."""

    modules: int = Field(
        20,
        ge=0,
        le=50,
        description="Feature modules that candidates are held out for, those that most customers use; 0 names nobody.",
    )
    candidates: int = Field(
        25, ge=1, le=200, description="Candidates of each segment and module that the fleet tells every partition of."
    )
    told: int = Field(5, ge=0, le=10, description="Look-alikes that a surge names at most.")
    min_similarity: float = Field(
        0.25, ge=0, le=1, description="Least similarity: shared modules (Jaccard) times the ratio of usage."
    )
