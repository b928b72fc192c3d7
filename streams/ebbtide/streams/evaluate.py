"""Quality of a replay: how well its scores and alerts foretold what then happened.

Reads the files of a replay directory and, apart from them, what became of the customers: a truth file, or raw events
that go on after the cut. Scores are taken as they stood at the cut; nothing here may see a later one.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import expm1
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from rich.console import Group
from rich.table import Table

from ebbtide.models.churn.quality import auc, brier, expected_calibration_error, mean_log_loss, wilson
from ebbtide.models.churn.tiers import health_tier
from ebbtide.schemas.score import HealthTier

DEFAULT_HORIZON_DAYS = 90
TAUGHT_LABELS = 2_000
"""Labels after which predictions are judged apart: what a model is worth once it has been taught."""
ACTIVITY_TYPES = frozenset({"track", "page", "screen"})
"""Segment types that show a customer in action; identify, group and alias only describe it."""

_ACCOUNT_KEYS = ("group_id", "groupId")
_PERSON_KEYS = ("user_id", "userId", "anonymous_id", "anonymousId")


class EvaluationError(ValueError):
    """The files do not allow an evaluation; the message says what is missing."""


class _Score(msgspec.Struct):
    customer_id: str
    occurred_at: datetime
    version: int
    p_churn: float | None
    tier: str | None
    contributions: msgspec.Raw


class _Part(msgspec.Struct):
    feature: str
    value: float


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


class _Alert(msgspec.Struct):
    kind: str
    type: str
    customer_id: str
    state: str
    occurred_at: datetime
    owner: str | None = None
    suppressed: dict[str, Any] | None = None


@dataclass
class Prediction:
    """A probability, the tier it was told with, and days since the customer was last active (None: unknown)."""

    p_churn: float
    tier: str
    recency_days: float | None


@dataclass
class Fate:
    """What became of customers: who churned within the horizon, and, where known, when somebody ever did."""

    churned: dict[str, bool] = field(default_factory=dict)
    recency_days: dict[str, float] = field(default_factory=dict)
    churned_at: dict[str, datetime] = field(default_factory=dict)
    unmatched: int = 0


def evaluate(
    directory: Path,
    truth: Path | None = None,
    events: Path | None = None,
    *,
    cut: datetime | None = None,
    horizon_days: int | None = None,
    active_days: int | None = None,
) -> dict[str, Any]:
    """Judge the replay in ``directory``.

    ``truth``: NDJSON rows with a customer (``group_id``, ``user_id``, ``customer`` or ``customer_id``) and
    ``churned_at`` (RFC 3339 or null) or ``churned`` (true or false), as ``ebbtide simulate --truth`` writes them.
    ``events``: raw Segment events (``.ndjson[.gz]``) that go on after the cut; churned then means no activity in the
    horizon. ``cut``: the instant whose scores are judged; by default the last score, or with ``truth``, which knows no
    further, a horizon before it. ``horizon_days``: by default that of the training examples, else 90. ``active_days``:
    customers active within so many days before the cut are judged apart too; by default the horizon.

    Raises :class:`EvaluationError`. The result is JSON-ready.
    """
    if truth is not None and events is not None:
        raise EvaluationError("give either a truth file or events, not both")
    if not (directory / "scores.ndjson").exists():
        raise EvaluationError(f"{directory / 'scores.ndjson'} is missing: is {directory} the --out of a replay?")
    prequential, found_horizon = _examples(directory, active_days)
    horizon = timedelta(days=horizon_days or found_horizon or DEFAULT_HORIZON_DAYS)
    active = active_days or horizon.days
    if cut is None:
        cut = _last_score_at(directory)
        if truth is not None:
            cut -= horizon
    cut = cut.replace(tzinfo=UTC) if cut.tzinfo is None else cut
    predictions = _predictions(directory, cut)
    fate: Fate | None = None
    if truth is not None:
        fate = _fate_from_truth(truth, _Customers(directory), cut, horizon)
    elif events is not None:
        fate = _fate_from_events(events, _Customers(directory), cut, horizon)
    result: dict[str, Any] = {
        "directory": str(directory),
        "cut": cut.isoformat().replace("+00:00", "Z"),
        "horizon_days": horizon.days,
        "active_days": active,
        "scored": len(predictions),
        "prequential": prequential,
        "alerts": _alerts(directory, horizon, fate.churned_at if fate else {}),
    }
    if fate is not None:
        result.update(_judge(predictions, fate, active))
    return result


def render(result: dict[str, Any]) -> Group:
    """The result as tables for a terminal."""
    tables = []
    for title, key in ((f"Scores as of {result['cut']}", None), ("Prequential: every matured example", "prequential")):
        part = result if key is None else result[key]
        if part and "quality" in part:
            tables.append(_quality_table(title, part["quality"]))
            tables.append(_tier_table("Calibration by tier", part["tiers"]))
    if result["alerts"]:
        table = Table("alerts", "", title="Alerts")
        for name, value in result["alerts"].items():
            if not isinstance(value, dict):
                table.add_row(name.replace("_", " "), _show(value))
        for name, value in result["alerts"]["opened_by_type"].items():
            table.add_row(f"opened: {name}", _show(value))
        tables.append(table)
    return Group(*tables)


def _judge(predictions: dict[str, Prediction], fate: Fate, active_days: int) -> dict[str, Any]:
    """Measures over the customers that have both a score and a fate."""
    judged = [
        (prediction, fate.churned[customer], fate.recency_days.get(customer, prediction.recency_days))
        for customer, prediction in predictions.items()
        if customer in fate.churned
    ]
    return {
        "truth_without_score": fate.unmatched + len(fate.churned.keys() - predictions.keys()),
        "score_without_truth": len(predictions.keys() - fate.churned.keys()),
        **_measures(judged, active_days),
    }


def _measures(judged: list[tuple[Prediction, bool, float | None]], active_days: int) -> dict[str, Any]:
    active = [row for row in judged if row[2] is not None and row[2] <= active_days]
    tiers = []
    for tier in HealthTier:
        rows = [(prediction.p_churn, churned) for prediction, churned, _ in judged if prediction.tier == tier]
        churners = sum(churned for _, churned in rows)
        low, high = wilson(churners, len(rows))
        tiers.append(
            {
                "tier": tier.value,
                "customers": len(rows),
                "churned": churners,
                "churn_rate": churners / len(rows) if rows else None,
                "low_95": low,
                "high_95": high,
                "mean_p_churn": sum(p for p, _ in rows) / len(rows) if rows else None,
            }
        )
    return {"quality": {"all": _quality(judged), "active": _quality(active)}, "tiers": tiers}


def _quality(judged: list[tuple[Prediction, bool, float | None]]) -> dict[str, Any]:
    labels = [churned for _, churned, _ in judged]
    ps = [prediction.p_churn for prediction, _, _ in judged]
    return {
        "customers": len(judged),
        "churned": sum(labels),
        "churn_rate": sum(labels) / len(labels) if labels else None,
        "mean_p_churn": sum(ps) / len(ps) if ps else None,
        "auc": auc(labels, ps),
        "log_loss": mean_log_loss(labels, ps),
        "brier": brier(labels, ps),
        "calibration_error": expected_calibration_error(labels, ps),
    }


def _predictions(directory: Path, cut: datetime) -> dict[str, Prediction]:
    """The last score of every customer that is not later than the cut; those that could not be scored are left out."""
    last: dict[str, _Score] = {}
    for score in _read(directory / "scores.ndjson", _Score):
        known = last.get(score.customer_id)
        if score.occurred_at <= cut and (known is None or score.version >= known.version):
            last[score.customer_id] = score
    predictions = {}
    for customer, score in last.items():
        if score.p_churn is not None:
            tier = score.tier or health_tier(score.p_churn, None).value
            predictions[customer] = Prediction(score.p_churn, tier, _recency(score, cut))
    return predictions


def _recency(score: _Score, cut: datetime) -> float | None:
    for part in msgspec.json.decode(score.contributions, type=list[_Part]):
        if part.feature == "recency":
            return expm1(part.value) + (cut - score.occurred_at) / timedelta(days=1)
    return None


def _last_score_at(directory: Path) -> datetime:
    scores: Iterator[_Score] = _read(directory / "scores.ndjson", _Score)
    last = max((score.occurred_at for score in scores), default=None)
    if last is None:
        raise EvaluationError(f"{directory / 'scores.ndjson'} holds no score")
    return last


def _examples(directory: Path, active_days: int | None) -> tuple[dict[str, Any] | None, int | None]:
    """Measures over frozen predictions with matured labels, and the horizon they were made for, days."""
    path = directory / "training-examples.ndjson"
    if not path.exists():
        return None, None
    judged = []
    told: list[tuple[datetime, datetime]] = []
    horizon = None
    newest = _revisions(path)
    for example in _read(path, _Example):
        corrected = example.revision < newest.get((example.customer_id, example.observed_at), 0)
        if corrected or example.label is None:
            continue
        horizon = example.horizon_days or horizon
        recency = example.features.get("recency")
        prediction = Prediction(example.p_churn, health_tier(example.p_churn, None).value, None)
        judged.append((prediction, example.label, None if recency is None else expm1(recency)))
        told.append((example.observed_at, example.matured_at))
    if not judged:
        return None, None
    measures = _measures(judged, active_days or horizon or DEFAULT_HORIZON_DAYS)
    if len(told) >= TAUGHT_LABELS:
        taught_at = sorted(matured for _, matured in told)[TAUGHT_LABELS - 1]
        later = [row for row, (observed, _) in zip(judged, told, strict=True) if observed >= taught_at]
        measures["quality"]["taught"] = _quality(later)
    return measures, horizon


def _revisions(path: Path) -> dict[tuple[str, datetime], int]:
    """By customer and instant, of the examples whose label was corrected: the number of the label that holds."""
    newest: dict[tuple[str, datetime], int] = {}
    corrections: Iterator[_Revision] = _read(path, _Revision)
    for told in corrections:
        if told.revision:
            key = told.customer_id, told.observed_at
            newest[key] = max(told.revision, newest.get(key, 0))
    return newest


class _Customers:
    """Finds customers by the identifiers that a replay says belong to them."""

    def __init__(self, directory: Path) -> None:
        self._accounts: dict[str, str] = {}
        self._people: dict[str, list[str]] = {}
        for account in _read(directory / "accounts.ndjson", dict[str, Any]):
            self._accounts[account["customer_id"]] = account["customer_id"]
            for identifier in account["identifiers"]:
                self._accounts[identifier["value"]] = account["customer_id"]
        for person in _read(directory / "persons.ndjson", dict[str, Any]):
            for identifier in person["identifiers"]:
                self._people[identifier["value"]] = person["customers"]

    def of(self, row: dict[str, Any]) -> list[str]:
        """Customers a row is about: its account where it names a known one, else its person's."""
        context = row.get("context")
        for key in _ACCOUNT_KEYS:
            value = row.get(key) or (context.get(key) if isinstance(context, dict) else None)
            if value is not None and str(value) in self._accounts:
                return [self._accounts[str(value)]]
        for key in (*_PERSON_KEYS, "customer", "customer_id"):
            value = str(row.get(key))
            if value in self._people:
                return self._people[value]
            if value in self._accounts:
                return [self._accounts[value]]
        return []


def _fate_from_events(path: Path, customers: _Customers, cut: datetime, horizon: timedelta) -> Fate:
    """Churned: seen before the cut, and without activity from the cut on for the horizon."""
    last: dict[str, datetime] = {}
    stayed: set[str] = set()
    end = cut
    unknown: set[str] = set()
    for event in _read(path, dict[str, Any]):
        if event.get("type") not in ACTIVITY_TYPES:
            continue
        at = _time(event.get("timestamp") or event.get("originalTimestamp") or event.get("receivedAt"))
        if at is None:
            continue
        end = max(end, at)
        found = customers.of(event)
        for customer in found:
            if at < cut:
                last[customer] = max(at, last.get(customer, at))
            elif at < cut + horizon:
                stayed.add(customer)
        if not found and at < cut:
            unknown.add(str(event.get("userId") or event.get("anonymousId")))
    if end < cut + horizon - timedelta(days=1):
        raise EvaluationError(
            f"{path} ends at {end:%Y-%m-%d}, before the horizon of {horizon.days} days after {cut:%Y-%m-%d} is over: "
            "what became of the customers is not known; give an earlier --cut or a shorter --horizon"
        )
    return Fate(
        churned={customer: customer not in stayed for customer in last},
        recency_days={customer: (cut - at) / timedelta(days=1) for customer, at in last.items()},
        unmatched=len(unknown),
    )


def _fate_from_truth(path: Path, customers: _Customers, cut: datetime, horizon: timedelta) -> Fate:
    """Churned: the row says so, within the horizon where it gives a time. Who had churned by the cut is left out."""
    fate = Fate()
    for row in _read(path, dict[str, Any]):
        if ("churned" not in row and "churned_at" not in row) or row.get("row", "account") != "account":
            continue
        churned_at = _time(row.get("churned_at"))
        starts = [at for at in (_time(c.get("starts_at")) for c in row.get("contracts", ())) if at is not None]
        found = customers.of(row)
        for customer in found:
            if churned_at is not None:
                fate.churned_at[customer] = churned_at
            if (churned_at is not None and churned_at <= cut) or (starts and min(starts) > cut):
                continue
            within = churned_at is not None and churned_at <= cut + horizon
            fate.churned[customer] = bool(row["churned"]) if "churned" in row else within
        fate.unmatched += not found
    return fate


def _alerts(directory: Path, horizon: timedelta, churned_at: dict[str, datetime]) -> dict[str, Any] | None:
    """How many alerts reached somebody, and, where churn dates are known, how many of them came true and how early."""
    path = directory / "alerts.ndjson"
    if not path.exists():
        return None
    by_type: dict[str, int] = defaultdict(int)
    risks: dict[str, list[datetime]] = defaultdict(list)
    owners: set[str] = set()
    times: list[datetime] = []
    suppressed = 0
    for alert in _read(path, _Alert):
        if alert.state != "open":
            continue
        if alert.suppressed is not None:
            suppressed += 1
            continue
        by_type[alert.type] += 1
        owners.add(alert.owner or "")
        times.append(alert.occurred_at)
        if alert.kind == "risk":
            risks[alert.customer_id].append(alert.occurred_at)
    weeks = max((max(times) - min(times)) / timedelta(weeks=1), 1.0) if times else 1.0
    result: dict[str, Any] = {
        "opened": len(times),
        "suppressed": suppressed,
        "owners": len(owners),
        "opened_per_owner_week": len(times) / (weeks * max(len(owners), 1)),
        "opened_by_type": dict(sorted(by_type.items())),
    }
    if churned_at:
        leads = [
            (left - min(early)) / timedelta(days=1)
            for customer, left in churned_at.items()
            if (early := [at for at in risks.get(customer, ()) if left - horizon <= at < left])
        ]
        known_until = max(times, default=datetime.min.replace(tzinfo=UTC)) - horizon
        judged = [(customer, at) for customer, opened in risks.items() for at in opened if at <= known_until]
        hits = sum(customer in churned_at and at < churned_at[customer] <= at + horizon for customer, at in judged)
        low, high = wilson(hits, len(judged))
        result |= {
            "churners": len(churned_at),
            "churners_warned": len(leads),
            "share_of_churners_warned": len(leads) / len(churned_at),
            "median_lead_days": median(leads) if leads else None,
            "risk_alerts_judged": len(judged),
            "risk_alert_precision": hits / len(judged) if judged else None,
            "risk_alert_precision_low_95": low,
            "risk_alert_precision_high_95": high,
        }
    return result


_MEASURES = ("customers", "churned", "churn_rate", "mean_p_churn", "auc", "log_loss", "brier", "calibration_error")


def _quality_table(title: str, quality: dict[str, dict[str, Any]]) -> Table:
    table = Table("customers", *quality, title=title)
    for measure in _MEASURES:
        table.add_row(measure.replace("_", " "), *(_show(part[measure]) for part in quality.values()))
    return table


def _tier_table(title: str, tiers: Iterable[dict[str, Any]]) -> Table:
    table = Table("tier", "customers", "churned", "churn rate", "95 % interval", "mean p_churn", title=title)
    for row in tiers:
        interval = f"{row['low_95']:.3f} … {row['high_95']:.3f}"
        shown = [_show(row[key]) for key in ("customers", "churned", "churn_rate")]
        table.add_row(row["tier"], *shown, interval, _show(row["mean_p_churn"]))
    return table


def _show(value: float | int | str | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _read(path: Path, kind: type[Any]) -> Iterator[Any]:
    """Rows of an NDJSON file, plain or gzip. Errors name the file and the line."""
    if not path.exists():
        raise EvaluationError(f"{path} is missing")
    decoder = msgspec.json.Decoder(kind)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise EvaluationError(f"{path}, line {number}: {error}") from error
