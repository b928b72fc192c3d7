"""Candidates for alerts, what people say of them, and a triage stage with its log and table."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from ebbtide.models.outputs import Output
from ebbtide.models.policy import CorePolicy, TriagePolicy
from ebbtide.models.triage.stage import TriageStage, Waiting
from ebbtide.schemas.alert import Alert, AlertCandidate, AlertDigest, AlertKind, AlertType, DayActivity
from ebbtide.schemas.base import Money
from ebbtide.schemas.feedback import AlertFeedback, Feedback
from ebbtide.schemas.profile_state import Tick
from support.raw import at

SOURCES = ("customers/0", "customers/1")
OPPORTUNITIES = {AlertType.SURGE, AlertType.WARM_RETURN}


def candidate(
    customer: str,
    day: float,
    state: str = "open",
    *,
    kind: str = "sudden_drop",
    version: int = 1,
    severity: str = "warning",
    owner: str | None = "ines",
    worth: float | None = 1_000.0,
    p_churn: float | None = 0.5,
    tenant: str = "t",
    route: str = "csm",
    at_once: bool = False,
    opened: float | None = None,
    value: int = 3,
    evidence: dict[str, object] | None = None,
) -> AlertCandidate:
    """A condition of a customer that began, changed or ended; ``opened`` tells one episode from another.

    A drop is one of two days, unless ``evidence`` says otherwise.
    """
    alert_type = AlertType(kind)
    alert = Alert(
        alert_id=str(uuid5(NAMESPACE_DNS, f"{customer}/{kind}/{opened or 0}")),
        tenant=tenant,
        kind=AlertKind.OPPORTUNITY if alert_type in OPPORTUNITIES else AlertKind.RISK,
        type=alert_type,
        customer_id=customer,
        customer_name=customer.title(),
        state=state,
        severity=severity,
        occurred_at=at(day),
        version=version,
        evidence={"value": value, **({"window_days": 2} if kind == "sudden_drop" else {}), **(evidence or {})},
        contributions=[],
        p_churn=p_churn,
        reasons_en=[f"{kind} of {customer}"],
        reasons_zh=[kind],
        play="check_in",
        owner=owner,
        route=route,
        at_stake=None if worth is None else Money(amount=worth),
        resolved_reason="recovered" if state == "resolved" else None,
    )
    return AlertCandidate(alert=alert, instant=at(int(day) if at_once else ceil(day)), worth=worth)


def said(
    customer: str, day: float, action: str, *, name: str = "f1", at_once: bool = False, **fields: Any
) -> AlertFeedback:
    """What somebody said of a customer's alert."""
    feedback = {
        "tenant": "t",
        "feedback_id": name,
        "customer_id": customer,
        "occurred_at": at(day),
        "recorded_at": at(day),
        "by": "jo",
        "action": action,
        "alert_type": "sudden_drop",
    }
    return AlertFeedback(feedback=Feedback.model_validate(feedback | fields), at_once=at_once)


def dismissed(customer: str, day: float, reason: str = "wrong", **fields: Any) -> AlertFeedback:
    """A dismissal."""
    return said(customer, day, "dismiss", dismiss_reason=reason, **fields)


def snoozed(customer: str, day: float, until: float, **fields: Any) -> AlertFeedback:
    """Held back until a day."""
    return said(customer, day, "snooze", until=at(until), **fields)


def passed(day: float, *sources: str) -> list[Tick]:
    """All partitions, or some, have passed the instant."""
    return [Tick(source=name, watermark=at(day), arrived_ms=0) for name in sources or SOURCES]


def activity(
    day: float,
    events: dict[str, int],
    *,
    partition: str = "customers/0",
    blind: tuple[str, ...] = (),
    tenant: str = "t",
) -> DayActivity:
    """What customers did on the day before, by source."""
    return DayActivity(tenant=tenant, instant=at(day), partition=partition, events=events, blind=list(blind))


class Desks:
    """A triage stage with the offsets of its input, and its table."""

    def __init__(self, policy: TriagePolicy | None = None, table: dict[bytes, bytes] | None = None) -> None:
        self.policy = CorePolicy(triage=policy or TriagePolicy())
        self.table = dict(table or {})
        self.stage = TriageStage(frozenset(SOURCES), self.policy, self.table.items())
        self.offset = 0
        self.outputs: list[Output] = []

    def add(self, *records: Waiting | Tick | Iterable[Tick]) -> list[str]:
        """Read records and flush; what was told, in short."""
        for record in records:
            for one in record if isinstance(record, list) else [record]:
                self.stage.apply(self.offset, one)  # type: ignore[arg-type]
                self.offset += 1
        flush = self.stage.flush()
        self.store(flush.writes, len(flush.writes))
        self.outputs += flush.outputs
        return [short(output) for output in flush.outputs]

    def day(self, day: float, *records: Waiting) -> list[str]:
        """Records, then all partitions pass the instant."""
        return self.add(*records, passed(day))

    def store(self, writes: dict[bytes, bytes | None], kept: int) -> None:
        """Store the first so many values."""
        for key, value in list(writes.items())[:kept]:
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value

    def restart(self) -> None:
        """Begin anew from the table."""
        self.stage = TriageStage(frozenset(SOURCES), self.policy, self.table.items())

    @property
    def alerts(self) -> list[Alert]:
        """All alerts so far."""
        return [output.record for output in self.outputs if isinstance(output.record, Alert)]


def short(output: Output) -> str:
    """An alert as "customer type state", with what else matters; a digest as its owner and customers."""
    told = output.record
    if isinstance(told, AlertDigest):
        return f"digest {told.owner} {told.told}: " + " ".join(line.customer_id for line in told.held)
    assert isinstance(told, Alert)
    words = [told.customer_id or "-", told.type.value, told.state.value]
    if told.suppressed is not None:
        words.append(f"({told.suppressed.reason})")
    if told.resolved_reason is not None:
        words.append(told.resolved_reason)
    return " ".join(words)
