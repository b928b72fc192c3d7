"""How well risk alerts foretold churn: how many came true, who was warned, and how early."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ebbtide.streams.evaluation.alert_log import Told
from ebbtide.streams.evaluation.outcomes import Outcomes
from ebbtide.streams.evaluation.shares import Case, share, spread

EARLY = timedelta(days=30)
"""A warning that comes later leaves no time to act [FX]."""

TIMELY = timedelta(days=60), timedelta(days=90)
"""When a warning is most use: late enough to be true, early enough for a plan."""


@dataclass(frozen=True)
class Foresight:
    """Each case has a customer: of ``precision`` an alert, of the others one who churned.

    ``leads`` are the days from the first warning within the horizon to the churn, of those who were warned.
    """

    precision: list[Case] = field(default_factory=list)
    warned: list[Case] = field(default_factory=list)
    warned_early: list[Case] = field(default_factory=list)
    warned_timely: list[Case] = field(default_factory=list)
    leads: list[Case] = field(default_factory=list)


def foretold(told: Iterable[Told], outcomes: Outcomes, horizon: timedelta) -> Foresight:
    """What the risk alerts among ``told`` foretold.

    An alert is judged where its customer was under observation and its whole horizon is known; it came true where the
    customer churned within it. A churner counts where it was under observation for a whole horizon before.
    """
    found = Foresight()
    times: dict[str, list[datetime]] = defaultdict(list)
    for alert in told:
        if not alert.is_risk:
            continue
        times[alert.customer_id].append(alert.at)
        if outcomes.watches(alert.customer_id, alert.at) and alert.at + horizon <= outcomes.known_until:
            churned = outcomes.churned_at.get(alert.customer_id)
            came_true = churned is not None and churned <= alert.at + horizon
            found.precision.append(Case(alert.customer_id, came_true))
    for customer, churned in churners(outcomes, horizon):
        early = sorted(at for at in times.get(customer, ()) if churned - horizon <= at < churned)
        found.warned.append(Case(customer, bool(early)))
        found.warned_early.append(Case(customer, bool(early) and early[0] <= churned - EARLY))
        timely = any(churned - TIMELY[1] <= at <= churned - TIMELY[0] for at in times.get(customer, ()))
        found.warned_timely.append(Case(customer, timely))
        if early:
            found.leads.append(Case(customer, (churned - early[0]) / timedelta(days=1)))
    return found


def churners(outcomes: Outcomes, horizon: timedelta) -> Iterator[tuple[str, datetime]]:
    """Who churned while the replay went on, after a whole horizon under observation; in the order of ids."""
    for customer, churned in sorted(outcomes.churned_at.items()):
        since = outcomes.since.get(customer)
        if since is not None and since + horizon <= churned <= outcomes.watched_until:
            yield customer, churned


def by_chance(told: Mapping[str, Sequence[Told]], outcomes: Outcomes, horizon: timedelta) -> list[Case]:
    """The days of those who stayed on which they would have counted as warned early, had they churned then; out of all.

    What :attr:`Foresight.warned_early` is worth only shows beside it: whoever warns of everybody warns of all churners.
    """
    cases = []
    for customer, since in sorted(outcomes.since.items()):
        begins, ends = since + horizon, outcomes.watched_until
        if customer in outcomes.churned_at or begins >= ends:
            continue
        covered, reached = timedelta(0), begins
        for alert in told.get(customer, ()):
            if alert.is_risk:
                opens, closes = max(alert.at + EARLY, reached), min(alert.at + horizon, ends)
                covered += max(closes - opens, timedelta(0))
                reached = max(reached, closes)
        cases.append(Case(customer, covered / timedelta(days=1), (ends - begins) / timedelta(days=1)))
    return cases


def summary(found: Foresight) -> dict[str, Any]:
    """For JSON."""
    return {
        "precision": share(found.precision),
        "churners_warned": share(found.warned),
        "churners_warned_30_days_before": share(found.warned_early),
        "churners_warned_60_to_90_days_before": share(found.warned_timely),
        "lead_days": spread([case.part for case in found.leads]),
    }
