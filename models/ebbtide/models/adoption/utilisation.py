"""Utilisation: core actions against the number that shows a product in full use, 10,000 in 60 days [SA]."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.models.policy import AdoptionPolicy


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Core actions over those needed (1 and more is utilised), core actions per seat, and the state."""

    share: float
    per_seat: float | None
    utilised: bool


def utilisation(
    core_actions: int, seats: float | None, policy: AdoptionPolicy, *, was_utilised: bool = False
) -> Utilisation:
    """Utilisation of ``core_actions`` in ``policy.utilised_days``; ``seats`` may be unknown.

    Utilised from ``policy.utilised_actions``, until below ``policy.utilised_leave`` of them.
    """
    share = max(0, core_actions) / policy.utilised_actions
    per_seat = max(0, core_actions) / seats if seats is not None and seats > 0 else None
    return Utilisation(share, per_seat, share >= (policy.utilised_leave if was_utilised else 1.0))
