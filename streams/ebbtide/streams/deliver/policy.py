"""An endpoint's settings as the core's policies."""

from __future__ import annotations

from ebbtide.models.delivery.choice import Choice
from ebbtide.models.delivery.dispatch import DispatchPolicy
from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.streams.deliver.settings import DeliverSettings, EndpointSettings


def choice_of(endpoint: EndpointSettings) -> Choice:
    """What it wants to be told."""
    return Choice(
        tenants=frozenset(endpoint.tenants),
        alert_kinds=frozenset(endpoint.alert_kinds),
        severities=frozenset(endpoint.severities),
        routes=frozenset(endpoint.routes),
        tiers=frozenset(endpoint.tiers),
        suppressed=endpoint.include_suppressed,
        gone=FORMATS[endpoint.format].gone,
        anchors=frozenset(endpoint.anchors) if endpoint.id_from == "anchor" else frozenset(),
    )


def dispatch_policy(endpoint: EndpointSettings, settings: DeliverSettings) -> DispatchPolicy:
    """How fast and how much at once."""
    spec = FORMATS[endpoint.format]
    # A batch of events must be agreed on with the receiver; those of CRMs and chats are what their services take.
    batch = endpoint.batch or (spec.most if spec.crm or spec.merges else 1)
    age = endpoint.max_age_hours
    return DispatchPolicy(
        batch=batch,
        merges=spec.merges,
        concurrency=endpoint.concurrency,
        per_second=endpoint.rate_per_second or spec.per_second,
        burst=endpoint.burst or spec.burst,
        max_age_ms=None if age is None else round(age * 3_600_000),
        gaps_s=endpoint.retry_gaps_seconds,
        park_ms=round(settings.park_after_seconds * 1000),
        most_parked=settings.max_parked,
    )
