"""What is read, and from whom."""

from __future__ import annotations

from typing import Any

from pydantic import (
    Field,
)

from ebbtide.models.policy.base import Policy


class IntakePolicy(Policy):
    """Checks at the door (signals §1)."""

    max_bytes: int = Field(32_768, gt=0, description="Greatest size of one raw record, bytes.")
    max_ahead_seconds: int = Field(3_600, ge=0, description="How far an event may lie after its receipt.")
    max_age_days: int = Field(1_827, gt=0, description="How far an event may lie before its receipt (5 years).")
    product_events: tuple[str, ...] = Field(
        (),
        description="Names of `track` events that are product use although a CRM fact is called so, such as `Ticket "
        "Opened` of a help desk's own product.",
    )


class TimePolicy(Policy):
    """Event time (design §3)."""

    lateness_seconds: int = Field(3_600, ge=0, description="How far out of order input may come and still be on time.")
    idle_after_seconds: float = Field(
        10.0, gt=0, description="Wall time after which a silent source holds no one back."
    )


class DedupePolicy(Policy):
    """How many message ids a profile remembers."""

    ring_size: int = Field(1_024, gt=0, description="Newest message ids kept per profile, 8 bytes each.")


class SourcesPolicy(Policy):
    """When a source of events counts as blind: its customers cannot be scored, they are not silent (design law 10)."""

    blind_after_intervals: float = Field(
        3.0, ge=1, description="Blind when silent for longer than this many of its own expected intervals."
    )
    blind_day_share: float = Field(
        0.5, gt=0, le=1, description="Share of a UTC day without a sign of life that makes it a blind day."
    )


class Branch(Policy):
    """One way to be a virtual event: an event's name, and properties that must be equal."""

    event: str
    properties: dict[str, Any] = Field(default_factory=dict)


class VirtualEventsPolicy(Policy):
    """Named OR of (event name + property filters) [SA]; an event counts once even if two branches match."""

    login: tuple[Branch, ...] = Field(
        tuple(Branch(event=name) for name in ("login", "Logged In", "Signed In")), description="What is a login."
    )
    query: tuple[Branch, ...] = Field(
        tuple(
            Branch(event=name)
            for name in (
                "query",
                "event_analysis",
                "funnel_analysis",
                "retention_analysis",
                "revisit_analysis",
                "overview",
            )
        ),
        description="What is a query: use of a core function.",
    )
    order: tuple[Branch, ...] = Field(
        tuple(Branch(event=name) for name in ("Order Completed", "order", "purchase")),
        description="What is an order; `revenue`, `total` or `value` of its properties is its money, in `currency`.",
    )


class ModulesPolicy(Policy):
    """Which feature module an event is a use of [KJ]: by the first rule that names one."""

    events: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Modules, each with the names of the events that are uses of it."
    )
    properties: tuple[str, ...] = Field(
        ("feature", "module"), description="Properties of an event that name its module; the first that is there."
    )
    by_name: bool = Field(
        True, description="Whether a `track` call that nothing else gives a module is one of its own, by its name."
    )
