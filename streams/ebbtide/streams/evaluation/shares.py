"""Shares of cases, their intervals, and the difference of two shares over the same customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import quantiles
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ebbtide.models.churn.quality import wilson

RESAMPLES = 2_000
FEWEST_CUSTOMERS = 10
"""With fewer customers to draw from, a bootstrap's interval is far too narrow, and is not told."""

_SEED = 20_250_106
_MOST_CELLS = 4_000_000
"""Weights that are drawn at once: 32 MB."""


class Case(NamedTuple):
    """Of one customer: ``part`` out of ``whole``. A share is the sum of the parts over the sum of the wholes."""

    customer_id: str
    part: float
    whole: float = 1.0


def ratio(cases: Iterable[Case]) -> float | None:
    """The share over all cases; None over nothing."""
    part = whole = 0.0
    for case in cases:
        part += case.part
        whole += case.whole
    return part / whole if whole else None


def share(cases: Sequence[Case]) -> dict[str, Any]:
    """``count``, ``of``, ``share`` and its 95 % interval (Wilson 1927), which takes cases as independent."""
    count, total = int(sum(case.part for case in cases)), int(sum(case.whole for case in cases))
    low, high = wilson(count, total)
    return {
        "count": count,
        "of": total,
        "share": count / total if total else None,
        "low_95": low if total else None,
        "high_95": high if total else None,
    }


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Quartiles."""
    if not values:
        return dict.fromkeys(("lower_quartile", "median", "upper_quartile"))
    lower, middle, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"lower_quartile": lower, "median": middle, "upper_quartile": upper}


def paired_difference(first: Sequence[Case], second: Sequence[Case]) -> dict[str, float | None]:
    """``second``'s share less ``first``'s, with the 95 % interval of a bootstrap over customers (Efron 1979).

    It is told where they are enough. Customers are drawn whole, with what both say of them: alerts of one customer are
    no independent cases, and what both have in common is no difference.
    """
    sums = _sums(first, second)
    first_share, second_share = ratio(first), ratio(second)
    if first_share is None or second_share is None:
        return {"difference": None, "low_95": None, "high_95": None}
    if not _are_enough(sums):
        return {"difference": second_share - first_share, "low_95": None, "high_95": None}
    drawn = _resampled(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        differences = drawn[:, 2] / drawn[:, 3] - drawn[:, 0] / drawn[:, 1]
    return {"difference": second_share - first_share, **_interval(differences)}


def quotient(part: Sequence[Case], whole: Sequence[Case]) -> dict[str, float | None]:
    """``part``'s share as a multiple of ``whole``'s, with the 95 % interval of a bootstrap over customers."""
    part_share, whole_share = ratio(part), ratio(whole)
    if part_share is None or not whole_share:
        return {"lift": None, "low_95": None, "high_95": None}
    sums = _sums(part, whole)
    if not _are_enough(sums):
        return {"lift": part_share / whole_share, "low_95": None, "high_95": None}
    drawn = _resampled(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        lifts = (drawn[:, 0] / drawn[:, 1]) / (drawn[:, 2] / drawn[:, 3])
    return {"lift": part_share / whole_share, **_interval(lifts)}


def _sums(first: Iterable[Case], second: Iterable[Case]) -> npt.NDArray[np.float64]:
    """A row per customer: part and whole of the first, part and whole of the second."""
    rows: dict[str, list[float]] = {}
    for column, cases in ((0, first), (2, second)):
        for customer_id, part, whole in cases:
            row = rows.setdefault(customer_id, [0.0, 0.0, 0.0, 0.0])
            row[column] += part
            row[column + 1] += whole
    return np.array([rows[customer] for customer in sorted(rows)], dtype=np.float64)


def _are_enough(sums: npt.NDArray[np.float64]) -> bool:
    """Whether both shares rest on enough customers."""
    return bool(np.count_nonzero(sums[:, [1, 3]], axis=0).min() >= FEWEST_CUSTOMERS)


def _resampled(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sums over customers drawn with replacement, :data:`RESAMPLES` times. The same for the same sums."""
    rng = np.random.default_rng(_SEED)
    size = len(sums)
    chunk = max(1, _MOST_CELLS // size)
    even = np.full(size, 1 / size)
    parts = []
    for done in range(0, RESAMPLES, chunk):
        weights = rng.multinomial(size, even, size=min(chunk, RESAMPLES - done))
        parts.append(weights @ sums)
    return np.concatenate(parts)


def _interval(values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    low, high = np.percentile(values[np.isfinite(values)], (2.5, 97.5))
    return {"low_95": float(low), "high_95": float(high)}
