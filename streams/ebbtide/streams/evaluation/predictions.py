"""What a replay foretold: its published scores, and the predictions that it froze and learned from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import expm1
from pathlib import Path
from typing import NamedTuple

import msgspec

from ebbtide.models.churn.tiers import health_tier
from ebbtide.streams.evaluation.rows import EvaluationError, read


class _Score(msgspec.Struct):
    customer_id: str
    occurred_at: datetime
    version: int
    p_churn: float | None
    tier: str | None
    contributions: msgspec.Raw


class _Part(msgspec.Struct):
    feature: str
    value: float | str


class _Example(msgspec.Struct):
    observed_at: datetime
    matured_at: datetime
    p_churn: float
    label: bool | None
    features: dict[str, float]
    horizon_days: int | None = None
    customer_id: str = ""
    revision: int = 0


class _Revision(msgspec.Struct):
    customer_id: str
    observed_at: datetime
    revision: int = 0


@dataclass
class Prediction:
    """A probability, the tier it was told with, and days since the customer was last active (None: unknown)."""

    p_churn: float
    tier: str
    recency_days: float | None


class Judged(NamedTuple):
    """A prediction with its outcome, and days since the customer was last active (None: unknown)."""

    prediction: Prediction
    churned: bool
    recency_days: float | None


class Frozen(NamedTuple):
    """A judged prediction of a training example: when it was made, and when its label was known."""

    judged: Judged
    observed_at: datetime
    matured_at: datetime
    customer_id: str


class _Standing(NamedTuple):
    """A published score, for as long as no later one replaces it."""

    version: int
    p_churn: float | None
    tier: str | None
    occurred_at: datetime
    recency_days: float | None


def published(directory: Path, cuts: Sequence[datetime]) -> list[dict[str, Prediction]]:
    """By customer, the last score that is not later than each of ``cuts`` (ascending), in one pass over the file.

    Customers that could not be scored then are left out.
    """
    newest: list[dict[str, _Standing]] = [{} for _ in cuts]
    for score in read(directory / "scores.ndjson", _Score):
        place = bisect_left(cuts, score.occurred_at)
        if place < len(cuts):
            known = newest[place].get(score.customer_id)
            if known is None or score.version >= known.version:
                newest[place][score.customer_id] = _Standing(
                    score.version, score.p_churn, score.tier, score.occurred_at, _recency(score)
                )
    standing: dict[str, _Standing] = {}
    found = []
    for cut, scores in zip(cuts, newest, strict=True):
        standing.update(
            (customer, score)
            for customer, score in scores.items()
            if customer not in standing or score.version >= standing[customer].version
        )
        found.append(
            {
                customer: Prediction(
                    score.p_churn, score.tier or health_tier(score.p_churn, None).value, _recency_at(score, cut)
                )
                for customer, score in standing.items()
                if score.p_churn is not None
            }
        )
    return found


def published_between(directory: Path) -> tuple[datetime, datetime]:
    """When the first and the last score were published. Raises :class:`EvaluationError` where there is none."""
    path = directory / "scores.ndjson"
    times = [score.occurred_at for score in read(path, _Score)]
    if not times:
        raise EvaluationError(f"{path} holds no score")
    return min(times), max(times)


def frozen(directory: Path) -> tuple[list[Frozen], int | None]:
    """The predictions of all training examples with their labels, and the horizon they were made for, in days."""
    path = directory / "training-examples.ndjson"
    if not path.exists():
        return [], None
    found = []
    horizon = None
    newest = _revisions(path)
    for example in read(path, _Example):
        corrected = example.revision < newest.get((example.customer_id, example.observed_at), 0)
        if corrected or example.label is None:
            continue
        horizon = example.horizon_days or horizon
        recency = example.features.get("recency")
        recency_days = None if recency is None else _days(recency)
        prediction = Prediction(example.p_churn, health_tier(example.p_churn, None).value, recency_days)
        judged = Judged(prediction, example.label, recency_days)
        found.append(Frozen(judged, example.observed_at, example.matured_at, example.customer_id))
    return found, horizon


def _revisions(path: Path) -> dict[tuple[str, datetime], int]:
    """By customer and instant, of the examples whose label was corrected: the number of the label that holds."""
    newest: dict[tuple[str, datetime], int] = {}
    corrections: Iterator[_Revision] = read(path, _Revision)
    for told in corrections:
        if told.revision:
            key = told.customer_id, told.observed_at
            newest[key] = max(told.revision, newest.get(key, 0))
    return newest


def _days(recency: float) -> float:
    """The whole days that the feature was made of: it is in single precision, and the edge of a horizon is a day."""
    return float(round(expm1(recency)))


def _recency(score: _Score) -> float | None:
    for part in msgspec.json.decode(score.contributions, type=list[_Part]):
        if part.feature == "recency" and isinstance(part.value, float):
            return _days(part.value)
    return None


def _recency_at(score: _Standing, cut: datetime) -> float | None:
    return None if score.recency_days is None else score.recency_days + (cut - score.occurred_at) / timedelta(days=1)
