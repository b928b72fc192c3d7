"""Which alerts of a customer open, change and resolve at an instant, and on the instant somebody returns.

Instant triggers see the day they happen on: in a backfill once it is over; live while it runs, on the part that is
known, and the next grid instant corrects them from the whole day. So a backfill depends on nothing that arrived
together, and live ends where the backfill does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from itertools import pairwise

from ebbtide.models.alerting import conditions
from ebbtide.models.alerting.lifecycle import AlertChange, settle_evidence, transition
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.customer.cadence import SilenceState, asleep_after, silence
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.rhythm import Rhythm
from ebbtide.models.customer.seen import Seen
from ebbtide.models.customer.segments import alert_policy
from ebbtide.models.customer.series import FIRST, FIRST_LOGIN, LAST, LOGINS
from ebbtide.models.customer.surging import surge_evidence
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.score import HealthTier


class Alarms:
    """The alerts under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy

    def settle(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm,
        comparison: Comparison | None,
        fleet: Fleet | None = None,
    ) -> list[AlertChange]:
        """What is to be told at the grid instant ``day`` of a customer that was active before it.

        ``fleet`` are the statistics of the instant before, from which a surge's look-alikes come.
        """
        policy, state, days, open_alerts = self._policy, rhythm.state, rhythm.own.days, customer.alerts
        verdicts: list[tuple[AlertType, Verdict]] = []
        # What is open as it should be, or neither fires nor is open, is not asked: most customers on most days.
        slept = (state is SilenceState.ASLEEP) != (AlertType.ASLEEP in open_alerts)
        if slept or (state is SilenceState.LEFT) != (AlertType.LEFT in open_alerts):
            last_at = _iso((view.last_at(customer, LAST, day) or 0) * 1000)
            # Silence is told in calendar days, whatever unit the cadence has.
            silent = day - rhythm.last_day - rhythm.blind
            verdicts += (
                (AlertType.LEFT, conditions.left(state, silent, days, last_at)),
                (AlertType.ASLEEP, conditions.asleep(state, silent, days, last_at)),
            )
        drops, surges = self._trends(customer, comparison)
        if drops:
            verdicts.append((AlertType.SUDDEN_DROP, self._drop(comparison, rhythm, view, day)))
        if surges:
            verdicts.append((AlertType.SURGE, self._surge(customer, view, day, rhythm, comparison, fleet)))
        if (customer.tier == HealthTier.DANGER) != (AlertType.TIER_TO_DANGER in open_alerts):
            verdicts.append((AlertType.TIER_TO_DANGER, _danger(customer)))
        warm = open_alerts.get(AlertType.WARM_RETURN)
        if warm is not None:
            own = alert_policy(customer, view, day, policy)
            ends = conditions.warm_return_ends(state, day - warm.opened_day, own)
            verdicts.append((AlertType.WARM_RETURN, ends))
        return _changes(_told(customer, kind, verdict, day, day * DAY_MS) for kind, verdict in verdicts)

    def are_calm(self, customer: Customer, comparison: Comparison | None) -> bool:
        """Whether the trend neither opens an alert nor has one open."""
        return not any(self._trends(customer, comparison))

    def _trends(self, customer: Customer, comparison: Comparison | None) -> tuple[bool, bool]:
        """Whether a drop, and whether a surge, begins or is open."""
        open_alerts, baseline = customer.alerts, self._policy.baseline
        ratio = 1.0 if comparison is None else comparison.ratio
        return (
            ratio < baseline.drop_enter or AlertType.SUDDEN_DROP in open_alerts,
            ratio > baseline.surge_enter or AlertType.SURGE in open_alerts,
        )

    def observed(self, customer: Customer, day: int) -> list[AlertChange]:
        """What a score between two grid instants brings."""
        return _changes([_told(customer, AlertType.TIER_TO_DANGER, _danger(customer), day, day * DAY_MS)])

    def moved(self, customer: Customer, day: int, stay: Collection[AlertType] = ()) -> list[AlertChange]:
        """Resolves all but those that ``stay``: what they were about counts for another customer now."""
        moved = Clears(Reason.MOVED)
        gone = [AlertType(name) for name in customer.alerts if name not in stay]
        return _changes(_told(customer, alert_type, moved, day, day * DAY_MS) for alert_type in gone)

    def returned(self, customer: Customer, view: View, day: int, seen: Seen, *, complete: bool) -> list[AlertChange]:
        """Instant triggers of ``day``: whoever was asleep at its start and is active now is awake; a login is a return.

        ``customer.silence`` is the state at the start of ``day``; days that ``seen`` says nobody saw are no silence.
        With ``complete`` the day is over and what fired on part of it is corrected.
        """
        bucket = view.series.get(day)
        if bucket is None or customer.silence is SilenceState.AWAKE:
            return []
        rhythm = seen.rhythm(view, day, self._policy.cadence)
        if rhythm is None:
            # What it was asleep since went to another customer.
            return []
        start = day * DAY_MS
        awake = Clears(Reason.RETURNED)
        woke_ms = start + bucket[FIRST] * 1000
        told = [_told(customer, kind, awake, day, woke_ms) for kind in (AlertType.ASLEEP, AlertType.LEFT)]
        at_ms = start + max(bucket[FIRST_LOGIN], 0) * 1000
        verdict = conditions.warm_return(bucket[LOGINS], rhythm.silent, rhythm.own.days, _iso(at_ms))
        episode = str(rhythm.last_day)
        known = customer.alerts.get(AlertType.WARM_RETURN)
        if known is not None and known.episode == episode:
            if complete and isinstance(verdict, Fires):
                told.append(settle_evidence(customer.alerts, AlertType.WARM_RETURN, verdict, at_ms=at_ms))
        elif isinstance(verdict, Fires):
            # A new episode: whatever return was still open is over.
            told.append(_told(customer, AlertType.WARM_RETURN, Clears(Reason.WENT_TO_SLEEP), day, at_ms))
            told.append(_told(customer, AlertType.WARM_RETURN, verdict, day, at_ms, episode))
        return _changes(told)

    def _surge(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm,
        comparison: Comparison | None,
        fleet: Fleet | None,
    ) -> Verdict:
        """A surge; where it opens, with what drove it and who is like the customer. While open its evidence stays."""
        verdict = conditions.surge(comparison, rhythm.state, self._policy.baseline)
        if comparison is None or not isinstance(verdict, Fires) or AlertType.SURGE in customer.alerts:
            return verdict
        more = surge_evidence(customer, view, day, comparison, fleet, self._policy)
        return Fires(verdict.severity, {**verdict.evidence, **more})

    def _drop(self, comparison: Comparison | None, rhythm: Rhythm, view: View, day: int) -> Verdict:
        """A sudden drop, unless the window holds a sleep that is over: coming back is no decline."""
        verdict = conditions.sudden_drop(comparison, rhythm.state, self._policy.baseline)
        if comparison is None or not isinstance(verdict, Fires) or rhythm.state is not SilenceState.AWAKE:
            return verdict
        asleep = asleep_after(rhythm.own, self._policy.cadence)
        series = view.series
        first = max(0, series.count_before(day - comparison.window_days) - 1)
        active = series.days[first : series.count_before(day)]
        if any(silence(before, after, rhythm.own) >= asleep for before, after in pairwise(active)):
            return Holds(Reason.RETURNED)
        return verdict


def _changes(told: Iterable[AlertChange | None]) -> list[AlertChange]:
    return [change for change in told if change is not None]


def _told(
    customer: Customer, alert_type: AlertType, verdict: Verdict, day: int, at_ms: int, episode: str | None = None
) -> AlertChange | None:
    if not isinstance(verdict, Fires) and alert_type not in customer.alerts:
        # Nothing is open that it could hold or clear: so it is most of the time.
        return None
    return transition(
        customer.customer_id,
        customer.alerts,
        alert_type,
        verdict,
        day=day,
        at_ms=at_ms,
        episode=str(day) if episode is None else episode,
    )


def _danger(customer: Customer) -> Verdict:
    return conditions.tier_to_danger(
        None if customer.tier is None else HealthTier(customer.tier),
        None if customer.score is None else customer.score.p_churn,
    )


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
