"""When a customer is looked at next: the first grid instant at which anything can change without a new event."""

from __future__ import annotations

from bisect import bisect_left
from math import ceil

from ebbtide.models.churn.grid import last_observation_day
from ebbtide.models.customer.cadence import SilenceState, asleep_after, instant_of, left_after
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.key_people import KeyPeople
from ebbtide.models.customer.rhythm import Rhythm
from ebbtide.models.customer.segments import alert_policy
from ebbtide.models.customer.series import EVENTS
from ebbtide.models.customer.usual_silence import unusual_after
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.state_change import StateName

_WEEK = 7
_NEVER = 1 << 30
# Members of enumerations cost twice a look-up of these, and are asked for at every look at a customer.
_AWAKE, _LEFT = SilenceState.AWAKE, SilenceState.LEFT
_KEY_PERSON_LOST, _SUDDEN_DROP = AlertType.KEY_PERSON_LOST, AlertType.SUDDEN_DROP
_SURGE, _WARM_RETURN = AlertType.SURGE, AlertType.WARM_RETURN


class Timers:
    """The timers under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy
        self._key_people = KeyPeople(policy)
        self._every_days = policy.observation.every_days
        self._dwells = (
            (StateName.LIFECYCLE, policy.lifecycle.dwell_days),
            (StateName.ACTIVITY_GROUP, policy.activity_group.dwell_days),
        )

    def observed(self, customer: Customer, view: View, day: int) -> int:
        """The next instant of observation after ``day``, or one before at which facts tell more: the one after the next
        dated fact, or that at which an alert on them opens or ends by itself."""
        due = last_observation_day(day, self._every_days) + self._every_days
        if view.alarm_day is not None:
            due = min(due, max(view.alarm_day, day + 1))
        told = view.next_fact_day(customer, day)
        return due if told is None else min(due, told + 1)

    def next_due(self, customer: Customer, view: View, day: int, rhythm: Rhythm) -> int:
        """The next instant for a customer that was active before ``day``."""
        if self._watches_trend(customer, view, day, rhythm):
            # Until when the trend alone counts is asked the day after, unless it was active: most are.
            view.quiet_since = day, rhythm
            return day + 1
        due = self._next_due(customer, view, day, rhythm)
        active = _next_active(view, day)
        view.quiet_until, view.quiet_since = min(due, active + 1), None
        return min(due, max(active, day + 1))

    def is_quiet(self, customer: Customer, view: View, day: int) -> bool:
        """Whether at the instant ``day`` the trend alone can move a customer that was not active the day before."""
        if view.quiet_since is not None:
            since, rhythm = view.quiet_since
            view.quiet_until = min(self._next_due(customer, view, since, rhythm), _next_active(view, since) + 1)
            view.quiet_since = None
        return day < view.quiet_until

    def _next_due(self, customer: Customer, view: View, day: int, rhythm: Rhythm) -> int:
        """The next instant at which more than its trend can move a customer."""
        policy = self._policy
        due = self.observed(customer, view, day)
        for name, dwell_days in self._dwells:
            held = customer.states.get(name)
            if held is not None and held.pending is not None:
                due = min(due, max(held.since_day + dwell_days, day + 1))
        if customer.is_lead and day - rhythm.last_day <= policy.lead.dormant_days + policy.lead.margin_days:
            # Its priority falls as days pass.
            due = day + 1
        if rhythm.state is not _LEFT:
            edge = asleep_after if rhythm.state is _AWAKE else left_after
            at = instant_of(rhythm.last_day, edge(rhythm.own, policy.cadence), rhythm.own)
            due = min(due, max(at, day + 1))
        due = min(due, self._told_silence(customer, view, day, rhythm, due))
        warm = customer.alerts.get(_WARM_RETURN)
        if warm is not None:
            lasts = alert_policy(customer, view, day, policy).warm_return_days
            due = min(due, max(warm.opened_day + lasts, day + 1))
        if _KEY_PERSON_LOST in customer.alerts:
            # Somebody may get the role that day.
            due = day + 1
        elif customer.is_account:
            due = min(due, self._key_people.next_due(customer, view, day) or due)
        return due

    def _told_silence(self, customer: Customer, view: View, day: int, rhythm: Rhythm, due: int) -> int:
        """When a silence that is not told yet is longer than it is now and then; ``due`` where it never will be."""
        state, policy = rhythm.state, self._policy
        kind = AlertType.ASLEEP if state is SilenceState.ASLEEP else AlertType.LEFT
        if state is _AWAKE or kind in customer.alerts:
            return due
        after = unusual_after(view.series, rhythm.last_day, rhythm.own, policy.cadence, policy.alert)
        # From then on every day: whether it is more than chance depends on what is usual on each.
        return due if after is None else max(instant_of(rhythm.last_day, after, rhythm.own), day + 1)

    def _watches_trend(self, customer: Customer, view: View, day: int, rhythm: Rhythm) -> bool:
        """Whether a drop or surge may open or close by the passing of days alone: only with enough activity."""
        if _SUDDEN_DROP in customer.alerts or _SURGE in customer.alerts:
            return True
        if rhythm.state is _LEFT:
            return False
        policy = self._policy.baseline
        widest = max(ceil(2 * rhythm.own.days) + _WEEK, 2 * _WEEK)
        events = view.series.window(EVENTS, day, widest + _WEEK * (policy.weeks + 1))
        # The baseline is the median week times the window's weeks; no week has more than all of them.
        return events * widest >= _WEEK * policy.min_actions


def _next_active(view: View, day: int) -> int:
    """The first active day from ``day`` on; one that never comes where there is none."""
    days = view.series.days
    if not days or days[-1] < day:
        return _NEVER
    return days[bisect_left(days, day)]
