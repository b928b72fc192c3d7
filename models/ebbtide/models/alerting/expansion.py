"""A customer that has grown into what it bought (signals §7)."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from ebbtide.models.adoption.utilisation import Utilisation
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.policy import AlertPolicy
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.score import HealthTier

_TINY = 1e-9
"""0.9 of 10 seats are 9 users."""


class SeatUse(NamedTuple):
    """Active users of the newest month and of the one before, and licensed seats (None: the CRM knows of none)."""

    users: int
    before: int
    seats: float | None

    @property
    def lasting(self) -> int:
        """Users in both months: a launch that fills every seat for once is no need for more."""
        return min(self.users, self.before)


def in_full_use(seats: float, policy: AlertPolicy) -> int:
    """So many users fill the seats."""
    return ceil(policy.expansion_enter * seats - _TINY)


def expansion_ready(
    use: SeatUse,
    utilised: Utilisation,
    tier: HealthTier | None,
    policy: AlertPolicy,
    *,
    shrinks: bool = False,
    gone: bool = False,
    blind: bool = False,
) -> Verdict:
    """Nine in ten seats are in use, this month and the last, or the product is utilised, and health is not in danger.

    ``gone``: the customer has left, or its contract ended; ``shrinks``: it is in decline; ``blind``: nobody could see
    all of the two months.
    """
    if tier is None or tier is HealthTier.DANGER or gone:
        return Clears(Reason.CHURNED if gone else Reason.NOT_SCORED if tier is None else Reason.IN_DANGER)
    if blind or shrinks:
        return Holds(Reason.BLIND if blind else Reason.SHRINKS)
    if utilised.utilised:
        return _fires("use", use, utilised, tier)
    return _by_seats(use, utilised, tier, policy)


def _by_seats(use: SeatUse, utilised: Utilisation, tier: HealthTier, policy: AlertPolicy) -> Verdict:
    if use.seats is None or use.seats < policy.expansion_seats:
        return Clears(Reason.FEW_SEATS)
    full = in_full_use(use.seats, policy)
    if use.lasting >= full:
        return _fires("seats", use, utilised, tier)
    # One user less than is needed is no news, however few the seats.
    stays = use.users >= min(policy.expansion_leave * use.seats, full - 1)
    return Holds(Reason.HYSTERESIS) if stays else Clears(Reason.NOT_FULL)


def _fires(by: str, use: SeatUse, utilised: Utilisation, tier: HealthTier) -> Fires:
    return Fires(
        Severity.INFO,
        {
            "by": by,
            "users": use.users,
            "seats": use.seats,
            "penetration": None if use.seats is None else round(min(1.0, use.users / use.seats), 4),
            "utilisation": round(utilised.share, 4),
            "tier": tier.value,
        },
    )
