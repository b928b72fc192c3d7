"""Drives features, scorer and learner over a whole cohort on the observation grid, one pass, as the live core does."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ebbtide.models.churn.features import features
from ebbtide.models.churn.grid import is_observation_day
from ebbtide.models.churn.labels import inactivity_label, matures_on
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.customer.cadence import cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import CadencePolicy

EPOCH_ORDINAL = 719_163
"""``date(1970, 1, 1).toordinal()``."""

_POLICY = CadencePolicy()


@dataclass
class Verdict:
    """A customer at the cut: probability of churn, what then happened, and days since it was last active."""

    customer: str
    p_churn: float
    churned: bool
    recency_days: int


@dataclass
class Run:
    """What a pass over a cohort leaves."""

    learner: Learner
    verdicts: list[Verdict]


def run(cohort: Mapping[str, DaySeries], cut_day: int, horizon_days: int, every_days: int = 7) -> Run:
    """Observe, score and learn up to ``cut_day``; score everybody there against the ``horizon_days`` that follow.

    Every customer is observed on each grid day after its first activity. An example is learned on the first grid day on
    which it has matured, in the order (observed day, customer id), before anybody is scored on that day.
    """
    learner = Learner()
    scorer = Scorer.from_model(learner.to_model(None, "test"))
    pending: deque[tuple[int, list[tuple[str, array[float], float]]]] = deque()
    first = min(day for series in cohort.values() for day in series.days[:1])
    for day in range(first + 1, cut_day):
        if not is_observation_day(day, every_days):
            continue
        if _learn_matured(cohort, learner, pending, day, horizon_days):
            scorer = Scorer.from_model(learner.to_model(None, "test"))
        observed = [
            (customer, array("d", vector), scorer.score(vector).p) for customer, vector in _observe(cohort, day)
        ]
        pending.append((day, observed))
    if _learn_matured(cohort, learner, pending, cut_day, horizon_days):
        scorer = Scorer.from_model(learner.to_model(None, "test"))
    verdicts = []
    for customer, vector in _observe(cohort, cut_day):
        series = cohort[customer]
        last = series.last_day(cut_day)
        label = inactivity_label(series, cut_day, matures_on(cut_day, horizon_days), horizon_days)
        assert last is not None
        assert label.churned is not None
        verdicts.append(Verdict(customer, scorer.score(vector).p, label.churned, cut_day - last))
    return Run(learner, verdicts)


def _observe(cohort: Mapping[str, DaySeries], day: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    for customer in sorted(cohort):
        series = cohort[customer]
        vector = features(series, day, cadence(series, day, _POLICY).days)
        if vector is not None:
            yield customer, vector


def _learn_matured(
    cohort: Mapping[str, DaySeries],
    learner: Learner,
    pending: deque[tuple[int, list[tuple[str, array[float], float]]]],
    now_day: int,
    horizon_days: int,
) -> bool:
    before = learner.examples
    while pending and matures_on(pending[0][0], horizon_days) <= now_day:
        day, observed = pending.popleft()
        for customer, vector, p_churn in observed:
            label = inactivity_label(cohort[customer], day, now_day, horizon_days)
            assert label.churned is not None
            learner.learn(vector, label.churned, p_churn)
    return learner.examples > before
