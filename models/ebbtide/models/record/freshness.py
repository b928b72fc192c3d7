"""Freshness: how much a field's value is still worth at its age (signals §6)."""

from __future__ import annotations

from enum import StrEnum

from ebbtide.models.policy import FreshnessPolicy


class FieldClass(StrEnum):
    """Fields that age alike."""

    BEHAVIOUR = "behaviour"
    MODEL = "model"
    PEOPLE = "people"
    SENTIMENT = "sentiment"
    CONTRACT = "contract"
    IDENTITY = "identity"


CLASSES = {
    "name": FieldClass.IDENTITY,
    "industry": FieldClass.IDENTITY,
    "region": FieldClass.IDENTITY,
    "channel": FieldClass.IDENTITY,
    "service_tier": FieldClass.CONTRACT,
    "seats": FieldClass.CONTRACT,
    "plan": FieldClass.CONTRACT,
    "mrr": FieldClass.CONTRACT,
    "contract_value": FieldClass.CONTRACT,
    "next_renewal_at": FieldClass.CONTRACT,
    "owner": FieldClass.PEOPLE,
    "key_person": FieldClass.PEOPLE,
    "admin": FieldClass.PEOPLE,
    "nps": FieldClass.SENTIMENT,
    "csat": FieldClass.SENTIMENT,
    "p_churn": FieldClass.MODEL,
    "health_tier": FieldClass.MODEL,
}
"""Class of each field that somebody told; all others come from behaviour."""


def field_class(name: str) -> FieldClass:
    """The class of a record's field."""
    return CLASSES.get(name, FieldClass.BEHAVIOUR)


def freshness(kind: FieldClass, age_days: float, policy: FreshnessPolicy) -> float:
    """What a value of this age is still worth, 0..1: 1 when new, half after the half-life of its class."""
    return float(2.0 ** (-max(0.0, age_days) / getattr(policy, f"{kind.value}_days")))


def is_stale(kind: FieldClass, age_days: float, policy: FreshnessPolicy) -> bool:
    """Whether a value is too old to rely on."""
    return freshness(kind, age_days, policy) < policy.stale_below
