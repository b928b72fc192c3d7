"""Campaign inflation: what a campaign brought is told apart and does not raise health [FX].

days      ──┬─────────────┬──────────────────────────▶
campaign    c             c + 7        and again within it: one run
activity  ▂ ▂ █ █ █ ▇ ▂ ▂ ▂
organic   ▂ ▂ ▂ ▂ 0 ▂ ▂ 0 ▂      at most the usual level, on at most the usual number of days
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import NamedTuple

from ebbtide.models.churn.grid import MONDAY
from ebbtide.models.customer.cadence import SilenceState, cadence, silence, silence_state
from ebbtide.models.customer.series import EVENTS, SUMMED, Bucket, DaySeries, median
from ebbtide.models.policy import CadencePolicy, CampaignPolicy

_WORKDAYS = 5
_WEEK = 7

Run = tuple[int, int]
"""First day, and the day after the last."""


def campaign_runs(campaigns: Iterable[int], day: int, policy: CampaignPolicy) -> list[Run]:
    """Stretches of days whose activity may come from a campaign before ``day``, in order, apart from each other.

    ``campaigns`` are days of campaign touchpoints. A run is the day of the campaign and ``policy.days`` after it, so it
    may last beyond ``day``. Campaigns whose runs touch make one: what they have in common is the time before the first.
    But a campaign ``policy.longest_days`` after the first begins a run of its own, so that a weekly newsletter does not
    hold a customer at its first level for ever.
    """
    runs: list[Run] = []
    for at in sorted({at for at in campaigns if at < day}):
        start, end = at, at + policy.days + 1
        if runs and at <= runs[-1][1]:
            start = runs.pop()[0] if at - runs[-1][0] < policy.longest_days else runs[-1][1]
        runs.append((start, end))
    return runs


def inflation(
    series: DaySeries, campaigns: Iterable[int], day: int, policy: CampaignPolicy, own: CadencePolicy
) -> dict[int, Bucket]:
    """By day, what lies above the organic value of each summed field (events, logins, queries, orders, revenue).

    Within a run a field counts at most the median of the last ``policy.comparable_days`` comparable active days before
    the run: workdays with workdays, weekends with weekends. And no more days count, the first ones first, than were
    active in a stretch as long as the run, over the ``policy.usual_days`` before it, rounded up. A customer that was
    asleep when the run began, or never active before, has no organic activity in it.
    """
    above: dict[int, Bucket] = {}
    for start, end in campaign_runs(campaigns, day, policy):
        known = series.lifted.get((start, end))
        if known is not None and known.policy is policy and known.own is own and end <= day:
            above.update(known.above)
            continue
        lifted = _inflation(series, start, min(end, day), _usual_days(series, start, end, policy, own), policy)
        if end <= day:
            # It is over: asked for as long as campaigns count, it stays what it is.
            series.lifted[start, end] = Lifted(policy, own, lifted)
            series.lifted_before = max(series.lifted_before, end)
        above.update(lifted)
    return above


class Lifted(NamedTuple):
    """What a run that is over lies above the organic values, by these settings."""

    policy: CampaignPolicy
    own: CadencePolicy
    above: dict[int, Bucket]


def _inflation(series: DaySeries, start: int, end: int, left: int, policy: CampaignPolicy) -> dict[int, Bucket]:
    """That of one run up to the day ``end``; ``left`` days of it are usual."""
    above: dict[int, Bucket] = {}
    usual: dict[bool, Bucket] = {}
    for at in range(start, end):
        bucket = series.get(at)
        if bucket is None:
            continue
        weekend = _weekend(at)
        if weekend not in usual:
            usual[weekend] = _usual_bucket(series, start, weekend, policy)
        limit = usual[weekend] if left > 0 else [0] * SUMMED
        left -= limit[EVENTS] > 0
        above[at] = [max(0, value - most) for value, most in zip(bucket[:SUMMED], limit, strict=True)]
    return above


def brought(above: Mapping[int, Bucket], field: int, day: int, width: int) -> int:
    """What campaigns brought of a field in the ``width`` days before ``day``. The window less this is organic."""
    return sum(bucket[field] for at, bucket in above.items() if day - width <= at < day)


def organic(series: DaySeries, above: Mapping[int, Bucket]) -> DaySeries:
    """The series without what campaigns brought: what health may look at.

    A day without an organic event is no active day. O(days); for a customer without a campaign the series itself.
    """
    return series.less(above) if above else series


def _usual_days(series: DaySeries, start: int, end: int, policy: CampaignPolicy, own: CadencePolicy) -> int:
    """Days that are usually active in a stretch as long as the run; 0 for who is asleep or new at its start."""
    last, first = series.last_day(start), series.first_day()
    if last is None or first is None:
        return 0
    rhythm = cadence(series, start, own)
    if silence_state(silence(last, start, rhythm), rhythm, own) is not SilenceState.AWAKE:
        return 0
    seen = min(policy.usual_days, start - first)
    return ceil(series.active_days(start, seen) * (end - start) / seen)


def _usual_bucket(series: DaySeries, start: int, weekend: bool, policy: CampaignPolicy) -> Bucket:
    """Median of each summed field over the newest comparable active days before the run, within the usual days; 0 where
    there is none."""
    buckets: list[Bucket] = []
    for index in range(series.count_before(start) - 1, series.count_before(start - policy.usual_days) - 1, -1):
        at = series.days[index]
        if _weekend(at) is weekend:
            bucket = series.get(at)
            assert bucket is not None
            buckets.append(bucket)
            if len(buckets) == policy.comparable_days:
                break
    if not buckets:
        return [0] * SUMMED
    return [max(0, int(median([bucket[field] for bucket in buckets]))) for field in range(SUMMED)]


def _weekend(day: int) -> bool:
    return (day - MONDAY) % _WEEK >= _WORKDAYS
