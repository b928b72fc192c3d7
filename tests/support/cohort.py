"""Drives features, scorer and learner over a whole cohort on the observation grid, one pass, as the live core does."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, stdev

from ebbtide.models.churn.features import features
from ebbtide.models.churn.grid import is_observation_day
from ebbtide.models.churn.labels import Label, LabelKind, Renewal, label, matures_on
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.quality import auc, brier
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.customer.cadence import cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import CadencePolicy
from ebbtide.schemas.base import DAY_MS

EPOCH_ORDINAL = 719_163
"""``date(1970, 1, 1).toordinal()``."""

ROLLING_DAYS = 28
"""Days between the cuts of the rolling evaluation."""

ROLLING_CUTS = 13
"""As many of them are told, the latest: a year."""

Contracts = Mapping[str, Sequence[Renewal]]
"""What became of the contracts of each customer."""

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
    """What a pass over a cohort leaves: verdicts at the cut, and at earlier ones, by day, since labels were known."""

    learner: Learner
    verdicts: list[Verdict]
    earlier: dict[int, list[Verdict]]


def run(
    cohort: Mapping[str, DaySeries],
    cut_day: int,
    horizon_days: int,
    every_days: int = 7,
    contracts: Contracts | None = None,
) -> Run:
    """Observe, score and learn up to ``cut_day``; score everybody there against the ``horizon_days`` that follow.

    Every customer is observed on each grid day after its first activity. An example is learned on the first grid day on
    which it has matured, in the order (observed day, customer id), before anybody is scored on that day. Labels are of
    the kind ``auto``: by ``contracts`` for who has one.
    """
    learner = Learner()
    scorer = Scorer.from_model(learner.to_model(None, "test"))
    pending: deque[tuple[int, list[tuple[str, array[float], float]]]] = deque()
    earlier: dict[int, list[Verdict]] = {}
    labels = _Labels(cohort, contracts or {}, horizon_days)
    first = min(day for series in cohort.values() for day in series.days[:1])
    for day in range(first + 1, cut_day):
        if not is_observation_day(day, every_days):
            continue
        if _learn_matured(labels, learner, pending, day):
            scorer = Scorer.from_model(learner.to_model(None, "test"))
        observed = [
            (customer, array("d", vector), scorer.score(vector).p) for customer, vector in _observe(cohort, day)
        ]
        pending.append((day, observed))
        if learner.examples and is_observation_day(day, ROLLING_DAYS):
            earlier[day] = labels.verdicts(day, ((customer, p) for customer, _, p in observed))
    if _learn_matured(labels, learner, pending, cut_day):
        scorer = Scorer.from_model(learner.to_model(None, "test"))
    scored = ((customer, scorer.score(vector).p) for customer, vector in _observe(cohort, cut_day))
    return Run(learner, labels.verdicts(cut_day, scored), earlier)


@dataclass
class _Labels:
    """What becomes of a cohort, told no earlier than it can be known."""

    cohort: Mapping[str, DaySeries]
    contracts: Contracts
    horizon_days: int

    def of(self, customer: str, day: int, now_day: int) -> Label:
        known = [renewal for renewal in self.contracts.get(customer, ()) if renewal.at_ms < now_day * DAY_MS]
        return label(LabelKind.AUTO, self.cohort[customer], known, day, now_day, self.horizon_days)

    def verdicts(self, day: int, scored: Iterator[tuple[str, float]]) -> list[Verdict]:
        """Those of customers who could still churn on ``day``."""
        found = []
        for customer, p_churn in scored:
            churned = self.of(customer, day, matures_on(day, self.horizon_days)).churned
            last = self.cohort[customer].last_day(day)
            assert last is not None
            if churned is not None:
                found.append(Verdict(customer, p_churn, churned, day - last))
        return found


def _observe(cohort: Mapping[str, DaySeries], day: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    for customer in sorted(cohort):
        series = cohort[customer]
        vector = features(series, day, cadence(series, day, _POLICY).days)
        if vector is not None:
            yield customer, vector


def _learn_matured(
    labels: _Labels, learner: Learner, pending: deque[tuple[int, list[tuple[str, array[float], float]]]], now_day: int
) -> bool:
    before = learner.examples
    while pending and matures_on(pending[0][0], labels.horizon_days) <= now_day:
        day, observed = pending.popleft()
        for customer, vector, p_churn in observed:
            churned = labels.of(customer, day, now_day).churned
            if churned is not None:
                learner.learn(vector, churned, p_churn)
    return learner.examples > before


def report(name: str, result: Run, active_days: int) -> tuple[float, float, float]:
    """AUC of everybody, AUC of those active in the last days, Brier of everybody; printed, with the earlier cuts."""
    told = _quality(result.verdicts, active_days)
    assert told is not None
    size = f"{len(result.verdicts)}/{sum(v.recency_days <= active_days for v in result.verdicts)}"
    print(
        f"{name}: {size} customers, AUC {told[0]:.4f}/{told[1]:.4f}, Brier {told[2]:.4f}, "
        f"{result.learner.examples} examples, prequential {result.learner.quality.report()}"
    )
    rolling = []
    for day, verdicts in sorted(result.earlier.items())[-ROLLING_CUTS:]:
        found = _quality(verdicts, active_days)
        if found is not None:
            rolling.append(found)
            churned = sum(v.churned for v in verdicts)
            print(
                f"  {date.fromordinal(day + EPOCH_ORDINAL)}: {len(verdicts)} customers, {churned} churned, "
                f"AUC {found[0]:.4f}/{found[1]:.4f}, Brier {found[2]:.4f}"
            )
    if len(rolling) > 1:
        for title, measure in (("mean", fmean), ("standard deviation", stdev)):
            auc_all, auc_active, score = (measure(column) for column in zip(*rolling, strict=True))
            print(f"  {title} of {len(rolling)} cuts: AUC {auc_all:.4f}/{auc_active:.4f}, Brier {score:.4f}")
    return told


def _quality(everybody: Sequence[Verdict], active_days: int) -> tuple[float, float, float] | None:
    active = [v for v in everybody if v.recency_days <= active_days]
    labels, ps = [v.churned for v in everybody], [v.p_churn for v in everybody]
    auc_all = auc(labels, ps)
    auc_active = auc([v.churned for v in active], [v.p_churn for v in active])
    score = brier(labels, ps)
    return None if auc_all is None or auc_active is None or score is None else (auc_all, auc_active, score)
