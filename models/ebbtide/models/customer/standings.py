"""Where a customer stands at a grid instant: every state of it, each moved by its own rule (signals §§3-6, 8).

Lifecycle and activity group are looked at whenever the customer is; what needs whole weeks or compares a customer with
its segment, at observation instants; what facts alone decide, when there are new ones. All are kept in
``Customer.states`` and change by one mover (``models/standing/hysteresis.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from ebbtide.models.adoption.utilisation import utilisation
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import ACCOUNT, Customer
from ebbtide.models.customer.rhythm import Rhythm
from ebbtide.models.customer.seen import Seen
from ebbtide.models.customer.series import LAST_LOGIN, ORDERS, QUERIES, REVENUE
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.customer.view import View
from ebbtide.models.customer.yearly_value import SEATS, YearlyValue, seats, yearly_value_at
from ebbtide.models.customer.yearly_value import TRAITS as VALUE_TRAITS
from ebbtide.models.fleet.contribution import (
    DWELL,
    MONETARY_365D,
    ORDER_VALUE,
    ORDERS_365D,
    RECENCY_ORDER,
    RELATIONSHIP,
    USAGE_PER_SEAT,
    USAGE_PER_WEEK,
    VALUE,
)
from ebbtide.models.fleet.reader import Segment
from ebbtide.models.leads.interest import interest
from ebbtide.models.leads.lead_priority import Priority, RankKey, lead_priority, rank_key
from ebbtide.models.policy import CorePolicy, MoneyPolicy
from ebbtide.models.profile.money import MICROS
from ebbtide.models.standing.activity_group import activity_group
from ebbtide.models.standing.cells import cell, cell_move
from ebbtide.models.standing.contracts import not_renewed_since
from ebbtide.models.standing.hysteresis import Held, Proposal, StateChange, move
from ebbtide.models.standing.journey import JourneyStage, journey
from ebbtide.models.standing.lifecycle import Lifecycle, LifecycleReason, lifecycle
from ebbtide.models.standing.relationship import relationship, relationship_level, unasked_role
from ebbtide.models.standing.unseen import Unseen, all_seen
from ebbtide.models.standing.usage import Usage, usage, usage_level
from ebbtide.models.value.first_touch import LEADS, Stage, furthest_stage
from ebbtide.models.value.loyalty import Loyalty, loyalty
from ebbtide.models.value.pareto import in_pareto
from ebbtide.models.value.quadrant import Quadrant, quadrant
from ebbtide.models.value.rfm import RfmCell, RfmEdges, rfm_cell
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.state_change import StateName

_THIRDS = (0.35, 0.65)
_FIFTHS = (0.2, 0.4, 0.6, 0.8)
_MEDIAN = (0.5,)
_OF_ORDERS = frozenset({StateName.LOYALTY, StateName.RFM})
_YES, _NO = "yes", "no"
# Members of enumerations cost twice a look-up of these, and are asked for at every look at a customer.
_ACTIVITY_GROUP, _HEALTH_CELL, _JOURNEY = StateName.ACTIVITY_GROUP, StateName.HEALTH_CELL, StateName.JOURNEY
_LEAD_PRIORITY, _LIFECYCLE, _LOYALTY = StateName.LEAD_PRIORITY, StateName.LIFECYCLE, StateName.LOYALTY
_PARETO, _QUADRANT, _RELATIONSHIP = StateName.PARETO, StateName.QUADRANT, StateName.RELATIONSHIP
_RFM, _USAGE, _UTILISED = StateName.RFM, StateName.USAGE, StateName.UTILISED
_AWAKE, _ACQUISITION, _DECLINE = SilenceState.AWAKE, Lifecycle.ACQUISITION, Lifecycle.DECLINE
_STAGES = {stage: Proposal(stage, "facts") for stage in JourneyStage}
_IN_USE = (Lifecycle.GROWTH, Lifecycle.MATURITY)
_WHILE_SILENT = {SilenceState.ASLEEP: Lifecycle.DECLINE, SilenceState.LEFT: Lifecycle.LEFT}


class Standing(NamedTuple):
    """What changed at an instant, and, where it was one of observation, numbers for the fleet by name.

    ``rank_key`` is the place of an open lead among others; ``yearly`` a year of the customer's money.
    """

    changes: Sequence[StateChange]
    metrics: Mapping[str, float]
    rank_key: RankKey | None = None
    yearly: YearlyValue | None = None


_NOTHING_NEW = Standing((), {})


class Standings:
    """The rules under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy

    def settle(
        self,
        customer: Customer,
        view: View,
        day: int,
        rhythm: Rhythm | None,
        comparison: Comparison | None,
        segment: Segment | None,
        unseen: Unseen = all_seen,
        *,
        weekly: bool,
        changed: bool,
    ) -> Standing:
        """Move the customer's states, in place, to the grid instant ``day``.

        ``weekly``: it is one of observation. ``changed``: silence or the published score are not what they were at the
        last. ``segment`` are the statistics of the customer's segment as of the instant before, None before the first.
        ``unseen`` tells on how many days from one on nobody could see the customer.
        """
        facts = view.next_fact_day(customer, day - 1) == day - 1
        if not (weekly or facts or changed or rhythm is None) and self.stay(customer, rhythm.state, comparison):
            return _NOTHING_NEW
        moves = _Moves(customer, day, unseen)
        if weekly:
            self._compare(moves, view, rhythm, segment)
        if weekly or facts:
            self._from_facts(moves, view, rhythm)
            self._cell(moves)
        self._live(moves, view, rhythm, comparison, facts=facts or weekly)
        return Standing(moves.changes, moves.metrics, moves.rank_key, moves.yearly)

    def settle_blind(self, customer: Customer, view: View, day: int, seen: Seen, *, weekly: bool) -> Standing:
        """Move what facts alone decide of a customer that nobody can see; all else stays what it was."""
        if not weekly and view.next_fact_day(customer, day - 1) != day - 1:
            return _NOTHING_NEW
        moves = _Moves(customer, day, seen.blind_days)
        if weekly:
            traits = view.traits_at(customer, VALUE_TRAITS, day * DAY_MS - 1)
            moves.yearly = yearly_value_at(traits, view.series, day, self._policy.money)
            moves.note_worth(self._policy.money)
        self._from_facts(moves, view, seen.rhythm(view, day, self._policy.cadence))
        self._cell(moves)
        self._is_lead(moves, view)
        if customer.not_renewed:
            self._group(moves)
        return Standing(moves.changes, moves.metrics, yearly=moves.yearly)

    def stay(self, customer: Customer, silence: SilenceState, comparison: Comparison | None) -> bool:
        """Whether lifecycle and activity group stay what they are unless silence, score, facts or weeks say otherwise:
        who is in good use, down, asleep or gone, and no lead. So it is with most on most days."""
        states = customer.states
        held, group = states.get(_LIFECYCLE), states.get(_ACTIVITY_GROUP)
        if held is None or group is None or customer.is_lead:
            return False
        if held.pending is not None or group.pending is not None:
            return False
        if silence is not _AWAKE:
            return held.value == _WHILE_SILENT[silence]
        down = comparison is not None and comparison.ratio < self._policy.baseline.drop_leave
        return held.value == _DECLINE if down else held.value in _IN_USE

    def _live(
        self, moves: _Moves, view: View, rhythm: Rhythm | None, comparison: Comparison | None, *, facts: bool
    ) -> None:
        """Lifecycle, activity group, and the priority of a lead."""
        customer, day, policy = moves.customer, moves.day, self._policy
        if rhythm is None:
            moves.propose(_LIFECYCLE, Proposal(_ACQUISITION, LifecycleReason.NO_CORE_VALUE))
        else:
            moves.take(
                _LIFECYCLE,
                lifecycle(
                    moves.held(_LIFECYCLE),
                    view.series,
                    day,
                    rhythm.own,
                    rhythm.state,
                    comparison,
                    policy,
                    unseen=moves.unseen,
                ),
            )
        self._group(moves)
        if facts:
            self._is_lead(moves, view)
        if customer.is_lead:
            self._lead(moves, view)

    def _group(self, moves: _Moves) -> None:
        customer, score = moves.customer, moves.customer.score
        moves.take(
            _ACTIVITY_GROUP,
            activity_group(
                moves.held(_ACTIVITY_GROUP),
                moves.day,
                self._policy.activity_group,
                lifecycle=moves.value(_LIFECYCLE) or _ACQUISITION,
                not_renewed=customer.not_renewed,
                tier=customer.tier,
                p_churn=None if score is None else score.p_churn,
                usage=moves.value(_USAGE),
            ),
        )

    def _is_lead(self, moves: _Moves, view: View) -> None:
        """Whether it is an open lead; who is none has no priority among them."""
        customer, day = moves.customer, moves.day
        customer.is_lead = (
            bool(view.history(customer).before(day, *LEADS))
            and furthest_stage(view.outcomes(customer), day * DAY_MS, self._policy.channel) < Stage.PAID
        )
        if not customer.is_lead:
            moves.drop(_LEAD_PRIORITY, "no_lead")

    def _lead(self, moves: _Moves, view: View) -> None:
        known = moves.value(_LEAD_PRIORITY)
        found = interest(
            view.series, view.last_at(moves.customer, LAST_LOGIN, moves.day), None, moves.day, self._policy.lead
        )
        priority = lead_priority(found, self._policy.lead, None if known is None else Priority(known))
        evidence = {"silent_days": found.silent_days, "queries": found.queries, "trend": found.trend}
        moves.propose(_LEAD_PRIORITY, Proposal(priority, "interest", evidence))
        moves.rank_key = rank_key(priority, found, moves.customer.customer_id)

    def _from_facts(self, moves: _Moves, view: View, rhythm: Rhythm | None) -> None:
        """Journey and relationship, and whether the contract ended."""
        customer, day, policy = moves.customer, moves.day, self._policy
        history = view.history(customer)
        customer.not_renewed = not_renewed_since(history, day) is not None
        found = journey(history, view.series, day, policy.journey, policy.lifecycle)
        if found is not None:
            moves.propose(_JOURNEY, _STAGES[found.stage], since_day=found.since_day)
            moves.metrics[DWELL + found.stage] = found.dwell_days(day)
        if customer.kind == ACCOUNT:
            cadence_days = policy.cadence.prior_days if rhythm is None else rhythm.own.days
            roles = view.roles(customer, day, without=unasked_role(history, day, policy.relationship))
            told = relationship(history, roles, day, cadence_days, policy.relationship, moves.unseen)
            customer.relationship = moves.metrics[RELATIONSHIP] = told.score
            moves.take(
                _RELATIONSHIP,
                relationship_level(moves.held(_RELATIONSHIP), told, day, policy.relationship),
            )

    def _cell(self, moves: _Moves) -> None:
        """The cell of usage and relationship, once both are known."""
        across, along = moves.value(_USAGE), moves.value(_RELATIONSHIP)
        if across is None or along is None:
            return
        now, before = cell(across, along), moves.value(_HEALTH_CELL)
        if now == before:
            return
        told = None if before is None else cell_move(before, now, self._policy.health_cell)
        reason = "levels" if told is None else told.direction.value
        evidence = {} if told is None else {"steps": told.steps, "urgency": told.urgency.value}
        moves.propose(_HEALTH_CELL, Proposal(now, reason, evidence))

    def _compare(self, moves: _Moves, view: View, rhythm: Rhythm | None, segment: Segment | None) -> None:
        """What compares the customer with others: usage, RFM, quadrant, the Pareto set; and loyalty, utilisation."""
        customer, day, policy = moves.customer, moves.day, self._policy
        series = view.series
        traits = view.traits_at(customer, (SEATS, *VALUE_TRAITS), day * DAY_MS - 1)
        licensed = seats(traits)
        if rhythm is not None:
            self._usage(moves, usage(series, day, rhythm.own, licensed, policy.usage), segment)
        moves.yearly = yearly_value_at(traits, series, day, policy.money)
        self._value(moves, view, segment)
        use = utilisation(
            series.window(QUERIES, day, policy.adoption.utilised_days),
            licensed,
            policy.adoption,
            was_utilised=moves.value(_UTILISED) == _YES,
        )
        moves.propose(_UTILISED, Proposal(_YES if use.utilised else _NO, "core_actions", {"share": use.share}))

    def _usage(self, moves: _Moves, measured: Usage, segment: Segment | None) -> None:
        """The level of usage, unless part of the window could not be seen."""
        if moves.unseen(moves.day - measured.window_days):
            return
        policy = self._policy
        moves.metrics[USAGE_PER_SEAT if measured.per_seat else USAGE_PER_WEEK] = measured.value
        edges = _usage_edges(measured, segment, policy.fleet.min_segment)
        held = moves.held(_USAGE)
        moves.take(_USAGE, usage_level(held, measured, edges, moves.day, policy.usage))

    def _value(self, moves: _Moves, view: View, segment: Segment | None) -> None:
        policy, series, day = self._policy, view.series, moves.day
        orders = series.window(ORDERS, day, policy.rfm.window_days)
        if not orders and moves.value(_QUADRANT) == Quadrant.A and moves.has_none(_OF_ORDERS):
            # Who never ordered stays so: most do.
            self._pareto(moves, segment)
            return
        money = series.window(REVENUE, day, policy.rfm.window_days) / MICROS
        if orders or moves.value(_LOYALTY) is not None:
            was = moves.value(_LOYALTY)
            classed = loyalty(
                series.window(ORDERS, day, policy.loyalty.window_days),
                policy.loyalty,
                None if was is None else Loyalty(was),
            )
            moves.propose(_LOYALTY, Proposal(classed, "orders", {"orders": orders}))
        last_order = series.last_with(ORDERS, day)
        recency = None if last_order is None else day - last_order
        if orders and recency is not None:
            moves.metrics |= {
                RECENCY_ORDER: recency,
                ORDERS_365D: orders,
                MONETARY_365D: money,
                ORDER_VALUE: money / orders,
            }
        known = moves.value(_RFM)
        cell = rfm_cell(
            recency,
            orders,
            money,
            _rfm_edges(segment, recency, orders, money),
            policy.rfm,
            None if known is None else RfmCell.parse(known),
        )
        ended = "no_orders" if not orders else "no_edges"
        moves.propose_or_drop(_RFM, None if cell is None else Proposal(cell.name, cell.cluster), ended)
        was = moves.value(_QUADRANT)
        placed = quadrant(
            orders,
            money,
            _edge(segment, ORDERS_365D, orders),
            _edge(segment, ORDER_VALUE, money / orders if orders else 0.0),
            policy.quadrant,
            None if was is None else Quadrant(was),
        )
        moves.propose_or_drop(
            _QUADRANT,
            None if placed is None else Proposal(placed, "orders", {"orders": orders, "money": money}),
            ended,
        )
        self._pareto(moves, segment)

    def _pareto(self, moves: _Moves, segment: Segment | None) -> None:
        """Whether it is in the Pareto set. Money that cannot be compared with that of others takes no part."""
        policy = self._policy
        worth = moves.note_worth(policy.money)
        value = moves.metrics.get(VALUE)
        if value is None:
            moves.drop(_PARETO, "no_rate")
            return
        line = None if segment is None else segment.pareto_line(value)
        inside = in_pareto(value, line, policy.pareto, was_in=moves.value(_PARETO) == _YES)
        if line is not None:
            moves.propose(_PARETO, Proposal(_YES if inside else _NO, "value", {"value": worth, "line": line}))


class _Moves:
    """The states of one customer at one instant, and what changes of them."""

    def __init__(self, customer: Customer, day: int, unseen: Unseen) -> None:
        self.customer = customer
        self.day = day
        self.unseen = unseen
        self.changes: list[StateChange] = []
        self.metrics: dict[str, float] = {}
        self.rank_key: RankKey | None = None
        self.yearly: YearlyValue | None = None

    def held(self, name: StateName) -> Held | None:
        return self.customer.states.get(name)

    def value(self, name: StateName) -> str | None:
        held = self.customer.states.get(name)
        return None if held is None else held.value

    def has_none(self, names: Set[StateName]) -> bool:
        return names.isdisjoint(self.customer.states)

    def note_worth(self, money: MoneyPolicy) -> float | None:
        """A year of the customer's money as it is compared with that of others; None where it cannot be, or has none.

        Its fleet hears of it; who pays nothing is worth nothing to it.
        """
        worth = None if self.yearly is None else self.yearly.compared(money)
        if self.yearly is None or worth is not None:
            self.metrics[VALUE] = worth or 0.0
        return worth

    def take(self, name: StateName, moved: tuple[Held, StateChange | None]) -> None:
        held, change = moved
        self.customer.states[name] = held
        if change is not None:
            self.changes.append(change)

    def propose(self, name: StateName, proposed: Proposal, since_day: int | None = None) -> None:
        """Move a state whose rule has its own hysteresis; ``since_day`` where the rule knows since when it holds."""
        held, change = move(name, self.customer.states.get(name), proposed, self.day, 0)
        if since_day is not None and held.since_day != since_day:
            held = Held(held.value, since_day)
        self.take(name, (held, change))

    def propose_or_drop(self, name: StateName, proposed: Proposal | None, ended: str) -> None:
        """Move a state, or end it for a reason where there is none any more."""
        if proposed is None:
            self.drop(name, ended)
        else:
            self.propose(name, proposed)

    def drop(self, name: StateName, reason: str) -> None:
        """End a state, if there is one."""
        held = self.customer.states.pop(name, None)
        if held is not None:
            self.changes.append(StateChange(name, held.value, None, self.day, reason))


def _usage_edges(measured: Usage, segment: Segment | None, least: int) -> tuple[float, float] | None:
    """The thirds of its segment; None while even everybody together is too few to be compared with."""
    if segment is None or segment.customers < least:
        return None
    metric = USAGE_PER_SEAT if measured.per_seat else USAGE_PER_WEEK
    edges = segment.edges(metric, _THIRDS, measured.value)
    return None if edges is None else (edges[0], edges[1])


def _rfm_edges(segment: Segment | None, recency_days: float | None, orders: int, money: float) -> RfmEdges | None:
    if segment is None or recency_days is None:
        return None
    own = {RECENCY_ORDER: recency_days, ORDERS_365D: orders, MONETARY_365D: money}
    recency, frequency, monetary = (segment.edges(metric, _FIFTHS, value) for metric, value in own.items())
    if recency is None or frequency is None or monetary is None:
        return None
    return RfmEdges(_four(recency), _four(frequency), _four(monetary))


def _four(edges: tuple[float, ...]) -> tuple[float, float, float, float]:
    one, two, three, four = edges
    return one, two, three, four


def _edge(segment: Segment | None, metric: str, value: float) -> float | None:
    edges = None if segment is None else segment.edges(metric, _MEDIAN, value)
    return None if edges is None else edges[0]
