"""What a lead did since its trial began: the numbers behind its priority."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.models.customer.series import QUERIES, DaySeries
from ebbtide.models.policy import LeadPolicy
from ebbtide.schemas.base import DAY_SECONDS

LONGEST_DAYS = 91
"""A longer trial counts as so long: older numbers are not kept."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Days since the last login (None: never), total queries, and the newest query rate over that since the trial
    began (None where nothing was queried in the trial)."""

    silent_days: int | None
    queries: int
    trend: float | None


def interest(
    series: DaySeries, last_login_at: int | None, trial_day: int | None, day: int, policy: LeadPolicy
) -> Interest:
    """Interest as of ``day``, with the epoch second of the last login before it.

    The trial began on ``trial_day``, or with the first activity where that is not known. One longer than 91 days counts
    as 91: older numbers are not kept. One younger than ``policy.rate_days`` has no newest days yet: its rate is kept.
    """
    began = trial_day if trial_day is not None else series.first_day()
    return Interest(
        None if last_login_at is None else day - last_login_at // DAY_SECONDS,
        series.total(QUERIES, day),
        None if began is None else _trend(series, began, day, policy.rate_days),
    )


def _trend(series: DaySeries, began: int, day: int, newest: int) -> float | None:
    age = min(day - began, LONGEST_DAYS)
    total = series.window(QUERIES, day, age) if age > 0 else 0
    if total <= 0:
        return None
    width = min(newest, age)
    return series.window(QUERIES, day, width) / width * age / total
