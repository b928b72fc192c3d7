"""Which alerts of a customer open, change and resolve at an instant, and on the instant somebody returns.

Instant triggers see the day they happen on: in a backfill once it is over; live while it runs, on the part that is
known, and the next grid instant corrects them from the whole day. So a backfill depends on nothing that arrived
together, and live ends where the backfill does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from itertools import pairwise

from ebbtide.models.alerting import conditions
from ebbtide.models.alerting.lifecycle import AlertChange, OpenAlert, settle_evidence, transition
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.customer.cadence import Cadence, SilenceState, asleep_after, silence
from ebbtide.models.customer.comparable import excess, recovery, window
from ebbtide.models.customer.course import Decline, Declines, reach_days
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.key_people import KeyPeople
from ebbtide.models.customer.rhythm import Rhythm
from ebbtide.models.customer.seen import Seen
from ebbtide.models.customer.segments import alert_policy
from ebbtide.models.customer.series import FIRST, FIRST_LOGIN, LAST, LOGINS
from ebbtide.models.customer.surging import surge_evidence
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.customer.usual_silence import unusual_after
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.score import HealthTier

_WEEK = 7
_EPOCH = date(1970, 1, 1)
# Asked of every customer on every day: a member of an enumeration takes longer to find.
_ASLEEP, _LEFT = AlertType.ASLEEP, AlertType.LEFT
_DROP, _SURGE = AlertType.SUDDEN_DROP, AlertType.SURGE
_DANGER, _IN_DANGER = AlertType.TIER_TO_DANGER, HealthTier.DANGER
_KEY_PERSON, _RETURN = AlertType.KEY_PERSON_LOST, AlertType.WARM_RETURN
_IS_AWAKE, _IS_ASLEEP, _HAS_LEFT = SilenceState.AWAKE, SilenceState.ASLEEP, SilenceState.LEFT


class Alarms:
    """The alerts under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy
        self._key_people = KeyPeople(policy)
        self._declines = Declines(policy.baseline, policy.drop)
        self._reach_days = reach_days(policy.baseline, policy.drop)

    def settle(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm,
        comparison: Comparison | None,
        seen: Seen,
        fleet: Fleet | None = None,
        *,
        observe: bool,
    ) -> list[AlertChange]:
        """What is to be told at the grid instant ``day`` of a customer that was active before it.

        ``fleet`` are the statistics of the instant before, from which a surge's look-alikes come.
        """
        policy, state, days, open_alerts = self._policy, rhythm.state, rhythm.own.days, customer.alerts
        verdicts: list[tuple[AlertType, Verdict]] = []
        # What is open as it should be, or neither fires nor is open, is not asked: most customers on most days.
        slept = (state is _IS_ASLEEP) != (_ASLEEP in open_alerts)
        if slept or (state is _HAS_LEFT) != (_LEFT in open_alerts):
            why = self._untold_silence(customer, view, day, rhythm, seen, fleet)
            # A silence that is not told needs no time.
            last_at = "" if why is Reason.USUAL_SILENCE else _iso((view.last_at(customer, LAST, day) or 0) * 1000)
            # Silence is told in calendar days, whatever unit the cadence has.
            silent = day - rhythm.last_day - rhythm.blind
            verdicts += (
                (_LEFT, conditions.left(state, why, silent, days, last_at)),
                (_ASLEEP, conditions.asleep(state, why, silent, days, last_at)),
            )
        decline = self._decline(customer, view, day, rhythm.own, seen, fleet)
        if decline is not None or _DROP in open_alerts:
            verdicts.append((_DROP, self._drop(customer, view, day, rhythm, decline, seen, fleet)))
        if self._surges(customer, comparison):
            verdicts.append((_SURGE, self._surge(customer, view, day, rhythm, comparison, fleet)))
        if (customer.tier == _IN_DANGER) != (_DANGER in open_alerts):
            verdicts.append((_DANGER, _danger(customer)))
        if customer.is_account:
            verdicts += self._key_person(customer, view, day, seen, fleet)
        warm = open_alerts.get(_RETURN)
        if warm is not None:
            own = alert_policy(customer, view, day, policy)
            ends = conditions.warm_return_ends(state, day - warm.opened_day, own)
            verdicts.append((_RETURN, ends))
        if not verdicts:
            return []
        return _changes(_told(customer, kind, verdict, day, day * DAY_MS) for kind, verdict in verdicts)

    def are_calm(
        self,
        customer: Customer,
        view: View,
        day: int,
        own: Cadence,
        comparison: Comparison | None,
        seen: Seen,
        fleet: Fleet | None,
    ) -> bool:
        """Whether the trend neither opens an alert nor has one open, on a day that is no instant of observation."""
        if _DROP in customer.alerts or self._surges(customer, comparison):
            return False
        return self._decline(customer, view, day, own, seen, fleet) is None

    def _decline(
        self, customer: Customer, view: View, day: int, own: Cadence, seen: Seen, fleet: Fleet | None
    ) -> Decline | None:
        """The decline with which a drop may begin; none where one is open already, or who left."""
        if _DROP in customer.alerts or customer.silence is _HAS_LEFT:
            return None
        return self._newest(customer, view, day, own, seen, fleet)

    def _newest(
        self, customer: Customer, view: View, day: int, own: Cadence, seen: Seen, fleet: Fleet | None
    ) -> Decline | None:
        unseen = seen.unseen(fleet, self._reach_days)
        return self._declines.newest(view.course, view.series, view.people(customer), day, own, unseen)

    def _surges(self, customer: Customer, comparison: Comparison | None) -> bool:
        """Whether a surge begins or is open."""
        ratio = 1.0 if comparison is None else comparison.ratio
        return ratio > self._policy.baseline.surge_enter or _SURGE in customer.alerts

    def observed(self, customer: Customer, day: int) -> list[AlertChange]:
        """What a score between two grid instants brings."""
        return _changes([_told(customer, _DANGER, _danger(customer), day, day * DAY_MS)])

    def moved(self, customer: Customer, day: int, stay: Collection[AlertType] = ()) -> list[AlertChange]:
        """Resolves all but those that ``stay``: what they were about counts for another customer now."""
        moved = Clears(Reason.MOVED)
        gone = [AlertType(name) for name in customer.alerts if name not in stay]
        return _changes(_told(customer, alert_type, moved, day, day * DAY_MS) for alert_type in gone)

    def returned(self, customer: Customer, view: View, day: int, seen: Seen, *, complete: bool) -> list[AlertChange]:
        """Instant triggers of ``day``: whoever was asleep at its start and is active now is awake; a login is a return.

        Who came back without one, as just before midnight, returns with that of the day after.

        ``customer.silence`` is the state at the start of ``day``; days that ``seen`` says nobody saw are no silence.
        With ``complete`` the day is over and what fired on part of it is corrected.
        """
        bucket = view.series.get(day)
        if bucket is None:
            return []
        is_awake = customer.silence is _IS_AWAKE
        if is_awake and not came_without_login(view, day):
            return []
        rhythm = seen.rhythm(view, day - 1 if is_awake else day, self._policy.cadence)
        if rhythm is None or rhythm.state is _IS_AWAKE:
            # What it was asleep since went to another customer; or it was awake the day before as well.
            return []
        start = day * DAY_MS
        awake = Clears(Reason.RETURNED)
        woke_ms = start + bucket[FIRST] * 1000
        told = [_told(customer, kind, awake, day, woke_ms) for kind in (_ASLEEP, _LEFT)]
        at_ms = start + max(bucket[FIRST_LOGIN], 0) * 1000
        why = self._usual_silence(view, rhythm)
        verdict = conditions.warm_return(bucket[LOGINS], why, rhythm.silent, rhythm.own.days, _iso(at_ms))
        episode = str(rhythm.last_day)
        known = customer.alerts.get(_RETURN)
        if known is not None and known.episode == episode:
            if complete and isinstance(verdict, Fires):
                told.append(settle_evidence(customer.alerts, _RETURN, verdict, at_ms=at_ms))
        elif isinstance(verdict, Fires):
            # A new episode: whatever return was still open is over.
            told.append(_told(customer, _RETURN, Clears(Reason.WENT_TO_SLEEP), day, at_ms))
            told.append(_told(customer, _RETURN, verdict, day, at_ms, episode))
        return _changes(told)

    def _usual_silence(self, view: View, rhythm: Rhythm) -> Reason | None:
        """Why the silence is no unusual one by its gaps: without a rhythm, or no longer than it is now and then."""
        after = unusual_after(view.series, rhythm.last_day, rhythm.own, self._policy.cadence, self._policy.alert)
        if after is None:
            return Reason.NO_RHYTHM
        return None if rhythm.silent >= after else Reason.USUAL_SILENCE

    def _untold_silence(
        self, customer: Customer, view: View, day: int, rhythm: Rhythm, seen: Seen, fleet: Fleet | None
    ) -> Reason | None:
        """Why the silence up to ``day`` is not told.

        That of an account, of which a habit is known, must be no more likely by chance than a drop: on a day off of one
        of its people others may come, so that its gaps tell little.
        """
        why = self._usual_silence(view, rhythm)
        silent = range(rhythm.last_day + 1, day)
        if why is None and customer.is_account and len(silent) < self._policy.drop.longest_days:
            unseen = seen.unseen(fleet, self._reach_days)
            found = self._declines.silence(view.course, view.series, view.people(customer), silent, unseen)
            if found is not None and found <= self._policy.drop.evidence:
                return Reason.USUAL_SILENCE
        return why

    def _key_person(
        self, customer: Customer, view: View, day: int, seen: Seen, fleet: Fleet | None
    ) -> list[tuple[AlertType, Verdict]]:
        """Whether who is told to be gone still is, and, if nobody is told, who carried the account and is gone.

        On days on which nobody could see it or the whole fleet was down nobody is missed.
        """
        people, known = self._key_people, customer.alerts.get(_KEY_PERSON)
        told: list[tuple[AlertType, Verdict]] = []
        if known is not None:
            person, last = known.person or "", _day_of(str(known.evidence["last_active_on"]))
            verdict: Verdict = conditions.key_person_stays_lost(
                back=people.is_back(customer, view, day, person, last),
                stood_in=people.stands_in(customer, view, day, person, last),
                open_days=day - known.opened_day,
                policy=self._policy.key_person,
            )
            if not known.evidence["told"] and _rests_on(known, "silence_days", fleet):
                verdict = Clears(Reason.FLEET_DOWN)
            told.append((_KEY_PERSON, verdict))
            if not isinstance(verdict, Clears):
                return told
        gone = people.gone(
            customer, view, day, lambda since: _number(seen.unseen(fleet, self._reach_days), range(since, day))
        )
        if gone is not None:
            silent = range(gone.last_day + 1, day)
            verdict = conditions.key_person_lost(gone, 0 if fleet is None else _number(fleet.down_days, silent))
            told.append((_KEY_PERSON, verdict))
        return told

    def _drop(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm,
        found: Decline | None,
        seen: Seen,
        fleet: Fleet | None,
    ) -> Verdict:
        """A sudden drop, with what is ``found`` where none is open yet.

        It is over where it rests on days on which the fleet was down, as is known since; not while one that began now
        would be as sure, for then it would be told again at once. Where it holds a sleep that is over, what was done
        since counts: coming back is no decline.
        """
        policy, series, own = self._policy, view.series, rhythm.own
        down = frozenset[int]() if fleet is None else fleet.down_days
        known = customer.alerts.get(_DROP)
        if known is not None and _rests_on(known, "window_days", fleet):
            return Clears(Reason.FLEET_DOWN)
        ends = recovery(series, day, own, policy.baseline)
        if found is None and ends is not None and ends.ratio < policy.baseline.drop_leave:
            newest = range(day - ends.width, day)
            if seen.blind_days(newest.start) or _number(down, newest):
                return Holds(Reason.UNSEEN)
        left_out = 0 if found is None else _number(down, range(day - found.width, day))
        verdict = conditions.sudden_drop(found, ends, rhythm.state, policy.baseline, left_out)
        if isinstance(verdict, Fires) and found is not None and self._is_return(view, day, rhythm, found):
            return Holds(Reason.RETURNED)
        if known is not None and verdict == Clears(Reason.RECOVERED):
            sure = self._newest(customer, view, day, own, seen, fleet)
            if sure is not None and not self._is_return(view, day, rhythm, sure):
                return Holds(Reason.HYSTERESIS)
        return verdict

    def _is_return(self, view: View, day: int, rhythm: Rhythm, found: Decline) -> bool:
        """Whether a decline holds a sleep, and the customer is back since."""
        if rhythm.state is not _IS_AWAKE:
            return False
        policy, series, own = self._policy, view.series, rhythm.own
        slept = unusual_after(series, rhythm.last_day, own, policy.cadence, policy.alert)
        slept = asleep_after(own, policy.cadence) if slept is None else slept
        first = max(0, series.count_before(day - found.width) - 1)
        active = series.days[first : series.count_before(day)]
        woke = max((after for before, after in pairwise(active) if silence(before, after, own) >= slept), default=None)
        return woke is not None and not self._is_low_since(view, day, woke, own)

    def _is_low_since(self, view: View, day: int, woke: int, own: Cadence) -> bool:
        """Whether a customer does less than half of its usual since it ``woke``, for two cadences already."""
        days = [view.course.days[at] for at in range(woke, day)]
        usual, done = sum(at.usual_actions for at in days), sum(at.actions for at in days)
        return silence(woke, day, own) >= 2 * own.gap and done < self._policy.baseline.drop_enter * usual

    def _surge(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm,
        comparison: Comparison | None,
        fleet: Fleet | None,
    ) -> Verdict:
        """A surge, unless a campaign of the window's days brought it; where it opens, with what drove it and who is
        like the customer. While open its evidence stays."""
        policy, found, is_open = self._policy, None, _SURGE in customer.alerts
        if comparison is not None and comparison.ratio > policy.baseline.surge_enter:
            if not is_open and any(
                sent >= day - comparison.window_days - policy.campaign.days for sent in view.campaigns(customer, day)
            ):
                return Holds(Reason.CAMPAIGN)
            judged = window(view.series, day, comparison.window_days, rhythm.own, policy.baseline)
            if judged is not None:
                latest = day - judged.lag
                ends = range(latest, latest - _WEEK * len(judged.past), -_WEEK)
                found = excess(judged, view.people_days(customer, (day, *ends), judged.width), policy.surge)
        verdict = conditions.surge(comparison, found, rhythm.state, policy.baseline, policy.surge)
        if comparison is None or not isinstance(verdict, Fires) or is_open:
            return verdict
        more = surge_evidence(customer, view, day, comparison, fleet, policy)
        return Fires(verdict.severity, {**verdict.evidence, **more}, verdict.confidence)


def came_without_login(view: View, day: int) -> bool:
    """Whether there is a login on ``day``, and was none on the day before although that was an active one."""
    bucket, before = view.series.get(day), view.series.get(day - 1)
    return bucket is not None and bucket[LOGINS] > 0 and before is not None and not before[LOGINS]


def _rests_on(known: OpenAlert, width: str, fleet: Fleet | None) -> bool:
    """Whether days that an alert was told from turned out to be such on which the whole fleet was down."""
    if fleet is None or not fleet.down_days:
        return False
    window = range(known.opened_day - known.evidence[width], known.opened_day)
    left_out: int = known.evidence.get(conditions.LEFT_OUT, 0)
    return _number(fleet.down_days, window) > left_out


def _number(days: Collection[int], window: range) -> int:
    """How many of the days lie in a window."""
    return sum(day in days for day in window) if days else 0


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


def _day_of(day: str) -> int:
    return (date.fromisoformat(day) - _EPOCH).days


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
