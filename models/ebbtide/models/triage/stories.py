"""Types of alert that tell one story of a customer: of several at once people hear of the gravest."""

from __future__ import annotations

from ebbtide.models.triage.desk import GRAVITY, Desk
from ebbtide.schemas.alert import Alert, AlertType, SuppressionReason

STORIES: tuple[tuple[AlertType, ...], ...] = (
    (
        AlertType.LEFT,
        AlertType.TIER_TO_DANGER,
        AlertType.SUDDEN_DROP,
        AlertType.CELL_DOWN,
        AlertType.ASLEEP,
    ),
)
"""Each story's types, those that say most first: of two equally grave ones the first is told."""

_RANKS = {kind: (story, place) for story, kinds in enumerate(STORIES) for place, kind in enumerate(kinds)}


def lead(alerts: list[Alert]) -> list[Alert]:
    """Of alerts of one customer that begin together, those to be told: of each story one."""
    told: dict[int, Alert] = {}
    alone: list[Alert] = []
    for alert in alerts:
        rank = _RANKS.get(alert.type)
        if rank is None:
            alone.append(alert)
            continue
        known = told.get(rank[0])
        if known is None or _order(alert) < _order(known):
            told[rank[0]] = alert
    return [*alone, *told.values()]


def is_covered(desk: Desk, alert: Alert) -> bool:
    """Whether another alert of its story is open that is as grave: people know of it, or are not to hear the story."""
    return any(
        case is not None
        and case.suppressed is not SuppressionReason.COVERED
        and not case.is_new
        and GRAVITY[case.alert.severity] >= GRAVITY[alert.severity]
        for case in map(desk.cases.get, others(alert.type))
    )


def others(alert_type: AlertType) -> tuple[AlertType, ...]:
    """The other types of its story."""
    rank = _RANKS.get(alert_type)
    return () if rank is None else tuple(kind for kind in STORIES[rank[0]] if kind != alert_type)


def _order(alert: Alert) -> tuple[int, int]:
    return -GRAVITY[alert.severity], _RANKS[alert.type][1]
