"""Which records an endpoint is told of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ebbtide.models.delivery.message import Message
from ebbtide.schemas.deliveries import DeliveryKind


class Skipped(StrEnum):
    """Why an endpoint is not told of a record."""

    TENANT = "tenant"
    SUPPRESSED = "suppressed"
    ALERT_KIND = "alert_kind"
    SEVERITY = "severity"
    ROUTE = "route"
    TIER = "tier"
    GONE = "gone"
    NO_IDENTIFIER = "no_identifier"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an endpoint wants. An empty set wants all.

    ``tiers`` are health tiers of scores and records; alerts have none. ``gone`` says whether it is told of customers
    that are no more, ``anchors`` by which identifiers it knows customers.
    """

    tenants: frozenset[str] = frozenset()
    alert_kinds: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    suppressed: bool = False
    gone: bool = True
    anchors: frozenset[str] = frozenset()


def skipped(message: Message, choice: Choice) -> Skipped | None:
    """Why the endpoint is not told; None when it is."""
    if choice.tenants and message.tenant not in choice.tenants:
        return Skipped.TENANT
    if message.kind is DeliveryKind.ALERT:
        return _alert_skipped(message, choice)
    if message.value is None:
        return None if choice.gone else Skipped.GONE
    if choice.tiers and message.tier not in choice.tiers:
        return Skipped.TIER
    if choice.anchors and message.anchor_type not in choice.anchors:
        return Skipped.NO_IDENTIFIER
    return None


def _alert_skipped(message: Message, choice: Choice) -> Skipped | None:
    if message.suppressed and not choice.suppressed:
        return Skipped.SUPPRESSED
    if choice.alert_kinds and message.alert_kind not in choice.alert_kinds:
        return Skipped.ALERT_KIND
    if choice.severities and message.severity not in choice.severities:
        return Skipped.SEVERITY
    if choice.routes and message.route not in choice.routes:
        return Skipped.ROUTE
    return None
