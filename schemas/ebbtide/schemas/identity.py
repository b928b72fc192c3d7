"""Identity evidence and its outcome (identity §1, §2)."""

from __future__ import annotations

from enum import IntEnum

from pydantic import Field

from ebbtide.schemas.base import Contract, Text, UtcDatetime
from ebbtide.schemas.events import Identifier


class EvidenceClass(IntEnum):
    """How strong a link is; the smallest wins."""

    DECIDED = 0
    BOUND = 1
    IDENTIFIED = 2
    CRM_EQUALITY = 3
    SEEN_TOGETHER = 4


class IdentityLink(Contract):
    """New evidence that two identifiers belong together. Topic ``identity-links``, keyed by tenant."""

    tenant: Text
    subject: Identifier
    other: Identifier
    evidence: EvidenceClass
    occurred_at: UtcDatetime
    event_id: Text


class IdentityAssignment(Contract):
    """Who owns an identifier from ``epoch`` on. Topic ``identity-assignments``, keyed by the identifier."""

    tenant: Text
    identifier: Identifier
    owner_id: Text
    previous_owner_id: str | None = None
    epoch: int = Field(ge=0)
    decided_at: UtcDatetime
