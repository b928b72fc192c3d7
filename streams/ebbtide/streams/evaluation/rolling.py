"""The same measures at several cuts of one replay, and how much they differ from cut to cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean, stdev
from typing import Any

from ebbtide.models.churn.grid import is_observation_day, last_observation_day
from ebbtide.models.clock.watermark import from_ms
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.streams.evaluation.measures import MEASURES, by_activity
from ebbtide.streams.evaluation.predictions import Frozen, Judged
from ebbtide.streams.evaluation.rows import EvaluationError


def cuts_between(first: datetime, last: datetime, every_days: int) -> list[datetime]:
    """Instants of the grid of ``every_days``, ascending: whole weeks lie on the observation grid.

    Raises :class:`EvaluationError` where there is none.
    """
    begin = -(-to_ms(first) // DAY_MS)
    day = last_observation_day(begin + every_days - 1, every_days)
    cuts = [from_ms(at) for at in range(day * DAY_MS, to_ms(last) + 1, every_days * DAY_MS)]
    if not cuts:
        raise EvaluationError(
            f"no cut fits: labels can have been learned from {first:%Y-%m-%d} on, a horizon after the first score, and "
            f"outcomes are known for cuts until {last:%Y-%m-%d}; give a shorter --horizon, a smaller --every or a "
            "longer history"
        )
    return cuts


def frozen_at(
    examples: Iterable[Frozen], last: datetime, horizon: timedelta, every_days: int
) -> dict[datetime, list[Judged]]:
    """The predictions that were frozen at each cut until ``last``, with their labels; ascending.

    Raises :class:`EvaluationError` where there is none.
    """
    by_instant: dict[datetime, list[Judged]] = defaultdict(list)
    for example in examples:
        by_instant[example.observed_at].append(example.judged)
    if not by_instant:
        raise EvaluationError(
            "no cut fits: no training example has matured; give --events or --truth, or a history that is longer than "
            f"the horizon of {horizon.days} days"
        )
    first = min(by_instant)
    found = {
        instant: judged
        for instant, judged in sorted(by_instant.items())
        if first + horizon <= instant <= last and is_observation_day(to_ms(instant) // DAY_MS, every_days)
    }
    if not found:
        raise EvaluationError(
            f"no cut fits: customers whose outcome is known were observed from {first:%Y-%m-%d} to "
            f"{max(by_instant):%Y-%m-%d}, and nothing was learned before a horizon of {horizon.days} days was over; "
            "give a smaller --every or a longer history"
        )
    return found


def rolling(judged_at: Mapping[datetime, Sequence[Judged]], every_days: int, active_days: int) -> dict[str, Any]:
    """Measures at each cut, and their mean and standard deviation over the cuts at which they are known."""
    cuts: list[dict[str, Any]] = [
        {"cut": cut.isoformat().replace("+00:00", "Z"), **by_activity(judged, active_days)}
        for cut, judged in judged_at.items()
    ]
    found: dict[str, Any] = {"every_days": every_days, "cuts": cuts, "mean": {}, "standard_deviation": {}}
    for part in ("all", "active"):
        columns = {name: [row[part][name] for row in cuts if row[part][name] is not None] for name in MEASURES}
        found["mean"][part] = {name: fmean(values) if values else None for name, values in columns.items()}
        found["standard_deviation"][part] = {
            name: stdev(values) if len(values) > 1 else None for name, values in columns.items()
        }
    return found
