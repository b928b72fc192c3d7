"""Which alerts of a customer open, change and resolve by what facts tell of it and where it stands (signals §7).

They are told at grid instants, of everybody: also of who never was active, and of whom nobody can see, as far as it
takes no activity to tell. What facts decide is asked anew when there are new facts, when the tier or the settings are
others, when the newest predictions tell another health, and at the instants at which time alone changes the answer;
``View.alarm_day`` is the next of these. In between asking again would change nothing. What states decide is asked at
every instant at which the customer is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ebbtide.models.adoption.users import user_days
from ebbtide.models.adoption.utilisation import Utilisation
from ebbtide.models.alerting.answers import NOBODY, answers_day, detractor, referral_ready
from ebbtide.models.alerting.cells import cell_down, cell_ends, cell_up
from ebbtide.models.alerting.expansion import SeatUse, expansion_ready, in_full_use
from ebbtide.models.alerting.health import Health, health
from ebbtide.models.alerting.invoices import overdue, overdue_day
from ebbtide.models.alerting.journeys import stuck
from ebbtide.models.alerting.leads import hot_lead
from ebbtide.models.alerting.lifecycle import AlertChange, transition
from ebbtide.models.alerting.renewals import end_date, renewal_at_risk, renewal_day
from ebbtide.models.alerting.support import support_day, support_distress
from ebbtide.models.alerting.verdict import Clears, Reason, Verdict
from ebbtide.models.churn.learner import UNTAUGHT
from ebbtide.models.churn.tiers import TIERS
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.segments import alert_policy, segment_at
from ebbtide.models.customer.series import LAST_LOGIN, QUERIES
from ebbtide.models.customer.view import View
from ebbtide.models.customer.yearly_value import SEATS, seats
from ebbtide.models.fleet.contribution import DWELL, IN_STAGE
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.leads.interest import interest
from ebbtide.models.leads.lead_priority import Priority
from ebbtide.models.policy import AlertPolicy, CorePolicy, ScorePolicy
from ebbtide.models.standing.cells import cell_move
from ebbtide.models.standing.contracts import TERM_TRAITS, Term, is_closed, not_renewed_since, term
from ebbtide.models.standing.history import History
from ebbtide.models.standing.hysteresis import Held
from ebbtide.models.standing.invoices import overdue_invoices
from ebbtide.models.standing.journey import Journey, JourneyStage
from ebbtide.models.standing.lifecycle import Lifecycle
from ebbtide.models.standing.surveys import ANSWERED, NPS, Answer, latest_answers
from ebbtide.models.standing.tickets import open_tickets
from ebbtide.models.standing.unseen import Unseen
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.score import HealthTier
from ebbtide.schemas.state_change import StateName

# Members of enumerations cost twice a look-up of these, and are asked for at every look at a customer.
_STUCK, _HOT_LEAD, _EXPANSION_READY = AlertType.STUCK, AlertType.HOT_LEAD, AlertType.EXPANSION_READY
_HEALTH_CELL, _LEAD_PRIORITY = StateName.HEALTH_CELL, StateName.LEAD_PRIORITY
_JOURNEY, _UTILISED = StateName.JOURNEY, StateName.UTILISED
_CELLS = (AlertType.CELL_DOWN, AlertType.CELL_UP)
_BY_STATES = frozenset({*_CELLS, AlertType.STUCK, AlertType.HOT_LEAD})
_ON_ANSWERS = (AlertType.DETRACTOR, AlertType.REFERRAL_READY)
_P90 = (0.9,)
_PERSON_NAME = "person_name"

BY_FACTS = frozenset(
    {
        AlertType.RENEWAL_AT_RISK,
        AlertType.SUPPORT_DISTRESS,
        AlertType.DETRACTOR,
        AlertType.OVERDUE,
        AlertType.REFERRAL_READY,
        AlertType.STUCK,
        AlertType.HOT_LEAD,
        AlertType.EXPANSION_READY,
        AlertType.CELL_DOWN,
        AlertType.CELL_UP,
    }
)
"""The types that are decided here: they do not end because all activity went to another customer."""


class _At(NamedTuple):
    """A customer at a grid instant, under the settings of its segment. ``told`` takes what is to be told."""

    customer: Customer
    view: View
    day: int
    policy: AlertPolicy
    blind: bool
    told: list[AlertChange]

    def tell(self, alert_type: AlertType, verdict: Verdict) -> None:
        """Apply a verdict."""
        day = self.day
        changed = transition(
            self.customer.customer_id,
            self.customer.alerts,
            alert_type,
            verdict,
            day=day,
            at_ms=day * DAY_MS,
            episode=str(day),
        )
        if changed is not None:
            self.told.append(changed)

    def said(self, alert_type: AlertType, name: str) -> str | None:
        """An entry of the evidence of the alert of a type; None without one."""
        known = self.customer.alerts.get(alert_type)
        return None if known is None else str(known.evidence.get(name))

    @property
    def tier(self) -> HealthTier | None:
        """The tier of the score."""
        return None if self.customer.tier is None else TIERS[self.customer.tier]

    def health(self, policy: ScorePolicy) -> Health:
        """The tier, and whether the newest predictions agree with it."""
        customer, most = self.customer, self.policy.health_observations
        frozen, score = customer.observations, customer.score
        newest = [one.p_churn for one in frozen[max(len(frozen) - most, 0) :]]
        return health(self.tier, newest, policy, taught=score is not None and score.model_version != UNTAUGHT)


class FactAlarms:
    """These alerts under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy

    def settle(
        self,
        customer: Customer,
        view: View,
        day: int,
        before: Held | None,
        fleet: Fleet | None,
        *,
        observe: bool,
        unseen: Unseen,
        blind: bool = False,
    ) -> list[AlertChange]:
        """What is to be told at the grid instant ``day``, after the customer's states were moved to it.

        ``before`` is the cell that held until then; ``fleet`` are the statistics of the instant before. ``observe``: it
        is one of observation. ``unseen`` tells on how many days from one on nobody could see the customer; ``blind``:
        nobody can now.
        """
        policy = alert_policy(customer, view, day, self._policy)
        asked_by = (customer.tier, policy, blind)
        due = view.alarm_day is not None and view.alarm_day <= day
        news = due or asked_by != view.alarmed_by or view.next_fact_day(customer, day - 1) == day - 1
        if not (news or observe) and _is_settled(customer, before):
            # So it is with most on most days.
            return []
        at = _At(customer, view, day, policy, blind, [])
        self._cells(at, before)
        news = news or view.alarmed_by is None
        if news or observe:
            found = at.health(self._policy.score)
            if news or found != view.alarmed_health:
                view.alarmed_by, view.alarmed_health = asked_by, found
                view.alarm_day = self._by_facts(at, found)
        self._lead(at)
        if observe or _STUCK in customer.alerts:
            self._stuck(at, fleet if observe else None)
        if observe:
            self._expansion(at, unseen)
        return at.told

    def _by_facts(self, at: _At, found: Health) -> int | None:
        """What dated facts decide; returns the next instant at which time alone changes it."""
        customer, view, day, policy = at.customer, at.view, at.day, at.policy
        history = view.history(customer)
        tickets, invoices = open_tickets(history, day), overdue_invoices(history, day)
        at.tell(AlertType.SUPPORT_DISTRESS, support_distress(tickets, day, policy))
        at.tell(AlertType.OVERDUE, overdue(invoices, day, policy))
        ends = self._renewal(at, history, found)
        return _first(
            support_day(tickets, day, policy),
            overdue_day(invoices, day, policy),
            renewal_day(ends, day, policy),
            self._answers(at, history, found),
            *(alert.opened_day + policy.cell_days for kind in _CELLS if (alert := customer.alerts.get(kind))),
        )

    def _renewal(self, at: _At, history: History, found: Health) -> Term | None:
        ends = term(at.view.traits_at(at.customer, TERM_TRAITS, at.day * DAY_MS - 1))
        told = at.said(AlertType.RENEWAL_AT_RISK, "contract_end")
        if told is not None and ends is not None and told != end_date(ends):
            # A new contract was signed; the new end is another matter.
            at.tell(AlertType.RENEWAL_AT_RISK, Clears(Reason.RENEWED))
        closed = ends is not None and is_closed(history, ends, at.day, at.policy.renewal_days[0])
        churned = not_renewed_since(history, at.day) is not None
        verdict = renewal_at_risk(ends, at.day, found, at.policy, closed=closed, churned=churned)
        at.tell(AlertType.RENEWAL_AT_RISK, verdict)
        return ends

    def _answers(self, at: _At, history: History, healthy: Health) -> int | None:
        customer, day, policy = at.customer, at.day, at.policy
        if customer.alerts.keys().isdisjoint(_ON_ANSWERS) and not history.before(day, ANSWERED):
            # So it is with most.
            return None

        def latest(within_days: int) -> dict[str, Answer]:
            found: dict[str, Answer] = {}
            for answer in latest_answers(history, day, NPS, within_days):
                person = answer.person if _is_person(customer, answer.person) else NOBODY
                known = found.get(person)
                if known is None or (known.at_ms, -known.score) < (answer.at_ms, -answer.score):
                    found[person] = answer._replace(person=person)
            return found

        def about(alert_type: AlertType) -> str | None:
            known = customer.alerts.get(alert_type)
            return None if known is None else known.person or NOBODY

        def name(person: str) -> str:
            return _name_of(customer, person, day)

        unhappy, happy = latest(policy.detractor_days), latest(policy.referral_days)
        at.tell(AlertType.DETRACTOR, detractor(unhappy, about(AlertType.DETRACTOR), name))
        troubled = not customer.alerts.keys().isdisjoint((AlertType.SUPPORT_DISTRESS, AlertType.OVERDUE))
        at.tell(
            AlertType.REFERRAL_READY,
            referral_ready(happy, about(AlertType.REFERRAL_READY), name, healthy, troubled=troubled, blind=at.blind),
        )
        return _first(answers_day(unhappy, day, policy.detractor_days), answers_day(happy, day, policy.referral_days))

    def _cells(self, at: _At, before: Held | None) -> None:
        """A move tells itself on its own day; an alert on one ends when it is undone, or after its time."""
        customer, day, alerts = at.customer, at.day, at.customer.alerts
        for kind in _CELLS:
            known = alerts.get(kind)
            if known is not None:
                at.tell(kind, cell_ends(day - known.opened_day, at.policy))
        now = customer.states.get(_HEALTH_CELL)
        if now is None or before is None or now.value == before.value:
            return
        is_open = next((kind for kind in _CELLS if kind in alerts), None)
        base = before.value if is_open is None else at.said(is_open, "old")
        move = cell_move(base or before.value, now.value, self._policy.health_cell)
        settled = day - before.since_day
        left = customer.silence is SilenceState.LEFT
        down_days = None if is_open is AlertType.CELL_DOWN else settled
        up_days = None if is_open is AlertType.CELL_UP else settled
        found = at.health(self._policy.score)
        at.tell(AlertType.CELL_DOWN, cell_down(move, down_days, found, at.policy, left=left))
        at.tell(AlertType.CELL_UP, cell_up(move, up_days, found, at.policy))
        # When it ends is to be noted.
        at.view.alarmed_by = None

    def _lead(self, at: _At) -> None:
        customer, view, day = at.customer, at.view, at.day
        held = customer.states.get(_LEAD_PRIORITY)
        if (held is not None and held.value == Priority.A) == (_HOT_LEAD in customer.alerts):
            return
        policy = self._policy.lead
        found = interest(view.series, view.last_at(customer, LAST_LOGIN, day), None, day, policy)
        priority = None if held is None else Priority(held.value)
        at.tell(_HOT_LEAD, hot_lead(priority, found, blind=at.blind))

    def _stuck(self, at: _At, fleet: Fleet | None) -> None:
        customer, day = at.customer, at.day
        held = customer.states.get(_JOURNEY)
        journey = None if held is None else Journey(JourneyStage(held.value), held.since_day)
        usual = None if journey is None or fleet is None else self._usual(at, fleet, journey)
        open_since = at.said(_STUCK, "since")
        verdict = stuck(journey, day, usual, at.policy, is_lead=customer.is_lead, open_since=open_since, blind=at.blind)
        at.tell(_STUCK, verdict)

    def _usual(self, at: _At, fleet: Fleet, journey: Journey) -> tuple[float, int] | None:
        """The 90th percentile of the stage in the customer's segment, else of everybody, and the day that it is of."""
        for name in (segment_at(at.customer, at.view, at.day, self._policy), EVERYBODY):
            segment = fleet.of(name)
            if segment.count(IN_STAGE + journey.stage) >= at.policy.stuck_customers:
                edges = segment.edges(DWELL + journey.stage, _P90, journey.dwell_days(fleet.day))
                return None if edges is None else (edges[0], fleet.day)
        return None

    def _expansion(self, at: _At, unseen: Unseen) -> None:
        customer, view, day, policy = at.customer, at.view, at.day, self._policy.adoption
        licensed = seats(view.traits_at(customer, (SEATS,), day * DAY_MS - 1))
        utilised = customer.states.get(_UTILISED)
        in_full = utilised is not None and utilised.value == "yes"
        if licensed is None and not in_full and _EXPANSION_READY not in customer.alerts:
            return
        month = policy.month_days
        to_count = not in_full and _EXPANSION_READY not in customer.alerts
        full = in_full_use(licensed, at.policy) if licensed is not None and to_count else 0
        if len(customer.shares) < full:
            # So many people were never known.
            return
        people = [
            (key, share)
            for key, share in customer.shares.items()
            if not share.detached and is_person(share.subject_type)
        ]
        if full:
            # The last day of each is known; the month before is counted where it matters.
            came = sum((view.last_days.of(customer, key, share, day) or 0) >= day - month for key, share in people)
            if came < full:
                return
        days = [share.days.keys() for _, share in people]
        users, before = (len(user_days(days, until, month)) for until in (day, day - month))
        share = view.series.window(QUERIES, day, policy.utilised_days) / policy.utilised_actions
        lifecycle = customer.states.get(StateName.LIFECYCLE)
        verdict = expansion_ready(
            SeatUse(users, before, licensed),
            Utilisation(share, None, in_full),
            at.tier,
            at.policy,
            shrinks=lifecycle is not None and lifecycle.value == Lifecycle.DECLINE,
            gone=customer.not_renewed or customer.silence is SilenceState.LEFT,
            blind=at.blind or unseen(day - 2 * month) > 0,
        )
        at.tell(_EXPANSION_READY, verdict)


def _is_settled(customer: Customer, before: Held | None) -> bool:
    """Whether no alert that states decide is open, and none of them may open one: the cell is the one ``before``."""
    states = customer.states
    lead = states.get(_LEAD_PRIORITY)
    return (
        customer.alerts.keys().isdisjoint(_BY_STATES)
        and states.get(_HEALTH_CELL) is before
        and (lead is None or lead.value != Priority.A)
    )


def _first(*days: int | None) -> int | None:
    return min((day for day in days if day is not None), default=None)


def _is_person(customer: Customer, profile_id: str) -> bool:
    share = customer.share(profile_id)
    return share is not None and is_person(share.subject_type)


def _name_of(customer: Customer, profile_id: str, day: int) -> str:
    """A person's name as of ``day``, else what it is identified by."""
    share = customer.share(profile_id)
    assert share is not None, "who answered is a person of the customer"
    names: Sequence[object] = [told.value for told in share.traits.get(_PERSON_NAME, ()) if told.at_ms < day * DAY_MS]
    return str(names[-1]) if names else share.subject_value
