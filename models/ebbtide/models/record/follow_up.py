"""Recommended cadence of follow-up, in days between two contacts (signals §8).

                            danger   normal or not scored   excellent
    strategic (in person)        3                     14          30
    middle (queue)               7                     30          60
    other (automated)           14                     60          90

In decline it is as in danger; in acquisition at most 7 days; who has left is asked to come back every 90 days. Who is
served in person, by a queue or by machine is [FX]; the days are ours, and settings.
"""

from __future__ import annotations

from ebbtide.models.policy import FollowUpPolicy
from ebbtide.schemas.score import HealthTier

_DANGER, _NORMAL, _EXCELLENT = range(3)
_BY_HEALTH = {HealthTier.DANGER: _DANGER, HealthTier.NORMAL: _NORMAL, HealthTier.EXCELLENT: _EXCELLENT}


def follow_up_days(
    service_tier: str | None, health: HealthTier | None, lifecycle: str | None, policy: FollowUpPolicy
) -> int:
    """Days until the next contact is due after the last. ``health`` None: not scored; unknown words are as none."""
    if lifecycle == "left":
        return policy.left_days
    by_tier = {"strategic": policy.strategic, "middle": policy.middle}
    cadences = by_tier.get((service_tier or "").lower(), policy.other)
    column = _DANGER if lifecycle == "decline" else _BY_HEALTH[health] if health else _NORMAL
    return min(cadences[column], policy.acquisition_days) if lifecycle == "acquisition" else cadences[column]
