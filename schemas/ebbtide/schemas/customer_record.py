"""The customer record for the CRM."""

from __future__ import annotations

from typing import Any

from ebbtide.schemas.base import Contract, Text, UtcDatetime
from ebbtide.schemas.events import Identifier


class Field(Contract):
    """One value with the time it holds for and where it comes from."""

    value: Any
    as_of: UtcDatetime
    source: str


class CustomerRecord(Contract):
    """Topic ``customer-records``, keyed by customer id, compacted: the last record is the customer."""

    tenant: Text
    customer_id: Text
    anchor: Identifier
    version: int
    as_of: UtcDatetime
    fields: dict[str, Field]
