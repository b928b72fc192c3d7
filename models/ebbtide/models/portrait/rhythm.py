"""A customer's rhythm with the dates on which its silence changes what it is taken for (signals §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ebbtide.models.customer.cadence import (
    SilenceState,
    asleep_after,
    cadence,
    instant_of,
    left_after,
    silence,
    silence_state,
)
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import CadencePolicy
from ebbtide.models.portrait.dates import date_of


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Durations are in calendar days.

    ``since`` is when the state began, by today's rhythm: for one that is awake the first active day after the newest
    gap in which it would have been asleep. ``asleep_from`` and ``left_from`` are when the present silence makes it so.
    Of a blind customer there is no present silence: they are null where they would lie after it was seen last.
    """

    cadence_days: float
    business_days: bool
    trusted: bool
    silence_days: int | None
    state: SilenceState
    since: date
    asleep_from: date | None
    left_from: date | None


def rhythm(series: DaySeries, day: int, policy: CadencePolicy, *, blind: bool = False) -> Rhythm | None:
    """The rhythm as of grid instant ``day``; None for a customer that was never active before.

    ``trusted`` is false while the prior stands in for a rhythm of which too little was seen. ``blind``: nobody can see
    the customer after ``day``.
    """
    last_day = series.last_day(day)
    if last_day is None:
        return None
    own = cadence(series, day, policy)
    asleep, left = asleep_after(own, policy), left_after(own, policy)
    state = silence_state(silence(last_day, day, own), own, policy)
    asleep_from, left_from = instant_of(last_day, asleep, own), instant_of(last_day, left, own)
    active = series.days[: series.count_before(day)]
    woke = [after for before, after in pairwise(active) if silence(before, after, own) >= asleep]
    awake_since = woke[-1] if woke else active[0]
    since = {SilenceState.AWAKE: awake_since, SilenceState.ASLEEP: asleep_from, SilenceState.LEFT: left_from}
    return Rhythm(
        cadence_days=round(own.days, 4),
        business_days=own.business,
        trusted=len(active) > policy.min_gaps,
        silence_days=None if blind else day - last_day,
        state=state,
        since=date_of(since[state]),
        asleep_from=None if blind and asleep_from > day else date_of(asleep_from),
        left_from=None if blind and left_from > day else date_of(left_from),
    )
