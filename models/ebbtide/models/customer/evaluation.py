"""What is decided about a customer at a grid instant, and on the instant somebody returns (design §3).

A grid instant ``day`` sees only days before it. Instant triggers see the day they happen on: in a backfill once it is
over; live while it runs, on the part that is known, and the next grid instant corrects them from the whole day. So a
backfill depends on nothing that arrived together, and live ends where the backfill does.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil

from ebbtide.models.adoption.campaign import inflation, organic
from ebbtide.models.alerting import conditions
from ebbtide.models.alerting.lifecycle import AlertChange, settle_evidence, transition
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.churn.features import NAMES, features
from ebbtide.models.churn.grid import is_observation_day, last_observation_day
from ebbtide.models.churn.labels import Label, LabelKind, Renewal, label, matures_on
from ebbtide.models.churn.scorer import ScoredLogit, Scorer
from ebbtide.models.churn.tiers import TierThresholds, health_tier
from ebbtide.models.customer.cadence import (
    Cadence,
    SilenceState,
    asleep_after,
    instant_of,
    left_after,
    silence,
)
from ebbtide.models.customer.customer import ANONYMOUS, Customer, Observation, Published
from ebbtide.models.customer.outages import Outages, sources_of
from ebbtide.models.customer.rhythm import Rhythm
from ebbtide.models.customer.rhythm import rhythm as rhythm_of
from ebbtide.models.customer.series import DAY_SECONDS, EVENTS, FIRST, FIRST_LOGIN, LAST, LOGINS, DaySeries
from ebbtide.models.customer.standings import Standings
from ebbtide.models.customer.trend import Comparison, compare
from ebbtide.models.customer.view import View
from ebbtide.models.customer.yearly_value import CURRENCY, currency
from ebbtide.models.fleet.business import business, owner_of
from ebbtide.models.fleet.contribution import VALUE, Contribution, contribution, segment_of
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.hysteresis import StateChange
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.profile_state import Trait
from ebbtide.schemas.score import HealthTier
from ebbtide.schemas.state_change import StateName

DAY_MS = DAY_SECONDS * 1000
_PACKED = struct.Struct(f"<{len(NAMES)}f")
_WEEK = 7


@dataclass(slots=True)
class Matured:
    """A frozen prediction whose outcome is known."""

    observation: Observation
    label: Label
    day: int

    @property
    def features(self) -> tuple[float, ...]:
        """The features as they were when the prediction was made."""
        return _PACKED.unpack(self.observation.features)


@dataclass(slots=True)
class NewScore:
    """A score worth publishing, and the one it is told against."""

    score: Published
    previous: Published | None
    day: int


@dataclass(slots=True)
class Decisions:
    """Everything decided at one instant, in the order in which it is told."""

    score: NewScore | None = None
    alerts: list[AlertChange] = field(default_factory=list)
    matured: list[Matured] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    contribution: Contribution | None = None
    blind: int | None = None
    """The grid day from which on the customer cannot be scored."""


class _Seen:
    """What could be seen of a customer before an instant; mostly nobody asks."""

    def __init__(self, customer: Customer, outages: Outages | None, day: int) -> None:
        self._customer, self._outages, self._day = customer, outages, day

    @property
    def sources(self) -> set[str]:
        """The sources of its activity."""
        return sources_of(self._customer, self._day)

    def blind_days(self, since_day: int) -> int:
        """Number of days from ``since_day`` to the instant on which all its sources were blind."""
        outages = self._outages
        if outages is None or outages.newest_day < since_day:
            return 0
        return sum(since_day <= lost < self._day for lost in outages.blind_days(self.sources))


class Evaluator:
    """The rules under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy
        self._cadence = policy.cadence
        score = policy.score
        self._standings = Standings(policy)
        self._dwells = (
            (StateName.LIFECYCLE, policy.lifecycle.dwell_days),
            (StateName.ACTIVITY_GROUP, policy.activity_group.dwell_days),
        )
        self._thresholds = TierThresholds(
            score.danger_enter, score.danger_leave, score.excellent_enter, score.excellent_leave
        )

    def settle(
        self,
        customer: Customer,
        view: View,
        day: int,
        scorer: Scorer,
        fleet: Fleet | None = None,
        outages: Outages | None = None,
        *,
        live: bool = False,
    ) -> Decisions:
        """Evaluate the grid instant ``day``, and set when the customer is due next.

        ``fleet`` are the statistics of the instant before, ``outages`` those known by ``day``. ``live``: the day that
        begins runs now, and a return on it is told at once.
        """
        decisions = Decisions()
        if customer.kind == ANONYMOUS:
            # Nobody to score or to call; should somebody sign in, the profile finds its owner.
            customer.due_day = None
            view.compact(customer, max([day, *view.series.days[-1:]]))
            return decisions
        if day - 1 in view.series:
            self.returned(customer, view, day - 1, decisions, complete=True)
        customer.settled_day = day
        seen = _Seen(customer, outages, day)
        if outages is not None and outages.blind and outages.is_blind(seen.sources):
            self._settle_blind(customer, view, day, decisions)
            return decisions
        rhythm = self._rhythm(view, day, seen)
        observe = is_observation_day(day, self._policy.observation.every_days)
        if rhythm is None:
            self._settle_unseen(customer, view, day, fleet, decisions, seen, observe=observe)
            return decisions
        woke_or_slept = rhythm.state is not customer.silence
        customer.silence = rhythm.state
        if observe or woke_or_slept or customer.score is None or customer.blind or day - 1 in view.series:
            force, customer.blind = customer.blind, False
            self._score(customer, view, day, rhythm.own, scorer, decisions, observe=observe, force=force)
        comparison = compare(view.series, day, rhythm.own, self._policy.baseline)
        low = comparison is not None and comparison.ratio < self._policy.baseline.drop_leave
        if comparison is not None and low and seen.blind_days(day - comparison.window_days):
            # Part of the window could not be seen.
            comparison = None
        self._alert(customer, day, rhythm, comparison, view, decisions)
        changed = woke_or_slept or decisions.score is not None
        self._stand(customer, view, day, rhythm, comparison, fleet, decisions, seen, observe=observe, changed=changed)
        if observe:
            self._mature(customer, view, day, decisions)
            view.compact(customer, day)
        if live:
            self.returned(customer, view, day, decisions, complete=False)
        customer.due_day = self._next_due(customer, view, day, rhythm)
        return decisions

    def observe(self, customer: Customer, view: View, day: int, scorer: Scorer) -> Decisions:
        """Publish the score as of ``day``, unless it was that day already, and tell who returned on the day so far."""
        decisions = Decisions()
        rhythm = rhythm_of(view, day, self._cadence)
        if rhythm is None or customer.kind == ANONYMOUS or customer.blind:
            return decisions
        if customer.score is None or customer.scored_day != day:
            self._score(customer, view, day, rhythm.own, scorer, decisions, observe=False, force=True)
            self._tell(customer, AlertType.TIER_TO_DANGER, _danger(customer), day, day * DAY_MS, decisions)
        self.returned(customer, view, day, decisions, complete=False)
        return decisions

    def _rhythm(self, view: View, day: int, seen: _Seen) -> Rhythm | None:
        """The rhythm as of ``day``. What looks like silence is none on days on which nobody could see the customer."""
        rhythm = rhythm_of(view, day, self._cadence)
        if rhythm is None or rhythm.state is SilenceState.AWAKE:
            return rhythm
        lost = seen.blind_days(rhythm.last_day + 1)
        return rhythm_of(view, day, self._cadence, lost) if lost else rhythm

    def _settle_blind(self, customer: Customer, view: View, day: int, decisions: Decisions) -> None:
        """Nothing is heard of any source of the customer: it cannot be scored, and its silence says nothing."""
        if not customer.blind:
            customer.blind = True
            customer.score_version += 1
            decisions.blind = day
        if is_observation_day(day, self._policy.observation.every_days):
            self._mature(customer, view, day, decisions)
        customer.due_day = day + 1

    def _vacate(self, customer: Customer, day: int, decisions: Decisions) -> None:
        """Everything the customer did counts for another one now: there is nothing left to say about it."""
        for alert_type in [AlertType(name) for name in customer.alerts]:
            self._tell(customer, alert_type, Clears(Reason.MOVED), day, day * DAY_MS, decisions)
        customer.silence = SilenceState.AWAKE
        customer.score = customer.tier = None
        customer.observations = []

    def returned(self, customer: Customer, view: View, day: int, decisions: Decisions, *, complete: bool) -> None:
        """Instant triggers of ``day``: whoever was asleep at its start and is active now is awake; a login is a return.

        ``customer.silence`` is the state at the start of ``day``. With ``complete`` the day is over and what fired on
        part of it is corrected.
        """
        bucket = view.series.get(day)
        if bucket is None or customer.silence is SilenceState.AWAKE:
            return
        rhythm = rhythm_of(view, day, self._cadence)
        if rhythm is None:
            # What it was asleep since went to another customer.
            return
        start = day * DAY_MS
        awake: Verdict = Clears(Reason.RETURNED)
        for slept in (AlertType.ASLEEP, AlertType.LEFT):
            self._tell(customer, slept, awake, day, start + bucket[FIRST] * 1000, decisions)
        at_ms = start + max(bucket[FIRST_LOGIN], 0) * 1000
        verdict = conditions.warm_return(bucket[LOGINS], rhythm.silent, rhythm.own.days, _iso(at_ms))
        episode = str(rhythm.last_day)
        known = customer.alerts.get(AlertType.WARM_RETURN)
        if known is not None and known.episode == episode:
            if complete and isinstance(verdict, Fires):
                change = settle_evidence(customer.alerts, AlertType.WARM_RETURN, verdict, at_ms=at_ms)
                if change is not None:
                    decisions.alerts.append(change)
        elif isinstance(verdict, Fires):
            # A new episode: whatever return was still open is over.
            self._tell(customer, AlertType.WARM_RETURN, Clears(Reason.WENT_TO_SLEEP), day, at_ms, decisions)
            self._tell(customer, AlertType.WARM_RETURN, verdict, day, at_ms, decisions, episode)

    def _score(
        self,
        customer: Customer,
        view: View,
        day: int,
        own: Cadence,
        scorer: Scorer,
        decisions: Decisions,
        *,
        observe: bool,
        force: bool,
    ) -> None:
        vector = features(self._organic(customer, view, day), day, own.days)
        if vector is None:
            # All that it ever did a campaign brought.
            vector = features(view.series, day, own.days)
        assert vector is not None, "a customer with a rhythm was active before"
        # Scored as they are frozen, in single precision: the ledger is the greatest part of a customer's state.
        frozen = _PACKED.pack(*vector)
        vector = _PACKED.unpack(frozen)
        scored = scorer.score(vector)
        tier = health_tier(scored.p, None if customer.tier is None else HealthTier(customer.tier), self._thresholds)
        customer.tier = tier.value
        previous = customer.score
        if (
            force
            or previous is None
            or previous.tier != tier
            or abs(scored.p - previous.p_churn) >= self._policy.score.min_change
        ):
            customer.score_version += 1
            customer.score = _published(customer.score_version, scored, vector, tier, scorer.model_version)
            decisions.score = NewScore(customer.score, previous, day)
        if observe:
            customer.observations.append(Observation(day, frozen, scored.p, scorer.model_version))

    def _organic(self, customer: Customer, view: View, day: int) -> DaySeries:
        """The series without what campaigns of the last weeks brought [FX]."""
        campaigns = view.campaigns(customer, day)
        if not campaigns:
            return view.series
        return organic(view.series, inflation(view.series, campaigns, day, self._policy.campaign, self._cadence))

    def _alert(
        self,
        customer: Customer,
        day: int,
        rhythm: Rhythm,
        comparison: Comparison | None,
        view: View,
        decisions: Decisions,
    ) -> None:
        policy, state, days, open_alerts = self._policy, rhythm.state, rhythm.own.days, customer.alerts
        verdicts: list[tuple[AlertType, Verdict]] = []
        # What is open as it should be, or neither fires nor is open, is not asked: most customers on most days.
        slept = (state is SilenceState.ASLEEP) != (AlertType.ASLEEP in open_alerts)
        if slept or (state is SilenceState.LEFT) != (AlertType.LEFT in open_alerts):
            last_at = _iso((view.last_at(customer, LAST, day) or 0) * 1000)
            # Silence is told in calendar days, whatever unit the cadence has.
            silent = day - rhythm.last_day
            verdicts += (
                (AlertType.LEFT, conditions.left(state, silent, days, last_at)),
                (AlertType.ASLEEP, conditions.asleep(state, silent, days, last_at)),
            )
        ratio, baseline = 1.0 if comparison is None else comparison.ratio, policy.baseline
        if ratio < baseline.drop_enter or AlertType.SUDDEN_DROP in open_alerts:
            verdicts.append((AlertType.SUDDEN_DROP, self._drop(comparison, rhythm, view, day)))
        if ratio > baseline.surge_enter or AlertType.SURGE in open_alerts:
            verdicts.append((AlertType.SURGE, conditions.surge(comparison, state, baseline)))
        if (customer.tier == HealthTier.DANGER) != (AlertType.TIER_TO_DANGER in open_alerts):
            verdicts.append((AlertType.TIER_TO_DANGER, _danger(customer)))
        warm = open_alerts.get(AlertType.WARM_RETURN)
        if warm is not None:
            open_days = day - warm.opened_day
            verdicts.append((AlertType.WARM_RETURN, conditions.warm_return_ends(state, open_days, policy.alert)))
        for alert_type, verdict in verdicts:
            self._tell(customer, alert_type, verdict, day, day * DAY_MS, decisions)

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

    def _tell(
        self,
        customer: Customer,
        alert_type: AlertType,
        verdict: Verdict,
        day: int,
        at_ms: int,
        decisions: Decisions,
        episode: str | None = None,
    ) -> None:
        if not isinstance(verdict, Fires) and alert_type not in customer.alerts:
            # Nothing is open that it could hold or clear: so it is most of the time.
            return
        change = transition(
            customer.customer_id,
            customer.alerts,
            alert_type,
            verdict,
            day=day,
            at_ms=at_ms,
            episode=str(day) if episode is None else episode,
        )
        if change is not None:
            decisions.alerts.append(change)

    def _mature(self, customer: Customer, view: View, day: int, decisions: Decisions) -> None:
        policy = self._policy.label
        waiting: list[Observation] = []
        renewals = contract_renewals(customer, view, day)
        for observation in customer.observations:
            if matures_on(observation.day, policy.horizon_days) > day:
                waiting.append(observation)
                continue
            outcome = label(LabelKind(policy.kind), view.series, renewals, observation.day, day, policy.horizon_days)
            decisions.matured.append(Matured(observation, outcome, day))
        customer.observations = waiting

    def _stand(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm | None,
        comparison: Comparison | None,
        fleet: Fleet | None,
        decisions: Decisions,
        seen: _Seen,
        *,
        observe: bool,
        changed: bool,
    ) -> None:
        """Move the customer's states; at an observation instant also say what it adds to its fleet."""
        name, segment, held = "", None, dict[str, Trait]()
        if observe:
            trait = self._policy.fleet.segment_trait
            held = view.traits_at(customer, (trait, CURRENCY, "owner"), day * DAY_MS - 1)
            name = segment_of(held[trait].value if trait in held else None)
            segment = None if fleet is None else fleet.of(name)
        standing = self._standings.settle(
            customer,
            view,
            day,
            rhythm,
            comparison,
            segment,
            seen.blind_days,
            weekly=observe,
            changed=changed,
        )
        decisions.changes += standing.changes
        if observe:
            decisions.contribution = contribution(
                view.series,
                day,
                segment=name,
                silence=customer.silence,
                comparison=comparison,
                drop_enter=self._policy.baseline.drop_enter,
                metrics=standing.metrics,
                modules=view.modules(customer, day, self._policy.adoption.month_days),
                business=business(
                    view.history(customer),
                    [share.uses for share in customer.shares.values()],
                    day,
                    self._policy,
                    customer_id=customer.customer_id,
                    first_day=view.series.first_day(),
                    value=standing.metrics.get(VALUE),
                    currency=currency(held),
                    lead=None if standing.rank_key is None else (owner_of(held), standing.rank_key),
                    fleet=fleet,
                ),
            )

    def _settle_unseen(
        self,
        customer: Customer,
        view: View,
        day: int,
        fleet: Fleet | None,
        decisions: Decisions,
        seen: _Seen,
        *,
        observe: bool,
    ) -> None:
        """Evaluate a customer that was never active before ``day``: facts alone tell of it, or it is vacated."""
        customer.score = customer.tier = None
        if all(share.detached for share in customer.shares.values()):
            self._vacate(customer, day, decisions)
            customer.due_day = None
            return
        for alert_type in [AlertType(name) for name in customer.alerts]:
            self._tell(customer, alert_type, Clears(Reason.MOVED), day, day * DAY_MS, decisions)
        customer.silence = SilenceState.AWAKE
        customer.observations = []
        first_day = view.series.first_day()
        known_from = view.known_from(customer)
        if known_from is None or known_from >= day:
            # It is here because of what lies at this instant or after it.
            known = [at for at in (first_day, known_from) if at is not None]
            customer.due_day = min(known) + 1 if known else None
            return
        self._stand(customer, view, day, None, None, fleet, decisions, seen, observe=observe, changed=True)
        if observe:
            view.compact(customer, day)
        due = last_observation_day(day, self._policy.observation.every_days) + self._policy.observation.every_days
        customer.due_day = min(self._after_fact(customer, view, day, due), due if first_day is None else first_day + 1)

    @staticmethod
    def _after_fact(customer: Customer, view: View, day: int, due: int) -> int:
        """``due``, or the instant after the next dated fact if that is earlier."""
        told = view.next_fact_day(customer, day)
        return due if told is None else min(due, told + 1)

    def _next_due(self, customer: Customer, view: View, day: int, rhythm: Rhythm) -> int:
        """The next grid instant at which anything can change without a new event."""
        policy = self._policy
        due = last_observation_day(day, policy.observation.every_days) + policy.observation.every_days
        due = self._after_fact(customer, view, day, due)
        for name, dwell_days in self._dwells:
            held = customer.states.get(name)
            if held is not None and held.pending is not None:
                due = min(due, max(held.since_day + dwell_days, day + 1))
        if customer.is_lead and day - rhythm.last_day <= policy.lead.dormant_days + policy.lead.margin_days:
            # Its priority falls as days pass.
            due = day + 1
        if rhythm.state is not SilenceState.LEFT:
            edge = asleep_after if rhythm.state is SilenceState.AWAKE else left_after
            at = instant_of(rhythm.last_day, edge(rhythm.own, policy.cadence), rhythm.own)
            due = min(due, max(at, day + 1))
        warm = customer.alerts.get(AlertType.WARM_RETURN)
        if warm is not None:
            due = min(due, max(warm.opened_day + policy.alert.warm_return_days, day + 1))
        series = view.series
        next_active = series.count_before(day)
        if next_active < len(series.days):
            due = min(due, max(series.days[next_active], day + 1))
        return day + 1 if due > day + 1 and self._watches_trend(customer, view, day, rhythm) else due

    def _watches_trend(self, customer: Customer, view: View, day: int, rhythm: Rhythm) -> bool:
        """Whether a drop or surge may open or close by the passing of days alone: only with enough activity."""
        if AlertType.SUDDEN_DROP in customer.alerts or AlertType.SURGE in customer.alerts:
            return True
        if rhythm.state is SilenceState.LEFT:
            return False
        policy = self._policy.baseline
        widest = ceil(2 * rhythm.own.days) + _WEEK
        events = view.series.window(EVENTS, day, widest + _WEEK * (policy.weeks + 1))
        # The baseline is the median week times the window's weeks; no week has more than all of them.
        return events * widest >= _WEEK * policy.min_actions


def contract_renewals(customer: Customer, view: View, day: int) -> list[Renewal] | None:
    """Renewals closed before ``day`` of a customer that had a contract by then; None without one."""
    known = [outcome for outcome in view.outcomes(customer) if outcome[1] < day * DAY_MS]
    renewals = [
        Renewal(at_ms, str(data.get("outcome") or data.get("status") or data.get("result") or ""))
        for kind, at_ms, data in known
        if kind == "renewal.closed"
    ]
    return renewals if renewals or any(kind == "contract.signed" for kind, _, _ in known) else None


def _danger(customer: Customer) -> Verdict:
    return conditions.tier_to_danger(
        None if customer.tier is None else HealthTier(customer.tier),
        None if customer.score is None else customer.score.p_churn,
    )


def _published(
    version: int, scored: ScoredLogit, vector: tuple[float, ...], tier: HealthTier, model_version: str
) -> Published:
    return Published(
        version,
        scored.p,
        scored.logit,
        scored.intercept,
        scored.contributions,
        vector,
        tier.value,
        model_version,
    )


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
