"""Lifecycle of alerts: one open per customer and type, updates instead of repeats, deterministic ids (signals §7)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from ebbtide.models.alerting.verdict import Clears, Fires, Reason, Verdict
from ebbtide.models.identity.identifiers import named_id
from ebbtide.schemas.alert import AlertState, AlertType

STEP = "step"
"""The entry of the evidence that says how far a matter has gone that comes in steps, such as the end of a contract."""


class OpenAlert(msgspec.Struct, omit_defaults=True):
    """An alert that is open: what was said last. ``confidence`` and ``person`` are those of ``Fires``."""

    alert_id: str
    episode: str
    opened_day: int
    occurred_ms: int
    severity: str
    evidence: dict[str, Any]
    confidence: float = 1.0
    person: str | None = None


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
    return named_id(f"alert/{customer_id}/{alert_type}/{episode}")


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

    An open alert is told again only when its severity, its step, or the person that it is about changes; its evidence
    is the one it was opened or told again on.
    """
    known = open_alerts.get(alert_type)
    match verdict:
        case Fires(severity, evidence, confidence, person):
            if known is None:
                name = alert_id(customer_id, alert_type, episode)
                opened = OpenAlert(name, episode, day, at_ms, severity, evidence, confidence, person)
                open_alerts[alert_type] = opened
                return AlertChange(alert_type, AlertState.OPEN, opened, at_ms)
            if (known.severity, known.person, known.evidence.get(STEP)) == (severity, person, evidence.get(STEP)):
                return None
            known.severity, known.evidence = severity, evidence
            known.confidence, known.person = confidence, person
            return AlertChange(alert_type, AlertState.UPDATED, known, at_ms)
        case Clears(reason) if known is not None:
            del open_alerts[alert_type]
            return AlertChange(alert_type, AlertState.RESOLVED, known, at_ms, reason)
        case _:
            return None


def withdraw(
    open_alerts: dict[str, OpenAlert], changes: list[AlertChange], off: Collection[AlertType], *, at_ms: int
) -> list[AlertChange]:
    """Take out, in place, the alerts of types that are switched off; returns what is left to be told of ``changes``.

    One that was open before, when the type was on, is resolved.
    """
    if not off:
        return changes
    now = {change.type for change in changes if change.state is AlertState.OPEN}
    told = [change for change in changes if change.type not in off or change.type not in now]
    for alert_type in off:
        known = open_alerts.pop(alert_type, None)
        if known is not None and alert_type not in now:
            told.append(AlertChange(alert_type, AlertState.RESOLVED, known, at_ms, Reason.OFF))
    return told


def settle_evidence(
    open_alerts: dict[str, OpenAlert], alert_type: AlertType, fires: Fires, *, at_ms: int
) -> AlertChange | None:
    """Correct an alert that fired on an incomplete day, once the day is complete."""
    known = open_alerts.get(alert_type)
    if known is None or (known.evidence == fires.evidence and known.occurred_ms == at_ms):
        return None
    known.evidence, known.occurred_ms = fires.evidence, at_ms
    known.confidence, known.person = fires.confidence, fires.person
    return AlertChange(alert_type, AlertState.UPDATED, known, at_ms)
