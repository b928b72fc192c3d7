"""The segment of a customer as alerts see it: its settings may be others (``AlertPolicy.segments``)."""

from __future__ import annotations

from ebbtide.models.churn.grid import last_observation_day
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.contribution import segment_of
from ebbtide.models.policy import AlertPolicy, CorePolicy
from ebbtide.schemas.base import DAY_MS


def segment_at(customer: Customer, view: View, day: int, policy: CorePolicy) -> str:
    """The customer's segment as of the last observation instant up to ``day``, as its fleet has it."""
    name = policy.fleet.segment_trait
    at_ms = last_observation_day(day, policy.observation.every_days) * DAY_MS - 1
    held = view.trait_at(customer, name, at_ms)
    return segment_of(None if held is None else held.value)


def alert_policy(customer: Customer, view: View, day: int, policy: CorePolicy) -> AlertPolicy:
    """The settings of alerts for the customer; nobody is looked at where no segment has its own."""
    alert = policy.alert
    return alert.of(segment_at(customer, view, day, policy)) if alert.segments else alert
