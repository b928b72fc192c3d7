"""Quality of a replay: how well its scores and alerts foretold what then happened.

Reads the files of a replay directory and, apart from them, what became of the customers: a truth file, or raw events
that go on after the cut. Scores are taken as they stood at the cut; nothing here may see a later one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from ebbtide.streams.evaluation import alerts
from ebbtide.streams.evaluation.customers import Customers
from ebbtide.streams.evaluation.fates import EventLog, Fate, Fates, TruthFile
from ebbtide.streams.evaluation.lift import EVERY_DAYS, TieredCustomer, tier_lift
from ebbtide.streams.evaluation.measures import by_activity, by_tier, prequential
from ebbtide.streams.evaluation.planted import planted
from ebbtide.streams.evaluation.predictions import (
    Frozen,
    Judged,
    Prediction,
    frozen,
    published,
    published_between,
)
from ebbtide.streams.evaluation.rolling import cuts_between, frozen_at, rolling
from ebbtide.streams.evaluation.rows import EvaluationError

DEFAULT_HORIZON_DAYS = 90


def evaluate(
    directory: Path,
    truth: Path | None = None,
    events: Path | None = None,
    *,
    cut: datetime | None = None,
    horizon_days: int | None = None,
    active_days: int | None = None,
    every_days: int | None = None,
    feedback: Path | None = None,
) -> dict[str, Any]:
    """Judge the replay in ``directory``.

    ``truth``: NDJSON rows with a customer (``group_id``, ``user_id``, ``customer`` or ``customer_id``) and
    ``churned_at`` (RFC 3339 or null) or ``churned`` (true or false), as ``ebbtide simulate --truth`` writes them.
    ``events``: raw Segment events (``.ndjson[.gz]``) that go on after the cut; churned then means no activity in the
    horizon. ``cut``: the instant whose scores are judged; by default the last score, or with ``truth``, which knows no
    further, a horizon before it. ``horizon_days``: by default that of the training examples, else 90. ``active_days``:
    customers active within so many days before the cut are judged apart too; by default the horizon.

    ``every_days``: judge several cuts too, one every so many days, from a horizon after the first score on (before, no
    label can have been learned) to the last whose outcomes are known, or ``cut``. With ``truth`` or ``events`` they are
    judged by published scores, and ``cut`` is by default the last of them; without, by the frozen predictions of the
    training examples and their own labels.

    ``feedback``: records of topic ``feedback``, a line each; what they say of alerts is counted.

    Alerts are judged over the whole replay, by ``truth``, ``events`` or the labels of the replay's own training
    examples. Where the truth tells what was planted, what they caught of it is told too.

    Raises :class:`EvaluationError`. The result is JSON-ready.
    """
    if truth is not None and events is not None:
        raise EvaluationError("give either a truth file or events, not both")
    if not (directory / "scores.ndjson").exists():
        raise EvaluationError(f"{directory / 'scores.ndjson'} is missing: is {directory} the --out of a replay?")
    examples, found_horizon = frozen(directory)
    horizon = timedelta(days=horizon_days or found_horizon or DEFAULT_HORIZON_DAYS)
    active = active_days or horizon.days
    cut = cut.replace(tzinfo=UTC) if cut is not None and cut.tzinfo is None else cut
    fates: Fates | None = None
    sown = None
    if truth is not None:
        customers = Customers(directory)
        fates, sown = TruthFile(truth, customers), planted(truth, customers)
    elif events is not None:
        fates = EventLog(events, Customers(directory))
    cuts, cut = _cuts(directory, fates, cut, horizon, every_days)
    tier_cuts = [] if fates is None else _tier_cuts(directory, fates, cut, horizon)
    instants = sorted({*cuts, *tier_cuts, cut})
    predictions = dict(zip(instants, published(directory, instants), strict=True))
    result: dict[str, Any] = {
        "directory": str(directory),
        "cut": cut.isoformat().replace("+00:00", "Z"),
        "horizon_days": horizon.days,
        "active_days": active,
        "scored": len(predictions[cut]),
        "prequential": prequential(examples, active),
    }
    judged_alerts = alerts.judge(directory, fates, sown, horizon)
    result["alerts"] = None if judged_alerts is None else alerts.summary(judged_alerts, feedback)
    if fates is not None:
        by_cut = {at: (predictions[at], fates.after(at, horizon)) for at in tier_cuts}
        result["tier_lift"] = tier_lift(_tiered(by_cut), by_cut)
    elif examples:
        result["tier_lift"] = _frozen_lift(examples, horizon)
    if fates is not None:
        fate = fates.after(cut, horizon)
        judged = _judged(predictions[cut], fate)
        result |= {
            "truth_without_score": fate.unmatched + len(fate.churned.keys() - predictions[cut].keys()),
            "score_without_truth": len(predictions[cut].keys() - fate.churned.keys()),
            "quality": by_activity(judged, active),
            "tiers": by_tier(judged),
        }
    if every_days is not None:
        judged_at = (
            {at: _judged(predictions[at], fates.after(at, horizon)) for at in cuts}
            if fates is not None
            else frozen_at(examples, cut, horizon, every_days)
        )
        result["rolling"] = rolling(judged_at, every_days, active)
    return result


def _cuts(
    directory: Path, fates: Fates | None, cut: datetime | None, horizon: timedelta, every_days: int | None
) -> tuple[list[datetime], datetime]:
    """The cuts at which published scores are judged one after the other, if any, and the one that is judged in full."""
    if cut is not None and (fates is None or every_days is None):
        return [], cut
    first, last = published_between(directory)
    known_by_default = last - horizon if isinstance(fates, TruthFile) else last
    if fates is None or every_days is None:
        return [], known_by_default
    until = fates.known_until(horizon)
    cuts = cuts_between(first + horizon, min(cut or known_by_default, until or last), every_days)
    return cuts, cut or cuts[-1]


def _tier_cuts(directory: Path, fates: Fates, cut: datetime, horizon: timedelta) -> list[datetime]:
    """The instants until ``cut`` at which tiers are judged by published scores; ``cut`` alone where none fits."""
    first, _ = published_between(directory)
    try:
        return cuts_between(first + horizon, min(cut, fates.known_until(horizon) or cut), EVERY_DAYS)
    except EvaluationError:
        return [cut]


def _tiered(by_cut: dict[datetime, tuple[dict[str, Prediction], Fate]]) -> list[TieredCustomer]:
    """Every customer with a score and a fate, at every cut."""
    return [
        TieredCustomer(customer, predictions[customer].tier, fate.churned[customer])
        for predictions, fate in by_cut.values()
        for customer in sorted(predictions.keys() & fate.churned.keys())
    ]


def _frozen_lift(examples: list[Frozen], horizon: timedelta) -> dict[str, Any]:
    """The same by the frozen predictions, once a label had matured."""
    begins = min(example.observed_at for example in examples) + horizon
    taught = [example for example in examples if example.observed_at >= begins]
    seen = [TieredCustomer(e.customer_id, e.judged.prediction.tier, e.judged.churned) for e in taught]
    return tier_lift(seen, {example.observed_at for example in taught})


def _judged(predictions: dict[str, Prediction], fate: Fate) -> list[Judged]:
    """The customers that have both a score and a fate, by id: sums do not hang on the order of a file."""
    return [
        Judged(prediction, fate.churned[customer], fate.recency_days.get(customer, prediction.recency_days))
        for customer, prediction in sorted(predictions.items(), key=itemgetter(0))
        if customer in fate.churned
    ]
