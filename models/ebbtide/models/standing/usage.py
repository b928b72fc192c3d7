"""Usage of a customer, low to high: against its own segment, in its own rhythm [FX] (signals §6)."""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from typing import NamedTuple

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import EVENTS, DaySeries, median
from ebbtide.models.policy import UsagePolicy
from ebbtide.models.standing.hysteresis import Held, Proposal, StateChange, move
from ebbtide.models.standing.levels import Level, LevelEdges, level_of

STATE_NAME = "usage"
_WEEK = 7


class UsageReason(StrEnum):
    """Why usage has its level."""

    NO_USE = "no_use"
    SEGMENT = "segment"
    KEEPS_BASELINE = "keeps_baseline"
    OWN_BASELINE = "own_baseline"
    NO_BASELINE = "no_baseline"


class Usage(NamedTuple):
    """Events of people per week in the window, per licensed seat if ``per_seat``, and as a share of the own usual.

    ``own_ratio`` is None without a whole window before this one, or where nothing happened in those.
    """

    value: float
    per_seat: bool
    window_days: int
    own_ratio: float | None


def usage(series: DaySeries, day: int, own: Cadence, seats: int | float | None, policy: UsagePolicy) -> Usage:
    """Usage as of grid day ``day`` of a customer that was active before it.

    The window is whole weeks and holds two cadences, so a monthly user is not at nought between two visits. A customer
    younger than the window is measured over its life, at least a week. The own baseline is the median of the windows
    before. Compare per-seat values with per-seat values only: whether seats are known belongs to the segment.
    """
    first = series.first_day()
    assert first is not None, "a customer with a cadence was active before"
    width = _WEEK * ceil(max(policy.window_days, 2 * own.days) / _WEEK)
    events = series.window(EVENTS, day, width)
    value = events * _WEEK / max(_WEEK, min(width, day - first))
    per_seat = seats is not None and seats > 0
    if seats is not None and per_seat:
        value /= seats
    return Usage(value, per_seat, width, _own_ratio(series, day, first, width, events, policy))


def _own_ratio(series: DaySeries, day: int, first: int, width: int, events: int, policy: UsagePolicy) -> float | None:
    windows = min(policy.baseline_windows, (day - first) // width - 1)
    if windows < 1:
        return None
    baseline = median([series.window(EVENTS, day - n * width, width) for n in range(1, windows + 1)])
    return events / baseline if baseline > 0 else None


def usage_level(
    held: Held | None, measured: Usage, edges: tuple[float, float] | None, day: int, policy: UsagePolicy
) -> tuple[Held, StateChange | None]:
    """The level as of grid day ``day``.

    ``edges`` are the segment's quantiles 1/3 and 2/3 of ``Usage.value``; None until there are any: then the own
    baseline decides. Low is who is in the lower third and does not keep its own baseline either: nobody is low merely
    for being small.
    """
    proposed = _propose(None if held is None else held.value, measured, edges, policy)
    return move(STATE_NAME, held, proposed, day, policy.dwell_days)


def _propose(current: str | None, measured: Usage, edges: tuple[float, float] | None, policy: UsagePolicy) -> Proposal:
    value, ratio = measured.value, measured.own_ratio
    evidence: dict[str, object] = {
        "usage_per_week": round(value, 4),
        "per_seat": measured.per_seat,
        "own_ratio": None if ratio is None else round(ratio, 4),
    }
    if value <= 0:
        return Proposal(Level.LOW, UsageReason.NO_USE, evidence)
    if edges is None:
        if ratio is None:
            return Proposal(Level.MIDDLE, UsageReason.NO_BASELINE, evidence)
        own = LevelEdges(policy.own_low_enter, policy.own_low_leave, policy.own_high_leave, policy.own_high_enter)
        return Proposal(level_of(ratio, current, own), UsageReason.OWN_BASELINE, evidence)
    lower, upper = edges
    evidence |= {"lower_edge": round(lower, 4), "upper_edge": round(upper, 4)}
    margin = policy.margin
    found = level_of(value, current, LevelEdges(lower, lower * (1 + margin), upper * (1 - margin), upper))
    keeps = policy.keeps_enter if current == Level.LOW else policy.keeps_leave
    if found is Level.LOW and ratio is not None and ratio >= keeps:
        return Proposal(Level.MIDDLE, UsageReason.KEEPS_BASELINE, evidence)
    return Proposal(found, UsageReason.SEGMENT, evidence)
