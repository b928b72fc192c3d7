"""What is decided about a customer at a grid instant (design §3). A grid instant ``day`` sees only days before it."""

from __future__ import annotations

import msgspec

from ebbtide.models.adoption.campaign import inflation, organic
from ebbtide.models.alerting.lifecycle import withdraw
from ebbtide.models.churn.attributes import Attributes
from ebbtide.models.churn.features import features
from ebbtide.models.churn.grid import is_observation_day
from ebbtide.models.churn.labels import LabelKind
from ebbtide.models.churn.scorer import ScoredLogit, Scorer
from ebbtide.models.churn.tiers import TIERS, TierThresholds, health_tier
from ebbtide.models.customer.alarms import Alarms
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import ANONYMOUS, Customer, Observation, Published
from ebbtide.models.customer.decisions import PACKED, Decisions, NewScore
from ebbtide.models.customer.fact_alarms import BY_FACTS, FactAlarms
from ebbtide.models.customer.ledger import take_matured
from ebbtide.models.customer.outages import Outages
from ebbtide.models.customer.rhythm import Rhythm, own_cadence
from ebbtide.models.customer.running_contract import running_contract
from ebbtide.models.customer.seen import Seen
from ebbtide.models.customer.segments import alert_policy
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.standings import Standing, Standings
from ebbtide.models.customer.timers import Timers
from ebbtide.models.customer.trend import Comparison, compare
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.business import Business, business, owner_of
from ebbtide.models.fleet.candidates import Prospect, prospect
from ebbtide.models.fleet.contribution import USAGE, Contribution, blind_contribution, contribution, segment_of
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.running import Running
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.profile_state import Trait
from ebbtide.schemas.score import HealthTier
from ebbtide.schemas.state_change import StateName

# Members of enumerations cost twice a look-up of these, and are asked for at every look at a customer.
_HEALTH_CELL, _JOURNEY, _LIFECYCLE = StateName.HEALTH_CELL, StateName.JOURNEY, StateName.LIFECYCLE


class Instant(msgspec.Struct, frozen=True):
    """A grid instant as a customer is evaluated at it.

    ``fleet`` are the statistics of the instant before, ``seen`` what could be seen of the customer; ``observe``:
    predictions are frozen at it, and what compares customers is looked at.
    """

    day: int
    fleet: Fleet | None
    seen: Seen
    observe: bool


class Evaluator:
    """The rules under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy
        self._cadence = policy.cadence
        self._every_days = policy.observation.every_days
        self._alarms = Alarms(policy)
        self._fact_alarms = FactAlarms(policy)
        self._standings = Standings(policy)
        self._timers = Timers(policy)
        self._by_inactivity = policy.label.kind == LabelKind.INACTIVITY.value
        self._all_on = not (policy.alert.off or policy.alert.segments)
        score = policy.score
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
        was_active = day - 1 in view.series
        if (
            not (live or was_active)
            and self._timers.is_quiet(customer, view, day)
            and self._trend_is_usual(customer, view, day, outages, fleet)
        ):
            customer.settled_day, customer.due_day = day, day + 1
            return decisions
        seen = Seen(customer, view, outages, day)
        if was_active:
            decisions.alerts += self._alarms.returned(customer, view, day - 1, seen, complete=True)
        customer.settled_day = day
        observe = is_observation_day(day, self._every_days)
        at = Instant(day, fleet, seen, observe)
        if seen.is_blind:
            self._settle_blind(customer, view, at, decisions)
            return decisions
        rhythm = seen.rhythm(view, day, self._cadence)
        if rhythm is None:
            self._settle_unseen(customer, view, at, decisions)
            return decisions
        woke_or_slept = rhythm.state is not customer.silence
        customer.silence = rhythm.state
        if observe or woke_or_slept or customer.score is None or customer.blind or was_active:
            force, customer.blind = customer.blind, False
            self._score(customer, view, day, rhythm, scorer, decisions, observe=observe, force=force)
        comparison = compare(view.series, day, rhythm.own, self._policy.baseline)
        low = comparison is not None and comparison.ratio < self._policy.baseline.drop_leave
        if comparison is not None and low and seen.blind_days(day - comparison.window_days):
            # Part of the window could not be seen.
            comparison = None
        decisions.alerts += self._alarms.settle(customer, view, day, rhythm, comparison, seen, fleet, observe=observe)
        changed = woke_or_slept or decisions.score is not None
        cell = customer.states.get(_HEALTH_CELL)
        self._stand(customer, view, at, rhythm, comparison, decisions, changed=changed)
        decisions.alerts += self._fact_alarms.settle(
            customer, view, day, cell, fleet, observe=observe, unseen=seen.blind_days
        )
        if observe:
            decisions.matured += take_matured(customer, view, day, self._policy.label)
            view.compact(customer, day)
        if live:
            decisions.alerts += self._alarms.returned(customer, view, day, seen, complete=False)
        self._withdraw(customer, view, day, decisions)
        customer.due_day = self._timers.next_due(customer, view, day, rhythm)
        return decisions

    def observe(
        self, customer: Customer, view: View, day: int, scorer: Scorer, outages: Outages | None = None
    ) -> Decisions:
        """Publish the score as of ``day``, unless it was that day already, and tell who returned on the day so far."""
        decisions = Decisions()
        seen = Seen(customer, view, outages, day)
        rhythm = seen.rhythm(view, day, self._cadence)
        if rhythm is None or customer.kind == ANONYMOUS or customer.blind:
            return decisions
        if customer.score is None or customer.scored_day != day:
            self._score(customer, view, day, rhythm, scorer, decisions, observe=False, force=True)
            decisions.alerts += self._alarms.observed(customer, day)
        decisions.alerts += self._alarms.returned(customer, view, day, seen, complete=False)
        self._withdraw(customer, view, day, decisions)
        return decisions

    def returned(self, customer: Customer, view: View, day: int, outages: Outages | None = None) -> Decisions:
        """Tell, while the day runs, who was asleep at its start and is active on it."""
        seen = Seen(customer, view, outages, day)
        decisions = Decisions(alerts=self._alarms.returned(customer, view, day, seen, complete=False))
        self._withdraw(customer, view, day, decisions)
        return decisions

    def _withdraw(self, customer: Customer, view: View, day: int, decisions: Decisions) -> None:
        """No alert of a type that is switched off is open, nor told, whoever decides it."""
        if self._all_on:
            return
        off = alert_policy(customer, view, day, self._policy).off
        decisions.alerts = withdraw(customer.alerts, decisions.alerts, off, at_ms=day * DAY_MS)

    def _trend_is_usual(
        self, customer: Customer, view: View, day: int, outages: Outages | None, fleet: Fleet | None
    ) -> bool:
        """Whether nothing follows from the passing of a day that can move the customer's trend alone."""
        if customer.blind or (outages is not None and outages.blind):
            return False
        own = own_cadence(view, day, self._cadence)
        comparison = compare(view.series, day, own, self._policy.baseline)
        if comparison is not None and outages is not None and outages.newest_day >= day - comparison.window_days:
            # Perhaps part of the window could not be seen.
            return False
        seen = Seen(customer, view, outages, day)
        return self._alarms.are_calm(customer, view, day, own, comparison, seen, fleet) and self._standings.stay(
            customer, customer.silence, comparison
        )

    def _settle_blind(self, customer: Customer, view: View, at: Instant, decisions: Decisions) -> None:
        """Nothing is heard of any source of the customer: it cannot be scored, and its silence says nothing.

        What facts tell of it still counts.
        """
        if not customer.blind:
            customer.blind = True
            customer.score_version += 1
            decisions.blind = at.day
        cell = customer.states.get(_HEALTH_CELL)
        standing = self._standings.settle_blind(customer, view, at.day, at.seen, weekly=at.observe)
        decisions.changes += standing.changes
        decisions.alerts += self._fact_alarms.settle(
            customer, view, at.day, cell, at.fleet, observe=at.observe, unseen=at.seen.blind_days, blind=True
        )
        if at.observe:
            name, held = self._segment(customer, view, at.day)
            told = self._business(customer, view, at, held, standing, seen_day=None)
            decisions.contribution = blind_contribution(name, standing.metrics, told, _stage(customer))
            # Nothing is forgotten meanwhile: its record looks back from the instant at which it was seen last.
            decisions.matured += take_matured(customer, view, at.day, self._policy.label)
        self._withdraw(customer, view, at.day, decisions)
        customer.due_day = at.day + 1

    def _score(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm,
        scorer: Scorer,
        decisions: Decisions,
        *,
        observe: bool,
        force: bool,
    ) -> None:
        # For a customer that was out of sight for days, time stood still on them.
        as_of, days = day - rhythm.blind, rhythm.own.days
        running = self._running(customer, view, day)
        campaigns = view.campaigns(customer, day)
        series = self._organic(view.series, campaigns, day) if campaigns else view.series
        vector = features(series, as_of, days, running)
        if vector is None:
            # All that it ever did a campaign brought.
            vector = features(view.series, as_of, days, running)
        assert vector is not None, "a customer with a rhythm was active before"
        # Scored as they are frozen, in single precision.
        frozen = PACKED.pack(*vector)
        vector = PACKED.unpack(frozen)
        attributes = view.attributes_at(customer, day * DAY_MS - 1)
        scored = scorer.score(vector, attributes)
        before = None if customer.tier is None else TIERS[customer.tier]
        tier = health_tier(scored.p, before, self._thresholds)
        if tier is not before:
            customer.tier = tier.value
        previous = customer.score
        if (
            force
            or previous is None
            or previous.tier != tier
            or abs(scored.p - previous.p_churn) >= self._policy.score.min_change
        ):
            customer.score_version += 1
            customer.score = _published(customer.score_version, scored, vector, attributes, tier, scorer.model_version)
            decisions.score = NewScore(customer.score, previous, day, scored.raw_p)
        if observe:
            decisions.frozen = frozen
            customer.observations.append(Observation(day, frozen, scored.p, scorer.model_version, attributes))

    def _running(self, customer: Customer, view: View, day: int) -> Running | None:
        """The contract it is under, where that decides its label."""
        if self._by_inactivity:
            return None
        return running_contract(customer, view, day, self._policy.label.horizon_days)

    def _organic(self, series: DaySeries, campaigns: list[int], day: int) -> DaySeries:
        """The series without what campaigns of the last weeks brought [FX]."""
        return organic(series, inflation(series, campaigns, day, self._policy.campaign, self._cadence))

    def _stand(
        self,
        customer: Customer,
        view: View,
        at: Instant,
        rhythm: Rhythm | None,
        comparison: Comparison | None,
        decisions: Decisions,
        *,
        changed: bool,
    ) -> None:
        """Move the customer's states; at an observation instant also say what it adds to its fleet."""
        if not at.observe:
            decisions.changes += self._standings.settle(
                customer, view, at.day, rhythm, comparison, None, at.seen.blind_days, weekly=False, changed=changed
            ).changes
            return
        name, held = self._segment(customer, view, at.day)
        segment = None if at.fleet is None else at.fleet.of(name)
        standing = self._standings.settle(
            customer,
            view,
            at.day,
            rhythm,
            comparison,
            segment,
            at.seen.blind_days,
            weekly=True,
            changed=changed,
        )
        decisions.changes += standing.changes
        decisions.contribution = told = contribution(
            view.series,
            at.day,
            segment=name,
            silence=customer.silence,
            comparison=comparison,
            drop_enter=self._policy.baseline.drop_enter,
            metrics=standing.metrics,
            modules=view.modules(customer, at.day, self._policy.adoption.month_days),
            stage=_stage(customer),
            business=self._business(customer, view, at, held, standing, seen_day=view.series.first_day()),
        )
        if segment is not None and at.fleet is not None and told.is_in_use:
            told.prospect = self._prospect(customer, at.day, told, at.fleet, segment.name, held.get("name"))

    def _prospect(
        self, customer: Customer, day: int, told: Contribution, fleet: Fleet, segment: str, name: Trait | None
    ) -> Prospect | None:
        """The customer as one that others may be told is like them; ``segment`` as the fleet has it."""
        asked = fleet.places(self._policy.adoption.modules, self._policy.look_alike.modules)
        if not asked:
            return None
        return prospect(
            customer.customer_id,
            day,
            segment=segment,
            name=None if name is None else name.value,
            usage=told.metrics[USAGE],
            modules=told.modules,
            places=asked,
        )

    def _segment(self, customer: Customer, view: View, day: int) -> tuple[str, dict[str, Trait]]:
        """The customer's segment, and the traits that what it adds to its fleet is told from."""
        trait = self._policy.fleet.segment_trait
        held = view.traits_at(customer, (trait, "owner", "name"), day * DAY_MS - 1)
        return segment_of(held[trait].value if trait in held else None), held

    def _business(
        self,
        customer: Customer,
        view: View,
        at: Instant,
        held: dict[str, Trait],
        standing: Standing,
        *,
        seen_day: int | None,
    ) -> Business:
        """What it adds to the business of its fleet; without ``seen_day``, its first active day, no change of use."""
        return business(
            view.history(customer),
            () if seen_day is None else [share.uses for share in customer.shares.values()],
            at.day,
            self._policy,
            customer_id=customer.customer_id,
            first_day=seen_day,
            value=standing.yearly,
            lead=None if standing.rank_key is None else (owner_of(held), standing.rank_key),
            fleet=at.fleet,
        )

    def _settle_unseen(self, customer: Customer, view: View, at: Instant, decisions: Decisions) -> None:
        """Evaluate a customer that was never active before ``day``: facts alone tell of it, or it is vacated."""
        customer.score = customer.tier = None
        customer.silence = SilenceState.AWAKE
        customer.observations = []
        day = at.day
        if all(share.detached for share in customer.shares.values()):
            # Everything the customer did counts for another one now: there is nothing left to say about it.
            decisions.alerts += self._alarms.moved(customer, day)
            customer.due_day = None
            return
        first_day = view.series.first_day()
        known_from = view.known_from(customer)
        if known_from is None or known_from >= day:
            # It is here because of what lies at this instant or after it.
            decisions.alerts += self._alarms.moved(customer, day)
            known = [told for told in (first_day, known_from) if told is not None]
            customer.due_day = min(known) + 1 if known else None
            return
        decisions.alerts += self._alarms.moved(customer, day, BY_FACTS)
        cell = customer.states.get(_HEALTH_CELL)
        if at.observe or _LIFECYCLE not in customer.states or view.next_fact_day(customer, day - 1) == day - 1:
            # It is looked at for an alert, too: its states are no others for that.
            self._stand(customer, view, at, None, None, decisions, changed=True)
        decisions.alerts += self._fact_alarms.settle(
            customer, view, day, cell, at.fleet, observe=at.observe, unseen=at.seen.blind_days
        )
        self._withdraw(customer, view, day, decisions)
        if at.observe:
            view.compact(customer, day)
        due = self._timers.observed(customer, view, day)
        customer.due_day = due if first_day is None else min(due, first_day + 1)


def _stage(customer: Customer) -> str | None:
    """The stage of its journey."""
    held = customer.states.get(_JOURNEY)
    return None if held is None else held.value


def _published(
    version: int,
    scored: ScoredLogit,
    vector: tuple[float, ...],
    attributes: Attributes,
    tier: HealthTier,
    model_version: str,
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
        attributes,
        scored.of_attributes,
    )
