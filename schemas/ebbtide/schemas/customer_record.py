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
    """Topic ``customer-records``, keyed by customer id, compacted: the last record is the customer.

    A null value says that there is no such customer any more: all it did counts for others, because it was merged or
    a visitor signed in. Its alerts were resolved before. Should it come back, a record follows. Of what is under a
    key the greatest ``version`` is the newest; a null value has its own in the header ``ebbtide-version``, beside
    ``ebbtide-tenant``.
    """

    tenant: Text
    customer_id: Text
    anchor: Identifier
    version: int
    as_of: UtcDatetime
    fields: dict[str, Field]
