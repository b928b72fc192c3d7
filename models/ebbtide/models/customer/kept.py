"""How much of a customer's past anything still asks for, by the settings (design §8).

A window is so many days long, or so many times the customer's own cadence. The cadence is the median of the newest
gaps: half of these are as long, or longer. So of who is slow enough for a window to be longer than ``days``, the active
days in it are few, and they are among the newest.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from ebbtide.models.customer.comparable import LONGEST_DAYS
from ebbtide.models.customer.course import reach_days
from ebbtide.models.customer.yearly_value import YEAR_DAYS
from ebbtide.models.leads.interest import LONGEST_DAYS as LEAD_DAYS
from ebbtide.models.policy import AlertPolicy, CorePolicy
from ebbtide.models.profile.profile import USE_DAYS
from ebbtide.models.standing.contacts import WATCHED_DAYS

FEATURE_DAYS = 98
"""The widest window of features, fleet and record, in whole weeks."""

FOREVER = 1 << 20
"""Days that no history has."""

_WEEK = 7
_WEEKEND = 3
"""A cadence in business days is told in calendar days to within a weekend."""


class Kept(NamedTuple):
    """What is kept before a grid instant.

    ``days``, and ``active_days`` of each profile: those whose events are; ``query_days``: whose queries and logins are;
    ``money_days``: whose orders and money are. ``use_days``: those whose uses of modules are kept one by one.
    ``fact_days``, and ``answer_days`` of surveys: those whose facts are kept whole. ``campaign_days``: so long is told
    apart what a campaign brought; the days before it that it is compared with are kept then. ``touchpoints`` are the
    kinds of touchpoint that count whatever their age.
    """

    days: int
    active_days: int
    query_days: int
    money_days: int
    use_days: int
    fact_days: int
    answer_days: int
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
    campaign_days = campaign.days + campaign.longest_days
    gaps = policy.cadence.max_gaps
    windows = list(_windows(policy))
    days = max(_reach(window, gaps // 2) for window in windows)
    return Kept(
        days=days,
        active_days=max(_active(window, days, gaps) for window in windows),
        query_days=max(FEATURE_DAYS, LEAD_DAYS, policy.adoption.utilised_days, policy.adoption.month_days),
        money_days=max(YEAR_DAYS, policy.rfm.window_days, policy.loyalty.window_days, policy.quadrant.window_days),
        use_days=min(USE_DAYS, max(4 * _WEEK, policy.adoption.month_days)),
        fact_days=max(
            relationship.touchpoint_days,
            relationship.left_days,
            campaign_days,
            WATCHED_DAYS + policy.key_person.open_days,
        ),
        answer_days=max(relationship.survey_days, policy.economics.period_days, *_answers(policy.alert)),
        campaign_days=campaign_days,
        touchpoints=frozenset((*journey.visit_kinds, *journey.delivery_kinds, *policy.channel.visits)),
    )


def _answers(policy: AlertPolicy) -> Iterator[int]:
    """So long answers are alerts, in any segment."""
    for own in (policy, *map(policy.of, policy.segments)):
        yield own.detractor_days
        yield own.referral_days


def _windows(policy: CorePolicy) -> Iterator[_Window]:
    """The windows of numbers, except those of money and modules."""
    campaign, prior = policy.campaign, policy.cadence.prior_days
    yield _Window(FEATURE_DAYS)
    yield _Window(LEAD_DAYS)
    yield _Window(policy.adoption.utilised_days)
    yield _Window(policy.adoption.month_days)
    yield _Window(campaign.days + campaign.longest_days + campaign.usual_days)
    windows = policy.usage.baseline_windows + 1
    yield _Window(windows * _weeks(max(policy.usage.window_days, 2 * prior)), 2 * windows, windows * _WEEK)
    # A window of two cadences, the baseline's weeks, and the first one of those, which may not be whole.
    weeks = _WEEK * (policy.baseline.weeks + 2)
    yield _Window(_weeks(max(_WEEK, 2 * prior)) + weeks, 2, _WEEK + weeks)
    # What was usual before the longest decline; and the windows by which one ends, and those they are compared with.
    yield _Window(reach_days(policy.baseline, policy.drop))
    yield _Window(2 * LONGEST_DAYS + _WEEK * (policy.baseline.weeks - 1))
    periods = policy.lifecycle.stable_periods
    yield _Window(periods * _weeks(prior) + _WEEK, periods, (periods + 1) * _WEEK)


def _weeks(days: float) -> int:
    return _WEEK * ceil(days / _WEEK)


def _reach(window: _Window, longer: int) -> int:
    """Days to keep for a window; ``longer`` of the newest gaps are no shorter than the cadence.

    With a cadence of ``g`` days the newest gaps cover ``longer * g``; the window is longer than that only where ``g``
    is less than ``rest / (longer - gaps)``.
    """
    if not window.gaps:
        return window.fixed
    if longer <= window.gaps:
        return FOREVER
    return max(window.fixed, ceil(longer * (window.rest + _WEEKEND) / (longer - window.gaps)))


def _active(window: _Window, days: int, gaps: int) -> int:
    """Most active days in a window that is longer than ``days``: those after short gaps, and those after long ones.

    Its cadence is ``(days - rest) / gaps`` at least, so that its rest holds only so many long gaps.
    """
    if not window.gaps or days >= FOREVER:
        return 0
    longest = ceil(window.gaps + (window.rest + _WEEKEND) * window.gaps / (days - window.rest))
    return gaps - gaps // 2 + longest + 1
