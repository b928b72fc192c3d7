"""Which feature modules drove a surge (signals §7): those that grew beyond the customer's growth as a whole."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from ebbtide.models.adoption.uses import Uses
from ebbtide.models.profile.modules import OTHER
from ebbtide.schemas.profile_state import MACHINE

MOST_DRIVERS = 3
"""So many are told at most."""

LEAST_SHARE = 0.05
"""Of all growth: what grew by less than that beyond its part drove nothing. Decision 16 has what it was chosen by."""

_WEEK = 7


class Driver(NamedTuple):
    """A module's uses in the window, the usual number in such a window, and its share of all growth, 0..1."""

    module: str
    value: int
    baseline: float
    share: float


def drivers(uses: Uses, day: int, window_days: int, weeks: int) -> list[Driver]:
    """The modules that drove the growth in the ``window_days`` before ``day``, which are whole weeks; the first first.

    The baseline of a module is the median of its newest ``weeks`` calendar weeks before the window, scaled to its
    length: older uses are known by calendar weeks alone. A module drove the growth by as much as it was used more than
    if all modules had grown alike; growth shared by all has no driver. What machines did is none; of equals the first
    by name. Empty where no usual use was told of: then all of it would look new.
    """
    now, before = uses.counts(day, window_days), uses.weeks(day - window_days, weeks)
    modules = (now.keys() | before.keys()) - {MACHINE}
    usual = {
        module: median(before[module]) * window_days / _WEEK if module in before else 0.0 for module in sorted(modules)
    }
    whole = sum(usual.values())
    if not whole:
        return []
    values = {module: now.get(module, 0) for module in usual}
    growth = {module: values[module] - baseline for module, baseline in usual.items() if values[module] > baseline}
    total, ratio = sum(growth.values()), sum(values.values()) / whole
    beyond = {module: values[module] - usual[module] * ratio for module in growth.keys() - {OTHER}}
    first = sorted(beyond, key=lambda module: (-beyond[module], module))
    return [
        Driver(module, values[module], usual[module], growth[module] / total)
        for module in first[:MOST_DRIVERS]
        if beyond[module] >= LEAST_SHARE * total
    ]
