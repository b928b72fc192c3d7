"""Which silence is beyond what a customer does now and then (signals §4, §7).

The cadence is the median gap, so that half of the gaps of whoever comes by chance are longer, and twice the median is
nothing special for it; whoever comes like clockwork is missed at once. The gap that all but a few stay within tells
them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from operator import sub

from ebbtide.models.customer.cadence import Cadence, asleep_after
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import AlertPolicy, CadencePolicy


def unusual_after(
    series: DaySeries, last_day: int, own: Cadence, cadence: CadencePolicy, policy: AlertPolicy
) -> float | None:
    """Silence since ``last_day``, in the cadence's days, that is told; None where too few gaps are known."""
    end = series.count_before(last_day + 1)
    steps = (series.workdays if own.business else series.days)[max(0, end - cadence.max_gaps - 1) : end]
    gaps = sorted(map(sub, steps[1:], steps))
    if len(gaps) < policy.asleep_min_gaps:
        return None
    return max(asleep_after(own, cadence), policy.asleep_gaps * usual_longest(gaps, policy.asleep_quantile))


def usual_longest(gaps: Sequence[int], quantile: float) -> int:
    """The gap, of two or more in ascending order, that a share of them stays within. The longest is never usual."""
    return gaps[min(ceil(quantile * len(gaps)), len(gaps) - 1) - 1]
