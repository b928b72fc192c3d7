"""How good the alerts of a replay were: what they foretold, what they asked of people, what they caught."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from ebbtide.streams.evaluation.alert_feedback import alert_feedback
from ebbtide.streams.evaluation.alert_load import account_years, owner_weeks
from ebbtide.streams.evaluation.alert_log import AlertLog, Told, read_alerts
from ebbtide.streams.evaluation.detection import Detection, detected
from ebbtide.streams.evaluation.detection import summary as detection_summary
from ebbtide.streams.evaluation.fates import Fates
from ebbtide.streams.evaluation.foresight import by_chance, churners, foretold
from ebbtide.streams.evaluation.foresight import summary as foresight_summary
from ebbtide.streams.evaluation.outcomes import Outcomes, outcomes_of_replay
from ebbtide.streams.evaluation.planted import Planted
from ebbtide.streams.evaluation.predictions import published_between
from ebbtide.streams.evaluation.rows import read, time_of
from ebbtide.streams.evaluation.shares import ratio


@dataclass(frozen=True)
class JudgedAlerts:
    """The alerts of a replay beside what is known of its customers."""

    log: AlertLog
    outcomes: Outcomes | None
    planted: Planted | None
    horizon: timedelta
    begins: datetime
    ends: datetime
    owners: frozenset[str]
    cadences: dict[str, float]

    @cached_property
    def detection(self) -> Detection | None:
        """What was caught of what was planted; None where nothing is known of that."""
        if self.planted is None or self.outcomes is None:
            return None
        return detected(self.log, self.planted, self.outcomes, self.cadences, self.begins, self.ends)

    def types(self) -> list[str]:
        """The types of which somebody was told, risks first, each kind by name."""
        kinds = {(not alert.is_risk, alert.kind, alert.type) for alert in self.log.told}
        return [name for _, _, name in sorted(kinds)]

    def of_type(self, name: str) -> list[Told]:
        """What was told of one type."""
        return [alert for alert in self.log.told if alert.type == name]


def judge(directory: Path, fates: Fates | None, planted: Planted | None, horizon: timedelta) -> JudgedAlerts | None:
    """The alerts of the replay in ``directory``; None where it wrote none.

    Outcomes are those of ``fates``, or, without, of the replay's own training examples.
    """
    log = read_alerts(directory)
    if log is None:
        return None
    begins, last = published_between(directory)
    ends = _stands_at(directory) or last
    owners, cadences = _records(directory)
    return JudgedAlerts(
        log=log,
        outcomes=(
            outcomes_of_replay(directory, horizon, ends) if fates is None else fates.outcomes(horizon, begins, ends)
        ),
        planted=planted,
        horizon=horizon,
        begins=begins,
        ends=ends,
        owners=log.owners | owners,
        cadences=cadences,
    )


def _stands_at(directory: Path) -> datetime | None:
    """Where time stood at the end of the replay, if it says so."""
    path = directory / "summary.json"
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_bytes())
    except ValueError:
        return None
    return time_of(told.get("until")) if isinstance(told, dict) else None


def _records(directory: Path) -> tuple[frozenset[str], dict[str, float]]:
    """All owners, and customers' cadences in days, as the last records tell them."""
    path = directory / "customer-records.ndjson"
    owners: set[str] = set()
    cadences: dict[str, float] = {}
    if path.exists():
        for record in read(path, dict[str, Any]):
            fields = record.get("fields", {})
            owner = fields.get("owner", {}).get("value")
            cadence = fields.get("cadence_days", {}).get("value")
            if owner is not None:
                owners.add(owner)
            if cadence is not None:
                cadences[record["customer_id"]] = float(cadence)
    return frozenset(owners), cadences


def summary(judged: JudgedAlerts, feedback: Path | None) -> dict[str, Any]:
    """For JSON."""
    log, outcomes, horizon = judged.log, judged.outcomes, judged.horizon
    counts = Counter(alert.type for alert in log.told)
    kinds = {alert.type: alert.kind for alert in log.told}
    result: dict[str, Any] = {
        "from": _iso(judged.begins),
        "until": _iso(judged.ends),
        "told": len(log.told),
        "told_by_type": {name: counts[name] for name in judged.types()},
        "ops": dict(sorted(log.ops.items())),
        "suppressed": {
            "alerts": log.suppressed.total(),
            "told_later": log.told_later,
            "by_reason": dict(sorted(log.suppressed.items())),
        },
        "per_owner_week": owner_weeks(log.told, judged.owners, judged.begins, judged.ends),
    }
    if outcomes is not None:
        found = foretold(log.told, outcomes, horizon)
        result["churn"] = {
            "known_by": outcomes.source,
            "churned": len(outcomes.churned_at),
            "churners": len(list(churners(outcomes, horizon))),
            "truth_without_customer": outcomes.unmatched,
            **foresight_summary(found),
            "stayers_warned_30_days_before_by_chance": ratio(by_chance(log.by_customer(), outcomes, horizon)),
            "by_type": {
                name: {"told": counts[name], **foresight_summary(foretold(judged.of_type(name), outcomes, horizon))}
                for name in judged.types()
                if kinds[name] == "risk"
            },
        }
        if outcomes.causeless is not None:
            foreseeable = foresight_summary(foretold(log.told, outcomes.foreseeable(), horizon))
            result["churn"]["foreseeable"] = {name: value for name, value in foreseeable.items() if name != "precision"}
        result["per_account_year"] = account_years(log.told, outcomes)
        if judged.detection is not None and judged.planted is not None:
            result["planted"] = detection_summary(judged.detection, judged.planted, outcomes)
    if feedback is not None:
        result["feedback"] = alert_feedback(feedback, log.told)
    return result


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
