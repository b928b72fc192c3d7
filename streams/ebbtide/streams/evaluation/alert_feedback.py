"""What people said of alerts that they were told of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ebbtide.streams.evaluation.alert_log import Told
from ebbtide.streams.evaluation.rows import read


def alert_feedback(path: Path, told: Iterable[Told]) -> dict[str, Any]:
    """Of the alerts ``told``, how many have feedback on topic ``feedback`` that names them; by action, and by type.

    What is said twice of an alert counts once per action. ``unknown`` name an alert that nobody was told of.
    """
    alerts = {alert.alert_id: alert.type for alert in told}
    actions: dict[str, set[str]] = defaultdict(set)
    unknown = 0
    for row in read(path, dict[str, Any]):
        alert_id = row.get("alert_id")
        if alert_id is None:
            continue
        if alert_id not in alerts:
            unknown += 1
            continue
        actions[str(row.get("action"))].add(alert_id)
    answered = set().union(*actions.values())
    by_type = Counter(alerts[alert_id] for alert_id in answered)
    types = Counter(alerts.values())
    return {
        "alerts": len(alerts),
        "with_feedback": len(answered),
        "share": len(answered) / len(alerts) if alerts else None,
        "by_action": {action: len(actions[action]) for action in sorted(actions)},
        "share_by_type": {name: by_type[name] / types[name] for name in sorted(types)},
        "unknown": unknown,
    }
