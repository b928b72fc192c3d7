"""Alarm when those whom the model is asked about are others than before: "the customer base changed".

Labels tell of a change a horizon late. What the model is asked tells at once: at every observation instant each
partition counts how many customers have which value of each feature. The counts are held against those of the weeks
before by the population stability index, the sum over a feature's bins of (now - before) · ln(now / before) in shares;
by convention below 0.1 is stable and above 0.25 a shift (Siddiqi 2006).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import log, sqrt

import msgspec
import numpy as np

from ebbtide.models.churn.features import FEATURES, NAMES

WATCHED = (
    "active_days_28d",
    "events_28d",
    "active_rate",
    "events_per_active_day",
    "logins_28d",
    "queries_28d",
    "queries_share",
)
"""Features that stay where they are while customers stay what they are.

Ages and totals grow by themselves, windows of a quarter are whole only a quarter after a log began, and days of
silence, as windows of a week, tell of holidays, which are no change of those who have them.
"""

WIDTHS = {feature.name: 0.1 if feature.unit == "share" else 0.5 for feature in FEATURES if feature.name in WATCHED}
"""Widths of the bins: a tenth of a share, half a unit of a logarithm."""

_PLACES = [NAMES.index(name) for name in WATCHED]
_WIDTHS = np.array([WIDTHS[name] for name in WATCHED], dtype=np.float64)

LEAST_CUSTOMERS = 50
"""Fewer are too few to tell by: a bin of two or three moves with one customer."""

FADE = 0.5 ** (1 / 8)
"""Weeks weigh half after eight: a population that changed is the usual one two months later."""

LEAST_INSTANTS = 8
"""Observation instants before which nothing is usual yet."""

DEVIATIONS = 3.0
"""So many standard deviations above its mean the index may be by chance: in a book of 80 half of what counts."""

_EMPTY = 0.5
"""Customers that an empty bin counts for: a logarithm needs them."""

Counts = Mapping[str, Mapping[int, int]]


def counted(vectors: Iterable[bytes]) -> dict[str, dict[int, int]]:
    """How many vectors, each packed in single precision in the order of ``FEATURES``, lie in which bin of a feature
    that is watched."""
    table = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, len(NAMES))
    bins = np.floor(table[:, _PLACES].astype(np.float64) / _WIDTHS).astype(np.int64)
    found = {}
    for place, name in enumerate(WATCHED):
        numbers, times = np.unique(bins[:, place], return_counts=True)
        found[name] = dict(zip(numbers.tolist(), times.tolist(), strict=True))
    return found


def merged(parts: Iterable[Counts]) -> dict[str, Counter[int]]:
    """The counts of all partitions together."""
    total: dict[str, Counter[int]] = {}
    for part in parts:
        for name, bins in part.items():
            total.setdefault(name, Counter()).update(bins)
    return total


class Moved(msgspec.Struct, frozen=True):
    """The inputs have shifted, or settled again: the index of every feature that says so, the greatest first."""

    is_shifted: bool
    indices: dict[str, float]
    customers: int


class InputWatch(msgspec.Struct):
    """What is usual, faded, and whether the inputs have shifted from it; plain numbers."""

    usual: dict[str, dict[int, float]] = msgspec.field(default_factory=dict)
    instants: int = 0
    is_shifted: bool = False
    indices: dict[str, float] = msgspec.field(default_factory=dict)

    def look(self, counts: Counts, customers: int, *, enter: float, leave: float) -> Moved | None:
        """Take in the counts of one instant; tell if the inputs shifted (an index above ``enter``) or settled (all
        below ``leave``)."""
        if customers < LEAST_CUSTOMERS:
            return None
        moved = None
        if self.instants >= LEAST_INSTANTS:
            self.indices = {name: stability_index(self.usual.get(name, {}), bins) for name, bins in counts.items()}
            moved = self._move(customers, enter, leave)
        for name, bins in counts.items():
            before = self.usual.get(name, {})
            self.usual[name] = {
                number: FADE * before.get(number, 0.0) + bins.get(number, 0)
                for number in sorted(before.keys() | bins.keys())
            }
        self.instants += 1
        return moved

    def _move(self, customers: int, enter: float, leave: float) -> Moved | None:
        greatest = max(self.indices.values(), default=0.0)
        is_shifted = greatest >= leave if self.is_shifted else greatest > enter
        if is_shifted is self.is_shifted:
            return None
        self.is_shifted = is_shifted
        ranked = sorted(self.indices.items(), key=lambda index: (-index[1], index[0]))
        return Moved(self.is_shifted, {name: index for name, index in ranked if index > enter}, customers)


def stability_index(before: Mapping[int, float], now: Mapping[int, int]) -> float:
    """Population stability index of two histograms over the same bins, less what chance alone may give. Not below 0.

    Where nothing has changed it is (1/n before + 1/n now) · χ² with as many degrees of freedom as there are bins, less
    one (Yurdakul and Naranjo 2020): its mean and ``DEVIATIONS`` of it are taken off.
    """
    bins = sorted(before.keys() | now.keys())
    filled = [(before.get(number, 0.0) or _EMPTY, now.get(number, 0) or _EMPTY) for number in bins]
    n_before, n_now = sum(pair[0] for pair in filled), sum(pair[1] for pair in filled)
    index = sum((new / n_now - old / n_before) * log((new / n_now) / (old / n_before)) for old, new in filled)
    freedom = len(bins) - 1
    chance = (freedom + DEVIATIONS * sqrt(2.0 * freedom)) * (1.0 / n_before + 1.0 / n_now)
    return max(0.0, index - chance)
