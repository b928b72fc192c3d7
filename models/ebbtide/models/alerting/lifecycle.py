"""Lifecycle of alerts: one open per customer and type, updates instead of repeats, deterministic ids (signals §7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid5

import msgspec

from ebbtide.models.alerting.verdict import Clears, Fires, Verdict
from ebbtide.models.identity.identifiers import NAMESPACE
from ebbtide.schemas.alert import AlertState, AlertType


class OpenAlert(msgspec.Struct):
    """An alert that is open: what was said last."""

    alert_id: str
    episode: str
    opened_day: int
    occurred_ms: int
    severity: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AlertChange:
    """What is to be told about an alert."""

    type: AlertType
    state: AlertState
    alert: OpenAlert
    at_ms: int
    resolved_reason: str | None = None


def alert_id(customer_id: str, alert_type: AlertType, episode: str) -> str:
    """Id of the alert of one episode: the same whenever and wherever it is computed."""
    return str(uuid5(NAMESPACE, f"alert/{customer_id}/{alert_type}/{episode}"))


def transition(
    customer_id: str,
    open_alerts: dict[str, OpenAlert],
    alert_type: AlertType,
    verdict: Verdict,
    *,
    day: int,
    at_ms: int,
    episode: str,
) -> AlertChange | None:
    """Apply a verdict to the customer's open alerts, in place; return what is to be told, if anything.

    An open alert is told again only when its severity changes; its evidence is the one it was opened or raised on.
    """
    known = open_alerts.get(alert_type)
    match verdict:
        case Fires(severity, evidence):
            if known is None:
                opened = OpenAlert(alert_id(customer_id, alert_type, episode), episode, day, at_ms, severity, evidence)
                open_alerts[alert_type] = opened
                return AlertChange(alert_type, AlertState.OPEN, opened, at_ms)
            if known.severity == severity:
                return None
            known.severity, known.evidence = severity, evidence
            return AlertChange(alert_type, AlertState.UPDATED, known, at_ms)
        case Clears(reason) if known is not None:
            del open_alerts[alert_type]
            return AlertChange(alert_type, AlertState.RESOLVED, known, at_ms, reason)
        case _:
            return None


def settle_evidence(
    open_alerts: dict[str, OpenAlert], alert_type: AlertType, fires: Fires, *, at_ms: int
) -> AlertChange | None:
    """Correct an alert that fired on an incomplete day, once the day is complete."""
    known = open_alerts.get(alert_type)
    if known is None or (known.evidence == fires.evidence and known.occurred_ms == at_ms):
        return None
    known.evidence, known.occurred_ms = fires.evidence, at_ms
    return AlertChange(alert_type, AlertState.UPDATED, known, at_ms)
