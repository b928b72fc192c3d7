"""One open alert per customer and type; updates instead of repeats; ids that are the same everywhere."""

from __future__ import annotations

import msgspec

from ebbtide.models.alerting.lifecycle import AlertChange, OpenAlert, alert_id, settle_evidence, transition, withdraw
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.schemas.alert import AlertState, AlertType, Severity

DROP = AlertType.SUDDEN_DROP


def tell(open_alerts: dict[str, OpenAlert], verdict: Verdict, day: int) -> AlertChange | None:
    return transition("c1", open_alerts, DROP, verdict, day=day, at_ms=day * 1_000, episode=str(day))


def test_from_open_to_resolved() -> None:
    alerts: dict[str, OpenAlert] = {}
    assert tell(alerts, Clears(Reason.RECOVERED), 1) is None
    assert tell(alerts, Holds(Reason.HYSTERESIS), 1) is None
    opened = tell(alerts, Fires(Severity.WARNING, {"value": 1}), 2)
    assert opened is not None
    assert (opened.state, opened.alert.opened_day) == (AlertState.OPEN, 2)
    assert opened.alert.alert_id == alert_id("c1", DROP, "2")
    assert tell(alerts, Fires(Severity.WARNING, {"value": 2}), 3) is None
    raised = tell(alerts, Fires(Severity.CRITICAL, {"value": 3}), 4)
    assert raised is not None
    assert (raised.state, raised.alert.evidence, raised.alert.alert_id) == (
        AlertState.UPDATED,
        {"value": 3},
        opened.alert.alert_id,
    )
    assert tell(alerts, Holds(Reason.HYSTERESIS), 5) is None
    resolved = tell(alerts, Clears(Reason.RECOVERED), 6)
    assert resolved is not None
    assert (resolved.state, resolved.resolved_reason, alerts) == (AlertState.RESOLVED, "recovered", {})
    again = tell(alerts, Fires(Severity.WARNING, {}), 7)
    assert again is not None
    assert again.alert.alert_id != opened.alert.alert_id


def test_ids_depend_on_customer_type_and_episode() -> None:
    ids = {alert_id(c, t, e) for c in ("c1", "c2") for t in (DROP, AlertType.SURGE) for e in ("1", "2")}
    assert len(ids) == 8
    assert alert_id("c1", DROP, "1") == "ff23cfdb-e05b-52be-9d10-4bb4d132fbf3"


def test_evidence_of_a_part_of_the_day_is_corrected() -> None:
    alerts: dict[str, OpenAlert] = {}
    full = Fires(Severity.INFO, {"returned_at": "08:00"})
    assert settle_evidence(alerts, DROP, full, at_ms=8) is None
    tell(alerts, Fires(Severity.INFO, {"returned_at": "09:00"}), 1)
    change = settle_evidence(alerts, DROP, full, at_ms=8)
    assert change is not None
    assert (change.state, change.alert.evidence, change.alert.occurred_ms) == (AlertState.UPDATED, full.evidence, 8)
    assert settle_evidence(alerts, DROP, full, at_ms=8) is None


def test_a_step_or_another_person_is_told_although_the_severity_stays() -> None:
    alerts: dict[str, OpenAlert] = {}
    tell(alerts, Fires(Severity.WARNING, {"step": 90}, 0.5), 1)
    assert tell(alerts, Fires(Severity.WARNING, {"step": 90, "days_left": 80}, 0.5), 2) is None
    nearer = tell(alerts, Fires(Severity.WARNING, {"step": 60}, 0.7), 3)
    assert nearer is not None
    assert (nearer.state, nearer.alert.evidence, nearer.alert.confidence) == (AlertState.UPDATED, {"step": 60}, 0.7)
    other = tell(alerts, Fires(Severity.WARNING, {"step": 60}, 0.7, "ann"), 4)
    assert other is not None
    assert (other.state, other.alert.person, other.alert.opened_day) == (AlertState.UPDATED, "ann", 1)


def test_an_open_alert_stores_nothing_that_goes_without_saying() -> None:
    plain = OpenAlert("a", "1", 1, 1, "warning", {})
    assert msgspec.to_builtins(plain).keys() == {
        "alert_id",
        "episode",
        "opened_day",
        "occurred_ms",
        "severity",
        "evidence",
    }
    about = OpenAlert("a", "1", 1, 1, "warning", {}, 0.5, "ann")
    assert msgspec.convert(msgspec.to_builtins(about), OpenAlert) == about


def test_types_that_are_switched_off_are_taken_back() -> None:
    alerts: dict[str, OpenAlert] = {}
    assert withdraw(alerts, [], (), at_ms=9) == []
    opened = tell(alerts, Fires(Severity.WARNING, {}), 1)
    assert opened is not None
    # Opened at this very instant: nobody heard of it.
    assert withdraw(alerts, [opened], (DROP,), at_ms=9) == []
    assert alerts == {}
    tell(alerts, Fires(Severity.WARNING, {}), 2)
    (over,) = withdraw(alerts, [], (DROP, AlertType.LEFT), at_ms=9)
    assert (over.type, over.state, over.at_ms, over.resolved_reason) == (DROP, AlertState.RESOLVED, 9, "off")
    assert alerts == {}
