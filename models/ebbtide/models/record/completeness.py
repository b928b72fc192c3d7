"""Data completeness: how much of what should be known at this stage of the journey is known (signals §6) [FX]."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass

_LEAD = ("name", "region", "industry", "owner", "channel")
_MET = (*_LEAD, "key_person")
_SIGNED = (*_MET, "service_tier", "seats", "plan", "contract_value", "next_renewal_at")
_DELIVERED = (*_SIGNED, "admin", "last_login_at")
_SERVED = (*_DELIVERED, "total_query_count", "active_users_28d", "nps")

EXPECTED: Mapping[str, tuple[str, ...]] = {
    "acquired": _LEAD,
    "visited": _MET,
    "signed": _SIGNED,
    "delivered": _DELIVERED,
    "served": _SERVED,
    "renewed": _SERVED,
    "expanded": _SERVED,
    "churned": (*_SERVED, "churn_reason"),
    "won_back": _SERVED,
}
"""Fields that should be known at each stage of the journey: every stage adds what its work brings to light."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """Share of expected fields that are known, 0..1, and the names of the others."""

    share: float
    missing: tuple[str, ...]


def completeness(fields: Mapping[str, object], stage: str | None) -> Completeness:
    """Completeness of ``fields`` (name to value) at a stage; one that is not known expects what a lead has.

    A field is known unless it is absent, None, or an empty text or collection. Nought is known.
    """
    expected = EXPECTED.get(stage or "", _LEAD)
    missing = tuple(name for name in expected if not _known(fields.get(name)))
    return Completeness(1.0 - len(missing) / len(expected), missing)


def _known(value: object) -> bool:
    return bool(value) if isinstance(value, Sized) else value is not None
