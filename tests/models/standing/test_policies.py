"""Settings of the states: thresholds that cross are refused, with their names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ebbtide.models.policy import ActivityGroupPolicy, LifecyclePolicy, Policy, RelationshipPolicy, UsagePolicy


@pytest.mark.parametrize(
    ("group", "values", "fault"),
    [
        (LifecyclePolicy, {"stable_enter": 0.8}, "stable_enter <= stable_leave"),
        (ActivityGroupPolicy, {"risk_leave": 0.6}, "risk_leave <= risk_enter"),
        (UsagePolicy, {"keeps_leave": 0.95}, "keeps_leave <= keeps_enter"),
        (UsagePolicy, {"own_low_leave": 1.2}, "own_low_enter <= own_low_leave <= own_high_leave <= own_high_enter"),
        (RelationshipPolicy, {"recent_days": 31}, "recent_days <= silent_days"),
        (RelationshipPolicy, {"overdue": 16.0}, "overdue <= overdue_late"),
        (RelationshipPolicy, {"high_enter": 60.0}, "low_enter <= low_leave <= high_leave <= high_enter"),
        (RelationshipPolicy, {"ticket_points": {"p1": 10.0}}, "ticket_points must name `normal`"),
    ],
)
def test_thresholds_that_cross_are_refused(group: type[Policy], values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        group(**values)
