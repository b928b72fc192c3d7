"""The published score and the predictions that wait for their labels, in few bytes."""

from __future__ import annotations

from itertools import accumulate
from math import log1p
from struct import Struct, pack, unpack

from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.customer import Observation, Published
from ebbtide.models.customer.packing.columns import Column, steps

_SINGLE = Struct("<f")
_MOST_COUNT = 4096


def _single(value: float) -> float:
    (single,) = _SINGLE.unpack(_SINGLE.pack(value))
    return float(single)


_LOGS = [_single(log1p(count)) for count in range(_MOST_COUNT)]
"""Most features are logarithms of counts and of days: ln(1 + n), in single precision."""

_COUNTS = {value: count for count, value in enumerate(_LOGS)}


def pack_score(score: Published | None) -> Column | None:
    """A score; its features are of single precision."""
    if score is None:
        return None
    return [
        score.version,
        score.p_churn,
        score.logit,
        score.intercept,
        pack(f"<{len(score.contributions)}d", *score.contributions),
        pack(f"<{len(score.features)}f", *score.features),
        score.tier,
        score.model_version,
    ]


def unpack_score(packed: Column | None) -> Published | None:
    """The score."""
    if packed is None:
        return None
    version, p_churn, logit, intercept, contributions, features, tier, model_version = packed
    return Published(
        version,
        p_churn,
        logit,
        intercept,
        unpack(f"<{len(contributions) // 8}d", contributions),
        unpack(f"<{len(features) // 4}f", features),
        tier,
        model_version,
    )


def pack_observations(observations: list[Observation]) -> Column:
    """Predictions by columns: a feature that is the logarithm of a count in all of them as counts, else by bytes.

    They change little from week to week.
    """
    versions = list(dict.fromkeys(observation.model_version for observation in observations))
    rows = [unpack(f"<{len(NAMES)}f", observation.features) for observation in observations]
    columns: Column = []
    for values in zip(*rows, strict=True):
        counts = [_COUNTS.get(value) for value in values]
        if None in counts:
            column = pack(f"<{len(values)}f", *values)
            columns.append(b"".join(column[place::4] for place in range(4)))
        else:
            columns.append(counts)
    return [
        steps(observation.day for observation in observations),
        columns,
        pack(f"<{len(observations)}d", *(observation.p_churn for observation in observations)),
        versions,
        [versions.index(observation.model_version) for observation in observations],
    ]


def unpack_observations(packed: Column) -> list[Observation]:
    """The predictions."""
    days, columns, chances, versions, places = packed
    count = len(days)
    features = [
        unpack(f"<{count}f", b"".join(column[place::count] for place in range(count)))
        if isinstance(column, bytes)
        else [_LOGS[number] for number in column]
        for column in columns
    ]
    rows = zip(accumulate(days), zip(*features, strict=True), unpack(f"<{count}d", chances), places, strict=False)
    return [
        Observation(day, pack(f"<{len(NAMES)}f", *row), p_churn, versions[place]) for day, row, p_churn, place in rows
    ]
