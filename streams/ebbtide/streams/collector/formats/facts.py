"""Native CRM facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.collector.items import Arrival, Bad, Item


def read(body: Any, arrival: Arrival) -> Iterator[Item]:
    """A body of `/v1/crm`: one fact or a list of them."""
    for each in body if isinstance(body, list) else [body]:
        kind = each.get("type") if isinstance(each, dict) else None
        if not isinstance(kind, str) or "." not in kind:
            yield Bad(DeadLetterReason.UNKNOWN_TYPE, "type: a CRM fact has a dotted type such as deal.won")
            continue
        yield fact(each, arrival)


def fact(given: dict[str, Any], arrival: Arrival) -> Item:
    """The fact with its receipt and tenant. Its time is the CRM's, and is not corrected."""
    if not arrival.secret:
        return Bad(DeadLetterReason.INVALID, "type: CRM facts need a secret key; this one may be in browsers")
    named = given.get("tenant")
    if arrival.tenant is not None and named not in (None, arrival.tenant):
        return Bad(DeadLetterReason.INVALID, f"tenant: the key is one of tenant {arrival.tenant}; leave it out")
    tenant = {} if arrival.tenant is None else {"tenant": arrival.tenant}
    return {**given, **tenant, "received_at": arrival.received_at}
