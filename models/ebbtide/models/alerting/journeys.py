"""A customer that does not get on: it stays in a stage in which nobody else stays for so long (signals §7).

Only in a stage that is a process can anybody be stuck: something must follow, and somebody of the vendor sees to it.
A lead that was acquired is to be visited, who was visited is to sign, who signed is to get its delivery, who got that
is to use the product. Who is served, renewed, expanded or won back rightly stays so for years, and who churned has left
the process; nor is anybody stuck who was acquired but is no open lead: free users, and what the CRM merely lists.
"""

from __future__ import annotations

from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.policy import AlertPolicy
from ebbtide.models.standing.journey import Journey, JourneyStage, is_stuck
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.base import DAY_MS

_CONFIDENCE = 0.9
"""Nine in ten got on sooner; that much is known."""

PROCESS = frozenset({JourneyStage.VISITED, JourneyStage.SIGNED, JourneyStage.DELIVERED})
"""Stages that something must follow; also acquired, of an open lead."""


def stuck(
    journey: Journey | None,
    day: int,
    usual: tuple[float, int] | None,
    policy: AlertPolicy,
    *,
    is_lead: bool,
    open_since: str | None = None,
    blind: bool = False,
) -> Verdict:
    """A stage of the journey that something must follow lasts longer than for nine in ten of the segment.

    ``usual``: the 90th percentile, days, and the grid day as of which it is known; None where too few are in the stage.
    ``open_since``: the evidence's ``since`` of the open alert.
    """
    if journey is None or not (journey.stage in PROCESS or (is_lead and journey.stage is JourneyStage.ACQUIRED)):
        return Clears(Reason.NO_PROCESS if open_since is None else Reason.MOVED_ON)
    if open_since is not None:
        # The percentile moves every week, the stage did not end: what was said stays true.
        return Holds(Reason.HYSTERESIS) if open_since == since(journey) else Clears(Reason.MOVED_ON)
    if blind:
        return Holds(Reason.BLIND)
    if usual is None:
        return Clears(Reason.NOT_KNOWN)
    p90, as_of = usual
    # The others have come further since the day of the percentile, just as this one has.
    if journey.dwell_days(day) < policy.stuck_days or not is_stuck(journey.dwell_days(as_of), p90):
        return Clears(Reason.NOT_LONGER)
    return Fires(
        Severity.WARNING,
        {
            "stage": journey.stage.value,
            "since": since(journey),
            "dwell_days": journey.dwell_days(day),
            "p90_days": round(p90, 1),
        },
        _CONFIDENCE,
    )


def since(journey: Journey) -> str:
    """The UTC date on which the stage began."""
    return from_ms(journey.since_day * DAY_MS).date().isoformat()
