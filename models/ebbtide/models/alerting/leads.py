"""A lead that should be called now (signals §7, §8)."""

from __future__ import annotations

from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.leads.interest import Interest
from ebbtide.models.leads.lead_priority import Priority
from ebbtide.schemas.alert import Severity


def hot_lead(priority: Priority | None, interest: Interest, *, blind: bool = False) -> Verdict:
    """The lead has priority A: a recent login, many queries, and a rate that is kept since the trial began."""
    if priority is None:
        return Clears(Reason.NO_LEAD)
    if blind:
        return Holds(Reason.BLIND)
    if priority is not Priority.A:
        return Clears(Reason.LOWER_PRIORITY)
    return Fires(
        Severity.WARNING,
        {
            "silent_days": interest.silent_days,
            "queries": interest.queries,
            "trend": None if interest.trend is None else round(interest.trend, 4),
        },
    )
