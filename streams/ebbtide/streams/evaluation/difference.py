"""What two sets of alerts on the same log have in common, what each has alone, and what that is worth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ebbtide.streams.evaluation.alert_load import account_year_cases, owner_weeks
from ebbtide.streams.evaluation.alert_log import Told
from ebbtide.streams.evaluation.alerts import JudgedAlerts
from ebbtide.streams.evaluation.foresight import by_chance, foretold
from ebbtide.streams.evaluation.foresight import summary as foresight_summary
from ebbtide.streams.evaluation.shares import Case, paired_difference, ratio, share

TOLERANCE_DAYS = 7
"""Two alerts of one customer and type within so many days are the same alert, told sooner or later."""

A, B = "a", "b"


@dataclass(frozen=True)
class Matched:
    """Alerts of two policies: pairs that are the same, and what each has alone."""

    both: tuple[tuple[Told, Told], ...]
    only_a: tuple[Told, ...]
    only_b: tuple[Told, ...]


def matched(first: Iterable[Told], second: Iterable[Told], tolerance: timedelta) -> Matched:
    """Pair alerts of one customer and type that were told within ``tolerance`` of each other; each once.

    Both in the order of time, the earliest that fits: no other choice makes more pairs.
    """
    theirs: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for alert in sorted(second, key=_when):
        theirs[alert.customer_id, alert.type].append(alert)
    both, only_a, only_b = [], [], []
    next_of: Counter[tuple[str, str]] = Counter()
    for alert in sorted(first, key=_when):
        key = alert.customer_id, alert.type
        others = theirs[key]
        while next_of[key] < len(others) and others[next_of[key]].at < alert.at - tolerance:
            only_b.append(others[next_of[key]])
            next_of[key] += 1
        if next_of[key] < len(others) and others[next_of[key]].at <= alert.at + tolerance:
            both.append((alert, others[next_of[key]]))
            next_of[key] += 1
        else:
            only_a.append(alert)
    for key, others in theirs.items():
        only_b += others[next_of[key] :]
    return Matched(tuple(both), tuple(only_a), tuple(sorted(only_b, key=_when)))


def _when(alert: Told) -> tuple[Any, ...]:
    return alert.at, alert.customer_id, alert.type, alert.alert_id


SHARES = frozenset(
    {
        "risk_alerts_that_came_true",
        "churners_warned",
        "churners_warned_30_days_before",
        "churners_warned_60_to_90_days_before",
        "stayers_warned_by_chance",
        "planted_declines_caught",
        "lost_key_people_warned_in_time",
        "warm_returns_told_on_their_day",
    }
)
"""The measures that are shares, 0 to 1."""


def measured(judged: JudgedAlerts) -> dict[str, list[Case]]:
    """What is compared, in the order in which it is shown: cases of customers, or of owners for their weeks."""
    known = judged.outcomes
    if known is None:
        return {"alerts_per_owner_week": _owner_cases(judged)}
    told = judged.log.told
    foresight = foretold(told, known, judged.horizon)
    found: dict[str, list[Case]] = {
        "risk_alerts_that_came_true": foresight.precision,
        "churners_warned": foresight.warned,
        "churners_warned_30_days_before": foresight.warned_early,
        "churners_warned_60_to_90_days_before": foresight.warned_timely,
        "stayers_warned_by_chance": by_chance(judged.log.by_customer(), known, judged.horizon),
        "mean_lead_days": foresight.leads,
        "alerts_per_account_year": account_year_cases(told, known),
        "risk_alerts_per_account_year": account_year_cases((alert for alert in told if alert.is_risk), known),
        "alerts_per_owner_week": _owner_cases(judged),
    }
    if (detection := judged.detection) is not None:
        caught = [d for d in detection.declines if d.since_onset is not None]
        found |= {
            "planted_declines_caught": detection.decline_cases,
            "mean_days_from_onset": [Case(d.customer_id, d.since_onset or 0.0) for d in caught],
            "lost_key_people_warned_in_time": detection.losses,
            "warm_returns_told_on_their_day": detection.returns,
            "false_alarms_per_account_year": account_year_cases(detection.false_alarms, known),
        }
    return found


def difference(first: JudgedAlerts, second: JudgedAlerts, tolerance: timedelta) -> dict[str, Any]:
    """What ``second`` (b) told other than ``first`` (a). JSON-ready.

    Both are judged by their own outcomes; without any, alerts are only counted.
    """
    pairs = matched(first.log.told, second.log.told, tolerance)
    ours, theirs = measured(first), measured(second)
    names = list(dict.fromkeys([*first.types(), *second.types()]))
    return {
        "tolerance_days": tolerance / timedelta(days=1),
        "told": _counts(pairs, first.log.told, second.log.told),
        "suppressed": {
            A: dict(sorted(first.log.suppressed.items())),
            B: dict(sorted(second.log.suppressed.items())),
        },
        "ops": {A: dict(sorted(first.log.ops.items())), B: dict(sorted(second.log.ops.items()))},
        "measures": {
            name: {A: ratio(ours[name]), B: ratio(theirs[name]), **paired_difference(ours[name], theirs[name])}
            for name in ours
            if name in theirs
        },
        "types": {name: _type(name, first, second, pairs) for name in names},
    }


def _counts(pairs: Matched, first: Sequence[Told], second: Sequence[Told]) -> dict[str, int]:
    return {
        A: len(first),
        B: len(second),
        "both": len(pairs.both),
        "only_a": len(pairs.only_a),
        "only_b": len(pairs.only_b),
    }


def _owner_cases(judged: JudgedAlerts) -> list[Case]:
    load = owner_weeks(judged.log.told, judged.owners, judged.begins, judged.ends)
    return [Case(owner, row["told"], load["weeks"]) for owner, row in load["by_owner"].items()]


def _type(name: str, first: JudgedAlerts, second: JudgedAlerts, pairs: Matched) -> dict[str, Any]:
    ours, theirs = first.of_type(name), second.of_type(name)
    alone = {
        "only_a": [alert for alert in pairs.only_a if alert.type == name],
        "only_b": [alert for alert in pairs.only_b if alert.type == name],
    }
    both = [pair for pair in pairs.both if pair[0].type == name]
    found: dict[str, Any] = {
        A: len(ours),
        B: len(theirs),
        "both": len(both),
        **{side: len(alerts) for side, alerts in alone.items()},
        "mean_days_later_in_b": (
            sum(((b.at - a.at) for a, b in both), timedelta(0)) / timedelta(days=1) / len(both) if both else None
        ),
    }
    if first.outcomes is None or second.outcomes is None:
        return found
    found["per_account_year"] = {
        A: ratio(account_year_cases(ours, first.outcomes)),
        B: ratio(account_year_cases(theirs, second.outcomes)),
    }
    if any(alert.is_risk for alert in (*ours, *theirs)):
        found["churn"] = {
            A: foresight_summary(foretold(ours, first.outcomes, first.horizon)),
            B: foresight_summary(foretold(theirs, second.outcomes, second.horizon)),
        }
        found["came_true"] = {
            "both": share(foretold((a for a, _ in both), first.outcomes, first.horizon).precision),
            "only_a": share(foretold(alone["only_a"], first.outcomes, first.horizon).precision),
            "only_b": share(foretold(alone["only_b"], second.outcomes, second.horizon).precision),
        }
    return found
