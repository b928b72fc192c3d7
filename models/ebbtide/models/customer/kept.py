"""How much of a customer's past anything still asks for, by the settings (design §8).

A window is so many days long, or so many times the customer's own cadence. The cadence is the median of the newest
gaps, so that the newest active days reach back by half of their number times the cadence: of who is slow enough for a
window to be longer than ``days``, it lies within the newest ``active_days``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from ebbtide.models.leads.interest import LONGEST_DAYS as LEAD_DAYS
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.profile import USE_DAYS

FEATURE_DAYS = 98
"""The widest window of features, fleet and record, in whole weeks."""

YEAR_DAYS = 365
"""A year's value, whatever the settings are."""

FOREVER = 1 << 20
"""Days that no history has."""

_WEEK = 7
_WEEKEND = 2
"""A cadence in business days is told in calendar days to within a weekend."""


class Kept(NamedTuple):
    """What is kept before a grid instant.

    ``days``, and ``active_days`` of each profile: those whose numbers are. ``money_days``: those whose orders and money
    are. ``use_days``: those whose uses of modules are kept one by one. ``fact_days``: those whose facts are kept whole.
    ``campaign_days``: what a campaign brought is told apart for so long; the days before it that it is compared with
    are still kept then. ``touchpoints`` are the kinds of touchpoint that count whatever their age.
    """

    days: int
    active_days: int
    money_days: int
    use_days: int
    fact_days: int
    campaign_days: int
    touchpoints: frozenset[str]


class _Window(NamedTuple):
    """Reaches ``fixed`` days back, or ``gaps`` cadences and ``rest`` days if that is more."""

    fixed: int
    gaps: int = 0
    rest: int = 0


def kept(policy: CorePolicy) -> Kept:
    """What is kept under a policy."""
    relationship, journey, campaign = policy.relationship, policy.journey, policy.campaign
    return Kept(
        days=max(_reach(window, policy.cadence.max_gaps // 2) for window in _windows(policy)),
        active_days=policy.cadence.max_gaps + 1,
        money_days=max(YEAR_DAYS, policy.rfm.window_days, policy.loyalty.window_days, policy.quadrant.window_days),
        use_days=min(USE_DAYS, max(4 * _WEEK, policy.adoption.month_days)),
        fact_days=max(
            relationship.touchpoint_days,
            relationship.survey_days,
            relationship.left_days,
            policy.economics.period_days,
            campaign.days + campaign.longest_days,
        ),
        campaign_days=campaign.days + campaign.longest_days,
        touchpoints=frozenset((*journey.visit_kinds, *journey.delivery_kinds, *policy.channel.visits)),
    )


def _windows(policy: CorePolicy) -> Iterator[_Window]:
    """The windows of numbers, except those of money and modules."""
    campaign, prior = policy.campaign, 2 * policy.cadence.prior_days
    yield _Window(FEATURE_DAYS)
    yield _Window(LEAD_DAYS)
    yield _Window(policy.adoption.utilised_days)
    yield _Window(policy.adoption.month_days)
    yield _Window(campaign.days + campaign.longest_days + campaign.usual_days)
    windows = policy.usage.baseline_windows + 1
    yield _Window(windows * _weeks(max(policy.usage.window_days, prior)), 2 * windows, windows * _WEEK)
    # A window of two cadences, the baseline's weeks, and the first one of those, which may not be whole.
    weeks = _WEEK * (policy.baseline.weeks + 2)
    yield _Window(_weeks(max(_WEEK, prior)) + weeks, 2, _WEEK + weeks)
    periods = policy.lifecycle.stable_periods
    yield _Window(periods * _weeks(prior) + _WEEK, periods, (periods + 1) * _WEEK)


def _weeks(days: float) -> int:
    return _WEEK * ceil(days / _WEEK)


def _reach(window: _Window, longer: int) -> int:
    """Days to keep for a window; ``longer`` of the newest gaps are no shorter than the cadence.

    With a cadence of ``g`` days the newest active days cover ``longer * g``; the window is longer than that only where
    ``g`` is less than ``rest / (longer - gaps)``.
    """
    if not window.gaps:
        return window.fixed
    if longer <= window.gaps:
        return FOREVER
    return max(window.fixed, ceil(longer * (window.rest + _WEEKEND) / (longer - window.gaps)))
